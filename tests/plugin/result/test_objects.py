"""Objects of a class as a layer, in a real viewer."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.layers import Labels

from napari_coarse_crf import InputError, measure_objects, split_objects
from napari_coarse_crf.plugin.layers.record import recall
from napari_coarse_crf.plugin.result.objects import ObjectsBox, ObjectsTask
from tests.plugin.result.using import click_row, column, save_as, wait_for_words

if TYPE_CHECKING:
    from pathlib import Path

    from tests.plugin.result.using import Measured


def touching() -> np.ndarray[Any, np.dtype[np.int32]]:
    """Return two discs that touch and a small one, of 3 on 70000."""
    y, x = np.indices((40, 60))
    discs = ((20, 14, 9), (20, 30, 9), (8, 52, 3))
    inside = np.min([np.hypot(y - row, x - middle) - radius for row, middle, radius in discs], axis=0) < 0
    return np.where(inside, 3, 70_000).astype(np.int32)


def find(qtbot: Any, measured: Measured) -> Any:
    """Click the row of label 3 and then the button, and return the new layer."""
    viewer, widget = measured
    section = widget.result
    click_row(qtbot, section, column(section, 0).index("3"))
    assert section.panel.objects_button.text() == "Objects of 3"
    section.panel.objects_button.click()
    wait_for_words(qtbot, section, "objects.")
    return viewer.layers[-1]


def test_the_objects_of_a_row_become_a_layer_with_a_table_that_is_saved(
    measured: Measured, qtbot: Any, tmp_path: Path
) -> None:
    viewer, widget = measured
    section, refined = widget.result, viewer.layers["strokes refined"]
    assert not section.panel.objects_button.isEnabled()
    refined.data = touching()
    before = len(viewer.layers)
    layer = find(qtbot, measured)
    ids = split_objects(touching(), 3)
    assert (len(viewer.layers), layer.name) == (before + 1, "strokes refined objects")
    assert section.status == "Layer 'strokes refined objects' added: 3 objects."
    np.testing.assert_array_equal(layer.data, ids)
    np.testing.assert_array_equal(refined.data, touching())
    record = recall(refined)
    assert record is not None
    sure = np.where(touching() == record.labels, record.confidence, np.nan)
    table = measure_objects(ids, confidence=sure)
    assert layer.features["index"].tolist() == [1, 2, 3]
    assert layer.features["class"].tolist() == ["3"] * 3
    for name in ("pixels", "centroid-0", "centroid-1", "bbox-0", "bbox-3", "mean_confidence"):
        np.testing.assert_allclose(layer.features[name], table[name])
    save_as(qtbot, section, section.panel.save_objects_button, tmp_path / "objects.csv")
    wait_for_words(qtbot, section, "Saved objects.csv")
    with (tmp_path / "objects.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["id"], row["class"], int(row["pixels"])) for row in rows] == [
        (str(object_id), "3", pixels) for object_id, pixels in zip((1, 2, 3), table["pixels"], strict=True)
    ]


def test_the_controls_say_what_is_split_and_what_is_left_out(measured: Measured, qtbot: Any) -> None:
    viewer, widget = measured
    viewer.layers["strokes refined"].data = touching()
    box = widget.result.panel.objects_box
    box.neck, box.smallest = 50, 60
    layer = find(qtbot, measured)
    np.testing.assert_array_equal(layer.data, split_objects(touching(), 3, neck=50, smallest=60))
    assert layer.data.max() == 1
    box.smallest = 10_000
    widget.result.panel.objects_button.click()
    wait_for_words(qtbot, widget.result, "No part of label 3 has 10,000 pixels")
    assert viewer.layers[-1] is layer


def test_objects_are_of_the_moment_they_were_asked_for_and_offered_to_nobody(measured: Measured, qtbot: Any) -> None:
    viewer, widget = measured
    section, refined = widget.result, viewer.layers["strokes refined"]
    refined.data = touching()
    click_row(qtbot, section, column(section, 0).index("3"))
    section.panel.objects_button.click()
    refined.data[...] = 3
    wait_for_words(qtbot, section, "objects.")
    np.testing.assert_array_equal(viewer.layers[-1].data, split_objects(touching(), 3))
    assert section.compared.refined is refined
    assert viewer.layers[-1] not in [*section.boxes.coarse_box.choices, *widget.labels_layer.choices]


def test_size_and_place_are_those_of_the_layer_and_frames_hold_objects_of_their_own(qtbot: Any) -> None:
    box = ObjectsBox()
    qtbot.addWidget(box)
    film = np.stack([touching()] * 2)
    layer = Labels(
        film,
        name="film",
        axis_labels=("time", "y", "x"),
        scale=(60, 0.5, 0.25),
        translate=(0, 5, 7),
        units=("s", "um", "um"),
    )
    task = ObjectsTask.prepare(layer, 3, "nuclei", box)
    found = task.find()
    np.testing.assert_array_equal(found.ids, split_objects(film, 3, spacing=(1, 2, 1), apart=(0,)))
    np.testing.assert_allclose(found.features["size (µm^2)"], found.features["pixels"] * 0.125)
    assert set(found.features["class"]) == {"nuclei"}
    objects = Labels(found.ids, features=found.features, **task.look(layer))
    np.testing.assert_array_equal(objects.scale, layer.scale)
    np.testing.assert_array_equal(objects.translate, layer.translate)
    assert (objects.units, objects.axis_labels) == (layer.units, layer.axis_labels)


def test_a_class_without_pixels_has_no_objects(qtbot: Any) -> None:
    box = ObjectsBox()
    qtbot.addWidget(box)
    with pytest.raises(InputError, match="No part of label 9"):
        ObjectsTask.prepare(Labels(touching()), 9, "", box).find()

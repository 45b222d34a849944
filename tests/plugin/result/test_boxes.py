"""The boxes of what is compared keep their layers, whatever is renamed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_coarse_crf.plugin.layers.provenance import KEY
from napari_coarse_crf.plugin.result.boxes import ComparedBoxes
from napari_coarse_crf.plugin.result.compared import Compared


@pytest.fixture
def viewer() -> Any:
    """Return a viewer with strokes, what was refined of them, and another layer that may be their truth."""
    viewer, pixels = ViewerModel(), np.eye(4, dtype=np.uint8)
    viewer.add_labels(pixels, name="strokes")
    viewer.add_labels(pixels, name="refined", metadata={KEY: {"parameters": {}, "labels": "strokes"}})
    viewer.add_labels(pixels, name="truth")
    return viewer


@pytest.fixture
def boxes(viewer: Any, qtbot: Any) -> ComparedBoxes:
    boxes = ComparedBoxes(viewer)
    qtbot.addWidget(boxes)
    # As napari does for what it docks.
    events = viewer.layers.events
    for event in (events.inserted, events.removed, events.reordered, events.renamed):
        event.connect(boxes.reset_choices)
    return boxes


@pytest.mark.parametrize("name", ["refined", "truth"])
def test_a_layer_that_is_given_the_name_of_the_source_stays_what_it_was_chosen_as(
    boxes: ComparedBoxes, viewer: Any, name: str
) -> None:
    strokes, refined, truth = viewer.layers
    boxes.truth_box.value = truth
    told: list[Compared] = []
    boxes.changed.connect(told.append)
    viewer.layers[name].name = "strokes"  # for a moment there are two of this name
    assert boxes.compared == Compared(strokes, refined, (), truth, problem="")
    assert not told
    assert boxes.refined_box.native.currentText() == refined.name
    boxes.show_result(refined)
    assert boxes.compared.coarse is strokes


def test_boxes_whose_layers_are_renamed_keep_them(boxes: ComparedBoxes, viewer: Any) -> None:
    chosen = boxes.compared
    for layer in list(viewer.layers):
        layer.name = f"{layer.name} of Monday"
    assert boxes.compared == chosen


def test_the_box_of_a_layer_that_is_gone_is_empty(boxes: ComparedBoxes, viewer: Any) -> None:
    boxes.truth_box.value = viewer.layers["truth"]
    viewer.layers.remove("truth")
    assert boxes.compared.truth is None
    assert boxes.truth_box.value is None


def test_layers_to_look_at_are_not_compared_and_a_preview_only_as_a_refinement(
    boxes: ComparedBoxes, viewer: Any
) -> None:
    strokes, refined, truth = viewer.layers
    pixels = np.eye(4, dtype=np.uint8)
    viewer.add_labels(pixels, metadata={KEY: {"shows": "errors"}})
    preview = viewer.add_labels(pixels, metadata={KEY: {"parameters": {}, "labels": "strokes", "preview": True}})
    for box in (boxes.coarse_box, boxes.truth_box):
        assert set(box.choices) == {None, strokes, refined, truth}
    assert set(boxes.refined_box.choices) == {None, strokes, refined, truth, preview}


def test_a_preview_is_chosen_until_there_is_a_result(qtbot: Any) -> None:
    viewer, pixels = ViewerModel(), np.eye(4, dtype=np.uint8)
    strokes = viewer.add_labels(pixels, name="strokes")
    boxes = ComparedBoxes(viewer)
    qtbot.addWidget(boxes)
    about = {"parameters": {}, "labels": "strokes"}
    preview = viewer.add_labels(pixels, metadata={KEY: {**about, "preview": True}})
    boxes.reset_choices()
    assert boxes.compared == Compared(strokes, preview, problem="")
    refined = viewer.add_labels(pixels, metadata={KEY: about})
    boxes.reset_choices()
    boxes.show_result(refined)
    assert boxes.compared == Compared(strokes, refined, problem="")

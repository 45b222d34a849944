"""The widget in a real viewer, driven by its buttons."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import pytest
from napari.layers import Layer
from napari.settings import get_settings
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QAbstractSlider, QAbstractSpinBox, QApplication, QComboBox, QScrollBar

from napari_coarse_crf import Parameters, __version__, refine_labels
from napari_coarse_crf.plugin import RefineWidget
from tests.plugin.waiting import wait_until_ready

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    Dock = Callable[..., tuple[Any, RefineWidget]]
    PressRun = Callable[[RefineWidget], Any]


def test_the_manifest_opens_the_widget(dock: Dock) -> None:
    _, widget = dock()
    assert isinstance(widget, RefineWidget)
    assert widget.parameters == Parameters.preset("auto")
    assert "Refine labels" in widget.native.parent().windowTitle()


def test_run_adds_a_layer_equal_to_refine_labels(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    widget.parameters = Parameters(theta_alpha=80, iterations=3)
    layer = press_run(widget)
    wanted = refine_labels(
        image,
        labels,
        Parameters(theta_alpha=80, iterations=3),
        spacing=(1, 1),
        contrast_limits=viewer.layers["photo"].contrast_limits,
    )
    np.testing.assert_array_equal(layer.data, wanted)
    assert layer.data.dtype == labels.dtype
    assert [each.name for each in viewer.layers] == ["photo", "strokes", "strokes refined"]
    assert "Done" in widget.status
    assert "'strokes refined'" in widget.status


def test_warnings_call_labels_by_their_classes(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    labels[15:26, 15:26] = 3
    labels[20, 20] = 9  # nothing is left around it
    viewer, widget = dock(image, labels, rgb=True)
    viewer.layers["strokes"].features = {"index": [9], "class": ["boat"]}
    layer = press_run(widget)
    assert "Label 9 (boat) took none of the" in widget.status
    assert "Label 9 took none of the" in layer.metadata["napari_coarse_crf"]["warnings"][0]  # as the core says it


def test_a_result_is_cleaned_as_the_sliders_say(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    image[5:8, 5:8] = image[5, 40]  # a speck of the right half in the left one
    viewer, widget = dock(image, labels, rgb=True)
    widget.parameters = Parameters(similarity="colour", appearance_weight=0)
    assert press_run(widget).data[6, 6] == 70_000
    widget.controls.by_name["smallest_part"].value = 50
    layer = press_run(widget)
    assert layer.data[6, 6] == 3
    limits = viewer.layers["photo"].contrast_limits
    wanted = refine_labels(image, labels, widget.parameters, contrast_limits=limits)
    np.testing.assert_array_equal(layer.data, wanted)
    assert layer.metadata["napari_coarse_crf"]["parameters"]["smallest_part"] == 50


def test_sixteen_bit_and_float_images_are_scaled_by_the_contrast_limits(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    grey = image[..., 0].astype(">u2") * 37  # big-endian, as TIFF readers give it
    for data in (grey, grey.astype(np.float32)):
        _, widget = dock(data, labels, contrast_limits=(1500, 8000))
        layer = press_run(widget)
        wanted = refine_labels(data, labels, spacing=(1, 1), contrast_limits=(1500, 8000))
        np.testing.assert_array_equal(layer.data, wanted)


def test_the_scale_of_the_labels_is_the_spacing(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    viewer.layers["strokes"].scale = viewer.layers["photo"].scale = (6, 0.5)
    layer = press_run(widget)
    wanted = refine_labels(image, labels, spacing=(6, 0.5))
    np.testing.assert_array_equal(layer.data, wanted)
    np.testing.assert_array_equal(layer.scale, (6, 0.5))


def test_transparent_pixels_take_no_part(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    alpha = np.full((40, 60, 1), 255, np.uint8)
    alpha[:, 30:33] = 0
    _, widget = dock(np.concatenate([image, alpha], axis=-1), labels, rgb=True)
    layer = press_run(widget)
    np.testing.assert_array_equal(layer.data, refine_labels(image, labels, mask=alpha[..., 0] > 0))
    assert not layer.data[:, 30:33].any()


def test_a_volume_is_refined_as_a_volume(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    volume, strokes = np.stack([image[..., 0]] * 4), np.zeros((4, 40, 60), np.int32)
    strokes[2] = labels
    _, widget = dock(volume, strokes)
    layer = press_run(widget)
    np.testing.assert_array_equal(layer.data, refine_labels(volume, strokes))
    assert layer.data[0].all()


def test_arrays_of_every_make_are_read(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any], tmp_path: Path
) -> None:
    wanted = refine_labels(image, labels)
    for name, array in (("image", image), ("labels", labels)):
        np.save(tmp_path / f"{name}.npy", array)
    on_disk = [np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in ("image", "labels")]
    frozen, frozen_labels = image.copy(), labels.copy()
    frozen.flags.writeable = frozen_labels.flags.writeable = False
    transposed = np.ascontiguousarray(labels.T).T
    lazy, lazy_labels = da.from_array(image, chunks=(20, 20, 3)), da.from_array(labels, chunks=20)
    for each in ((frozen, frozen_labels), (np.asfortranarray(image), transposed), (lazy, lazy_labels), on_disk):
        _, widget = dock(*each, rgb=True)
        np.testing.assert_array_equal(press_run(widget).data, wanted)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.uint64])
def test_ids_and_dtype_survive(dock: Dock, press_run: PressRun, image: NDArray[Any], dtype: Any) -> None:
    ids = (3, 200) if dtype is np.uint8 else (7, 2**40)
    labels = np.zeros((40, 60), dtype)
    labels[20, 5], labels[20, 55] = ids
    _, widget = dock(image, labels, rgb=True)
    layer = press_run(widget)
    assert layer.data.dtype == dtype
    assert set(np.unique(layer.data).tolist()) == set(ids)


def test_the_input_layers_are_never_changed(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    before = [layer.data.tobytes() for layer in viewer.layers]
    layer = press_run(widget)
    assert [each.data.tobytes() for each in list(viewer.layers)[:2]] == before
    layer.data[...] = 0
    assert viewer.layers["strokes"].data.tobytes() == before[1]


def test_the_dock_begins_with_the_selected_layers(
    make_napari_viewer: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer = make_napari_viewer()
    for name in ("first", "second"):
        viewer.add_image(image, name=name, rgb=True)
        viewer.add_labels(labels, name=f"strokes on {name}")
    assert RefineWidget(viewer).labels_layer.value.name == "strokes on second"
    viewer.layers.selection.active = viewer.layers["strokes on first"]
    assert RefineWidget(viewer).labels_layer.value.name == "strokes on first"
    viewer.layers["strokes on second"].visible = False
    viewer.layers.selection.active = viewer.layers["strokes on second"]
    assert RefineWidget(viewer).labels_layer.value.name == "strokes on first"
    viewer.layers.selection.active = viewer.layers["second"]
    assert RefineWidget(viewer).image_layer.value.name == "second"


def test_two_runs_give_two_layers_and_keep_the_choice(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    press_run(widget)
    press_run(widget)
    assert [each.name for each in viewer.layers] == ["photo", "strokes", "strokes refined", "strokes refined [1]"]
    assert widget.labels_layer.value is viewer.layers["strokes"]
    assert viewer.layers.selection.active is viewer.layers["strokes"]  # the next stroke is painted there


def test_metadata_says_where_the_result_comes_from(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    _, widget = dock(image, labels, rgb=True)
    about = press_run(widget).metadata["napari_coarse_crf"]
    assert about["version"] == __version__
    assert Parameters.from_dict(about["parameters"]) == widget.setting.shown_parameters
    assert (about["image"], about["labels"], about["engine"]) == ("photo", "strokes", "lattice")
    assert about["label_counts"][3][0] == 20
    assert sum(after for _, after in about["label_counts"].values()) == labels.size
    assert about["seconds"] >= 0
    assert datetime.now(UTC) - datetime.fromisoformat(about["time"]) < timedelta(minutes=10)
    json.dumps(about)  # plain values, so that it can be saved


def test_warnings_of_the_core_are_shown_and_kept(dock: Dock, press_run: PressRun, image: NDArray[Any]) -> None:
    full = np.ones((40, 60), np.uint8)
    full[:, 35:] = 2
    _, widget = dock(image, full, rgb=True)
    layer = press_run(widget)
    np.testing.assert_array_equal(layer.data, full)
    (sentence,) = layer.metadata["napari_coarse_crf"]["warnings"]
    assert sentence in widget.status


def test_of_many_warnings_the_first_are_shown_and_the_rest_counted(
    dock: Dock, press_run: PressRun, image: NDArray[Any]
) -> None:
    crowded = np.zeros((40, 60), np.uint8)
    crowded[::4, ::4] = np.arange(150, dtype=np.uint8).reshape(10, 15) + 1
    _, widget = dock(image, crowded, rgb=True)
    widget.parameters = Parameters(appearance_weight=50, smoothness_weight=20)
    warnings = press_run(widget).metadata["napari_coarse_crf"]["warnings"]
    assert len(warnings) > 2
    assert f"{len(warnings) - 2} more warnings are in the layer's metadata." in widget.status
    assert warnings[1] in widget.status
    assert warnings[2] not in widget.status


def test_layers_at_different_places_are_refined_as_they_lie_with_a_warning(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    viewer.layers["photo"].translate = (0, 5)
    layer = press_run(widget)
    assert "'strokes' is shifted against 'photo'" in widget.status
    np.testing.assert_array_equal(layer.data[10:30, 3], 3)  # a stroke of column 8
    np.testing.assert_array_equal(layer.translate, (0, 5))


def test_what_is_missing_is_said_and_run_is_disabled_until_it_is_there(
    dock: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock()
    button = widget.run_bar.button
    assert "Open an image first" in widget.status
    assert not button.isEnabled()
    assert widget.run() is None
    viewer.add_image(image, name="photo", rgb=True)
    assert "Add a Labels layer" in widget.status
    layer = viewer.add_labels(np.zeros_like(labels), name="strokes")
    assert "still empty" in widget.status
    layer.selected_label = 3
    layer.paint((10, 10), 3)
    qtbot.waitUntil(lambda: "one label only, 3." in widget.status)
    assert not button.isEnabled()
    layer.paint((20, 40), 9)
    qtbot.waitUntil(button.isEnabled)
    assert widget.status.startswith("Ready.")
    layer.data = labels[np.newaxis]
    qtbot.waitUntil(lambda: "1 x 40 x 60" in widget.status)
    viewer.layers.clear()
    assert "Open an image first" in widget.status
    assert not button.isEnabled()


def test_run_looks_again_when_the_labels_were_changed_behind_its_back(
    dock: Dock, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels.copy(), rgb=True)
    viewer.layers["strokes"].data[...] = 0
    assert widget.run() is None
    assert "still empty" in widget.status


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda image, labels: (np.where(image == image[0, 0], np.inf, image.astype(float)), labels), "infinite"),
        (lambda image, labels: (image, -labels), "negative"),
    ],
)
def test_what_only_the_core_finds_is_said_in_its_words(
    dock: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any], spoil: Any, sentence: str
) -> None:
    grey, strokes = spoil(image[..., 0], labels)
    viewer, widget = dock(grey, strokes, contrast_limits=(0, 255))
    with qtbot.waitSignal(widget.run().finished):
        pass
    wait_until_ready(qtbot, widget)
    assert sentence in widget.status
    assert len(viewer.layers) == 2


def test_pixels_of_nan_take_no_part_and_are_counted(
    dock: Dock, press_run: Callable[[RefineWidget], Any], image: NDArray[Any], labels: NDArray[Any]
) -> None:
    grey = image[..., 0].astype(float)
    grey[:3] = np.nan
    _, widget = dock(grey, labels, contrast_limits=(0, 255))
    layer = press_run(widget)
    assert not layer.data[:3].any()
    assert layer.data[3:].all()
    assert "180 pixels of NaN" in widget.status


def test_the_boxes_follow_the_layer_list(dock: Dock, image: NDArray[Any], labels: NDArray[Any]) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    other = viewer.add_labels(labels, name="other")
    assert widget.labels_layer.value is viewer.layers["strokes"]
    assert list(widget.labels_layer.choices) == [viewer.layers["strokes"], other]
    other.name = "renamed"
    assert widget.labels_layer.native.itemText(1) == "renamed"
    viewer.layers.remove("strokes")
    assert widget.labels_layer.value is other


@pytest.mark.parametrize("name", ["renamed", "strokes", "third"])
def test_a_renamed_layer_stays_chosen(dock: Dock, image: NDArray[Any], labels: NDArray[Any], name: str) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    other = viewer.add_labels(labels, name="other")
    viewer.add_labels(labels, name="third")
    widget.labels_layer.value = other
    changes: list[Any] = []
    widget.labels_layer.changed.connect(changes.append)
    other.name = name
    assert widget.labels_layer.value is other
    assert widget.labels_layer.native.currentText() == other.name
    viewer.layers["strokes"].name = other.name  # napari tells them apart after it has told us
    assert widget.labels_layer.value is other
    assert len(widget.labels_layer.choices) == 3
    assert not changes
    viewer.layers.remove(other)
    assert len(changes) == 1


def test_a_viewer_offers_its_own_layers_only(dock: Dock, image: NDArray[Any], labels: NDArray[Any]) -> None:
    first_viewer, first = dock(image, labels, rgb=True)
    second_viewer, second = dock(image, labels, rgb=True)
    assert first.image_layer.value is first_viewer.layers["photo"]
    assert second.image_layer.value is second_viewer.layers["photo"]
    second_viewer.layers.clear()
    assert first.image_layer.value is first_viewer.layers["photo"]
    assert second.image_layer.value is None


def test_two_widgets_of_two_viewers_run_side_by_side(
    dock: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    opened = [dock(image, labels, rgb=True) for _ in range(2)]
    for _, widget in opened:
        widget.run_bar.button.click()
    for viewer, widget in opened:
        wait_until_ready(qtbot, widget)
        assert len(viewer.layers) == 3


def test_the_keyboard_alone_is_enough(dock: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    slider = widget.controls.by_name["theta_alpha"].slider
    qtbot.keyClick(slider, Qt.Key.Key_Home)
    assert widget.parameters.theta_alpha == 1
    qtbot.keyClick(widget.run_bar.button, Qt.Key.Key_Space)
    assert widget.run_bar.button.text() == "Cancel"
    wait_until_ready(qtbot, widget)
    assert len(viewer.layers) == 3


@pytest.mark.parametrize("width", [300, 500])
def test_nothing_is_cut_at_this_width(dock: Dock, width: int) -> None:
    _, widget = dock()
    widget.controls.advanced.expand(animate=False)
    # What the controls need, with the margins around them and a scroll bar beside them.
    margins = widget.native.layout().contentsMargins()
    scroll_bar = widget.native.style().pixelMetric(widget.native.style().PixelMetric.PM_ScrollBarExtent)
    assert widget.controls.minimumSizeHint().width() + margins.left() + margins.right() + scroll_bar <= width
    assert widget.native.minimumSizeHint().width() <= width


def test_a_large_font_makes_the_dock_no_wider_than_its_controls(dock: Dock, qtbot: Any) -> None:
    get_settings().appearance.font_size = 16
    _, widget = dock()
    qtbot.waitUntil(lambda: widget.result.heading.fontMetrics().height() > 20)
    least = widget.native.minimumSizeHint().width()
    assert least < 400
    assert all(part.minimumSizeHint().width() < least for part in (widget.presets, widget.controls))


def test_the_wheel_turns_nothing_that_the_pointer_passes_over(
    dock: Dock, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    _, widget = dock(image, labels, rgb=True)
    for kind in (QComboBox, QAbstractSpinBox, QAbstractSlider):
        for control in widget.native.findChildren(kind):
            if isinstance(control, QScrollBar):
                continue
            place = QPointF(control.rect().center())
            down = QWheelEvent(
                place, QPointF(control.mapToGlobal(control.rect().center())), QPoint(), QPoint(0, -120),
                Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
            )  # fmt: skip
            QApplication.sendEvent(control, down)
            assert not down.isAccepted(), control.accessibleName()
    assert widget.parameters == Parameters.preset("auto")
    assert widget.presets.box.currentText() == "auto"


def test_layers_at_different_places_are_named_before_run(
    dock: Callable[..., tuple[Any, RefineWidget]], qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    assert widget.status.startswith("Ready.")
    viewer.layers["photo"].translate = (0, 5)
    qtbot.waitUntil(lambda: "is shifted against 'photo'" in widget.status)
    assert widget.run_bar.button.isEnabled()
    viewer.layers["photo"].rotate = 20
    qtbot.waitUntil(lambda: "is turned or sheared against 'photo'" in widget.status)
    assert not widget.run_bar.button.isEnabled()
    viewer.layers["photo"].rotate = 0
    viewer.layers["photo"].translate = (0, 0)
    qtbot.waitUntil(lambda: widget.status.startswith("Ready."))


def test_a_newer_result_hides_the_earlier_one_and_the_section_brings_it_back(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    first = press_run(widget)
    widget.result.panel.flip_button.click()  # what is borrowed for looking is put back before
    second = press_run(widget)
    assert [layer.name for layer in viewer.layers if layer.visible] == ["photo", "strokes", "strokes refined [1]"]
    widget.result.boxes.refined_box.value = first
    assert first.visible
    assert not second.visible
    widget.result.boxes.refined_box.value = second
    assert second.visible
    assert not first.visible


def test_a_stroke_asks_no_layer_where_it_lies(
    dock: Dock, image: NDArray[Any], labels: NDArray[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """There may be hundreds of dabs a second, and what comes after one must be over before the next."""
    viewer, _ = dock(image, labels, rgb=True)
    asked: list[str] = []
    where = Layer.data_to_world

    def note(layer: Layer, position: Any) -> Any:
        asked.append(layer.name)
        return where(layer, position)

    viewer.layers["strokes"].scale = 2, 2
    monkeypatch.setattr(Layer, "data_to_world", note)
    viewer.layers["strokes"].scale = 1, 1
    assert set(asked) == {"photo", "strokes"}  # this is how they are looked at
    asked.clear()
    viewer.layers["strokes"].paint((20, 30), 9)
    assert not asked

"""Layers that are made of a result, and the cut by confidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QApplication

from napari_coarse_crf import Refiner
from tests.helpers import halved
from tests.plugin.result.using import add_difference, click_row, column, cut_of, limit_of, wait_for_words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tests.plugin.result.using import Dock, Measured, PressRun


def test_what_was_filled_becomes_a_layer(measured: Measured, labels: NDArray[Any], qtbot: Any) -> None:
    viewer, widget = measured
    add_difference(qtbot, widget.result, 0)
    layer = viewer.layers["strokes refined: what was filled"]
    np.testing.assert_array_equal(layer.data, (labels == 0).astype(int))
    assert widget.result.status.endswith("green = filled (2,360 pixels).")
    add_difference(qtbot, widget.result, 1)
    assert "strokes refined: errors" in viewer.layers
    assert "right" in widget.result.status


def test_a_difference_is_of_the_moment_it_was_asked_for_and_does_not_hold_the_window(
    measured: Measured, qtbot: Any
) -> None:
    viewer, widget = measured
    actions = widget.result.panel.difference_menu.actions()
    for action in actions:
        action.trigger()
    assert len(viewer.layers) == 4
    for name in ("strokes", "strokes refined", "truth"):
        viewer.layers[name].data[...] = 5
    qtbot.waitUntil(lambda: len(viewer.layers) == 6)
    for title in ("what was filled", "errors"):
        assert viewer.layers[f"strokes refined: {title}"].data.any()


def test_layers_that_are_equal_differ_in_nothing(measured: Measured, qtbot: Any) -> None:
    viewer, widget = measured
    viewer.layers["strokes refined"].data = viewer.layers["strokes"].data
    add_difference(qtbot, widget.result, 0)
    assert widget.result.status.endswith("the layers are equal.")


def test_what_differs_between_two_refinements_becomes_a_layer(
    measured: Measured, press_run: PressRun, qtbot: Any
) -> None:
    viewer, widget = measured
    first = widget.result.compared.refined
    first.data[:2, :2] = 70_000
    second = press_run(widget)
    first.name = "this & that"
    widget.result.boxes.others.item(0).setCheckState(Qt.CheckState.Checked)
    action = widget.result.panel.difference_menu.actions()[1]
    assert action.text() == "changes from this && that"  # Qt would underline what follows a single one
    add_difference(qtbot, widget.result, 1)
    layer = viewer.layers[f"{second.name}: changes from {first.name}"]
    np.testing.assert_array_equal(layer.data != 0, first.data != second.data)
    assert "orange = another label" in widget.result.status


def test_heatmap_and_objects_are_called_by_the_class(measured: Measured, qtbot: Any) -> None:
    viewer, widget = measured
    section = widget.result
    viewer.layers["strokes"].features = {"index": [3], "class": ["sea & all its islands"]}
    qtbot.waitUntil(lambda: "3 sea & all its islands" in column(section, 0))
    click_row(qtbot, section, column(section, 0).index("3 sea & all its islands"))
    assert section.status == "Label 3 (sea & all its islands) is selected in the compared layers."
    said = section.panel.objects_button.text()
    assert said.startswith("Objects of sea && ")
    assert said.endswith("…")
    section.panel.heatmap_button.click()
    wait_for_words(qtbot, section, "before the CRF")
    assert "strokes refined: heatmap of 3 (sea & all its islands)" in viewer.layers
    section.panel.objects_box.smallest = 10_000
    section.panel.objects_button.click()
    wait_for_words(qtbot, section, "No part of label 3 (sea & all its islands) has 10,000 pixels")


def test_confidence_and_heatmap_become_images_at_the_place_of_the_labels(
    dock: Dock, press_run: PressRun, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels, rgb=True, scale=(2, 3), units=("um", "um"))
    place = {"scale": (2, 3), "translate": (5, 7), "units": ("um", "um"), "axis_labels": ("row", "column")}
    for name, value in place.items():
        for layer in viewer.layers:
            setattr(layer, name, value)
    qtbot.waitUntil(widget.run_bar.button.isEnabled)
    refined = press_run(widget)
    section = widget.result
    section.heading.click()
    qtbot.waitUntil(lambda: bool(section.panel.table.comparison.rows))
    section.panel.confidence_button.click()
    assert not section.panel.heatmap_button.isEnabled()
    click_row(qtbot, section, column(section, 0).index("3"))
    section.panel.heatmap_button.click()
    wait_for_words(qtbot, section, "before the CRF")
    confidence = viewer.layers["strokes refined: confidence"]
    heatmap = viewer.layers["strokes refined: heatmap of 3"]
    refiner = Refiner(image, labels, spacing=(2, 3), contrast_limits=viewer.layers["photo"].contrast_limits)
    np.testing.assert_array_equal(heatmap.data, refiner.heatmap()[0])
    np.testing.assert_array_equal(confidence.data, refiner.run().confidence)
    for layer in (confidence, heatmap):
        np.testing.assert_array_equal(layer.scale, refined.scale)
        np.testing.assert_array_equal(layer.translate, refined.translate)
        assert (layer.units, layer.axis_labels) == (refined.units, refined.axis_labels)


def test_labels_of_another_size_are_compared_as_the_run_read_them(
    dock: Dock, press_run: PressRun, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, None, rgb=True)
    small = halved(labels)
    viewer.add_labels(small, name="strokes", scale=(2, 2))
    refined = press_run(widget)
    section = widget.result
    assert section.compared.problem == ""
    section.heading.click()
    qtbot.waitUntil(lambda: bool(section.panel.table.comparison.rows))
    painted = 4 * np.count_nonzero(small)
    assert [row.before for row in section.panel.table.comparison.rows][-1] == painted
    add_difference(qtbot, section, 0)
    difference = viewer.layers["strokes refined: what was filled"]
    assert difference.data.shape == refined.data.shape
    assert np.count_nonzero(difference.data == 0) == painted


def test_the_slider_leaves_unsure_pixels_unlabelled_and_gives_them_back(unsure: Measured, qtbot: Any) -> None:
    viewer, widget = unsure
    section, layer = widget.result, viewer.layers["strokes refined"]
    full = layer.data.copy()
    section.panel.cut_slider.setValue(100)
    qtbot.waitUntil(lambda: bool((layer.data == 0).any()))
    assert section.panel.cut_value.text() == "100 %"
    assert cut_of(layer) == 1.0
    count = np.count_nonzero(layer.data == 0)
    assert section.status == f"Unlabelled pixels of 'strokes refined': {count:,}; confidence is 1 at least elsewhere."
    qtbot.waitUntil(lambda: column(section, 2)[0] != "0")
    section.panel.cut_slider.setValue(0)
    qtbot.waitUntil(lambda: not (layer.data == 0).any())
    np.testing.assert_array_equal(layer.data, full)
    assert cut_of(layer) == 0
    section.panel.cut_slider.setValue(30)
    qtbot.waitUntil(lambda: bool((layer.data == 0).any()))
    filled = np.count_nonzero(viewer.layers["strokes"].data == 0)
    assert abs(np.count_nonzero(layer.data == 0) / filled - 0.3) < 0.01


def test_the_slider_stays_where_it_was_put_whatever_happens_before_the_layer_follows(
    unsure: Measured, qtbot: Any
) -> None:
    viewer, widget = unsure
    panel, layer = widget.result.panel, viewer.layers["strokes refined"]
    for _ in range(4):
        qtbot.keyClick(panel.cut_slider, Qt.Key.Key_PageUp)
    layer.name = "renamed"
    panel.contour_button.click()
    widget.reset_choices()
    assert panel.cut == 40
    assert panel.cut_value.text() == "40 %"
    qtbot.waitUntil(lambda: cut_of(layer) == limit_of(layer, 40))
    assert panel.cut == 40


def test_a_layer_chosen_before_the_other_was_cut_keeps_its_own_cut(
    unsure: Measured, press_run: PressRun, qtbot: Any
) -> None:
    viewer, widget = unsure
    first, second = viewer.layers["strokes refined"], press_run(widget)
    section = widget.result
    section.panel.cut_slider.setValue(60)
    section.boxes.refined_box.value = first
    assert section.panel.cut == 0
    qtbot.waitUntil(lambda: cut_of(second) == limit_of(second, 60))
    assert (cut_of(first), section.panel.cut) == (0, 0)
    section.panel.cut_slider.setValue(30)
    viewer.layers.remove(first)
    assert section.panel.cut == 60
    section.panel.cut_slider.setValue(70)
    qtbot.waitUntil(lambda: cut_of(second) == limit_of(second, 70))
    assert section.panel.cut == 70


def test_a_layer_of_another_session_is_compared_but_its_confidence_is_not_known(measured: Measured) -> None:
    viewer, widget = measured
    viewer.add_labels(viewer.layers["strokes refined"].data, name="from a file")
    widget.result.boxes.refined_box.value = viewer.layers["from a file"]
    panel = widget.result.panel
    assert panel.flip_button.isEnabled()
    assert panel.save_button.isEnabled()
    assert not panel.confidence_button.isEnabled()
    assert not panel.heatmap_button.isEnabled()
    assert not panel.cut_slider.isEnabled()
    assert panel.cut_slider.is_pale


def test_the_wheel_scrolls_past_slider_and_boxes(measured: Measured) -> None:
    viewer, widget = measured
    section = widget.result
    section.panel.cut_slider.setValue(50)
    for target in (section.panel.cut_slider, section.boxes.coarse_box.native):
        place = QPointF(target.rect().center())
        down = QWheelEvent(
            place,
            QPointF(target.mapToGlobal(target.rect().center())),
            QPoint(),
            QPoint(0, -120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(target, down)
    assert section.panel.cut == 50
    assert section.compared.coarse is viewer.layers["strokes"]

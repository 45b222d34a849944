"""The section Result in a real viewer: what is chosen, and what happens to the viewer meanwhile."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QMessageBox, QPushButton, QScrollArea

from napari_coarse_crf.plugin import RefineWidget
from napari_coarse_crf.plugin.layers.record import recall
from napari_coarse_crf.plugin.result.compared import Compared
from napari_coarse_crf.plugin.result.panel import FLIP_KEY
from tests.plugin.result.using import (
    add_difference,
    click_row,
    close_dock,
    column,
    cut_of,
    press_flip_key,
    save_as,
    shown,
    wait_for_table,
    wait_for_words,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_coarse_crf.plugin.result.section import ResultSection
    from tests.plugin.result.using import Dock, Measured, PressRun


def test_before_a_run_the_section_says_what_to_do_and_offers_nothing(dock: Dock) -> None:
    _, widget = dock()
    section = widget.result
    section.heading.click()
    assert section.status.startswith("Press Run first")
    usable = [button.text() for button in section.panel.findChildren(QPushButton) if button.isEnabled()]
    assert [text for text in usable if "able" not in text] == []  # those of the table are hidden
    assert not section.panel.copy_button.isVisible()


def test_after_a_run_its_result_and_source_are_chosen(measured: Measured) -> None:
    viewer, widget = measured
    strokes, refined, truth = (viewer.layers[name] for name in ("strokes", "strokes refined", "truth"))
    assert widget.result.compared == Compared(strokes, refined, (), truth, problem="")
    assert not widget.result.boxes.others.isVisible()


def test_a_second_run_offers_the_first_one_to_compare_with(measured: Measured, press_run: PressRun) -> None:
    viewer, widget = measured
    section, others = widget.result, widget.result.boxes.others
    first, second = section.compared.refined, press_run(widget)
    assert section.compared.refined is second
    assert [others.item(row).text() for row in range(others.count())] == [first.name]
    assert not section.compared.others
    others.item(0).setCheckState(Qt.CheckState.Checked)
    assert section.compared.layers == [viewer.layers["strokes"], second, first, viewer.layers["truth"]]
    first.name = "first try"
    assert others.item(0).text() == "first try"
    assert section.compared.others == (first,)
    viewer.layers.remove(first)
    assert not section.compared.others


def test_a_row_keeps_the_keyboard_while_it_is_ticked(measured: Measured, press_run: PressRun, qtbot: Any) -> None:
    _, widget = measured
    press_run(widget)
    others = widget.result.boxes.others
    others.setCurrentRow(0)
    for count in (1, 0, 1):
        qtbot.keyClick(others, Qt.Key.Key_Space)
        assert len(widget.result.compared.others) == count


def test_layers_that_do_not_fit_are_said_in_words_and_cannot_be_compared(measured: Measured) -> None:
    viewer, widget = measured
    section = widget.result
    viewer.add_labels(np.ones((9, 9), int), name="small")
    section.boxes.truth_box.value = viewer.layers["small"]
    assert "'small' and 'strokes refined' differ in size" in section.status
    assert not section.panel.flip_button.isEnabled()
    section.boxes.truth_box.value = None
    assert section.panel.flip_button.isEnabled()
    section.boxes.coarse_box.value = section.compared.refined
    assert "are the same layer" in section.status


def test_layers_that_stop_fitting_are_said_in_words_too(measured: Measured, qtbot: Any) -> None:
    viewer, widget = measured
    section = widget.result
    section.panel.contour_button.click()
    viewer.layers["truth"].data = np.ones((9, 9), int)
    wait_for_words(qtbot, section, "'truth' and 'strokes refined' differ in size")
    assert not section.panel.flip_button.isEnabled()
    assert viewer.layers["strokes"].contour == 0
    viewer.layers["truth"].data = np.ones((40, 60), int)
    wait_for_words(qtbot, section, "Flip shows")
    assert section.panel.flip_button.isEnabled()
    wait_for_table(qtbot, section)


@pytest.mark.parametrize("width", [300, 500])
def test_nothing_but_the_table_needs_more_width(measured: Measured, width: int) -> None:
    _, widget = measured
    panel, margins = widget.result.panel, widget.native.layout().contentsMargins()
    scroll_bar = panel.style().pixelMetric(panel.style().PixelMetric.PM_ScrollBarExtent)
    assert panel.body.minimumSizeHint().width() + margins.left() + margins.right() + scroll_bar <= width


def test_the_boxes_begin_below_each_other(measured: Measured) -> None:
    _, widget = measured
    boxes = widget.result.boxes
    assert len({box.native.x() for box in (boxes.coarse_box, boxes.refined_box, boxes.truth_box)}) == 1


def test_the_sentence_does_not_scroll_away_and_folds_with_the_section(measured: Measured) -> None:
    _, widget = measured
    section = widget.result
    status = section.panel.status
    around = [area for area in section.findChildren(QScrollArea) if area is not status]
    assert around
    assert not any(area.isAncestorOf(status) for area in around)
    assert status.isVisibleTo(section)
    section.heading.click()
    assert not status.isVisibleTo(section)


def test_deleting_a_layer_that_is_compared_ends_the_comparison_and_puts_the_others_back(
    measured: Measured, qtbot: Any
) -> None:
    viewer, widget = measured
    section = widget.result
    section.panel.contour_button.click()
    section.panel.blink_button.click()
    viewer.layers.remove("truth")
    assert not section.looking.is_blinking
    assert not section.panel.blink_button.isChecked()
    assert not section.panel.contour_button.isChecked()
    assert shown(viewer) == ["photo", "strokes", "strokes refined"]
    assert viewer.layers["strokes"].contour == 0
    section.panel.blink_button.click()
    viewer.layers.clear()
    assert section.status.startswith("Press Run first")
    assert not section.looking.is_blinking


def test_renaming_a_layer_while_blinking_does_not_disturb_it(measured: Measured) -> None:
    viewer, widget = measured
    section = widget.result
    section.panel.blink_button.click()
    viewer.layers["strokes refined"].name = "result"
    assert section.looking.is_blinking
    assert section.boxes.refined_box.native.currentText() == "result"
    section.panel.flip_button.click()
    assert section.status == "Showing 'result'."


def test_closing_the_dock_while_blinking_puts_everything_back_and_frees_the_key(measured: Measured, qtbot: Any) -> None:
    viewer, widget = measured
    section = widget.result
    section.panel.contour_button.click()
    section.panel.blink_button.click()
    close_dock(widget)
    assert shown(viewer) == ["photo", "strokes", "strokes refined"]
    assert viewer.layers["strokes"].contour == 0
    assert not viewer.keymap
    press_flip_key(qtbot, viewer)
    assert shown(viewer) == ["photo", "strokes", "strokes refined"]
    viewer.layers["strokes"].events.paint(value=[])
    viewer.layers.remove("truth")


def test_a_closed_dock_leaves_no_section_behind(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any], qtbot: Any
) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    press_run(widget)
    widget.result.heading.click()
    table = widget.result.panel.table
    qtbot.waitUntil(lambda: bool(table.comparison.rows))
    widget.result.panel.blink_button.click()
    widget.result.panel.difference_menu.actions()[0].trigger()
    qtbot.waitUntil(lambda: len(viewer.layers) == 4)  # the words are those of the blinking again
    closed = weakref.ref(widget.result)
    close_dock(widget)
    del widget
    gc.collect()
    assert closed() is None
    assert shown(viewer) == ["photo", "strokes", "strokes refined", "strokes refined: what was filled"]


def fold(section: ResultSection, _qtbot: Any, _folder: Path) -> None:
    section.heading.click()


def make_all_differences(section: ResultSection, qtbot: Any, _folder: Path) -> None:
    section.boxes.others.item(0).setCheckState(Qt.CheckState.Checked)
    for place in range(3):
        add_difference(qtbot, section, place)


def show_confidence(section: ResultSection, _qtbot: Any, _folder: Path) -> None:
    section.panel.confidence_button.click()


def show_heatmap(section: ResultSection, qtbot: Any, _folder: Path) -> None:
    click_row(qtbot, section, column(section, 0).index("3"))
    section.panel.heatmap_button.click()
    wait_for_words(qtbot, section, "before the CRF")


def find_objects(section: ResultSection, qtbot: Any, _folder: Path) -> None:
    click_row(qtbot, section, column(section, 0).index("3"))
    section.panel.objects_button.click()
    wait_for_words(qtbot, section, "objects.")


def flip(section: ResultSection, _qtbot: Any, _folder: Path) -> None:
    section.panel.flip_button.click()


def blink(section: ResultSection, _qtbot: Any, _folder: Path) -> None:
    section.panel.blink_button.click()


def show_contours_and_grid(section: ResultSection, _qtbot: Any, _folder: Path) -> None:
    section.panel.contour_button.click()
    section.panel.grid_button.click()


def cut(section: ResultSection, qtbot: Any, _folder: Path) -> None:
    layer = section.compared.refined
    section.panel.cut_slider.setValue(100)
    qtbot.waitUntil(lambda: cut_of(layer) == 1)


def begin_to_cut(section: ResultSection, _qtbot: Any, _folder: Path) -> None:
    section.panel.cut_slider.setValue(100)


def cancel_saving(section: ResultSection, qtbot: Any, _folder: Path) -> None:
    for button in (section.panel.save_button, section.panel.save_table_button):
        button.click()
        (dialog,) = section.findChildren(QFileDialog)
        dialog.reject()
        qtbot.waitUntil(lambda: not section.findChildren(QFileDialog))


def save(section: ResultSection, qtbot: Any, folder: Path) -> None:
    save_as(qtbot, section, section.panel.save_button, folder / "out.tif")
    wait_for_words(qtbot, section, "Saved out.tif")


def keep_what_is_there(section: ResultSection, qtbot: Any, folder: Path) -> None:
    (folder / "out.tif").touch()
    save_as(qtbot, section, section.panel.save_button, folder / "out.tif")
    (question,) = section.findChildren(QMessageBox)
    question.button(QMessageBox.StandardButton.Cancel).click()
    qtbot.waitUntil(lambda: not section.findChildren(QMessageBox))


def copy_and_save_the_table(section: ResultSection, qtbot: Any, folder: Path) -> None:
    section.panel.copy_button.click()
    save_as(qtbot, section, section.panel.save_table_button, folder / "table.csv")
    wait_for_words(qtbot, section, "Saved table.csv")


@pytest.mark.parametrize(
    "use",
    [
        *(fold, make_all_differences, show_confidence, show_heatmap, find_objects, flip, blink),
        *(show_contours_and_grid, cut, begin_to_cut, cancel_saving, save, keep_what_is_there, copy_and_save_the_table),
    ],
)
def test_a_deleted_result_is_freed_with_its_confidence_whatever_was_done_with_it(
    measured: Measured, press_run: PressRun, qtbot: Any, tmp_path: Path, use: Callable[[ResultSection, Any, Path], None]
) -> None:
    viewer, widget = measured
    section, layer = widget.result, press_run(widget)
    # The table of the second result is there: its colours were asked for.
    qtbot.waitUntil(lambda: not section._measure_soon.isActive())
    wait_for_table(qtbot, section)
    use(section, qtbot, tmp_path)
    record = recall(layer)
    assert record is not None
    kept = [weakref.ref(each) for each in (layer, record.labels, record.confidence)]
    made = [each for each in viewer.layers if each.name.startswith(f"{layer.name}: ")]
    for each in (*made, layer):
        viewer.layers.remove(each)
    for each in viewer.layers:  # the selection keeps the layer that was active last
        viewer.layers.selection.active = each
    del record, layer, made, each
    qtbot.waitUntil(lambda: gc.collect() >= 0 and not any(each() is not None for each in kept))


def test_a_map_is_seen_without_the_labels_below_it_until_they_are_cut(
    measured: Measured, qtbot: Any, tmp_path: Path
) -> None:
    viewer, widget = measured
    section = widget.result
    refined = section.compared.refined
    show_confidence(section, qtbot, tmp_path)
    assert not refined.visible
    assert viewer.layers["strokes"].visible
    cut(section, qtbot, tmp_path)
    assert refined.visible
    assert not viewer.layers[-1].visible


def test_closing_the_viewer_while_side_by_side_does_no_harm(measured: Measured) -> None:
    viewer, widget = measured
    widget.result.panel.grid_button.click()
    widget.result.panel.blink_button.click()
    viewer.close()


def test_two_widgets_of_one_viewer_share_the_key_in_peace(measured: Measured, qtbot: Any) -> None:
    viewer, first = measured
    second = RefineWidget(viewer)
    viewer.window.add_dock_widget(second, name="second")
    assert second.result.panel.flip_button.text() == "Flip"
    second.result.boxes.truth_box.value = viewer.layers["truth"]
    press_flip_key(qtbot, viewer)
    second.result.panel.flip_button.click()  # goes on from what is shown
    assert shown(viewer) == ["photo", "strokes refined"]
    second.result.panel.back_button.click()
    assert shown(viewer) == ["photo", "strokes"]
    first.result.panel.back_button.click()
    assert shown(viewer) == ["photo", "strokes", "strokes refined"]
    close_dock(second)
    press_flip_key(qtbot, viewer)  # still that of the first
    assert shown(viewer) == ["photo", "strokes"]


def test_a_key_that_a_person_has_bound_is_left_alone(
    make_napari_viewer: Callable[..., Any], image: NDArray[Any]
) -> None:
    viewer = make_napari_viewer()
    pressed: list[Any] = []
    viewer.bind_key(FLIP_KEY, pressed.append)
    _, widget = viewer.window.add_plugin_dock_widget("napari-coarse-crf", "Refine labels")
    assert widget.result.panel.flip_button.text() == "Flip"
    close_dock(widget)
    assert list(viewer.keymap.values()) == [pressed.append]


def test_a_result_of_shapes_can_be_saved_and_its_confidence_seen(
    dock: Dock, press_run: PressRun, qtbot: Any, image: NDArray[Any], tmp_path: Path
) -> None:
    viewer, widget = dock(image, rgb=True)
    lines, classes = [[[20, 3], [20, 15]], [[20, 45], [20, 57]]], {"class": ["sea", "sky"]}
    widget.labels_layer.value = viewer.add_shapes(lines, shape_type="line", features=classes, name="shapes")
    press_run(widget)
    widget.result.heading.click()
    assert not widget.result.panel.flip_button.isEnabled()
    show_confidence(widget.result, qtbot, tmp_path)
    assert viewer.layers[-1].name == "shapes refined: confidence"
    save(widget.result, qtbot, tmp_path)

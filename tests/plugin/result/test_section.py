"""The section Result in a real viewer, driven by its boxes, buttons and the key."""

from __future__ import annotations

import csv
import gc
import io
import json
import weakref
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import pytest
from napari.settings import get_settings
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QApplication, QFileDialog, QMessageBox, QPushButton, QScrollArea

from napari_coarse_crf import Parameters, Refiner, evaluate_labels
from napari_coarse_crf.io import files
from napari_coarse_crf.plugin import RefineWidget
from napari_coarse_crf.plugin.layers.record import recall
from napari_coarse_crf.plugin.result.compared import Compared
from napari_coarse_crf.plugin.result.panel import FLIP_KEY
from napari_coarse_crf.plugin.result.table import LabelTable
from napari_coarse_crf.plugin.result.views import camera_of, grid_of
from tests.plugin.waiting import TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_coarse_crf.plugin.result.section import ResultSection

    Dock = Callable[..., tuple[Any, RefineWidget]]
    PressRun = Callable[[RefineWidget], Any]
    Measured = tuple[Any, RefineWidget]


@pytest.fixture
def truth(labels: NDArray[Any]) -> NDArray[np.int32]:
    """Return the two halves, a strip between them unknown."""
    truth = np.where(np.arange(60) < 35, 3, 70_000) * np.ones((40, 1), np.int32)
    truth[:, 33:37] = 0
    return truth.astype(np.int32)


@pytest.fixture
def measured(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any], truth: NDArray[Any], qtbot: Any
) -> Measured:
    """Return a viewer after a run, with a truth layer chosen and the table made in the unfolded section."""
    viewer, widget = dock(image, labels, rgb=True)
    viewer.add_labels(truth, name="truth", visible=False)
    widget.parameters = Parameters(iterations=2, appearance_weight=1, smoothness_weight=0.5)
    press_run(widget)
    widget.result.boxes.truth_box.value = viewer.layers["truth"]
    widget.result.heading.click()
    wait_for_table(qtbot, widget.result)
    return viewer, widget


def wait_for_table(qtbot: Any, section: ResultSection) -> None:
    qtbot.waitUntil(lambda: section.panel.table.comparison.has_scores, timeout=TIMEOUT)


def shown(viewer: Any) -> list[str]:
    return [layer.name for layer in viewer.layers if layer.visible]


def close_dock(widget: RefineWidget) -> None:
    """Do what a click on the cross of the dock does."""
    widget.native.parent().destroyOnClose()


def press_flip_key(qtbot: Any, viewer: Any) -> None:
    qtbot.keyClick(viewer.window._qt_viewer.canvas.native, Qt.Key(ord(FLIP_KEY)))


def click_row(qtbot: Any, section: ResultSection, row: int) -> None:
    table = section.panel.table
    place = table.visualRect(table.model().index(row, 0)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(place))


def save_as(qtbot: Any, section: ResultSection, button: QPushButton, path: Path) -> None:
    """Press a button, type a file name into its dialog and accept it."""
    button.click()
    (dialog,) = section.findChildren(QFileDialog)
    dialog.selectFile(str(path))
    dialog.accept()
    qtbot.waitUntil(lambda: not section.findChildren(QFileDialog), timeout=TIMEOUT)


def wait_for_words(qtbot: Any, section: ResultSection, words: str) -> None:
    qtbot.waitUntil(lambda: words in section.status, timeout=TIMEOUT)


def column(section: ResultSection, place: int) -> list[str]:
    """Return a column of the table as it is shown: 0 is the labels, which are headings of the rows."""
    model = section.panel.table.model()
    if place == 0:
        return [model.headerData(row, Qt.Orientation.Vertical) for row in range(model.rowCount())]
    return [model.index(row, place - 1).data() for row in range(model.rowCount())]


# Choosing layers.


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
    assert not section.findChild(QScrollArea).isAncestorOf(section.panel.status)
    assert section.panel.status.isVisibleTo(section)
    section.heading.click()
    assert not section.panel.status.isVisibleTo(section)


# Looking.


def test_the_button_shows_one_layer_after_the_other(measured: Measured) -> None:
    viewer, widget = measured
    panel = widget.result.panel
    for name in ("strokes", "strokes refined", "truth", "strokes"):
        panel.flip_button.click()
        assert shown(viewer) == ["photo", name]
        assert widget.result.status == f"Showing '{name}'."
    panel.back_button.click()
    assert shown(viewer) == ["photo", "strokes", "strokes refined"]
    assert not panel.back_button.isEnabled()


def test_the_key_does_what_the_button_does(measured: Measured, qtbot: Any) -> None:
    viewer, widget = measured
    assert f"({FLIP_KEY})" in widget.result.panel.flip_button.text()
    press_flip_key(qtbot, viewer)
    assert shown(viewer) == ["photo", "strokes"]
    press_flip_key(qtbot, viewer)
    assert shown(viewer) == ["photo", "strokes refined"]


def test_napari_uses_the_key_for_nothing_else() -> None:
    taken = {str(key) for keys in get_settings().shortcuts.shortcuts.values() for key in keys}
    assert FLIP_KEY not in taken


def test_blinking_flips_by_itself_until_it_is_stopped(measured: Measured, qtbot: Any) -> None:
    viewer, widget = measured
    panel = widget.result.panel
    panel.blink_button.click()
    for name in ("strokes", "strokes refined", "truth"):
        qtbot.waitUntil(lambda name=name: shown(viewer) == ["photo", name])
    panel.blink_button.click()
    assert not widget.result.looking.is_blinking
    panel.blink_button.click()
    panel.flip_button.click()  # a hand on the button takes over
    assert not panel.blink_button.isChecked()
    assert not widget.result.looking.is_blinking


def test_contours_and_side_by_side_go_with_their_buttons(measured: Measured) -> None:
    viewer, widget = measured
    panel = widget.result.panel
    panel.contour_button.click()
    panel.grid_button.click()
    assert panel.status.text() == "Showing the layers side by side."
    assert grid_of(viewer).enabled
    assert shown(viewer) == ["photo", "strokes", "strokes refined", "truth"]
    assert {viewer.layers[name].contour for name in ("strokes", "strokes refined", "truth")} == {2}
    panel.flip_button.click()  # one after the other is not side by side
    assert not grid_of(viewer).enabled
    assert not panel.grid_button.isChecked()
    camera = camera_of(viewer)
    zoom, center = camera.zoom, camera.center
    panel.grid_button.click()
    assert camera.zoom < zoom  # all of the image is seen in each place
    panel.grid_button.click()
    assert not grid_of(viewer).enabled
    assert (camera.zoom, camera.center) == (zoom, center)
    panel.contour_button.click()
    assert {viewer.layers[name].contour for name in ("strokes", "strokes refined", "truth")} == {0}
    assert shown(viewer) == ["photo", "strokes", "strokes refined"]


# The table.


def test_the_table_shows_pixels_confidence_and_scores(
    measured: Measured, labels: NDArray[Any], truth: NDArray[Any]
) -> None:
    viewer, widget = measured
    section, refined = widget.result, viewer.layers["strokes refined"].data
    coarse_scores, scores = evaluate_labels(labels, truth), evaluate_labels(refined, truth)
    assert column(section, 0) == ["0 unlabelled", "3", "70000", "all"]
    assert column(section, 1) == ["2,360", "20", "20", "40"]
    assert column(section, 2) == [
        "0",
        *(f"{np.count_nonzero(refined == label_id):,}" for label_id in (3, 70_000)),
        "2,400",
    ]
    assert column(section, 6)[1] == f"{coarse_scores.iou[3]:.3f} → {scores.iou[3]:.3f}"
    assert column(section, 6)[3] == f"{coarse_scores.mean_iou:.3f} → {scores.mean_iou:.3f}"
    model = section.panel.table.model()
    pixmap = model.headerData(1, Qt.Orientation.Vertical, Qt.ItemDataRole.DecorationRole)
    colour = pixmap.toImage().pixelColor(5, 5)
    wanted = viewer.layers["strokes refined"].colormap.map(np.array([3]))[0]
    np.testing.assert_allclose(colour.getRgbF(), wanted, atol=1 / 16)  # a display may have 16 bits
    confidence = float(column(section, 4)[1])
    assert 0.5 < confidence <= 1


def test_lazy_labels_of_a_stack_are_compared_too(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any], qtbot: Any
) -> None:
    stack, strokes = np.stack([image[..., 0]] * 3), np.stack([labels] * 3)
    viewer, widget = dock(stack, da.from_array(strokes, chunks=(1, 40, 60)), contrast_limits=(0, 255))
    press_run(widget)
    section = widget.result
    section.heading.click()
    qtbot.waitUntil(lambda: bool(section.panel.table.comparison.rows), timeout=TIMEOUT)
    assert column(section, 1) == ["7,080", "60", "60", "120"]
    section.panel.difference_menu.actions()[0].trigger()
    np.testing.assert_array_equal(viewer.layers["strokes refined: what was filled"].data, strokes == 0)
    section.panel.flip_button.click()
    assert shown(viewer) == ["photo", "strokes"]


def test_painting_and_deleting_the_truth_change_the_table(measured: Measured, qtbot: Any) -> None:
    viewer, widget = measured
    section, strokes = widget.result, viewer.layers["strokes"]
    strokes.selected_label = 5
    strokes.brush_size = 3
    strokes.paint((20, 20), 5)
    qtbot.waitUntil(lambda: "5" in column(section, 0), timeout=TIMEOUT)
    viewer.layers.remove("truth")
    qtbot.waitUntil(lambda: not section.panel.table.comparison.has_scores, timeout=TIMEOUT)
    assert section.panel.table.isColumnHidden(5)


def test_a_truth_that_cannot_be_used_is_said_in_words(measured: Measured, qtbot: Any) -> None:
    viewer, widget = measured
    viewer.layers["truth"].data = np.zeros((40, 60), np.int32)
    wait_for_words(qtbot, widget.result, "No scores.")
    assert column(widget.result, 0)[-1] == "all"


def test_a_click_on_a_row_selects_the_label_in_all_compared_layers(measured: Measured, qtbot: Any) -> None:
    viewer, widget = measured
    viewer.layers["truth"].data = np.ones((40, 60), np.uint8)  # cannot hold 70000: it keeps its own
    wait_for_table(qtbot, widget.result)
    qtbot.waitUntil(lambda: "1" in column(widget.result, 0), timeout=TIMEOUT)
    click_row(qtbot, widget.result, column(widget.result, 0).index("70000"))
    assert viewer.layers["strokes"].selected_label == 70_000
    assert viewer.layers["strokes refined"].selected_label == 70_000
    assert viewer.layers["truth"].selected_label == 1
    assert widget.result.panel.heatmap_button.text() == "Heatmap of 70000"
    names = widget.result.panel.table.verticalHeader()
    place = names.sectionViewportPosition(column(widget.result, 0).index("3")) + 5
    qtbot.mouseClick(names.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(5, place))
    assert viewer.layers["strokes"].selected_label == 3


def test_the_labels_stay_in_sight_when_the_numbers_are_scrolled(measured: Measured, qtbot: Any) -> None:
    _, widget = measured
    table = LabelTable()
    qtbot.addWidget(table)
    table.show_comparison(widget.result.panel.table.comparison, {})
    table.resize(280, table.height())
    table.show()
    qtbot.waitUntil(lambda: table.horizontalScrollBar().maximum() > 0, timeout=TIMEOUT)
    names = table.verticalHeader()
    table.horizontalScrollBar().setValue(table.horizontalScrollBar().maximum())
    assert names.isVisible()
    assert names.width() >= names.fontMetrics().horizontalAdvance("70000")
    assert names.geometry().right() < table.viewport().geometry().left()
    assert table.viewport().width() > 100


def test_the_table_is_copied_and_saved(measured: Measured, qtbot: Any, tmp_path: Path) -> None:
    _, widget = measured
    section = widget.result
    section.panel.copy_button.click()
    copied = list(csv.reader(io.StringIO(QApplication.clipboard().text()), delimiter="\t"))
    save_as(qtbot, section, section.panel.save_table_button, tmp_path / "table.csv")
    wait_for_words(qtbot, section, "Saved table.csv")
    saved = list(csv.reader(io.StringIO((tmp_path / "table.csv").read_text())))
    assert copied == saved
    assert [row[0] for row in saved] == ["label", "0", "3", "70000", "all"]


# New layers.


def test_what_was_filled_becomes_a_layer(measured: Measured, labels: NDArray[Any]) -> None:
    viewer, widget = measured
    filled, errors = widget.result.panel.difference_menu.actions()
    filled.trigger()
    layer = viewer.layers["strokes refined: what was filled"]
    np.testing.assert_array_equal(layer.data, (labels == 0).astype(int))
    assert widget.result.status.endswith("green = filled (2,360 pixels).")
    errors.trigger()
    assert "strokes refined: errors" in viewer.layers
    assert "right" in widget.result.status


def test_what_differs_between_two_refinements_becomes_a_layer(measured: Measured, press_run: PressRun) -> None:
    viewer, widget = measured
    first = widget.result.compared.refined
    first.data[:2, :2] = 70_000
    second = press_run(widget)
    first.name = "this & that"
    widget.result.boxes.others.item(0).setCheckState(Qt.CheckState.Checked)
    action = widget.result.panel.difference_menu.actions()[1]
    assert action.text() == "changes from this && that"  # Qt would underline what follows a single one
    action.trigger()
    layer = viewer.layers[f"{second.name}: changes from {first.name}"]
    np.testing.assert_array_equal(layer.data != 0, first.data != second.data)
    assert "orange = another label" in widget.result.status


def test_confidence_and_heatmap_become_images_at_the_place_of_the_labels(
    dock: Dock, press_run: PressRun, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels, rgb=True, scale=(2, 3), units=("um", "um"))
    place = {"scale": (2, 3), "translate": (5, 7), "units": ("um", "um"), "axis_labels": ("row", "column")}
    for name, value in place.items():
        setattr(viewer.layers["strokes"], name, value)
    refined = press_run(widget)
    section = widget.result
    section.heading.click()
    qtbot.waitUntil(lambda: bool(section.panel.table.comparison.rows), timeout=TIMEOUT)
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


@pytest.fixture
def unsure(dock: Dock, press_run: PressRun, labels: NDArray[Any]) -> Measured:
    """Return a viewer after a run on a ramp: nobody knows where one label ends. The section is unfolded."""
    ramp = np.tile(np.linspace(0, 250, 60).astype(np.uint8), (40, 1))
    viewer, widget = dock(ramp, labels)
    widget.parameters = Parameters(iterations=1, appearance_weight=0.1, smoothness_weight=0)
    press_run(widget)
    widget.result.heading.click()
    return viewer, widget


def cut_of(layer: Any) -> float:
    """Return the confidence below which a layer says it is left unlabelled."""
    return float(layer.metadata["napari_coarse_crf"]["parameters"]["min_confidence"])


def test_the_slider_leaves_unsure_pixels_unlabelled_and_gives_them_back(unsure: Measured, qtbot: Any) -> None:
    viewer, widget = unsure
    section, layer = widget.result, viewer.layers["strokes refined"]
    full = layer.data.copy()
    section.panel.cut_slider.setValue(100)
    qtbot.waitUntil(lambda: bool((layer.data == 0).any()))
    assert section.panel.cut_value.text() == "1.00"
    assert cut_of(layer) == 1.0
    assert section.status == f"Unlabelled pixels of 'strokes refined': {np.count_nonzero(layer.data == 0):,}."
    qtbot.waitUntil(lambda: column(section, 2)[0] != "0", timeout=TIMEOUT)
    section.panel.cut_slider.setValue(0)
    qtbot.waitUntil(lambda: not (layer.data == 0).any())
    np.testing.assert_array_equal(layer.data, full)


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
    assert panel.cut == 0.4
    assert panel.cut_value.text() == "0.40"
    qtbot.waitUntil(lambda: cut_of(layer) == 0.4)
    assert panel.cut == 0.4


def test_a_layer_chosen_before_the_other_was_cut_keeps_its_own_cut(
    unsure: Measured, press_run: PressRun, qtbot: Any
) -> None:
    viewer, widget = unsure
    first, second = viewer.layers["strokes refined"], press_run(widget)
    section = widget.result
    section.panel.cut_slider.setValue(60)
    section.boxes.refined_box.value = first
    assert section.panel.cut == 0
    qtbot.waitUntil(lambda: cut_of(second) == 0.6)
    assert (cut_of(first), section.panel.cut) == (0, 0)
    section.panel.cut_slider.setValue(30)
    viewer.layers.remove(first)
    assert section.panel.cut == 0.6
    section.panel.cut_slider.setValue(70)
    qtbot.waitUntil(lambda: cut_of(second) == 0.7)
    assert section.panel.cut == 0.7


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
    assert section.panel.cut == 0.5
    assert section.compared.coarse is viewer.layers["strokes"]


# Saving.


def test_labels_confidence_and_parameters_are_saved_side_by_side(
    measured: Measured, qtbot: Any, tmp_path: Path
) -> None:
    viewer, widget = measured
    section, layer = widget.result, viewer.layers["strokes refined"]
    save_as(qtbot, section, section.panel.save_button, tmp_path / "out.tif")
    wait_for_words(qtbot, section, "Saved out.tif")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "out.tif",
        "out_confidence.tif",
        "out_parameters.json",
    ]
    saved = files.read_labels(tmp_path / "out.tif").ids
    np.testing.assert_array_equal(saved, layer.data)
    assert saved.dtype == layer.data.dtype
    assert files.read_image(tmp_path / "out_confidence.tif").image.dtype == np.float32
    assert files.read_preset(tmp_path / "out_parameters.json") == widget.parameters


def test_nothing_is_overwritten_without_asking(measured: Measured, qtbot: Any, tmp_path: Path) -> None:
    _, widget = measured
    section = widget.result
    precious = tmp_path / "out_parameters.json"
    precious.write_text("precious")
    save_as(qtbot, section, section.panel.save_button, tmp_path / "out.tif")
    (question,) = section.findChildren(QMessageBox)
    assert question.text() == "out_parameters.json exists in this folder. Replace?"
    question.button(QMessageBox.StandardButton.Cancel).click()
    wait_for_words(qtbot, section, "Nothing was saved")
    assert [path.name for path in tmp_path.iterdir()] == ["out_parameters.json"]
    assert precious.read_text() == "precious"
    qtbot.waitUntil(lambda: not section.findChildren(QMessageBox), timeout=TIMEOUT)
    save_as(qtbot, section, section.panel.save_button, tmp_path / "out.tif")
    (question,) = section.findChildren(QMessageBox)
    (replace,) = [button for button in question.buttons() if button.text() == "Replace"]
    replace.click()
    wait_for_words(qtbot, section, "Saved out.tif")
    assert json.loads(precious.read_text())["iterations"] == 2


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("out.png", "does not fit into a PNG"),
        ("out.jpg", "should end in .png, .tif or .tiff"),
        ("missing/out.tif", "does not exist"),
    ],
)
def test_what_cannot_be_saved_is_said_in_words(
    measured: Measured, qtbot: Any, tmp_path: Path, name: str, sentence: str
) -> None:
    _, widget = measured
    section = widget.result
    section.panel.save_button.click()
    (dialog,) = section.findChildren(QFileDialog)
    dialog.fileSelected.emit(str(tmp_path / name))
    dialog.close()
    assert section.status.startswith("Nothing was saved.")
    assert sentence in section.status
    assert not list(tmp_path.iterdir())


# Lifecycle.


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
    qtbot.waitUntil(lambda: bool(table.comparison.rows), timeout=TIMEOUT)
    widget.result.panel.blink_button.click()
    widget.result.panel.difference_menu.actions()[0].trigger()
    closed = weakref.ref(widget.result)
    close_dock(widget)
    del widget
    gc.collect()
    assert closed() is None
    assert shown(viewer) == ["photo", "strokes", "strokes refined", "strokes refined: what was filled"]


def fold(section: ResultSection, _qtbot: Any, _folder: Path) -> None:
    section.heading.click()


def make_all_differences(section: ResultSection, _qtbot: Any, _folder: Path) -> None:
    section.boxes.others.item(0).setCheckState(Qt.CheckState.Checked)
    for place in range(3):
        section.panel.difference_menu.actions()[place].trigger()


def show_confidence(section: ResultSection, _qtbot: Any, _folder: Path) -> None:
    section.panel.confidence_button.click()


def show_heatmap(section: ResultSection, qtbot: Any, _folder: Path) -> None:
    click_row(qtbot, section, column(section, 0).index("3"))
    section.panel.heatmap_button.click()
    wait_for_words(qtbot, section, "before the CRF")


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
        qtbot.waitUntil(lambda: not section.findChildren(QFileDialog), timeout=TIMEOUT)


def save(section: ResultSection, qtbot: Any, folder: Path) -> None:
    save_as(qtbot, section, section.panel.save_button, folder / "out.tif")
    wait_for_words(qtbot, section, "Saved out.tif")


def keep_what_is_there(section: ResultSection, qtbot: Any, folder: Path) -> None:
    (folder / "out.tif").touch()
    save_as(qtbot, section, section.panel.save_button, folder / "out.tif")
    (question,) = section.findChildren(QMessageBox)
    question.button(QMessageBox.StandardButton.Cancel).click()
    qtbot.waitUntil(lambda: not section.findChildren(QMessageBox), timeout=TIMEOUT)


def copy_and_save_the_table(section: ResultSection, qtbot: Any, folder: Path) -> None:
    section.panel.copy_button.click()
    save_as(qtbot, section, section.panel.save_table_button, folder / "table.csv")
    wait_for_words(qtbot, section, "Saved table.csv")


@pytest.mark.parametrize(
    "use",
    [
        *(fold, make_all_differences, show_confidence, show_heatmap, flip, blink, show_contours_and_grid),
        *(cut, begin_to_cut, cancel_saving, save, keep_what_is_there, copy_and_save_the_table),
    ],
)
def test_a_deleted_result_is_freed_with_its_confidence_whatever_was_done_with_it(
    measured: Measured, press_run: PressRun, qtbot: Any, tmp_path: Path, use: Callable[[ResultSection, Any, Path], None]
) -> None:
    viewer, widget = measured
    section, layer = widget.result, press_run(widget)
    # The table of the second result is there: its colours were asked for.
    qtbot.waitUntil(lambda: not section._measure_soon.isActive(), timeout=TIMEOUT)
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

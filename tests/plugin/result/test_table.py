"""The table of labels in a real viewer."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QApplication

from napari_coarse_crf import evaluate_labels
from napari_coarse_crf.plugin.result.numbers import Comparison, Row
from napari_coarse_crf.plugin.result.table import LabelTable
from tests.plugin.result.using import add_difference, click_row, column, save_as, shown, wait_for_table, wait_for_words

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tests.plugin.result.using import Dock, Measured, PressRun


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
    qtbot.waitUntil(lambda: bool(section.panel.table.comparison.rows))
    assert column(section, 1) == ["7,080", "60", "60", "120"]
    add_difference(qtbot, section, 0)
    np.testing.assert_array_equal(viewer.layers["strokes refined: what was filled"].data, strokes == 0)
    section.panel.flip_button.click()
    assert shown(viewer) == ["photo", "strokes refined"]  # the difference lay over it
    section.panel.flip_button.click()
    assert shown(viewer) == ["photo", "strokes"]


def test_painting_and_deleting_the_truth_change_the_table(measured: Measured, qtbot: Any) -> None:
    viewer, widget = measured
    section, strokes = widget.result, viewer.layers["strokes"]
    strokes.selected_label = 5
    strokes.brush_size = 3
    strokes.paint((20, 20), 5)
    qtbot.waitUntil(lambda: "5" in column(section, 0))
    viewer.layers.remove("truth")
    qtbot.waitUntil(lambda: not section.panel.table.comparison.has_scores)
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
    qtbot.waitUntil(lambda: "1" in column(widget.result, 0))
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
    qtbot.waitUntil(lambda: table.horizontalScrollBar().maximum() > 0)
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


def test_the_scores_are_seen_in_a_narrow_dock_without_scrolling(measured: Measured, qtbot: Any) -> None:
    table = LabelTable()
    qtbot.addWidget(table)
    row = Row(3, 233_620, 419_242, 0.817, 0.984, (0.134, 0.955), (0.071, 0.824))
    names = {3: "a long name of a class"}
    table.show_comparison(Comparison((row,), has_confidence=True, has_scores=True, class_names=names), {})
    table.resize(305, table.height())
    table.setStyleSheet(measured[0].window._qt_window.styleSheet())
    table.show()
    qtbot.waitUntil(lambda: table.horizontalScrollBar().maximum() > 0)
    for scores in (4, 5):
        right = table.columnViewportPosition(scores) + table.columnWidth(scores)
        assert 0 < right <= table.viewport().width()
    table.show_comparison(Comparison((row,), has_confidence=True), {})
    assert [table.horizontalHeader().visualIndex(column) for column in range(6)] == list(range(6))


def test_counts_of_a_large_image_and_the_confidence_fit_into_a_narrow_dock(measured: Measured, qtbot: Any) -> None:
    table = LabelTable()
    qtbot.addWidget(table)
    row = Row(3, 233_620, 419_242, 0.817, 0.984)
    table.show_comparison(Comparison((row,), has_confidence=True, class_names={3: "vegetation"}), {})
    table.resize(305, table.height())  # of a window of 1280 pixels
    table.setStyleSheet(measured[0].window._qt_window.styleSheet())
    table.show()
    qtbot.waitUntil(lambda: table.viewport().width() < 305)
    assert table.horizontalScrollBar().maximum() == 0

"""What a person does with the section Result, and waiting for what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QFileDialog, QPushButton

from napari_coarse_crf.plugin.layers.record import recall
from napari_coarse_crf.plugin.result.panel import FLIP_KEY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_coarse_crf.plugin import RefineWidget
    from napari_coarse_crf.plugin.result.section import ResultSection

    Dock = Callable[..., tuple[Any, RefineWidget]]
    PressRun = Callable[[RefineWidget], Any]
    Measured = tuple[Any, RefineWidget]


def wait_for_table(qtbot: Any, section: ResultSection) -> None:
    qtbot.waitUntil(lambda: section.panel.table.comparison.has_scores)


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
    qtbot.waitUntil(lambda: not section.findChildren(QFileDialog))


def wait_for_words(qtbot: Any, section: ResultSection, words: str) -> None:
    qtbot.waitUntil(lambda: words in section.status)


def column(section: ResultSection, place: int) -> list[str]:
    """Return a column of the table as it is shown: 0 is the labels, which are headings of the rows."""
    model = section.panel.table.model()
    if place == 0:
        return [model.headerData(row, Qt.Orientation.Vertical) for row in range(model.rowCount())]
    return [model.index(row, place - 1).data() for row in range(model.rowCount())]


def cut_of(layer: Any) -> float:
    """Return the confidence below which a layer says it is left unlabelled."""
    return float(layer.metadata["napari_coarse_crf"]["parameters"]["min_confidence"])


def limit_of(layer: Any, percent: int) -> float:
    """Return the confidence below which the least sure of a layer lie, so many per cent."""
    record = recall(layer)
    assert record is not None
    return record.limit_of(percent)


def add_difference(qtbot: Any, section: ResultSection, place: int) -> None:
    """Choose a row of the menu of differences, and wait for its layer."""
    section.panel.difference_menu.actions()[place].trigger()
    wait_for_words(qtbot, section, "added")

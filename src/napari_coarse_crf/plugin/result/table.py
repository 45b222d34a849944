"""The table of labels: colours, pixels, confidence and scores, coarse and refined.

The labels are the headings of the rows, so they stay in sight when a narrow dock scrolls the numbers sideways.
"""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Any

from psygnal import Signal
from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt
from qtpy.QtGui import QColor, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QScrollBar, QTableView

from napari_coarse_crf.plugin.result.numbers import Comparison

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qtpy.QtWidgets import QWidget

    from napari_coarse_crf.plugin.result.numbers import Pair, Row

_HEADINGS = (
    ("Before", "Pixels of this label in the coarse layer."),
    ("After", "Pixels of this label in the refined layer."),
    ("Share", "Share of all pixels that have this label in the refined layer."),
    ("Conf.", "Confidence: how sure the refinement is of the pixels it filled with this label, on average."),
    (
        "Accuracy",
        "Share of the label's true pixels that were found: coarse → refined. Last row: average over the labels.",
    ),
    (
        "IoU",
        "Intersection over union with the truth, 1 = same pixels: coarse → refined. Last row: average over the labels.",
    ),
)
_CONFIDENCE, _ACCURACY, _IOU = 3, 4, 5
_ORDER = tuple(range(len(_HEADINGS)))
_SCORES_FIRST = (_IOU, _ACCURACY, 0, 1, 2, _CONFIDENCE)
"""Who gives a truth looks for scores, and a narrow dock has room for two columns of them."""
_MOST_ROWS_SHOWN = 8
_MOST_NAME_CHARACTERS = 16
"""How wide a label's name may be: longer ones leave no room for numbers, and are told by the tooltip."""
_COLOUR_SIZE = 12
_ROW_MARGIN = 6
_ABOUT_NAMES = "Click a row to select this label in the compared layers."
_UNLABELLED = "unlabelled"


class LabelTable(QTableView):
    """Shows a `Comparison`; `label_chosen` carries the id of the row that a person clicked or moved to."""

    label_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = _Model(self)
        self.setModel(self._model)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)  # Tab goes on to the next control
        self.setWordWrap(False)
        self.setShowGrid(False)
        self.setAccessibleName("Labels before and after")
        self._headings = QHeaderView(Qt.Orientation.Horizontal, self)
        self._headings.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self._headings.setDefaultAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.setHorizontalHeader(self._headings)
        self._bar = QScrollBar(Qt.Orientation.Horizontal, self)
        self.setHorizontalScrollBar(self._bar)
        self._row_names = QHeaderView(Qt.Orientation.Vertical, self)
        self._row_names.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self._row_names.setDefaultSectionSize(self.fontMetrics().height() + _ROW_MARGIN)
        self._row_names.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self._row_names.setTextElideMode(Qt.TextElideMode.ElideRight)
        self._row_names.setMaximumWidth(_MOST_NAME_CHARACTERS * self.fontMetrics().averageCharWidth())
        self._row_names.setSectionsClickable(True)
        self.setVerticalHeader(self._row_names)
        self._row_names.sectionClicked.connect(self._choose_row)
        self.clicked.connect(self._choose)
        self.activated.connect(self._choose)
        self.show_comparison(Comparison(), {})

    @property
    def comparison(self) -> Comparison:
        """What is shown."""
        return self._model.comparison

    def show_comparison(self, comparison: Comparison, colours: Mapping[int, QColor]) -> None:
        """Show other numbers and the colours of the ids; columns of which nothing is known are hidden."""
        self._model.show(comparison, colours)
        self.setColumnHidden(_CONFIDENCE, not comparison.has_confidence)
        for column in (_ACCURACY, _IOU):
            self.setColumnHidden(column, not comparison.has_scores)
        for place, column in enumerate(_SCORES_FIRST if comparison.has_scores else _ORDER):
            self._headings.moveSection(self._headings.visualIndex(column), place)
        self._fit_height(len(comparison.rows))

    def _fit_height(self, rows: int) -> None:
        """Take the height of the rows, up to a limit, so that the table neither jumps nor scrolls without need."""
        shown = min(max(rows, 2), _MOST_ROWS_SHOWN) * self._row_names.defaultSectionSize()
        bar = self._bar.sizeHint().height()
        self.setFixedHeight(self._headings.sizeHint().height() + shown + bar + 2 * self.frameWidth() + _ROW_MARGIN)

    def _choose(self, index: QModelIndex) -> None:
        self._choose_row(index.row())

    def _choose_row(self, row: int) -> None:
        label_id = self.comparison.rows[row].label_id
        if label_id is not None:
            self.label_chosen.emit(label_id)


class _Model(QAbstractTableModel):
    """Gives Qt the cells of a comparison. A model rather than items: there may be thousands of objects."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.comparison = Comparison()
        self._colours: Mapping[int, QColor] = {}

    def show(self, comparison: Comparison, colours: Mapping[int, QColor]) -> None:
        """Replace all cells."""
        self.beginResetModel()
        self.comparison, self._colours = comparison, colours
        self.endResetModel()

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008  Qt's own signature
        """Return the number of rows."""
        return 0 if parent.isValid() else len(self.comparison.rows)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008  Qt's own signature
        """Return the number of columns."""
        return 0 if parent.isValid() else len(_HEADINGS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a heading, or what it means; the heading of a row is its label."""
        if orientation == Qt.Orientation.Vertical:
            return self._row_heading(self.comparison.rows[section], role)
        title, meaning = _HEADINGS[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return title
        return f"<p>{meaning}</p>" if role == Qt.ItemDataRole.ToolTipRole else None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows."""
        row, column = self.comparison.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return _text(row, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"<p>{_HEADINGS[column][1]}</p>"
        return None

    def _row_heading(self, row: Row, role: int) -> Any:
        if role == Qt.ItemDataRole.DisplayRole:
            return self._name(row.label_id)
        if role == Qt.ItemDataRole.DecorationRole and row.label_id:
            picture = QPixmap(_COLOUR_SIZE, _COLOUR_SIZE)  # headings draw no bare colours
            picture.fill(self._colours.get(row.label_id, QColor()))
            return picture
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"<p>{escape(self._name(row.label_id))}</p><p>{_ABOUT_NAMES}</p>"
        return None

    def _name(self, label_id: int | None) -> str:
        if label_id is None:
            return "all"
        return f"{label_id} {self.comparison.class_names.get(label_id, '' if label_id else _UNLABELLED)}".strip()


def _text(row: Row, column: int) -> str:
    texts = (f"{row.before:,}", f"{row.after:,}", f"{row.share:.1%}", _shown(row.confidence))
    return texts[column] if column < _ACCURACY else _pair(row.accuracy if column == _ACCURACY else row.iou)


def _shown(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.3f}"


def _pair(pair: Pair) -> str:
    return "" if math.isnan(pair[0]) and math.isnan(pair[1]) else f"{_shown(pair[0])} → {_shown(pair[1])}"

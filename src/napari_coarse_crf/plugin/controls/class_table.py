"""The table of classes: a row for each label with its colour, id, name and key."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from html import escape
from typing import TYPE_CHECKING, Any, Final

from psygnal import Signal
from qtpy.QtCore import QAbstractTableModel, QModelIndex, QSize, Qt
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtWidgets import QAbstractItemDelegate, QWidget

_MOST_ROWS_SHOWN: Final = 8
_ROW_MARGIN: Final = 6
_SWATCH: Final = 14
_SWATCH_MARGIN: Final = 8
_UNNAMED: Final = "name…"
_PALE: Final = 0.5


class Column(IntEnum):
    """What stands where."""

    COLOUR = 0
    ID = 1
    NAME = 2
    KEY = 3


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One label.

    Attributes
    ----------
    label_id : int
        Its id.
    name : str
        What it stands for; "" where nobody has said.
    colour : tuple of float
        Red, green and blue, 0 to 1.
    key : str
        The key that selects it, as it is written on the keyboard; "" for none.
    """

    label_id: int
    name: str
    colour: tuple[float, float, float]
    key: str


class ClassTable(QTableView):
    """Shows classes, one of them marked.

    Attributes
    ----------
    chosen : psygnal.Signal
        Emitted with the id of the row that a person clicked or moved to.
    taken : psygnal.Signal
        Emitted when a person has clicked a row, to paint with it.
    colour_asked : psygnal.Signal
        Emitted with the id whose colour was clicked.
    named : psygnal.Signal
        Emitted with an id and the name that was typed for it.
    edited : psygnal.Signal
        Emitted when a person has ended to type, whatever came of it.
    """

    chosen = Signal(int)
    taken = Signal()
    colour_asked = Signal(int)
    named = Signal(int, str)
    edited = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._model = _Model(self)
        self.setModel(self._model)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the keys to the canvas, where strokes are painted
        self.setTabKeyNavigation(False)  # Tab goes on to the next control
        self.setWordWrap(False)
        self.setShowGrid(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Classes: colour, id, name and key of each label")
        rows = QHeaderView(Qt.Orientation.Vertical, self)
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(self.fontMetrics().height() + _ROW_MARGIN)
        self.setVerticalHeader(rows)
        rows.hide()
        columns = QHeaderView(Qt.Orientation.Horizontal, self)
        columns.setMinimumSectionSize(1)
        columns.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.setHorizontalHeader(columns)
        columns.setSectionResizeMode(Column.COLOUR, QHeaderView.ResizeMode.Fixed)
        columns.setSectionResizeMode(Column.NAME, QHeaderView.ResizeMode.Stretch)
        columns.resizeSection(Column.COLOUR, _SWATCH + _SWATCH_MARGIN)
        self.setIconSize(QSize(_SWATCH, _SWATCH))
        columns.hide()
        self._rows = rows
        if (selection := self.selectionModel()) is not None:
            selection.currentRowChanged.connect(self._on_row)
        self.clicked.connect(self._on_clicked)
        self.show_rows([], 0)

    @property
    def rows(self) -> Sequence[ClassRow]:
        """What is shown."""
        return self._model.rows

    @property
    def is_edited(self) -> bool:
        """Whether a person is typing a name."""
        return self.state() == QAbstractItemView.State.EditingState

    def show_rows(self, rows: Sequence[ClassRow], marked: int) -> None:
        """Show other rows, or others of their values, and mark the one of this id."""
        self._model.show(rows)
        place = next((place for place, row in enumerate(rows) if row.label_id == marked), None)
        if place is None:
            self.clearSelection()
            self.setCurrentIndex(QModelIndex())
        else:
            self.selectRow(place)
        shown = min(max(len(rows), 1), _MOST_ROWS_SHOWN) * self._rows.defaultSectionSize()
        self.setFixedHeight(shown + 2 * self.frameWidth())

    def edit_name(self, label_id: int) -> None:
        """Let a person type the name of a label."""
        for place, row in enumerate(self.rows):
            if row.label_id == label_id:
                index = self._model.index(place, Column.NAME)
                self.scrollTo(index)
                self.edit(index)

    def sizeHint(self) -> QSize:
        """Return no more width than a narrow dock has: names take what there is."""
        return QSize(self.minimumSizeHint().width(), super().sizeHint().height())

    def _on_row(self, current: QModelIndex, _before: QModelIndex) -> None:
        if current.isValid():
            self.chosen.emit(self.rows[current.row()].label_id)

    def _on_clicked(self, index: QModelIndex) -> None:
        if index.column() == Column.COLOUR:
            self.colour_asked.emit(self.rows[index.row()].label_id)
        else:
            self.taken.emit()

    def closeEditor(self, editor: QWidget | None, hint: QAbstractItemDelegate.EndEditHint) -> None:
        """Tell that a person has ended to type."""
        super().closeEditor(editor, hint)
        self.edited.emit()


class _Model(QAbstractTableModel):
    """Gives Qt the cells."""

    def __init__(self, table: ClassTable) -> None:
        super().__init__(table)
        self._table = table
        self.rows: Sequence[ClassRow] = []

    def show(self, rows: Sequence[ClassRow]) -> None:
        """Replace all cells; what is marked stays where the ids are the same."""
        same = [row.label_id for row in rows] == [row.label_id for row in self.rows]
        if not same:
            self.beginResetModel()
        self.rows = list(rows)
        if not same:
            self.endResetModel()
        elif rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, Column.KEY))

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008  Qt's own signature
        """Return the number of rows."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008  Qt's own signature
        """Return the number of columns."""
        return 0 if parent.isValid() else len(Column)

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        """Let names be typed."""
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsEditable if index.column() == Column.NAME else flags

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows."""
        row, column = self.rows[index.row()], Column(index.column())
        if role == Qt.ItemDataRole.DecorationRole and column is Column.COLOUR:
            return _swatch(row.colour)
        if role == Qt.ItemDataRole.EditRole and column is Column.NAME:
            return row.name
        if role == Qt.ItemDataRole.DisplayRole:
            return ("", str(row.label_id), row.name or _UNNAMED, row.key)[column]
        is_pale = column is Column.KEY or (column is Column.NAME and not row.name)
        if role == Qt.ItemDataRole.ForegroundRole and is_pale:
            colour = QColor(self._table.palette().text().color())
            colour.setAlphaF(_PALE)
            return colour
        if role == Qt.ItemDataRole.TextAlignmentRole and column in (Column.ID, Column.KEY):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return _tooltip(row, column) if role == Qt.ItemDataRole.ToolTipRole else None

    def setData(self, index: QModelIndex, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Take a name that was typed; it is shown once the layer has it."""
        if role != Qt.ItemDataRole.EditRole or index.column() != Column.NAME:
            return False
        self._table.named.emit(self.rows[index.row()].label_id, str(value))
        return True


def _swatch(colour: tuple[float, float, float]) -> QIcon:
    """Return a picture of a colour, the same in a row that is marked, where Qt would tint it."""
    picture, icon = QPixmap(_SWATCH, _SWATCH), QIcon()
    picture.fill(QColor.fromRgbF(*colour))
    for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected):
        icon.addPixmap(picture, mode)
    return icon


def _tooltip(row: ClassRow, column: Column) -> str:
    """Say what a click does."""
    if column is Column.COLOUR:
        return "<p>Click to choose another colour.</p>"
    name = f"<b>{escape(row.name)}</b>. " if row.name else ""
    key = f"The key {row.key} selects this label." if row.key else ""
    if column is Column.NAME:
        return f"<p>{name}Click to paint with this label, double-click to name it. {key}</p>"
    return f"<p>{name}Click to paint with this label. {key}</p>"

"""The list of images or frames: one row each, drawn only where it is seen, so that thousands are quick."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from qtpy.QtCore import QAbstractListModel, QModelIndex, Qt

from napari_coarse_crf.plugin.series.source import State

if TYPE_CHECKING:
    from napari_coarse_crf.plugin.series.source import Source

_MARKS: Final = {State.UNTOUCHED: "\u2003", State.LABELLED: "✎", State.DONE: "✓", State.UNREADABLE: "✗"}
"""What stands before a name; the tooltip says it in words."""
_NOWHERE: Final = QModelIndex()


class Rows(QAbstractListModel):
    """The images of a series and how far each is."""

    def __init__(self) -> None:
        super().__init__()
        self._source: Source | None = None

    def show_source(self, source: Source | None) -> None:
        """List other images."""
        self.beginResetModel()
        self._source = source
        self.endResetModel()

    def note_states(self) -> None:
        """Draw the rows anew: those that are seen alone ask for their states."""
        if count := self.rowCount():
            self.dataChanged.emit(self.index(0), self.index(count - 1))

    def rowCount(self, parent: QModelIndex = _NOWHERE) -> int:
        """Return how many images there are."""
        return 0 if self._source is None or parent.isValid() else len(self._source.names)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return name and state of an image."""
        if self._source is None or not index.isValid():
            return None
        state, name = self._source.state(index.row()), self._source.names[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{_MARKS[state]} {name}"
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{name}: {state.value}"
        return None

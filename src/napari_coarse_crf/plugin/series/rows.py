"""The list of images: one row each, drawn only where it is seen, so that thousands are quick."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from qtpy.QtCore import QAbstractListModel, QModelIndex, Qt

from napari_coarse_crf.plugin.series.folder import State

if TYPE_CHECKING:
    from napari_coarse_crf.plugin.series.folder import Folder

_MARKS: Final = {State.UNTOUCHED: "\u2003", State.LABELLED: "✎", State.DONE: "✓", State.UNREADABLE: "✗"}
"""What stands before a name; the tooltip says it in words."""
_NOWHERE: Final = QModelIndex()


class Rows(QAbstractListModel):
    """The images of a folder and how far each is."""

    def __init__(self) -> None:
        super().__init__()
        self._folder: Folder | None = None

    def show_folder(self, folder: Folder) -> None:
        """List other images."""
        self.beginResetModel()
        self._folder = folder
        self.endResetModel()

    def note_state(self, row: int) -> None:
        """Draw a row anew."""
        self.dataChanged.emit(self.index(row), self.index(row))

    def rowCount(self, parent: QModelIndex = _NOWHERE) -> int:
        """Return how many images there are."""
        return 0 if self._folder is None or parent.isValid() else len(self._folder.images)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return name and state of an image."""
        if self._folder is None or not index.isValid():
            return None
        state, name = self._folder.state(index.row()), self._folder.images[index.row()].name
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{_MARKS[state]} {name}"
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{name}: {state.value}"
        return None

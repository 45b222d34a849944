"""A sentence on how things are, which moves nothing whatever it says."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QFrame, QLabel, QScrollArea, QSizePolicy

if TYPE_CHECKING:
    from qtpy.QtGui import QResizeEvent

_STYLED = (QEvent.Type.StyleChange, QEvent.Type.FontChange)


class Sentence(QScrollArea):
    """Text that a person can read and copy; a longer one scrolls, and its tooltip has all of it.

    Parameters
    ----------
    lines : int
        How many there is always room for: else what lies beside it moves away from under the pointer.
    most : int, optional
        Up to how many it grows for a longer text: where nothing lies below it, and what is above can give way.
    """

    def __init__(self, lines: int, most: int = 0) -> None:
        super().__init__()
        self._lines, self._most = lines, max(lines, most)
        self._rooms = (0, 0)
        self._label = QLabel()
        self._label.setTextFormat(Qt.TextFormat.PlainText)  # names of layers may hold anything
        self._label.setWordWrap(True)
        self._label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._label.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.setWidget(self._label)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)  # room is for what scrolls more
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._keep_room()

    def text(self) -> str:
        """Return what it says."""
        return self._label.text()

    def setText(self, text: str) -> None:
        """Say something else, from its beginning."""
        self._label.setText(text)
        self.setToolTip(f"<p>{escape(text)}</p>" if text else "")
        self._fit()
        if (bar := self.verticalScrollBar()) is not None:
            bar.setValue(0)

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow font and margins, which napari's theme sets once the dock is there."""
        super().changeEvent(event)
        if event is not None and event.type() in _STYLED:
            self._keep_room()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Follow the width of the dock, by which the lines are broken."""
        super().resizeEvent(event)
        self._fit()

    @property
    def growth(self) -> int:
        """How much more room it takes now than it always does."""
        return self.minimumHeight() - self._rooms[0]

    def _keep_room(self) -> None:
        """Measure the room of so many lines."""
        text = self._label.text()
        rooms = []
        for lines in (self._lines, self._most):
            self._label.setText("\n".join(["x"] * lines))
            rooms.append(self._label.sizeHint().height() + self._frame_height)
        self._rooms = rooms[0], rooms[1]
        self._label.setText(text)
        self._fit()

    def _fit(self) -> None:
        """Take the room that the text needs, within limits."""
        least, most = self._rooms
        frame = self.contentsMargins()
        width = max(1, self.width() - frame.left() - frame.right())
        needed = self._label.heightForWidth(width) + self._frame_height
        self.setFixedHeight(min(max(needed, least), most))

    @property
    def _frame_height(self) -> int:
        frame = self.contentsMargins()  # which napari's theme draws around it
        return frame.top() + frame.bottom()

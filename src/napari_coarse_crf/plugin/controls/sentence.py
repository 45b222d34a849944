"""A sentence on how things are, which takes the same room whatever it says."""

from __future__ import annotations

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QFrame, QLabel, QScrollArea, QSizePolicy

_STYLED = (QEvent.Type.StyleChange, QEvent.Type.FontChange)


class Sentence(QScrollArea):
    """Text that a person can read and copy; a longer one scrolls.

    Parameters
    ----------
    lines : int
        How many there is always room for: else what lies beside it moves away from under the pointer.
    """

    def __init__(self, lines: int) -> None:
        super().__init__()
        self._lines = lines
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
        if (bar := self.verticalScrollBar()) is not None:
            bar.setValue(0)

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow font and margins, which napari's theme sets once the dock is there."""
        super().changeEvent(event)
        if event is not None and event.type() in _STYLED:
            self._keep_room()

    def _keep_room(self) -> None:
        text = self._label.text()
        self._label.setText("\n".join(["x"] * self._lines))
        frame = self.contentsMargins()  # which napari's theme draws around it
        self.setFixedHeight(self._label.sizeHint().height() + frame.top() + frame.bottom())
        self._label.setText(text)

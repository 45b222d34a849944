"""A sentence on how things are, which takes the same room whatever it says."""

from __future__ import annotations

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QLabel

_STYLED = (QEvent.Type.StyleChange, QEvent.Type.FontChange)


class Sentence(QLabel):
    """Text that a person can read and copy.

    Parameters
    ----------
    lines : int
        How many there is always room for: else what lies beside it jumps whenever it changes.
    """

    def __init__(self, lines: int) -> None:
        super().__init__()
        self._lines = lines
        self.setTextFormat(Qt.TextFormat.PlainText)  # names of layers may hold anything
        self.setWordWrap(True)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._keep_room()

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow font and margins, which napari's theme sets once the dock is there."""
        super().changeEvent(event)
        if event is not None and event.type() in _STYLED:
            self._keep_room()

    def _keep_room(self) -> None:
        text = self.text()
        self.setText("\n".join(["x"] * self._lines))
        self.setMinimumHeight(self.sizeHint().height())
        self.setText(text)

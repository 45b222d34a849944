"""The part of the dock that is always in sight: Run, how far it is, and one sentence on how things are.

Used by widget.py.
"""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget


class RunBar(QWidget):
    """The Run button, the progress and the sentence that says how things are."""

    def __init__(self) -> None:
        super().__init__()
        self.button = QPushButton("Run")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.hide()
        self.status = QLabel()
        self.status.setTextFormat(Qt.TextFormat.PlainText)  # names of layers may hold anything
        self.status.setWordWrap(True)
        self.status.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.status.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.status.setMinimumHeight(3 * self.status.fontMetrics().lineSpacing())  # else the dock jumps
        row = QHBoxLayout()
        row.addWidget(self.button, 1)
        row.addWidget(self.progress, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.status)

    def show_idle(self, sentence: str, *, enabled: bool) -> None:
        """Offer Run, or say why not."""
        self.button.setText("Run")
        self.button.setEnabled(enabled)
        self.progress.hide()
        self.progress.setRange(0, 0)  # moves without an end until the next run says how many steps it takes
        self.status.setText(sentence)

    def show_busy(self, sentence: str, *, stoppable: bool) -> None:
        """Offer Cancel, or show that it was heard."""
        self.button.setText("Cancel")
        self.button.setEnabled(stoppable)
        self.progress.show()
        self.status.setText(sentence)

    def show_progress(self, step: int, total: int) -> None:
        """Move the progress bar."""
        self.progress.setRange(0, total)
        self.progress.setValue(step)

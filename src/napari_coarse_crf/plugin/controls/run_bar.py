"""The part of the dock that is always in sight: Run, Live, how far it is, and one sentence on how things are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import (
    QAbstractButton,
    QCheckBox,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_coarse_crf.plugin.controls.sentence import Sentence

if TYPE_CHECKING:
    from napari_coarse_crf.plugin.controls.keys import ViewerKeys

NEXT_PLACE_KEY = "G"
"""Go. napari itself uses it neither for the viewer nor for a kind of layer."""


class RunBar(QWidget):
    """The Run button, the progress and the sentence that says how things are."""

    def __init__(self) -> None:
        super().__init__()
        self.button = _button("Run", "<p>Refine the labels. Your own layer stays as it is.</p>")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.hide()
        self.status = Sentence(lines=4)
        row = QHBoxLayout()
        row.addWidget(self.button, 1)
        row.addWidget(self.progress, 2)
        self.live = QCheckBox("Live")
        self.live.setToolTip(
            "<p>Refine again by itself whenever a slider moves or a stroke is painted: a quick look at once, the full "
            "result when your hand rests. It is shown in one preview layer.</p>"
        )
        self.keep = _button("Keep", "<p>Make the preview a layer of its own, which the next one leaves alone.</p>")
        self.keep.setEnabled(False)
        self.next_place = _button(
            "Next place",
            "<p>Go to where a stroke would help most: a large area between two labels. Press again for the next.</p>",
        )
        self.commit = _button(
            "Commit",
            "<p>Accept the result that is shown: its pixels go into a layer of their own, and the next runs keep them "
            "as they keep your strokes, which count where both hold a label.</p>",
        )
        self.commit_slice = _button("Commit slice", "<p>Accept the current slice only.</p>")
        self.take_back = _button(
            "Take back",
            "<p>Undo the last Commit; press again for the one before. What was accepted in an earlier session can be "
            "erased in its layer.</p>",
        )
        live_row = QHBoxLayout()
        live_row.addWidget(self.live, 1)
        live_row.addWidget(self.keep, 1)
        live_row.addWidget(self.next_place, 2)
        commit_row = QHBoxLayout()
        for button in (self.commit, self.commit_slice, self.take_back):
            commit_row.addWidget(button, 1)
        self._keys: dict[str, QAbstractButton] = {
            "R": self.button,
            "Shift-R": self.live,
            "K": self.keep,
            NEXT_PLACE_KEY: self.next_place,
            "Shift-C": self.commit,  # C alone is napari's, for the contrast of an image
        }
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addLayout(live_row)
        layout.addLayout(commit_row)
        layout.addWidget(self.status)

    def take_keys(self, keys: ViewerKeys) -> None:
        """Let keys press the buttons, and say so in their tooltips; on Next place itself, which is pressed again."""
        for key, button in self._keys.items():
            if not keys.click(key, button):
                continue
            if button is self.next_place:
                button.setText(f"Next place ({key})")
            elif (said := f"<p>Key: {key}</p>") not in button.toolTip():
                button.setToolTip(button.toolTip() + said)

    def show_idle(self, sentence: str, *, enabled: bool) -> None:
        """Offer Run, or say why not."""
        self.button.setText("Run")
        self.button.setEnabled(enabled)
        self.next_place.setEnabled(enabled)
        self.progress.hide()
        self.progress.setRange(0, 0)  # moves without an end until the next run says how many steps it takes
        self.status.setText(sentence)

    def show_busy(self, sentence: str) -> None:
        """Offer Cancel."""
        self.button.setText("Cancel")
        self.button.setEnabled(True)
        self.progress.show()
        self.status.setText(sentence)

    def show_progress(self, step: int, total: int) -> None:
        """Move the progress bar."""
        self.progress.setRange(0, total)
        self.progress.setValue(step)


def _button(text: str, tooltip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tooltip)
    return button

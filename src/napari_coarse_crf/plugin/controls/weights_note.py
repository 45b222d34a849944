"""A few lines below "Weights": who chooses them, and what the labels chose last and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from napari_coarse_crf.judging.words import choice_in_short
from napari_coarse_crf.plugin.controls.sentence import Sentence

if TYPE_CHECKING:
    from napari_coarse_crf import Parameters
    from napari_coarse_crf.judging.words import Made

_BY_LABELS: Final = (
    "In each run your labels choose what is marked 'auto' below, most of it under Advanced. Turn one of these to set "
    "all of them yourself."
)
_BY_HAND: Final = "The weights are as the sliders stand. Choose 'auto' to let your labels choose in each run."


class WeightsNote(Sentence):
    """Says who chooses the weights. It keeps its room: the slider that is turned would move away from the pointer."""

    def __init__(self) -> None:
        super().__init__(lines=4)

    def begin(self, weights: str) -> None:
        """Say what is to come: "auto" or "fixed"."""
        self.setText(_BY_LABELS if weights == "auto" else _BY_HAND)

    def say(self, made: Made, before: Parameters) -> None:
        """Say what was chosen for a result in the place of what there was before, and why."""
        self.setText(f"{choice_in_short(made, before)} {made.reason}".strip() or _BY_LABELS)

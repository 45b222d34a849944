"""Parameters found from the person's own labels, as a job like any other: in a thread, cancelled at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Final

from napari_coarse_crf import InputError, Progress
from napari_coarse_crf.plugin.jobs.aside import take_aside
from napari_coarse_crf.plugin.jobs.explained import explained
from napari_coarse_crf.suggest.search import search_parameters
from napari_coarse_crf.tiles.apart import spread
from napari_coarse_crf.tiles.parts import NO_SLICE, has_two_labels

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari_coarse_crf import Suggestion
    from napari_coarse_crf.compute.arrays import LabelArray
    from napari_coarse_crf.inputs import Picture
    from napari_coarse_crf.plugin.layers.read import Inputs

_WHERE: Final = "Your labels choose so; the sliders stand there now, fixed. With 'auto', each run chooses anew."
_STAGE: Final = "trying parameters on hidden labels"


class _Stopped(Exception):
    """The job was cancelled."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class SuggestJob:
    """A search for parameters, independent of what happens to the layers meanwhile."""

    inputs: Inputs
    is_live: bool = False

    def steps(self) -> Generator[Progress, None, Suggestion]:
        """Search, yielding how many trials are done. Touches no layer, so any thread may take the steps.

        Raises
        ------
        CoarseCRFError
            If the input cannot be used, or if something went wrong that nobody foresaw.
        """
        latest, stopped = [Progress(_STAGE, 0, 0)], Event()

        def report(done: int, total: int) -> None:
            if stopped.is_set():
                raise _Stopped
            latest[0] = Progress(_STAGE, done, total)

        try:
            with explained("The search stopped"):
                labelled = yield from take_aside(self._load, lambda: latest[0])
                search = partial(search_parameters, labelled, report)
                # The search reports by calling back, which cannot yield: so it runs in a thread of its own.
                return (yield from take_aside(search, lambda: latest[0]))
        finally:
            stopped.set()

    def _load(self) -> list[tuple[Picture, LabelArray]]:
        """Return image and labels of everything, or of a few slices spread over those with two labels."""
        parts = self.inputs.parts()
        if len(parts) > 1:
            parts = spread([part for part in parts if has_two_labels(self.inputs.load_labels(part))])
        loaded = [self.inputs.load(part) for part in parts]
        if len(loaded) > 1:
            loaded = [(picture, labels) for picture, labels in loaded if has_two_labels(labels, picture.mask)]
        if not loaded:
            raise InputError(NO_SLICE)
        return loaded


def told(suggestion: Suggestion) -> str:
    """Return why these weights, where they are now, and a line on each set that was tried, the defaults among them."""
    if not suggestion.trials:
        return suggestion.reason
    lines = [
        f"{trial.name}: {trial.gain:+.3f} promised, {trial.hidden_gain:+.3f} when hidden" for trial in suggestion.trials
    ]
    return "\n".join([suggestion.reason, _WHERE, "Tried, in mean IoU against the defaults:", *lines])

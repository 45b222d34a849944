"""What a person is told while tiles are planned, before the first of them: what is read, and how long that will take.

A large image takes minutes until then, and its stages go on at different speeds: each is told with its own time.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Final, TypeVar

from napari_coarse_crf import Progress
from napari_coarse_crf.compute.parallel import retold

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

_STAGES: Final = {
    "labels": "reading your labels",
    "reading": "reading the image",
    "overview": "looking at all of it at reduced size",
    "paths": "finding paths from your strokes, tile by tile",
}
"""Of `plan_tiles`, in their order."""
_MINUTE: Final = 60

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PlanStep(Progress):
    """A step of what comes before the first tile.

    Attributes
    ----------
    seconds_left : float or None
        How long its stage will take yet; None: nobody knows.
    """

    seconds_left: float | None = None

    @property
    def sentence(self) -> str:
        """Where the run stands.

        Examples
        --------
        >>> PlanStep("reading", 12, 36, None, 80.0).sentence
        'Preparing, 2 of 4: reading the image, 12 of 36, about 1 min left.'
        >>> PlanStep("overview", 0, 1).sentence
        'Preparing, 3 of 4: looking at all of it at reduced size.'
        """
        stages = list(_STAGES)
        which = f", {stages.index(self.stage) + 1} of {len(stages)}" if self.stage in _STAGES else ""
        far = f", {self.step} of {self.total}" if self.total > 1 else ""
        left = "" if self.seconds_left is None else f", about {time_in_words(self.seconds_left)} left"
        return f"Preparing{which}: {_STAGES.get(self.stage, self.stage)}{far}{left}."


def timed(
    steps: Generator[Progress, None, T], clock: Callable[[], float] = perf_counter
) -> Generator[PlanStep, None, T]:
    """Take steps, and say at each how long its stage will take yet, as fast as it went until now."""
    stage, began, step, reached = "", 0.0, 0, 0.0

    def tell(progress: Progress) -> PlanStep:
        nonlocal stage, began, step, reached
        now = clock()
        if progress.stage != stage:
            stage, began, step, reached = progress.stage, now, progress.step, now
        if progress.step > step:
            step, reached = progress.step, now
        left = (reached - began) / step * (progress.total - step) - (now - reached) if step else None
        return PlanStep(stage, progress.step, progress.total, None, None if left is None else max(0.0, left))

    return (yield from retold(steps, tell))


def time_in_words(seconds: float) -> str:
    """Return a time as a person says it.

    Examples
    --------
    >>> time_in_words(42.3), time_in_words(4000)
    ('42 s', '1 h 7 min')
    """
    if seconds < _MINUTE:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / _MINUTE)
    return f"{minutes} min" if minutes < _MINUTE else f"{minutes // _MINUTE} h {minutes % _MINUTE} min"

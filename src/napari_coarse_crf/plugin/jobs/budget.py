"""How large a quick look may be, by how long the last ones took."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from napari_coarse_crf.tiles.reduced import step_within

if TYPE_CHECKING:
    from collections.abc import Sequence

TARGET_SECONDS: Final = 0.2
"""How soon a quick look should be there."""

FIRST_PIXELS: Final = 80_000
"""Of the first quick look: 0.2 s with six labels on one of two slow cores."""

_LEAST_PIXELS: Final = 5_000
_MOST_GROWTH: Final = 4
"""How many times as many pixels the next look may have: that of half the step, in 2-D."""

_PATIENCE: Final = 1.5
"""How many times the target a look may take before the next ones are made smaller."""

_AS_QUICK: Final = 1.5
"""How many times the target the full result may take to be shown without a look before."""

_FAR_TOO_LONG: Final = 4.0
"""How many times the target is so much that one look is enough to tell."""

_SLOW_ONES: Final = 2
_QUICK_ONES: Final = 3
"""How many looks in a row tell that another size would do: one alone may be a hiccup, or have had little to do."""


class LookBudget:
    """Chooses the step of a quick look.

    A look of another size throws away what is kept between looks. So the size changes only once several looks agree,
    and grows only where the next one would be on time even if all of its work grew with its pixels.

    Attributes
    ----------
    pixels : int
        How many the next look may have.
    """

    def __init__(self) -> None:
        self.pixels = FIRST_PIXELS
        self._size = 0  # of the looks that `_seconds` are of
        self._seconds: list[float] = []
        self._full: tuple[int, float] | None = None  # size and seconds of the last full result

    def step(self, shape: Sequence[int]) -> int:
        """Return at which step to look at an array of this shape: 1 where the full result is about as quick."""
        return 1 if self._full_is_quick(shape) else step_within(shape, self.pixels)

    def note_full(self, shape: Sequence[int], seconds: float) -> None:
        """Take note of how long the full result took, of an array of this shape."""
        self._full = math.prod(shape), seconds

    def note_look(self, shape: Sequence[int], step: int, seconds: float) -> None:
        """Take note of how long a look took, at this step at an array of this shape."""
        size = math.prod(-(-length // step) for length in shape)
        if size != self._size:
            self._size, self._seconds = size, []
        self._seconds = [*self._seconds, seconds][-_QUICK_ONES:]
        slow, quick = self._seconds[-_SLOW_ONES:], self._seconds[-_QUICK_ONES:]
        if seconds > _FAR_TOO_LONG * TARGET_SECONDS:
            self.pixels = max(_LEAST_PIXELS, int(size * TARGET_SECONDS / seconds))
        elif len(slow) == _SLOW_ONES and min(slow) > _PATIENCE * TARGET_SECONDS:
            self.pixels = max(_LEAST_PIXELS, int(size * TARGET_SECONDS / min(slow)))
        elif len(quick) == _QUICK_ONES and max(quick) < TARGET_SECONDS:
            growth = TARGET_SECONDS / max(max(quick), TARGET_SECONDS / _MOST_GROWTH)
            self.pixels = max(self.pixels, int(size * growth))

    def _full_is_quick(self, shape: Sequence[int]) -> bool:
        if self._full is None:
            return False
        size, seconds = self._full
        return size == math.prod(shape) and seconds <= _AS_QUICK * TARGET_SECONDS

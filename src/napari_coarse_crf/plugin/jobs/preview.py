"""A smaller problem that answers at once: how many pixels it may have."""

from __future__ import annotations

from typing import Final

TARGET_SECONDS: Final = 0.2
"""How soon a quick look should be there."""

FIRST_BUDGET: Final = 80_000
"""Pixels of the first quick look: 0.2 s with six labels on one of two slow cores."""

_LEAST_BUDGET: Final = 5_000
_PATIENCE: Final = 1.5
"""How many times the target a look may take before the next ones are made smaller."""


def next_budget(budget: int, seconds: float) -> int:
    """Return how many pixels the next quick look may have, after one of `budget` pixels took some time.

    It never grows: a look that was quick because little had changed says nothing about the next one, and another size
    would throw away what is kept between them.
    """
    if seconds <= _PATIENCE * TARGET_SECONDS:
        return budget
    return max(_LEAST_BUDGET, int(budget * TARGET_SECONDS / seconds))

"""A smaller problem that answers at once: fewer pixels, and the way back to full size.

Plain arithmetic on arrays, without a window. Used by job.py for the quick look of the Live switch.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    LabelArray = NDArray[np.integer[Any]]

TARGET_SECONDS: Final = 0.2
"""How soon a quick look should be there."""

FIRST_BUDGET: Final = 80_000
"""Pixels of the first quick look: 0.2 s with six labels on one of two slow cores."""

_LEAST_BUDGET: Final = 5_000
_PATIENCE: Final = 1.5
"""How many times the target a look may take before the next ones are made smaller."""


def step_within(shape: Sequence[int], budget: int) -> int:
    """Return the smallest step at which an array of this shape keeps at most `budget` pixels.

    Examples
    --------
    >>> step_within((1024, 2048), 80_000)
    6
    """
    step = 1
    while step < max(shape) and math.prod(-(-size // step) for size in shape) > budget:
        step += 1
    return step


def next_budget(budget: int, seconds: float) -> int:
    """Return how many pixels the next quick look may have, after one of `budget` pixels took some time.

    It never grows: a look that was quick because little had changed says nothing about the next one, and another size
    would throw away what is kept between them.
    """
    if seconds <= _PATIENCE * TARGET_SECONDS:
        return budget
    return max(_LEAST_BUDGET, int(budget * TARGET_SECONDS / seconds))


def thin_out(array: NDArray[Any], step: int, ndim: int) -> NDArray[Any]:
    """Keep every `step`-th pixel along the first `ndim` axes."""
    return np.ascontiguousarray(array[(slice(None, None, step),) * ndim])


def thin_out_labels(labels: LabelArray, step: int) -> LabelArray:
    """Keep the largest id of each block: a stroke one pixel wide stays, which every `step`-th pixel would miss.

    Examples
    --------
    >>> thin_out_labels(np.array([[0, 0, 3], [7, 0, 0]]), 2)
    array([[7, 3]])
    """
    padded = np.pad(labels, [(0, -size % step) for size in labels.shape])
    blocks = padded.reshape([part for size in padded.shape for part in (size // step, step)])
    thinned: LabelArray = blocks.max(axis=tuple(range(1, blocks.ndim, 2)))
    return thinned


def enlarge(array: NDArray[Any], step: int, shape: Sequence[int]) -> NDArray[Any]:
    """Repeat every pixel `step` times along each axis, up to `shape`."""
    for axis in range(array.ndim):
        array = np.repeat(array, step, axis=axis)
    return array[tuple(slice(size) for size in shape)]

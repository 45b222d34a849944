"""The smaller sizes of what was written part by part: of each block the pixel nearest to its middle, never a mean."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.compute.parallel import blocks

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

    from napari_coarse_crf.refinement import Progress

_AT_ONCE = 2**22  # pixels that are read at a time


def fill_level(
    larger: Any, level: Any, progress: Progress, ratio: Sequence[float] | None = None
) -> Generator[Progress, None, None]:
    """Fill a level of a pyramid from the next larger one, chunk by chunk.

    Parameters
    ----------
    larger, level : array of zarr
        What is read and what is filled.
    progress : Progress
        What is told meanwhile.
    ratio : sequence of float, optional
        How many pixels of the larger one a pixel of the level is; by default as the shapes say.
    """
    steps = [one / other for one, other in zip(larger.shape, level.shape, strict=True)] if ratio is None else ratio
    index = [
        nearest_to_middle(size, step, most) for size, step, most in zip(level.shape, steps, larger.shape, strict=True)
    ]
    sides = _sides(level.chunks, level.shape, steps)
    along = [[slice(*one) for one in blocks(size, side)] for size, side in zip(level.shape, sides, strict=True)]
    boxes = list(product(*along))
    for number, box in enumerate(boxes):
        yield replace(progress, step=number, total=len(boxes))
        level[box] = _picked(larger, [one[part] for one, part in zip(index, box, strict=True)])


def nearest_to_middle(count: int, step: float, length: int) -> NDArray[np.intp]:
    """Return which of the pixels of a larger array lie nearest to the middles of blocks of them.

    Examples
    --------
    >>> nearest_to_middle(3, 2, 5), nearest_to_middle(2, 4, 8)
    (array([0, 2, 4]), array([1, 5]))
    """
    middles = np.ceil(step * np.arange(count) + (step - 1) / 2 - 0.5 - 1e-6)
    nearest: NDArray[np.intp] = np.clip(middles, 0, length - 1).astype(np.intp)
    return nearest


def _picked(larger: Any, index: Sequence[NDArray[np.intp]]) -> NDArray[Any]:
    first = [int(one[0]) for one in index]
    block = np.asarray(larger[tuple(slice(one, int(own[-1]) + 1) for one, own in zip(first, index, strict=True))])
    picked: NDArray[Any] = block[np.ix_(*(own - one for one, own in zip(first, index, strict=True)))]
    return picked


def _sides(chunks: Sequence[int], shape: Sequence[int], steps: Sequence[float]) -> list[int]:
    """Return the sides of parts of a level, of whole chunks, for each of which so much is read as fits."""
    sides = [min(chunk, size) for chunk, size in zip(chunks, shape, strict=True)]
    for axis in reversed(range(len(sides))):
        while sides[axis] < shape[axis] and 2 * np.prod(np.multiply(sides, steps)) <= _AT_ONCE:
            sides[axis] *= 2
    return sides

"""An array read at the pixels of another one, by nearest neighbour: nothing is computed before a part is asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.compute.by_parts import ByParts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import MaskArray

OUTSIDE = -1
"""The index of what the array does not reach."""

_TIE = 1e-6
"""A pixel between two others takes the one before it, whatever rounding does: so twice as large are two for one."""


@dataclass(frozen=True, slots=True, eq=False)
class Laid(ByParts):
    """What an array holds at the pixels of another grid; 0 where it does not reach. Read by slices and numbers.

    Attributes
    ----------
    data : array
        May be lazy: only the range that a part needs is read.
    index : tuple of array or int
        For each axis of `data`, its index at each pixel of the grid, or `OUTSIDE`; a number for an axis of which only
        one plane is read, and which the grid has not.
    """

    data: Any
    index: tuple[NDArray[np.intp] | int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the grid."""
        return tuple(len(one) for one in self.index if not isinstance(one, int))

    @property
    def dtype(self) -> np.dtype[Any]:
        """As numpy reads it: other libraries have types of their own."""
        return np.asarray(self.data[(slice(0, 1),) * len(self.index)]).dtype

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read a part: numbers and slices, as of an array."""
        cut = self._cut(key)
        shape = tuple(len(one) for one in cut if not isinstance(one, int))
        index = [np.atleast_1d(one) for one in cut]
        ranges = [_range(one) for one in index]
        if any(one is None for one in ranges):
            return np.zeros(shape, self.dtype)
        block = np.asarray(self.data[tuple(ranges)])
        read = block[np.ix_(*(np.maximum(one - own.start, 0) for one, own in zip(index, ranges, strict=True) if own))]
        inside = _all_along([one != OUTSIDE for one in index])
        return (read if inside.all() else np.where(inside, read, 0).astype(read.dtype)).reshape(shape)

    @property
    def reaches_everywhere(self) -> bool:
        """Whether no pixel lies outside."""
        return not any(isinstance(one, np.ndarray) and (one == OUTSIDE).any() for one in self.index)

    def inside(self, part: Any) -> MaskArray:
        """Return where the array reaches, in a part."""
        index = self._cut(part)
        reached = _all_along([one != OUTSIDE for one in index if isinstance(one, np.ndarray)])
        return reached & (OUTSIDE not in [one for one in index if isinstance(one, int)])

    @property
    def once(self) -> Laid:
        """Every pixel that is read at all, once: as small as the smaller of both, for a look at what there is."""
        read = [np.unique(one[one != OUTSIDE]) if isinstance(one, np.ndarray) else one for one in self.index]
        return replace(self, index=tuple(read))

    def over(self, data: Any) -> Laid:
        """Return the same of another array of the same shape."""
        return replace(self, data=data)

    def cut(self, window: tuple[slice, ...]) -> Laid:
        """Return a window of it, of which nothing is read."""
        return replace(self, index=tuple(self._cut(window)))

    def narrowed(self, window: tuple[slice, ...]) -> Laid:
        """Return a window of it that holds no more of an array in memory than it reads: a view."""
        cut = self._cut(window)
        ranges = [_range(np.atleast_1d(one)) or slice(0, 1) for one in cut]
        index = [
            one - own.start if isinstance(one, int) else np.where(one == OUTSIDE, OUTSIDE, one - own.start)
            for one, own in zip(cut, ranges, strict=True)
        ]
        return Laid(self.data[tuple(ranges)], tuple(index))

    def _cut(self, key: Any) -> list[NDArray[np.intp] | int]:
        """Return the index of a part; numbers for the axes of which it takes one place."""
        given = iter(key if isinstance(key, tuple) else (key,))
        cut = [one if isinstance(one, int) else one[next(given, slice(None))] for one in self.index]
        return [one if isinstance(one, np.ndarray) else int(one) for one in cut]


def nearest(count: int, step: float, start: float, length: int, reach: int = 0) -> NDArray[np.intp]:
    """Return which of `count` pixels lies nearest to each of `length` others, or `OUTSIDE`.

    Parameters
    ----------
    count : int
        How many there are along the axis.
    step, start : float
        Where the others lie, in these pixels: at start, start + step, and so on.
    length : int
        How many others.
    reach : int, optional
        By how many pixels the outermost reach farther than they are large.

    Examples
    --------
    >>> nearest(3, 0.5, 0, 8)
    array([ 0,  0,  1,  1,  2,  2, -1, -1])
    """
    places = np.ceil(start + step * np.arange(length) - 0.5 - _TIE)
    inside = (places >= -reach) & (places <= count - 1 + reach)
    return np.where(inside, np.clip(places, 0, count - 1), OUTSIDE).astype(np.intp)


def _range(index: NDArray[np.intp]) -> slice | None:
    """Return the range that is read along one axis, or None if nothing is."""
    found = index[index != OUTSIDE]
    return slice(int(found.min()), int(found.max()) + 1) if len(found) else None


def _all_along(inside: list[Any]) -> MaskArray:
    """Return where all axes are inside."""
    count = len(inside)
    found: MaskArray = np.ones((1,) * count, np.bool_)
    for axis, one in enumerate(inside):
        found = found & one.reshape((1,) * axis + (-1,) + (1,) * (count - axis - 1))
    return found

"""Labels of several resolutions as those of the finest: strokes on any level count.

Levels that are only smaller copies add nothing: a pixel of a coarser level counts where no finer one holds a label in
all of its area.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.compute.by_parts import ByParts
from napari_coarse_crf.inputs import UNLABELLED
from napari_coarse_crf.plugin.layers.cut import inside

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_coarse_crf.compute.arrays import LabelArray


@dataclass(frozen=True, slots=True, eq=False)
class Levels(ByParts):
    """What is painted on any of several levels, at the pixels of the finest. Read by slices and numbers.

    Attributes
    ----------
    levels : sequence of array
        The finest first; may be lazy.
    """

    levels: Sequence[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the finest."""
        return tuple(self.levels[0].shape)

    @property
    def dtype(self) -> Any:
        """Of the finest."""
        return self.levels[0].dtype

    def __getitem__(self, key: Any) -> LabelArray:
        """Read a part.

        Examples
        --------
        >>> fine, coarse = np.zeros((1, 6), int), np.array([[5, 0, 7]])
        >>> fine[0, 1] = 3
        >>> Levels([fine, coarse])[:, :]
        array([[0, 3, 0, 0, 7, 7]])
        """
        part = inside(tuple(slice(0, size) for size in self.shape), key if isinstance(key, tuple) else (key,))
        ranges = [one if isinstance(one, slice) else slice(one, one + 1) for one in part]
        whole = [self._whole_blocks(axis, one) for axis, one in enumerate(ranges)]
        labels = np.array(self.levels[0][tuple(whole)])
        for level in self.levels[1:]:
            _add_strokes(labels, level, whole, self.shape)
        own = (_within(one, outer) for one, outer in zip(part, whole, strict=True))
        return labels[tuple(own)]

    def _whole_blocks(self, axis: int, one: slice) -> slice:
        """Return a range that holds whole pixels of the coarsest level."""
        size, coarse = self.shape[axis], self.levels[-1].shape[axis]
        first, last = one.start * coarse // size, (max(one.stop, one.start + 1) - 1) * coarse // size
        return slice(-(-first * size // coarse), min(size, -(-(last + 1) * size // coarse)))


def _add_strokes(labels: LabelArray, level: Any, ranges: Sequence[slice], shape: Sequence[int]) -> None:
    """Put what a coarser level holds into labels, where these hold nothing in all of a pixel of it."""
    along = zip(ranges, level.shape, shape, strict=True)
    index = [np.arange(one.start, one.stop) * count // size for one, count, size in along]
    read = tuple(slice(int(one[0]), int(one[-1]) + 1) for one in index)
    coarse = np.asarray(level[read]).astype(labels.dtype, copy=False)
    if not coarse.any():
        return
    taken = labels != UNLABELLED
    for axis, one in enumerate(index):
        taken = np.logical_or.reduceat(taken, np.flatnonzero(np.diff(one, prepend=-1)), axis=axis)
    coarse = np.where(taken, UNLABELLED, coarse)
    found = coarse[np.ix_(*(one - one[0] for one in index))]
    np.copyto(labels, found, where=found != UNLABELLED)


def _within(one: int | slice, outer: slice) -> int | slice:
    if not isinstance(one, slice):
        return one - int(outer.start)
    return slice(one.start - outer.start, one.stop - outer.start, one.step)

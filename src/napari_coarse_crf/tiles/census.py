"""How many pixels of each label there are in an image that does not fit into memory, counted block by block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import find_objects

from napari_coarse_crf.inputs import UNLABELLED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import LabelArray, MaskArray
    from napari_coarse_crf.tiles.source import Box


@dataclass(frozen=True, slots=True, eq=False)
class Census:
    """How many pixels of each label there are, and where.

    Attributes
    ----------
    ids : (L,) int64
        The labels that occur, sorted.
    sizes : (L,) int64
        How many pixels each has.
    low, high : (L, D) int64
        Where the box around these begins and ends.
    n_pixels : int
        How many pixels take part.
    n_lost : int
        How many do not because they are NaN.
    """

    ids: NDArray[np.int64]
    sizes: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    n_pixels: int
    n_lost: int = 0

    @classmethod
    def empty(cls, ndim: int) -> Census:
        """Return that of no pixels."""
        return cls(*_nothing(ndim), 0)

    @classmethod
    def of(cls, labels: LabelArray, taking_part: MaskArray | None, box: Box, n_lost: int = 0) -> Census:
        """Return that of the labels in one box of the image, where pixels take part."""
        counted = labels if taking_part is None else np.where(taking_part, labels, UNLABELLED)
        n_pixels = labels.size if taking_part is None else int(np.count_nonzero(taking_part))
        painted = counted != UNLABELLED
        ids, numbers, sizes = np.unique(counted[painted], return_inverse=True, return_counts=True)
        if not len(ids):
            return cls(*_nothing(len(box)), n_pixels, n_lost)
        compact = np.zeros(counted.shape, np.int32)
        compact[painted] = numbers + 1
        found = find_objects(compact)
        low, high = (np.array([[getattr(side, end) for side in one] for one in found]) for end in ("start", "stop"))
        origin = [one.start for one in box]
        return cls(ids.astype(np.int64), sizes, low + origin, high + origin, n_pixels, n_lost)

    def joined(self, other: Census) -> Census:
        """Return that of both."""
        ids, which = np.unique(np.concatenate([self.ids, other.ids]), return_inverse=True)
        sizes = np.bincount(which, np.concatenate([self.sizes, other.sizes]), len(ids)).astype(np.int64)
        low = np.full((len(ids), self.low.shape[1]), np.iinfo(np.int64).max)
        high = np.zeros_like(low)
        np.minimum.at(low, which, np.concatenate([self.low, other.low]))
        np.maximum.at(high, which, np.concatenate([self.high, other.high]))
        return Census(ids, sizes, low, high, self.n_pixels + other.n_pixels, self.n_lost + other.n_lost)

    @property
    def extents(self) -> NDArray[np.int64]:
        """(L, D) the sides of these boxes."""
        return self.high - self.low

    @property
    def labelled_share(self) -> float:
        """How much of the image is labelled."""
        return float(self.sizes.sum() / self.n_pixels)


def _nothing(ndim: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the ids, sizes and boxes of no label."""
    none, nowhere = np.zeros(0, np.int64), np.zeros((0, ndim), np.int64)
    return none, none, nowhere, nowhere

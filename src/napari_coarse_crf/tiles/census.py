"""How many pixels of each label there are in an image that does not fit into memory, counted block by block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import find_objects

from napari_coarse_crf.compute.regions import with_neighbours
from napari_coarse_crf.inputs import UNLABELLED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import LabelArray, MaskArray
    from napari_coarse_crf.tiles.source import Box


@dataclass(frozen=True, slots=True, eq=False)
class Census:
    """How many pixels of each label there are, and where.

    Attributes
    ----------
    ids : (L,) int
        The labels that occur, sorted; dtype of the label map.
    sizes : (L,) int64
        How many pixels each has.
    low, high : (L, D) int64
        Where the box around these begins and ends.
    edges : (L,) int64
        How many of them have an unlabelled neighbour in the same box.
    planes : (P,) int64
        The planes of a volume along its first axis; an image is one, 0.
    of_planes : (P, 2) int64
        How many pixels of each take part, and how many of these have a label.
    n_lost : int
        How many do not because they are NaN.
    """

    ids: LabelArray
    sizes: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    edges: NDArray[np.int64]
    planes: NDArray[np.int64]
    of_planes: NDArray[np.int64]
    n_lost: int = 0

    @classmethod
    def of(cls, labels: LabelArray, taking_part: MaskArray | None, box: Box, n_lost: int = 0) -> Census:
        """Return that of the labels in one box of the image, where pixels take part."""
        counted = labels if taking_part is None else np.where(taking_part, labels, UNLABELLED)
        painted = counted != UNLABELLED
        planes, of_planes = _count_planes(painted, taking_part, box)
        ids, numbers, sizes = np.unique(counted[painted], return_inverse=True, return_counts=True)
        if not len(ids):
            nothing = np.zeros((0, len(box)), np.int64)
            return cls(ids, sizes, nothing, nothing, sizes, planes, of_planes, n_lost)
        compact = np.zeros(counted.shape, np.int32)
        compact[painted] = numbers + 1
        found = find_objects(compact)
        low, high = (np.array([[getattr(side, end) for side in one] for one in found]) for end in ("start", "stop"))
        origin = [one.start for one in box]
        unlabelled = ~painted if taking_part is None else taking_part & ~painted
        edges = np.bincount(numbers[with_neighbours(unlabelled)[painted]], minlength=len(ids))
        return cls(ids, sizes, low + origin, high + origin, edges, planes, of_planes, n_lost)

    @classmethod
    def together(cls, parts: Sequence[Census]) -> Census:
        """Return that of all parts, one at least: at once, as each joined to all before takes a square of the time."""
        ids, which = np.unique(np.concatenate([one.ids for one in parts]), return_inverse=True)
        sizes = np.bincount(which, np.concatenate([one.sizes for one in parts]), len(ids)).astype(np.int64)
        low = np.full((len(ids), parts[0].low.shape[1]), np.iinfo(np.int64).max)
        high = np.zeros_like(low)
        np.minimum.at(low, which, np.concatenate([one.low for one in parts]))
        np.maximum.at(high, which, np.concatenate([one.high for one in parts]))
        edges = np.bincount(which, np.concatenate([one.edges for one in parts]), len(ids)).astype(np.int64)
        planes, where = np.unique(np.concatenate([one.planes for one in parts]), return_inverse=True)
        of_planes = np.zeros((len(planes), 2), np.int64)
        np.add.at(of_planes, where, np.concatenate([one.of_planes for one in parts]))
        return cls(ids, sizes, low, high, edges, planes, of_planes, sum(one.n_lost for one in parts))

    @property
    def extents(self) -> NDArray[np.int64]:
        """(L, D) the sides of these boxes."""
        return self.high - self.low

    @property
    def n_pixels(self) -> int:
        """How many pixels take part."""
        return int(self.of_planes[:, 0].sum())

    @property
    def labelled_share(self) -> float:
        """How much of the image is labelled."""
        return float(self.sizes.sum() / self.n_pixels)

    @property
    def painted_share(self) -> float:
        """How much is labelled of the planes that hold a label, as `heatmap.painted_share`."""
        pixels, labelled = self.of_planes[self.of_planes[:, 1] > 0].sum(axis=0)
        return float(labelled / max(1, pixels))


def _count_planes(
    painted: MaskArray, taking_part: MaskArray | None, box: Box
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return `planes` and `of_planes` of a box, in which pixels take part and are painted."""
    along = painted.reshape(len(painted) if painted.ndim > 2 else 1, -1)
    pixels = np.full(len(along), along.shape[1])
    if taking_part is not None:
        pixels = np.count_nonzero(taking_part.reshape(along.shape), axis=1)
    first = box[0].start if painted.ndim > 2 else 0
    of_planes = np.stack([pixels, np.count_nonzero(along, axis=1)], axis=1)
    return np.arange(first, first + len(along)), of_planes.astype(np.int64)

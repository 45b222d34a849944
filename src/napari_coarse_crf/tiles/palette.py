"""The colours of each label of an image that does not fit into memory, gathered block by block.

Colours that are nearly the same count as one, their mean: so a palette does not grow with the image. Where there are
too many nevertheless, as in many channels of noise, some of each label stand for all, the same in any order of blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_coarse_crf.inputs import UNLABELLED
from napari_coarse_crf.problem import OPEN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import FloatArray, LabelArray
    from napari_coarse_crf.problem import Problem

_STEP = 8
"""Every such unlabelled pixel lends its colour."""


@dataclass(frozen=True, slots=True, eq=False)
class Palette:
    """The colours of the pixels of each label, and of unlabelled ones: means of those that are nearly the same.

    Attributes
    ----------
    ids : (M,) int
        Labels, 0 for none; dtype of the label map.
    counts : (M,) float64
        How many pixels have nearly this colour and this label.
    sums : (C, M) float64
        The sum of their colours.
    keys : (M,) uint64
        A number for the label and the cell of colours, as if drawn at random.
    width : float
        How wide a cell is, in grey levels.
    """

    ids: LabelArray
    counts: NDArray[np.float64]
    sums: NDArray[np.float64]
    keys: NDArray[np.uint64]
    width: float

    @classmethod
    def of(cls, problem: Problem, width: float) -> Palette:
        """Return the palette of the labelled pixels of a problem, and of some others: those only bear the blur."""
        counted = problem.labels != OPEN
        counted[::_STEP] = True
        (pixels,) = np.nonzero(counted)
        # In their own type: beside others, 64 bits without a sign become floats. OPEN is -1, the last.
        ids = np.append(problem.label_ids, problem.label_ids.dtype.type(UNLABELLED))[problem.labels[pixels]]
        return cls._of_cells(ids, np.ones(len(ids)), problem.colours[:, pixels].astype(np.float64), width)

    @classmethod
    def _of_cells(
        cls, ids: LabelArray, counts: NDArray[np.float64], sums: NDArray[np.float64], width: float
    ) -> Palette:
        """Return the palette of some groups of colours."""
        keys = _shuffled(ids.astype(np.uint64))
        for channel in sums:
            keys = _shuffled(keys ^ np.floor(channel / counts / width).astype(np.int64).view(np.uint64))
        return cls(ids, counts, sums, keys, width).summed()

    def joined(self, other: Palette, most: int, widest: float) -> Palette:
        """Return both together, with at most so many colours in all: of wider cells, at last of some cells alone."""
        width = max(self.width, other.width)
        one, two = self.widened(width), other.widened(width)
        ids, counts = np.concatenate([one.ids, two.ids]), np.concatenate([one.counts, two.counts])
        sums, keys = np.concatenate([one.sums, two.sums], axis=1), np.concatenate([one.keys, two.keys])
        both = Palette(ids, counts, sums, keys, width).summed()
        while len(both.ids) > most and both.width < widest:
            both = both.widened(2 * both.width)
        return both if len(both.ids) <= most else both.thinned(max(1, most // len(np.unique(both.ids))))

    def widened(self, width: float) -> Palette:
        """Return the palette with cells of another width."""
        return self if width == self.width else Palette._of_cells(self.ids, self.counts, self.sums, width)

    def summed(self) -> Palette:
        """Return one colour for each key."""
        keys, first, which = np.unique(self.keys, return_index=True, return_inverse=True)
        sums = np.stack([np.bincount(which, channel, len(keys)) for channel in self.sums])
        counts = np.bincount(which, self.counts, len(keys))
        return Palette(self.ids[first], counts.astype(np.float64), sums.astype(np.float64), keys, self.width)

    def thinned(self, most: int) -> Palette:
        """Return at most so many colours of each label, those with the smallest keys, whatever came first."""
        order = np.lexsort((self.keys, self.ids))
        ids = self.ids[order]
        (starts,) = np.nonzero(np.append(True, ids[1:] != ids[:-1]))
        rank = np.arange(len(ids)) - np.repeat(starts, np.diff(starts, append=len(ids)))
        kept = order[rank < most]
        return Palette(self.ids[kept], self.counts[kept], self.sums[:, kept], self.keys[kept], self.width)

    @property
    def colours(self) -> FloatArray:
        """(C, M) the mean of each group of colours."""
        means: FloatArray = (self.sums / self.counts).astype(np.float32)
        return means


def _shuffled(places: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return a number for each place that no two share, as if drawn at random (the finaliser of SplitMix64)."""
    bits = places.astype(np.uint64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        bits = (bits ^ (bits >> np.uint64(shift))) * np.uint64(factor)
    return bits ^ (bits >> np.uint64(31))

"""How many pixels of each label there are in an image that does not fit into memory, counted block by block."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_coarse_crf.inputs import OPEN
from napari_coarse_crf.things import boxes_of_labels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_coarse_crf.inputs import Problem
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
    """

    ids: NDArray[np.int64]
    sizes: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    n_pixels: int

    @classmethod
    def empty(cls, ndim: int) -> Census:
        """Return that of no pixels."""
        none, nowhere = np.zeros(0, np.int64), np.zeros((0, ndim), np.int64)
        return cls(none, none, nowhere, nowhere, 0)

    @classmethod
    def of(cls, problem: Problem, box: Box) -> Census:
        """Return that of a problem, which lies in this box of the image."""
        if not len(problem.label_ids):
            return replace(cls.empty(len(box)), n_pixels=len(problem.labels))
        sizes = np.bincount(problem.labels[problem.labels != OPEN], minlength=len(problem.label_ids))
        low, high = boxes_of_labels(problem)
        origin = [one.start for one in box]
        return cls(problem.label_ids.astype(np.int64), sizes, low + origin, high + origin, len(problem.labels))

    def joined(self, other: Census) -> Census:
        """Return that of both."""
        ids, which = np.unique(np.concatenate([self.ids, other.ids]), return_inverse=True)
        sizes = np.bincount(which, np.concatenate([self.sizes, other.sizes]), len(ids)).astype(np.int64)
        low = np.full((len(ids), self.low.shape[1]), np.iinfo(np.int64).max)
        high = np.zeros_like(low)
        np.minimum.at(low, which, np.concatenate([self.low, other.low]))
        np.maximum.at(high, which, np.concatenate([self.high, other.high]))
        return Census(ids, sizes, low, high, self.n_pixels + other.n_pixels)

    @property
    def labelled_share(self) -> float:
        """How much of the image is labelled."""
        return float(self.sizes.sum() / self.n_pixels)

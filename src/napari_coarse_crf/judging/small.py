"""A problem at reduced size, for a quick look: pixels of a coarser grid, in which no stroke is lost."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_coarse_crf.problem import OPEN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_coarse_crf.compute.arrays import LabelArray, PixelArray
    from napari_coarse_crf.problem import Problem


@dataclass(frozen=True, slots=True, eq=False)
class Small:
    """A problem at reduced size.

    Attributes
    ----------
    problem : Problem
        One pixel of each block that has any; a labelled one where there is one.
    pixels : (n,) int
        Which pixels of the whole problem these are.
    step : float
        How many pixels of the finest axis a pixel of the finest axis stands for.
    """

    problem: Problem
    pixels: PixelArray
    step: float

    @classmethod
    def of(cls, problem: Problem, most: int) -> Small:
        """Return a problem reduced to at most so many pixels, of the box that holds all that take part."""
        corner, extent = box_of(problem)
        steps = steps_within(extent, problem.spacing, most)
        if max(steps) == 1 and extent == problem.shape:
            return cls(problem, np.arange(len(problem.pixels)), 1.0)
        shape = tuple(-(-size // step) for size, step in zip(extent, steps, strict=True))
        places = [
            place - low for place, low in zip(np.unravel_index(problem.pixels, problem.shape), corner, strict=True)
        ]
        inside = [place // step for place, step in zip(places, steps, strict=True)]
        block = np.ravel_multi_index(inside, shape)
        off = sum((place % step for place, step in zip(places, steps, strict=True)), np.zeros_like(block))
        # Of each block the first in this order: a labelled pixel, then one near its corner, then by number.
        rank, n_pixels = off + np.where(problem.labels == OPEN, sum(steps), 0), len(block)
        first = np.full(math.prod(shape), np.iinfo(np.int64).max)
        np.minimum.at(first, block, rank * n_pixels + np.arange(n_pixels))
        chosen = np.sort(first[first < np.iinfo(np.int64).max] % n_pixels)
        sizes = np.multiply(problem.spacing, steps)
        spacing = tuple((sizes / sizes.min()).tolist())
        features = problem.features[:, chosen].astype(np.float32)
        for row, axis in enumerate(reversed(range(len(shape)))):
            features[row] = inside[axis][chosen] * spacing[axis]
        reduced = replace(
            problem,
            features=features,
            labels=problem.labels[chosen],
            pixels=block[chosen].astype(problem.pixels.dtype),
            shape=shape,
            spacing=spacing,
        )
        return cls(reduced, chosen, float(sizes.min()))

    def label_map(self) -> LabelArray:
        """Return the labels on the grid, 1 more than in the problem; 0: unlabelled, or no pixel that takes part."""
        labels = np.zeros(math.prod(self.problem.shape), np.int32)
        labels[self.problem.pixels] = self.problem.labels + 1
        return labels.reshape(self.problem.shape)


def box_of(problem: Problem) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the corner and the size of the smallest box that holds all pixels that take part."""
    if len(problem.pixels) == math.prod(problem.shape):
        return (0,) * len(problem.shape), problem.shape
    places = np.unravel_index(problem.pixels, problem.shape)
    corner = tuple(int(place.min()) for place in places)
    return corner, tuple(int(place.max()) + 1 - low for place, low in zip(places, corner, strict=True))


def steps_within(shape: Sequence[int], spacing: Sequence[float], most: int) -> tuple[int, ...]:
    """Return by how much to reduce each axis to keep at most so many pixels: by about the same length.

    Examples
    --------
    >>> steps_within((1024, 2048), (1.0, 1.0), 2**16)
    (6, 6)
    >>> steps_within((30, 256, 256), (3.0, 1.0, 1.0), 2**16)
    (2, 5, 5)
    """
    length = 0
    while True:
        length += 1
        steps = [min(size, max(1, round(length / each))) for size, each in zip(shape, spacing, strict=True)]
        kept = math.prod(-(-size // step) for size, step in zip(shape, steps, strict=True))
        if kept <= most or length > max(np.multiply(shape, spacing)):
            return tuple(steps)

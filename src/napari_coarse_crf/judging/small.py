"""A problem at reduced size, for a quick look: pixels of a coarser grid, in which no stroke is lost."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_coarse_crf.compute.parallel import blocks
from napari_coarse_crf.problem import OPEN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_coarse_crf.compute.arrays import LabelArray, PixelArray
    from napari_coarse_crf.problem import Problem

_BLOCK = 2**15


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

        def inside(pixels: PixelArray) -> tuple[list[PixelArray], PixelArray]:
            """Return which block some pixels lie in, along each axis, and how far they are from its corner."""
            numbers, off = [], np.zeros(len(pixels), pixels.dtype)
            for place, low, step in zip(_places(pixels, problem.shape), corner, steps, strict=True):
                number = (place - low) // step
                numbers.append(number)
                off += place - low - number * step
            return numbers, off

        # Of each block the first in this order: a labelled pixel, then one near its corner, then by number.
        n_pixels, last = len(problem.pixels), sum(steps)
        first = np.full(math.prod(shape), np.iinfo(np.int64).max)
        for start, stop in blocks(n_pixels, _BLOCK):
            numbers, off = inside(problem.pixels[start:stop])
            rank = np.where(problem.labels[start:stop] == OPEN, off + last, off).astype(np.int64)
            np.minimum.at(first, np.ravel_multi_index(numbers, shape), rank * n_pixels + np.arange(start, stop))
        chosen = np.sort(first[first < np.iinfo(np.int64).max] % n_pixels)
        numbers, _ = inside(problem.pixels[chosen])
        sizes = np.multiply(problem.spacing, steps)
        spacing = tuple((sizes / sizes.min()).tolist())
        features = problem.features[:, chosen].astype(np.float32)
        for row, axis in enumerate(reversed(range(len(shape)))):
            features[row] = numbers[axis] * spacing[axis]
        reduced = replace(
            problem,
            features=features,
            labels=problem.labels[chosen],
            pixels=np.ravel_multi_index(numbers, shape).astype(problem.pixels.dtype),
            shape=shape,
            spacing=spacing,
        )
        return cls(reduced, chosen, float(sizes.min()))

    def label_map(self) -> LabelArray:
        """Return the labels on the grid, 1 more than in the problem; 0: unlabelled, or no pixel that takes part."""
        labels = np.zeros(math.prod(self.problem.shape), np.int32)
        labels[self.problem.pixels] = self.problem.labels + 1
        return labels.reshape(self.problem.shape)


def _places(pixels: PixelArray, shape: Sequence[int]) -> list[PixelArray]:
    """Return where pixels stand along each axis: `np.unravel_index`, in the type of the pixels."""
    places = []
    for size in reversed(shape):
        before = pixels // size
        places.append(pixels - before * size)
        pixels = before
    return places[::-1]


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

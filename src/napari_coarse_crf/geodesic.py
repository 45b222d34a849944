"""Geodesic distance of every pixel to every label: shortest paths over the pixel grid.

A path may step to any neighbour, diagonals included (8 in 2-D, 26 in 3-D); a step costs the length of its change in
position and scaled colour. Raster sweeps relax all steps in scan order, then backwards, for eight labels at once.
"""

from __future__ import annotations

from itertools import product
from threading import Event
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from napari_coarse_crf.parallel import blocks, in_chunks
from napari_coarse_crf.simd import LANES, add, broadcast, larger, largest, load, smaller, store, subtract

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from concurrent.futures import ThreadPoolExecutor

    from napari_coarse_crf.inputs import FloatArray, IndexArray, Problem

UNREACHED = np.float32(1e6)
"""Distance (px) of pixels that no path reaches: areas that the mask cuts off."""

_MOST_SWEEPS = 10
_SETTLED = np.float32(0.01)  # px; shorter changes do not change a logarithm that anyone could see
_BLOCK = 2**15


def geodesic_distances(
    pool: ThreadPoolExecutor,
    problem: Problem,
    colours: FloatArray,
    consume: Callable[[slice, slice, FloatArray], None],
) -> Generator[None, None, None]:
    """Find the geodesic distance of the F unlabelled pixels to each label.

    Parameters
    ----------
    pool : ThreadPoolExecutor
        Where the labels are swept, eight at a time.
    problem : Problem
        Labels, positions and spacing.
    colours : (C, N) float32
        Colours, scaled so that a difference of 1 costs as much as a pixel.
    consume : callable
        Takes a range of the unlabelled pixels, the columns (8 of the padded labels) and their distances, (range, 8)
        float32 in pixels of the finest axis, at most `UNREACHED`. It is called from the threads of the pool, so that
        the distances to all labels are never in memory at once.
    """
    grid = _Grid(problem)
    steps = yield from grid.step_lengths(pool, colours)
    open_cells = grid.cells[problem.open_pixels]
    stop = Event()

    def sweep(first: int) -> None:
        distances = _sweep_labels(grid, steps, problem.labels, first, stop)
        for start, end in blocks(len(open_cells), _BLOCK):
            consume(slice(start, end), slice(first, first + LANES), distances[open_cells[start:end]])

    yield from in_chunks(pool, sweep, [(first,) for first in range(0, len(problem.label_ids), LANES)], stop)


class _Grid:
    """The image's pixel grid with a border of one cell, so that no sweep asks whether a neighbour exists."""

    def __init__(self, problem: Problem) -> None:
        self.shape = tuple(size + 2 for size in problem.shape)
        strides = np.cumprod([1, *self.shape[:0:-1]])[::-1]
        axes = np.unravel_index(problem.pixels, problem.shape)
        self.cells = sum((axis + 1) * stride for axis, stride in zip(axes, strides, strict=True))
        self.size = int(np.prod(self.shape))
        # Half of the neighbours: those before a cell in scan order. The others are the same steps, backwards.
        ahead = [move for move in product((-1, 0, 1), repeat=len(self.shape)) if move < (0,) * len(self.shape)]
        self.offsets = np.array([np.dot(move, strides) for move in ahead], np.int64)
        self.margin = -int(self.offsets.min())  # cells of the border that have no neighbour ahead
        lengths = [np.dot(np.square(move), np.square(problem.spacing)) for move in ahead]
        self.squared_lengths = np.array(lengths, np.float32)

    def step_lengths(self, pool: ThreadPoolExecutor, colours: FloatArray) -> Generator[None, None, FloatArray]:
        """Return (cells, neighbours ahead) costs of the steps; infinite where either end takes no part."""
        colour_of_cell = np.full((self.size, len(colours)), np.nan, np.float32)
        colour_of_cell[self.cells] = colours.T
        steps = np.full((self.size, len(self.offsets)), np.inf, np.float32)
        yield from in_chunks(
            pool,
            _steps_kernel,
            [
                (colour_of_cell, self.offsets, self.squared_lengths, max(a, self.margin), b, steps)
                for a, b in blocks(self.size, _BLOCK)
            ],
        )
        return steps


def _sweep_labels(grid: _Grid, steps: FloatArray, labels: IndexArray, first: int, stop: Event) -> FloatArray:
    """Return the distance of every cell to the labels first..first + 7."""
    distance = np.full((grid.size, LANES), UNREACHED, np.float32)
    here = np.flatnonzero((labels >= first) & (labels < first + LANES))
    distance[grid.cells[here], labels[here] - first] = 0.0
    for _ in range(_MOST_SWEEPS):
        change = _sweep_kernel(steps, grid.offsets, grid.margin, distance)
        if change <= _SETTLED or stop.is_set():
            break
    return distance


@njit(nogil=True, cache=True)
def _steps_kernel(colours, offsets, squared_lengths, start, stop, out):  # type: ignore[no-untyped-def]
    for cell in range(start, stop):
        for k in range(len(offsets)):
            squared = squared_lengths[k]
            for channel in range(colours.shape[1]):
                difference = colours[cell, channel] - colours[cell + offsets[k], channel]
                squared += difference * difference
            # A cell that takes no part has no colour (NaN): no step leads there.
            out[cell, k] = np.sqrt(squared) if squared >= 0 else np.inf


@njit(nogil=True, cache=True)
def _sweep_kernel(steps, offsets, margin, distance):  # type: ignore[no-untyped-def]
    """Relax all steps forwards, then backwards; returns by how much the backward sweep shortened a path at most."""
    n = len(distance)
    across = len(offsets) - 1  # the step to the neighbour just visited, whose distance is still at hand
    most = broadcast(np.float32(0.0))
    shortest = load(distance, (margin - 1) * LANES)
    for cell in range(margin, n):
        others = load(distance, cell * LANES)
        for k in range(across):
            through = add(load(distance, (cell + offsets[k]) * LANES), broadcast(steps[cell, k]))
            others = smaller(through, others)
        # Last, as every cell waits here for the one before it.
        shortest = smaller(add(shortest, broadcast(steps[cell, across])), others)
        store(distance, cell * LANES, shortest)
    shortest = load(distance, (n - margin) * LANES)
    for cell in range(n - margin - 1, -1, -1):
        before = load(distance, cell * LANES)
        others = before
        for k in range(across):
            other = cell - offsets[k]
            through = add(load(distance, other * LANES), broadcast(steps[other, k]))
            others = smaller(through, others)
        shortest = smaller(add(shortest, broadcast(steps[cell + 1, across])), others)
        most = larger(most, subtract(before, shortest))
        store(distance, cell * LANES, shortest)
    return largest(most)

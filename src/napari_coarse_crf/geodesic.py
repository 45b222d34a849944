"""Geodesic distance of every pixel to every label: shortest paths over the pixel grid.

A path may step to any neighbour, diagonals included (8 in 2-D, 26 in 3-D). A step costs its length times the mean
slowness of its two ends: paths are slow where the image changes (`edge_slowness`). Entering a pixel of another label
costs extra: a stroke is a fence, and what lies beyond it is farther away. Raster sweeps relax all steps in scan order,
then backwards, for up to sixteen labels at once. They stop before the last path is found, and find other ones first in
an image that is flipped or turned: up to .05 % of the pixels of the samples get another label then.

In a volume neither holds a path up for long: strokes lie on some of its planes, outlines have gaps on others, and the
path goes around over them. So edges cost less there than in an image, that a detour may not cost as little as no edge
at all, and longer paths count for more (`path_exponent`).
"""

from __future__ import annotations

from itertools import combinations, product
from threading import Event
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from napari_coarse_crf.compute.compiling import compiled
from napari_coarse_crf.compute.parallel import blocks, in_chunks, n_threads
from napari_coarse_crf.compute.simd import (
    LANES,
    add,
    broadcast,
    larger_of_vectors,
    largest,
    load_strip,
    padded,
    smaller,
    store,
    strip_of,
    subtract,
    width_of,
)
from napari_coarse_crf.problem import OPEN, gather

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from concurrent.futures import ThreadPoolExecutor

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import FloatArray, IndexArray, PixelArray
    from napari_coarse_crf.problem import Problem

UNREACHED = np.float32(1e6)
"""Distance (px) of pixels that no path reaches: areas that the mask cuts off."""

_STEEP = 10.0
"""Slope (grey levels per pixel) at which the edge weight is what a grey level costs: see `edge_slowness`."""

_MOST_SWEEPS = 6  # there and back; ten gain .0005 of mean IoU
_SETTLED = np.float32(0.01)  # px; shorter changes do not change a logarithm that anyone could see
_BLOCK = 2**13

SIDE_BY_SIDE = 2 * LANES
"""Labels that are swept at once: twice as many take a third longer, as what concerns the pixel is done once."""


def geodesic_distances(
    pool: ThreadPoolExecutor,
    problem: Problem,
    grid: PixelGrid,
    slowness: FloatArray,
    crossing: float,
    consume: Callable[[slice, slice, FloatArray], None],
    *,
    chosen: PixelArray | None = None,
    begin: tuple[PixelArray, FloatArray] | None = None,
) -> Generator[None, None, None]:
    """Find the geodesic distance of the F unlabelled pixels to each label.

    Parameters
    ----------
    pool : ThreadPoolExecutor
        Where the labels are swept, `SIDE_BY_SIDE` at a time.
    problem : Problem
        Which pixels are labelled.
    grid : PixelGrid
        The problem's grid.
    slowness : (cells,) float32
        What a pixel's length of path costs in each cell, in pixels; infinite where no path leads.
    crossing : float
        What entering a pixel of another label costs, in pixels.
    consume : callable
        Takes a range of the unlabelled pixels, a range of the padded labels and their distances, float32 in pixels of
        the finest axis, at most `UNREACHED`, which it may overwrite. It is called from the threads of the pool, so that
        the distances to all labels are never in memory at once.
    chosen : (F,) int, optional
        Other pixels than the unlabelled ones.
    begin : (R,) int and (R, L) float32, optional
        Pixels from which paths go on that began outside the problem, and their lengths up to there.
    """
    owners = grid.owners(problem.labels)
    open_cells = gather(grid.cells, problem.open_pixels if chosen is None else chosen)
    entered = None if begin is None else (gather(grid.cells, begin[0]), begin[1])
    groups = blocks(padded(len(problem.label_ids)), SIDE_BY_SIDE)

    def sweep_some(some: list[tuple[int, int]]) -> Generator[None, None, None]:
        """Sweep as many groups of labels as there are threads, then let all threads share what is told of them."""
        stop = Event()

        def sweep(first: int, after: int) -> FloatArray:
            distances = _begin_paths(grid, problem.labels, first, after, entered)
            _sweep_labels(grid, slowness, owners, first, after, np.float32(crossing), distances, stop)
            return distances

        def tell(start: int, end: int, columns: slice, distances: FloatArray) -> None:
            consume(slice(start, end), columns, distances.take(open_cells[start:end], axis=0))

        swept = yield from in_chunks(pool, sweep, some, stop)
        found = [(slice(*columns), distances) for columns, distances in zip(some, swept, strict=True)]
        tasks = [(*rows, *one) for one in found for rows in blocks(len(open_cells), _BLOCK)]
        yield from in_chunks(pool, tell, tasks)

    for start, end in blocks(len(groups), n_threads(pool)):
        yield from sweep_some(groups[start:end])


def path_exponent(exponent: float, ndim: int) -> np.float32:
    """Return p (D - 1), D >= 2: the power of a path's length that the odds of a label fall with in D dimensions.

    All that is as far from a label as a path is long lies on a line in an image, which grows with the length, and on a
    surface in a volume, which grows with its square. So what goes by the length there goes by its square here.
    """
    return np.float32(exponent * max(1, ndim - 1))


def edge_slowness(
    pool: ThreadPoolExecutor, problem: Problem, grid: PixelGrid, gain: float, weight: float
) -> Generator[None, None, FloatArray]:
    """Return the slowness (1 + (weight g^2 / 10)^2)^(1/D) of each cell, D >= 2, g how steeply the colours change there.

    g is the length of the Sobel gradients of all channels, in grey levels times `gain` per pixel, as in
    `skimage.filters.sobel`: a step of height h between two pixels has g = h / sqrt(2) on both sides in 2-D. The power,
    g^2 in an image and g^(4/3) in a volume, makes one steep edge cost more than many faint ones of the same sum, as
    texture and noise have them.

    Returns
    -------
    (cells,) float32
        1 where the image is flat, infinite where a cell takes no part. A neighbour that takes no part counts as if it
        had the cell's own colour.
    """
    colours = np.full((grid.size, len(problem.colours)), np.nan, np.float32)
    slowness = np.full(grid.size, np.inf, np.float32)
    sobel = grid.sobel()
    pairs, axes = ((0,) * length for length in sobel.shape)
    per_square = np.float32(weight * gain**2 / _STEEP)
    power = np.float32(1.0 / max(2, len(problem.shape)))

    def place(start: int, stop: int) -> None:
        _place_kernel(problem.colours[:, start:stop], grid.cells[start:stop], colours)

    def of_block(start: int, stop: int) -> None:
        _slowness_kernel(pairs, axes, colours, grid.offsets, sobel, per_square, power, grid.cells[start:stop], slowness)

    for work in (place, of_block):
        yield from in_chunks(pool, work, blocks(len(grid.cells), _BLOCK))
    return slowness


class PixelGrid:
    """The image's pixel grid with a border of one cell, so that no sweep asks whether a neighbour exists."""

    def __init__(self, problem: Problem) -> None:
        self.shape = tuple(size + 2 for size in problem.shape)
        self.strides = np.cumprod([1, *self.shape[:0:-1]])[::-1]
        self.size = int(np.prod(self.shape))
        self.cells: PixelArray = np.zeros_like(problem.pixels, np.int32 if self.size < 2**31 else np.int64)
        for start, stop in blocks(len(self.cells), _BLOCK):
            cells, before = self.cells[start:stop], problem.pixels[start:stop]
            for size, stride in zip(problem.shape[::-1], self.strides[::-1], strict=True):
                rows = before // size
                cells += (before - rows * size + 1) * cells.dtype.type(stride)
                before = rows
        # Half of the neighbours: those before a cell in scan order. The others are the same steps, backwards.
        self._ahead = [move for move in product((-1, 0, 1), repeat=len(self.shape)) if move < (0,) * len(self.shape)]
        self.offsets = np.array([np.dot(move, self.strides) for move in self._ahead], np.int64)
        self.margin = -int(self.offsets.min())  # cells of the border that have no neighbour ahead
        self.spacing = problem.spacing
        lengths = [np.dot(np.square(move), np.square(problem.spacing)) for move in self._ahead]
        self.half_lengths = (np.sqrt(lengths) / 2).astype(np.float32)

    def owners(self, labels: IndexArray) -> IndexArray:
        """Return the label of each cell, `OPEN` where it has none; strokes have no gaps at their corners.

        Two pixels of a label that touch at a corner would let paths slip through between them: one of the two open
        cells beside the corner goes to the label.
        """
        painted = np.full(self.size, OPEN, np.int32)
        painted[self.cells] = labels
        owner = painted.copy()
        for a, b in combinations(self.strides, 2):
            for across, beside in ((a + b, b), (a - b, -b)):
                _close_corners_kernel(labels, self.cells, across, beside, painted, owner)
        return owner

    def sobel(self) -> FloatArray:
        """Return what the difference of each pair of opposite neighbours weighs in the derivative along each axis."""
        smooth = {-1: 0.25, 0: 0.5, 1: 0.25}
        weights = [
            [
                -move[axis] * np.prod([smooth[m] for other, m in enumerate(move) if other != axis]) / self.spacing[axis]
                for axis in range(len(move))
            ]
            for move in self._ahead
        ]
        return np.array(weights, np.float32) / np.float32(np.sqrt(len(self.shape)))


def _begin_paths(
    grid: PixelGrid, labels: IndexArray, first: int, after: int, entered: tuple[PixelArray, FloatArray] | None
) -> FloatArray:
    """Return where paths to the labels from `first` up to `after` begin: what is known of the distance of each cell."""
    distance = np.full((grid.size, after - first), UNREACHED, np.float32)
    if entered is not None:
        cells, lengths = entered
        lengths = lengths[:, first:after]  # fewer than `after - first` where the labels are padded
        distance[cells, : lengths.shape[1]] = np.minimum(lengths, UNREACHED)
    _begin_kernel(labels, grid.cells, first, after, distance)
    return distance


def _sweep_labels(
    grid: PixelGrid,
    slow: FloatArray,
    owners: IndexArray,
    first: int,
    after: int,
    crossing: np.float32,
    distance: FloatArray,
    stop: Event,
) -> None:
    """Shorten the distance of every cell to the labels from `first` up to `after`."""
    strip, ahead = strip_of(after - first), (0,) * (len(grid.offsets) - 1)  # the last offset is the cell just visited
    fences, entries = _fences(owners, first, after, crossing)
    for _ in range(_MOST_SWEEPS):
        change = _sweep_kernel(
            strip, ahead, slow, grid.offsets, grid.half_lengths, grid.margin, fences, entries, distance
        )
        if change <= _SETTLED or stop.is_set():
            break


def _fences(owners: IndexArray, first: int, after: int, crossing: np.float32) -> tuple[NDArray[np.uint8], FloatArray]:
    """Return for each cell a row of the second array: what entering it costs the labels from `first` up to `after`."""
    count = after - first
    another_label, nobody = count, count + 1
    row_of_label = np.full(max(after, int(owners.max()) + 1) + 1, another_label, np.uint8)
    row_of_label[first:after] = np.arange(count)
    row_of_label[OPEN] = nobody  # the last one
    rows = gather(row_of_label, owners)
    entries = np.full((count + 2, count), crossing, np.float32)
    np.fill_diagonal(entries, 0.0)
    entries[nobody] = 0.0
    return rows, entries


@compiled
def _begin_kernel(labels, cells, first, after, distance):  # type: ignore[no-untyped-def]
    """Set what pixels of a label are away from it to 0."""
    for i in range(len(labels)):
        if first <= labels[i] < after:
            distance[cells[i], labels[i] - first] = 0.0


@compiled
def _close_corners_kernel(labels, cells, across, beside, painted, owner):  # type: ignore[no-untyped-def]
    """Give the open cell beside each corner at which two pixels of a label touch to it: to the last of several."""
    for i in range(len(labels) - 1, -1, -1):
        cell = cells[i]
        if labels[i] >= 0 and painted[cell + across] == labels[i] and owner[cell + beside] < 0:
            owner[cell + beside] = labels[i]


@compiled
def _place_kernel(colours, cells, placed):  # type: ignore[no-untyped-def]
    for i in range(len(cells)):
        for channel in range(len(colours)):
            placed[cells[i], channel] = colours[channel, i]


@compiled
def _slowness_kernel(pairs, axes, colours, offsets, sobel, per_square, power, cells, out):  # type: ignore[no-untyped-def]
    """Set the slowness of some cells; the lengths of `pairs` and `axes` tell numba how long its inner loops are."""
    slopes = np.empty(len(axes), np.float32)
    for cell in cells:
        squared = np.float32(0.0)
        for channel in range(colours.shape[1]):
            own = colours[cell, channel]
            slopes[:] = 0.0
            for k in range(len(pairs)):
                before, after = colours[cell + offsets[k], channel], colours[cell - offsets[k], channel]
                before = own if np.isnan(before) else before
                after = own if np.isnan(after) else after
                for axis in range(len(axes)):
                    slopes[axis] += sobel[k, axis] * (after - before)
            for axis in range(len(axes)):
                squared += slopes[axis] * slopes[axis]
        cost = per_square * squared
        square = np.float32(1.0) + cost * cost
        out[cell] = np.sqrt(square) if power == np.float32(0.5) else square**power


@compiled
def _sweep_kernel(strip, ahead, slow, offsets, half_lengths, margin, fences, entries, distance):  # type: ignore[no-untyped-def]
    """Relax all steps forwards, then backwards; returns by how much the backward sweep shortened a path at most.

    The length of `ahead` tells numba how long its inner loop is.
    """
    n, width = len(distance), width_of(strip, distance)
    shortest = load_strip(distance, (margin - 1) * width, strip)
    most = broadcast(np.float32(0.0))
    for cell in range(margin, n):
        before = load_strip(distance, cell * width, strip)
        shortest = _relaxed(
            strip, ahead, slow, offsets, half_lengths, fences, entries, distance, cell, 1, before, shortest
        )
        store(distance, cell * width, shortest)
    shortest = load_strip(distance, (n - margin) * width, strip)
    for cell in range(n - margin - 1, -1, -1):
        before = load_strip(distance, cell * width, strip)
        shortest = _relaxed(
            strip, ahead, slow, offsets, half_lengths, fences, entries, distance, cell, -1, before, shortest
        )
        store(distance, cell * width, shortest)
        most = larger_of_vectors(most, subtract(before, shortest))
    return largest(most)


@njit(nogil=True, forceinline=True)
def _relaxed(  # type: ignore[no-untyped-def]
    strip, ahead, slow, offsets, half_lengths, fences, entries, distance, cell, way, before, beside
):
    """Return the distances of a cell after one step from each neighbour that a sweep that `way` has visited.

    `before` are its distances until then, `beside` those of the neighbour just visited.
    """
    width, own = width_of(strip, entries), slow[cell]
    entry = load_strip(entries, np.intp(fences[cell]) * width, strip)
    others = before
    for k in range(len(ahead)):
        other = cell + way * offsets[k]
        step = (own + slow[other]) * half_lengths[k]
        others = smaller(add(load_strip(distance, other * width, strip), step), others)
    others = smaller(add(others, entry), before)
    # Last, as every cell waits here for the one before it.
    step = add(entry, (own + slow[cell - way]) * half_lengths[len(ahead)])
    return smaller(add(beside, step), others)

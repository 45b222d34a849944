"""Regions of equal value on a grid of any dimension, and which of them another one shuts off from the outside.

A grid is a flat array with a border, as `geodesic.PixelGrid` makes it; cells that touch at a corner are neighbours.
Region 0 is the outside: the border, and every cell of a value below 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit
from scipy.sparse import coo_array

from napari_coarse_crf.compute.compiling import compiled
from napari_coarse_crf.compute.parallel import aside

if TYPE_CHECKING:
    from collections.abc import Generator
    from concurrent.futures import ThreadPoolExecutor

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import IndexArray, MaskArray, PixelArray

    OffsetArray = NDArray[np.int64]


def with_neighbours(mask: MaskArray) -> MaskArray:
    """Return where a mask is true, or is at a neighbour, diagonal ones included.

    Examples
    --------
    >>> with_neighbours(np.array([True, False, False])).tolist()
    [True, True, False]
    """
    wide = mask.copy()
    for axis in range(mask.ndim):
        before, after = wide.copy().swapaxes(0, axis), wide.swapaxes(0, axis)
        after[1:] |= before[:-1]
        after[:-1] |= before[1:]
    return wide


def find_regions(
    pool: ThreadPoolExecutor, values: IndexArray, offsets: OffsetArray
) -> Generator[None, None, PixelArray]:
    """Return the region of each cell: connected cells of one value, numbered from 1 in scan order; 0 is the outside.

    Parameters
    ----------
    pool : ThreadPoolExecutor
        Where it runs, in one thread.
    values : (cells,) int32
        Less than 0 on the border and wherever else nothing is.
    offsets : (K,) int64
        The half of the neighbours that come before a cell in scan order.
    """
    regions: PixelArray = np.zeros(len(values), np.int32 if len(values) < 2**31 else np.int64)
    yield from aside(pool, _regions_kernel, values, offsets, regions)
    return regions


def region_sizes(regions: PixelArray) -> NDArray[np.int64]:
    """Return how many cells each region has: `np.bincount`, without a copy of them in 64 bits.

    Examples
    --------
    >>> region_sizes(np.array([0, 1, 1, 0, 2, 1])).tolist()
    [2, 3, 1]
    """
    sizes = np.zeros(int(regions.max()) + 1, np.int64)
    _sizes_kernel(regions, sizes)
    return sizes


def find_enclosing(
    pool: ThreadPoolExecutor,
    regions: PixelArray,
    offsets: OffsetArray,
    sizes: NDArray[np.int64],
    kept: MaskArray,
    largest: int,
) -> Generator[None, None, PixelArray]:
    """Return for each region the one that shuts it off from the outside, or itself where none does.

    Parameters
    ----------
    pool, offsets
        As for `find_regions`.
    regions : (cells,) int
        From `find_regions`.
    sizes, kept : (n,) int64 and bool
        How large each region is, and whether it must stay what it is: then so must what it lies in.
    largest : int
        How large all that is shut off together may be. Of several such regions around each other the outermost counts.
    """
    starts, neighbours = yield from _touching(pool, regions, offsets, len(sizes))
    enclosing = np.arange(len(sizes))
    given = (starts, neighbours, sizes.copy(), kept.copy(), np.int64(largest), enclosing)
    yield from aside(pool, _enclosing_kernel, *given)
    return enclosing


def _touching(
    pool: ThreadPoolExecutor, regions: PixelArray, offsets: OffsetArray, n_regions: int
) -> Generator[None, None, tuple[IndexArray, IndexArray]]:
    """Return which regions touch each region: `neighbours[starts[r] : starts[r + 1]]`."""
    pairs = np.zeros(0, np.int64)
    for offset in offsets:
        here, there = regions[-offset:], regions[:offset]
        differ = np.flatnonzero(here != there)
        a, b = here[differ].astype(np.int64), there[differ]
        pairs = np.union1d(pairs, np.minimum(a, b) * n_regions + np.maximum(a, b))
        yield
    a, b = np.divmod(pairs, n_regions)
    ends = np.concatenate([a, b]), np.concatenate([b, a])
    graph = coo_array((np.ones(len(ends[0]), np.bool_), ends), (n_regions, n_regions)).tocsr()
    return graph.indptr, graph.indices


@compiled
def _regions_kernel(values, offsets, regions):  # type: ignore[no-untyped-def]
    """Join neighbours of one value: union-find, in which the first cell of a region stands for it.

    Where the cell just visited is alike, what its neighbours joined need not be joined again: within a region, nothing.
    """
    for cell in range(len(values)):
        regions[cell] = cell
        value = values[cell]
        if value < 0:
            continue
        alike = values[cell - 1] == value
        if alike:
            regions[cell] = regions[cell - 1]
        for offset in offsets[:-1]:  # the last one is the cell just visited
            if values[cell + offset] != value or (alike and values[cell + offset - 1] == value):
                continue
            one, other = _first_of(regions, cell), _first_of(regions, cell + offset)
            regions[max(one, other)] = min(one, other)
    count = 0
    for cell in range(len(values)):
        if values[cell] < 0:
            regions[cell] = 0
        elif regions[cell] == cell:
            count += 1
            regions[cell] = count
        else:
            regions[cell] = regions[regions[cell]]  # of a cell before it, which has its number already


@njit(nogil=True, forceinline=True)
def _first_of(regions, cell):  # type: ignore[no-untyped-def]
    """Return the cell that stands for the region of a cell."""
    while regions[cell] != cell:
        regions[cell] = regions[regions[cell]]  # halves the way for the next time
        cell = regions[cell]
    return cell


@compiled
def _sizes_kernel(regions, sizes):  # type: ignore[no-untyped-def]
    for region in regions:
        sizes[region] += 1


@compiled
def _enclosing_kernel(starts, neighbours, sizes, kept, largest, enclosing):  # type: ignore[no-untyped-def]
    """Walk from region to region, depth first, beginning outside [Tarjan 1972: cut vertices].

    What was reached through a region and reaches nothing that was visited before that region lies shut off behind it.
    """
    n_regions = len(sizes)
    visited = np.zeros(n_regions, np.int64)  # the regions in the order in which they are reached
    place = np.full(n_regions, -1)  # of each among these
    lowest = np.zeros(n_regions, np.int64)  # place that it or anything behind it touches
    came_from = np.full(n_regions, -1)
    upcoming = starts.copy()
    count, here = 1, 0
    place[0] = 0
    while here >= 0:
        if upcoming[here] < starts[here + 1]:
            other = neighbours[upcoming[here]]
            upcoming[here] += 1
            if place[other] >= 0:
                lowest[here] = min(lowest[here], place[other])
                continue
            visited[count] = other
            place[other] = lowest[other] = count
            came_from[other] = here
            count += 1
            here = other
            continue
        # All behind `here` was visited: `visited[place[here] : count]`.
        before = came_from[here]
        if before >= 0:
            if before > 0 and lowest[here] >= place[before] and sizes[here] <= largest and not kept[here]:
                for i in range(place[here], count):
                    enclosing[visited[i]] = before
            lowest[before] = min(lowest[before], lowest[here])
            sizes[before] += sizes[here]
            kept[before] = kept[before] or kept[here]
        here = before

"""Distance to the nearest of many points, in position and colour at once: exact, eight points at a time.

The points are sorted along a Morton curve, so that those that follow each other are near each other in all dimensions;
each eight of them are a group with a bounding box, each eight boxes are a group again, and so on up. A search goes
down into the boxes that may hold a nearer point than the best so far. The best is at first the point that was nearest
to the query before, as queries follow each other over the image: mostly it is the nearest again, or nearly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from napari_coarse_crf.compute.compiling import compiled
from napari_coarse_crf.compute.morton import MOST_BITS, morton_codes
from napari_coarse_crf.compute.simd import LANES, broadcast, larger, load, multiply_add, store, subtract

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import FloatArray

_MOST_BITS = 20  # of one coordinate


@dataclass(frozen=True, slots=True)
class PointGroups:
    """Points in D dimensions, in groups of eight, and the groups in groups.

    Attributes
    ----------
    boxes : (groups, 2, D, 8) float32
        Least and largest coordinate of each member of a group: at the lowest level those of a point, both the same.
        The levels follow each other, from the lowest to a single group; members that are not there are infinitely far.
    starts : (levels + 1,) int
        Where each level begins.
    """

    boxes: FloatArray
    starts: NDArray[np.int64]


def group_points(points: FloatArray) -> PointGroups:
    """Sort (N, D) finite points into groups; N is at least 1."""
    points = points[_along_the_curve(points)]
    low = high = points
    levels = []
    while True:
        missing = -len(low) % LANES
        low, high = (np.pad(side, ((0, missing), (0, 0)), constant_values=np.inf) for side in (low, high))
        groups = np.stack([side.reshape(-1, LANES, side.shape[1]) for side in (low, high)], axis=1)
        levels.append(np.ascontiguousarray(groups.transpose(0, 1, 3, 2)))
        if len(groups) == 1:
            break
        low, high = groups[:, 0].min(axis=1), np.where(np.isinf(groups[:, 1]), -np.inf, groups[:, 1]).max(axis=1)
    starts = np.cumsum([0, *(len(level) for level in levels)])
    return PointGroups(np.concatenate(levels).astype(np.float32), starts)


def nearest_distances(groups: PointGroups, queries: FloatArray) -> FloatArray:
    """Return the distance (Q,) of each of (Q, D) C-contiguous queries to the nearest point.

    Fast where queries that follow each other are near each other.
    """
    distances = np.empty(len(queries), np.float32)
    _nearest_kernel(groups.boxes, groups.starts, queries, distances)
    return distances


def _along_the_curve(points: FloatArray) -> NDArray[np.intp]:
    """Return the order of (N, D) points along the Morton curve."""
    bits = min(MOST_BITS // points.shape[1], _MOST_BITS)
    above = points.astype(np.float64) - points.min(axis=0)
    # One scale for all dimensions: a step along each counts the same in the distance.
    steps = (above / (above.max() or 1.0) * (2**bits - 1)).astype(np.int64)
    return np.argsort(morton_codes(steps))


@compiled
def _nearest_kernel(boxes, starts, queries, out):  # type: ignore[no-untyped-def]
    levels, d = len(starts) - 1, queries.shape[1]
    waiting = np.empty(levels * LANES, np.int64)  # groups to look into, and how near their boxes are
    how_near = np.empty(levels * LANES, np.float32)
    squared = np.empty(LANES, np.float32)
    group, lane = 0, 0  # where the nearest point is; at first, where it was for the query before
    for i in range(len(queries)):
        best = np.float32(0.0)
        for k in range(d):
            gap = boxes[group, 0, k, lane] - queries[i, k]
            best += gap * gap
        waiting[0], how_near[0], count = starts[levels - 1], np.float32(0.0), 1
        while count > 0:
            count -= 1
            here = waiting[count]
            if how_near[count] >= best:
                continue
            _squared_distances(boxes, here, queries, i, squared)
            first = _first_member(here, starts)
            for member in range(LANES):
                if squared[member] < best and first >= 0:
                    waiting[count], how_near[count] = first + member, squared[member]
                    count += 1
                elif squared[member] < best:
                    best, group, lane = squared[member], here, member
        out[i] = np.sqrt(best)


@njit(nogil=True, forceinline=True)
def _first_member(group, starts):  # type: ignore[no-untyped-def]
    """Return the first of the groups that a group holds; -1 if it holds points."""
    if group < starts[1]:
        return np.int64(-1)
    level = 1
    while group >= starts[level + 1]:
        level += 1
    return starts[level - 1] + (group - starts[level]) * LANES


@njit(nogil=True, forceinline=True)
def _squared_distances(boxes, group, queries, i, squared):  # type: ignore[no-untyped-def]
    """Set the squared distance of a query to each member of a group."""
    d = queries.shape[1]
    start = group * (2 * d * LANES)
    total = broadcast(np.float32(0.0))
    for k in range(d):
        query = queries[i, k]
        below = subtract(load(boxes, start + k * LANES), query)
        above = subtract(query, load(boxes, start + (d + k) * LANES))
        gap = larger(larger(below, above), np.float32(0.0))
        total = multiply_add(gap, gap, total)
    store(squared, 0, total)

"""Gaussian smoothing of planes on a grid of any dimension, along one axis after the other.

Cells that hold nothing are 0 in the plane and in its weights; smoothed planes divided by smoothed weights are means
over what there is. The tails beyond three sigma are cut off.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from napari_coarse_crf.compute.compiling import compiled
from napari_coarse_crf.compute.parallel import blocks, in_chunks

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from concurrent.futures import ThreadPoolExecutor

    from napari_coarse_crf.compute.arrays import FloatArray

_CUT = 3.0  # sigma
_RUN = 2**15  # cells that a thread takes at a time


def smooth(
    pool: ThreadPoolExecutor, plane: FloatArray, shape: Sequence[int], sigmas: Sequence[float], spare: FloatArray
) -> Generator[None, None, None]:
    """Smooth a plane in place.

    Parameters
    ----------
    pool : ThreadPoolExecutor
        Where it runs.
    plane : (cells,) float32
        The grid, flattened; nothing lies beyond its border.
    shape : sequence of int
        Of the grid.
    sigmas : sequence of float
        Of the Gaussian, in cells along each axis; below a sixth of a cell nothing is smoothed.
    spare : (cells,) float32
        Room to work in.
    """
    source, target = plane, spare
    for axis, sigma in enumerate(sigmas):
        radius = math.floor(_CUT * sigma + 0.5)
        if radius == 0:
            continue
        weights = np.exp(-0.5 * (np.arange(radius + 1) / sigma) ** 2)
        weights = (weights / (2 * weights.sum() - weights[0])).astype(np.float32)
        length, inner = shape[axis], math.prod(shape[axis + 1 :])
        kernel = _along_rows if inner == 1 else _across_rows
        width = length if inner == 1 else inner
        tasks = [
            (weights, source, length, inner, start, stop, target)
            for start, stop in blocks(len(plane) // width, max(1, _RUN // width))
        ]
        yield from in_chunks(pool, kernel, tasks)
        source, target = target, source
    if source is not plane:
        plane[:] = source


@compiled
def _along_rows(weights, source, length, _inner, start, stop, target):  # type: ignore[no-untyped-def]
    """Smooth some rows of the last axis, each along itself."""
    for row in range(start, stop):
        values, out = source[row * length : (row + 1) * length], target[row * length : (row + 1) * length]
        for i in range(length):
            out[i] = weights[0] * values[i]
        for k in range(1, min(len(weights), length)):
            weight = weights[k]
            for i in range(length - k):
                out[i] += weight * values[i + k]
            for i in range(length - k):
                out[i + k] += weight * values[i]


@compiled
def _across_rows(weights, source, length, inner, start, stop, target):  # type: ignore[no-untyped-def]
    """Smooth some rows of what lies behind an axis, from those before and after them along this axis."""
    for row in range(start, stop):
        place = row % length
        out = target[row * inner : (row + 1) * inner]
        values = source[row * inner : (row + 1) * inner]
        for i in range(inner):
            out[i] = weights[0] * values[i]
        for k in range(1, len(weights)):
            weight = weights[k]
            if place >= k:
                before = source[(row - k) * inner : (row - k + 1) * inner]
                for i in range(inner):
                    out[i] += weight * before[i]
            if place + k < length:
                after = source[(row + k) * inner : (row + k + 1) * inner]
                for i in range(inner):
                    out[i] += weight * after[i]

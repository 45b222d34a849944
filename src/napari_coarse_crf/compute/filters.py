"""One kernel of the CRF at work: its lattice's values, and what mean field asks of them for each pixel.

The compiled update of `crf` slices, takes the softmax and splats pixel by pixel, so the parts of it that concern one
kernel are small functions here, which are compiled into it. Half of its time was waiting for memory: a pixel's rows lie
anywhere in the values. So the rows that come into use are listed once, stretch of pixels by stretch, and fetched some
stretches ahead.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from napari_coarse_crf.compute.compiling import compiled
from napari_coarse_crf.compute.lattice import Lattice, add_slice, blur, merge, splat_labels
from napari_coarse_crf.compute.parallel import blocks, in_chunks
from napari_coarse_crf.compute.simd import columns, load_strip, multiply_add, prefetch, prefetch_strip, store, width_of

if TYPE_CHECKING:
    from collections.abc import Generator
    from concurrent.futures import ThreadPoolExecutor

    from napari_coarse_crf.compute.arrays import FloatArray, IndexArray, PixelArray

STRETCH = 16
"""Pixels between two calls of `fetch`."""

AHEAD = 4
"""How many stretches `fetch` is ahead of the pixels."""

_IN_USE = 1024  # pixels; a row that is not used for longer counts as gone from the cache
_BLOCK_NUMBERS = 2**19  # of the values

Upcoming = tuple[NDArray[np.int32], NDArray[np.int64]]
"""For one chunk of free pixels: the rows in the order in which they come into use, and where each stretch begins."""


class KernelChunk(NamedTuple):
    """What the compiled update of one chunk of free pixels takes of a kernel; numba knows named tuples.

    Attributes
    ----------
    weight : float32
        Of the kernel in the message.
    rows, weights : (N, D + 1) int32 and float32
        Those of the lattice.
    blurred, splat : (rows, P) float32
        The values to be sliced, and those being splat.
    upcoming, starts
        An `Upcoming`.
    """

    weight: np.float32
    rows: IndexArray
    weights: FloatArray
    blurred: FloatArray
    splat: FloatArray
    upcoming: NDArray[np.int32]
    starts: NDArray[np.int64]


@dataclass(slots=True)
class Filter:
    """A kernel's values just blurred, to be sliced, and its values being splat, to be blurred next.

    Attributes
    ----------
    lattice : Lattice
        The kernel.
    clamped_labels : (N,) int32
        Labels of the clamped pixels, which this filter was started for.
    blurred, splat : (rows, P) float32
        The values.
    clamped : list of (index, value)
        What the clamped pixels splat, which every iteration begins from. Most vertices see one label or none of them,
        so only what is not 0 is kept: for each block of rows, where in it, and how much.
    upcoming : list of Upcoming
        For each chunk of free pixels.
    weight : float32
        Of the kernel in the message.
    """

    lattice: Lattice
    clamped_labels: IndexArray
    blurred: FloatArray
    splat: FloatArray
    clamped: list[tuple[IndexArray, FloatArray]]
    upcoming: list[Upcoming]
    weight: np.float32

    def chunk(self, number: int) -> KernelChunk:
        """Return what the compiled update of a chunk takes."""
        lattice = self.lattice
        return KernelChunk(self.weight, lattice.rows, lattice.weights, self.blurred, self.splat, *self.upcoming[number])

    def blur(self, pool: ThreadPoolExecutor) -> Generator[None, None, None]:
        """Turn what was splat into what is to be sliced, and begin the next splat."""
        yield from merge(pool, self.lattice, self.splat)
        yield from blur(pool, self.lattice, self.splat)
        self.splat, self.blurred = self.blurred, self.splat
        yield from self.begin_splat(pool)

    def begin_splat(self, pool: ThreadPoolExecutor) -> Generator[None, None, None]:
        """Set the values to what the clamped pixels splat."""
        parts = _row_blocks(self.splat)
        tasks = [(part, *clamped) for part, clamped in zip(parts, self.clamped, strict=True)]
        yield from in_chunks(pool, _begin_splat_kernel, tasks)


def start_filter(
    pool: ThreadPoolExecutor,
    lattice: Lattice,
    weight: float,
    clamped_labels: IndexArray,
    free_pixels: PixelArray,
    n_labels: int,
) -> Generator[None, None, Filter]:
    """Return a filter that holds what the clamped pixels splat.

    Parameters
    ----------
    pool : ThreadPoolExecutor
        Where chunks of pixels run.
    lattice, weight
        The kernel, and its weight in the message.
    clamped_labels : (N,) int32
        Label 0..L-1 of each clamped pixel, less than 0 for the others.
    free_pixels : (F,) int
        The others, ascending.
    n_labels : int
        L.
    """
    splat = yield from splat_labels(pool, lattice, clamped_labels, n_labels)
    splat[lattice.n_vertices :] = 0.0  # the private rows are merged already
    clamped = yield from in_chunks(pool, _not_zero, [(part,) for part in _row_blocks(splat)])
    parts = free_parts(free_pixels, lattice.starts)
    tasks = [(lattice.rows, free_pixels[part], lattice.n_rows) for part in parts]
    upcoming = yield from in_chunks(pool, _find_upcoming, tasks)
    return Filter(lattice, clamped_labels, np.zeros_like(splat), splat, clamped, upcoming, np.float32(weight))


def no_kernel(starts: tuple[int, ...]) -> Lattice:
    """Return a kernel without corners: it stands in where a weight is 0, so that one compiled signature serves all."""
    n_pixels, no_vertices = starts[-1], np.zeros(0, np.int32)
    rows, weights = np.zeros((n_pixels, 0), np.int32), np.zeros((n_pixels, 0), np.float32)
    return Lattice(rows, weights, n_vertices=0, private_vertices=no_vertices, chains=(), starts=starts)


def free_parts(free_pixels: PixelArray, starts: tuple[int, ...]) -> list[slice]:
    """Return which of the free pixels lie in each chunk of pixels."""
    ends = np.searchsorted(free_pixels, np.array(starts, free_pixels.dtype))  # of one type, or all pixels are copied
    return [slice(first, last) for first, last in pairwise(ends.tolist())]


def _row_blocks(values: FloatArray) -> list[FloatArray]:
    n_rows = max(1, _BLOCK_NUMBERS // values.shape[1])
    return [values[start:stop] for start, stop in blocks(len(values), n_rows)]


def _not_zero(values: FloatArray) -> tuple[IndexArray, FloatArray]:
    """Return where the flattened values are not 0, and what they are there."""
    index = np.empty(values.size, np.int32)
    index = index[: _not_zero_kernel(values.reshape(-1), index)].copy()
    return index, values.reshape(-1)[index]


def _find_upcoming(rows: IndexArray, free_pixels: PixelArray, n_rows: int) -> Upcoming:
    upcoming = np.empty(len(free_pixels) * rows.shape[1], np.int32)
    starts = np.zeros(-(-len(free_pixels) // STRETCH) + AHEAD + 1, np.int64)
    last_use = np.full(n_rows, -_IN_USE, np.int32)
    length = _upcoming_kernel(rows, free_pixels, last_use, upcoming, starts)
    return upcoming[:length].copy(), starts


@compiled
def _not_zero_kernel(values, index):  # type: ignore[no-untyped-def]
    count = 0
    for i in range(len(values)):
        if values[i] != 0:
            index[count] = i
            count += 1
    return count


@compiled
def _begin_splat_kernel(splat, index, value):  # type: ignore[no-untyped-def]
    splat[:] = 0
    flat = splat.reshape(-1)
    for i in range(len(index)):
        flat[index[i]] = value[i]


@compiled
def _upcoming_kernel(rows, free_pixels, last_use, upcoming, starts):  # type: ignore[no-untyped-def]
    """List the rows that come into use, stretch by stretch; returns how many."""
    length = 0
    for i in range(len(free_pixels)):
        if i % STRETCH == 0:
            starts[i // STRETCH] = length
        for corner in range(rows.shape[1]):
            row = rows[free_pixels[i], corner]
            if i - last_use[row] >= _IN_USE:
                upcoming[length] = row
                length += 1
            last_use[row] = i
    starts[-(-len(free_pixels) // STRETCH) :] = length  # nothing comes after the last one
    return length


@njit(nogil=True, forceinline=True)
def fetch(strip, stretch, free_pixels, kernel):  # type: ignore[no-untyped-def]  # kernel: a KernelChunk
    """Bring what a stretch of pixels needs into the cache."""
    width = width_of(strip, kernel.splat)
    for i in range(kernel.starts[stretch], kernel.starts[stretch + 1]):
        row = np.intp(kernel.upcoming[i]) * width
        for column in columns(strip, width):
            prefetch_strip(kernel.blurred, row + column, strip)
            prefetch_strip(kernel.splat, row + column, strip)
    for i in range(stretch * STRETCH, min((stretch + 1) * STRETCH, len(free_pixels)), 2):
        first_corner = np.intp(free_pixels[i]) * kernel.rows.shape[1]
        prefetch(kernel.rows, first_corner)
        prefetch(kernel.weights, first_corner)


@njit(nogil=True, forceinline=True)
def add_message(strip, value, kernel, n, column):  # type: ignore[no-untyped-def]
    """Return `value` with the weighted message of a kernel to pixel n, in the strip that begins at `column`."""
    return add_slice(strip, value, kernel.weight, kernel.rows, kernel.weights, n, kernel.blurred, column)


@njit(nogil=True, forceinline=True)
def splat_pixel(strip, probability, kernel, n, column):  # type: ignore[no-untyped-def]
    """Add pixel n's probabilities, those of the strip that begins at `column`, to the corners of its simplex."""
    rows, weights, values = kernel.rows, kernel.weights, kernel.splat
    for corner in range(rows.shape[1]):
        at = np.intp(rows[n, corner]) * width_of(strip, values) + column
        store(values, at, multiply_add(probability, weights[n, corner], load_strip(values, at, strip)))

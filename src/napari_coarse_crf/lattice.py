"""The permutohedral lattice: Gaussian filters in any number of dimensions, in time linear in the pixels.

A pixel with feature vector f (positions and colours, each divided by its theta) lies in a simplex of the lattice. It is
*splat* onto the D + 1 vertices of that simplex with barycentric weights; the vertices are *blurred* along the D + 1
lattice directions with [1/2, 1, 1/2]; a *slice* reads the result back with the same weights [ABD10]. The arithmetic and
the order of the features are those of the code of Krähenbühl and Koltun [KK11], so both give the same answers.

Threads and determinism
-----------------------
Pixels are split into chunks whose number depends on the size of the problem alone. A vertex that pixels of several
chunks touch has a *private row* in each of them, so chunks never write to the same row; `merge` then adds the private
rows in a fixed order. The bits of a result are the same for any number of threads.

Rows of a value array: 0 is always zero (a missing neighbour), 1..M are the vertices, then come the private rows.

References
----------
[ABD10] Adams, Baek, Davis: Fast high-dimensional filtering using the permutohedral lattice. Eurographics 2010.
[KK11] Krähenbühl, Koltun: Efficient inference in fully connected CRFs with Gaussian edge potentials. NIPS 2011.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numba import njit
from numpy.typing import NDArray

from napari_coarse_crf.parallel import blocks, in_chunks
from napari_coarse_crf.simd import (
    LANES,
    add,
    broadcast,
    floor,
    load,
    multiply,
    multiply_add,
    padded,
    store,
    subtract,
    where_equal,
    where_less,
)

if TYPE_CHECKING:
    from collections.abc import Generator
    from concurrent.futures import ThreadPoolExecutor

    from napari_coarse_crf.inputs import FloatArray, IndexArray

KeyArray = NDArray[np.int64]

_EMPTY = np.int64(-(2**63))
_SMALLEST_CHUNK = 2**15  # pixels; below it a thread costs more than it saves
_LARGEST_CHUNK = 2**19  # pixels; so that a caller may stop often
_CHUNKS = 8
_VERTEX_BLOCK = 2**14
_CERTAIN_SEED = 20110616


@dataclass(frozen=True, slots=True)
class Lattice:
    """The lattice of N pixels in D dimensions, built once and used for every filter of that kernel.

    Attributes
    ----------
    rows : (N, D + 1) int32
        The row of a value array that each corner of a pixel's simplex has in the pixel's chunk.
    weights : (N, D + 1) float32
        Barycentric weights, times n = (K 1)^-1/2 where the kernel is normalised.
    neighbours : (D + 1, M + 1, 2) int32
        The two neighbours of each vertex along each direction, 0 where there is none.
    private_rows, private_vertices : (P,) int32
        The private rows, in order, and the vertex that each belongs to.
    starts : tuple of int
        Chunk i holds the pixels from starts[i] to starts[i + 1].
    """

    rows: IndexArray
    weights: FloatArray
    neighbours: IndexArray
    private_vertices: IndexArray
    starts: tuple[int, ...]

    @property
    def n_vertices(self) -> int:
        """M, the number of lattice vertices."""
        return int(self.neighbours.shape[1]) - 1

    @property
    def n_rows(self) -> int:
        """Rows of a value array: the zero row, the vertices and the private rows."""
        return 1 + self.n_vertices + len(self.private_vertices)

    @property
    def chunks(self) -> list[tuple[int, int]]:
        """(start, stop) of each chunk of pixels."""
        return list(pairwise(self.starts))

    @property
    def gaussian_scale(self) -> float:
        """What turns the result of splat, blur and slice into a sum over exp(-|f_i - f_j|^2 / 2).

        Splat, blur and slice keep 2^(D+1) times the mass of a pixel, on vertices that stand for a volume of
        (3/2)^(D/2) / sqrt(D + 1) each; the Gaussian has the mass (2 pi)^(D/2).
        """
        d = self.rows.shape[1] - 1
        return float((4 * np.pi / 3) ** (d / 2) * np.sqrt(d + 1) / 2 ** (d + 1))


def build_lattice(
    pool: ThreadPoolExecutor, features: FloatArray, thetas: FloatArray, *, normalise: bool
) -> Generator[None, None, Lattice]:
    """Build the lattice of the Gaussian kernel exp(-1/2 sum over d of (f_d / theta_d)^2).

    Parameters
    ----------
    pool : ThreadPoolExecutor
        Where the chunks run.
    features : (D, N) float32
        Finite. Positions first (x, y, z), then colours.
    thetas : (D,) float32
        Standard deviation of the kernel along each feature, above 0.
    normalise : bool
        Fold the symmetric normalisation n = (K 1)^-1/2 [KK11] into the weights.
    """
    d, n_pixels = features.shape
    starts = _chunk_starts(n_pixels)
    strides = _key_strides(features, thetas)
    rows = np.empty((n_pixels, d + 1), np.int32)
    weights = np.empty(rows.shape, np.float32)
    keys_of_chunks = yield from in_chunks(
        pool, _embed_chunk, [(features[:, a:b], thetas, strides, rows[a:b], weights[a:b]) for a, b in pairwise(starts)]
    )
    table, row_of_vertex, private_vertices = _merge_vertices(keys_of_chunks)
    yield
    yield from in_chunks(
        pool, _renumber_kernel, [(rows[a:b], row_of_vertex[i]) for i, (a, b) in enumerate(pairwise(starts))]
    )
    keys, table_keys, table_rows = table
    neighbours = np.zeros((rows.shape[1], len(keys), 2), np.int32)
    yield from in_chunks(
        pool,
        _neighbours_kernel,
        [(keys, table_keys, table_rows, strides, a, b, neighbours) for a, b in blocks(len(keys), _VERTEX_BLOCK)],
    )
    lattice = Lattice(rows, weights, neighbours, private_vertices, starts)
    if normalise:
        yield from _fold_normalisation(pool, lattice)
    return lattice


def splat_labels(
    pool: ThreadPoolExecutor, lattice: Lattice, labels: IndexArray, n_labels: int
) -> Generator[None, None, FloatArray]:
    """Splat the one-hot vectors of labels (N,) 0..L-1 (less than 0: nothing); returns values (rows, padded L)."""
    values = np.zeros((lattice.n_rows, padded(n_labels)), np.float32)
    yield from in_chunks(
        pool,
        _splat_labels_kernel,
        [(lattice.rows[a:b], lattice.weights[a:b], labels[a:b], values) for a, b in lattice.chunks],
    )
    yield from merge(pool, lattice, values)
    return values


def merge(pool: ThreadPoolExecutor, lattice: Lattice, values: FloatArray) -> Generator[None, None, None]:
    """Add the private rows to their vertices, chunk after chunk."""
    _merge_kernel(lattice.private_vertices, values, values.shape[1], 1 + lattice.n_vertices)
    yield


def blur(
    pool: ThreadPoolExecutor, lattice: Lattice, values: FloatArray, scratch: FloatArray
) -> Generator[None, None, FloatArray]:
    """Blur the vertices along all D + 1 directions; returns `values` or `scratch`, whichever holds the result.

    The result's private rows are copies of their vertices, ready to be sliced.
    """
    for direction in range(len(lattice.neighbours)):
        yield from in_chunks(
            pool,
            _blur_kernel,
            [
                (lattice.neighbours[direction], values, values.shape[1], a + 1, b + 1, scratch)
                for a, b in blocks(lattice.n_vertices, _VERTEX_BLOCK)
            ],
        )
        values, scratch = scratch, values
    values[0] = 0.0
    values[1 + lattice.n_vertices :] = values[lattice.private_vertices]
    return values


def slice_pixels(lattice: Lattice, values: FloatArray, pixels: NDArray[np.intp], scale: float, out: FloatArray) -> None:
    """Add `scale` times the values read back at some pixels to `out` (len(pixels), padded L); C-contiguous."""
    _slice_kernel(lattice.rows, lattice.weights, pixels, values, values.shape[1], np.float32(scale), out)


def _fold_normalisation(pool: ThreadPoolExecutor, lattice: Lattice) -> Generator[None, None, None]:
    """Multiply the weights of each pixel by (K 1)^-1/2: once for the splat, once for the slice."""
    values = yield from splat_labels(pool, lattice, np.zeros(len(lattice.rows), np.int32), 1)
    values = yield from blur(pool, lattice, values, np.zeros_like(values))
    yield from in_chunks(
        pool, _normalise_kernel, [(lattice.rows[a:b], lattice.weights[a:b], values) for a, b in lattice.chunks]
    )


def _chunk_starts(n_pixels: int) -> tuple[int, ...]:
    """Split pixels into chunks, by their number alone (see the module's notes on determinism)."""
    count = max(1, min(_CHUNKS, n_pixels // _SMALLEST_CHUNK), -(-n_pixels // _LARGEST_CHUNK))
    return tuple(int(start) for start in np.linspace(0, n_pixels, count + 1).round())


def _key_strides(features: FloatArray, thetas: FloatArray) -> KeyArray:
    """Return what each of the D coordinates of a vertex counts in its 64-bit key.

    Keys are mixed-radix numbers where the range of the features allows it, so different vertices have different keys.
    Otherwise (very many channels) the strides are fixed random odd numbers: two of M vertices then share a key with a
    probability of about M^2 / 2^64.
    """
    d = len(features)
    extent = (features.max(axis=1) - features.min(axis=1)) / thetas.astype(np.float64) * _elevation(d)
    # Coordinate i is a sum over features j >= i with factor 1 (i = j: -j), see _embed_kernel; margin for neighbours.
    spans = [int(i * extent[i - 1] if i else 0) + int(sum(extent[i:])) + 6 * (d + 1) for i in range(d)]
    if np.prod([float(span) for span in spans]) < 2.0**62:
        return np.cumprod([1, *spans[:-1]]).astype(np.int64)
    random = np.random.default_rng(_CERTAIN_SEED)
    return random.integers(-(2**62), 2**62, d, dtype=np.int64) | 1


def _elevation(d: int) -> FloatArray:
    """Return the factors that give the filter a standard deviation of 1 in every direction [ABD10, section 3.1]."""
    i = np.arange(d, dtype=np.float64)
    factors: FloatArray = (np.sqrt(2.0 / 3.0) * (d + 1) / np.sqrt((i + 1) * (i + 2))).astype(np.float32)
    return factors


def _embed_chunk(
    features: FloatArray, thetas: FloatArray, strides: KeyArray, rows: IndexArray, weights: FloatArray
) -> KeyArray:
    """Fill the rows (numbered within the chunk) and weights of one chunk; returns the keys of its vertices."""
    d, n = features.shape
    elevation = _elevation(d)
    aligned = np.zeros((d, padded(n)), np.float32)
    np.divide(features, thetas[:, np.newaxis], out=aligned[:, :n])
    capacity, margin = 2**12, LANES * (d + 1)  # between two looks at the table, that many keys may come in
    keys = np.empty(capacity // 2 + margin, np.int64)
    table = np.full(capacity, _EMPTY), np.empty(capacity, np.int32)
    n_keys, done = 0, 0
    while True:
        done, n_keys = _embed_kernel(aligned, done, n, elevation, strides, n_keys, keys, *table, rows, weights)
        if done == n:
            return keys[:n_keys].copy()
        capacity *= 4
        keys = np.concatenate([keys, np.empty(capacity // 2 + margin - len(keys), np.int64)])
        table = _table_of(keys[:n_keys], capacity)


def _table_of(keys: KeyArray, capacity: int) -> tuple[KeyArray, IndexArray]:
    table_keys, table_rows = np.full(capacity, _EMPTY), np.empty(capacity, np.int32)
    _insert_kernel(keys, 0, keys, table_keys, table_rows, np.empty(len(keys), np.int32))
    return table_keys, table_rows


def _merge_vertices(
    keys_of_chunks: list[KeyArray],
) -> tuple[tuple[KeyArray, KeyArray, IndexArray], list[IndexArray], IndexArray]:
    """Count the vertices of all chunks, and give those of several chunks a private row in each.

    Returns
    -------
    (keys, table_keys, table_rows)
        Key of each vertex (from 1; 0 is the zero row) and the hash table that finds them.
    row_of_vertex : list of (M_i,) int32
        For each chunk, its own numbering -> rows.
    private_vertices : (P,) int32
        The vertex of each private row.
    """
    most = sum(len(keys) for keys in keys_of_chunks)
    capacity = 1 << int(2 * most + 1).bit_length()
    table_keys, table_rows = np.full(capacity, _EMPTY), np.empty(capacity, np.int32)
    all_keys = np.empty(1 + most, np.int64)
    all_keys[0] = _EMPTY
    vertices, n_keys = [], 1
    for keys in keys_of_chunks:
        vertex = np.empty(len(keys), np.int32)
        n_keys = _insert_kernel(keys, n_keys, all_keys, table_keys, table_rows, vertex)
        vertices.append(vertex)
    users = np.bincount(np.concatenate(vertices), minlength=n_keys)
    private_vertices, next_row = [], n_keys
    for vertex in vertices:
        shared = np.flatnonzero(users[vertex] > 1)
        private_vertices.append(vertex[shared])
        vertex[shared] = np.arange(next_row, next_row + len(shared), dtype=np.int32)
        next_row += len(shared)
    return (all_keys[:n_keys], table_keys, table_rows), vertices, np.concatenate(private_vertices)


@njit(nogil=True, forceinline=True)
def _find(key, table_keys):  # type: ignore[no-untyped-def]
    """Return the slot of `key`, or the empty slot where it belongs. The table must not be full."""
    mask = np.uint64(len(table_keys) - 1)
    mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)  # Fibonacci hashing: the upper bits are well mixed
    slot = (mixed ^ (mixed >> np.uint64(32))) & mask
    while table_keys[slot] != _EMPTY and table_keys[slot] != key:
        slot = (slot + np.uint64(1)) & mask
    return slot


@njit(nogil=True, cache=True)
def _insert_kernel(keys, n_keys, all_keys, table_keys, table_rows, out):  # type: ignore[no-untyped-def]
    """Give every key a number, counting on from `n_keys` for new ones; returns the new count."""
    for i in range(len(keys)):
        slot = _find(keys[i], table_keys)
        if table_keys[slot] == _EMPTY:
            table_keys[slot] = keys[i]
            table_rows[slot] = n_keys
            all_keys[n_keys] = keys[i]
            n_keys += 1
        out[i] = table_rows[slot]
    return n_keys


@njit(nogil=True, cache=True)
def _embed_kernel(  # type: ignore[no-untyped-def]  # noqa: C901  # reads better in one piece
    features, start, n, elevation, strides, n_keys, keys, table_keys, table_rows, rows, weights
):
    """Find simplex and weights of the pixels from `start` to `n`, eight at a time.

    Stops when the hash table is half full; returns the next pixel and the number of keys.
    """
    d = len(features)
    rank, remainder0 = np.empty((d + 1, LANES), np.float32), np.empty((d + 1, LANES), np.float32)
    barycentric, difference = np.empty((d + 1, LANES), np.float32), np.empty((d + 1, LANES), np.float32)
    coordinate_of_rank = np.empty(d + 1, np.int64)
    last_key = np.full(d + 1, _EMPTY)
    last_row = np.zeros(d + 1, np.int32)
    stride_sum = np.int64(0)
    for i in range(d):
        stride_sum += strides[i]
    for first in range(start, n, LANES):
        if 2 * n_keys >= len(table_keys):
            return first, n_keys
        _find_simplices(features, first, elevation, remainder0, difference, rank, barycentric)
        for k in range(min(LANES, n - first)):
            key = np.int64(0)
            for i in range(d):
                key += np.int64(remainder0[i, k]) * strides[i]
            for i in range(d + 1):
                coordinate_of_rank[int(rank[i, k])] = i
            for corner in range(d + 1):
                if key != last_key[corner]:  # neighbouring pixels mostly share vertices
                    slot = _find(key, table_keys)
                    if table_keys[slot] == _EMPTY:
                        table_keys[slot] = key
                        table_rows[slot] = n_keys
                        keys[n_keys] = key
                        n_keys += 1
                    last_key[corner] = key
                    last_row[corner] = table_rows[slot]
                rows[first + k, corner] = last_row[corner]
                weights[first + k, corner] = barycentric[corner, k]
                # The next corner is +1 in every coordinate, but -D in the one of rank D - corner [ABD10, section 3.1].
                key += stride_sum
                if coordinate_of_rank[d - corner] < d:
                    key -= np.int64(d + 1) * strides[coordinate_of_rank[d - corner]]
    return n, n_keys


@njit(nogil=True, forceinline=True)
def _find_simplices(features, first, elevation, remainder0, difference, rank, barycentric):  # type: ignore[no-untyped-def]
    """Find the simplices of eight pixels from `first` on [ABD10, section 3.1]; arrays are (coordinate, pixel)."""
    d, stride = features.shape
    zero, one, period = broadcast(np.float32(0)), broadcast(np.float32(1)), broadcast(np.float32(d + 1))
    # Elevate: y = E f, a point of the hyperplane sum(y) = 0.
    above = zero
    for j in range(d, 0, -1):
        scaled = multiply(load(features, (j - 1) * stride + first), broadcast(elevation[j - 1]))
        store(difference, j * LANES, subtract(above, multiply(broadcast(np.float32(j)), scaled)))
        above = add(above, scaled)
    store(difference, 0, above)
    # Round to the nearest vertex of remainder 0, which may leave the hyperplane by a few periods.
    off_plane = zero
    for i in range(d + 1):
        elevated = load(difference, i * LANES)
        down = floor(multiply(elevated, broadcast(np.float32(1.0) / np.float32(d + 1))))
        up = add(down, one)
        to_up, to_down = subtract(multiply(up, period), elevated), subtract(elevated, multiply(down, period))
        nearest = where_less(to_up, to_down, up, down)
        off_plane = add(off_plane, nearest)
        store(remainder0, i * LANES, multiply(nearest, period))
        store(difference, i * LANES, subtract(elevated, multiply(nearest, period)))
    # Rank the differences, largest first; their order names the simplex.
    for i in range(d + 1):
        store(rank, i * LANES, off_plane)
    for i in range(d):
        own, own_rank = load(difference, i * LANES), load(rank, i * LANES)
        for j in range(i + 1, d + 1):
            smaller_than = where_less(own, load(difference, j * LANES), one, zero)
            own_rank = add(own_rank, smaller_than)
            store(rank, j * LANES, add(load(rank, j * LANES), subtract(one, smaller_than)))
        store(rank, i * LANES, own_rank)
    # Back onto the hyperplane.
    for i in range(d + 1):
        own_rank = load(rank, i * LANES)
        back = where_less(own_rank, zero, period, zero)
        back = subtract(back, where_less(broadcast(np.float32(d)), own_rank, period, zero))
        store(rank, i * LANES, add(own_rank, back))
        store(remainder0, i * LANES, add(load(remainder0, i * LANES), back))
        store(difference, i * LANES, subtract(load(difference, i * LANES), back))
    # Weight of corner k: difference of rank D - k less that of rank D + 1 - k, over D + 1; corner 0 has the rest of 1.
    following = zero
    for k in range(d + 1):
        own = zero
        for i in range(d + 1):
            wanted = broadcast(np.float32(d - k))
            own = add(own, where_equal(load(rank, i * LANES), wanted, load(difference, i * LANES), zero))
        own = multiply(own, broadcast(np.float32(1.0) / np.float32(d + 1)))
        store(barycentric, k * LANES, subtract(own, following))
        following = own
    store(barycentric, 0, add(load(barycentric, 0), subtract(one, following)))


@njit(nogil=True, cache=True)
def _renumber_kernel(rows, row_of_vertex):  # type: ignore[no-untyped-def]
    for n in range(rows.shape[0]):
        for corner in range(rows.shape[1]):
            rows[n, corner] = row_of_vertex[rows[n, corner]]


@njit(nogil=True, cache=True)
def _neighbours_kernel(keys, table_keys, table_rows, strides, start, stop, out):  # type: ignore[no-untyped-def]
    d = len(strides)
    stride_sum = np.int64(0)
    for i in range(d):
        stride_sum += strides[i]
    for vertex in range(max(start, 1), stop):
        for direction in range(d + 1):
            step = -stride_sum
            if direction < d:
                step += np.int64(d + 1) * strides[direction]
            slot = _find(keys[vertex] + step, table_keys)
            if table_keys[slot] != _EMPTY:
                # Neighbours are mutual; no other vertex writes to either place.
                out[direction, vertex, 0] = table_rows[slot]
                out[direction, table_rows[slot], 1] = vertex


@njit(nogil=True, cache=True)
def _splat_labels_kernel(rows, weights, labels, values):  # type: ignore[no-untyped-def]
    for n in range(rows.shape[0]):
        if labels[n] >= 0:
            for corner in range(rows.shape[1]):
                values[rows[n, corner], labels[n]] += weights[n, corner]


@njit(nogil=True, cache=True)
def _merge_kernel(private_vertices, values, width, first_row):  # type: ignore[no-untyped-def]
    for i in range(len(private_vertices)):
        vertex, row = np.intp(private_vertices[i]) * width, (first_row + i) * width
        for block in range(0, width, LANES):
            store(values, vertex + block, add(load(values, vertex + block), load(values, row + block)))


@njit(nogil=True, cache=True)
def _blur_kernel(neighbours, values, width, start, stop, out):  # type: ignore[no-untyped-def]
    half = broadcast(np.float32(0.5))
    for vertex in range(start, stop):
        before, after = np.intp(neighbours[vertex, 0]) * width, np.intp(neighbours[vertex, 1]) * width
        here = vertex * width
        for block in range(0, width, LANES):
            around = add(load(values, before + block), load(values, after + block))
            store(out, here + block, multiply_add(half, around, load(values, here + block)))


@njit(nogil=True, cache=True)
def _slice_kernel(rows, weights, pixels, values, width, scale, out):  # type: ignore[no-untyped-def]
    for i in range(len(pixels)):
        n = pixels[i]
        for block in range(0, width, LANES):
            value = load(out, i * width + block)
            for corner in range(rows.shape[1]):
                share = broadcast(weights[n, corner] * scale)
                value = multiply_add(share, load(values, np.intp(rows[n, corner]) * width + block), value)
            store(out, i * width + block, value)


@njit(nogil=True, cache=True)
def _normalise_kernel(rows, weights, values):  # type: ignore[no-untyped-def]
    for n in range(rows.shape[0]):
        total = np.float32(0.0)
        for corner in range(rows.shape[1]):
            total += weights[n, corner] * values[rows[n, corner], 0]
        norm = np.float32(1.0) / np.sqrt(total + np.float32(1e-20))
        for corner in range(rows.shape[1]):
            weights[n, corner] *= norm

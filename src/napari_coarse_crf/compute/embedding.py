"""Where pixels lie in the permutohedral lattice: rows, barycentric weights and the chains along its directions.

A pixel's features, divided by their thetas, are a point of a lattice simplex; its D + 1 corners are lattice vertices
with integer coordinates, which one 64-bit key stands for. Every chunk of pixels numbers its vertices in a hash table;
then the chunks' tables are merged.

References
----------
[ABD10] Adams, Baek, Davis: Fast high-dimensional filtering using the permutohedral lattice. Eurographics 2010.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numba import njit
from numpy.typing import NDArray

from napari_coarse_crf.compute.arrays import rows_that_vary
from napari_coarse_crf.compute.compiling import compiled
from napari_coarse_crf.compute.parallel import blocks, in_chunks
from napari_coarse_crf.compute.simd import (
    LANES,
    add,
    broadcast,
    floor,
    load,
    multiply,
    padded,
    store,
    subtract,
    where_equal,
    where_less,
)

if TYPE_CHECKING:
    from collections.abc import Generator
    from concurrent.futures import ThreadPoolExecutor

    from napari_coarse_crf.compute.arrays import FeatureArray, FloatArray, IndexArray

KeyArray = NDArray[np.int64]

_EMPTY = np.int64(-(2**63))
_VERTEX_BLOCK = 2**14
_CERTAIN_SEED = 20110616


@dataclass(frozen=True, slots=True)
class Embedding:
    """N pixels in the lattice of a kernel, D the features that are not the same at all of them.

    Attributes
    ----------
    rows : (N, D + 1) int32
        The row of a value array that each corner of a pixel's simplex has in the pixel's chunk: M vertices come first,
        then the private rows.
    weights : (N, D + 1) float32
        Barycentric weights.
    n_vertices : int
        M.
    private_vertices : (P,) int32
        The vertex that each private row belongs to, ascending.
    chains : tuple of int32 arrays
        For each of the D + 1 directions, the vertices that have a neighbour along it, chain after chain; the first
        vertex v of a chain stands as ~v.
    """

    rows: IndexArray
    weights: FloatArray
    n_vertices: int
    private_vertices: IndexArray
    chains: tuple[IndexArray, ...]


def embed_pixels(
    pool: ThreadPoolExecutor, features: FeatureArray, thetas: FloatArray, starts: tuple[int, ...]
) -> Generator[None, None, Embedding]:
    """Embed (D, N) features with standard deviations (D,); chunk i holds the pixels from starts[i] to starts[i + 1].

    A feature over its theta must stay below about 5e6, where float32 no longer tells simplices apart; `inputs` sees to
    that.
    """
    features, thetas = _telling(features, thetas)
    d, n_pixels = features.shape
    strides = _key_strides(features, thetas)
    rows = np.empty((n_pixels, d + 1), np.int32)
    weights = np.empty(rows.shape, np.float32)
    keys_of_chunks = yield from in_chunks(
        pool, _embed_chunk, [(features[:, a:b], thetas, strides, rows[a:b], weights[a:b]) for a, b in pairwise(starts)]
    )
    keys, table, vertices = _merge_tables(keys_of_chunks)
    yield
    private_vertices = _give_private_rows(vertices, len(keys))
    yield from in_chunks(
        pool, _renumber_kernel, [(rows[a:b], vertices[i]) for i, (a, b) in enumerate(pairwise(starts))]
    )
    following = np.empty((d + 1, len(keys)), np.int32)
    tasks = [(keys, *table, strides, a, b, following) for a, b in blocks(len(keys), _VERTEX_BLOCK)]
    yield from in_chunks(pool, _following_kernel, tasks)
    chains = yield from in_chunks(pool, _chains_of, [(following[direction],) for direction in range(d + 1)])
    return Embedding(rows, weights, len(keys), private_vertices, tuple(chains))


def count_vertices(features: FeatureArray, thetas: FloatArray) -> int:
    """Return the number of lattice vertices that (D, N) features touch, without keeping any."""
    features, thetas = _telling(features, thetas)
    d, n = features.shape
    rows, weights = np.empty((n, d + 1), np.int32), np.empty((n, d + 1), np.float32)
    return len(_embed_chunk(features, thetas, _key_strides(features, thetas), rows, weights))


def _telling(features: FeatureArray, thetas: FloatArray) -> tuple[FeatureArray, FloatArray]:
    """Return the features that are not the same at all pixels, but at least one.

    The others change no distance, while a lattice of fewer dimensions is smaller and nearer to the Gaussian. So a
    constant channel, or an axis of one pixel, leaves every bit as it is.
    """
    tells = rows_that_vary(features)
    tells[0] |= not tells.any()
    return (features, thetas) if tells.all() else (features[tells], thetas[tells])


def _key_strides(features: FeatureArray, thetas: FloatArray) -> KeyArray:
    """Return what each of the D coordinates of a vertex counts in its 64-bit key.

    Keys are mixed-radix numbers where the range of the features allows it, so different vertices have different keys.
    Otherwise (very many channels) the strides are fixed random odd numbers: two of M vertices then share a key with a
    probability of about M^2 / 2^64.
    """
    d = len(features)
    extent = (features.max(axis=1) - features.min(axis=1)) / thetas.astype(np.float64) * _elevation(d)
    # Coordinate i is a sum over features j >= i with factor 1 (i = j: -j), see _embed_kernel; margin for neighbours.
    spans = [int(i * extent[i - 1] if i else 0) + int(sum(extent[i:])) + 6 * (d + 1) for i in range(d)]
    if math.prod(spans) < 2**62:  # whole numbers of Python, which do not overflow
        return np.cumprod([1, *spans[:-1]]).astype(np.int64)
    random = np.random.default_rng(_CERTAIN_SEED)
    return random.integers(-(2**62), 2**62, d, dtype=np.int64) | 1


def _elevation(d: int) -> FloatArray:
    """Return the factors that give the filter a standard deviation of 1 in every direction [ABD10, section 3.1]."""
    i = np.arange(d, dtype=np.float64)
    factors: FloatArray = (np.sqrt(2.0 / 3.0) * (d + 1) / np.sqrt((i + 1) * (i + 2))).astype(np.float32)
    return factors


def _embed_chunk(
    features: FeatureArray, thetas: FloatArray, strides: KeyArray, rows: IndexArray, weights: FloatArray
) -> KeyArray:
    """Fill the rows (numbered within the chunk) and weights of one chunk; returns the keys of its vertices."""
    d, n = features.shape
    elevation = _elevation(d)
    aligned = np.zeros((d, padded(n)), np.float32)
    np.divide(features, thetas[:, np.newaxis], out=aligned[:, :n])
    margin = LANES * (d + 1)  # between two looks at the table, that many keys may come in
    capacity = 1 << max(12, (4 * margin).bit_length())  # at least: half full and a margin more leaves a quarter empty
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


def _merge_tables(
    keys_of_chunks: list[KeyArray],
) -> tuple[KeyArray, tuple[KeyArray, IndexArray], list[IndexArray]]:
    """Give the vertices of all chunks one numbering.

    Returns
    -------
    keys : (M,) int64
        Key of each vertex.
    table : (table_keys, table_rows)
        The hash table that finds them.
    vertices : list of (M_i,) int32
        For each chunk, its own numbering -> vertex.
    """
    most = sum(len(keys) for keys in keys_of_chunks)
    capacity = 1 << int(2 * most + 1).bit_length()
    table = np.full(capacity, _EMPTY), np.empty(capacity, np.int32)
    all_keys = np.empty(most, np.int64)
    vertices, n_keys = [], 0
    for keys in keys_of_chunks:
        vertex = np.empty(len(keys), np.int32)
        n_keys = _insert_kernel(keys, n_keys, all_keys, *table, vertex)
        vertices.append(vertex)
    return all_keys[:n_keys].copy(), table, vertices


def _give_private_rows(vertices: list[IndexArray], n_vertices: int) -> IndexArray:
    """Renumber in place the vertices that several chunks touch: each chunk gets a row of its own for them.

    The rows of one vertex lie side by side, in the order of the chunks. Returns the vertex of each private row.
    """
    touched = np.concatenate(vertices)
    shared = np.flatnonzero(np.bincount(touched, minlength=n_vertices)[touched] > 1)
    shared = shared[np.argsort(touched[shared], kind="stable")]
    private_vertices = touched[shared]
    touched[shared] = np.arange(n_vertices, n_vertices + len(shared), dtype=np.int32)
    for chunk, renumbered in zip(vertices, np.split(touched, np.cumsum([len(v) for v in vertices])[:-1]), strict=True):
        chunk[:] = renumbered
    return private_vertices


def _chains_of(following: IndexArray) -> IndexArray:
    chain = np.empty(len(following), np.int32)
    return chain[: _chain_kernel(following, chain)].copy()


@njit(nogil=True, forceinline=True)
def _find(key, table_keys):  # type: ignore[no-untyped-def]
    """Return the slot of `key`, or the empty slot where it belongs. The table must not be full."""
    mask = np.uint64(len(table_keys) - 1)
    mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)  # Fibonacci hashing: the upper bits are well mixed
    slot = (mixed ^ (mixed >> np.uint64(32))) & mask
    while table_keys[slot] != _EMPTY and table_keys[slot] != key:
        slot = (slot + np.uint64(1)) & mask
    return slot


@compiled
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


@compiled
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


@compiled
def _renumber_kernel(rows, row_of_vertex):  # type: ignore[no-untyped-def]
    for n in range(rows.shape[0]):
        for corner in range(rows.shape[1]):
            rows[n, corner] = row_of_vertex[rows[n, corner]]


@compiled
def _following_kernel(keys, table_keys, table_rows, strides, start, stop, out):  # type: ignore[no-untyped-def]
    """Find the next vertex of each vertex along every direction, -1 where there is none."""
    d = len(strides)
    stride_sum = np.int64(0)
    for i in range(d):
        stride_sum += strides[i]
    for vertex in range(start, stop):
        for direction in range(d + 1):
            step = -stride_sum
            if direction < d:
                step += np.int64(d + 1) * strides[direction]
            slot = _find(keys[vertex] + step, table_keys)
            out[direction, vertex] = table_rows[slot] if table_keys[slot] != _EMPTY else -1


@compiled
def _chain_kernel(following, out):  # type: ignore[no-untyped-def]
    """List the chains of vertices that follow each other, see `Embedding.chains`; returns the length of the list."""
    has_previous = np.zeros(len(following), np.bool_)
    for vertex in range(len(following)):
        if following[vertex] >= 0:
            has_previous[following[vertex]] = True
    length = 0
    for first in range(len(following)):
        if has_previous[first] or following[first] < 0:
            continue
        out[length] = ~first
        length += 1
        vertex = following[first]
        while vertex >= 0:
            out[length] = vertex
            length += 1
            vertex = following[vertex]
    return length

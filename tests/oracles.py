"""The method, slowly and obviously, in float64: what the tests compare the fast code with.

Written from the formulas and without a look at the package: nothing here imports it. N pixels in the order of the
flattened image, L labels, C channels, D axes.
"""

from __future__ import annotations

from itertools import combinations, product
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[Any]

FLOOR_OF_KERNEL = 1e-9
FLOOR_OF_COLOUR = 1e-3


def positions(shape: tuple[int, ...], spacing: Sequence[float] | None = None) -> Array:
    """Return (N, D) positions in pixels of the finest axis, last axis first: x, y, z."""
    sizes = np.ones(len(shape)) if spacing is None else np.asarray(spacing, np.float64)
    sizes = sizes / sizes.min()
    index = np.indices(shape).reshape(len(shape), -1).T.astype(np.float64)
    return (index * sizes)[:, ::-1]


def colours(image: Array, ndim: int) -> Array:
    """Return (N, C) colours of an image with its channels, if any, last."""
    return image.reshape(int(np.prod(image.shape[:ndim])), -1).astype(np.float64)


def stretched(values: Array) -> Array:
    """Return colours (N, C) times 255 / max(p99.5 - p0.5, 32)."""
    low, high = np.percentile(values, [0.5, 99.5])
    return values * (255.0 / max(high - low, 32.0))


def squared_distances(a: Array, b: Array) -> Array:
    """Return (len(a), len(b)) squared Euclidean distances."""
    return np.square(a[:, None, :] - b[None, :, :]).sum(axis=2)


def gaussian_matrix(features: Array, *, normalise: bool) -> Array:
    """Return K_ij = exp(-|f_i - f_j|^2 / 2), divided by the roots of both row sums where it is normalised."""
    exact = features.astype(np.float64)
    kernel = np.exp(-squared_distances(exact, exact) / 2.0)
    if normalise:
        roots = np.sqrt(kernel.sum(axis=1))
        kernel /= roots[:, None] * roots[None, :]
    return kernel


def lattice_matrix(features: Array) -> Array:
    """Return the (N, N) matrix of splat, blur and slice on a permutohedral lattice [ABD10], with dictionaries.

    Vertices are tuples of D + 1 whole numbers of sum 0 and equal remainder modulo D + 1. There are as many as the
    pixels touch; a missing neighbour counts as 0.
    """
    n, d = features.shape
    weights = [_barycentric(pixel) for pixel in features.astype(np.float64)]
    touched: dict[tuple[int, ...], int] = {}
    for corners in weights:
        for vertex in corners:
            touched.setdefault(vertex, len(touched))
    splat = np.zeros((len(touched), n))
    for pixel, corners in enumerate(weights):
        for vertex, weight in corners.items():
            splat[touched[vertex], pixel] += weight
    values = splat
    for direction in range(d + 1):
        step = np.full(d + 1, -1)
        step[direction] = d
        blurred = values.copy()
        for vertex, row in touched.items():
            for neighbour in (tuple(np.add(vertex, step)), tuple(np.subtract(vertex, step))):
                if neighbour in touched:
                    blurred[row] += 0.5 * values[touched[neighbour]]
        values = blurred
    return splat.T @ values


def lattice_vertices(features: Array) -> int:
    """Return how many different vertices the pixels touch."""
    return len({vertex for pixel in features.astype(np.float64) for vertex in _barycentric(pixel)})


def _barycentric(pixel: Array) -> dict[tuple[int, ...], float]:
    """Return the D + 1 vertices around a feature vector and its weights there."""
    d = len(pixel)
    scaled = pixel * np.sqrt(2 / 3) * (d + 1) / np.sqrt([(i + 1) * (i + 2) for i in range(d)])
    point = np.array([scaled[i:].sum() - (i * scaled[i - 1] if i else 0.0) for i in range(d + 1)])
    base = np.round(point / (d + 1)).astype(int) * (d + 1)
    excess = base.sum() // (d + 1)
    order = np.argsort(base - point)  # those rounded down the most come first
    if excess > 0:
        base[order[len(order) - excess :]] -= d + 1
    else:
        base[order[:-excess]] += d + 1
    share = (point - base) / (d + 1)
    order = np.argsort(-share)
    falling = share[order]
    corners = {}
    for k in range(d + 1):
        # Corner k is the base plus k everywhere, minus D + 1 at the k coordinates of the smallest shares.
        vertex = base + k
        vertex[order[len(order) - k :]] -= d + 1
        weight = falling[d - k] - falling[d - k + 1] if k else 1 - falling[0] + falling[d]
        corners[tuple(int(v) for v in vertex)] = float(weight)
    return corners


def softmax(logits: Array) -> Array:
    """Return the softmax of each row."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def confidence(likely: Array, labels: Array, n_terms: int) -> Array:
    """Return how sure labels are that a heatmap of so many terms gives the odds of its (F, L) probabilities."""
    own = likely[np.arange(len(likely)), labels].astype(np.float64)
    odds = own / (likely.sum(axis=1) - own)
    return 1 / (1 + odds ** (-1 / n_terms))


def calibration_error(said: Array, is_right: Array, bins: int = 15) -> float:
    """Return the mean distance between what is said and how much of it is right, over bins, weighed by pixels."""
    number = (said * bins).astype(int).clip(0, bins - 1)
    right, sums = (np.bincount(number, weights, bins) for weights in (is_right, said))
    return float(np.abs(right - sums).sum() / len(said))


def mean_field(
    unary: Array, matrices: Sequence[tuple[float, Array]], iterations: int, clamped: Array | None = None
) -> Array:
    """Return (N, L) marginals after so many parallel updates [KK11, Algorithm 1] with the message to oneself kept.

    Pixels whose `clamped` label is 0 or more are one-hot throughout.
    """
    q = softmax(-unary)
    held = np.zeros(len(unary), bool) if clamped is None else clamped >= 0
    if clamped is not None:
        q[held] = np.eye(unary.shape[1])[clamped[held]]
    for _ in range(iterations):
        message = sum((weight * (matrix @ q) for weight, matrix in matrices), np.zeros_like(unary))
        q = np.where(held[:, None], q, softmax(message - unary))
    return q


def members(labels: Array) -> list[Array]:
    """Return the flat indices of the pixels of each id, in the order of the ids; 0 is no id."""
    flat = labels.reshape(-1)
    return [np.flatnonzero(flat == label_id) for label_id in np.unique(flat[flat != 0])]


def joint_logits(xy: Array, rgb: Array, labels: Array, *, distance: float, colour: float) -> Array:
    """Return -min over j in Omega_c of sqrt(|dp|^2 / distance^2 + |dI|^2 / colour^2)."""
    features = np.hstack([xy / distance, rgb / colour])
    nearest = [squared_distances(features, features[own]).min(axis=1) for own in members(labels)]
    return -np.sqrt(np.stack(nearest, axis=1))


def kernel_logits(xy: Array, rgb: Array, labels: Array, *, distance: float, colour: float, decay: float = 4.0) -> Array:
    """Return log(K_c + floor), K_c = sum over m in {1, 2, 4, 8} of decay^-m times the Gaussian sums over Omega_c."""
    sums = np.zeros((len(xy), len(members(labels))))
    for scale in (1, 2, 4, 8):
        features = np.hstack([xy / (scale * distance), rgb / colour])
        for label, own in enumerate(members(labels)):
            sums[:, label] += decay**-scale * np.exp(-squared_distances(features, features[own]) / 2).sum(axis=1)
    return np.log(sums + FLOOR_OF_KERNEL)


def colour_logits(rgb: Array, labels: Array, *, colour: float) -> Array:
    """Return log(q_c / sum of all q + floor), q_c the mean of exp(-|dI|^2 / 2 colour^2) over Omega_c."""
    features = rgb / colour
    means = [np.exp(-squared_distances(features, features[own]) / 2).mean(axis=1) for own in members(labels)]
    q = np.stack(means, axis=1)
    return np.log(q / np.maximum(q.sum(axis=1, keepdims=True), 1e-30) + FLOOR_OF_COLOUR)


def _shifted(values: Array, move: Sequence[int], outside: float) -> Array:
    """Return what stands at each place's neighbour in the direction `move`; `outside` beyond the border."""
    padded = np.pad(values, 1, constant_values=outside)
    return padded[tuple(slice(1 + m, 1 + m + size) for m, size in zip(move, values.shape, strict=True))]


def edge_slowness(
    image: Array,
    ndim: int,
    *,
    weight: float,
    mask: Array | None = None,
    spacing: Sequence[float] | None = None,
) -> Array:
    """Return (1 + (weight g^2 / 10)^2)^(1/D) at each pixel, D >= 2, g the length of all Sobel gradients.

    Where a neighbour is missing, the pixel's own colour stands in for it.
    """
    sizes = np.divide(spacing, min(spacing)) if spacing else np.ones(ndim)
    channels = np.moveaxis(image.astype(float).reshape(*image.shape[:ndim], -1), -1, 0)
    squared = np.zeros(image.shape[:ndim])
    for channel in channels:
        known = channel if mask is None else np.where(mask, channel, np.nan)
        for axis in range(ndim):
            derivative = np.zeros_like(squared)
            for move in product((-1, 0, 1), repeat=ndim):
                factors = [m if a == axis else (1 + (m == 0)) / 4 for a, m in enumerate(move)]
                neighbour = _shifted(known, move, np.nan)
                derivative += np.prod(factors) * np.where(np.isnan(neighbour), channel, neighbour)
            squared += (derivative / sizes[axis]) ** 2 / ndim
    return (1 + (weight * squared / 10) ** 2) ** (1 / max(2, ndim))


def fences(labels: Array) -> Array:
    """Return the labels with an open pixel added beside every corner at which two pixels of a label touch."""
    owner = labels.copy()
    for a, b in combinations(range(labels.ndim), 2):
        for sign in (1, -1):
            for place in np.argwhere(labels):
                corner, beside = place.copy(), place.copy()
                corner[a] += 1
                corner[b] += sign
                beside[b] += sign
                inside = (corner >= 0).all() and (corner < labels.shape).all()
                same = inside and labels[tuple(corner)] == labels[tuple(place)]
                if same and owner[tuple(beside)] == 0:
                    owner[tuple(beside)] = labels[tuple(place)]
    return owner


def geodesic_distances(
    slowness: Array,
    labels: Array,
    *,
    crossing: float = 0.0,
    mask: Array | None = None,
    spacing: Sequence[float] | None = None,
) -> Array:
    """Return (N, L) lengths of the shortest paths (Dijkstra) over neighbouring pixels, diagonals included.

    A step costs its length times the mean slowness of its ends, and `crossing` if it enters another label; infinite
    where no path leads.
    """
    shape = labels.shape
    xy, slow = positions(shape, spacing), slowness.reshape(-1)
    open_to_all = np.ones(shape, bool) if mask is None else mask
    index = np.arange(labels.size, dtype=np.int32).reshape(shape)  # the paths of scipy 1.13 take no other type
    begins, ends = [], []
    for move in product((-1, 0, 1), repeat=len(shape)):
        if any(move):
            here = tuple(slice(max(0, -m), size - max(0, m)) for m, size in zip(move, shape, strict=True))
            there = tuple(slice(max(0, m), size + min(0, m)) for m, size in zip(move, shape, strict=True))
            both = open_to_all[here] & open_to_all[there]
            begins.append(index[here][both])
            ends.append(index[there][both])
    a, b = np.concatenate(begins), np.concatenate(ends)
    cost = np.sqrt(np.square(xy[a] - xy[b]).sum(axis=1)) * (slow[a] + slow[b]) / 2
    inside = np.where(open_to_all, labels, 0)
    owner = fences(inside).reshape(-1)[b]
    distances = []
    for own in members(inside):
        entry = crossing * ((owner != 0) & (owner != inside.reshape(-1)[own[0]]))
        graph = coo_array((cost + entry, (a, b)), shape=(labels.size, labels.size)).tocsr()
        distances.append(dijkstra(graph, indices=own, min_only=True))
    return np.stack(distances, axis=1)


def geodesic_logits(distances: Array, *, scale: float, exponent: float, farthest: float) -> Array:
    """Return -p log(1 + d_c / s_g); what cannot be reached is `farthest` away."""
    return -exponent * np.log1p(np.minimum(distances, farthest) / scale)


def parts(labels: Array) -> Array:
    """Return the connected regions of equal labels from 0 up, corners included, numbered from 1; 0 elsewhere."""
    found = np.zeros(labels.shape, np.int64)
    for label in np.unique(labels[labels >= 0]):
        regions, _ = ndimage.label(labels == label, np.ones((3,) * labels.ndim))
        found[regions > 0] = found.max() + regions[regions > 0]
    return found


def without_parts(labels: Array, owned: Array, q: Array, *, smallest: int, labelled_only: bool, rounds: int) -> Array:
    """Return labels (-1: no part of anything) without the parts that do not stay; `q` (..., L), `owned` is bool."""

    def unwanted(labels: Array) -> Array:
        numbers, result = parts(labels), np.zeros(labels.shape, np.bool_)
        for number in range(1, numbers.max() + 1):
            part = numbers == number
            result |= part & (not owned[part].any() and (labelled_only or part.sum() < smallest))
        return result

    def around(place: tuple[int, ...]) -> set[int]:
        box = tuple(slice(max(0, i - 1), i + 2) for i in place)
        return set(labels[box].ravel().tolist()) - {-1}

    before, labels = labels, labels.copy()
    left = unwanted(labels)
    for rank in range(1, min(rounds, q.shape[-1] - 1) + 1):
        labels[left] = np.argsort(-q[left], axis=1)[:, rank]
        left &= unwanted(labels)
    labels[left] = -1
    waiting = [tuple(place) for place in np.argwhere(left)]
    while joined := {place: max(around(place), key=q[place].__getitem__) for place in waiting if around(place)}:
        for place, label in joined.items():
            labels[place] = label
        waiting = [place for place in waiting if place not in joined]
    for place in waiting:
        labels[place] = before[place]
    return labels


def without_holes(labels: Array, owned: Array, largest: int) -> Array:
    """Return labels (-1: no part of anything) in which holes have the label of the part around them."""
    padded, filled = np.pad(labels, 1, constant_values=-1), np.pad(labels, 1, constant_values=-1)
    held, numbers = np.pad(owned, 1), parts(np.pad(labels, 1, constant_values=-1))
    holes = []
    for number in range(1, numbers.max() + 1):
        others, count = ndimage.label(numbers != number, np.ones((3,) * labels.ndim))
        for other in range(1, count + 1):
            area = others == other
            if area.sum() <= largest and not (held | (padded < 0))[area].any():
                holes.append((area.sum(), padded[numbers == number][0], area))
    for _, label, area in sorted(holes, key=lambda hole: hole[0]):  # the outermost comes last
        filled[area] = label
    return filled[(slice(1, -1),) * labels.ndim]

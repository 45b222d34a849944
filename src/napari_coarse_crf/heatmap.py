"""The label heatmap, eq. (1) and (2): how probable each label is at each unlabelled pixel, before the CRF.

The source says that the probability of a label grows the nearer a pixel is to the pixels of that label and the more
alike the colours are, and that a softmax runs over the labels that occur. How the two distances are combined is lost,
so the forms below are our choice. S_c is what goes into the softmax for label c; Omega_c are the pixels labelled c, dp
and dI the distances of two pixels in position (px of the finest axis) and colour (grey levels of 0..255).

joint
    S_c = -min over j in Omega_c of sqrt(|dp|^2 / s_p^2 + |dI|^2 / s_c^2). The plainest reading of the source. Exact
    (KD-tree); slow on large images.
kernel
    S_c = log(K_c + 1e-9), K_c = sum over m in {1, 2, 4, 8} of 4^-m sum over j in Omega_c of
    exp(-|dp|^2 / 2 (m s_p)^2 - |dI'|^2 / 2 s_c^2). Many near and alike pixels count more than one. The inner sums are
    filters on permutohedral lattices: 10 to 30 % off the exact sums, mostly too low where colours are sparse, in which
    the labels hardly differ from each other.
colour
    S_c = log(q_c / sum of all q + 1e-3), q_c = mean over j in Omega_c of exp(-|dI'|^2 / 2 s_c^2). Position does not
    matter, nor how many pixels a label has.
geodesic
    S_c = -p log(1 + d_c / s_g), d_c = length of the shortest path to Omega_c over steps between neighbouring pixels
    (8 in 2-D, 26 in 3-D, diagonals included) that cost sqrt(|dp|^2 + lambda^2 |dI'|^2). Raster sweeps, repeated until
    no path gets shorter, at most `_MOST_SWEEPS` times: then lengths are upper bounds, exact but for paths that wind
    back and forth more often. The logarithm is a heavy tail: far from all labels, none is ruled out.
combined
    1/2 kernel + 1/2 colour + geodesic: the best of those tried on real images of eight kinds, and the default.

I' is the image with its contrast stretched by one gain, 255 / max(p99.5 - p0.5, 32), so that dark microscopy images
and photographs can share their colour tolerance; "joint" takes I as it is, as in the source.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_coarse_crf.geodesic import geodesic_distances
from napari_coarse_crf.inputs import OPEN, FeatureArray, FloatArray, IndexArray, Problem
from napari_coarse_crf.lattice import blur, build_lattice, slice_pixels, splat_labels
from napari_coarse_crf.parallel import blocks, in_chunks
from napari_coarse_crf.simd import padded

if TYPE_CHECKING:
    from collections.abc import Generator
    from concurrent.futures import ThreadPoolExecutor

    from napari_coarse_crf.lattice import Lattice
    from napari_coarse_crf.parameters import Parameters

PAD_ENERGY = np.float32(1e9)
"""Unary potential of the columns that pad the labels to whole vectors: their probability is 0."""

LEAST_PROBABILITY = 1e-8
"""Bound of the softmax: a label that occurs is never ruled out, so neighbours can still bring it in."""

_PYRAMID = (1, 2, 4, 8)
_KERNEL_FLOOR = 1e-9
_COLOUR_FLOOR = 1e-3
_LEAST_CONTRAST = 32.0
_BLOCK = 2**15

_FIELDS = {
    "joint": ("heatmap_distance", "heatmap_colour"),
    "kernel": ("heatmap_distance", "heatmap_colour"),
    "colour": ("heatmap_colour",),
    "geodesic": ("geodesic_colour_weight", "geodesic_scale", "geodesic_exponent"),
}
_FIELDS["combined"] = (*_FIELDS["kernel"], *_FIELDS["geodesic"])


def heatmap_key(parameters: Parameters) -> tuple[object, ...]:
    """Return what the heatmap depends on: two parameters with the same key have the same heatmap."""
    return (parameters.similarity, *(getattr(parameters, name) for name in _FIELDS[parameters.similarity]))


def heatmap_units(parameters: Parameters) -> int:
    """Return how many units of work `compute_unary` reports."""
    return {"joint": 1, "kernel": 4, "colour": 1, "geodesic": 1, "combined": 6}[parameters.similarity]


def finest_heatmap_kernel(problem: Problem, parameters: Parameters) -> tuple[FeatureArray, FloatArray]:
    """Return features and thetas of the kernel with the most lattice vertices; the heatmap takes most memory there."""
    thetas = _thetas(problem, _PYRAMID[0] * parameters.heatmap_distance, parameters.heatmap_colour)
    if parameters.similarity == "colour":
        return problem.colours, thetas[len(problem.shape) :]
    return problem.features, thetas


def compute_unary(
    pool: ThreadPoolExecutor, problem: Problem, parameters: Parameters
) -> Generator[int | None, None, FloatArray]:
    """Return -log of the heatmap at the F unlabelled pixels, the unary potential of eq. (3).

    Returns
    -------
    (F, P) float32
        P is the number of labels padded to whole vectors; the padding holds `PAD_ENERGY`.

    Yields
    ------
    int or None
        An int after each unit of work, None where a caller may stop in between.
    """
    n_labels = len(problem.label_ids)
    open_pixels = problem.open_pixels
    logits = np.zeros((len(open_pixels), padded(n_labels)), np.float32)
    similarity = parameters.similarity
    if similarity == "joint":
        yield from _add_joint(pool, problem, parameters, logits)
    if similarity in {"kernel", "combined"}:
        yield from _add_kernel(pool, problem, parameters, logits)
        if similarity == "combined":
            logits *= np.float32(0.5)
    if similarity in {"colour", "combined"}:
        weight = 0.5 if similarity == "combined" else 1.0
        yield from _add_colour(pool, problem, parameters, weight, logits)
    if similarity in {"geodesic", "combined"}:
        yield from _add_geodesic(pool, problem, parameters, logits)
    yield from in_chunks(pool, _to_unary, [(logits[a:b], n_labels) for a, b in blocks(len(logits), _BLOCK)])
    return logits


def _add_joint(
    pool: ThreadPoolExecutor, problem: Problem, parameters: Parameters, logits: FloatArray
) -> Generator[int | None, None, None]:
    from scipy.spatial import cKDTree  # 25 MB that no other form needs

    positions = problem.positions / np.float32(parameters.heatmap_distance)
    features = np.vstack([positions, problem.colours / np.float32(parameters.heatmap_colour)]).T
    open_features = features[problem.open_pixels]
    for label in range(len(problem.label_ids)):
        tree = cKDTree(features[problem.labels == label], balanced_tree=False, compact_nodes=False)
        yield None
        parts = blocks(len(logits), 2**12)
        distances = yield from in_chunks(pool, lambda a, b, tree=tree: tree.query(open_features[a:b])[0], parts)
        for (start, stop), distance in zip(parts, distances, strict=True):
            logits[start:stop, label] -= distance
    yield 1


def _add_kernel(
    pool: ThreadPoolExecutor, problem: Problem, parameters: Parameters, logits: FloatArray
) -> Generator[int | None, None, None]:
    """Add log(K_c + 1e-9), K the kernel sums over all scales of the pyramid."""
    for level in _PYRAMID:
        yield from _add_level(pool, problem, parameters, level, logits)
        yield 1
    yield from in_chunks(pool, _add_floor_and_log, [(logits[a:b],) for a, b in blocks(len(logits), _BLOCK)])


def _add_level(
    pool: ThreadPoolExecutor, problem: Problem, parameters: Parameters, level: int, logits: FloatArray
) -> Generator[None, None, None]:
    """Add one scale's kernel sums; its lattice is gone from memory before the next one is built."""
    thetas = _thetas(problem, level * parameters.heatmap_distance, parameters.heatmap_colour)
    lattice, sums = yield from _label_sums(pool, problem, problem.features, thetas)
    scale, pixels = 4.0**-level * lattice.gaussian_scale, problem.open_pixels
    tasks = [(lattice, sums, pixels[a:b], scale, logits[a:b]) for a, b in blocks(len(logits), _BLOCK)]
    yield from in_chunks(pool, slice_pixels, tasks)


def _add_colour(
    pool: ThreadPoolExecutor, problem: Problem, parameters: Parameters, weight: float, logits: FloatArray
) -> Generator[int | None, None, None]:
    """Add the weighted log(q_c / sum q + 1e-3), q the mean colour kernel over each label."""
    n_labels, open_pixels = len(problem.label_ids), problem.open_pixels
    sizes = np.bincount(problem.labels[problem.labels != OPEN], minlength=n_labels).astype(np.float32)
    thetas = _thetas(problem, 1.0, parameters.heatmap_colour)[len(problem.shape) :]
    lattice, sums = yield from _label_sums(pool, problem, problem.colours, thetas)

    def add_log_share(start: int, stop: int) -> None:
        means = np.zeros_like(logits[start:stop])
        slice_pixels(lattice, sums, open_pixels[start:stop], 1.0, means)
        share = np.maximum(means[:, :n_labels], 0.0) / sizes
        share /= np.maximum(share.sum(axis=1, keepdims=True), np.float32(1e-30))
        logits[start:stop, :n_labels] += np.float32(weight) * np.log(share + np.float32(_COLOUR_FLOOR))

    yield from in_chunks(pool, add_log_share, blocks(len(logits), _BLOCK))
    yield 1


def _add_geodesic(
    pool: ThreadPoolExecutor, problem: Problem, parameters: Parameters, logits: FloatArray
) -> Generator[int | None, None, None]:
    """Add -p log(1 + d_c / s_g)."""
    scaled = problem.colours * np.float32(_contrast_gain(problem) * parameters.geodesic_colour_weight)
    exponent, scale = np.float32(parameters.geodesic_exponent), np.float32(parameters.geodesic_scale)

    def add_log_length(rows: slice, columns: slice, distances: FloatArray) -> None:
        logits[rows, columns] -= exponent * np.log1p(distances / scale)

    yield from geodesic_distances(pool, problem, scaled, add_log_length)
    yield 1


def _label_sums(
    pool: ThreadPoolExecutor, problem: Problem, features: FeatureArray, thetas: FloatArray
) -> Generator[None, None, tuple[Lattice, FloatArray]]:
    """Return a lattice and, on its vertices, the sums of the Gaussian kernel over the pixels of each label."""
    lattice = yield from build_lattice(pool, features, thetas, normalise=False)
    values = yield from splat_labels(pool, lattice, problem.labels, len(problem.label_ids))
    yield from blur(pool, lattice, values)
    return lattice, values


def _thetas(problem: Problem, distance: float, colour: float) -> FloatArray:
    """Return the standard deviations of a kernel on positions and stretched colours I'."""
    stretched = colour / _contrast_gain(problem)
    return np.array([distance] * len(problem.shape) + [stretched] * len(problem.colours), np.float32)


def _contrast_gain(problem: Problem) -> float:
    """Return the gain that turns I into I' (an offset would not change distances)."""
    low, high = np.percentile(problem.colours, [0.5, 99.5])
    return float(255.0 / max(high - low, _LEAST_CONTRAST))


def _add_floor_and_log(values: FloatArray) -> None:
    np.maximum(values, 0.0, out=values)  # rounding may leave barycentric weights, so sums, just below 0
    values += np.float32(_KERNEL_FLOOR)
    np.log(values, out=values)


def _to_unary(logits: FloatArray, n_labels: int) -> None:
    """Turn logits into -log softmax in place, at most -log(LEAST_PROBABILITY)."""
    part = logits[:, :n_labels]
    part -= part.max(axis=1, keepdims=True)
    np.subtract(np.log(np.exp(part).sum(axis=1, keepdims=True)), part, out=part)
    np.minimum(part, np.float32(-np.log(LEAST_PROBABILITY)), out=part)
    logits[:, n_labels:] = PAD_ENERGY


def labels_as_unary(labels: IndexArray, n_labels: int, confidence: float) -> FloatArray:
    """Return the unary potential of labelled pixels that are believed with a confidence below 1.

    The own label has the probability `confidence`, each other label an equal part of the rest.
    """
    unary = np.full((len(labels), padded(n_labels)), PAD_ENERGY, np.float32)
    unary[:, :n_labels] = -np.log((1.0 - confidence) / (n_labels - 1))
    unary[np.arange(len(labels)), labels] = -np.log(confidence)
    return unary

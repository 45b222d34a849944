"""How much memory a refinement will take, before it begins.

The sizes of most arrays follow from shapes; how many lattice vertices a kernel has depends on the image, so they are
counted on a sample of blocks and extrapolated. Mirrors what `texture`, `heatmap`, `geodesic`, `lattice`, `filters`,
`crf` and `cleaning` allocate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.cleaning import asks_for_cleaning
from napari_coarse_crf.compute.embedding import count_vertices
from napari_coarse_crf.compute.parallel import chosen_workers
from napari_coarse_crf.compute.room import in_words
from napari_coarse_crf.compute.simd import row_width
from napari_coarse_crf.geodesic import SIDE_BY_SIDE
from napari_coarse_crf.heatmap import reads_texture
from napari_coarse_crf.inputs import Picture, read_labels
from napari_coarse_crf.judging.choosing import labels_choose
from napari_coarse_crf.judging.look import AT_ONCE, pixels_looked_at
from napari_coarse_crf.judging.small import box_of, steps_within
from napari_coarse_crf.judging.telling import may_tell
from napari_coarse_crf.logits import contrast_gain, heatmap_kernel
from napari_coarse_crf.parameters import Parameters, read_parameters
from napari_coarse_crf.problem import Problem, read_problem
from napari_coarse_crf.similarity import FORMS
from napari_coarse_crf.texture import n_planes, n_textures
from napari_coarse_crf.things import find_things

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_coarse_crf.compute.arrays import FeatureArray, FloatArray, LabelArray
    from napari_coarse_crf.things import Things

_STEPS, _FLOAT, _INDEX, _KEY = 2, 4, 4, 8  # bytes of uint16, float32, int32, int64
_TERMS = 4  # logits of the heatmap that are held meanwhile: three terms and their sum
_SAMPLE_BLOCKS = 32
_BLOCK_PIXELS = 4096
_PATHS = 52  # bytes of a pixel that is divided among objects: the two nearest, their paths, its place, the rim
_PRIVATE = 1.3  # rows for each vertex: some vertices are touched by several chunks
_SHARE = 0.9  # of what is free; the rest is for what comes after, drawing or writing the result


@dataclass(frozen=True, slots=True)
class _Sizes:
    """N pixels in D dimensions with C channels, F of them unlabelled; P labels padded; threads."""

    pixels: int
    dimensions: int
    channels: int
    unlabelled: int
    width: int
    workers: int


def estimate_memory(
    image: Any,
    labels: Any,
    parameters: Parameters | str | None = None,
    *,
    mask: Any = None,
    channel_axis: int = -1,
    spacing: Sequence[float] | None = None,
    contrast_limits: Any = None,
    workers: int | None = None,
) -> int:
    """Estimate the memory that `refine_labels` takes at its peak.

    Parameters
    ----------
    image, labels, parameters, mask, channel_axis, spacing, contrast_limits, workers
        As for `refine_labels`.

    Returns
    -------
    int
        Bytes beyond what `image` and `labels` take themselves; mostly right within 25 %, and more than it takes where
        labels choose the weights and texture is worth nothing.

    Raises
    ------
    InputError
        If the image, the labels or what comes with them cannot be used.

    Examples
    --------
    >>> image = np.zeros((512, 1024, 3), np.uint8)
    >>> labels = np.zeros((512, 1024), np.uint8)
    >>> labels[:, :9], labels[:, -9:] = 1, 2
    >>> estimate_memory(image, labels) // 10**6 in range(60, 200)
    True
    """
    chosen = read_parameters(parameters)
    label_map = read_labels(labels)
    problem = read_problem(Picture(image, mask, channel_axis, spacing, contrast_limits), label_map)
    return problem_memory(problem, find_things(problem), label_map, chosen, chosen_workers(workers))


def memory_warning(needed: int, free: int, advice: str) -> str:
    """Return a sentence, and advice, if a run that needs so many bytes may not find them among the free ones, else "".

    Examples
    --------
    >>> memory_warning(3_000_000_000, 2_000_000_000, "Crop the image.")
    'This run needs about 3.0 GB of memory and 2.0 GB are free: it may become very slow. Crop the image.'
    >>> memory_warning(1_000_000_000, 2_000_000_000, "Crop the image.")
    ''
    """
    if needed <= _SHARE * free:
        return ""
    return (
        f"This run needs about {in_words(needed)} of memory and {in_words(free)} are free: it may become very slow. "
        f"{advice}"
    )


def problem_memory(
    problem: Problem, things: Things | None, label_map: LabelArray, parameters: Parameters, workers: int
) -> int:
    """Return the bytes that refining a problem takes at its peak, the problem itself and its labels included."""
    told_apart = 0
    if things is not None and things.used_with(parameters):
        problem = things.as_one
        told_apart = len(problem.labels) * _PATHS
    sizes = _Sizes(
        pixels=len(problem.labels),
        dimensions=label_map.ndim,
        channels=len(problem.colours),
        unlabelled=problem.n_open,
        width=row_width(len(problem.label_ids)),
        workers=workers,
    )
    sample = _sample(problem)
    features, making = _texture_bytes(problem, parameters)
    results = 2 * label_map.nbytes + label_map.size * _FLOAT  # our copy of the labels, the refined ones, confidence
    kept = problem.features.nbytes + problem.labels.nbytes + problem.pixels.nbytes + results + features
    field = _field_bytes(sizes, sample, parameters) + told_apart
    look = _look_bytes(sizes, problem, sample, parameters) if labels_choose(parameters) else 0
    return kept + max(making, look, _heatmap_bytes(sizes, sample, parameters), field)


def texture_bytes(channels: int) -> int:
    """Return what the features of texture take for each pixel, from when they are made to the end."""
    return n_textures(channels) * _STEPS


def may_read_texture(parameters: Parameters) -> bool:
    """Whether texture counts, or may do so when labels have chosen."""
    return reads_texture(parameters) or labels_choose(parameters)


def _look_bytes(sizes: _Sizes, problem: Problem, sample: Problem, parameters: Parameters) -> int:
    """Return what the look at hidden labels takes: terms, kernels and features of an image at reduced size."""
    _, extent = box_of(problem)
    steps = steps_within(extent, problem.spacing, pixels_looked_at(len(problem.label_ids)))
    share = math.prod(-(-size // step) / size for size, step in zip(extent, steps, strict=True))
    small = replace(sizes, pixels=round(share * sizes.pixels), unlabelled=round(share * sizes.unlabelled))
    terms = _TERMS * small.unlabelled * small.width * _FLOAT
    at_once = min(sizes.workers, AT_ONCE) * (terms + _field_bytes(small, sample, parameters))
    return small.pixels * texture_bytes(small.channels) + at_once


def _texture_bytes(problem: Problem, parameters: Parameters) -> tuple[int, int]:
    """Return what the features of texture take, and what they take besides while they are made."""
    if not may_read_texture(parameters) or not (reads_texture(parameters) or may_tell(problem)):
        return 0, 0
    pixels, channels = len(problem.labels), len(problem.colours)
    cells = math.prod(size + 2 for size in problem.shape)
    return pixels * texture_bytes(channels), pixels * _INDEX + cells * n_planes(channels) * _FLOAT


def _heatmap_bytes(sizes: _Sizes, sample: Problem, parameters: Parameters) -> int:
    """Return the largest of three peaks: the finest lattice of the kernel sums, the geodesic sweeps, and the end."""
    logits, unary = (sizes.unlabelled * sizes.width * item for item in (_FLOAT, _STEPS))
    lattice, sweeps, form = 0, 0, FORMS[parameters.similarity]
    if form.finest_reach is not None:
        features, thetas = heatmap_kernel(sample, parameters, form.finest_reach, contrast_gain(sample.colours))
        vertices = _vertices(sizes, features, thetas)
        building = vertices * 5 * _KEY  # hash table, keys, the search for neighbours
        lattice = _lattice_bytes(sizes, vertices, len(thetas)) + building + _values_bytes(sizes, vertices)
    if form.sweeps:
        at_once = min(sizes.workers * SIDE_BY_SIDE, sizes.width)  # labels
        each = at_once * _FLOAT + -(-at_once // SIDE_BY_SIDE)  # distances and fences
        sweeps = sizes.pixels * (_FLOAT + 2 * _INDEX + each) + sizes.unlabelled * _INDEX
    return logits + max(lattice, sweeps, unary)


def _field_bytes(sizes: _Sizes, sample: Problem, parameters: Parameters) -> int:
    """Return what both kernels and the mean field over them take."""
    d, channels = sizes.dimensions, sizes.channels
    kernels = []
    if parameters.appearance_weight > 0:
        kernels.append([parameters.theta_alpha] * d + [parameters.theta_beta] * channels)
    if parameters.smoothness_weight > 0:
        kernels.append([parameters.theta_gamma] * d)
    size = sizes.unlabelled * (2 * _INDEX + _FLOAT + sizes.width * _STEPS)
    for thetas in kernels:
        features = sample.features[: len(thetas)]
        vertices = _vertices(sizes, features, np.array(thetas, np.float32))
        size += _lattice_bytes(sizes, vertices, len(thetas)) + 2 * _values_bytes(sizes, vertices)
        size += 2 * vertices * (_INDEX + _FLOAT)  # the clamped pixels' splat, and the rows that come into use
    if parameters.label_confidence < 1:
        size += sizes.pixels * sizes.width * _STEPS
    if parameters.tolerance > 0:
        size += sizes.unlabelled * sizes.width * _FLOAT
    return size + (_cleaning_bytes(sizes) if asks_for_cleaning(parameters) else 0)


def _cleaning_bytes(sizes: _Sizes) -> int:
    """Return what the label and the part of each cell take, and the rows of the pixels that change: one in ten."""
    return sizes.pixels * 3 * _INDEX + sizes.unlabelled * sizes.width * _FLOAT // 10


def _lattice_bytes(sizes: _Sizes, vertices: int, d: int) -> int:
    return sizes.pixels * (d + 1) * (_INDEX + _FLOAT) + vertices * (d + 1) * _INDEX


def _values_bytes(sizes: _Sizes, vertices: int) -> int:
    return round(vertices * _PRIVATE) * sizes.width * _FLOAT


def _vertices(sizes: _Sizes, features: FeatureArray, thetas: FloatArray) -> int:
    """Extrapolate the number of vertices from the sample by the power law between its half and the whole."""
    n = features.shape[1]
    whole = count_vertices(features, thetas)
    if n >= sizes.pixels:
        return whole
    half = count_vertices(features[:, : n // 2], thetas)
    exponent = float(np.clip(np.log2(whole / half), 0.0, 1.0))
    return int(whole * (sizes.pixels / n) ** exponent)


def _sample(problem: Problem) -> Problem:
    """Return the problem on evenly spread blocks of its pixels, or all of it where it is small."""
    n_blocks = len(problem.labels) // _BLOCK_PIXELS
    if n_blocks <= _SAMPLE_BLOCKS:
        return problem
    chosen = np.linspace(0, n_blocks - 1, _SAMPLE_BLOCKS).astype(int) * _BLOCK_PIXELS
    order = np.random.default_rng(0).permutation(chosen)  # so that either half is spread over the whole image
    return problem.subset((order[:, np.newaxis] + np.arange(_BLOCK_PIXELS)).reshape(-1))

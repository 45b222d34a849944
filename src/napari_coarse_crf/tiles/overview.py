"""The heatmap of a whole image at reduced size: which labels a tile can become, and how long paths are at its rim."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import map_coordinates

from napari_coarse_crf.compute.parallel import blocks
from napari_coarse_crf.compute.simd import padded
from napari_coarse_crf.elsewhere import Elsewhere
from napari_coarse_crf.geodesic import UNREACHED, PixelGrid, geodesic_distances
from napari_coarse_crf.heatmap import compute_unary, crossing_cost, size_prior
from napari_coarse_crf.inputs import OPEN, UNLABELLED, Picture, gather, read_problem, read_spacing
from napari_coarse_crf.similarity import COLOUR, FORMS, GEODESIC, PRIOR
from napari_coarse_crf.unary import unpack_unary

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from concurrent.futures import ThreadPoolExecutor

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import FloatArray, IndexArray, PixelArray
    from napari_coarse_crf.inputs import Problem
    from napari_coarse_crf.parameters import Parameters
    from napari_coarse_crf.tiles.cutting import Tile
    from napari_coarse_crf.tiles.facts import Facts, Reduced

_CANDIDATE = 1e-3
"""How probable a label must be somewhere in a tile to be a candidate there."""
_BLOCK = 2**13


@dataclass(frozen=True, slots=True, eq=False)
class Overview:
    """What the whole image looks like from afar, for each of its L labels.

    Attributes
    ----------
    step : int
        By how much the image was reduced.
    likely : (L, *shape) float16
        How probable each label is, 0 where no pixel takes part.
    lengths : (L, *shape) float32
        How long the shortest path to it is, in pixels of the finest axis of the whole image.
    """

    step: int
    likely: NDArray[np.float16]
    lengths: FloatArray

    def candidates(self, tile: Tile, painted: NDArray[np.bool_]) -> IndexArray:
        """Return the labels that pixels of a tile can become, and as many more as take no more time.

        Parameters
        ----------
        tile : Tile
            Which tile.
        painted : (L,) bool
            Labels that a person painted there.
        """
        place = tuple(slice(one.start // self.step, -(-one.stop // self.step)) for one in tile.region)
        most = self.likely[(slice(None), *place)].reshape(len(self.likely), -1).max(axis=1).astype(np.float32)
        most[painted] = 2.0
        count = padded(int(np.count_nonzero(most > _CANDIDATE)))
        return np.sort(np.argsort(-most, kind="stable")[:count]).astype(np.int32)

    def lengths_at(self, places: NDArray[np.intp], labels: IndexArray) -> FloatArray:
        """Return the lengths of the paths from (R, D) places of the whole image to some labels: (R, K)."""
        # Each pixel of the overview stands for `step` pixels along an axis, the middle of which is its place.
        where = (places.T - (self.step - 1) / 2) / self.step
        lengths = [map_coordinates(self.lengths[label], where, order=1, mode="nearest") for label in labels]
        return np.stack(lengths, axis=1)


def elsewhere_of(
    facts: Facts,
    labels: IndexArray,
    outermost: PixelArray,
    rim: PixelArray,
    lengths: FloatArray,
) -> Elsewhere:
    """Return what a part of which some labels are candidates must know of the whole image."""
    palette = facts.palette
    column = np.full(len(facts.census.ids) + 1, len(labels), np.int32)
    column[labels], column[-1] = np.arange(len(labels)), OPEN
    compact = np.where(palette.ids == UNLABELLED, len(facts.census.ids), np.searchsorted(facts.census.ids, palette.ids))
    weights = palette.counts / np.bincount(compact, palette.counts)[compact]
    return Elsewhere(
        facts.scale.gain,
        facts.census.labelled_share,
        facts.census.sizes[labels].astype(np.float32),
        palette.colours,
        column[compact],
        weights.astype(np.float32),
        outermost,
        rim,
        lengths,
    )


def look_over(
    pool: ThreadPoolExecutor, reduced: Reduced, facts: Facts, parameters: Parameters, spacing: Sequence[float] | None
) -> Generator[int | None, None, Overview]:
    """Return the overview of an image, of which `reduced` is every `step`-th pixel."""
    picture = Picture(reduced.image, reduced.mask, contrast_limits=facts.scale.contrast_limits)
    problem = read_problem(picture, reduced.labels, label_ids=facts.census.ids)
    sizes = read_spacing(spacing, problem.shape)
    problem = replace(problem, spacing=tuple(reduced.step * size for size in sizes))
    n_labels, terms = len(facts.census.ids), FORMS[parameters.similarity].terms
    lengths = np.full((n_labels, reduced.labels.size), UNREACHED, np.float32)
    if GEODESIC in terms:
        yield from _find_lengths(pool, reduced, facts, problem, lengths)
    logits = np.zeros((problem.n_open, n_labels), np.float32)
    open_pixels = problem.open_pixels
    if COLOUR in terms:
        every = np.arange(n_labels, dtype=np.int32)
        nowhere = np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros((0, n_labels), np.float32)
        elsewhere = elsewhere_of(facts, every, *nowhere)
        unary = yield from compute_unary(pool, problem, parameters.replace(similarity="colour"), elsewhere)
        logits -= unpack_unary(unary, n_labels)
    if GEODESIC in terms:
        at = lengths[:, problem.pixels[open_pixels]].T / np.float32(parameters.geodesic_scale)
        logits -= np.float32(parameters.geodesic_exponent) * np.log(at + np.float32(1.0))
    if PRIOR in terms:
        logits += size_prior(facts.census.sizes.astype(np.float32), facts.census.labelled_share)
    likely = np.zeros((n_labels, reduced.labels.size), np.float16)
    (painted,) = np.nonzero(problem.labels != OPEN)
    likely[problem.labels[painted], problem.pixels[painted]] = 1.0
    for start, stop in blocks(len(logits), _BLOCK):
        one = np.exp(logits[start:stop] - logits[start:stop].max(axis=1, keepdims=True))
        likely[:, problem.pixels[open_pixels[start:stop]]] = (one / one.sum(axis=1, keepdims=True)).T
    shape = (n_labels, *reduced.labels.shape)
    return Overview(reduced.step, likely.reshape(shape), lengths.reshape(shape))


def _find_lengths(
    pool: ThreadPoolExecutor, reduced: Reduced, facts: Facts, problem: Problem, lengths: FloatArray
) -> Generator[None, None, None]:
    """Set the length of the paths to all labels from all pixels, the labelled ones too."""
    grid = PixelGrid(problem)
    slowness = np.full(grid.size, np.inf, np.float32)
    slowness[grid.cells] = gather(reduced.slowness.reshape(-1), problem.pixels)

    def keep(rows: slice, columns: slice, distances: FloatArray) -> None:
        some = lengths[columns]
        some[:, problem.pixels[rows]] = distances[:, : len(some)].T

    everywhere = np.arange(len(problem.labels)).astype(problem.pixels.dtype)
    crossing = crossing_cost(facts.census.labelled_share)
    yield from geodesic_distances(pool, problem, grid, slowness, crossing, keep, chosen=everywhere)

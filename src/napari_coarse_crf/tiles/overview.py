"""The heatmap of a whole image at reduced size: which labels the pixels of a tile can become."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_coarse_crf.compute.parallel import blocks
from napari_coarse_crf.compute.simd import padded
from napari_coarse_crf.elsewhere import Elsewhere
from napari_coarse_crf.heatmap import compute_unary
from napari_coarse_crf.inputs import UNLABELLED, Picture, read_spacing
from napari_coarse_crf.problem import OPEN, read_problem
from napari_coarse_crf.tiles.source import holds_data
from napari_coarse_crf.unary import unpack_unary

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from concurrent.futures import ThreadPoolExecutor

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import FloatArray, IndexArray, MaskArray
    from napari_coarse_crf.parameters import Parameters
    from napari_coarse_crf.problem import Problem
    from napari_coarse_crf.tiles.cutting import Tile
    from napari_coarse_crf.tiles.facts import Facts, Reduced

_CANDIDATE = 1e-3
"""How probable a label must be somewhere in a tile to be a candidate there."""
_MANY, _CANDIDATE_OF_MANY = 64, 0.03
"""Where that holds of more labels than so many, it must be as probable as this, or one of so many. Of 256 ids in tiles
of 128 px, .02 % of the pixels then get a label that is none of the candidates of their tile."""
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
    """

    step: int
    likely: NDArray[np.float16]

    def within(self, tile: Tile) -> FloatArray:
        """Return how probable each of the L labels is at most in a tile; all 0: nothing was seen there."""
        place = tuple(slice(one.start // self.step, -(-one.stop // self.step)) for one in tile.region)
        most: FloatArray = self.likely[(slice(None), *place)].reshape(len(self.likely), -1).max(axis=1)
        return most.astype(np.float32)


def likely(most: FloatArray) -> MaskArray:
    """Return which labels are probable enough somewhere in a tile to be candidates there."""
    probable: MaskArray = most > _CANDIDATE
    if np.count_nonzero(probable) > _MANY:
        probable = most >= min(_CANDIDATE_OF_MANY, float(np.partition(most, -_MANY)[-_MANY]))
    return probable


def candidates(most: FloatArray, painted: MaskArray) -> IndexArray:
    """Return the labels that pixels of a tile can become, and as many more as take no more time.

    Parameters
    ----------
    most : (L,) float32
        From `Overview.within`.
    painted : (L,) bool
        Labels that a person painted there.
    """
    if not most.any():
        return np.arange(len(most), dtype=np.int32)
    ranked = np.where(painted, np.float32(2.0), most)
    count = padded(int(np.count_nonzero(likely(ranked))))
    return np.sort(np.argsort(-ranked, kind="stable")[:count]).astype(np.int32)


def elsewhere_of(facts: Facts, labels: IndexArray) -> Elsewhere:
    """Return what a part of which some labels are candidates must know of the whole image, but for its rim."""
    palette = facts.palette
    column = np.full(len(facts.ids) + 1, len(labels), np.int32)
    column[labels], column[-1] = np.arange(len(labels)), OPEN
    compact = np.where(palette.ids == UNLABELLED, len(facts.ids), np.searchsorted(facts.ids, palette.ids))
    weights = palette.counts / np.bincount(compact, palette.counts)[compact]
    return Elsewhere(
        facts.scale.gain,
        facts.census.labelled_share,
        facts.census.painted_share,
        facts.sizes[labels],
        palette.colours,
        column[compact],
        weights.astype(np.float32),
        discriminant=None if facts.discriminant is None else facts.discriminant.among(labels),
    )


def seen_from_afar(reduced: Reduced, facts: Facts, spacing: Sequence[float] | None) -> Problem | None:
    """Return the problem that an image at reduced size poses, all lengths in px of the whole.

    None if what takes part is so thin that every `step`-th pixel misses it.
    """
    picture = Picture(reduced.image, reduced.mask, contrast_limits=facts.scale.contrast_limits)
    if not holds_data(picture):
        return None
    problem = read_problem(picture, reduced.labels, label_ids=facts.ids)
    sizes = [reduced.step * size for size in read_spacing(spacing, problem.shape)]
    if reduced.step == 1 and spacing is None:
        return problem
    features = problem.features.astype(np.float32)
    features[: len(sizes)] *= np.array(sizes[::-1], np.float32)[:, np.newaxis]
    return replace(problem, features=features, spacing=tuple(sizes))


def look_over(
    pool: ThreadPoolExecutor, reduced: Reduced, facts: Facts, parameters: Parameters, spacing: Sequence[float] | None
) -> Generator[int | None, None, tuple[Overview, Facts]]:
    """Return the overview of an image, of which `reduced` is every `step`-th pixel, and the facts for its tiles.

    Texture has no say there: it is too fine for a look from afar.

    The prior of objects taken as one counts the pixels that each label would get with the prior of the strokes, as in
    an image refined at once: so the overview is made twice.
    """
    parameters = parameters.replace(texture_weight=0.0)
    overview = yield from _look(pool, reduced, facts, parameters, spacing)
    if len(facts.members):
        areas = np.where(reduced.labels == UNLABELLED, overview.likely, 0).reshape(len(facts.ids), -1)
        sizes = areas.sum(axis=1, dtype=np.float64) * reduced.step**reduced.labels.ndim
        facts = replace(facts, sizes=sizes.astype(np.float32))
        overview = yield from _look(pool, reduced, facts, parameters, spacing)
    return overview, facts


def _look(
    pool: ThreadPoolExecutor, reduced: Reduced, facts: Facts, parameters: Parameters, spacing: Sequence[float] | None
) -> Generator[int | None, None, Overview]:
    n_labels, problem = len(facts.ids), seen_from_afar(reduced, facts, spacing)
    if problem is None:
        return Overview(reduced.step, np.ones((n_labels, *reduced.labels.shape), np.float16))
    elsewhere = elsewhere_of(facts, np.arange(n_labels, dtype=np.int32))
    unary = yield from compute_unary(pool, problem, parameters, elsewhere)
    shares = np.zeros((n_labels, reduced.labels.size), np.float16)
    (painted,) = np.nonzero(problem.labels != OPEN)
    shares[problem.labels[painted], problem.pixels[painted]] = 1.0
    open_pixels = problem.pixels[problem.open_pixels]
    for start, stop in blocks(len(open_pixels), _BLOCK):
        shares[:, open_pixels[start:stop]] = np.exp(-unpack_unary(unary[start:stop], n_labels)).T
    return Overview(reduced.step, shares.reshape(n_labels, *reduced.labels.shape))

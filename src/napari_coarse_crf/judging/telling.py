"""Whether texture tells a person's labels apart better than colour does, found by hiding some of them.

Half of the labelled pixels are hidden, in blocks of a sixth of the image and stroke by stroke, each in two ways. From
the others, the hidden ones are guessed once by the features of `texture` and once by colour alone. How much more often
texture is right, on average over labels, is what it is worth: nothing where it is not, all from a tenth on. Where much
is labelled, the hidden pixels lie within large areas, while what is open are outlines, of which they say nothing: with
the share rho of labelled pixels the worth falls by 1 - 2 rho. And two strokes of a label may both have met the same
texture, six hardly: with few of them, it counts half.

A sample of the labelled pixels is enough: but for the smoothing, this takes a few hundredths of a second whatever the
size of the image.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_coarse_crf.compute.discriminant import Discriminant
from napari_coarse_crf.compute.regions import find_regions
from napari_coarse_crf.geodesic import PixelGrid
from napari_coarse_crf.judging.small import box_of
from napari_coarse_crf.problem import OPEN
from napari_coarse_crf.texture import sample_labelled

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from concurrent.futures import ThreadPoolExecutor

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import FloatArray, IndexArray, MaskArray, PixelArray
    from napari_coarse_crf.problem import Problem
    from napari_coarse_crf.texture import Surroundings

MOST_HIDDEN_FROM = 2_000
"""Pixels that some are hidden of, shared evenly by the labels."""

MOST_LABELLED = 0.45
"""Of the image, for hidden labels to tell of what lies open: from half on, these are rims, and what texture is worth is
less than a tenth before."""

_LEAST_JUDGED = 8  # hidden pixels of a label
_SEEDS = (1, 2)
_SIDE, _LEAST_SIDE = 1 / 6, 16.0  # of the blocks: a share of the longest side, and px
_ALL_FROM = 0.1  # of accuracy
_STROKES = (2.0, 4.0)  # strokes a label that texture is trusted half with, and how many more until in full


def may_tell(problem: Problem) -> bool:
    """Whether hiding labels can say anything: enough of the pixels are open, with two labels at least."""
    labelled = 1.0 - problem.n_open / len(problem.labels)
    return labelled < MOST_LABELLED and len(problem.label_ids) > 1


def weigh_texture(
    pool: ThreadPoolExecutor, problem: Problem, surroundings: Surroundings, tolerance: float
) -> Generator[int | None, None, float]:
    """Return the `texture_weight` that hidden labels speak for, 0 to 1.

    Parameters
    ----------
    pool, problem
        Of the heatmap.
    surroundings : Surroundings
        Of its pixels.
    tolerance : float
        How different colours of I' may be and still count as alike.
    """
    strokes = yield from find_strokes(pool, problem)
    chosen = sample_labelled(problem, MOST_HIDDEN_FROM)
    sample = Sample(
        problem.labels[chosen],
        (yield from surroundings.rows(pool, chosen)),
        problem.colours[:, chosen].T * np.float32(surroundings.gain / tolerance),
        problem.positions[:, chosen].T.astype(np.float64),
        strokes[chosen],
        len(problem.label_ids),
        float(max(np.multiply(box_of(problem)[1], problem.spacing))),
    )
    labelled = 1.0 - problem.n_open / len(problem.labels)
    return (yield from weigh_by_sample(sample, labelled, len(np.unique(strokes[problem.labels != OPEN]))))


def find_strokes(pool: ThreadPoolExecutor, problem: Problem) -> Generator[None, None, PixelArray]:
    """Return the (N,) strokes that the pixels of a problem lie in: connected pixels of one label, by a number each."""
    grid = PixelGrid(problem)
    values = np.full(grid.size, OPEN, np.int32)
    values[grid.cells] = problem.labels
    return (yield from find_regions(pool, values, grid.offsets))[grid.cells]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Some of the labelled pixels of an image, from wherever in it.

    Attributes
    ----------
    labels : (n,) int32
        0..L-1.
    features : (n, K) float32
        From `texture_features`, in grey levels.
    colours : (n, C) float32
        Of I', in units of how different they may be and still count as alike.
    places : (n, D) float64
        In px of the finest axis.
    strokes : (n,) int
        Which stroke each lies in.
    n_labels : int
        L.
    longest : float
        Of the sides of the box that holds all pixels, in px.
    """

    labels: IndexArray
    features: FloatArray
    colours: FloatArray
    places: NDArray[np.float64]
    strokes: PixelArray
    n_labels: int
    longest: float


def weigh_by_sample(sample: Sample, labelled_share: float, n_strokes: int) -> Generator[None, None, float]:
    """Return the same for a sample of an image, of which so much is labelled, in so many strokes."""
    judged, gains = _Judged(sample), []
    for hidden in judged.hidings():
        gain_here = judged.gain(hidden)
        if gain_here is not None:
            gains.append(gain_here)
        yield
    worth = float(np.clip(np.mean(gains) / _ALL_FROM, 0.0, 1.0)) if gains else 0.0
    few, more = _STROKES
    trust = 0.5 + 0.5 * float(np.clip((n_strokes / sample.n_labels - few) / more, 0.0, 1.0))
    return worth * trust * max(0.0, 1.0 - 2.0 * labelled_share)


class _Judged:
    """A sample of the labelled pixels, parts of which are hidden in turn."""

    def __init__(self, sample: Sample) -> None:
        self._labels, self._n_labels = sample.labels, sample.n_labels
        self._features, self._colours = sample.features, sample.colours
        self._places, self._regions = sample.places, sample.strokes
        self._side = max(_LEAST_SIDE, _SIDE * sample.longest)

    def hidings(self) -> Iterator[MaskArray]:
        """Yield which of the pixels are hidden; a label of which nothing would be left is not."""
        for seed in _SEEDS:
            rng = np.random.default_rng(seed)
            for hidden in (self._half_blocks(rng), self._half_strokes(rng)):
                for label in range(self._n_labels):
                    own = self._labels == label
                    if hidden[own].all():
                        hidden[own] = False
                yield hidden

    def gain(self, hidden: MaskArray) -> float | None:
        """Return how much more often texture is right than colour, mean over labels; None if too few are hidden."""
        counts = np.bincount(self._labels[hidden], minlength=self._n_labels)
        (judged,) = np.nonzero(counts >= _LEAST_JUDGED)
        if len(judged) < 2:
            return None
        asked = hidden & np.isin(self._labels, judged)
        truth, known = self._labels[asked], self._labels[~hidden]
        learnt = Discriminant.learn(self._features[~hidden], known, self._n_labels)
        by_texture = learnt.tell(self._features[asked])[0].argmax(axis=1)
        by_colour = self._alike(asked, ~hidden, known).argmax(axis=1)
        return float(
            np.mean([np.mean((by_texture == t)[truth == t]) - np.mean((by_colour == t)[truth == t]) for t in judged])
        )

    def _alike(self, asked: MaskArray, shown: MaskArray, known: NDArray[np.integer]) -> FloatArray:
        """Return the mean colour kernel between each pixel that is asked for and the shown ones of each label."""
        here, there = self._colours[asked], self._colours[shown]
        squares = np.square(here).sum(axis=1)[:, np.newaxis] + np.square(there).sum(axis=1) - 2.0 * here @ there.T
        alike = np.exp(-0.5 * squares)
        sums = np.zeros((len(here), self._n_labels), np.float32)
        for label in np.unique(known):
            sums[:, label] = alike[:, known == label].mean(axis=1)
        return sums

    def _half_blocks(self, rng: np.random.Generator) -> MaskArray:
        """Return which pixels lie in half of the blocks of a grid."""
        number = (self._places // self._side).astype(np.intp)
        chosen: MaskArray = (rng.random(number.max(axis=0) + 1) < 0.5)[tuple(number.T)]
        return chosen

    def _half_strokes(self, rng: np.random.Generator) -> MaskArray:
        """Return which pixels lie in half of the strokes of their label; of one stroke, half of it, cut across."""
        chosen = np.zeros(len(self._labels), np.bool_)
        for label in range(self._n_labels):
            (own,) = np.nonzero(self._labels == label)
            strokes = np.unique(self._regions[own])
            if len(strokes) > 1:
                chosen[own] = np.isin(self._regions[own], rng.permutation(strokes)[: len(strokes) // 2])
            elif len(own):
                longest = max(self._places[own].T, key=np.ptp)
                chosen[own] = longest > np.median(longest)
        return chosen

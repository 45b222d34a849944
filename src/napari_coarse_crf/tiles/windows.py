"""A few windows of a large image that together show all of its labels, and what surrounds the labelled pixels there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_coarse_crf.compute.parallel import finish
from napari_coarse_crf.judging.telling import MOST_HIDDEN_FROM
from napari_coarse_crf.problem import OPEN, read_problem
from napari_coarse_crf.texture import MOST_LEARNT, evenly_by_label, rows_of, sample_labelled, texture_features
from napari_coarse_crf.tiles.apart import spread
from napari_coarse_crf.tiles.cutting import cut_tiles, sides_of
from napari_coarse_crf.tiles.facts import take_as_one
from napari_coarse_crf.tiles.source import holds_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import FloatArray, IndexArray
    from napari_coarse_crf.problem import Problem
    from napari_coarse_crf.texture import TextureArray
    from napari_coarse_crf.tiles.cutting import Tile
    from napari_coarse_crf.tiles.facts import Facts, Reduced
    from napari_coarse_crf.tiles.source import Source

_WINDOWS = 16
_PIXELS = 2**18
"""Of a window: 512 px a side in images."""
_HALO = 24  # px; how far the widest smoothing of texture reaches
_SIDES_IN_HALO = 8  # of a window at least, so that not most of it is halo in volumes


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Some labelled pixels of an image.

    Attributes
    ----------
    labels : (n,) int32
        Which of `Facts.ids` each has.
    features : (n, K) float32
        What surrounds it, in grey levels.
    colours : (n, C) float32
        Its colour, in grey levels.
    places : (n, D) int64
        Where it lies in the image.
    """

    labels: IndexArray
    features: FloatArray
    colours: FloatArray
    places: NDArray[np.int64]

    @classmethod
    def of(cls, problem: Problem, features: TextureArray, tile: Tile, most: int) -> Rows:
        """Return at most so many of a window, shared evenly by its labels."""
        chosen = sample_labelled(problem, most)
        within = np.stack(np.unravel_index(problem.pixels[chosen], problem.shape), axis=1)
        colours = problem.colours[:, chosen].T.astype(np.float32)
        return cls(problem.labels[chosen], rows_of(features, chosen), colours, within + np.array(tile.origin))

    @classmethod
    def together(cls, parts: Sequence[Rows], n_labels: int, most: int) -> Rows:
        """Return at most so many of all of these, one at least, shared evenly by the labels."""
        labels, features, colours, places = (
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("labels", "features", "colours", "places")
        )
        chosen = evenly_by_label(labels, n_labels, most)
        return cls(labels[chosen], features[chosen], colours[chosen], places[chosen])


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What windows show.

    Attributes
    ----------
    learnt : Rows
        To learn from.
    judged : Rows
        To judge by, fewer.
    """

    learnt: Rows
    judged: Rows

    @classmethod
    def together(cls, parts: Sequence[Seen], n_labels: int) -> Seen:
        """Return what several windows show."""
        return cls(
            Rows.together([part.learnt for part in parts], n_labels, MOST_LEARNT),
            Rows.together([part.judged for part in parts], n_labels, MOST_HIDDEN_FROM),
        )


def choose_windows(reduced: Reduced, shape: Sequence[int]) -> list[Tile]:
    """Return windows with labelled pixels: first those that have labels no other one has yet, then others all over.

    Parameters
    ----------
    reduced : Reduced
        The image at reduced size, in which no label is lost.
    shape : sequence of int
        Of the image.
    """
    sides = [-(-side // reduced.step) * reduced.step for side in sides_of(shape, _PIXELS)]
    windows = cut_tiles(shape, sides, [min(_HALO, side // _SIDES_IN_HALO) for side in sides])
    places = np.nonzero(reduced.labels)
    counts = [-(-size // side) for size, side in zip(shape, sides, strict=True)]
    within = [place * reduced.step // side for place, side in zip(places, sides, strict=True)]
    ids, which = np.unique(reduced.labels[places], return_inverse=True)
    numbers = np.ravel_multi_index(within, counts)
    pairs, sizes = np.unique(numbers * len(ids) + which, return_counts=True)
    holding, labels = np.divmod(pairs, max(1, len(ids)))
    chosen, missing = list[int](), np.ones(len(ids), np.bool_)
    while missing.any() and len(chosen) < _WINDOWS:
        new = np.bincount(holding, missing[labels], len(windows))
        painted = np.bincount(holding, sizes, len(windows))
        best = int(np.lexsort((-painted, -new))[0])
        chosen.append(best)
        missing[labels[holding == best]] = False
    others = np.setdiff1d(holding, chosen).tolist()
    chosen += spread(others, _WINDOWS - len(chosen)) if others else []
    return [windows[number] for number in sorted(chosen)]


def look_through(common: tuple[Source, Facts], window: Tile, workers: int) -> Seen | None:
    """Return what a window shows; None if no labelled pixel in it takes part."""
    source, facts = common
    picture, label_map = source.read(window.region)
    if not holds_data(picture):
        return None
    as_one = take_as_one(label_map, facts.members)
    core = np.zeros_like(as_one)
    core[window.core_within] = as_one[window.core_within]
    picture = replace(picture, contrast_limits=facts.scale.contrast_limits)
    problem = read_problem(picture, core, window.origin, facts.ids.astype(core.dtype))
    if (problem.labels == OPEN).all():
        return None
    with ThreadPoolExecutor(workers) as pool:
        features = finish(texture_features(pool, problem, facts.scale.gain))
    return Seen(Rows.of(problem, features, window, MOST_LEARNT), Rows.of(problem, features, window, MOST_HIDDEN_FROM))

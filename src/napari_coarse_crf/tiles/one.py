"""One tile, refined with what is known of the whole image: depends on nothing else, so it may be done anywhere."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_coarse_crf.cleaning import in_pixels
from napari_coarse_crf.compute.parallel import finish
from napari_coarse_crf.inputs import UNLABELLED
from napari_coarse_crf.problem import OPEN, read_problem
from napari_coarse_crf.refiner import Refiner
from napari_coarse_crf.similarity import FORMS
from napari_coarse_crf.things import Things
from napari_coarse_crf.tiles.facts import take_as_one
from napari_coarse_crf.tiles.overview import candidates, elsewhere_of, likely
from napari_coarse_crf.tiles.rims import Finder, Rim, hand_on
from napari_coarse_crf.tiles.source import holds_data

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import FloatArray, IndexArray, LabelArray, PixelArray
    from napari_coarse_crf.inputs import Picture
    from napari_coarse_crf.parameters import Parameters
    from napari_coarse_crf.problem import Problem
    from napari_coarse_crf.refinement import Progress
    from napari_coarse_crf.tiles.cutting import Tile
    from napari_coarse_crf.tiles.facts import Facts
    from napari_coarse_crf.tiles.rims import Found
    from napari_coarse_crf.tiles.source import Source


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """What all tiles of an image have in common.

    Attributes
    ----------
    shape : tuple of int
        Of the labels.
    parameters : Parameters
        What they are refined with.
    facts : Facts
        What is true of the whole image.
    reason : str
        Why these parameters, in one sentence, where the labels chose the weights; else "".
    """

    shape: tuple[int, ...]
    parameters: Parameters
    facts: Facts
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class TilePart:
    """What one tile must know beside its pixels and what all have in common. Small, so that it can be sent.

    Attributes
    ----------
    tile : Tile
        Where it lies.
    most : (K,) float32
        How probable each label is there at most.
    rim : Rim
        How long the paths are that come into it.
    """

    tile: Tile
    most: FloatArray
    rim: Rim

    @property
    def place(self) -> TilePart:
        """What others must know of it that hand on paths: not their lengths."""
        return replace(self, rim=Rim.of(self.rim.places, self.rim.labels[:0], ()))


@dataclass(frozen=True, slots=True, eq=False)
class TileRefinement:
    """What a tile gives to the whole: its core.

    Attributes
    ----------
    labels : array of int
        The refined labels.
    confidence : array of float32
        As of a `Refinement`.
    gained : (L,) int64
        How many pixels each of the labels of the whole image got there.
    """

    labels: LabelArray
    confidence: FloatArray
    gained: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Swept:
    """What the sweep of a tile found.

    Attributes
    ----------
    painted : (P,) int32
        The labels that have strokes in it.
    found : list of Found or None
        For the rim of each other tile; None: out of reach.
    """

    painted: IndexArray
    found: list[Found | None]


def refine_tile(whole: Whole, part: TilePart, source: Source, workers: int | None = None) -> TileRefinement:
    """Return the refinement of the core of a tile.

    Parameters
    ----------
    whole, part : Whole, TilePart
        What is known of the image and of the tile.
    source : Source
        The image and its labels.
    workers : int, optional
        Threads; by default as many as the process may use. The result has the same bits for any number.
    """
    return finish(refining_tile(whole, part, *source.read(part.tile.region), workers))


def refining_tile(
    whole: Whole, part: TilePart, picture: Picture, label_map: LabelArray, workers: int | None = None
) -> Generator[Progress, None, TileRefinement]:
    """Refine the core of a tile, step by step, of which picture and labels were read already."""
    facts, core = whole.facts, part.tile.core_within
    painted = label_map[core]
    if not (painted == UNLABELLED).any() or not holds_data(picture):
        certain = (painted != UNLABELLED).astype(np.float32)
        return TileRefinement(painted.copy(), certain, np.zeros(len(facts.census.ids), np.int64))
    posed = _Posed.of(whole, part, picture, label_map)
    outermost, rim, lengths = posed.around
    elsewhere = replace(elsewhere_of(facts, posed.labels), outermost=outermost, rim=rim, lengths=lengths)
    refiner = Refiner.of_part(posed.problem, label_map, elsewhere, things=posed.things, workers=workers)
    refinement = None
    for progress in refiner.steps(in_pixels(whole.parameters, facts.stroke_size)):
        refinement = progress.refinement
        yield progress
    assert refinement is not None  # noqa: S101  # the last step carries it
    labels = refinement.labels[core]
    filled = np.searchsorted(facts.census.ids, labels[(painted == UNLABELLED) & (labels != UNLABELLED)])
    gained = np.bincount(filled, minlength=len(facts.census.ids))
    return TileRefinement(labels.copy(), refinement.confidence[core].copy(), gained)


def sweep_tile(
    whole: Whole,
    part: TilePart,
    picture: Picture,
    label_map: LabelArray,
    others: Sequence[TilePart],
    workers: int,
) -> Swept:
    """Sweep a tile, and tell the rims of others what was found: see `rims`."""
    if not follows_paths(whole.parameters) or not holds_data(picture):
        return Swept(np.zeros(0, np.int32), [None] * len(others))
    posed = _Posed.of(whole, part, picture, label_map)
    problem = posed.problem if posed.things is None else posed.things.as_one
    own = (posed.labels, *posed.around)
    with ThreadPoolExecutor(workers) as pool:
        found = finish(
            hand_on(pool, problem, part.tile, own, [one.rim for one in others], whole.facts, whole.parameters)
        )
    return Swept(posed.labels[np.unique(problem.labels[problem.labels != OPEN])], found)


def follows_paths(parameters: Parameters) -> bool:
    """Whether paths count in the heatmap."""
    return FORMS[parameters.similarity].sweeps and parameters.geodesic_exponent > 0


def must_be_swept_again(swept: Swept, others: Sequence[TilePart]) -> bool:
    """Whether paths may lead across a tile to be of use in others: see `rims`."""
    wanted = np.concatenate([np.flatnonzero(likely(other.most)) for other in others])
    return not np.isin(wanted, swept.painted).all()


@dataclass(frozen=True, slots=True, eq=False)
class _Posed:
    """The problem that a tile poses.

    Attributes
    ----------
    problem : Problem
        With the labels that its pixels can become, and every object that has a stroke there.
    things : Things or None
        The objects, where there are any.
    labels : (K,) int32
        Which labels of `Facts.ids` these are, objects as one.
    around : outermost, rim, lengths
        As in `Elsewhere`.
    """

    problem: Problem
    things: Things | None
    labels: IndexArray
    around: tuple[PixelArray, PixelArray, FloatArray]

    @classmethod
    def of(cls, whole: Whole, part: TilePart, picture: Picture, label_map: LabelArray) -> _Posed:
        facts, tile = whole.facts, part.tile
        as_one = take_as_one(label_map, facts.members)
        labels = candidates(part.most, np.isin(facts.ids, _painted(as_one)))
        picture = replace(picture, contrast_limits=facts.scale.contrast_limits)
        problem = read_problem(picture, as_one, tile.origin, facts.ids[labels].astype(label_map.dtype))
        first, _ = tile.rims(whole.shape)
        outermost = np.flatnonzero(first.reshape(-1)[problem.pixels]).astype(problem.pixels.dtype)
        rows, rim = Finder(problem, tile).find(part.rim.places)
        around = outermost, rim, part.rim.lengths_to(labels)[rows]
        if len(facts.members) and facts.members[0] in problem.label_ids:
            return cls(*_with_objects(problem, facts, label_map), labels, around)
        return cls(problem, None, labels, around)


def _with_objects(as_one: Problem, facts: Facts, label_map: LabelArray) -> tuple[Problem, Things]:
    """Return a problem with an id for each object, for that in which the first stands for all."""
    first = facts.members[0]
    present = _painted(label_map)
    ids = np.union1d(as_one.label_ids, present[np.isin(present, facts.members)]).astype(label_map.dtype)
    members = np.isin(ids, facts.members)
    problem = as_one.with_labels(label_map, ids)
    kind = int(np.searchsorted(as_one.label_ids, first))
    things = Things(members, replace(as_one, kind=kind), np.searchsorted(ids, as_one.label_ids).astype(np.int32))
    return problem, things


def _painted(label_map: LabelArray) -> LabelArray:
    """Return the ids that occur; few pixels are labelled, and only these are sorted."""
    ids: LabelArray = np.unique(label_map[label_map != UNLABELLED])
    return ids

"""How an image that does not fit into memory is refined tile by tile, found before the first tile is.

The heatmap is global: which colours a label has, how large it is, how far its strokes are. So one pass over the image
finds what is true of all of it (`facts`), an overview at reduced size which labels a tile can become, and a pass there
and back over the tiles how long the paths are that come in over their rims. Then each tile is refined with a halo, as
wide as the appearance kernel reaches; it needs these and its own pixels, nothing of its neighbours, so tiles may be
refined anywhere in any order.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from napari_coarse_crf.compute.parallel import blocks, chosen_workers, finish, retold
from napari_coarse_crf.inputs import Picture, check_number_of_labels, read_spacing
from napari_coarse_crf.parameters import read_parameters
from napari_coarse_crf.refinement import ALL_LABELLED, Progress, took_none
from napari_coarse_crf.tiles.census import Census
from napari_coarse_crf.tiles.cutting import cut_tiles, neighbours
from napari_coarse_crf.tiles.facts import Survey, find_members, label_boxes
from napari_coarse_crf.tiles.helpers import Helpers, Threads
from napari_coarse_crf.tiles.one import (
    Swept,
    TilePart,
    Whole,
    follows_paths,
    must_be_swept_again,
    refining_tile,
    sweep_tile,
)
from napari_coarse_crf.tiles.overview import candidates, look_over
from napari_coarse_crf.tiles.reduced import step_aligned
from napari_coarse_crf.tiles.rims import Rim, rim_places
from napari_coarse_crf.tiles.scale import find_scale
from napari_coarse_crf.tiles.settling import settle
from napari_coarse_crf.tiles.sides import check_parameters, halos, tile_sides
from napari_coarse_crf.tiles.source import Source

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import LabelArray
    from napari_coarse_crf.parameters import Parameters
    from napari_coarse_crf.tiles.cutting import Tile
    from napari_coarse_crf.tiles.facts import Facts, Gathered, Reduced
    from napari_coarse_crf.tiles.one import TileRefinement
    from napari_coarse_crf.tiles.overview import Overview
    from napari_coarse_crf.tiles.source import Box

T = TypeVar("T")

OVERVIEW_PIXELS = 2**20
_OVERVIEW_NUMBERS = 2**25  # pixels times labels
_OVERVIEW, _PATHS = STAGES = "overview", "paths"
"""Names under which what is known of a plan is kept before all of it is."""
_KEEPING = 60.0
"""Seconds after which the paths found since are kept."""


class Kept(Protocol):
    """Keeps things under names, so that they need not be made again."""

    def load(self, name: str) -> Any:
        """Return what was kept, or None."""

    def store(self, name: str, value: Any) -> None:
        """Keep something."""


@dataclass(frozen=True, slots=True, eq=False)
class TilePlan:
    """How an image is refined tile by tile.

    Attributes
    ----------
    source : Source
        The image and its labels.
    whole : Whole
        What all tiles have in common.
    tiles : list of Tile
        The parts of the image.
    parts : list of TilePart
        What each must know besides.
    """

    source: Source
    whole: Whole
    tiles: list[Tile]
    parts: list[TilePart]

    @property
    def parameters(self) -> Parameters:
        """What the image is refined with: those that were chosen, where the labels chose the weights."""
        return self.whole.parameters

    @property
    def reason(self) -> str:
        """Why these weights, in one sentence; "" where they were fixed."""
        return self.whole.reason

    @property
    def label_ids(self) -> LabelArray:
        """(L,) the ids that occur among the pixels that take part, sorted."""
        return self.whole.facts.census.ids

    def part(self, tile: Tile) -> TilePart:
        """Return what a tile must know besides its pixels and `whole`, for another process: see `one.refine_tile`."""
        return self.parts[tile.number]

    def refine(self, tile: Tile, workers: int | None = None) -> TileRefinement:
        """Return the refinement of the core of a tile. Depends on nothing but the plan and the tile.

        Parameters
        ----------
        tile : Tile
            One of the tiles.
        workers : int, optional
            Threads; by default as many as the process may use. The result has the same bits for any number.
        """
        return finish(self.refining(tile, workers))

    def refining(self, tile: Tile, workers: int | None = None) -> Generator[Progress, None, TileRefinement]:
        """Return the same step by step; to close it stops the work."""
        read = self.source.read(tile.region)
        return (yield from refining_tile(self.whole, self.part(tile), *read, workers))

    def label_counts(self, gained: NDArray[np.int64]) -> dict[int, tuple[int, int]]:
        """Return `{id: (pixels before, pixels after)}`, as in a `Refinement`.

        Parameters
        ----------
        gained : (L,) int
            The sum of what the tiles gained.
        """
        census = self.whole.facts.census
        rows = zip(census.ids.tolist(), census.sizes.tolist(), gained.tolist(), strict=True)
        return {label_id: (before, before + more) for label_id, before, more in rows}

    def warnings(self, gained: NDArray[np.int64]) -> tuple[str, ...]:
        """Return what a person should look at, one sentence each, as in a `Refinement`."""
        facts = self.whole.facts
        counts = self.label_counts(gained)
        n_open = facts.census.n_pixels - int(facts.census.sizes.sum())
        if not n_open:
            return (*facts.notes, ALL_LABELLED)
        for member in facts.members.tolist():
            counts.pop(member, None)  # an object may well be painted in full
        return (*facts.notes, *took_none(counts, n_open))


def plan_tiles(
    picture: Picture,
    labels: Any,
    parameters: Parameters | None = None,
    *,
    tile: int | Sequence[int] | None = None,
    halo: int | None = None,
    overview_pixels: int = OVERVIEW_PIXELS,
    workers: int | None = None,
    kept: Kept | None = None,
    helpers: Helpers | None = None,
) -> Generator[Progress, None, TilePlan]:
    """Read the whole image once and return how it is refined tile by tile.

    Parameters
    ----------
    picture, labels
        The image and its labels, which are read part by part: see `Source`.
    parameters : Parameters, optional
        By default `Parameters.preset("auto")`: the labels choose the weights, and specks go.
    tile : int or sequence of int, optional
        How long a tile is along all axes or each, in pixels; by default such that it takes about 2 GB.
    halo : int, optional
        How much is refined around it, in pixels of the finest axis; by default as far as the appearance kernel reaches.
    overview_pixels : int
        How many pixels are looked at first.
    workers : int, optional
        Threads.
    kept : Kept, optional
        Where what is known is kept under the names of `STAGES`, to go on from there when a run of the same was stopped.
    helpers : Helpers, optional
        Who reads blocks and follows paths; by default these threads.

    Raises
    ------
    InputError
        If the image, the labels or what comes with them cannot be used.
    ParameterError
        If a parameter asks for what cannot be done in tiles.
    """
    asked = read_parameters(parameters)
    check_parameters(asked)
    source = Source.of(picture, labels)
    sides = tile_sides(tile, source.shape, picture.spacing, asked)
    tiles = cut_tiles(source.shape, sides, halos(halo, asked, source, sides))
    with ThreadPoolExecutor(chosen_workers(workers)) as pool:
        those = Threads(pool, chosen_workers(workers)) if helpers is None else helpers
        found = kept.load(_OVERVIEW) if kept is not None else None
        if found is None:
            facts, reduced = yield from _survey(those, source, asked, overview_pixels)
            looking = take_stock(pool, those, source, facts, reduced, asked)
            found = yield from _alive(looking, Progress("overview", 0, 1))
            if kept is not None:
                kept.store(_OVERVIEW, found)
        whole, overview = found
        parts = yield from _sweep(those, source, whole, tiles, overview, kept)
    return TilePlan(source, whole, tiles, parts)


def take_stock(
    pool: ThreadPoolExecutor, helpers: Helpers, source: Source, facts: Facts, reduced: Reduced, parameters: Parameters
) -> Generator[int | None, None, tuple[Whole, Overview]]:
    """Return what all tiles have in common, and the overview, of an image that was read once.

    Parameters
    ----------
    pool, helpers
        As for `settle`.
    source, facts, reduced
        The image, and what is known of it.
    parameters : Parameters
        As asked for.
    """
    small = fit_overview(reduced, facts)
    settled = yield from settle(pool, helpers, source, facts, reduced, parameters)
    looking = look_over(pool, small, settled.facts, settled.parameters, source.picture.spacing)
    overview, facts = yield from looking
    return Whole(source.shape, settled.parameters, facts, settled.reason), overview


def fit_overview(reduced: Reduced, facts: Facts) -> Reduced:
    """Check the facts, and return the image so small that its heatmap fits into memory."""
    if facts.census.sizes.sum() < facts.census.n_pixels:  # a full label map is returned as it is, whatever it holds
        check_number_of_labels(facts.census.ids)
    return reduced.within(_OVERVIEW_NUMBERS // max(1, len(facts.ids)))


def first_part(tile: Tile, whole: Whole, overview: Overview) -> TilePart:
    """Return what is known of a tile before anything is of its rim."""
    most = overview.within(tile)
    places, nobody = rim_places(tile, whole.shape), np.zeros(len(most), np.bool_)
    if not follows_paths(whole.parameters):
        places = places[:0]
    return TilePart(tile, most, Rim.of(places, candidates(most, nobody), ()))


def visits(n_tiles: int) -> list[int]:
    """Return in which order tiles are swept, there and back."""
    return [*range(n_tiles), *reversed(range(n_tiles - 1))] if n_tiles > 1 else []


def in_rounds(beside: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return the visits of tiles with these neighbours in rounds: of neighbours, one comes after the other as ever.

    Examples
    --------
    >>> in_rounds([[1], [0, 2], [1, 3], [2]])
    [[0], [1], [2], [3], [2], [1], [0]]
    """
    latest = [-1] * len(beside)  # the round of the latest visit of each tile
    rounds: list[list[int]] = []
    for visit in visits(len(beside)):
        turn = 1 + max(latest[other] for other in (visit, *beside[visit]))
        latest[visit] = turn
        rounds.extend([] for _ in range(turn + 1 - len(rounds)))
        rounds[turn].append(visit)
    return rounds


def _survey(
    helpers: Helpers, source: Source, parameters: Parameters, overview_pixels: int
) -> Generator[Progress, None, tuple[Facts, Reduced]]:
    """Read the whole image block by block; returns what is true of it, and itself at reduced size."""
    scale = find_scale(source)
    boxes, counted = label_boxes(source.shape), list[Census]()
    for start, stop in blocks(len(boxes), helpers.at_once):  # by the labels alone, before the image is read
        counting = helpers.each(_count, source, [(box,) for box in boxes[start:stop]])
        counted.extend((yield from _alive(counting, Progress("labels", start, len(boxes)))))
    spacing = read_spacing(source.picture.spacing, source.shape)
    members = find_members(Census.together(counted), parameters, source.shape, spacing)
    survey = Survey(source.shape, scale, parameters, members, step_aligned(source.shape, overview_pixels))
    gathered, common = None, (survey, source)
    for start, stop in blocks(len(survey.boxes), helpers.at_once):
        reading = helpers.each(_read, common, [(box,) for box in survey.boxes[start:stop]])
        found = yield from _alive(reading, Progress("reading", start, len(survey.boxes)))
        gathered = survey.join([gathered, *found])
    assert gathered is not None  # noqa: S101  # some pixel takes part, see find_scale
    return survey.conclude(gathered)


def _count(source: Source, box: Box) -> Census:
    return Census.of(*source.read_labels(box), box)


def _read(common: tuple[Survey, Source], box: Box) -> Gathered | None:
    survey, source = common
    return survey.read(box, *source.read(box))


def _sweep(
    helpers: Helpers, source: Source, whole: Whole, tiles: list[Tile], overview: Overview, kept: Kept | None
) -> Generator[Progress, None, list[TilePart]]:
    """Find how long the paths are at all rims, tile after tile, there and back."""
    parts = [first_part(tile, whole, overview) for tile in tiles]
    if not follows_paths(whole.parameters):
        return parts
    beside, swept, begin = neighbours(tiles), dict[int, Swept](), 0
    rounds, last = in_rounds(beside), time.monotonic()
    if kept is not None and (found := kept.load(_PATHS)) is not None:
        begin, parts, swept = found
    common = source, whole
    for number, together in enumerate(rounds[begin:], start=begin):
        if kept is not None and time.monotonic() - last > _KEEPING:
            kept.store(_PATHS, (number, parts, swept))
            last = time.monotonic()
        others = {visit: [parts[other].place for other in beside[visit]] for visit in together}
        due = [visit for visit in together if visit not in swept or must_be_swept_again(swept[visit], others[visit])]
        things = [(parts[visit], others[visit], helpers.threads(len(due))) for visit in due]
        work = helpers.each(_sweep_one, common, things)
        found = yield from _alive(work, Progress("paths", number, len(rounds)))
        for visit, of_visit in zip(due, found, strict=True):
            swept[visit] = replace(of_visit, found=[])  # told now
            for other, one in zip(beside[visit], of_visit.found, strict=True):
                parts[other].rim.shorten(one)
    return parts


def _sweep_one(common: tuple[Source, Whole], part: TilePart, others: list[TilePart], workers: int) -> Swept:
    source, whole = common
    return sweep_tile(whole, part, *source.read(part.tile.region), others, workers)


def _alive(work: Generator[Any, None, T], progress: Progress) -> Generator[Progress, None, T]:
    """Say the same whenever some work may be stopped; returns what it returns."""
    yield progress
    return (yield from retold(work, lambda _: progress))

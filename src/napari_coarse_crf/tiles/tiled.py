"""An image that does not fit into memory, refined tile by tile.

The heatmap is global: which colours a label has, how large it is, how far its strokes are. So one pass over the image
finds what is true of all of it (`facts`), an overview at reduced size which labels a tile can become, and a pass there
and back over the tiles how long the paths are that come in over their rims. Then each tile is refined with a halo, as
wide as the appearance kernel reaches; it needs these and its own pixels, nothing of its neighbours, so tiles may be
refined anywhere in any order.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from napari_coarse_crf.cleaning import asks_for_cleaning
from napari_coarse_crf.compute.arrays import real_numbers
from napari_coarse_crf.compute.parallel import chosen_workers, finish
from napari_coarse_crf.errors import InputError, ParameterError, in_short
from napari_coarse_crf.inputs import UNLABELLED, Picture, check_number_of_labels, read_problem, read_spacing
from napari_coarse_crf.parameters import Parameters
from napari_coarse_crf.refiner import Progress, Refiner
from napari_coarse_crf.similarity import FORMS
from napari_coarse_crf.things import stand_for_objects
from napari_coarse_crf.tiles.cutting import cut_tiles
from napari_coarse_crf.tiles.facts import find_scale, gather_facts
from napari_coarse_crf.tiles.overview import elsewhere_of, look_over
from napari_coarse_crf.tiles.rims import Finder, Rim, hand_on
from napari_coarse_crf.tiles.source import Source, holds_data

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from napari_coarse_crf.compute.arrays import FloatArray, IndexArray, LabelArray, PixelArray
    from napari_coarse_crf.inputs import Problem
    from napari_coarse_crf.tiles.cutting import Tile
    from napari_coarse_crf.tiles.facts import Facts
    from napari_coarse_crf.tiles.overview import Overview

T = TypeVar("T")

_TILE_PIXELS = 2**22
_OVERVIEW_PIXELS = 2**20
_OVERVIEW_NUMBERS = 2**25  # pixels times labels
_LEAST_HALO = 32  # px; for the smoothness kernel
_REACH = 1.75
"""Of theta_alpha: how wide a halo is. Of 8 Mpx with strokes on 2 %, in tiles of 1024 px, .11 % differ at 1.5 and .51 %
beside seams; at 1.75 .08 and .33 %."""


@dataclass(frozen=True, slots=True, eq=False)
class TilePlan:
    """How an image is refined tile by tile.

    Attributes
    ----------
    source : Source
        The image and its labels.
    parameters : Parameters
        What it is refined with.
    facts : Facts
        What is true of the whole image.
    overview : Overview
        Its heatmap at reduced size.
    tiles : list of Tile
        Its parts.
    rims : list of Rim
        How long the paths are that come into each.
    """

    source: Source
    parameters: Parameters
    facts: Facts
    overview: Overview
    tiles: list[Tile]
    rims: list[Rim]

    def refine(self, tile: Tile, workers: int | None = None) -> LabelArray:
        """Return the refined labels of the core of a tile. Depends on nothing but the plan and the tile.

        Parameters
        ----------
        tile : Tile
            One of the tiles.
        workers : int, optional
            Threads; by default as many as the process may use. The result has the same bits for any number.
        """
        picture, label_map = self.source.read(tile.region)
        core: LabelArray = label_map[tile.core_within].copy()
        if not (core == UNLABELLED).any() or not holds_data(picture):
            return core
        problem, labels = self._pose(tile, picture, label_map)
        outermost, rim, lengths = self._around(tile, problem, labels)
        elsewhere = replace(elsewhere_of(self.facts, labels), outermost=outermost, rim=rim, lengths=lengths)
        refinement = Refiner.of_part(problem, label_map, elsewhere, workers=workers).run(self.parameters)
        return refinement.labels[tile.core_within]

    def settle_rims(self, pool: ThreadPoolExecutor) -> Generator[Progress, None, None]:
        """Find how long the paths are at all rims, tile after tile, there and back."""
        visits = [*range(len(self.tiles)), *reversed(range(len(self.tiles) - 1))] if len(self.tiles) > 1 else []
        for number, visit in enumerate(visits):
            progress = Progress("paths", number, len(visits))
            yield progress
            tile = self.tiles[visit]
            picture, label_map = self.source.read(tile.region)
            if not holds_data(picture):
                continue
            problem, labels = self._pose(tile, picture, label_map)
            outermost, rim, lengths = self._around(tile, problem, labels)
            others = [
                rim for other, rim in zip(self.tiles, self.rims, strict=True) if other != tile and other.overlaps(tile)
            ]
            own = labels, rim, lengths
            work = hand_on(pool, problem, tile, outermost, own, others, self.facts, self.parameters)
            yield from _alive(work, progress)

    def _pose(self, tile: Tile, picture: Picture, label_map: LabelArray) -> tuple[Problem, IndexArray]:
        """Return the problem of a tile, and the labels that its pixels can become."""
        ids = self.facts.census.ids
        painted = np.unique(label_map)
        labels = self.overview.candidates(tile, np.isin(ids, painted[painted != UNLABELLED]))
        picture = replace(picture, contrast_limits=self.facts.scale.contrast_limits)
        return read_problem(picture, label_map, tile.origin, ids[labels].astype(label_map.dtype)), labels

    def _around(self, tile: Tile, problem: Problem, labels: IndexArray) -> tuple[PixelArray, PixelArray, FloatArray]:
        """Return the outermost pixels, those next to them, and the lengths of paths there: see `Elsewhere`."""
        first, _ = tile.rims(self.source.shape)
        outermost = np.flatnonzero(first.reshape(-1)[problem.pixels]).astype(problem.pixels.dtype)
        own = self.rims[self.tiles.index(tile)]
        rows, rim = Finder(problem, tile).find(own.places)
        return outermost, rim, own.lengths_to(labels)[rows]

    def steps(self, out: Any, workers: int | None = None) -> Iterator[Progress]:
        """Refine all tiles, each written into its part of `out`."""
        for number, tile in enumerate(self.tiles):
            yield Progress(f"tile {number + 1} of {len(self.tiles)}", number, len(self.tiles))
            out[tile.core] = self.refine(tile, workers)
        yield Progress(f"tile {len(self.tiles)} of {len(self.tiles)}", len(self.tiles), len(self.tiles))


def plan_tiles(
    picture: Picture,
    labels: Any,
    parameters: Parameters | None = None,
    *,
    tile: int | Sequence[int] | None = None,
    halo: int | None = None,
    overview_pixels: int = _OVERVIEW_PIXELS,
    workers: int | None = None,
) -> Generator[Progress, None, TilePlan]:
    """Read the whole image once and return how it is refined tile by tile."""
    chosen = Parameters() if parameters is None else parameters
    _check_parameters(chosen)
    source = Source.of(picture, labels)
    sides = _sides(tile, source.shape)
    tiles = cut_tiles(source.shape, sides, _halos(halo, chosen, source, sides))
    scale = find_scale(source)
    with ThreadPoolExecutor(chosen_workers(workers)) as pool:
        facts, reduced = yield from gather_facts(source, scale, chosen, overview_pixels)
        if facts.census.sizes.sum() < facts.census.n_pixels:  # a full label map is returned as it is, whatever it holds
            check_number_of_labels(facts.census.ids)
        _check_objects(facts, chosen, source)
        reduced = reduced.within(_OVERVIEW_NUMBERS // max(1, len(facts.census.ids)))
        looking = look_over(pool, reduced, facts, chosen, picture.spacing)
        overview = yield from _alive(looking, Progress("overview", 0, 1))
        nothing = np.zeros(len(facts.census.ids), np.bool_)
        rims = [Rim.of(one, source.shape, overview.candidates(one, nothing)) for one in tiles]
        plan = TilePlan(source, chosen, facts, overview, tiles, rims)
        if FORMS[chosen.similarity].sweeps:
            yield from plan.settle_rims(pool)
    return plan


def refine_tiles(
    image: Any,
    labels: Any,
    parameters: Parameters | None = None,
    *,
    out: Any = None,
    tile: int | Sequence[int] | None = None,
    workers: int | None = None,
    mask: Any = None,
    channel_axis: int = -1,
    spacing: Sequence[float] | None = None,
    contrast_limits: Any = None,
) -> Any:
    """Label the unlabelled pixels of an image that does not fit into memory, tile by tile.

    Parameters
    ----------
    image, labels, mask : arrays
        As for `refine_labels`, but read part by part: arrays of numpy, zarr, dask, or anything with a shape of which
        numpy can read slices.
    parameters : Parameters, optional
        By default `Parameters()`.
    out : array, optional
        Where the result goes, by slices: an array of the shape of `labels`; by default a new one of numpy.
    tile : int or sequence of int, optional
        How long a tile is along all axes or each, in pixels. More: more memory, less time. By default about four
        million pixels.
    channel_axis, spacing, contrast_limits, workers
        As for `refine_labels`.

    Returns
    -------
    array
        `out`: nearly what `refine_labels` gives, the same for any order of tiles.

    Raises
    ------
    InputError
        If the image, the labels or what comes with them cannot be used.
    ParameterError
        If a parameter asks for what cannot be done in tiles.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((40, 60), np.uint8)
    >>> image[:, 30:] = 200
    >>> labels = np.zeros((40, 60), np.uint8)
    >>> labels[20, 6], labels[20, 52] = 3, 7
    >>> refined = refine_tiles(image, labels, tile=20)
    >>> np.unique(refined[:, :30]), np.unique(refined[:, 30:])
    (array([3], dtype=uint8), array([7], dtype=uint8))
    """
    picture = Picture(image, mask, channel_axis, spacing, contrast_limits)
    plan = finish(plan_tiles(picture, labels, parameters, tile=tile, workers=workers))
    written = np.zeros(plan.source.shape, plan.source.dtype) if out is None else out
    for _ in plan.steps(written, workers):
        pass
    return written


def _check_parameters(parameters: Parameters) -> None:
    """Raise if something is asked for that no tile can know."""
    if not FORMS[parameters.similarity].knows_parts:
        able = ", ".join(name for name, form in FORMS.items() if form.knows_parts)
        raise ParameterError(
            f"similarity is {parameters.similarity!r}, which cannot be had in tiles; choose one of: {able}."
        )
    if asks_for_cleaning(parameters):
        raise ParameterError(
            "Small parts and holes cannot be cleaned in tiles, which may cut them; set keep_parts to 'all', and "
            "smallest_part and fill_holes to 0."
        )


def _check_objects(facts: Facts, parameters: Parameters, source: Source) -> None:
    """Raise if labels stand for one object each, which are to be told apart."""
    spacing = read_spacing(source.picture.spacing, source.shape)
    extents = facts.census.high - facts.census.low
    count = np.count_nonzero(stand_for_objects(extents, source.shape, spacing))
    if count and parameters.instances == "auto" and "instances" in FORMS[parameters.similarity].reads:
        raise ParameterError(
            f"{count} of {len(extents)} labels keep to a small place each, as ids of objects do, which cannot be told "
            "apart in tiles. Give them one id, or set instances to 'never' to take each as a class of its own."
        )


def _sides(tile: int | Sequence[int] | None, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return how long a tile is along each axis."""
    if tile is None:
        return _default_sides(shape)
    sides = real_numbers(tile)
    sides = np.broadcast_to(sides, (len(shape),)) if sides.ndim == 0 else sides
    if sides.shape != (len(shape),) or (sides < 1).any() or (sides % 1 != 0).any():
        raise InputError(
            f"tile is {in_short(tile)}; pass a whole number of pixels, or {len(shape)}, one for each axis of the "
            "labels."
        )
    return tuple(min(int(side), size) for side, size in zip(sides, shape, strict=True))


def _default_sides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return equal sides of about `_TILE_PIXELS` in all; what is shorter is not cut."""
    sides = list(shape)
    left, budget = len(shape), float(_TILE_PIXELS)
    for axis in np.argsort(shape, kind="stable"):
        sides[axis] = min(shape[axis], max(1, round(budget ** (1 / left))))
        left, budget = left - 1, budget / sides[axis]
    return tuple(sides)


def _halos(halo: int | None, parameters: Parameters, source: Source, sides: tuple[int, ...]) -> tuple[int, ...]:
    """Return how wide the halo is along each axis: what the appearance kernel reaches, but not over half of a tile."""
    sizes = read_spacing(source.picture.spacing, source.shape)
    cut = [side * size for side, size, all_of in zip(sides, sizes, source.shape, strict=True) if side < all_of]
    if halo is None:
        appearance = _REACH * parameters.theta_alpha if parameters.appearance_weight > 0 else 0.0
        halo = max(_LEAST_HALO, math.ceil(min(appearance, min(cut, default=0) / 2)))
    return tuple(math.ceil(halo / size) for size in sizes)


def _alive(work: Generator[Any, None, T], progress: Progress) -> Generator[Progress, None, T]:
    """Say the same whenever some work may be stopped; returns what it returns."""
    with closing(work):
        while True:
            try:
                next(work)
            except StopIteration as stop:
                value: T = stop.value
                return value
            yield progress

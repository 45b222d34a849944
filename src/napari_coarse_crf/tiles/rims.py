"""How long the paths are that come into a tile over its rim: exact, but for paths that wind from tile to tile and back.

Paths cannot be followed at reduced size, where they lead through noise that they avoid at full size: lengths came out
twice as long. So each tile is swept with what is known at its rim and tells those that overlap it what it found at
theirs: tile after tile, there and back. On the way back only those tiles are swept that lack a stroke of some label of
their neighbours: to others, paths across a whole tile are longer than from its own strokes. Only the rims are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_coarse_crf.geodesic import UNREACHED, PixelGrid, edge_slowness, geodesic_distances
from napari_coarse_crf.logits import crossing_cost
from napari_coarse_crf.problem import gather

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence
    from concurrent.futures import ThreadPoolExecutor

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import FloatArray, IndexArray, PixelArray
    from napari_coarse_crf.parameters import Parameters
    from napari_coarse_crf.problem import Problem
    from napari_coarse_crf.tiles.cutting import Tile
    from napari_coarse_crf.tiles.facts import Facts


@dataclass(frozen=True, slots=True, eq=False)
class Rim:
    """Where paths come into a tile.

    Attributes
    ----------
    places : (R, D) int
        Where its pixels stand in the whole image.
    labels : (K,) int32
        The labels that the tile's pixels can become.
    lengths : (R, K) float32
        How long the shortest known paths to them are from beyond.
    """

    places: NDArray[np.intp]
    labels: IndexArray
    lengths: FloatArray

    @classmethod
    def of(cls, places: NDArray[np.intp], labels: IndexArray, found: Iterable[Found | None]) -> Rim:
        """Return a rim of which others found lengths, one after the other."""
        rim = cls(places, labels, np.full((len(places), len(labels)), UNREACHED, np.float32))
        for one in found:
            rim.shorten(one)
        return rim

    def lengths_to(self, labels: IndexArray) -> FloatArray:
        """Return the lengths for other labels, (R, L)."""
        lengths = np.full((len(self.places), len(labels)), UNREACHED, np.float32)
        _, here, there = np.intersect1d(self.labels, labels, assume_unique=True, return_indices=True)
        lengths[:, there] = self.lengths[:, here]
        return lengths

    def shorten(self, found: Found | None) -> None:
        """Take over lengths where they are shorter."""
        if found is None:
            return
        _, here, there = np.intersect1d(self.labels, found.labels, assume_unique=True, return_indices=True)
        some = np.ix_(found.rows, here)
        self.lengths[some] = np.minimum(self.lengths[some], found.lengths[:, there])


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a sweep found at the rim of another tile.

    Attributes
    ----------
    rows : (P,) int
        At which of its places.
    labels : (K,) int32
        The labels that were swept.
    lengths : (P, K) float32
        How long the paths to these are.
    """

    rows: NDArray[np.intp]
    labels: IndexArray
    lengths: FloatArray


def rim_places(tile: Tile, shape: Sequence[int]) -> NDArray[np.intp]:
    """Return where paths come into a tile: (R, D) places in an image of this shape."""
    _, rim = tile.rims(shape)
    places: NDArray[np.intp] = np.argwhere(rim) + np.array(tile.origin)
    return places


class Finder:
    """Finds the pixels of a problem by where they stand in the whole image."""

    def __init__(self, problem: Problem, tile: Tile) -> None:
        self._shape, self._origin = problem.shape, np.array(tile.origin)
        self._number = np.full(int(np.prod(problem.shape)), -1, problem.pixels.dtype)
        self._number[problem.pixels] = np.arange(len(problem.pixels), dtype=problem.pixels.dtype)

    def find(self, places: NDArray[np.intp]) -> tuple[NDArray[np.intp], PixelArray]:
        """Return which of (R, D) places are pixels that take part, and which pixels these are."""
        local = places - self._origin
        (rows,) = np.nonzero(((local >= 0) & (local < self._shape)).all(axis=1))
        pixels = gather(self._number, np.ravel_multi_index(tuple(local[rows].T), self._shape))
        return rows[pixels >= 0], pixels[pixels >= 0]


def hand_on(
    pool: ThreadPoolExecutor,
    problem: Problem,
    tile: Tile,
    own: tuple[IndexArray, PixelArray, PixelArray, FloatArray],
    rims: Sequence[Rim],
    facts: Facts,
    parameters: Parameters,
) -> Generator[None, None, list[Found | None]]:
    """Sweep one tile and return what was found at the rims of others; None for those out of reach.

    Parameters
    ----------
    pool : ThreadPoolExecutor
        Where the work is done.
    problem, tile : Problem, Tile
        The tile.
    own : labels, outermost, rim, lengths
        The labels of the problem, and as in `Elsewhere`.
    rims : sequence of Rim
        Of other tiles.
    facts, parameters : Facts, Parameters
        Of the whole image.
    """
    labels, outermost, rim, lengths = own
    finder = Finder(problem, tile)
    seen = [finder.find(one.places) for one in rims]
    chosen = np.concatenate([pixels for _, pixels in seen])
    distances = np.full((len(chosen), len(labels)), UNREACHED, np.float32)
    if len(chosen):
        grid = PixelGrid(problem)
        slowness = yield from edge_slowness(pool, problem, grid, facts.scale.gain, parameters.geodesic_colour_weight)
        slowness[grid.cells[outermost]] = np.inf

        def keep(rows: slice, columns: slice, some: FloatArray) -> None:
            kept = distances[rows, columns]
            kept[:] = some[:, : kept.shape[1]]

        crossing, begin = crossing_cost(facts.census.labelled_share), (rim, lengths)
        yield from geodesic_distances(pool, problem, grid, slowness, crossing, keep, chosen=chosen, begin=begin)
    parts = np.split(distances, np.cumsum([len(pixels) for _, pixels in seen])[:-1])
    return [
        Found(rows, labels, part.copy()) if len(rows) else None for (rows, _), part in zip(seen, parts, strict=True)
    ]

"""What mean field found, without small parts, parts without a stroke, and holes.

Specks are taken away by default, which is the preset "auto". All else is for a person to ask for.

A *part* of a label is a connected region of its pixels. Pixels that touch at a corner are connected: else thin diagonal
structures would fall to pieces, and a stroke would not hold what it touches at a corner. The person's labelled pixels
belong to the parts and hold them: such a part stays, however small. Pixels that take no part are part of nothing. In a
tile, a part that reaches beyond it stays as well: what holds it there is not known.

- Parts are taken away that are smaller than `smallest_part`, or, where `keep_parts` is "labelled", hold no stroke,
  or, where it is "stroke-sized", have fewer than 2 w^D pixels, as has a stroke that is twice as long as wide. w is
  the least of 2 n_c / e_c, how wide the strokes of label c are, where e_c of its n_c pixels have an unlabelled
  neighbour: the thinnest label tells how fine a person looks, while polygons are as wide as what they lie in (the
  mean of all labels costs nuclei .094 of IoU). A thousandth of the image always stays: who paints large polygons
  alone has said nothing of small things. In tiles it is found once, of the whole image. Each of their pixels gets the
  label that comes next in probability there. That may be part of nothing that stays, again: then the next, `_ROUNDS`
  times at most. What is left then is joined from its rim inwards: each pixel takes the most probable label of the
  parts that touch it. Where nothing that stays touches (a small area that the mask cuts off), the labels stay as they
  were.
- A *hole* is a connected area of anything else that one part shuts off: it reaches neither the edge of the image nor
  pixels that take no part. If it has at most `fill_holes` pixels and none of them is labelled, it becomes that part.

The confidence of a pixel with another label is that of the label it got. `min_confidence` comes afterwards.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from napari_coarse_crf.compute.regions import find_enclosing, find_regions, region_sizes, with_neighbours
from napari_coarse_crf.confidence import confidence_of
from napari_coarse_crf.geodesic import PixelGrid
from napari_coarse_crf.parameters import Parameters
from napari_coarse_crf.problem import OPEN, gather

if TYPE_CHECKING:
    from collections.abc import Generator
    from concurrent.futures import ThreadPoolExecutor

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import FloatArray, IndexArray, MaskArray, PixelArray
    from napari_coarse_crf.crf import FieldProblem, Marginals
    from napari_coarse_crf.problem import Problem

_ROUNDS = 3

_LENGTH = 2  # widths of a stroke, at least (1: gains .3 / .5 thousandths less in accuracy and IoU, 39 kinds by hands)
_MOST_PIXELS = int(Parameters.describe()["smallest_part"].high)
_SHARE = 1000

_OFF = Parameters().of_section("cleaning")


def asks_for_cleaning(parameters: Parameters) -> bool:
    """Whether anything is to be cleaned.

    Examples
    --------
    >>> asks_for_cleaning(Parameters()), asks_for_cleaning(Parameters(fill_holes=9))
    (False, True)
    """
    return parameters.of_section("cleaning") != _OFF


def stroke_size(sizes: NDArray[Any], edges: NDArray[Any], ndim: int, n_pixels: int) -> int:
    """Return how many pixels a short stroke of the thinnest label has, at most a thousandth of the image.

    Parameters
    ----------
    sizes, edges : (L,) int
        How many pixels each label has, and how many of these have an unlabelled neighbour.
    ndim, n_pixels : int
        Of the image.

    Examples
    --------
    >>> stroke_size(np.array([300, 50]), np.array([30, 25]), ndim=2, n_pixels=10**6)
    32
    """
    widths = 2 * sizes[edges > 0] / edges[edges > 0]
    if not len(widths):
        return 0
    return min(round(_LENGTH * float(widths.min()) ** ndim), n_pixels // _SHARE, _MOST_PIXELS)


def in_pixels(parameters: Parameters, size: int) -> Parameters:
    """Return parameters that say in pixels what "stroke-sized" is."""
    if parameters.keep_parts != "stroke-sized":
        return parameters
    return parameters.replace(keep_parts="all", smallest_part=max(size, parameters.smallest_part))


def mean_field_key(parameters: Parameters) -> Parameters:
    """Return what mean field depends on: all but the cleaning and what is left unlabelled, which come after it."""
    return parameters.replace(**_OFF, min_confidence=0.0)


def clean(
    pool: ThreadPoolExecutor,
    problem: Problem,
    field: FieldProblem,
    marginals: Marginals,
    parameters: Parameters,
    outermost: PixelArray | None = None,
) -> Generator[int | None, None, Marginals]:
    """Return the marginals with the best label, and its confidence, of each free pixel after cleaning.

    Parameters
    ----------
    pool : ThreadPoolExecutor
        Where long steps run.
    problem, field, marginals
        What was asked of mean field, and what it found.
    parameters : Parameters
        `keep_parts`, `smallest_part` and `fill_holes`.
    outermost : (B,) int, optional
        The pixels of a tile that have neighbours beyond it.
    """
    sheet = _Sheet(problem, field, marginals, outermost)
    if parameters.keep_parts == "stroke-sized":
        parameters = in_pixels(parameters, _size_of_strokes(problem))
    if parameters.keep_parts == "labelled" or parameters.smallest_part > 1:
        yield from sheet.take_parts_away(pool, marginals, parameters)
    if parameters.fill_holes:
        yield from sheet.fill_holes(pool, parameters.fill_holes)
    found = gather(sheet.labels, sheet.cells)
    # The person's own pixels among the free ones stay as mean field found them: eq. (5) puts their labels back.
    if len(field.free_pixels) > problem.n_open:
        found = np.where(problem.labels[field.free_pixels] == OPEN, found, marginals.best)
    changed = np.flatnonzero(found != marginals.best)
    confidence = marginals.confidence.copy()
    confidence[changed] = yield from confidence_of(pool, field, found[changed], changed)
    yield 1
    return replace(marginals, best=found, confidence=confidence)


def _size_of_strokes(problem: Problem) -> int:
    """Return `stroke_size` of a problem."""
    unlabelled = np.zeros(problem.shape, np.bool_)
    unlabelled.reshape(-1)[problem.pixels] = problem.labels == OPEN
    owned = np.flatnonzero(problem.labels != OPEN)
    beside = with_neighbours(unlabelled).reshape(-1)[problem.pixels[owned]]
    labels, n_labels = problem.labels[owned], len(problem.label_ids)
    sizes, edges = (np.bincount(some, minlength=n_labels) for some in (labels, labels[beside]))
    return stroke_size(sizes, edges, len(problem.shape), len(problem.pixels))


class _Sheet:
    """The labels as a grid, which cleaning rewrites.

    Attributes
    ----------
    labels : (cells,) int32
        The label of each cell: the person's where there is one, else the best one; `OPEN` where no pixel takes part.
    cells : (F,) int
        Where the free pixels are.
    """

    def __init__(
        self, problem: Problem, field: FieldProblem, marginals: Marginals, outermost: PixelArray | None
    ) -> None:
        grid = PixelGrid(problem)
        self._offsets = grid.offsets
        self._around = np.concatenate([grid.offsets, -grid.offsets])
        self.cells = gather(grid.cells, field.free_pixels)
        self.labels = np.full(grid.size, OPEN, np.int32)
        self.labels[self.cells] = marginals.best
        owned = np.flatnonzero(problem.labels != OPEN)
        labelled = grid.cells[owned]
        self.labels[labelled] = problem.labels[owned]
        self._holding = labelled if outermost is None else np.concatenate([labelled, grid.cells[outermost]])

    def take_parts_away(
        self, pool: ThreadPoolExecutor, marginals: Marginals, parameters: Parameters
    ) -> Generator[None, None, None]:
        """Give the pixels of the parts that do not stay to others."""
        unwanted = yield from self._unwanted(pool, parameters)
        taken = np.flatnonzero(gather(unwanted, self.cells))
        cells, left = self.cells[taken], np.arange(len(taken))
        rows = yield from marginals.probabilities(pool, taken)
        for _ in range(min(_ROUNDS, rows.shape[1] - 1)):
            if not len(left):
                return
            rows[left, self.labels[cells[left]]] *= -1  # out of the running, but not forgotten
            self.labels[cells[left]] = rows[left].argmax(axis=1)
            left = left[self._still_unwanted(cells[left], parameters)]
        self._join(cells[left], np.abs(rows[left]), marginals.best[taken[left]])

    def fill_holes(self, pool: ThreadPoolExecutor, largest: int) -> Generator[None, None, None]:
        """Give holes the label of what they lie in."""
        regions, sizes, held = yield from self._parts(pool)
        enclosing = yield from find_enclosing(pool, regions, self._offsets, sizes, held, largest)
        labels = np.full(len(sizes), OPEN, np.int32)
        labels[regions] = self.labels
        self.labels = gather(labels[enclosing], regions)

    def _parts(
        self, pool: ThreadPoolExecutor
    ) -> Generator[None, None, tuple[PixelArray, NDArray[np.int64], MaskArray]]:
        """Return the part of each cell (0: none), and of each part how large it is and whether anything holds it."""
        regions = yield from find_regions(pool, self.labels, self._offsets)
        sizes = region_sizes(regions)
        held = np.zeros(len(sizes), np.bool_)
        held[regions[self._holding]] = True
        return regions, sizes, held

    def _unwanted(self, pool: ThreadPoolExecutor, parameters: Parameters) -> Generator[None, None, MaskArray]:
        """Return which cells lie in parts that do not stay."""
        regions, sizes, held = yield from self._parts(pool)
        small = np.True_ if parameters.keep_parts == "labelled" else sizes < parameters.smallest_part
        return gather(small & ~held, regions)

    def _still_unwanted(self, cells: PixelArray, parameters: Parameters) -> MaskArray:
        """Return which of some cells, that got other labels, lie in parts that do not stay; all other parts do."""
        numbers = np.full(len(self.labels), -1, np.int32)
        numbers[cells] = np.arange(len(cells))
        own, held = self.labels[cells], np.zeros(len(cells), np.bool_)
        ends = []
        for offset in self._around:
            beside = cells + offset
            alike, others = self.labels[beside] == own, numbers[beside]
            held |= alike & (others < 0)
            (joined,) = np.nonzero(alike & (others >= 0))
            ends.append((joined, others[joined]))
        one, other = (np.concatenate(some) for some in zip(*ends, strict=True))
        graph = coo_array((np.ones(len(one), np.bool_), (one, other)), (len(cells), len(cells)))
        _, parts = connected_components(graph, directed=False)
        stay = np.bincount(parts, held) > 0
        if parameters.keep_parts != "labelled":
            stay |= np.bincount(parts) >= parameters.smallest_part
        unwanted: MaskArray = ~stay[parts]
        return unwanted

    def _join(self, cells: PixelArray, probabilities: FloatArray, otherwise: IndexArray) -> None:
        """Join cells to the parts around them, from the rim inwards; what nothing touches gets the other label."""
        self.labels[cells] = OPEN
        while True:
            beside = self.labels[cells[:, np.newaxis] + self._around]
            likely = np.where(beside == OPEN, -1.0, np.take_along_axis(probabilities, np.maximum(beside, 0), axis=1))
            best = likely.argmax(axis=1)[:, np.newaxis]
            touched = (beside != OPEN).any(axis=1)
            if not touched.any():
                self.labels[cells] = otherwise
                return
            self.labels[cells[touched]] = np.take_along_axis(beside, best, axis=1)[touched, 0]
            cells, probabilities, otherwise = cells[~touched], probabilities[~touched], otherwise[~touched]

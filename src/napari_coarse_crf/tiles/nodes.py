"""What the nodes of the graph in `lazy` do, each with what others returned."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np

from napari_coarse_crf.compute.parallel import chosen_workers, finish
from napari_coarse_crf.inputs import Picture, read_labels
from napari_coarse_crf.tiles.census import Census
from napari_coarse_crf.tiles.facts import Survey, find_members
from napari_coarse_crf.tiles.helpers import Threads
from napari_coarse_crf.tiles.one import must_be_swept_again, refining_tile, sweep_tile
from napari_coarse_crf.tiles.plan import TilePlan, take_stock
from napari_coarse_crf.tiles.rims import Rim
from napari_coarse_crf.tiles.scale import find_scale, patch_values, scale_of
from napari_coarse_crf.tiles.source import Source, Stacked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import LabelArray
    from napari_coarse_crf.parameters import Parameters
    from napari_coarse_crf.tiles.facts import Gathered
    from napari_coarse_crf.tiles.one import Swept, TilePart, TileRefinement, Whole
    from napari_coarse_crf.tiles.overview import Overview
    from napari_coarse_crf.tiles.rims import Found
    from napari_coarse_crf.tiles.scale import Scale
    from napari_coarse_crf.tiles.source import Box


def put_together(counts: list[int], inner: tuple[slice, ...], chunks: list[NDArray[Any]]) -> NDArray[Any]:
    """Return a part of some chunks side by side, so many along each axis."""
    if len(chunks) == 1:
        return chunks[0][inner]
    grid = np.empty(len(chunks), object)
    grid[:] = chunks
    together: NDArray[Any] = np.block(grid.reshape(counts).tolist())
    return together[inner]


def read_region(
    meta: Picture, dtype: np.dtype[Any], image: NDArray[Any], labels: NDArray[Any], mask: NDArray[Any] | None = None
) -> tuple[Picture, LabelArray]:
    """Return a part of image and labels as `Source.read` does."""
    source = Source(replace(meta, image=image, mask=mask), labels, dtype)
    return source.read(tuple(slice(0, size) for size in labels.shape))


class _ReadAlone:
    """An array of dask of which parts are computed by the thread that reads them.

    A task must not wait for other tasks; and dask's own setting for that is one for all threads of a process.
    """

    def __init__(self, array: da.Array) -> None:
        self.shape, self.dtype, self.ndim = array.shape, array.dtype, array.ndim
        self._array = array

    def __getitem__(self, part: Any) -> NDArray[Any]:
        values: NDArray[Any] = self._array[part].compute(scheduler="synchronous")
        return values


def _read_alone(source: Source) -> Source:
    """Return a source whose arrays of dask are each read by the thread that asks."""

    def alone(array: Any) -> Any:
        if isinstance(array, Stacked):
            return replace(array, channels=[alone(one) for one in array.channels])
        return _ReadAlone(array) if isinstance(array, da.Array) else array

    picture = source.picture
    return replace(
        source,
        picture=replace(picture, image=alone(picture.image), mask=alone(picture.mask)),
        labels=alone(source.labels),
    )


def values_of(region: tuple[Picture, LabelArray]) -> NDArray[Any] | None:
    """Return some of the values of a patch, if any takes part."""
    return patch_values(*region)


def scale_from(source: Source, values: Sequence[NDArray[Any] | None]) -> Scale:
    """Return how values are read, from those of some patches; of all, if these hold none."""
    found = [some for some in values if some is not None]
    if found:
        return scale_of(found, source.picture)
    return find_scale(_read_alone(source))


def count_labels(box: Box, labels: NDArray[Any], mask: NDArray[Any] | None = None) -> Census:
    """Return how many pixels of each label there are in a box."""
    return Census.of(read_labels(labels), mask, box)


def members_of(
    parameters: Parameters, shape: tuple[int, ...], spacing: tuple[float, ...], counts: Sequence[Census]
) -> LabelArray:
    """Return the labels that stand for one object each."""
    return find_members(Census.together(counts), parameters, shape, spacing)


def make_survey(shape: tuple[int, ...], parameters: Parameters, step: int, scale: Scale, members: LabelArray) -> Survey:
    """Return how the blocks of an image are read."""
    return Survey(shape, scale, parameters, members, step)


def gather_block(box: Box, survey: Survey, region: tuple[Picture, LabelArray]) -> Gathered | None:
    """Return what is to be known of a block."""
    return survey.read(box, *region)


def join_blocks(survey: Survey, before: Gathered | None, found: Sequence[Gathered | None]) -> Gathered | None:
    """Return what is known of some blocks, in order."""
    return survey.join([before, *found])


def look_from_afar(source: Source, survey: Survey, gathered: Gathered) -> tuple[Whole, Overview]:
    """Return what all tiles have in common, and the overview."""
    facts, reduced = survey.conclude(gathered)
    workers, alone = chosen_workers(None), _read_alone(source)  # windows: which ones, nobody knows before
    with ThreadPoolExecutor(workers) as pool:
        return finish(take_stock(pool, Threads(pool, workers), alone, facts, reduced, survey.parameters))


def with_rim(first: TilePart, found: Sequence[Found | None]) -> TilePart:
    """Return what a tile must know, with the paths that were found for it."""
    return replace(first, rim=Rim.of(first.rim.places, first.rim.labels, found))


def sweep_if_due(
    workers: int,
    whole: Whole,
    part: TilePart,
    region: tuple[Picture, LabelArray],
    others: Sequence[TilePart],
    before: Swept | None = None,
) -> Swept:
    """Sweep a tile, unless that was done before and need not be done again."""
    if before is not None and not must_be_swept_again(before, others):
        return before
    return sweep_tile(whole, part, *region, others, workers)


def found_for(number: int, swept: Swept) -> Found | None:
    """Return what a sweep found for one of the other tiles."""
    return swept.found[number]


def refine_region(workers: int, whole: Whole, part: TilePart, region: tuple[Picture, LabelArray]) -> TileRefinement:
    """Return the refinement of the core of a tile."""
    return finish(refining_tile(whole, part, *region, workers))


def tell(what: Callable[[TilePlan, Any], Any], whole: Whole, gained: NDArray[np.int64]) -> Any:
    """Return what a plan tells once all tiles are done."""
    return what(TilePlan(Source(Picture(None), None, np.dtype(np.int64)), whole, [], []), gained)


def sum_gained(gained: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return how many pixels each label got in all tiles."""
    total: NDArray[np.int64] = np.sum(gained, axis=0)
    return total

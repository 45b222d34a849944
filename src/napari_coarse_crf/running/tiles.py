"""All tiles of a plan, one after the other in this process, or many at a time in others.

Both are generators that may be closed at any step; what was kept by then is done. Processes write their tiles
themselves; only what is to be noted of them comes back.
"""

from __future__ import annotations

from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from napari_coarse_crf.compute.parallel import finish, retold
from napari_coarse_crf.refinement import Progress
from napari_coarse_crf.running.helpers import is_elsewhere, result_of
from napari_coarse_crf.running.journal import Record
from napari_coarse_crf.tiles.one import refining_tile

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterable

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import LabelArray
    from napari_coarse_crf.inputs import Picture
    from napari_coarse_crf.running.results import Results
    from napari_coarse_crf.tiles.cutting import Tile
    from napari_coarse_crf.tiles.one import TilePart, TileRefinement, Whole
    from napari_coarse_crf.tiles.plan import TilePlan
    from napari_coarse_crf.tiles.source import Source

    Keep = Callable[[Record], None]

T = TypeVar("T")

_WAITING = 2
"""Tiles that wait at each thread of a cluster: so none is idle, and few are sent before they are needed."""
_RETRIES = 2  # of a tile that fails, for a store that does not answer at once


def run_here(
    plan: TilePlan, results: Results, done: Collection[int], keep: Keep, workers: int | None = None
) -> Generator[Progress, None, None]:
    """Refine tile after tile on threads of this process.

    Parameters
    ----------
    plan : TilePlan
        From `plan_tiles`.
    results : Results
        Where the tiles go.
    done : collection of int
        Numbers of tiles that are finished already.
    keep : callable
        Called with the `Record` of each tile when it is written.
    workers : int, optional
        Threads; by default as many as the process may use.

    Yields
    ------
    Progress
        Of which the steps are tiles that are finished.
    """
    count, total = len(done), len(plan.tiles)
    for tile in plan.tiles:
        if tile.number in done:
            continue
        tell = partial(_at_tile, count, total)
        refinement = yield from retold(plan.refining(tile, workers), tell)
        keep(_write(tile, results, refinement))
        count += 1
        yield Progress("written", count, total)


def _at_tile(count: int, total: int, step: Progress) -> Progress:
    """Return a step of a tile as one of the run, of which so many tiles are finished."""
    return Progress(step.stage, count, total)


def run_on_cluster(
    client: Any, plan: TilePlan, results: Results, done: Collection[int], keep: Keep, workers: int = 1
) -> Generator[Progress, None, None]:
    """Refine tiles on the workers of a cluster of `dask.distributed`, which read the image and write the results.

    A tile whose worker is lost is given to another one.

    Parameters
    ----------
    client : distributed.Client
        Of the cluster.
    plan, results, done, keep
        As for `run_here`.
    workers : int
        Threads for each tile.

    Yields
    ------
    Progress
        Of which the steps are tiles that are finished.

    Raises
    ------
    InputError
        If a tile cannot be refined: the memory of workers does not suffice, or they do not reach the files.
    """
    from dask.distributed import as_completed

    waiting = (tile for tile in plan.tiles if tile.number not in done)
    # A task that returns it, rather than scattered data: what is lost with a worker is sent again.
    source = plan.source if is_elsewhere(plan.source) else None
    common = client.submit(_Common, plan.whole, results, source, workers, pure=False)
    under_way: dict[Any, Tile] = {}
    count, total = len(done), len(plan.tiles)

    def submit(at_most: int) -> list[Any]:
        futures = []
        for tile in islice(waiting, at_most):
            read = None if source is not None else plan.source.read(tile.region)
            future = client.submit(refine_on_worker, common, plan.part(tile), read, pure=False, retries=_RETRIES)
            under_way[future] = tile
            futures.append(future)
        return futures

    yield Progress("on the cluster", count, total)
    completed = as_completed(submit(_WAITING * sum(client.nthreads().values())))
    try:
        for future in completed:
            keep(result_of(future, f"Tile {under_way.pop(future).number}"))
            count += 1
            completed.update(submit(1))
            yield Progress("on the cluster", count, total)
    finally:
        client.cancel([*under_way, common], force=True)


def check_finished(plan: TilePlan, results: Results, done: Iterable[Record]) -> Generator[Progress, None, set[int]]:
    """Return the numbers of tiles of which the results do not hold any more what was written."""
    records, lost = list(done), set()
    for count, record in enumerate(records):
        yield Progress("finished tiles", count, len(records))
        is_known = 0 <= record.tile < len(plan.tiles) and all(
            0 <= label < len(plan.label_ids) for label in record.gained
        )
        if not is_known or results.digests(plan.tiles[record.tile].core) != record.written:
            lost.add(record.tile)
    return lost


def sum_gained(plan: TilePlan, records: Iterable[Record]) -> NDArray[np.int64]:
    """Return how many pixels each label of a plan got in all tiles."""
    gained = np.zeros(len(plan.label_ids), np.int64)
    for record in records:
        for label, pixels in record.gained.items():
            gained[label] += pixels
    return gained


def without_source(plan: TilePlan) -> TilePlan:
    """Return a plan to be kept, which holds no pixels; the source comes back by `replace`."""
    return replace(plan, source=None)  # type: ignore[arg-type]  # for a moment


@dataclass(frozen=True, slots=True, eq=False)
class _Common:
    """What a worker needs for all tiles.

    Attributes
    ----------
    whole : Whole
        What is true of the whole image.
    results : Results
        Where the tiles go.
    source : Source or None
        The image, where a worker can read it; else its part comes with each tile.
    workers : int
        Threads for each tile.
    """

    whole: Whole
    results: Results
    source: Source | None
    workers: int


def refine_on_worker(common: _Common, part: TilePart, read: tuple[Picture, LabelArray] | None) -> Record:
    """Refine one tile and write it: what a worker of a cluster does."""
    if read is None:
        assert common.source is not None  # noqa: S101  # see run_on_cluster
        read = common.source.read(part.tile.region)
    steps = refining_tile(common.whole, part, *read, common.workers)
    return _write(part.tile, common.results, finish(_while_wanted(steps)))


def _while_wanted(steps: Generator[Progress, None, T]) -> Generator[Progress, None, T]:
    """Stop when nobody waits for the task any more: its run was stopped, and another one may write the same tile."""
    from dask.distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()

    def check(progress: Progress) -> Progress:
        task = worker.state.tasks.get(key)
        if task is None or task.state == "cancelled":
            raise CancelledError
        return progress

    return (yield from retold(steps, check))


def _write(tile: Tile, results: Results, refinement: TileRefinement) -> Record:
    """Write a tile and return what is to be noted of it."""
    written = results.write(tile.core, refinement)
    (some,) = np.nonzero(refinement.gained)
    return Record(tile.number, {int(label): int(refinement.gained[label]) for label in some}, written)

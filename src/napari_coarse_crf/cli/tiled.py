"""`napari-coarse-crf refine` tile by tile: what a person sees of it, and how a stopped run goes on."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from napari_coarse_crf.cli.batch import Settings
from napari_coarse_crf.cli.console import say, stderr
from napari_coarse_crf.cli.options import Tiling
from napari_coarse_crf.errors import CoarseCRFError, InputError
from napari_coarse_crf.io.lazy.pairs import LazyPair
from napari_coarse_crf.io.lazy.places import above
from napari_coarse_crf.io.pairs import Pair
from napari_coarse_crf.parameters import Parameters
from napari_coarse_crf.refinement import Progress as Step
from napari_coarse_crf.refiner import Refiner
from napari_coarse_crf.running.cluster import connected, processes_here, wait_for_workers
from napari_coarse_crf.running.job import Job, first_part, scratch_results, sides_of_all
from napari_coarse_crf.running.planes import stored
from napari_coarse_crf.running.unfinished import begin, kept_sides
from napari_coarse_crf.tiles.apart import PartRefiner, make_refiner
from napari_coarse_crf.tiles.choice import InTiles, choose, read_limit
from napari_coarse_crf.tiles.sides import check_parameters, tile_sides
from napari_coarse_crf.tiles.source import Source

if TYPE_CHECKING:
    from napari_coarse_crf.io.lazy.writing import Written

_REMEMBERED = 3600.0
"""Seconds over which the speed is averaged; by default 30, in which a large tile is not finished."""


def choose_way(
    pair: Pair | LazyPair, parameters: Parameters, tiling: Tiling, folder: Path, settings: Settings
) -> Refiner | PartRefiner | InTiles:
    """Return what refines an image at once, or how it is refined tile by tile, and say why if nobody asked for it.

    An unfinished run is gone on with tile by tile, whatever memory is free by now.
    """
    engine, workers = settings.engine, settings.workers
    if tiling.is_asked_for and engine != "lattice":
        raise InputError(f"--engine {engine} knows no tiles. Leave out --tile, --processes and --scheduler.")
    source = first_part(pair.picture, pair.labels, pair.apart)
    kept = kept_sides(folder, tiling.wanted) if engine == "lattice" else None
    if kept is not None or tiling.is_asked_for:
        check_parameters(parameters)
        return InTiles(kept or _asked_sides(source, parameters, tiling), ())
    limit = read_limit(tiling.memory_limit)
    way = choose(source.picture, source.labels, parameters, limit, engine=engine, workers=workers)
    if isinstance(way, InTiles):
        for sentence in way.why:
            say(sentence.replace("memory_limit", "--memory-limit"))
        return way
    if not pair.apart:
        return way
    if isinstance(pair, Pair):
        return make_refiner(pair.picture, pair.labels, pair.apart, engine=engine, workers=workers)
    check_parameters(parameters)  # frame after frame, of which not all fit into memory at once
    return InTiles(source.shape, ())


def _asked_sides(source: Source, parameters: Parameters, tiling: Tiling) -> tuple[int, ...]:
    """Return the sides of tiles: as asked for, or as the memory allows."""
    spacing = source.picture.spacing
    if tiling.tile is not None:
        tile = tiling.tile if len(tiling.tile) > 1 else tiling.tile[0]
        return tile_sides(tile, source.shape, spacing, parameters)
    if tiling.scheduler is not None and tiling.memory_limit is None:  # whose memory nobody knows here
        return tile_sides(None, source.shape, spacing, parameters)
    limit = read_limit(tiling.memory_limit) // (tiling.processes or 1)
    way = choose(source.picture, source.labels, parameters, limit)
    return tile_sides(way.tile if isinstance(way, InTiles) else None, source.shape, spacing, parameters)


def job_in_memory(
    pair: Pair, parameters: Parameters, way: InTiles, tiling: Tiling, folder: Path, *, confidence: bool
) -> Job:
    """Return what refines an image in memory tile by tile, into arrays of which files are made afterwards."""
    labels, apart = pair.labels, pair.apart
    part = first_part(pair.picture, labels, apart)
    sides = tile_sides(way.tile, part.shape, part.picture.spacing, parameters)
    begin(folder, tiling.wanted, sides)
    chunks = sides_of_all(sides, labels.ndim, apart)
    results = scratch_results(folder, labels.shape, labels.dtype, chunks, confidence=confidence)
    return Job(pair.picture, labels, apart, parameters, results, folder, sides, tiling.wanted)


def run_tiles(job: Job, tiling: Tiling, workers: int | None, title: str) -> None:
    """Refine all tiles that are left, with a progress bar on the error stream."""
    count = len(job.parts)
    with _given_up(job), _said_when_stopped(), _client(tiling) as client, _bar() as show:
        for number in range(count):
            named = title if count == 1 else f"{title}, slice {number + 1} of {count}"
            run = _shown(job.prepare(number, workers, client), show, f"Preparing {named}")
            if run is None:
                continue
            if run.reason:
                stderr.print(f"{named}: {run.reason}", markup=False, soft_wrap=True)
            if run.found_done:
                stderr.print(f"{run.found_done} of {len(run.plan.tiles)} tiles were finished before and are kept.")
            _shown(run.steps(client, workers), show, f"Refining {named}")


def show_finishing(stores: "Sequence[Written]") -> None:
    """Build what belongs to results beside their full size, with a progress bar on the error stream."""
    with _said_when_stopped(), _bar() as show:
        for store in stores:
            _shown(store.finishing(), show, f"Finishing {above(store.place)[1]}")


def _shown(steps: Generator[Step, None, Any], show: Callable[[str, Step], None], title: str) -> Any:
    """Run a generator to its end and show where it stands; returns what it returns."""
    step = Step("", 0, 1)
    with closing(steps):
        while True:
            try:
                step = next(steps)
            except StopIteration as stop:
                show(title, Step("done", step.total, step.total))
                return stop.value
            show(title, step)


@contextmanager
def _bar() -> Iterator[Callable[[str, Step], None]]:
    """Yield what shows a step of a stage on the error stream; the time left is that of the stage."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=stderr, speed_estimate_period=_REMEMBERED) as bar:
        task, shown = bar.add_task("Starting", total=None), ("", 0, 0)

        def show(title: str, step: Step) -> None:
            nonlocal shown
            if shown[:2] != (title, step.total) or step.step < shown[2]:  # another stage: its time is its own
                bar.reset(task, total=step.total, completed=step.step)
            shown = title, step.total, step.step
            bar.update(task, description=f"{title}: {step.stage}", completed=step.step)

        yield show


@contextmanager
def _given_up(job: Job) -> Iterator[None]:
    """Leave nothing behind when an error comes before the first tile is finished."""
    try:
        yield
    except CoarseCRFError:
        from napari_coarse_crf.io.lazy.writing import Written  # here, as it brings zarr

        if not job.has_finished_tiles:
            for array in (job.results.labels, job.results.confidence):
                if isinstance(stored(array), Written):
                    stored(array).discard()
            job.finish()
        raise


@contextmanager
def _said_when_stopped() -> Iterator[None]:
    """Say how to go on after Ctrl-C, or when the system ends the process."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        stderr.print("Stopped. Finished tiles are kept: run the same command again to go on.")
        raise


@contextmanager
def _client(tiling: Tiling) -> Iterator[Any]:
    """Yield the client of what refines the tiles, None if this process does."""
    where: AbstractContextManager[Any] = nullcontext()
    if tiling.scheduler is not None:
        where = connected(tiling.scheduler)
    elif tiling.processes is not None:
        where = processes_here(tiling.processes)
    with where as client:
        if tiling.scheduler is not None:
            wait_for_workers(client, tiling.scheduler)
        yield client

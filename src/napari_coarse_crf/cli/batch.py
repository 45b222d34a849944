"""`napari-coarse-crf refine` for folders: one pair of files after the other, and what became of them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from napari_coarse_crf.cli.console import memory_note, run_steps, say, stderr, warn
from napari_coarse_crf.errors import CoarseCRFError
from napari_coarse_crf.io import files
from napari_coarse_crf.io.matching import match_files
from napari_coarse_crf.io.pairs import Reading, read_pair
from napari_coarse_crf.io.places import exists
from napari_coarse_crf.io.reading import read_bytes
from napari_coarse_crf.io.results import Task, encode_results, plan_tasks
from napari_coarse_crf.judging.words import choice_in_words
from napari_coarse_crf.parameters import Parameters
from napari_coarse_crf.refiner import EngineName, Refiner
from napari_coarse_crf.tiles.apart import make_refiner

_REMEMBERED = 3600.0
"""Seconds over which the speed is averaged; by default 30, in which a large image is not finished."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for every image.

    Attributes
    ----------
    reading : Reading
        How the files are read.
    parameters : Parameters
        Those to refine with.
    engine, workers
        As for `Refiner`.
    overwrite : bool
        Whether results that exist are made again.
    """

    reading: Reading
    parameters: Parameters
    engine: EngineName
    workers: int | None
    overwrite: bool


def refine_folders(image: Path, coarse: Path, out: Path, confidence_out: Path | None, settings: Settings) -> None:
    """Refine all pairs of files of two folders or patterns; leave with code 1 if one of them could not be."""
    matching = match_files({"image": image, "coarse": coarse})
    tasks = plan_tasks(matching.files.values(), out, confidence_out, settings.reading.mask)
    _check_settings(settings)
    for sentence in matching.left_out:
        warn(sentence)
    waiting = tasks if settings.overwrite else [task for task in tasks if not task.is_done]
    start = time.perf_counter()
    failures: list[str] = []
    if waiting:
        for result in waiting[0].results:
            files.make_folder(result.parent)
            files.check_writable(result, overwrite=True)
        failures = _refine_each(waiting, settings)
    for sentence in failures:
        stderr.print(f"Error: {sentence}", style="red", markup=False, soft_wrap=True)
    skipped = len(tasks) - len(waiting)
    counts = f"{len(waiting) - len(failures)} refined, {skipped} skipped, {len(failures)} failed"
    say(f"{counts}, {time.perf_counter() - start:.1f} s")
    if skipped:
        say("What has results already is skipped; --overwrite makes them again.")
    if failures:
        raise typer.Exit(1)


def _check_settings(settings: Settings) -> None:
    """Raise what would be wrong with every image."""
    Refiner(  # made for its checks
        np.array([[0, 255]], np.uint8), np.array([[1, 2]]), engine=settings.engine, workers=settings.workers
    )
    if settings.reading.mask is not None:
        read_bytes(settings.reading.mask, 1)


def _refine_each(tasks: Sequence[Task], settings: Settings) -> list[str]:
    """Refine with a progress bar on the error stream; return a sentence for each image that could not be refined."""
    failures = []
    told: set[str] = set()
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=stderr, speed_estimate_period=_REMEMBERED) as bar:
        shown = bar.add_task("Refining", total=len(tasks))
        for done, task in enumerate(tasks):
            bar.update(shown, description=f"Refining {task.coarse.name}", completed=done)

            def show(part: float, done: int = done) -> None:
                bar.update(shown, completed=done + part)

            try:
                _refine_one(task, settings, told, show)
            except CoarseCRFError as error:
                failures.append(f"{task.image.name}: {error}")
            except MemoryError:
                failures.append(f"{task.image.name}: The memory does not suffice for this image. Crop it.")
        bar.update(shown, description="Refining: done", completed=len(tasks))
    return failures


def _refine_one(task: Task, settings: Settings, told: set[str], progress: Callable[[float], None]) -> None:
    """Refine one pair of files and write what is wanted; the results of another run are not replaced unasked."""
    wanted = [path for path in task.results if settings.overwrite or not exists(path)]
    for path in wanted:
        files.check_writable(path, overwrite=True, inputs=(task.image, task.coarse))  # it may be a link to them
    pair = read_pair(task.image, task.coarse, settings.reading)
    refiner = make_refiner(pair.picture, pair.labels, pair.apart, engine=settings.engine, workers=settings.workers)
    # On the stream of the bar, above it: said once what is the same for all images.
    for sentence in (sentence for sentence in pair.said if sentence not in told):
        told.add(sentence)
        stderr.print(f"{task.image.name}: {sentence}", markup=False, soft_wrap=True)
    if sentence := memory_note(pair, refiner, settings.parameters):
        warn(f"{task.image.name}: {sentence}")
    refinement = run_steps(refiner, settings.parameters, lambda step: progress(step.step / max(step.total, 1)))
    for warning in (*pair.warnings, *refinement.warnings):
        warn(f"{task.image.name}: {warning}")
    if choice := choice_in_words(refinement):
        stderr.print(f"{task.image.name}: {choice}", markup=False, soft_wrap=True)
    refinement = replace(refinement, labels=pair.finished(refinement.labels))
    contents = encode_results(pair, refinement, task.labels, task.confidence)
    files.write_files({path: contents[path] for path in wanted}, overwrite=settings.overwrite)

"""`napari-coarse-crf evaluate`: how good refined labels are on images with fine labels, Table 1 of the source."""

from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table as PrintedTable

import napari_coarse_crf
from napari_coarse_crf.cli.console import say, stderr, stdout, warn
from napari_coarse_crf.cli.options import Preset, chosen_parameters, preset_file, with_parameter_options
from napari_coarse_crf.errors import InputError, ParameterError
from napari_coarse_crf.evaluation import tables
from napari_coarse_crf.evaluation.baselines import BASELINES, missing_baselines
from napari_coarse_crf.evaluation.cityscapes import read_cityscapes
from napari_coarse_crf.evaluation.dataset import Dataset, read_folders
from napari_coarse_crf.evaluation.scoring import COARSE, OURS, KeptScores, Plan, Watch, score_dataset
from napari_coarse_crf.inputs import UNLABELLED
from napari_coarse_crf.io import files

_NARROWEST, _BETWEEN = len("0.123"), 3  # characters: a column, and what rich puts between two


@with_parameter_options
def evaluate(
    *,
    images: Annotated[Path | None, typer.Option(help="The folder of the images.")] = None,
    coarse: Annotated[Path | None, typer.Option(help="The folder of the coarse labels, 0 = unlabelled.")] = None,
    fine: Annotated[Path | None, typer.Option(help="The folder of the fine labels, the truth.")] = None,
    ignore: Annotated[
        int | None, typer.Option(help="The id in fine labels of pixels that nobody knows; without, 0.")
    ] = None,
    cityscapes: Annotated[
        Path | None,
        typer.Option(help="In place of the three folders: that of Cityscapes, with leftImg8bit, gtCoarse and gtFine."),
    ] = None,
    split: Annotated[str | None, typer.Option(help="The part of Cityscapes: val or train; without, val.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write the tables too: .csv, .json, .md or .tex.")
    ] = None,
    scores: Annotated[
        Path,
        typer.Option(help="The folder that keeps each image's scores, so that a stopped run goes on; made if missing."),
    ] = Path("evaluation-scores"),
    limit: Annotated[int | None, typer.Option(help="Only so many images, the first by name.")] = None,
    baselines: Annotated[
        bool, typer.Option("--baselines", help=f"Score {', '.join(BASELINES)} (with a uniform unary) too; slower.")
    ] = False,
    images_at_once: Annotated[
        int | None, typer.Option(help="Images at a time; without, one for each core, at most 4.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Threads for one image; without, the cores are shared out.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a dask scheduler whose cluster reads the same folders.")
    ] = None,
    preset: Preset = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the file of the tables if it exists.")
    ] = False,
    changes: dict[str, Any],
) -> None:
    """Refine coarse labels of many images, compare them with fine ones and print accuracy and IoU by class.

    Files of the three folders belong together if their names are the same but for the type and the endings _image,
    _img, _coarse and _fine. Options below are the parameters, the same as in refine.
    """
    if out is not None:
        if out.suffix.lower() not in tables.ENCODERS:
            raise InputError(f"{out} should end in {', '.join(tables.ENCODERS)}: tables are written in these formats.")
        files.check_free(out, overwrite=overwrite, inputs=preset_file(preset))
    parameters = chosen_parameters(preset, changes)
    dataset = _limited(_dataset((images, coarse, fine), ignore, cityscapes, split), limit)
    plan = Plan(_methods(baselines), parameters, dataset.rules, workers)
    kept = KeptScores(scores, plan)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=stderr) as bar:
        task = bar.add_task("Evaluating", total=len(dataset.cases))
        found = score_dataset(
            dataset,
            plan,
            kept,
            images_at_once=images_at_once,
            scheduler=scheduler,
            progress=lambda done: bar.update(task, completed=done),
            watch=_Shown(bar),
        )
    settings = {"version": napari_coarse_crf.__version__, "parameters": parameters.to_dict()}
    report = tables.make_report(dataset, found, settings)
    _print_report(report)
    if not any(one.mean_accuracy for one in found[COARSE]):
        warn("No coarse label is right anywhere. Do the coarse and the fine maps number their classes alike?")
    say(f"Scores of single images are kept in {scores}")
    if out is not None:
        files.write_files({out: tables.ENCODERS[out.suffix.lower()](report)}, overwrite=overwrite)
        say(f"Wrote {out}")


class _Shown(Watch):
    """Shows a line for each image under way: its method, the how many-th, and for how long."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._lines: dict[str, TaskID] = {}
        self._told: set[str] = set()
        self._lock = Lock()  # several images at once

    def read(self, image: str, sentence: str) -> None:
        with self._lock:
            if sentence not in self._told:  # said once what is the same for all images
                self._told.add(sentence)
                stderr.print(f"{image}: {sentence}", markup=False, soft_wrap=True)

    def begin(self, image: str, method: str, number: int, count: int) -> None:
        self.end(image)  # the time is that of the method
        with self._lock:
            self._lines[image] = self._bar.add_task(f"{image}: {method}", total=count, completed=number - 1)

    def end(self, image: str) -> None:
        with self._lock:
            if image in self._lines:
                self._bar.remove_task(self._lines.pop(image))


def _dataset(
    folders: tuple[Path | None, Path | None, Path | None],
    ignore: int | None,
    cityscapes: Path | None,
    split: str | None,
) -> Dataset:
    images, coarse, fine = folders
    if cityscapes is not None:
        if any(folder is not None for folder in folders) or ignore is not None:
            raise InputError(
                "--cityscapes brings its own folders and rules: leave out --images, --coarse, --fine, --ignore."
            )
        return read_cityscapes(cityscapes, split or "val")
    if images is None or coarse is None or fine is None:
        raise InputError("Give the three folders --images, --coarse and --fine, or --cityscapes with that data set's.")
    if split is not None:
        raise InputError("--split belongs to --cityscapes. To evaluate a part of other folders, use --limit.")
    dataset = read_folders(images, coarse, fine, ignore=UNLABELLED if ignore is None else ignore)
    for sentence in dataset.left_out:
        warn(sentence)
    return dataset


def _limited(dataset: Dataset, limit: int | None) -> Dataset:
    if limit is not None and limit < 1:
        raise ParameterError(f"limit is {limit}; it must be a whole number from 1 up.")
    return replace(dataset, cases=dataset.cases[:limit])


def _methods(baselines: bool) -> tuple[str, ...]:
    if not baselines:
        return COARSE, OURS
    missing = missing_baselines()
    for name in missing:
        warn(f'{name} is not installed and left out. pip install "napari-coarse-crf[{name}]" adds it.')
    return COARSE, OURS, *(name for name in BASELINES if name not in missing)


def _print_report(report: tables.Report) -> None:
    """Print all tables, wide ones in parts that fit the terminal."""
    # What goes into a file or a pipe is not cut at any width.
    wide = stdout if stdout.is_terminal else Console(highlight=False, width=10_000)
    say(f"{report.dataset}: {report.images} image{'s' * (report.images != 1)}\n")
    for table in report.tables:
        say(f"{table.title[0].upper()}{table.title[1:]}")
        for start, stop in _parts(table):
            printed = PrintedTable(box=box.SIMPLE_HEAD, pad_edge=False)
            printed.add_column("method", no_wrap=True)
            for column in table.columns[start:stop]:
                printed.add_column(column.replace(" ", "\n"), justify="right", no_wrap=True)
            for name, *cells in table.cells():
                printed.add_row(name, *cells[start:stop])
            wide.print(printed)
    if report.source:
        say(report.source)


def _parts(table: tables.Table) -> list[tuple[int, int]]:
    """Return (start, stop) ranges of columns, each narrow enough for the terminal."""
    widths = [max(_NARROWEST, *map(len, column.split())) + _BETWEEN for column in table.columns]
    if not stdout.is_terminal:
        return [(0, len(widths))]
    free = stdout.width - max(len(name) for name, _ in table.rows) - _BETWEEN
    parts, start, used = [], 0, 0
    for index, width in enumerate(widths):
        if used + width > free and index > start:
            parts.append((start, index))
            start, used = index, 0
        used += width
    return [*parts, (start, len(widths))]

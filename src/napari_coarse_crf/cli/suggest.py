"""`napari-coarse-crf suggest`: parameters from the labels themselves, printed and kept as a preset."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from napari_coarse_crf.cli.console import say, stderr, stdout, tell
from napari_coarse_crf.cli.options import read_place, with_reading_options
from napari_coarse_crf.compute.arrays import LabelArray
from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.io import files
from napari_coarse_crf.io.lazy.pairs import LazyPair, open_pair
from napari_coarse_crf.io.lazy.places import is_lazy
from napari_coarse_crf.io.pairs import Pair, Reading, read_pair
from napari_coarse_crf.parameters import Parameters
from napari_coarse_crf.running.sample import sample_boxes
from napari_coarse_crf.suggest.search import Suggestion, search_parameters
from napari_coarse_crf.tiles.apart import sample_parts


@with_reading_options
def suggest(
    *,
    image: Annotated[
        str,
        typer.Argument(
            help="The image: PNG, TIFF, OME-Zarr or a zarr array, grey, colour or with any number of channels; a path "
            "or a URL. Of a large one a few parts are looked at.",
        ),
    ],
    coarse: Annotated[str, typer.Argument(help="The coarse labels, 0 = unlabelled, in the same formats.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write the parameters as JSON, for `refine --preset FILE`.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that exists.")] = False,
    reading: Reading,
) -> None:
    """Suggest weights: hide part of your labels, refine from the rest, and see which weights find them again.

    The defaults stay unless others are clearly better. `refine` does the same for each image by itself, unless it is
    given weights; this shows what was tried, and keeps the choice for other images.
    """
    pictured, painted = read_place(image), read_place(coarse)
    given = [pictured, painted, *([] if reading.mask is None else [reading.mask])]
    if out is not None:
        files.check_free(out, overwrite=overwrite, inputs=tuple(path for path in given if isinstance(path, Path)))
    are_lazy = any(map(is_lazy, given))
    pair = open_pair(pictured, painted, reading) if are_lazy else read_pair(Path(image), Path(coarse), reading)
    tell(pair)
    suggestion = _suggest([pair])
    if suggestion.trials:
        stdout.print(_table(suggestion))
    say(suggestion.reason)
    if out is not None:
        files.write_files({out: suggestion.parameters.to_json().encode()}, overwrite=overwrite)
        say(f"Wrote {out}")


def _sample(pair: Pair | LazyPair) -> list[tuple[Picture, LabelArray]]:
    """Return what stands for a pair: itself, or a few parts if these are refined each on its own or it is lazy."""
    if isinstance(pair, LazyPair):
        return sample_boxes(pair.picture, pair.labels, pair.apart)
    return sample_parts(pair.picture, pair.labels, pair.apart)


def _suggest(pairs: Sequence[Pair | LazyPair]) -> Suggestion:
    """Suggest parameters for all pairs with a progress bar on the error stream."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=stderr) as bar:
        task = bar.add_task("Trying parameters on hidden labels", total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        parts = [part for pair in pairs for part in _sample(pair)]
        return search_parameters(parts, show)


def suggest_for(pairs: Sequence[Pair | LazyPair], changes: dict[str, Any]) -> Parameters:
    """Return suggested parameters with what the person changed, and say why these."""
    suggestion = _suggest(pairs)
    say(suggestion.reason)
    return suggestion.parameters.replace(**changes)


def _table(suggestion: Suggestion) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title="What hidden labels say, in mean IoU", title_justify="left")
    table.add_column("set")
    for heading in ("gain promised", "gain when hidden", "IoU when hidden"):
        table.add_column(heading, justify="right")
    for trial in suggestion.trials:
        table.add_row(trial.name, f"{trial.gain:+.3f}", f"{trial.hidden_gain:+.3f}", f"{trial.score:.3f}")
    return table

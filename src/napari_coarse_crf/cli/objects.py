"""`napari-coarse-crf objects`: from a class of a label map to an id for each of its objects, and a table of them."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from napari_coarse_crf.cli.console import say, warn
from napari_coarse_crf.cli.options import Spacing, read_numbers
from napari_coarse_crf.compute.arrays import LabelArray
from napari_coarse_crf.errors import InputError
from napari_coarse_crf.inputs import UNLABELLED
from napari_coarse_crf.io import files
from napari_coarse_crf.io.places import real_path
from napari_coarse_crf.io.results import encode_objects
from napari_coarse_crf.io.scale import read_scale
from napari_coarse_crf.objects import NECK, NECK_HELP, SMALLEST_HELP, measure_objects, split_objects

_MOST_NAMED = 8


def find_objects(
    *,
    labels: Annotated[Path, typer.Argument(help="The label map, refined or any other: PNG or TIFF of label ids.")],
    label: Annotated[int, typer.Option("--label", help="The id of the class whose objects are told apart.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Where the ids of the objects go, 1, 2, 3...: .png, .tif or .tiff."),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(help="Where the table goes, as CSV: id, class, area, centre, box and mean confidence."),
    ] = None,
    confidence: Annotated[
        Path | None, typer.Option(help="What `refine --confidence-out` wrote, for the table.")
    ] = None,
    neck: Annotated[float, typer.Option(help=NECK_HELP)] = NECK,
    smallest: Annotated[int, typer.Option(help=SMALLEST_HELP)] = 0,
    spacing: Spacing = None,
    each_slice: Annotated[
        bool | None,
        typer.Option(
            "--each-slice/--volume",
            help="Find objects in each plane of a stack on its own, or through all, time too; without, in each frame "
            "on its own and through depth.",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")] = False,
) -> None:
    """Give each object of a class an id of its own: its connected parts, split where they are narrow.

    The ids lie where the labels do: axes and pixel size are carried over, and areas are in its units.
    """
    _check_targets(out, table, tuple(path for path in (labels, confidence) if path is not None), overwrite=overwrite)
    stored = files.read_labels(labels)
    for note in stored.notes:
        warn(note)
    if out is not None:
        files.check_plane_fits(stored.ids.shape, out)
    _check_label(labels, stored.ids, label)
    sure = None if confidence is None else files.read_confidence(confidence, stored)
    scale = read_scale(stored, read_numbers(spacing), each_slice=each_slice)
    for sentence in scale.said:
        say(sentence)
    ids = split_objects(stored.ids, label, spacing=scale.spacing, neck=neck, smallest=smallest, apart=scale.apart)
    measured = measure_objects(ids, labels=stored.ids, confidence=sure, spacing=scale.sizes)
    contents = {}
    if out is not None:
        files.check_labels_fit(ids, out)
        contents[out] = files.encode_labels(ids, out, axes=scale.axes, grid=stored.grid)
    if table is not None:
        contents[table] = encode_objects(measured, scale.size_unit)
    files.write_files(contents, overwrite=overwrite)
    pixels = measured["pixels"]
    spread = f", {pixels.min()} to {pixels.max()} pixels, {np.median(pixels):g} in the median" if len(pixels) else ""
    say(f"{len(pixels)} object{'s' * (len(pixels) != 1)} of label {label}{spread}")
    for target in contents:
        say(f"Wrote {target}")


def _check_targets(out: Path | None, table: Path | None, inputs: tuple[Path, ...], *, overwrite: bool) -> None:
    """Find out before any work whether the results can be written."""
    if out is not None and table is not None and real_path(out) == real_path(table):
        raise InputError("--out and --table name the same file. Give each a name of its own.")
    if out is not None:
        files.check_writable(out, overwrite=overwrite, inputs=inputs)
    if table is not None:
        files.check_free(table, overwrite=overwrite, inputs=inputs)


def _check_label(path: Path, ids: LabelArray, label: int) -> None:
    found = np.unique(ids)
    if label in found:
        return
    named = [str(one) for one in found if one != UNLABELLED]
    others = ", ".join(named[:_MOST_NAMED]) + (", ..." if len(named) > _MOST_NAMED else "")
    raise InputError(f"{path} has no pixel of label {label}. Its labels are {others or 'none'}: give one as --label.")

"""`napari-coarse-crf refine`: an image and its coarse labels to refined labels; folders of them see `batch`."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, cast

import numpy as np
import typer

from napari_coarse_crf.cli.batch import Settings, refine_folders
from napari_coarse_crf.cli.console import memory_note, run_refiner, say, tell, warn
from napari_coarse_crf.cli.options import (
    Preset,
    Tiling,
    chosen_parameters,
    preset_file,
    read_place,
    with_parameter_options,
    with_reading_options,
    with_tiling_options,
)
from napari_coarse_crf.cli.places import Places
from napari_coarse_crf.cli.summary import print_summary
from napari_coarse_crf.cli.tiled import choose_way, job_in_memory, run_tiles
from napari_coarse_crf.compute.arrays import LabelArray
from napari_coarse_crf.errors import InputError
from napari_coarse_crf.inputs import UNLABELLED
from napari_coarse_crf.io import files
from napari_coarse_crf.io.lazy.places import is_zarr
from napari_coarse_crf.io.matching import holds_several
from napari_coarse_crf.io.pairs import Reading, read_pair
from napari_coarse_crf.io.places import real_path
from napari_coarse_crf.io.results import encode_results
from napari_coarse_crf.judging.words import choice_in_words
from napari_coarse_crf.refinement import Refinement
from napari_coarse_crf.refiner import EngineName
from napari_coarse_crf.running.job import Job
from napari_coarse_crf.running.unfinished import unfinished_folder
from napari_coarse_crf.tiles.choice import InTiles


@with_parameter_options
@with_tiling_options
@with_reading_options
def refine(
    *,
    image: Annotated[
        str,
        typer.Argument(
            help="The image: PNG, TIFF, OME-Zarr or a zarr array, grey, colour or with any number of channels; a path "
            "or a URL. Or a folder of images, or a quoted pattern such as 'cells/*_image.tif'.",
        ),
    ],
    coarse: Annotated[
        str,
        typer.Argument(
            help="The coarse labels, 0 = unlabelled, in the same formats; image.zarr/labels/NAME for those in an "
            "image. Or a folder, or a pattern.",
        ),
    ],
    out: Annotated[
        Any,
        typer.Option(
            "--out",
            "-o",
            parser=read_place,
            metavar="PATH",
            help="Where the refined labels go: .png, .tif or .zarr, or image.zarr/labels/NAME. For folders a folder, "
            "made if missing, in which they have the names of the coarse labels.",
        ),
    ],
    confidence_out: Annotated[
        Any,
        typer.Option(
            parser=read_place,
            metavar="PATH",
            help="Write the confidence too: 0 to 1 in a TIFF or zarr, 0 to 65535 in a PNG. For folders another folder.",
        ),
    ] = None,
    preset: Preset = None,
    engine: Annotated[str, typer.Option(help="lattice, or pydensecrf where it is installed.")] = "lattice",
    workers: Annotated[int | None, typer.Option(help="Threads; without, as many as the process may use.")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that exist; without, those of folders are skipped.")
    ] = False,
    reading: Reading,
    tiling: Tiling,
    changes: dict[str, Any],
) -> None:
    """Refine the coarse labels of an image: every unlabelled pixel gets the label that fits it best.

    Your own labels are never changed. Files of folders belong together if their names are the same but for the type and
    the endings _image, _img and _coarse; a mask is that of all images. What does not fit into memory is refined in
    tiles. The same command goes on with a run that was stopped or killed. Options below are the parameters, the same as
    in the plugin.
    """
    parameters = chosen_parameters(preset, changes)
    # The engine's name is refused by a Refiner, in words, if there is no such engine.
    settings = Settings(reading, parameters, cast("EngineName", engine), workers, overwrite)
    places = Places(
        read_place(image), read_place(coarse), out, settings.reading.mask, confidence_out, preset_file(preset)
    )
    several = [place for place in (places.image, places.coarse) if isinstance(place, Path) and holds_several(place)]
    if places.are_lazy:
        if listed := [place for place in several if not is_zarr(place)]:
            raise InputError(
                f"{listed[0]} stands for several files, which are read from folders of PNG and TIFF files and written "
                "to another folder. Give three folders."
            )
        from napari_coarse_crf.cli.lazy import refine_lazily  # here: zarr and fsspec take a fifth of a second

        refine_lazily(places, settings, tiling)
    elif several:
        if tiling != Tiling():
            raise InputError("Images of folders are refined at once each. Leave out the options for large images.")
        refine_folders(Path(image), Path(coarse), out, confidence_out, settings)
    else:
        _refine_files(Path(image), Path(coarse), out, confidence_out, settings, tiling, preset_file(preset))


def _refine_files(
    image: Path,
    coarse: Path,
    out: Path,
    confidence_out: Path | None,
    settings: Settings,
    tiling: Tiling,
    preset: tuple[Path, ...],
) -> None:
    """Refine one pair of files and say what came of it."""
    if confidence_out is not None and real_path(confidence_out) == real_path(out):
        raise InputError("--out and --confidence-out name the same file. Give each a name of its own.")
    targets = [out] if confidence_out is None else [out, confidence_out]
    inputs = tuple(path for path in (image, coarse, settings.reading.mask, *preset) if path is not None)
    for target in targets:
        files.check_writable(target, overwrite=settings.overwrite, inputs=inputs)
    pair = read_pair(image, coarse, settings.reading)
    files.check_labels_fit(pair.stored, out)
    if confidence_out is not None:
        files.check_plane_fits(pair.labels.shape, confidence_out)

    start = time.perf_counter()
    tell(pair)
    parameters = settings.parameters
    folder, job = unfinished_folder(out), None
    way = choose_way(pair, parameters, tiling, folder, settings)
    if isinstance(way, InTiles):
        job = job_in_memory(pair, parameters, way, tiling, folder, confidence=confidence_out is not None)
        refinement = _refined_in_tiles(job, tiling, settings.workers, coarse.name)
    else:
        if sentence := memory_note(pair, way, parameters):
            warn(sentence)
        refinement = run_refiner(way, parameters, f"Refining {coarse.name}")
    refinement = replace(refinement, labels=pair.finished(refinement.labels))
    contents = encode_results(pair, refinement, out, confidence_out)
    files.write_files(contents, overwrite=settings.overwrite)
    if job is not None:
        job.finish()
    what = f"{refinement.iterations} iterations" if job is None else f"{job.tiles} tiles"
    took, choice = f"{what}, {time.perf_counter() - start:.1f} s", choice_in_words(refinement)
    print_summary(_counts(pair.stored, refinement.labels), pair.stored.size, refinement.warnings, took, choice)
    for target in contents:
        say(f"Wrote {target}")


def _refined_in_tiles(job: Job, tiling: Tiling, workers: int | None, title: str) -> Refinement:
    """Refine tile by tile and return the whole in memory."""
    run_tiles(job, tiling, workers, title)
    labels = np.asarray(job.results.labels[:])
    confidence = labels != UNLABELLED if job.results.confidence is None else job.results.confidence[:]
    counts, warnings = job.counts, tuple(job.warnings)
    known = np.asarray(confidence, np.float32)
    return Refinement(labels, known, job.chosen, job.chosen.iterations, counts, warnings)


def _counts(painted: LabelArray, refined: LabelArray) -> dict[int, tuple[int, int]]:
    """Return how many pixels each label has before and after, all over the image."""
    before, after = (
        dict(zip(*(column.tolist() for column in np.unique(labels, return_counts=True)), strict=True))
        for labels in (painted, refined)
    )
    return {label_id: (before.get(label_id, 0), count) for label_id, count in after.items()}

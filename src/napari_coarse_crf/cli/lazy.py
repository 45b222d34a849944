"""`napari-coarse-crf refine` for images that are read part by part: OME-Zarr, zarr, large TIFF files and URLs."""

import math
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_coarse_crf.cli.batch import Settings
from napari_coarse_crf.cli.console import run_refiner, say, tell
from napari_coarse_crf.cli.options import Tiling
from napari_coarse_crf.cli.places import Places
from napari_coarse_crf.cli.summary import print_summary
from napari_coarse_crf.cli.tiled import choose_way, run_tiles, show_finishing
from napari_coarse_crf.errors import InputError
from napari_coarse_crf.io.files import TIFF
from napari_coarse_crf.io.lazy.chunks import align
from napari_coarse_crf.io.lazy.pairs import LazyPair, open_pair
from napari_coarse_crf.io.lazy.places import Place, above, is_url, is_zarr
from napari_coarse_crf.io.lazy.remote import reached
from napari_coarse_crf.io.lazy.stores import check_place, unfinished_run
from napari_coarse_crf.io.lazy.writing import Written, create_confidence, create_labels, reopen
from napari_coarse_crf.io.lazy.zarrs import open_label_map
from napari_coarse_crf.io.places import real_path
from napari_coarse_crf.judging.words import choice_in_words
from napari_coarse_crf.parameters import Parameters
from napari_coarse_crf.running.job import Job, shape_of_part, sides_of_all
from napari_coarse_crf.running.planes import stored
from napari_coarse_crf.running.restored import Restored
from napari_coarse_crf.running.results import Results
from napari_coarse_crf.running.unfinished import begin, begun, remove_partial, remove_run, unfinished_folder
from napari_coarse_crf.tiles.choice import InTiles
from napari_coarse_crf.tiles.sides import tile_sides


def refine_lazily(places: Places, settings: Settings, tiling: Tiling) -> None:
    """Refine an image that is read part by part, at once where it fits into memory, and say what came of it."""
    places = replace(places, coarse=_label_map(places.coarse))
    if tiling.scheduler is not None:
        places = places.for_others()
    if places.confidence is not None and _whole(places.confidence) == _whole(places.out):
        raise InputError("--out and --confidence-out name the same file. Give each a name of its own.")
    for target in places.targets:
        if not is_url(target) and not is_zarr(target) and Path(target).suffix.lower() not in TIFF:
            raise InputError(f"{target} should end in .zarr, .tif or .tiff, which are written part by part.")
        check_place(target, overwrite=settings.overwrite, inputs=places.inputs)
    pair = open_pair(places.image, places.coarse, settings.reading, mask=places.mask)
    tell(pair)
    start = time.perf_counter()
    parameters = settings.parameters
    folder, title = unfinished_folder(places.out), above(places.coarse)[1]
    way = choose_way(pair, parameters, tiling, folder, settings)
    if isinstance(way, InTiles):
        sides = _sides(pair, way, tiling, parameters)
        begin(folder, tiling.wanted, sides)
        results = _open_results(places, pair, sides, overwrite=settings.overwrite)
        job = Job(pair.picture, pair.labels, pair.apart, parameters, results, folder, sides, tiling.wanted)
        run_tiles(job, tiling, settings.workers, title)
        show_finishing(_stores(results))
        job.finish()
        counts, warnings, choice, what = job.counts, job.warnings, "", f"{job.tiles} tiles"
    else:
        sides = _sides(pair, InTiles(None, ()), tiling, parameters)
        alone = nullcontext() if is_url(places.out) else begun(folder, tiling.wanted)
        with alone:
            refinement = run_refiner(way, parameters, f"Refining {title}")
            results = _open_results(places, pair, sides, overwrite=settings.overwrite)
        results.put(refinement.labels, refinement.confidence)
        show_finishing(_stores(results))
        remove_run(folder)
        counts, warnings = refinement.label_counts, list(refinement.warnings)
        choice, what = choice_in_words(refinement), f"{refinement.iterations} iterations"
    took = f"{what}, {time.perf_counter() - start:.1f} s"
    print_summary(counts, math.prod(pair.labels.shape), warnings, took, choice)
    for target in places.targets:
        say(f"Wrote {target}")


def _whole(place: Place) -> Place:
    return place if isinstance(place, str) else real_path(place)


def _label_map(place: Place) -> Place:
    """Return where the labels lie that are meant by the place of their image: no result may replace them."""
    if not is_zarr(place):
        return place
    with reached(place):
        _, found = open_label_map(place)
    return found


def _sides(pair: LazyPair, way: InTiles, tiling: Tiling, parameters: Parameters) -> tuple[int, ...]:
    """Return the sides of tiles, of which chunks are large unless a person asked for just these."""
    shape = shape_of_part(pair.labels.shape, pair.apart)
    spacing = pair.picture.spacing
    left = None if spacing is None else [size for axis, size in enumerate(spacing) if axis not in pair.apart]
    sides = tile_sides(way.tile, shape, left, parameters)
    return sides if tiling.tile is not None else align(shape, sides)[0]


def _open_results(places: Places, pair: LazyPair, sides: tuple[int, ...], *, overwrite: bool) -> Results:
    """Return the arrays that results are written into, perhaps with the tiles of an unfinished run.

    What another run has finished by now is replaced only where that was asked for.
    """
    for target in places.targets:
        check_place(target, overwrite=overwrite)
    tile = sides_of_all(sides, len(pair.labels.shape), pair.apart)
    dtype = np.dtype(pair.labels.dtype).newbyteorder("=")
    labels = _unfinished(places.out, pair, dtype, tile, are_labels=True) or create_labels(
        places.out, pair.ground, dtype, tile=tile, colours=pair.colours, overwrite=True
    )
    confidence = None
    if places.confidence is not None:
        confidence = _unfinished(
            places.confidence, pair, np.dtype(np.float32), tile, are_labels=False
        ) or create_confidence(places.confidence, pair.ground, tile=tile, overwrite=True)
    return Results(Restored(labels, pair.void) if pair.void.is_anywhere else labels, confidence)


def _unfinished(
    place: Place, pair: LazyPair, dtype: np.dtype[Any], tile: tuple[int, ...], *, are_labels: bool
) -> Written | None:
    """Return an unfinished result that may be gone on with; None if there is none, or one of another image."""
    if unfinished_run(place) is None:
        return None
    colours = pair.colours if are_labels else None
    try:
        found = reopen(place, pair.ground, tile=tile, colours=colours, are_labels=are_labels)
    except InputError:
        return None
    if found.dtype != dtype:
        return None
    remove_partial(found.store)
    return found


def _stores(results: Results) -> list[Written]:
    """Return what is to be finished."""
    return [stored(array) for array in (results.labels, results.confidence) if array is not None]

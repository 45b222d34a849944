"""What is large: an image in tiles beside the same at once, an id for each of thousands of cells, volumes.

Every peak is that of a process of its own, which reads image and labels from files; what is compiled is in the cache
before.
"""

from __future__ import annotations

import math
import os
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from cases import cells, scattered, strokes_in_volume, volume
from fields import describe_case, make_inputs
from memory import UNKNOWN
from own_process import measure
from rows import OF_RIVAL, Row, alone, compare
from tiled import near_seams
from turns import in_turn, timed
from whole import refine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from own_process import Measured
    from session import Session

_TILE, _QUICK_TILE = 1024, 96
_IDS, _QUICK_IDS = 5000, 80
_SIDE, _QUICK_SIDE = 512, 64  # of a volume
_SPACING = [3, 1, 1]


def measure_tiles(session: Session) -> Iterator[Row]:
    """Measure tiles of 1024 px beside all at once: time, peak memory, and how many pixels are equal."""
    image, labels = make_inputs(*session.size(4096, 2048), 19, 0.02)
    tile = _QUICK_TILE if session.quick else _TILE
    case = f"{describe_case(labels)}, tiles of {tile} px"
    with TemporaryDirectory() as name:
        folder = _store(Path(name), image, labels)
        sides = {"once": partial(measure, "once", folder), "tiles": partial(measure, "tiles", folder, tile=tile)}
        found = in_turn(session, f"tiles, {case}", sides, [_once_before(image)])
        equal = np.load(folder / "once.npy") == np.load(folder / "tiles.npy")
    seconds = {how: [one.seconds for one in runs] for how, runs in found.items()}
    yield compare("tiles: time", case, seconds["tiles"], seconds["once"], rival_name="at once", meaning=OF_RIVAL)
    yield _peak("tiles: peak memory of the process", case, found["tiles"], found["once"])
    yield alone("tiles: pixels equal to those at once", case, [float(equal.mean())], unit="")
    seams = equal[near_seams(labels.shape, tile)]
    yield alone("tiles: pixels equal beside seams", case, [float(seams.mean())], unit="")


def measure_ids(session: Session) -> Iterator[Row]:
    """Measure thousands of cells with an id each beside the same strokes in 20 labels: time and peak memory."""
    count = _QUICK_IDS if session.quick else _IDS
    image, labels = cells(*session.size(2048, 2048), count)
    classes = np.where(labels > 1, 2 + labels % 19, labels)
    case = f"{describe_case(labels)}, one for each cell"
    sides = {name: timed(partial(refine, image, given)) for name, given in (("ids", labels), ("classes", classes))}
    seconds = in_turn(session, f"ids, {case}", sides, sides.values())
    name = "ids of cells: time"
    yield compare(name, case, seconds["ids"], seconds["classes"], rival_name="20 labels", meaning=OF_RIVAL)
    with TemporaryDirectory() as folder:
        path = _store(Path(folder), image, labels)
        yield _peak("ids of cells: peak memory of the process", case, [measure("once", path)])
        if not session.quick:  # compiling takes as long for a tiny image
            with TemporaryDirectory() as cache:
                cold = measure("once", path, os.environ | {"NUMBA_CACHE_DIR": cache}, cold=True)
            yield alone("ids of cells: time with an empty cache", case, [cold.seconds])


def measure_volumes(session: Session) -> Iterator[Row]:
    """Measure volumes with planes three pixels apart, at once and by tiles: time and peak memory."""
    height = width = _QUICK_SIDE if session.quick else _SIDE
    for how, planes in (("once", 64), ("tiles", 256)):
        shape = (planes * height // _SIDE, height, width)
        labels = strokes_in_volume(shape, 4)
        image = volume(shape)
        case = f"{' x '.join(map(str, shape))}, {len(np.unique(labels)) - 1} labels"
        options: dict[str, Any] = {"spacing": _SPACING}
        if how == "tiles" and session.quick:
            options["tile"] = [shape[0], height // 2, width]
        with TemporaryDirectory() as folder:
            path = _store(Path(folder), image, labels)
            session.say(f"volume, {case}")
            found = measure(how, path, **options)
        name = {"once": "volume", "tiles": "volume by tiles"}[how]
        yield alone(f"{name}: time", case, [found.seconds])
        yield _peak(f"{name}: peak memory of the process", case, [found])


def _store(folder: Path, image: np.ndarray, labels: np.ndarray) -> Path:
    np.save(folder / "image.npy", image)
    np.save(folder / "labels.npy", labels)
    return folder


def _once_before(image: np.ndarray) -> partial[np.ndarray]:
    """Return what fills the cache: a corner of an image, refined."""
    corner = image[:64, :64]
    return partial(refine, corner, scattered(corner.shape[:2], 19))


def _peak(name: str, case: str, ours: list[Measured], rival: list[Measured] | None = None) -> Row:
    """Return the row of the peak memory of some processes, beside that of others where there are any."""
    peaks, others = ([one.peak_mb for one in runs] for runs in (ours, rival or []))
    if any(map(math.isnan, peaks)):
        return Row(name, case, "MB", None, note=UNKNOWN)
    if rival is None:
        return alone(name, case, peaks, unit="MB")
    return compare(name, case, peaks, others, rival_name="at once", meaning=OF_RIVAL, unit="MB")

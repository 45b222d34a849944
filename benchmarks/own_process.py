"""One refinement in a process of its own: prints how long it took and the peak memory of the process as JSON.

python benchmarks/own_process.py once|tiles FOLDER ['{"tile": 1024, "spacing": [3, 1, 1]}']

Image and labels lie in the folder as `image` and `labels`, the result goes there as `once` or `tiles`: files of numpy,
or of zarr where the image is one. What is compiled is loaded before the clock starts.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from memory_process import peak_mb

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class Measured:
    """What one process told.

    Attributes
    ----------
    planning, refining : float
        Seconds: until the first tile is begun, and from there to the end.
    peak_mb : float
        Peak memory of the process; NaN where the system does not tell.
    tiles : int
        How many there were.
    pixels : int
        How many were refined, halos included.
    """

    planning: float
    refining: float
    peak_mb: float
    tiles: int
    pixels: int

    @property
    def seconds(self) -> float:
        """How long all of it took."""
        return self.planning + self.refining


def measure(how: str, folder: Path, environment: Mapping[str, str] | None = None, **options: Any) -> Measured:
    """Refine what lies in a folder in a process of its own."""
    command = [sys.executable, __file__, how, str(folder), json.dumps(options)]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
    found = json.loads(answer.splitlines()[-1])
    return Measured(**found | {"peak_mb": math.nan if found["peak_mb"] is None else found["peak_mb"]})


def make_array(folder: Path, name: str, shape: tuple[int, ...], dtype: Any, chunks: tuple[int, ...] | None) -> Any:
    """Return a new array in a folder, to be written part by part: of zarr in these chunks, or of numpy without."""
    if chunks is None:
        return np.lib.format.open_memmap(folder / f"{name}.npy", "w+", dtype, shape)
    import zarr  # here: processes that have no use for it shall not pay for it

    return zarr.create_array(str(folder / f"{name}.zarr"), shape=shape, dtype=dtype, chunks=chunks, overwrite=True)


def open_array(folder: Path, name: str) -> Any:
    """Return an array of a folder, to be read part by part."""
    if (folder / f"{name}.npy").exists():
        return np.load(folder / f"{name}.npy", mmap_mode="r")
    import zarr

    return zarr.open_array(str(folder / f"{name}.zarr"), mode="r")


def refine_once(
    image: Any, labels: Any, out: Callable[[], Any], spacing: Any = None, parameters: Any = None
) -> dict[str, Any]:
    """Refine at once what is read into memory first; without parameters, the labels choose the weights."""
    from napari_coarse_crf import Parameters, Refiner

    start = time.perf_counter()
    chosen = None if parameters is None else Parameters.from_dict(parameters)
    refined = Refiner(np.asarray(image), np.asarray(labels), spacing=spacing).run(chosen).labels
    out()[:] = refined
    return {"planning": 0.0, "refining": time.perf_counter() - start, "tiles": 1, "pixels": refined.size}


def refine_in_tiles(
    image: Any, labels: Any, out: Callable[[], Any], spacing: Any = None, tile: Any = None, parameters: Any = None
) -> dict[str, Any]:
    """Refine tile by tile from store to store, and tell on a terminal how far it is."""
    from napari_coarse_crf import Parameters
    from napari_coarse_crf.compute.parallel import finish
    from napari_coarse_crf.inputs import Picture
    from napari_coarse_crf.tiles.plan import plan_tiles

    start = time.perf_counter()
    chosen = None if parameters is None else Parameters.from_dict(parameters)
    plan = finish(plan_tiles(Picture(image, spacing=spacing), labels, chosen, tile=tile))
    planned, written = time.perf_counter(), out()
    for number, one in enumerate(plan.tiles):
        if sys.stderr.isatty():
            passed = time.perf_counter() - planned
            left = passed / max(1, number) * (len(plan.tiles) - number)
            print(f"\rtile {number + 1} of {len(plan.tiles)}, {left:.0f} s left ", end="", file=sys.stderr, flush=True)
        written[one.core] = plan.refine(one).labels
    pixels = sum(int(np.prod([side.stop - side.start for side in one.region])) for one in plan.tiles)
    taken = {"planning": planned - start, "refining": time.perf_counter() - planned}
    return taken | {"tiles": len(plan.tiles), "pixels": pixels}


HOW: dict[str, Callable[..., dict[str, Any]]] = {"once": refine_once, "tiles": refine_in_tiles}


def load_compiled(image: Any, ndim: int) -> None:
    """Refine a corner, so that what is compiled need not be loaded while the clock runs."""
    from napari_coarse_crf import refine_labels

    corner = np.asarray(image[(slice(0, 16),) * ndim])
    labels = np.zeros(corner.shape[:ndim], np.uint8)
    labels.flat[0], labels.flat[-1] = 1, 2
    refine_labels(corner, labels)


def main(how: str, folder: Path, *, cold: bool = False, **options: Any) -> None:
    """Measure; `cold`: with whatever must be compiled or loaded first."""
    image, labels = open_array(folder, "image"), open_array(folder, "labels")
    chunks = getattr(labels, "chunks", None)
    warnings.simplefilter("ignore")  # that a label took nothing does not matter here
    if not cold:
        load_compiled(image, len(labels.shape))
    found = HOW[how](image, labels, lambda: make_array(folder, how, labels.shape, labels.dtype, chunks), **options)
    print(json.dumps(found | {"peak_mb": peak_mb()}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), **json.loads(sys.argv[3] if sys.argv[3:] else "{}"))

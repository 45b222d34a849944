"""A tiled BigTIFF file, with smaller sizes, from arrays that do not fit into memory."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from napari_coarse_crf.io.beside import clear_left, name_beside
from napari_coarse_crf.io.grid import describe
from napari_coarse_crf.io.places import real_path
from napari_coarse_crf.refinement import Progress

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_coarse_crf.io.grid import Grid
    from napari_coarse_crf.io.lazy.stored import Lazy

_TILE = 512
_SMALLER = 1  # the file type of what is of reduced size


def write_bigtiff(levels: Sequence[Lazy], path: Path, axes: str, grid: Grid) -> Generator[Progress, None, None]:
    """Write a picture at all its sizes into a file, which has its name only when it is whole.

    Parameters
    ----------
    levels : sequence of array
        The full size first; the last two axes are those of a plane.
    path : Path
        Where the file goes; what is there is replaced.
    axes : str
        What each axis is, see `Raster`.
    grid : Grid
        Where the pixels lie.
    """
    full = levels[0]
    stand_in = np.broadcast_to(np.zeros((), full.dtype), full.shape)
    if grid.style == "ImageJ":  # which knows no BigTIFF
        grid = replace(grid, style="OME")
    options = describe(grid, axes, stand_in)
    is_ome = options.pop("ome", False)
    target = real_path(path)  # through a link, which stays a link
    clear_left(target.parent)
    unfinished = name_beside(target)
    try:
        with tifffile.TiffWriter(unfinished, bigtiff=True, ome=is_ome) as file:
            for number, level in enumerate(levels):
                yield Progress("TIFF", number, len(levels))
                more: dict[str, Any] = (
                    options | {"subifds": len(levels) - 1}
                    if number == 0
                    else {"subfiletype": _SMALLER}  # its shape is told, too: tifffile complains of a file without
                )
                file.write(
                    _tiles(level),
                    shape=level.shape,
                    dtype=level.dtype,
                    tile=(_TILE, _TILE),
                    photometric="minisblack",
                    compression="zlib",
                    **more,
                )
        with unfinished.open("rb") as written:
            os.fsync(written.fileno())
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def _tiles(level: Lazy) -> Iterator[NDArray[Any]]:
    """Read a level tile by tile, plane after plane."""
    along = [range(0, size, _TILE) for size in level.shape[-2:]]
    for plane in np.ndindex(level.shape[:-2]):
        for y, x in product(*along):
            yield np.ascontiguousarray(level[(*plane, slice(y, y + _TILE), slice(x, x + _TILE))])

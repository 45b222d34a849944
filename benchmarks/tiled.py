"""Tile by tile against all at once: how many pixels differ, and the peak memory of the processes.

With weights that the labels choose, either way for itself, and once with texture counting in full.

python benchmarks/tiled.py [HEIGHT WIDTH TILE]

Image and labels lie in files that are read part by part; what is compiled is in the cache before.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from cases import cells, coarse_labels, photographs, scribbles
from own_process import measure

_OF_A_CELL = 2500  # pixels
_NEAR = 16
"""px; how far from a seam its pixels lie."""


_TEXTURE = {"texture_weight": 1.0}


def make_cases(height: int, width: int, tile: int) -> dict[str, tuple[np.ndarray, np.ndarray, dict[str, float] | None]]:
    """Return images, labels and parameters by what they are: photographs with dense to few labels, cells with an id."""
    blank = scribbles(height, width, 6, 0.02)
    blank[tile : 2 * tile, tile : 2 * tile] = 0
    corner = scribbles(height, width, 6, 0.02)
    corner[height // 2 :] = 0
    corner[:, width // 2 :] = 0
    labels = {
        "19 labels, polygons on half of it": coarse_labels(height, width, 19, 0.5),
        "19 labels, strokes on 2 %": scribbles(height, width, 19, 0.02),
        "6 labels, a tile without strokes": blank,
        "6 labels, strokes in one quarter alone": corner,
    }
    image = photographs(height, width)
    cases: dict[str, tuple[np.ndarray, np.ndarray, dict[str, float] | None]]
    cases = {name: (image, of_case, None) for name, of_case in labels.items()}
    cases["6 labels, a tile without strokes, with texture"] = (image, blank, _TEXTURE)
    return cases | {"cells, an id each": (*cells(height, width, max(4, height * width // _OF_A_CELL)), None)}


def near_seams(shape: tuple[int, int], tile: int) -> np.ndarray:
    """Return which pixels lie near a seam between tiles."""
    near = np.zeros(shape, np.bool_)
    for axis, size in enumerate(shape):
        along = np.moveaxis(near, axis, 0)
        for seam in range(tile, size, tile):
            along[seam - _NEAR : seam + _NEAR] = True
    return near


def compare(height: int, width: int, tile: int) -> None:
    """Print one line for each case."""
    print(f"{width} x {height} px in tiles of {tile} px")
    for name, (image, labels, parameters) in make_cases(height, width, tile).items():
        with TemporaryDirectory() as folder:
            np.save(Path(folder) / "image.npy", image)
            np.save(Path(folder) / "labels.npy", labels)
            once = measure("once", Path(folder), parameters=parameters)
            tiled = measure("tiles", Path(folder), tile=tile, parameters=parameters)
            differ = np.load(Path(folder) / "once.npy") != np.load(Path(folder) / "tiles.npy")
        near = near_seams(labels.shape, tile)
        print(
            f"{name}: {differ.mean():.3%} of the pixels differ, {differ[near].mean():.3%} within {_NEAR} px of a seam; "
            f"peak memory {tiled.peak_mb:.0f} MB in tiles, {once.peak_mb:.0f} MB at once",
            flush=True,
        )


if __name__ == "__main__":
    compare(*(map(int, sys.argv[1:4]) if sys.argv[1:] else (2048, 4096, 1024)))

#!/usr/bin/env python
"""How time grows with the number of tiles, and a large image from zarr to zarr beside a small one at once.

python benchmarks/scaling.py                                   # 1 to 64 tiles of 1024 px, then 20 000 x 20 000 px
python benchmarks/scaling.py --tile 64 --counts 1 4 --large 256 --small 128 --part 128
python benchmarks/scaling.py --no-growth --large-tile 3072

Every figure comes from a process of its own; what is compiled is loaded before the clock starts. Prints Markdown.

A tile amid others is refined with a halo, and one alone has none: so what should stay the same is the time for each
pixel that is refined, halos included, and is printed beside that for each tile.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from cases import large_part
from own_process import make_array, measure

if TYPE_CHECKING:
    from own_process import Measured

_LABELS = 8
_CHUNK = 512
_WITHIN = 0.1
"""By how much the time for a pixel may differ from the mean over all numbers of tiles, but for a tile alone."""


def draw(folder: Path, height: int, width: int, part: int) -> int:
    """Draw an image and its labels into stores of zarr, part by part; returns the bytes that they take unpacked."""
    chunk = min(_CHUNK, part)
    image = make_array(folder, "image", (height, width, 3), np.uint8, (chunk, chunk, 3))
    labels = make_array(folder, "labels", (height, width), np.uint8, (chunk, chunk))
    corners = [(top, left) for top in range(0, height, part) for left in range(0, width, part)]
    for number, (top, left) in enumerate(corners):
        say(f"drawing part {number + 1} of {len(corners)}")
        place = np.s_[top : min(height, top + part), left : min(width, left + part)]
        rows, columns = (side.stop - side.start for side in place)
        image[place], labels[place] = large_part(number, rows, columns, _LABELS)
    return height * width * 4


def measure_growth(counts: list[int], tile: int, part: int, scratch: Path | None) -> None:
    """Print one line for each number of tiles of one size."""
    print(f"Tiles of {tile} x {tile} px, RGB, {_LABELS} labels, strokes on 2 %\n")
    print("| tiles | planning | refining | a tile | a megapixel | a refined megapixel | peak memory |")
    print("|---|---|---|---|---|---|---|", flush=True)
    found = {count: _measure_square(count, tile, part, scratch) for count in counts}
    for count, one in found.items():
        print(
            f"| {one.tiles} | {one.planning:.2f} s | {one.refining:.2f} s | {one.seconds / one.tiles:.3f} s "
            f"| {one.seconds / (count * tile**2 / 1e6):.3f} s | {one.seconds / (one.pixels / 1e6):.3f} s "
            f"| {one.peak_mb:.0f} MB |"
        )
    each = [one.seconds / one.pixels for one in found.values() if one.tiles > 1] or [1.0]
    off = max(abs(seconds / np.mean(each) - 1) for seconds in each)
    verdict = f"{'within' if off <= _WITHIN else 'not within'} {_WITHIN:.0%}"
    print(f"\nBut for a tile alone, the time for a refined pixel differs by up to {off:.1%} of its mean: {verdict}.\n")


def _measure_square(count: int, tile: int, part: int, scratch: Path | None) -> Measured:
    side = math.isqrt(count) * tile
    with TemporaryDirectory(dir=scratch) as folder:
        draw(Path(folder), side, side, part)
        say(f"{count} tiles")
        return measure("tiles", Path(folder), tile=tile)


def measure_large(side: int, tile: int | None, small: int, part: int, scratch: Path | None) -> None:
    """Print how a large image in tiles compares with a small one at once, a pixel for a pixel."""
    with TemporaryDirectory(dir=scratch) as first, TemporaryDirectory(dir=scratch) as second:
        draw(Path(first), small // 2, small, part)
        unpacked = draw(Path(second), side, side, part)
        say("the small one at once, the large one in tiles, and the small one again")
        once = [measure("once", Path(first))]
        tiled = measure("tiles", Path(second), tile=tile)
        once.append(measure("once", Path(first)))
    whole_rate = np.mean([small**2 / 2e6 / one.seconds for one in once])
    rate = side**2 / 1e6 / tiled.seconds
    print(f"{side} x {side} px, RGB, {_LABELS} labels, from zarr to zarr ({unpacked / 1e6:.0f} MB unpacked)\n")
    print("| what | figure |")
    print("|---|---|")
    print(f"| tiles | {tiled.tiles}, with halos {tiled.pixels / side**2:.2f} times the pixels |")
    print(f"| planning | {tiled.planning:.1f} s |")
    print(f"| refining | {tiled.refining:.1f} s |")
    print(f"| megapixels a second | {rate:.3f} |")
    print(f"| {small} x {small // 2} px at once, megapixels a second | {whole_rate:.3f} |")
    print(f"| share of that | {rate / whole_rate:.2f} |")
    print(f"| peak memory of the process | {tiled.peak_mb:.0f} MB |", flush=True)


def say(what: str) -> None:
    """Tell what runs now, on stderr."""
    print(what, file=sys.stderr, flush=True)


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tile", type=int, default=1024, help="side of the tiles that are counted (1024)")
    parser.add_argument("--counts", type=int, nargs="+", default=[1, 4, 16, 64], help="squares of whole numbers")
    parser.add_argument("--large", type=int, default=20_000, help="side of the large image (20 000)")
    parser.add_argument("--large-tile", type=int, help="side of its tiles (as refine_tiles chooses)")
    parser.add_argument("--small", type=int, default=2048, help="width of the small image, twice its height (2048)")
    parser.add_argument("--part", type=int, default=2048, help="side of what is drawn at once (2048)")
    parser.add_argument("--scratch", type=Path, help="a folder for the stores (1.6 GB at 20 000 px, and the result)")
    parser.add_argument("--no-growth", action="store_true", help="the large image alone")
    parser.add_argument("--no-large", action="store_true", help="the numbers of tiles alone")
    options = parser.parse_args()
    if not options.no_growth:
        measure_growth(options.counts, options.tile, options.part, options.scratch)
    if not options.no_large:
        measure_large(options.large, options.large_tile, options.small, options.part, options.scratch)


if __name__ == "__main__":
    main()

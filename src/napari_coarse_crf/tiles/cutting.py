"""Tiles of an image that are refined each with a halo, and what lies on their rims."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from napari_coarse_crf.compute.parallel import blocks
from napari_coarse_crf.tiles.parts import within

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_coarse_crf.compute.arrays import MaskArray
    from napari_coarse_crf.tiles.source import Box


@dataclass(frozen=True, slots=True)
class Tile:
    """One part of an image.

    Attributes
    ----------
    core : tuple of slice
        The part of the result that the tile gives; the cores of all tiles are the image.
    region : tuple of slice
        What is refined for it: the core and the halo around.
    number : int
        Which of the tiles it is.
    """

    core: Box
    region: Box
    number: int

    @property
    def core_within(self) -> Box:
        """Where the core lies in the region."""
        return tuple(one for one in within(self.core, self.region) if isinstance(one, slice))

    @property
    def origin(self) -> tuple[int, ...]:
        """The first pixel of the region."""
        return tuple(one.start for one in self.region)

    def rims(self, shape: Sequence[int]) -> tuple[MaskArray, MaskArray]:
        """Return which pixels of the region have neighbours beyond it, and which are next to these.

        Parameters
        ----------
        shape : sequence of int
            Of the image: where that ends there is no rim.
        """
        sides = [one.stop - one.start for one in self.region]
        first, second = np.zeros(sides, np.bool_), np.zeros(sides, np.bool_)
        for axis, (one, size) in enumerate(zip(self.region, shape, strict=True)):
            for rim, depth in ((first, 1), (second, 2)):
                along = np.moveaxis(rim, axis, 0)
                along[: depth if one.start > 0 else 0] = True
                along[len(along) - (depth if one.stop < size else 0) :] = True
        return first, second & ~first


def sides_of(shape: Sequence[int], pixels: int) -> tuple[int, ...]:
    """Return equal sides of a box of about so many pixels; along an axis that is shorter than these, all of it.

    Examples
    --------
    >>> sides_of((5000, 4000), 2**18), sides_of((16, 5000, 4000), 2**18), sides_of((500, 520), 2**18)
    ((512, 512), (16, 128, 128), (500, 520))
    """
    if math.prod(shape) <= pixels:
        return tuple(shape)
    left, budget, sides = len(shape), float(pixels), list(shape)
    for axis in sorted(range(len(sides)), key=lambda axis: shape[axis]):
        sides[axis] = min(sides[axis], max(1, round(budget ** (1 / left))))
        left, budget = left - 1, budget / sides[axis]
    return tuple(sides)


def cut_boxes(shape: Sequence[int], sides: Sequence[int]) -> list[Box]:
    """Return boxes of about these sides that cover an array of this shape.

    Examples
    --------
    >>> cut_boxes((4, 3), (2, 3))
    [(slice(0, 2, None), slice(0, 3, None)), (slice(2, 4, None), slice(0, 3, None))]
    """
    along = [
        [slice(start, stop) for start, stop in blocks(size, side)] for size, side in zip(shape, sides, strict=True)
    ]
    return list(product(*along))


def cut_tiles(shape: Sequence[int], sides: Sequence[int], halos: Sequence[int]) -> list[Tile]:
    """Return the tiles of an image of this shape.

    Examples
    --------
    >>> [tile.region for tile in cut_tiles((40,), (20,), (5,))]
    [(slice(0, 25, None),), (slice(15, 40, None),)]
    """

    def region(core: Box) -> Box:
        return tuple(
            slice(max(0, one.start - halo), min(size, one.stop + halo))
            for one, halo, size in zip(core, halos, shape, strict=True)
        )

    return [Tile(core, region(core), number) for number, core in enumerate(cut_boxes(shape, sides))]


def neighbours(tiles: Sequence[Tile]) -> list[list[int]]:
    """Return for each tile the numbers of the others whose regions have pixels in common with its own.

    Examples
    --------
    >>> neighbours(cut_tiles((60,), (20,), (5,)))
    [[1], [0, 2], [1]]
    """
    number_of = {_starts(tile): tile.number for tile in tiles}
    along = []
    for axis in range(len(tiles[0].region)):
        sides = {tile.core[axis].start: tile.region[axis] for tile in tiles}
        along.append(
            {
                start: [other for other, two in sides.items() if one.start < two.stop and two.start < one.stop]
                for start, one in sides.items()
            }
        )
    beside = []
    for tile in tiles:
        places = product(*(of_axis[start] for of_axis, start in zip(along, _starts(tile), strict=True)))
        beside.append([number_of[place] for place in places if place != _starts(tile)])
    return beside


def _starts(tile: Tile) -> tuple[int, ...]:
    return tuple(one.start for one in tile.core)

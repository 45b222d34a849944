"""Strokes as a simulated annotator paints them: short lines of the true label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage as ndi

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]
    Pixel = tuple[int, ...]

LENGTH, WIDTH = 12, 3  # px


def nearest_known(fine: Array, place: Pixel) -> Pixel:
    """Return the place, or the pixel nearest to it of which anybody knows what it is."""
    if fine[place] != 0:
        return place
    nearest = ndi.distance_transform_edt(fine == 0, return_distances=False, return_indices=True)
    return tuple(int(axis[place]) for axis in nearest)


def line_through(fine: Array, place: Pixel, length: int = LENGTH) -> list[Pixel]:
    """Return the pixels of the longest of eight lines through a place, both ways, as far as they have its label."""
    angles = np.arange(8) * np.pi / 8
    return max((_line(fine, place, np.array([np.sin(a), np.cos(a)]), length) for a in angles), key=len)


def _line(fine: Array, place: Pixel, step: Array, length: int) -> list[Pixel]:
    line = [place]
    for way in (-1, 1):
        for count in range(1, length // 2 + 1):
            pixel = tuple(int(one) for one in np.round(np.add(place, way * count * step)))
            inside = all(0 <= one < size for one, size in zip(pixel, fine.shape, strict=True))
            if not inside or fine[pixel] != fine[place]:
                break
            line.append(pixel)
    return line

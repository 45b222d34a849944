"""Which pixels are meant by what is drawn or seen: outlines of shapes, the corners of a view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.tiles.covers import cover_outline
from napari_coarse_crf.tiles.parts import part_shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import MaskArray
    from napari_coarse_crf.tiles.parts import Part

_ELLIPSE_CORNERS = 64


def visible_box(
    corners: NDArray[np.integer[Any]], displayed: Sequence[int], shape: Sequence[int]
) -> tuple[tuple[int, int], ...]:
    """Return the range in view along each axis, and the whole of the axes that are not displayed.

    Parameters
    ----------
    corners : (2, ndim) array of int
        `layer.corner_pixels`: the first and the last pixel in view.
    displayed : sequence of int
        The axes on the screen.
    shape : sequence of int
        Of the array.
    """
    box = [(0, size) for size in shape]
    for axis in displayed:
        first, last = (min(max(int(corner), 0), shape[axis] - 1) for corner in corners[:, axis])
        box[axis] = (first, last + 1)
    return tuple(box)


def ellipse_outline(corners: NDArray[Any]) -> NDArray[np.float64]:
    """Return the outline of the ellipse inside a box of (4, ndim) corners, in order."""
    angles = np.linspace(0, 2 * np.pi, _ELLIPSE_CORNERS, endpoint=False)[:, np.newaxis]
    box = np.asarray(corners, np.float64)
    outline: NDArray[np.float64] = (
        box.mean(axis=0) + np.cos(angles) * (box[1] - box[0]) / 2 + np.sin(angles) * (box[3] - box[0]) / 2
    )
    return outline


def fill_outlines(outlines: Sequence[NDArray[Any]], shape: Sequence[int], part: Part) -> MaskArray:
    """Return True inside any of the outlines, in one part of an array.

    An outline lies in the plane of the two axes along which it extends most, and counts in every slice of the others.

    Parameters
    ----------
    outlines : sequence of (corners, ndim) arrays
        In pixels of the array.
    shape : sequence of int
        Of the array.
    part : tuple of int and slice
        Where in the array.
    """
    inside = np.zeros(part_shape(part), np.bool_)
    for outline in outlines:
        corners = np.asarray(outline, np.float64)
        plane = sorted(np.argsort(np.ptp(corners, axis=0), kind="stable")[-2:].tolist())
        flat = np.zeros([shape[axis] for axis in plane], np.bool_)
        for cover in cover_outline(corners[:, plane], flat.shape):
            cover.draw(flat, True)
        # The other axes, those the part still has, are new ones of length 1: the outline counts all along them.
        axes = [axis for axis, one in enumerate(part) if axis in plane or isinstance(one, slice)]
        inside |= flat[tuple(part[axis] if axis in plane else np.newaxis for axis in axes)]
    return inside

"""The pixels that an outline or a line covers, kept small: so that what was drawn once need not be drawn again."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from skimage.measure import points_in_poly

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import MaskArray

_THINNEST: Final = 0.5
"""The least radius of a pen, in pixels: a line leaves no gaps."""
_BAND: Final = 16
"""How many rows of an outline are looked at together."""
_FEW_CORNERS: Final = 8
_PIECE: Final = 64
"""How long a piece of a line is at least, in pixels: the box around all of a slanted one holds little of it."""


@dataclass(frozen=True, slots=True, eq=False)
class Cover:
    """Some pixels of a plane.

    Attributes
    ----------
    box : pair of slice
        Where they lie.
    bits : array of uint8
        Which pixels of the box it is, a bit for each.
    """

    box: tuple[slice, slice]
    bits: NDArray[np.uint8]

    @classmethod
    def of(cls, box: tuple[slice, slice], mask: MaskArray) -> Cover:
        """Return the cover of the pixels of a box where the mask is True."""
        return cls(box, np.packbits(mask, axis=1))

    def draw(self, plane: NDArray[Any], value: int) -> None:
        """Put a value into a plane where this lies."""
        window = plane[self.box]
        window[np.unpackbits(self.bits, axis=1, count=window.shape[1]).view(np.bool_)] = value


def cover_outline(outline: NDArray[Any], shape: Sequence[int]) -> tuple[Cover, ...]:
    """Return what lies inside a (corners, 2) outline or on it, in a plane of this shape.

    Asked band by band, each of the corners that matter there: one that was drawn freely has hundreds.
    """
    low = np.maximum(np.ceil(outline.min(axis=0)), 0).astype(int)
    stop = np.minimum(np.floor(outline.max(axis=0)) + 1, shape).astype(int)
    if (low >= stop).any():
        return ()
    columns = slice(int(low[1]), int(stop[1]))
    rows_at_once = _BAND if len(outline) > _FEW_CORNERS else int(stop[0] - low[0])
    bands = (slice(start, min(start + rows_at_once, int(stop[0]))) for start in range(low[0], stop[0], rows_at_once))
    masks = [((rows, columns), _inside(_corners_beside(outline, rows), (rows, columns))) for rows in bands]
    return tuple(Cover.of(box, mask) for box, mask in masks if mask.any())


def _corners_beside(outline: NDArray[Any], rows: slice) -> NDArray[Any]:
    """Leave out corners between others that lie on the same side of some rows: no edge of theirs meets the rows."""
    side = np.where(outline[:, 0] < rows.start, -1, np.where(outline[:, 0] > rows.stop - 1, 1, 0))
    kept: NDArray[Any] = outline[(side == 0) | (side != np.roll(side, 1)) | (side != np.roll(side, -1))]
    return kept


def _inside(outline: NDArray[Any], box: tuple[slice, slice]) -> MaskArray:
    """Return which pixels of a box lie inside an outline or on it."""
    rows, columns = np.mgrid[box]
    inside: MaskArray = points_in_poly(np.column_stack([columns.ravel(), rows.ravel()]), outline[:, ::-1])
    return inside.reshape(rows.shape)


def cover_path(path: NDArray[Any], width: float, shape: Sequence[int]) -> tuple[Cover, ...]:
    """Return where a round pen goes along a (corners, 2) path, in a plane of this shape; of one corner it is a disc.

    However thin it is, it covers the pixels nearest to its corners.

    Examples
    --------
    >>> plane = np.zeros((3, 5), int)
    >>> for cover in cover_path(np.array([[1.0, 0.0], [1.0, 2.0]]), 1, plane.shape):
    ...     cover.draw(plane, 7)
    >>> plane
    array([[0, 0, 0, 0, 0],
           [7, 7, 7, 0, 0],
           [0, 0, 0, 0, 0]])
    """
    radius = max(width / 2, _THINNEST)
    starts, ends = (path[:-1], path[1:]) if len(path) > 1 else (path, path)
    covers = []
    for start, end in zip(starts, ends, strict=True):
        for box in _boxes_along(start, end, radius, shape):
            mask = _near(box, start, end, radius)
            for corner in (start, end):
                place = [int(one) - side.start for one, side in zip(np.rint(corner), box, strict=True)]
                if all(0 <= one < size for one, size in zip(place, mask.shape, strict=True)):
                    mask[tuple(place)] = True
            if mask.any():
                covers.append(Cover.of(box, mask))
    return tuple(covers)


def _boxes_along(
    start: NDArray[Any], end: NDArray[Any], radius: float, shape: Sequence[int]
) -> Iterator[tuple[slice, slice]]:
    """Return boxes that together hold all that a pen covers from one point to another, in a plane of this shape."""
    last_pixel = np.array(shape) - 1
    low, high = np.minimum(start, end) - radius, np.maximum(start, end) + radius
    first, last = np.maximum(np.ceil(low), 0), np.minimum(np.floor(high), last_pixel)
    count = max(1, math.ceil(float(np.abs(end - start).max()) / max(_PIECE, 2 * radius)))
    points = start + (end - start) * np.linspace(0, 1, count + 1)[:, np.newaxis]
    for one, other in pairwise(points):
        # A pixel more on each side: rounding must leave nothing out.
        begins = np.maximum(np.floor(np.minimum(one, other) - radius) - 1, first).astype(int)
        stops = np.minimum(np.ceil(np.maximum(one, other) + radius) + 1, last).astype(int) + 1
        if (begins < stops).all():
            yield slice(int(begins[0]), int(stops[0])), slice(int(begins[1]), int(stops[1]))


def _near(box: tuple[slice, slice], start: NDArray[Any], end: NDArray[Any], radius: float) -> MaskArray:
    """Return which pixels of a box lie no farther from a line than this."""
    rows, columns = np.ogrid[box]
    (down, right), along = end - start, (rows - start[0], columns - start[1])
    length = max(down**2 + right**2, np.finfo(float).tiny)
    share = np.clip((along[0] * down + along[1] * right) / length, 0, 1)
    near: MaskArray = (along[0] - share * down) ** 2 + (along[1] - share * right) ** 2 <= radius**2
    return near

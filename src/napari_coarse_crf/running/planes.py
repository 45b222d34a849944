"""One frame of a series, wherever it is stored: read and written by slices, as an array of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.compute.by_parts import ByParts
from napari_coarse_crf.running.restored import Restored
from napari_coarse_crf.tiles.parts import of_axes_left

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_coarse_crf.inputs import Picture
    from napari_coarse_crf.tiles.parts import Part


@dataclass(frozen=True, slots=True, eq=False)
class Plane(ByParts):
    """An array without the axes along which it is taken at one place.

    Attributes
    ----------
    data : array
        Takes slices.
    part : tuple of int and slice
        Where: a number for an axis that is left out, a slice from the beginning to the end for one that stays.
    """

    data: Any
    part: Part

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes that stay."""
        return tuple(size for size, one in zip(self.data.shape, self.part, strict=True) if isinstance(one, slice))

    @property
    def dtype(self) -> Any:
        """That of the data."""
        return self.data.dtype

    @property
    def chunks(self) -> tuple[int, ...] | None:
        """What of it is stored together, None if nobody says."""
        chunks = getattr(self.data, "shards", None) or getattr(self.data, "chunks", None)
        return None if chunks is None else tuple(int(one) for one in of_axes_left(chunks, self.part))

    def __getitem__(self, key: tuple[slice, ...]) -> NDArray[Any]:
        """Read a part."""
        return np.asarray(self.data[self._place(key)])[
            tuple(0 if isinstance(one, int) else slice(None) for one in self.part)
        ]

    def __setitem__(self, key: tuple[slice, ...], values: Any) -> None:
        """Write a part."""
        left_out = tuple(axis for axis, one in enumerate(self.part) if isinstance(one, int))
        self.data[self._place(key)] = np.expand_dims(np.asarray(values), left_out)

    def _place(self, key: tuple[slice, ...]) -> tuple[slice, ...]:
        along = iter(key)
        return tuple(slice(one, one + 1) if isinstance(one, int) else next(along) for one in self.part)


def stored(array: Any) -> Any:
    """Return the array that lies behind a frame, or behind what is written with what is void."""
    return stored(array.data) if isinstance(array, Plane | Restored) else array


def plane_of(picture: Picture, ndim: int, part: Part) -> Picture:
    """Return one frame of a picture, which is not read.

    Parameters
    ----------
    picture : Picture
        The series.
    ndim : int
        Number of axes of its labels.
    part : tuple of int and slice
        Where, as of the labels.
    """
    spacing = None if picture.spacing is None else of_axes_left(picture.spacing, part)
    mask = None if picture.mask is None else Plane(picture.mask, part)
    if len(picture.image.shape) == ndim:
        return replace(picture, image=Plane(picture.image, part), mask=mask, spacing=spacing)
    axis = picture.channel_axis % (ndim + 1)
    with_channels = (*part[:axis], slice(None), *part[axis:])
    before = sum(isinstance(one, slice) for one in part[:axis])
    return replace(picture, image=Plane(picture.image, with_channels), mask=mask, spacing=spacing, channel_axis=before)

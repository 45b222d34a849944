"""An image and its labels where they lie, in memory or not: read part by part.

All that is asked of them is a shape and slices that numpy can read, as arrays of numpy, zarr and dask have.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.inputs import Picture, read_labels, read_spacing, separate_channels
from napari_coarse_crf.tiles.parts import cut_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import LabelArray, MaskArray

Box = tuple[slice, ...]
"""A range along each axis."""


@dataclass(frozen=True, slots=True, eq=False)
class Stacked:
    """Arrays of one shape as one array, whose last axis they are: read part by part.

    Attributes
    ----------
    channels : list of array
        May be lazy.
    shape : tuple of int
        With the last axis.
    dtype : dtype
        In which all of them can be told.
    """

    channels: list[Any]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @classmethod
    def of(cls, channels: list[Any]) -> Stacked:
        """Return the stack of some arrays."""
        stand_ins = [stand_in("image", channel) for channel in channels]
        return cls(channels, (*stand_ins[0].shape, len(channels)), np.result_type(*stand_ins))

    def __getitem__(self, part: tuple[slice, ...]) -> NDArray[Any]:
        """Read a part."""
        return np.stack([np.asarray(one[part[:-1]]) for one in self.channels[part[-1]]], axis=-1)


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """An image, its labels and how they are to be read.

    Attributes
    ----------
    picture : Picture
        Whose image and mask may be lazy; the axis of the channels, where there is one, is not negative.
    labels : array of int
        May be lazy; 0 = unlabelled.
    dtype : dtype
        Of the labels as numpy reads them.
    """

    picture: Picture
    labels: Any
    dtype: np.dtype[Any]

    @classmethod
    def of(cls, picture: Picture, labels: Any) -> Source:
        """Check what can be checked without reading.

        Raises
        ------
        InputError
            If something cannot be sliced, or image, labels and mask do not fit each other.
        """
        channels = separate_channels(picture.image, tuple(getattr(labels, "shape", ())))
        if channels is not None:
            picture = replace(picture, image=Stacked.of(channels), channel_axis=len(labels.shape))
        given = {"image": picture.image, "labels": labels}
        if picture.mask is not None:
            given["mask"] = picture.mask
        stand_ins = {name: stand_in(name, array) for name, array in given.items()}
        shape = stand_ins["labels"].shape
        read_labels(stand_ins["labels"][tuple(slice(0, 1) for _ in shape)])
        replace(picture, image=stand_ins["image"], mask=stand_ins.get("mask")).fitted(shape)
        read_spacing(picture.spacing, shape)
        if len(picture.image.shape) > len(shape):  # else nobody asks for the axis, whatever it is
            picture = replace(picture, channel_axis=picture.channel_axis % len(picture.image.shape))
        return cls(picture, labels, stand_ins["labels"].dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the labels."""
        return tuple(self.labels.shape)

    def read(self, box: Box) -> tuple[Picture, LabelArray]:
        """Return one part: image (*shape, C), mask and labels as arrays.

        Raises
        ------
        InputError
            If the labels hold what cannot be one.
        """
        picture = self.picture
        has_channels = len(picture.image.shape) > len(self.shape)
        image = cut_out(picture.image, box, picture.channel_axis if has_channels else None)
        mask = None if picture.mask is None else np.asarray(picture.mask[box])
        cut = replace(picture, image=image if has_channels else image[..., np.newaxis], mask=mask, channel_axis=-1)
        return cut, read_labels(np.asarray(self.labels[box]))

    def read_labels(self, box: Box) -> tuple[LabelArray, MaskArray | None]:
        """Return the labels and the mask of one part alone.

        Raises
        ------
        InputError
            If the labels hold what cannot be one.
        """
        mask = None if self.picture.mask is None else np.asarray(self.picture.mask[box])
        return read_labels(np.asarray(self.labels[box])), mask


def holds_data(picture: Picture) -> bool:
    """Whether any pixel of a part that was read takes part: the mask is True, and no channel NaN."""
    taking_part = np.ones(picture.image.shape[:-1], np.bool_) if picture.mask is None else picture.mask
    if picture.image.dtype.kind == "f":
        taking_part = taking_part & ~np.isnan(picture.image).any(axis=-1)
    return bool(taking_part.any())


def stand_in(name: str, array: Any) -> NDArray[Any]:
    """Return an array of one value that has the shape and dtype of one that may be lazy.

    Raises
    ------
    InputError
        If no part of it can be read.
    """
    try:
        shape = tuple(array.shape)
        dtype = getattr(array, "dtype", None)
        if not isinstance(dtype, np.dtype):  # tensorstore has types of its own
            dtype = np.asarray(array[tuple(slice(0, 1) for _ in shape)]).dtype
    except (AttributeError, LookupError, TypeError) as error:
        said = "labels are" if name == "labels" else f"{name} is"
        raise InputError(
            f"The {said} a {type(array).__name__}, of which no part can be read; pass an array with a shape that can "
            "be sliced, such as one of numpy, zarr or dask."
        ) from error
    value = np.ones((), np.uint8 if name == "image" and dtype.kind == "f" else dtype)  # no NaN to look for
    return np.broadcast_to(value, shape)

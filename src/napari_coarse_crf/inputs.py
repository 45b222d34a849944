"""What a person hands in, checked: image, labels, mask and spacing.

Everything passes here once, before any work starts; what leaves is of known kind and shape, so no later room checks
again and compiled code never sees a wrong array.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.compute.arrays import is_whole_number, real_numbers
from napari_coarse_crf.errors import CoarseCRFError, InputError, in_short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import LabelArray, MaskArray

UNLABELLED = 0
"""The id of unlabelled pixels in a person's label map."""

_MOST_AXES = 6  # numba compiles tuples of less than 1000 elements: one for each pair of opposite neighbours
_LONGEST = 2**20  # pixels of the finest axis: float32 still places them in a lattice at the smallest theta, 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What a person has labelled: an image, and how it is to be read.

    Attributes
    ----------
    image : array ([Z,] Y, X[, C]), or sequence of arrays ([Z,] Y, X)
        Any real dtype: uint8 is used as it is, everything else is scaled to 0..255 by `contrast_limits`. NaN: no data.
        A sequence of arrays, each of the shape of the labels, holds one channel in each: see `separate_channels`.
    mask : array of bool or None
        True where pixels take part; None: everywhere.
    channel_axis : int
        Axis of the channels, where the image has one axis more than its labels.
    spacing : sequence of float or None
        Size of a pixel along each axis; None: the same along all.
    contrast_limits : (low, high), or one such pair for each channel, or None
        What becomes 0 and 255; None: the 0.1 and 99.9 percentiles over all channels, or of each where one is 20 times
        as bright as another.
    by_channel : bool
        Whether these percentiles are those of each channel: for channels that say different things, unlike colours.
    """

    image: Any
    mask: Any = None
    channel_axis: int = -1
    spacing: Sequence[float] | None = None
    contrast_limits: Any = None
    by_channel: bool = False

    def fitted(self, shape: tuple[int, ...]) -> Picture:
        """Return the picture that labels of this shape belong to: image (*shape, C) and mask (*shape) as arrays.

        Pixels of which a channel is NaN hold no data: the mask leaves them out.

        Raises
        ------
        InputError
            If image or mask cannot be used, or do not fit the labels.
        """
        channels = separate_channels(self.image, shape)
        if channels is None:
            channels_last = _channels_last(read_numbers("image", self.image), shape, self.channel_axis)
        else:
            read = [read_numbers(f"image's channel {number}", one) for number, one in enumerate(channels, start=1)]
            channels_last = np.stack(read, axis=-1)
        mask = _without_nan(channels_last, read_mask(self.mask, shape))
        return replace(self, image=channels_last, mask=mask, channel_axis=-1)


def read_labels(labels: Any, shape: tuple[int, ...] | None = None) -> LabelArray:
    """Check a label map and return it as an array (not a copy).

    Raises
    ------
    InputError
        If it does not hold integers >= 0, or is not of the given shape.
    """
    label_map = read_array("labels", labels)
    if label_map.dtype.kind not in "iu":
        raise InputError(
            f"The labels have dtype {label_map.dtype}; pass whole numbers (0 = unlabelled), for example "
            "labels.astype(np.int32)."
        )
    if label_map.ndim == 0 or label_map.size == 0:
        raise InputError(f"The labels are empty (shape {label_map.shape}); draw them on an image with pixels.")
    if label_map.ndim > _MOST_AXES:
        raise InputError(
            f"The labels have {label_map.ndim} axes, and at most {_MOST_AXES} can be refined at once. Refine parts of "
            "fewer axes one after the other."
        )
    if shape is not None and label_map.shape != shape:
        raise InputError(f"The labels have shape {label_map.shape} but were {shape} before; make a new Refiner.")
    if label_map.dtype.kind == "i" and label_map.min() < 0:
        raise InputError(
            f"The labels hold the negative id {label_map.min()}; use ids from 1 up, and 0 for unlabelled pixels."
        )
    return label_map


def check_number_of_labels(label_ids: LabelArray) -> None:
    """Raise if nothing, or only one label, is there to tell apart.

    Parameters
    ----------
    label_ids : array of int
        Those that occur among the pixels that take part.

    Raises
    ------
    InputError
        If these are fewer than two.
    """
    if len(label_ids) == 0:
        raise InputError("There is no label yet: paint at least two labels (0 means unlabelled), then refine.")
    if len(label_ids) == 1:
        raise InputError(
            f"There is only one label ({label_ids[0]}). 0 means unlabelled here, not background: paint the "
            "background with an id of its own."
        )


def fitting_channel_axes(image_shape: Sequence[int], labels_shape: Sequence[int]) -> list[int]:
    """Return the axes without which the image has the shape of the labels.

    Examples
    --------
    >>> fitting_channel_axes((3, 40, 60), (40, 60))
    [0]
    """
    image, labels = tuple(image_shape), tuple(labels_shape)
    return [axis for axis in range(len(image)) if image[:axis] + image[axis + 1 :] == labels]


def separate_channels(image: Any, shape: tuple[int, ...]) -> list[Any] | None:
    """Return the channels of an image that was given as a list of arrays, one for each; None if it was given otherwise.

    Arrays of the shape of the labels are channels, whatever `channel_axis` says. Arrays of another shape are the planes
    of one array, as numpy takes them; and so are lists of numbers.

    Parameters
    ----------
    image : array or sequence
        As given. Only shapes are asked for, so arrays may be lazy.
    shape : tuple of int
        Of the labels.

    Raises
    ------
    InputError
        If the arrays differ in shape.

    Examples
    --------
    >>> red, green = np.zeros((2, 40, 60))
    >>> len(separate_channels([red, green], (40, 60)))
    2
    >>> separate_channels(np.zeros((2, 40, 60)), (40, 60)) is None
    True
    """
    if not isinstance(image, list | tuple) or not image or not all(hasattr(one, "shape") for one in image):
        return None
    shapes = [tuple(one.shape) for one in image]
    for number, other in enumerate(shapes, start=1):
        if other != shapes[0]:
            raise InputError(
                f"The image is a list of arrays, of which number 1 has shape {shapes[0]} and number {number} {other}. "
                f"Give each channel the shape of the labels, {shape}."
            )
    return list(image) if shapes[0] == shape else None


def read_array(name: str, value: Any) -> NDArray[Any]:
    """Return what a person calls an array as one of numpy.

    Raises
    ------
    InputError
        If it is none, or one of those that would lose something on the way.
    """
    if isinstance(value, np.ma.MaskedArray):
        raise InputError(f"The {name} is a masked array; pass its data, and mask=~{name}.mask.")
    if type(value).__module__.partition(".")[0] == "dask":
        raise InputError(
            f"A lazy dask array was given for the {name}, which would be read at once: pass {name}.compute(), or "
            "refine it with refine_labels, in tiles."
        )
    try:
        return np.asarray(value)
    except CoarseCRFError:  # of an array that is read only now
        raise
    except ValueError as error:  # ragged lists
        raise InputError(f"The {name} cannot be read as one array ({error}); pass a numpy array.") from error


def read_numbers(name: str, value: Any) -> NDArray[Any]:
    """Return what a person calls an array, such as an image, as one of real numbers.

    Raises
    ------
    InputError
        If it holds anything else.
    """
    array = read_array(name, value)
    if array.dtype.kind not in "buif":
        hint = ", for example np.abs(image)" if array.dtype.kind == "c" else ""
        raise InputError(f"The {name} has dtype {array.dtype}; pass an array of real numbers{hint}.")
    return array


def _channels_last(image: NDArray[Any], shape: tuple[int, ...], channel_axis: int) -> NDArray[Any]:
    """Return the image as (*shape, C) or say how its shape does not fit."""
    if image.size == 0:
        raise InputError(f"The image is empty (shape {image.shape}); choose one with at least one pixel.")
    if image.ndim == len(shape):
        if image.shape != shape:
            raise InputError(
                f"The labels have shape {shape} but the image is {image.shape}. "
                "Choose labels drawn on this image, or crop both to the same region."
            )
        return image[..., np.newaxis]
    if image.ndim != len(shape) + 1:
        raise InputError(
            f"The image has {image.ndim} axes and the labels {len(shape)}; the image needs as many, or one more for "
            "channels."
        )
    if not is_whole_number(channel_axis) or not -image.ndim <= channel_axis < image.ndim:
        raise InputError(
            f"channel_axis is {in_short(channel_axis)} but the image has {image.ndim} axes; use {-image.ndim} to "
            f"{image.ndim - 1}."
        )
    moved = np.moveaxis(image, channel_axis, -1)
    if moved.shape[:-1] != shape:
        fitting = fitting_channel_axes(image.shape, shape)
        hint = f"Use channel_axis={fitting[0]}." if fitting else "Choose labels drawn on this image, or crop both."
        raise InputError(
            f"The image is {image.shape} with its channels on axis {channel_axis}, which leaves {moved.shape[:-1]}; "
            f"the labels have shape {shape}. {hint}"
        )
    return moved


def read_mask(mask: Any, shape: tuple[int, ...]) -> MaskArray | None:
    """Return a mask as an array, None if there is none.

    Raises
    ------
    InputError
        If it is no array of bool of this shape, or False everywhere.
    """
    if mask is None:
        return None
    array = read_array("mask", mask)
    if array.dtype != np.bool_:
        raise InputError(f"The mask has dtype {array.dtype}; pass True where pixels take part, for example mask > 0.")
    if array.shape != shape:
        raise InputError(f"The mask has shape {array.shape} but the labels are {shape}; give both the same shape.")
    if not array.any():
        raise InputError("The mask is False everywhere, so no pixel takes part; set it True where pixels should.")
    return array


def _without_nan(image: NDArray[Any], mask: MaskArray | None) -> MaskArray | None:
    """Return the mask without the pixels of which a channel is NaN."""
    if image.dtype.kind != "f" or not (nan := np.isnan(image)).any():
        return mask
    numbers: MaskArray = ~nan.any(axis=-1)
    taking_part = numbers if mask is None else mask & numbers
    if not taking_part.any():
        where = "" if mask is None else " where the mask is True"
        raise InputError(f"The image is NaN everywhere{where}, so no pixel takes part; choose one that holds data.")
    return taking_part


def say_nan(count: int) -> tuple[str, ...]:
    """Say how many pixels are left out because they are NaN."""
    if count == 0:
        return ()
    pixels = "1 pixel" if count == 1 else f"{count} pixels"
    return (f"{pixels} of NaN in the image: left out, as no data, with their labels as they are.",)


def read_spacing(spacing: Sequence[float] | None, shape: tuple[int, ...]) -> tuple[float, ...]:
    """Check a spacing and return it in units of the finest axis.

    Raises
    ------
    InputError
        If it is not a positive number for each axis, or makes the image too long.
    """
    ndim = len(shape)
    if spacing is None:
        return (1.0,) * ndim
    sizes = real_numbers(spacing)
    if sizes.shape != (ndim,) or not np.isfinite(sizes).all() or (sizes <= 0).any():
        raise InputError(
            f"spacing is {in_short(spacing)}; pass {ndim} positive number{'s' * (ndim > 1)}, the size of a pixel "
            "along each axis."
        )
    lengths = np.log2(sizes) - np.log2(sizes.min()) + np.log2(shape)  # logarithms, as the ratio itself may overflow
    if lengths.max() > np.log2(_LONGEST):
        raise InputError(
            f"spacing is {in_short(spacing)}, which makes the image more than {_LONGEST} pixels of its finest axis "
            "long; give all axes the same unit."
        )
    return tuple(float(size) for size in sizes / sizes.min())

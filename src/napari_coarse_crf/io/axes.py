"""Which axis of an image is what, seen from its labels: channels, depth or time.

What a file says of its axes decides. Where it says nothing, the axis that the labels lack holds the channels, the first
one that fits, as in the dock; the others are space.
"""

from __future__ import annotations

from dataclasses import dataclass

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.inputs import fitting_channel_axes
from napari_coarse_crf.io.grid import UNKNOWN
from napari_coarse_crf.io.raster import CHANNELS, SAMPLES

TIME = "T"

_IN_WORDS = {"T": "time", "Z": "depth", "Y": "Y", "X": "X"}


@dataclass(frozen=True, slots=True)
class Layout:
    """The axes of an array.

    Attributes
    ----------
    shape : tuple of int
        How long each is.
    axes : str
        What each is, a letter of those of `Raster`.
    is_said : bool
        Whether the file says so.
    """

    shape: tuple[int, ...]
    axes: str
    is_said: bool


def find_channel_axis(image: Layout, labels: Layout) -> int | None:
    """Return which axis of an image holds its channels; None where it has but one channel, or nothing fits.

    What does not fit is left to the core, which says so in words.

    Raises
    ------
    InputError
        If the axes of the image that the labels lack are no channels.

    Examples
    --------
    >>> find_channel_axis(Layout((3, 3, 40, 60), "CZYX", True), Layout((3, 40, 60), "?YX", False))
    0
    """
    more = len(image.shape) - len(labels.shape)
    if more == 0 and SAMPLES in image.axes and image.shape == labels.shape:
        raise InputError("The image is in colours, and the labels have a plane for each. Give one map for all colours.")
    if more <= 0:
        return None
    for letter in (SAMPLES, CHANNELS):
        if letter in image.axes:
            return image.axes.index(letter)
    if image.is_said and more == 1:
        fitting = fitting_channel_axes(image.shape, labels.shape)
        lacking = " or ".join(f"{image.axes[axis]} ({_IN_WORDS.get(image.axes[axis], 'unknown')})" for axis in fitting)
        if fitting and all(image.axes[axis] in _IN_WORDS for axis in fitting):
            raise InputError(
                f"The image has the axes {image.axes}, and the labels lack {lacking}, which holds no channels. Give "
                f"labels of its shape {image.shape}, or say that it does: --channel-axis {fitting[0]}."
            )
    return next(iter(fitting_channel_axes(image.shape, labels.shape)), None)


def name_axes(image: Layout, labels: Layout, channel_axis: int | None) -> str:
    """Return what each axis of the labels is: as the image says, else as they do, else by their places.

    Examples
    --------
    >>> name_axes(Layout((5, 3, 40, 60), "TCYX", True), Layout((5, 40, 60), "?YX", False), 1)
    'TYX'
    """
    count = len(labels.shape)
    of_image = "".join(letter for axis, letter in enumerate(image.axes) if axis != channel_axis)
    for axes, is_said in ((of_image, image.is_said), (labels.axes, labels.is_said)):
        if is_said and len(axes) == count:
            return axes
    return (UNKNOWN * count + "YX")[-count:]


def axes_apart(axes: str, *, each_slice: bool | None = None) -> tuple[int, ...]:
    """Return the axes along which neighbours are no neighbours in space, so that each index is refined on its own.

    Parameters
    ----------
    axes : str
        What each axis of the labels is.
    each_slice : bool, optional
        True: all but the last two. False: none. Without, time and channels.

    Examples
    --------
    >>> axes_apart("TZYX"), axes_apart("TZYX", each_slice=True)
    ((0,), (0, 1))
    """
    if each_slice is not None:
        return tuple(range(len(axes) - 2)) if each_slice else ()
    return tuple(axis for axis, letter in enumerate(axes) if letter in (TIME, CHANNELS))

"""What the axes of layers are: channels, time or space. Names and units of the layers decide, unless a person does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from napari_coarse_crf import InputError
from napari_coarse_crf.inputs import fitting_channel_axes
from napari_coarse_crf.io.axes import TIME, Layout, axes_apart, name_axes
from napari_coarse_crf.io.grid import UNKNOWN
from napari_coarse_crf.io.raster import CHANNELS
from napari_coarse_crf.plugin.layers.choice import NO_AXIS
from napari_coarse_crf.plugin.layers.grid import Grid, finest, leave_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Image, Labels

MOST_CHANNELS: Final = 16
"""An axis longer than this is one of slices: nobody has painted on a stack with labels of one plane by intent."""

DEPTH: Final = "Z"
_UNNAMED: Final = "axis "

_NAMES: Final = {
    TIME: ("t", "time", "times", "frame", "frames", "timepoint", "timepoints"),
    CHANNELS: ("c", "ch", "channel", "channels", "band", "bands", "wavelength", "wavelengths"),
    DEPTH: ("z", "depth", "slice", "slices", "plane", "planes"),
}


def axis_letters(layer: Image | Labels) -> str:
    """Return what a layer calls its axes: the letters for time, channels and depth, or `UNKNOWN`."""
    letters = []
    for name, unit in zip(layer.axis_labels, layer.units, strict=True):
        word = str(name).strip().lower()
        said = next((letter for letter, names in _NAMES.items() if word in names), UNKNOWN)
        letters.append(TIME if str(unit.dimensionality) == "[time]" else said)
    return "".join(letters)


def axis_names(layer: Image | Labels) -> list[str]:
    """Return how each axis is called, with its size."""
    # napari counts axes without a name from the last one: "-3".
    names = [f"{_UNNAMED}{axis}" if str(name).startswith("-") else name for axis, name in enumerate(layer.axis_labels)]
    return [f"{name} ({size})" for name, size in zip(names, finest(layer).shape, strict=False)]


def grid_names(image: Image, labels: Labels, channel_axis: int | None) -> list[str]:
    """Return how each axis is called that is refined: as the image says, else as the labels do."""
    of_labels = axis_names(labels)
    of_image = leave_out(axis_names(image), channel_axis)
    if len(of_labels) > len(of_image):  # they have a plane for each channel
        of_labels = leave_out(of_labels, channel_axis)
    if len(of_labels) != len(of_image):
        return of_image
    pairs = zip(of_image, of_labels, strict=True)
    return [other if one.startswith(_UNNAMED) and not other.startswith(_UNNAMED) else one for one, other in pairs]


def channel_axes(image: Image, labels: Labels) -> list[int]:
    """Return the axes that may hold the channels of an image, those that suit best first."""
    # The layer knows whether its last axis is colour; a shape that ends in 3 may be a stack of three slices.
    if image.rgb:
        return [int(image.ndim)]
    whole, shape = finest(image).shape, finest(labels).shape
    short = [axis for axis, size in enumerate(whole) if size <= MOST_CHANNELS]
    if len(whole) == len(shape) > 2:
        return short  # the labels have a plane for each channel
    if len(whole) != len(shape) + 1:
        return []
    fitting = [axis for axis in fitting_channel_axes(whole, shape) if axis in short]
    laid = [axis for axis in short if _lies_on(image, axis, labels)]
    return fitting or sorted(laid, key=lambda axis: -_count_equal(leave_out(whole, axis), shape))


def find_channel_axis(image: Image, labels: Labels, wanted: int | str | None = None) -> int | None:
    """Return the axis of the channels: the wanted one, the colours, or the one that the layers speak for.

    Raises
    ------
    InputError
        If the wanted axis cannot be it, or the labels lack an axis that holds no channels.
    """
    axes, letters = channel_axes(image, labels), axis_letters(image)
    if isinstance(wanted, int):
        if wanted not in axes:
            raise InputError(
                f"Axis {wanted} of '{image.name}' cannot be that of its channels: without it, the labels do not fit."
            )
        return wanted
    if image.rgb:
        return axes[0]
    has_all = image.ndim == labels.ndim
    if has_all and wanted == NO_AXIS:
        return None
    named = [axis for axis in axes if letters[axis] == CHANNELS]
    unnamed = [axis for axis in axes if letters[axis] == UNKNOWN]
    found = named if has_all or wanted == NO_AXIS else named + unnamed
    if axes and not found and not has_all:
        lacking = " or ".join(f"'{axis_names(image)[axis]}'" for axis in axes)
        raise InputError(
            f"'{labels.name}' lacks the axis {lacking} of '{image.name}'. Choose it as Channel axis if it holds "
            "channels, or choose labels of the image's shape."
        )
    return next(iter(found), None)


def grid_letters(image: Image, labels: Labels, channel_axis: int | None) -> str:
    """Return what each axis is that is refined: as the image says, else as the labels do."""
    of_image, of_labels = axis_letters(image), axis_letters(labels)
    count = image.ndim - (channel_axis is not None and channel_axis < image.ndim)
    if len(of_labels) > count:  # they have a plane for each channel
        of_labels = "".join(leave_out(of_labels, channel_axis))
    return name_axes(_layout(of_image), _layout(of_labels), channel_axis)


def find_apart(image: Image, labels: Labels, channel_axis: int | None) -> tuple[int, ...]:
    """Return the axes of what is refined along which each index is refined on its own: those of time."""
    letters = grid_letters(image, labels, channel_axis)
    return axes_apart(letters) if len(letters) > 2 else ()  # a plane of time and one axis is a picture


def _lies_on(image: Image, axis: int, labels: Labels) -> bool:
    """Whether labels of another shape cover something of the image without this axis."""
    try:
        return Grid(image, axis).lookup(labels).overlaps
    except InputError:
        return False


def _count_equal(one: Sequence[int], other: Sequence[int]) -> int:
    """Return along how many axes two shapes agree."""
    return sum(a == b for a, b in zip(one, other, strict=True))


def _layout(letters: str) -> Layout:
    return Layout((1,) * len(letters), letters, is_said=any(letter != UNKNOWN for letter in letters))

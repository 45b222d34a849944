"""An image and its labels as files, fitted to each other: what refine and evaluate begin with.

What the files say decides, what a person says on top overrules it, and what was decided is told in sentences.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.inputs import Picture, fitting_channel_axes, read_labels
from napari_coarse_crf.io.axes import TIME, Layout, axes_apart, find_channel_axis, name_axes
from napari_coarse_crf.io.edges import say_smoothed_edges
from napari_coarse_crf.io.grid import UNKNOWN, Grid
from napari_coarse_crf.io.left_out import find_left_out, find_void, mask_without, say_left_out, without_void
from napari_coarse_crf.io.raster import CHANNELS, SAMPLES
from napari_coarse_crf.io.reading import read_image, read_mask
from napari_coarse_crf.io.reading import read_labels as read_label_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_coarse_crf.compute.arrays import LabelArray
    from napari_coarse_crf.io.reading import ImageFile, LabelFile

_CALLED = {TIME: "frames", CHANNELS: "channels"}


@dataclass(frozen=True, slots=True)
class Reading:
    """What a person says of the files; without, the files themselves decide.

    Attributes
    ----------
    mask : Path or None
        A file that is 0 where pixels take no part.
    channel_axis : int or None
        The axis of the image that holds its channels.
    spacing : sequence of float or None
        Size of a pixel along each axis of the labels.
    contrast_limits : (low, high) or None
        What becomes 0 and 255.
    each_slice : bool or None
        True: each plane is refined on its own. False: everything at once, time too.
    ignore : tuple of int
        The ids of labelled pixels that take no part and stay as they are: what nobody could tell.
    """

    mask: Path | None = None
    channel_axis: int | None = None
    spacing: Sequence[float] | None = None
    contrast_limits: Any = None
    each_slice: bool | None = None
    ignore: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """An image and its labels.

    Attributes
    ----------
    picture : Picture
        The image and how it is to be read.
    labels : ndarray of int
        The label ids, 0 where the label file holds none.
    stored : ndarray of int
        The label map as it is in the file.
    palette : bytes or None
        The colours in which the label file shows them.
    axes : str
        What each axis of the labels is, see `Raster`.
    grid : Grid
        Where the pixels lie, as the file says that says more of it.
    apart : tuple of int
        The axes of the labels along which each index is refined on its own.
    said : tuple of str
        What was taken how, one sentence each.
    warnings : tuple of str
        What a person should look at.
    """

    picture: Picture
    labels: LabelArray
    stored: LabelArray
    palette: bytes | None
    axes: str
    grid: Grid
    apart: tuple[int, ...]
    said: tuple[str, ...]
    warnings: tuple[str, ...]

    def finished(self, refined: LabelArray) -> LabelArray:
        """Return refined labels with what is no id as it is stored."""
        return refined if self.labels is self.stored else np.where(self.labels == self.stored, refined, self.stored)


def read_pair(image: Path, labels: Path, reading: Reading | None = None) -> Pair:
    """Read an image and its labels.

    Raises
    ------
    InputError
        If a file cannot be read, or the files do not fit each other.
    """
    chosen = reading or Reading()
    painted = read_label_file(labels)
    pictured = read_image(image, chosen.channel_axis, painted)
    fit = fit_files(pictured, painted, chosen)
    masked = None if chosen.mask is None else read_mask(chosen.mask, painted)
    void = find_void(painted, chosen.ignore)
    left_out = find_left_out(pictured, fit.channel_axis, void, painted.ids.shape)
    picture = Picture(
        pictured.image,
        mask_without(left_out, None if masked is None else masked.mask),
        -1 if fit.channel_axis is None else fit.channel_axis,
        fit.spacing,
        chosen.contrast_limits,
        by_channel=pictured.has_own_ranges(fit.channel_axis),
    )
    said = (*fit.said, *pictured.said, *(() if masked is None else masked.said), *say_left_out(left_out))
    ids = read_labels(without_void(painted.ids, void))
    warnings = (*pictured.notes, *painted.notes, *say_smoothed_edges(ids))
    return Pair(picture, ids, painted.ids, painted.palette, fit.axes, fit.grid, fit.apart, said, warnings)


@dataclass(frozen=True, slots=True)
class Fit:
    """How an image and its labels lie on each other.

    Attributes
    ----------
    channel_axis : int or None
        The axis of the image that holds its channels.
    axes, apart, grid
        As of a `Pair`.
    spacing : sequence of float or None
        Size of a pixel along each axis of the labels.
    said : tuple of str
        What was taken how, one sentence each.
    """

    channel_axis: int | None
    axes: str
    apart: tuple[int, ...]
    grid: Grid
    spacing: Sequence[float] | None
    said: tuple[str, ...]


def fit_files(pictured: ImageFile, painted: LabelFile, chosen: Reading) -> Fit:
    """Fit an image and its labels to each other, by what the files say and a person on top.

    Raises
    ------
    InputError
        If their axes do not fit each other.
    """
    shown, labelled = _layouts(pictured, painted)
    channel_axis = find_channel_axis(shown, labelled)
    if chosen.channel_axis is not None and channel_axis is None and CHANNELS in pictured.axes:
        raise InputError(
            f"The image {pictured.image.shape} and its labels {painted.ids.shape} have as many axes, so none of them "
            "holds channels. Leave out --channel-axis, or give labels that lack it."
        )
    axes = name_axes(shown, labelled, channel_axis)
    apart = tuple(axis for axis in axes_apart(axes, each_slice=chosen.each_slice) if labelled.shape[axis] > 1)
    grid = _more_telling(pictured.grid, painted.grid, axes)
    spacing, of_spacing = (chosen.spacing, []) if chosen.spacing is not None else file_spacing(grid, axes, apart)
    said = (
        *_say_channels(shown, labelled, channel_axis),
        *_say_apart(axes, apart, labelled.shape, chosen.each_slice),
        *of_spacing,
    )
    return Fit(channel_axis, axes, apart, grid, spacing, said)


def _more_telling(image: Grid, labels: Grid, axes: str) -> Grid:
    """Return the grid that knows the size along more axes, that of the image if both know as much."""
    known = [sum(grid.size_along(letter) is not None for letter in axes) for grid in (image, labels)]
    chosen = labels if known[1] > known[0] else image
    georeference = image.georeference or labels.georeference
    return replace(chosen, georeference=georeference, orientation=labels.orientation)


def file_spacing(grid: Grid, axes: str, apart: tuple[int, ...]) -> tuple[tuple[float, ...] | None, list[str]]:
    """Return the spacing that a grid says, None if it says none, and a sentence on it."""
    together = "".join(letter for axis, letter in enumerate(axes) if axis not in apart)
    sizes, unknown = grid.spacing(together)
    if sizes is None:
        return None, []
    numbers = " x ".join(f"{size:g}" for size in sizes)
    named = ", ".join("depth" if letter == UNKNOWN else letter for letter in together)
    sentence = f"The pixel size in the file, {numbers} {grid.unit}".rstrip() + f" ({named}), is taken as the spacing"
    sentence += f", along {unknown} the smallest of the others" if unknown else ""
    full = iter(sizes)
    spacing = tuple(min(sizes) if axis in apart else next(full) for axis in range(len(axes)))
    return spacing, [f"{sentence}; --spacing overrules it."]


def _layouts(image: ImageFile, labels: LabelFile) -> tuple[Layout, Layout]:
    return (
        Layout(image.image.shape, image.axes, image.names_axes),
        Layout(labels.ids.shape, labels.axes, labels.names_axes),
    )


def _say_channels(image: Layout, labels: Layout, axis: int | None) -> list[str]:
    """Say which axis was taken for the channels, unless it holds the colours or is the last one, as everywhere."""
    if axis is None or image.axes[axis] == SAMPLES or axis == len(image.shape) - 1:
        return []
    sentence = f"The {image.shape[axis]} planes of the image along axis {axis} are taken as its channels."
    others = [other for other in fitting_channel_axes(image.shape, labels.shape) if other != axis]
    if others and image.axes[axis] != CHANNELS:
        sentence += f" --channel-axis {others[0]} takes those along axis {others[0]}."
    return [sentence]


def _say_apart(axes: str, apart: tuple[int, ...], shape: tuple[int, ...], each_slice: bool | None) -> list[str]:
    """Say along which axes each index is refined on its own, if nobody asked for it."""
    if not apart or each_slice is not None:
        return []
    named = " and ".join(f"{shape[axis]} {_CALLED[axes[axis]]} (axis {axes[axis]})" for axis in apart)
    return [f"The {named} are refined each on its own; --volume refines everything at once."]

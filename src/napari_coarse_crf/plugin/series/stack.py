"""Stacks among the layers: the axes along which they have frames or slices, and the files they come from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from napari.layers import Image

from napari_coarse_crf.io.places import exists
from napari_coarse_crf.io.raster import CHANNELS
from napari_coarse_crf.plugin.layers.axes import DEPTH, axis_letters, axis_names
from napari_coarse_crf.plugin.layers.grid import Grid, leave_out
from napari_coarse_crf.plugin.layers.provenance import is_shown_only

if TYPE_CHECKING:
    import napari
    from napari.layers import Layer

_PLANE: Final = 2
_paths: WeakKeyDictionary[Layer, Path] = WeakKeyDictionary()
"""By layer: the image that it is, or that its labels belong to, where this session knows it."""


@dataclass(frozen=True, slots=True)
class Stack:
    """An image with an axis that a person goes along.

    Attributes
    ----------
    image : napari.layers.Image
        The image.
    channel_axis : int or None
        The axis that its labels lack.
    axis : int
        That of the frames, among those of its labels.
    """

    image: Image
    channel_axis: int | None
    axis: int

    @property
    def grid(self) -> Grid:
        """The pixels of its labels."""
        return Grid(self.image, self.channel_axis)

    @property
    def one(self) -> str:
        """What one of it is called."""
        letters = leave_out(axis_letters(self.image), self.channel_axis)
        return "slice" if letters[self.axis] == DEPTH else "frame"

    @property
    def title(self) -> str:
        """What all of it is called."""
        return f"{self.image.name}, {leave_out(axis_names(self.image), self.channel_axis)[self.axis]}"

    def row_seen(self, viewer: napari.viewer.Viewer) -> int:
        """Return where the slider stands."""
        place = round(self.grid.pixel_at(viewer.dims.point)[self.axis])
        return min(max(place, 0), self.grid.shape[self.axis] - 1)

    def show(self, viewer: napari.viewer.Viewer, row: int) -> None:
        """Move the slider; the view becomes one of planes where it has none."""
        dims = viewer.dims
        own = leave_out(range(self.image.ndim), self.channel_axis)[self.axis]
        axis = dims.ndim - self.image.ndim + own
        if axis in dims.displayed:
            dims.ndisplay = 2
        if axis in dims.displayed:
            dims.order = tuple(range(dims.ndim))
        place = self.grid.pixel_at(dims.point)
        place[self.axis] = row
        dims.set_point(axis, self.grid.point_at(place, dims.point)[axis])


def find_stacks(viewer: napari.viewer.Viewer) -> list[Stack]:
    """Return all stacks of the viewer, one for each axis that has a slider and is none of channels."""
    found = []
    for layer in viewer.layers:
        if not isinstance(layer, Image) or is_shown_only(layer):
            continue
        letters = axis_letters(layer)
        channel_axis = letters.index(CHANNELS) if CHANNELS in letters and not layer.rgb else None
        shape = Grid(layer, channel_axis).shape
        found += [Stack(layer, channel_axis, axis) for axis in range(len(shape) - _PLANE) if shape[axis] > 1]
    return found


def note_path(layer: Layer, path: Path | None) -> None:
    """Remember which file an image comes from, or its labels are stored beside."""
    if path is not None:
        _paths[layer] = path


def noted_path(layer: Layer) -> Path | None:
    """Return what `note_path` was told."""
    return _paths.get(layer)


def path_of(image: Image) -> Path | None:
    """Return the file that an image comes from, if it is one of this machine."""
    if (noted := _paths.get(image)) is not None:
        return noted
    said = image.source.path
    path = None if not said else Path(str(said)).absolute()
    return path if path is not None and exists(path) else None

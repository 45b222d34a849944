"""Controls for what of the layers is refined: slices, what is in view, a drawn region, further channels.

They show only what there is to choose: no slices for a plane, no channels without another image that lies on the first.
What the axes are is guessed from the layers' names and units for them, and shown. What they say leaves as a `Choice`.
"""

from __future__ import annotations

import math
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeVar

import numpy as np
from magicgui.widgets import CheckBox, ComboBox, Container
from napari.layers import Image, Labels, Shapes

from napari_coarse_crf import InputError
from napari_coarse_crf.plugin.controls.boxes import fit_into_dock
from napari_coarse_crf.plugin.controls.layer_box import LayerBox, LayerRows, SteadyBox
from napari_coarse_crf.plugin.controls.wheel import guard_against_wheel
from napari_coarse_crf.plugin.jobs.fitting import fits_into_memory
from napari_coarse_crf.plugin.layers.axes import axis_names, channel_axes, find_apart, find_channel_axis, grid_names
from napari_coarse_crf.plugin.layers.choice import NO_AXIS, Choice
from napari_coarse_crf.plugin.layers.grid import Grid, finest, leave_out
from napari_coarse_crf.plugin.layers.match import can_lie_on, find_grid
from napari_coarse_crf.plugin.layers.provenance import is_shown_only
from napari_coarse_crf.tiles.parts import Scope

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari
    from napari.layers import Layer

    from napari_coarse_crf.plugin.layers.grid import Lookup

P = ParamSpec("P")
R = TypeVar("R")

_WHOLE: Final = "whole"
_CURRENT: Final = "current"
_EACH: Final = "each"

_MODES = [("Everything at once (3-D)", _WHOLE), ("Current slice", _CURRENT), ("Each slice on its own", _EACH)]
_FRAME_BY_FRAME: Final = "Everything, frame by frame"
_CHANNEL_ROWS = 3
_LEAST_FOR_TILES: Final = 2**22
"""Pixels up to which one tile holds everything."""


def _looks_once(
    method: Callable[Concatenate[ScopeControls, P], R],
) -> Callable[Concatenate[ScopeControls, P], R]:
    """Look up once what a method asks dozens of times: how its layers lie on each other, which stays meanwhile."""

    @wraps(method)
    def looking_once(self: ScopeControls, /, *args: P.args, **keywords: P.kwargs) -> R:
        if self._looked_up is not None:  # for another method
            return method(self, *args, **keywords)
        self._looked_up = {}
        try:
            return method(self, *args, **keywords)
        finally:
            self._looked_up = None

    return looking_once


class ScopeControls(Container[Any]):
    """Choose slices, the visible area, a region and further channels.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose layers are offered and whose slices and view count.

    Attributes
    ----------
    mode : ComboBox
        "whole", "current" or "each".
    axis : SteadyBox
        The axis of the slices, by its label in the viewer.
    region : LayerBox
        A Shapes, Labels or Image layer, or None for everywhere.
    in_view : CheckBox
        Whether only the visible area counts.
    tiles : CheckBox
        Whether a run goes tile by tile: offered for large images, and ticked where the memory would not suffice.
    least_for_tiles : int
        From how many pixels on an image is large.
    memory_limit : int or None
        How many bytes a run may take before it is to go tile by tile; None: half of what is free.
    tile_side : int or None
        How long a tile is along each axis, in pixels; None: what half of the free memory holds,
        and no more than about 2 GB.
    channel_axis : SteadyBox
        The axis of the image's channels, or "none", where there is a choice.
    time_axis : SteadyBox
        The axis of what is refined along which each frame is refined on its own, or "none".
    channels : LayerRows
        Further Image layers that are channels of the same image.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        self._image_layer: Image | None = None
        self._labels_layer: Labels | None = None
        self._axes_seen: tuple[Any, ...] = ()
        self._places_seen: list[Any] = []
        self._looked_up: dict[int | None, tuple[Grid, Lookup] | None] | None = None
        self.least_for_tiles = _LEAST_FOR_TILES
        self.memory_limit: int | None = None
        self.tile_side: int | None = None
        self.mode = ComboBox(
            name="mode", label="Scope", choices=_modes,
            tooltip="A volume can be refined at once, neighbouring slices helping each other; a time series slice by "
            "slice.",
        )  # fmt: skip
        self.axis = SteadyBox(
            name="axis", label="Slices of", choices=lambda _box: self._axes(),
            tooltip="The axis that the slices follow, by its label in the viewer.",
        )  # fmt: skip
        self.channel_axis = SteadyBox(
            name="channel_axis", label="Channel axis", choices=lambda _box: self._channel_axes(),
            tooltip="The axis of the image that holds its channels. Where the labels have it, too, one plane of them "
            "counts for all channels: the one at the slider, or the only one that holds any.",
        )  # fmt: skip
        self.time_axis = SteadyBox(
            name="time_axis", label="Time axis", choices=lambda _box: self._time_axes(),
            tooltip="Frames along this axis are refined each on its own; all other axes are space, whose slices help "
            "each other.",
        )  # fmt: skip
        self.channels = LayerRows(
            self._further_channels, name="channels", label="Channels",
            tooltip="Further channels of the same image: Ctrl-click to choose several or none.",
        )  # fmt: skip
        self.region = LayerBox(
            self._regions, "Everywhere", name="region", label="Only in",
            tooltip="Only pixels inside the shapes of a Shapes layer, or where a layer is not 0, take part; use it to "
            "leave out areas without data.",
        )  # fmt: skip
        self.in_view = CheckBox(
            name="in_view", text="Visible area only",
            tooltip="Refine only what the viewer shows now: zoom in for a quick try.",
        )  # fmt: skip
        self.tiles = CheckBox(
            name="tiles", text="Tile by tile",
            tooltip="Refine a large image piece by piece, those in view first, into a layer on disk: the memory that "
            "takes does not grow with the image. Live and Next place then work on what is in view.",
        )  # fmt: skip
        # Before the container hears of it, which tells others of what all boxes say.
        self.channel_axis.changed.connect(self._on_channel_axis)
        widgets: list[Any] = [self.channel_axis, self.time_axis, self.channels, self.mode, self.axis, self.region]
        widgets += [self.in_view, self.tiles]
        super().__init__(widgets=widgets, name="scope", labels=True)
        self.margins = (0, 0, 0, 0)
        fit_into_dock(self.mode)
        rows = self.channels.native
        guard_against_wheel(rows)
        rows.setMaximumHeight(_CHANNEL_ROWS * rows.fontMetrics().lineSpacing() + 2 * _CHANNEL_ROWS)
        self.mode.changed.connect(self._show_what_there_is)
        self.mode.changed.connect(self.guess_tiles)
        self.time_axis.changed.connect(self._show_what_there_is)

    def show_for(self, image: Image | None, labels: Labels | None) -> None:
        """Offer what these layers have, and guess what their axes are if they say something new about them."""
        layers = [layer for layer in (image, labels) if layer is not None]
        axes, places = (image, labels, *map(_about_axes, layers)), [_corners(layer) for layer in layers]
        if (axes, places) != (self._axes_seen, self._places_seen):
            is_new, self._axes_seen, self._places_seen = axes != self._axes_seen, axes, places
            self._image_layer, self._labels_layer = image, labels
            before = self._values()
            self._offer(is_new=is_new)
            if self._values() != before:
                self.changed.emit(self)
        self._show_what_there_is()

    @_looks_once
    def reset_choices(self, *_: Any) -> None:
        """Offer what there is now; napari calls this whenever its layers change."""
        super().reset_choices()

    @_looks_once
    def _offer(self, *, is_new: bool) -> None:
        with self.changed.blocked():
            self.reset_choices()
            if is_new:  # else what a person chose stays
                self._guess_axes()
                self.guess_tiles()

    def _values(self) -> list[Any]:
        """Return what the boxes say."""
        boxes = (self.channel_axis, self.time_axis, self.channels, self.axis, self.region, self.tiles)
        return [box.value for box in boxes]

    @_looks_once
    def guess_tiles(self) -> None:
        """Tick that a run goes tile by tile, if it would not fit into memory otherwise."""
        if self._labels_layer is not None and self._may_be_in_tiles:
            labels = finest(self._labels_layer)
            self.tiles.value = not fits_into_memory(self._shape_at_once, labels, self.memory_limit)

    @_looks_once
    def seen(self) -> tuple[tuple[int, int], ...] | None:
        """Return the range of what is refined that a person sees; None where nobody knows."""
        grid = None if self._found is None else self._found[0]
        if grid is None or grid.layer.corner_pixels.shape[1] < grid.layer.ndim:  # napari has yet to draw it
            return None
        box = self._box_in_view(grid)
        if box is None:
            return None
        here, displayed = self._pixel_seen(grid), self._displayed(grid)
        return tuple(one if axis in displayed else (here[axis], here[axis] + 1) for axis, one in enumerate(box))

    def choose_slices(self, axis: int) -> None:
        """Choose the current slice along an axis of what is refined."""
        self.mode.value = _CURRENT
        if axis in self.axis.choices:
            self.axis.value = axis

    @_looks_once
    def choice(self, *, one_slice: bool = False) -> Choice:
        """Return what is chosen, with the slice and the view of this moment.

        Parameters
        ----------
        one_slice : bool, optional
            Whether the current slice is to stand for all slices on their own, and what is in view for all tiles.
        """
        by_tiles = self._may_be_in_tiles and bool(self.tiles.value)
        return Choice(
            scope=self._scope(one_slice=one_slice, in_view=self.in_view.value or (one_slice and by_tiles)),
            channels=tuple(self.channels.value),
            region=self.region.value,
            channel_axis=self.channel_axis.value if self._has_channel_axes else None,
            plane=self._plane(),
            by_tiles=by_tiles and not one_slice,
            tile_side=self.tile_side,
        )

    def _scope(self, *, one_slice: bool, in_view: bool) -> Scope:
        grid = self._grid
        if grid is None:
            return Scope()
        shape, count = grid.shape, len(grid.shape)
        time = self.time_axis.value if count > 2 and self.time_axis.value != NO_AXIS else None
        axis = self.axis.value if count > 2 and self.mode.value != _WHOLE else None
        if axis is None and one_slice:
            axis = time  # a quick look at everything is one at the current frame
        here = self._pixel_seen(grid)
        is_current = axis is not None and (one_slice or self.mode.value == _CURRENT)
        index = here[axis] if axis is not None and is_current else None
        box = self._box_in_view(grid) if in_view else None
        if time is not None and time != axis and is_current:  # of the frame that is seen
            ranges = list(box or ((0, size) for size in shape))
            ranges[time] = here[time], here[time] + 1
            box = tuple(ranges)
        return Scope(axis, index, box, self._apart(() if time is None else (time,)))

    def _pixel_seen(self, grid: Grid) -> list[int]:
        """Return where the sliders stand, in pixels of the grid."""
        if self._found and self._image_layer is not None:
            # They are those of the image: labels without its channels may lack an axis in between.
            grid = Grid(self._image_layer, self._channel_axis)
        places = zip(grid.pixel_at(self._viewer.dims.point), grid.shape, strict=True)
        return [min(max(round(place), 0), size - 1) for place, size in places]

    def _box_in_view(self, grid: Grid) -> tuple[tuple[int, int], ...] | None:
        """Return the range in view along each axis; in 3-D, all that is displayed is in view."""
        dims, layer = self._viewer.dims, grid.layer
        if dims.ndisplay != 2:
            return None
        displayed = [axis - (dims.ndim - layer.ndim) for axis in dims.displayed]
        box = grid.box_in_view([axis for axis in displayed if axis >= 0])
        if layer.multiscale and self._found:
            box = self._found[1].narrow(box, self._displayed(grid))
        return box

    def _displayed(self, grid: Grid) -> list[int]:
        """Return which axes of the grid are on the screen."""
        dims, layer = self._viewer.dims, grid.layer
        displayed = [axis - (dims.ndim - layer.ndim) for axis in dims.displayed]
        axes = leave_out(range(layer.ndim), grid.without)
        return [place for place, axis in enumerate(axes) if axis in displayed]

    def _apart(self, chosen: tuple[int, ...]) -> tuple[int, ...] | None:
        """Return the axes of time where they are others than the layers say."""
        image, labels = self._image_layer, self._labels_layer
        if image is None or labels is None:
            return None
        return None if chosen == find_apart(image, labels, self._channel_axis) else chosen

    def _plane(self) -> int | None:
        """Return where the slider stands along the axis of the channels, if the labels have it, too."""
        image, labels, axis = self._image_layer, self._labels_layer, self.channel_axis.value
        if image is None or labels is None or image.ndim != labels.ndim or not isinstance(axis, int) or image.rgb:
            return None
        if axis >= labels.ndim:  # they have fewer axes than a moment ago
            return None
        return round(Grid(labels).pixel_at(self._viewer.dims.point)[axis])

    @_looks_once
    def _show_what_there_is(self) -> None:
        grid = self._grid
        has_slices = grid is not None and len(grid.shape) > 2
        self.mode.visible = self.time_axis.visible = has_slices
        self.axis.visible = has_slices and self.mode.value != _WHOLE
        self.tiles.visible = self._may_be_in_tiles
        self.channel_axis.visible = self._has_channel_axes
        self.channels.visible = bool(self.channels.choices)
        is_film = has_slices and self.time_axis.value != NO_AXIS
        self.mode.native.setItemText(0, _FRAME_BY_FRAME if is_film else _MODES[0][0])

    @property
    def _may_be_in_tiles(self) -> bool:
        """Whether much is refined at once."""
        return self._takes_one_part and math.prod(self._shape_at_once) > self.least_for_tiles

    @property
    def _shape_at_once(self) -> list[int]:
        """Return the shape of what is refined at once, be it in view or not; of many slices or frames, of one."""
        grid = self._grid
        if grid is None:
            return [0]
        apart = set()
        if len(grid.shape) > 2:
            apart = {self.time_axis.value} | ({self.axis.value} if self.mode.value != _WHOLE else set())
        return [size for axis, size in enumerate(grid.shape) if axis not in apart]

    @property
    def _takes_one_part(self) -> bool:
        """Whether there are no slices or frames that are refined each on its own."""
        grid = self._grid
        if grid is None or len(grid.shape) < 3 or self.mode.value == _CURRENT:
            return True
        return bool(self.mode.value == _WHOLE and self.time_axis.value == NO_AXIS)

    def _guess_axes(self) -> None:
        """Choose what the layers say of their axes."""
        image, labels = self._image_layer, self._labels_layer
        if image is None or labels is None:
            return
        try:
            axis = find_channel_axis(image, labels)
        except InputError:
            axis = None
        if (chosen := NO_AXIS if axis is None else axis) in self.channel_axis.choices:
            self.channel_axis.value = chosen
        self._guess_time()

    def _guess_time(self) -> None:
        image, labels = self._image_layer, self._labels_layer
        if image is None or labels is None:
            return
        apart = find_apart(image, labels, self._channel_axis)
        self.time_axis.value = next((axis for axis in apart if axis in self.time_axis.choices), NO_AXIS)

    def _on_channel_axis(self) -> None:
        """Offer the other axes for time and slices."""
        with self.changed.blocked():
            for box in (self.time_axis, self.axis, self.channels, self.region):
                box.reset_choices()
            self._guess_time()
        self._show_what_there_is()

    @property
    def _has_channel_axes(self) -> bool:
        """Whether there is anything to choose."""
        return len(self.channel_axis.choices) > 1

    @property
    def _channel_axis(self) -> int | None:
        """The axis of the channels, if any."""
        image, labels = self._image_layer, self._labels_layer
        if image is None or labels is None:
            return None
        try:
            return find_channel_axis(image, labels, self.channel_axis.value)
        except InputError:
            return None

    @property
    def _grid(self) -> Grid | None:
        """The pixels that are refined; those of the labels where the layers do not fit."""
        labels = self._labels_layer
        return self._found[0] if self._found else None if labels is None else Grid(labels)

    @property
    def _found(self) -> tuple[Grid, Lookup] | None:
        """The pixels that are refined, and where the labels lie on them; None where the layers do not fit."""
        axis, known = self._channel_axis, {} if self._looked_up is None else self._looked_up
        if axis not in known:
            known[axis] = self._look_up(axis)
        return known[axis]

    def _look_up(self, channel_axis: int | None) -> tuple[Grid, Lookup] | None:
        image, labels = self._image_layer, self._labels_layer
        if image is None or labels is None:
            return None
        try:
            return find_grid(image, labels, channel_axis)
        except InputError:
            return None

    def _channel_axes(self) -> list[tuple[str, Any]]:
        image, labels = self._image_layer, self._labels_layer
        if image is None or labels is None or image.rgb:
            return []
        names = axis_names(image)
        axes: list[tuple[str, Any]] = [(names[axis], axis) for axis in channel_axes(image, labels)]
        try:
            is_needed = image.ndim > labels.ndim and find_channel_axis(image, labels) is not None
        except InputError:
            is_needed = False
        return axes if is_needed or not axes else [("none", NO_AXIS), *axes]

    def _time_axes(self) -> list[tuple[str, Any]]:
        return [("none", NO_AXIS), *self._axes()]

    def _axes(self) -> list[tuple[str, int]]:
        image, labels = self._image_layer, self._labels_layer
        if labels is None:
            return []
        if image is None or self._found is None:
            names = axis_names(labels)
        else:
            names = grid_names(image, labels, self._channel_axis)
        return [(name, axis) for axis, name in enumerate(names)]

    def _further_channels(self) -> list[Image]:
        grid = self._grid
        if grid is None or self._image_layer is None:
            return []
        others = [layer for layer in self._viewer.layers if isinstance(layer, Image) and layer is not self._image_layer]
        return [layer for layer in others if _may_be_channel(layer, grid)]

    def _regions(self) -> list[Layer]:
        taken, grid = (self._image_layer, self._labels_layer), self._grid
        return [layer for layer in self._viewer.layers if _may_be_region(layer, grid, taken)]


def _modes(box: Any) -> list[tuple[str, str]]:
    """Return the choices, the first as it is called now: magicgui knows them by their texts, and would add another."""
    return [(box.native.itemText(0) or _MODES[0][0], _WHOLE), *_MODES[1:]]


def _about_axes(layer: Image | Labels) -> tuple[Any, ...]:
    """Return what a layer says of its axes."""
    return tuple(finest(layer).shape), tuple(layer.axis_labels), tuple(map(str, layer.units))


def _corners(layer: Image | Labels) -> list[tuple[float, ...]]:
    """Return where a layer lies, in bare numbers."""
    return [tuple(map(float, layer.data_to_world(corner))) for corner in (*np.eye(layer.ndim), np.zeros(layer.ndim))]


def _may_be_channel(layer: Image, grid: Grid) -> bool:
    if layer.rgb or layer.multiscale or is_shown_only(layer):
        return False
    return layer.ndim == len(grid.shape) and can_lie_on(grid, layer)


def _may_be_region(layer: Layer, grid: Grid | None, taken: tuple[Layer | None, ...]) -> bool:
    if isinstance(layer, Shapes):
        return True
    if grid is None or layer in taken or not isinstance(layer, Image | Labels) or layer.multiscale:
        return False
    if is_shown_only(layer) or (isinstance(layer, Image) and layer.rgb):
        return False
    return can_lie_on(grid, layer)

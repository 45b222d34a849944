"""Controls for what of the layers is refined: slices, what is in view, a drawn region, further channels.

They show only what there is to choose: no slices for a plane, no channels without another image of the same shape.
What they say leaves as a `Choice`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from magicgui.widgets import CheckBox, ComboBox, Container
from napari.layers import Image, Labels, Shapes

from napari_coarse_crf.plugin.controls.boxes import fit_into_dock
from napari_coarse_crf.plugin.controls.layer_box import LayerBox, LayerRows, SteadyBox
from napari_coarse_crf.plugin.controls.wheel import guard_against_wheel
from napari_coarse_crf.plugin.layers.provenance import is_shown_only
from napari_coarse_crf.plugin.layers.read import Choice, channel_axes
from napari_coarse_crf.tiles.outlines import visible_box
from napari_coarse_crf.tiles.parts import Scope

if TYPE_CHECKING:
    import napari
    from napari.layers import Layer

_WHOLE: Final = "whole"
_CURRENT: Final = "current"
_EACH: Final = "each"

_MODES = [("Everything at once (3-D)", _WHOLE), ("Current slice", _CURRENT), ("Each slice on its own", _EACH)]
_CHANNEL_ROWS = 3


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
    channel_axis : SteadyBox
        The axis of the image's channels, where several could be it.
    channels : LayerRows
        Further Image layers that are channels of the same image.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        self._image_layer: Image | None = None
        self._labels_layer: Labels | None = None
        self._axes_offered: tuple[list[str], ...] = ()  # of both layers
        self.mode = ComboBox(
            name="mode", label="Scope", choices=_MODES,
            tooltip="A volume can be refined at once, neighbouring slices helping each other; a time series slice by "
            "slice.",
        )  # fmt: skip
        self.axis = SteadyBox(
            name="axis", label="Slices of", choices=lambda _box: self._axes(),
            tooltip="The axis that the slices follow, by its label in the viewer.",
        )  # fmt: skip
        self.channel_axis = SteadyBox(
            name="channel_axis", label="Channel axis", choices=lambda _box: self._channel_axes(),
            tooltip="The axis of the image that holds its channels; the others are those of the labels.",
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
        widgets = [self.channel_axis, self.channels, self.mode, self.axis, self.region, self.in_view]
        super().__init__(widgets=widgets, name="scope", labels=True)
        self.margins = (0, 0, 0, 0)
        fit_into_dock(self.mode)
        rows = self.channels.native
        guard_against_wheel(rows)
        rows.setMaximumHeight(_CHANNEL_ROWS * rows.fontMetrics().lineSpacing() + 2 * _CHANNEL_ROWS)
        self.mode.changed.connect(self._show_what_there_is)

    def show_for(self, image: Image | None, labels: Labels | None) -> None:
        """Offer what these layers have now."""
        axes = tuple(_named_axes(layer) for layer in (image, labels))
        if (image, labels, axes) != (self._image_layer, self._labels_layer, self._axes_offered):
            self._image_layer, self._labels_layer, self._axes_offered = image, labels, axes
            self.reset_choices()
        self._show_what_there_is()

    def choice(self, *, one_slice: bool = False) -> Choice:
        """Return what is chosen, with the slice and the view of this moment.

        Parameters
        ----------
        one_slice : bool, optional
            Whether the current slice is to stand for all slices on their own.
        """
        return Choice(
            scope=self._scope(one_slice=one_slice),
            channels=tuple(self.channels.value),
            region=self.region.value,
            channel_axis=self.channel_axis.value if self._has_channel_axes else None,
        )

    def _scope(self, *, one_slice: bool) -> Scope:
        labels = self._labels_layer
        if labels is None:
            return Scope()
        axis = self.axis.value if labels.ndim > 2 and self.mode.value != _WHOLE else None
        index = None
        if axis is not None and (one_slice or self.mode.value == _CURRENT):
            here = labels.world_to_data(self._viewer.dims.point)[axis]
            index = min(max(round(float(here)), 0), labels.data.shape[axis] - 1)
        box = None
        if self.in_view.value and self._viewer.dims.ndisplay == 2:  # in 3-D, all that is displayed is in view
            hidden = self._viewer.dims.ndim - labels.ndim
            displayed = [one - hidden for one in self._viewer.dims.displayed if one >= hidden]
            box = visible_box(labels.corner_pixels, displayed, labels.data.shape)
        return Scope(axis, index, box)

    def _show_what_there_is(self) -> None:
        has_slices = self._labels_layer is not None and self._labels_layer.ndim > 2
        self.mode.visible = has_slices
        self.axis.visible = has_slices and self.mode.value != _WHOLE
        self.channel_axis.visible = self._has_channel_axes
        self.channels.visible = bool(self.channels.choices)

    @property
    def _has_channel_axes(self) -> bool:
        """Whether there is anything to choose."""
        return len(self.channel_axis.choices) > 1

    def _channel_axes(self) -> list[tuple[str, int]]:
        image, labels = self._image_layer, self._labels_layer
        if image is None or labels is None or image.rgb:
            return []
        names = _named_axes(image)
        return [(names[axis], axis) for axis in channel_axes(image, tuple(labels.data.shape))]

    def _axes(self) -> list[tuple[str, int]]:
        return [(name, axis) for axis, name in enumerate(_named_axes(self._labels_layer))]

    def _further_channels(self) -> list[Image]:
        image, labels = self._image_layer, self._labels_layer
        if image is None or labels is None:
            return []
        shape = labels.data.shape
        others = [layer for layer in self._viewer.layers if isinstance(layer, Image) and layer is not image]
        return [layer for layer in others if _may_be_channel(layer) and layer.data.shape == shape]

    def _regions(self) -> list[Layer]:
        shape = None if self._labels_layer is None else tuple(self._labels_layer.data.shape)
        taken = self._image_layer, self._labels_layer
        return [layer for layer in self._viewer.layers if _may_be_region(layer, shape, taken)]


def _named_axes(layer: Image | Labels | None) -> list[str]:
    """Return how each axis is called, with its size; none where there is no layer."""
    if layer is None:
        return []
    data = layer.data[0] if layer.multiscale else layer.data
    # napari counts axes without a name from the last one: "-3".
    names = [f"axis {axis}" if str(name).startswith("-") else name for axis, name in enumerate(layer.axis_labels)]
    return [f"{name} ({size})" for name, size in zip(names, data.shape, strict=False)]  # colours have no name


def _may_be_channel(layer: Image) -> bool:
    return not (layer.rgb or layer.multiscale or is_shown_only(layer))


def _may_be_region(layer: Layer, shape: tuple[int, ...] | None, taken: tuple[Layer | None, ...]) -> bool:
    if isinstance(layer, Shapes):
        return True
    if shape is None or layer in taken or not isinstance(layer, Image | Labels) or layer.multiscale:
        return False
    if is_shown_only(layer) or (isinstance(layer, Image) and layer.rgb):
        return False
    own = tuple(layer.data.shape)
    return own == shape[-len(own) :]

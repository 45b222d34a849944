"""How the chosen layers belong together: which pixels are refined, and what each layer holds there.

The one place that decides it, for the sentence before a run as for the run itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Shapes

from napari_coarse_crf import InputError
from napari_coarse_crf.inputs import UNLABELLED
from napari_coarse_crf.io.grid import UNKNOWN
from napari_coarse_crf.plugin.layers.axes import (
    axis_names,
    channel_axes,
    find_apart,
    find_channel_axis,
    grid_letters,
    grid_names,
)
from napari_coarse_crf.plugin.layers.choice import EVERYTHING, Choice
from napari_coarse_crf.plugin.layers.grid import Grid, finest
from napari_coarse_crf.plugin.layers.merged import Merged
from napari_coarse_crf.tiles.parts import labelled_planes

if TYPE_CHECKING:
    from napari.layers import Image, Labels, Layer

    from napari_coarse_crf.plugin.layers.grid import Lookup
    from napari_coarse_crf.tiles.parts import Scope

_MOST_LOOKED_AT = 2**24
"""Pixels of labels that are looked at for a hint."""


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """Layers that can be refined together, as far as their places and axes tell.

    Attributes
    ----------
    image_layer, labels_layer : napari.layers.Layer
        The two.
    channel_axis : int or None
        The axis of the image that holds its channels.
    grid : Grid
        The pixels that are refined: those of the image.
    labels : Lookup
        Where the labels lie on them.
    plane : int or None
        Which plane of the labels is taken along the axis of the channels, if they have that axis, too.
    more : tuple of Lookup
        Likewise further channels.
    region : Lookup or None
        Likewise the layer that says where pixels take part.
    scope : Scope
        What is refined, each frame on its own.
    choice : Choice
        What was chosen.
    """

    image_layer: Image
    labels_layer: Labels
    channel_axis: int | None
    grid: Grid
    labels: Lookup
    plane: int | None
    more: tuple[Lookup, ...]
    region: Lookup | None
    scope: Scope
    choice: Choice

    @classmethod
    def of(cls, image_layer: Image, labels_layer: Labels, choice: Choice = EVERYTHING) -> Match:
        """Find out how the layers lie on each other.

        Raises
        ------
        InputError
            If they cannot be refined together, with one sentence on what to do.
        """
        axis = find_channel_axis(image_layer, labels_layer, choice.channel_axis)
        grid, labels = find_grid(image_layer, labels_layer, axis)
        more = tuple(_on(grid, layer) for layer in choice.channels)
        region = None if choice.region is None or isinstance(choice.region, Shapes) else _on(grid, choice.region)
        scope = choice.scope
        if scope.apart is None:
            scope = replace(scope, apart=find_apart(image_layer, labels_layer, axis))
        plane = None
        if labels.own.without is not None:
            plane = _find_plane(labels_layer, labels.own.without, choice.plane)
        return cls(image_layer, labels_layer, axis, grid, labels, plane, more, region, scope, choice)

    @property
    def labels_data(self) -> Any:
        """What the labels hold at the pixels that are refined, and below them what was accepted; may be lazy."""
        own = self.labels.lay(self.plane)
        return Merged(own, self.accepted.data) if self.accepted is not None else own

    @property
    def accepted(self) -> Labels | None:
        """What was accepted of earlier results at these very pixels, or None."""
        layer = self.choice.accepted
        return layer if layer is not None and lies_on(self.grid, layer) else None

    @property
    def lookups(self) -> list[Lookup]:
        """Those of all layers but the image."""
        return [self.labels, *self.more, *([] if self.region is None else [self.region])]

    @property
    def time_axes(self) -> list[int]:
        """The axes along which each frame is refined on its own."""
        return [axis for axis in self.scope.apart or () if self.grid.shape[axis] > 1]

    def describe(self) -> str:
        """Return what a person should know of it, in a sentence each; "" if there is nothing."""
        image, labels, axis = self.image_layer, self.labels_layer, self.channel_axis
        sentences = []
        if axis is not None and not image.rgb:
            count = finest(image).shape[axis]
            sentences.append(f"The {count} slices of '{image.name}' along axis {axis} are taken as channels.")
        if self.plane is not None:
            sentences.append(
                f"The labels are plane {self.plane} of '{labels.name}' along that axis: the slider's, or the only one "
                "that holds any."
            )
        sentences += [lookup.describe(image.name) for lookup in self.lookups]
        if self.scope.slice_axis is None and self.time_axes:
            names = grid_names(image, labels, axis)
            frames = " and ".join(f"'{names[one]}'" for one in self.time_axes)
            sentences.append(f"The frames of {frames} are refined each on its own.")
        if self.choice.accepted is not None and self.accepted is None:
            sentences.append(
                f"'{self.choice.accepted.name}' lies on other pixels than '{image.name}', so the run does not keep it."
            )
        if hint := self._hint_at_channels():
            sentences.append(hint)
        return " ".join(filter(None, sentences))

    def _hint_at_channels(self) -> str:
        """Ask whether labels on one plane of a short stack are meant for all its planes: New Labels makes such."""
        image, data = self.image_layer, self.labels_layer.data
        axes = [] if image.rgb or self.channel_axis is not None else channel_axes(image, self.labels_layer)
        letters = grid_letters(image, self.labels_layer, None)
        axes = [axis for axis in axes[:1] if axis == 0 and letters[axis] == UNKNOWN]
        if not axes or self.scope.slice_axis is not None or not isinstance(data, np.ndarray):
            return ""
        if data.size > _MOST_LOOKED_AT or sum(1 for _ in labelled_planes(data)) != 1:
            return ""
        return f"If '{axis_names(image)[0]}' holds channels, choose it as Channel axis: the labels then count for all."


def find_grid(image_layer: Image, labels_layer: Labels, channel_axis: int | None) -> tuple[Grid, Lookup]:
    """Return the pixels that are refined, and where the labels lie on them.

    Raises
    ------
    InputError
        If the labels do not lie on the image.
    """
    grid = Grid(image_layer, channel_axis)
    has_plane = channel_axis is not None and not image_layer.rgb and labels_layer.ndim == image_layer.ndim
    own = Grid(labels_layer, channel_axis if has_plane else None)
    if len(own.shape) != len(grid.shape):
        raise InputError(grid.say_sizes(own))
    lookup = _on(grid, labels_layer, own.without)
    return (own if lookup.is_here else grid), lookup


def labels_at(layer: Labels, other: Labels, plane: int | None = None, axis: int | None = None) -> Any:
    """Return what a layer holds at the pixels of another one, or None if they cannot be compared.

    Parameters
    ----------
    layer, other : napari.layers.Labels
        Whose labels, and at whose pixels.
    plane, axis : int, optional
        Which plane of a layer with one axis more.
    """
    same = tuple(finest(layer).shape) == tuple(finest(other).shape)
    has_plane = axis is not None and layer.ndim == other.ndim + 1
    if layer.ndim != other.ndim and not has_plane:
        return None
    try:
        lookup = Grid(other).lookup(layer, axis if has_plane else None)
    except InputError:
        return finest(layer) if same else None
    return lookup.lay(plane if has_plane else None) if lookup.overlaps else None


def can_lie_on(grid: Grid, layer: Layer) -> bool:
    """Whether a layer can be read at these pixels; it may lack leading axes."""
    try:
        _on(grid, layer)
    except InputError:
        return False
    return True


def lies_on(grid: Grid, layer: Layer) -> bool:
    """Whether a layer has the very pixels of the grid, at the same places."""
    try:
        lookup = grid.lookup(layer)
    except InputError:
        return False
    return lookup.is_here and len(lookup.shape) == len(grid.shape)


def _on(grid: Grid, layer: Layer, without: int | None = None) -> Lookup:
    """Return where a layer lies on the grid.

    Raises
    ------
    InputError
        If it cannot be read there, or lies beside it.
    """
    lookup = grid.lookup(layer, without)
    if not lookup.overlaps:
        raise InputError(
            f"'{layer.name}' lies beside '{grid.layer.name}' in the viewer and covers none of it. Give both the same "
            "scale and position (translate), or choose another layer."
        )
    return lookup


def _find_plane(labels_layer: Labels, axis: int, wanted: int | None) -> int:
    """Return the plane of labels along an axis: the wanted one if it holds any, else the only one that does."""
    data = finest(labels_layer)
    before: tuple[Any, ...] = (slice(None),) * axis
    planes = range(data.shape[axis])
    if wanted is not None:
        wanted = min(max(wanted, 0), len(planes) - 1)
        if not isinstance(data, np.ndarray) or (data[(*before, wanted)] != UNLABELLED).any():
            return wanted  # reading lazy labels may take long
    labelled = [one for one in planes if (np.asarray(data[(*before, one)]) != UNLABELLED).any()]
    if len(labelled) == 1:
        return labelled[0]
    if wanted is None and labelled:
        raise InputError(
            f"'{labels_layer.name}' holds labels on {len(labelled)} planes along the axis of the channels. Say which "
            f"of them count: Choice(plane={labelled[0]})."
        )
    return wanted or 0

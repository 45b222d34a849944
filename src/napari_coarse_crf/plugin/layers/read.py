"""From layers to arrays, and from refined labels to a new layer.

napari's layers may only be touched on the main thread, and a person goes on painting, renaming and deleting while a
job runs. So everything a job needs is read here before it starts, and nothing refers to a layer afterwards except to
find the place of the result.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels, Shapes
from napari.utils.colormaps import CyclicLabelColormap, DirectLabelColormap

from napari_coarse_crf.inputs import fitting_channel_axes
from napari_coarse_crf.plugin.layers.provenance import KEY, is_result
from napari_coarse_crf.tiles.parts import (
    Scope,
    cut_out,
    ellipse_outline,
    fill_outlines,
    has_two_labels,
    is_whole,
    of_axes_left,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import napari
    from napari.layers import Layer
    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import LabelArray
    from napari_coarse_crf.tiles.parts import Part

_KEPT = ("scale", "translate", "rotate", "shear", "units", "axis_labels", "opacity", "blending", "features")
"""What the result takes over from its source as it is; affine, colours and contour need more care."""

_BLOCK_PIXELS = 2**20
_MOST_CHANNELS = 16
"""An axis longer than this is one of slices: nobody has painted on a stack with labels of one plane by intent."""


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """What a person chose beyond the two layers.

    Attributes
    ----------
    scope : Scope
        Everything at once, slices, or what is in view.
    channels : tuple of napari.layers.Image
        Further channels: images of one channel and the same shape.
    region : napari.layers.Shapes, Labels or Image, or None
        Only pixels inside the drawn shapes, or where the layer is not 0, take part.
    channel_axis : int or None
        The axis of the image that holds its channels, where several could; None: the first that could.
    """

    scope: Scope = field(default_factory=Scope)
    channels: tuple[Image, ...] = ()
    region: Layer | None = None
    channel_axis: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Channels:
    """One image layer among those that make up the image.

    Attributes
    ----------
    data : array
        At full resolution; may be lazy (dask, zarr).
    axis : int or None
        The axis of its channels; None where it has but one.
    contrast_limits : tuple of float
        The values that are shown darkest and brightest.
    """

    data: Any
    axis: int | None
    contrast_limits: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """What a run reads from the layers.

    Attributes
    ----------
    image : Channels
        The image.
    more : tuple of Channels
        Further layers that are channels of the same image.
    labels : array
        The coarse labels: a copy, or lazy.
    has_alpha : bool
        Whether the last channel of `image` is its alpha channel.
    spacing : tuple of float
        Size of a pixel along each axis.
    scope : Scope
        What of it is refined.
    outlines : tuple of array
        Drawn around the pixels that take part; empty: no such limit.
    region : array or None
        Not 0 where pixels take part; may be lazy, and may lack leading axes.
    """

    image: Channels
    labels: Any
    has_alpha: bool
    spacing: tuple[float, ...]
    more: tuple[Channels, ...] = ()
    scope: Scope = field(default_factory=Scope)
    outlines: tuple[NDArray[Any], ...] = ()
    region: Any = None

    @property
    def contrast_limits(self) -> Any:
        """One pair for all channels, or one for each where they come from several layers."""
        if not self.more:
            return self.image.contrast_limits
        axis = self.image.axis
        of_first = 1 if axis is None else self.image.data.shape[axis] - self.has_alpha
        return (*[self.image.contrast_limits] * of_first, *(channel.contrast_limits for channel in self.more))

    @property
    def takes_all(self) -> bool:
        """Whether everything is refined at once."""
        parts = self.parts()
        return len(parts) == 1 and is_whole(parts[0], self.labels.shape)

    def parts(self) -> list[Part]:
        """Return the parts to refine."""
        return self.scope.parts(self.labels.shape)

    def spacing_of(self, part: Part) -> tuple[float, ...]:
        """Return the size of a pixel along each axis of a part."""
        return of_axes_left(self.spacing, part)

    def load(self, part: Part | None = None) -> tuple[NDArray[Any], LabelArray, NDArray[np.bool_] | None]:
        """Return image, labels and mask of a part (None: of everything) in memory. Lazy data is read here.

        Call it off the main thread.
        """
        labels = np.asarray(self.labels if part is None else self.labels[part])
        image = cut_out(self.image.data, part, self.image.axis)
        mask = self._mask(part)
        if self.has_alpha:
            image, opaque = image[..., :3], image[..., 3] != 0
            mask = opaque if mask is None else mask & opaque
        if self.more:
            pieces = [image if self.image.axis is not None else image[..., np.newaxis]]
            pieces += [cut_out(channel.data, part, None)[..., np.newaxis] for channel in self.more]
            image = np.concatenate(pieces, axis=-1)
        # A mask of ones would say the same as none, and none is what a script would pass.
        return image, labels, None if mask is None or mask.all() else mask

    def _mask(self, part: Part | None) -> NDArray[np.bool_] | None:
        shape = self.labels.shape
        if self.outlines:
            mask = fill_outlines(self.outlines, shape)
        elif self.region is not None:
            mask = np.broadcast_to(np.asarray(self.region) != 0, shape)
        else:
            return None
        return mask if part is None else mask[part]


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """Name, place and colours for the result, copied from its source before the run."""

    name: str
    contour: int
    keywords: Mapping[str, Any]


def find_problem(image_layer: Image | None, labels_layer: Labels | None, choice: Choice | None = None) -> str:
    """Return one sentence on what keeps these layers from being refined, or "" if nothing does.

    Quick enough for every change of a layer; what takes longer to find out, the core says when it runs.

    Parameters
    ----------
    image_layer : napari.layers.Image or None
        The image; None if none is chosen.
    labels_layer : napari.layers.Labels or None
        The coarse labels; None if none is chosen.
    choice : Choice, optional
        What else was chosen; by default all of the two layers.
    """
    if image_layer is None:
        return "Open an image first, your own or one of File > Open Sample > Coarse CRF."
    if labels_layer is None:
        return "Add a Labels layer and paint a few strokes of every class on the image."
    if labels_layer.multiscale:
        return (
            f"'{labels_layer.name}' is a multiscale Labels layer, which nobody can paint on. Choose a Labels layer of "
            "one resolution, for example viewer.add_labels(layer.data[0])."
        )
    shape = tuple(labels_layer.data.shape)
    axis = choice.channel_axis if choice else None
    if axis is not None and axis not in channel_axes(image_layer, shape):
        return f"Axis {axis} of '{image_layer.name}' cannot be that of its channels: without it, the labels do not fit."
    shapes = [(image_layer, _spatial_shape(image_layer, shape))]
    shapes += [(layer, tuple(_finest(layer).shape)) for layer in (choice.channels if choice else ())]
    for layer, image_shape in shapes:
        if image_shape != shape:
            return (
                f"'{labels_layer.name}' is {_in_words(shape)} pixels but '{layer.name}' is {_in_words(image_shape)}. "
                "Choose a Labels layer drawn on this image, or crop both to the same region."
            )
    problem = _problem_of_labels(labels_layer)
    return problem or (_problem_of_choice(choice, labels_layer) if choice else "")


def read_layers(image_layer: Image, labels_layer: Labels, choice: Choice | None = None) -> Inputs:
    """Return what a run needs of layers that `find_problem` accepts."""
    chosen = choice or Choice()
    labels, region = labels_layer.data, chosen.region
    outlines = read_outlines(region, labels_layer) if isinstance(region, Shapes) else ()
    axis = _channel_axis(image_layer, labels.shape, chosen.channel_axis)
    image = _read_channels(image_layer, axis)
    return Inputs(
        image=image,
        # A person may paint on while the job runs; lazy labels cannot be painted on, so they are read by the job.
        labels=_frozen(labels),
        has_alpha=bool(image_layer.rgb) and image.data.shape[-1] == 4,
        spacing=tuple(abs(float(size)) for size in labels_layer.scale),  # napari mirrors by a negative scale
        more=tuple(_read_channels(layer, None) for layer in chosen.channels),
        scope=chosen.scope,
        outlines=outlines,
        region=None if region is None or isinstance(region, Shapes) else _frozen(_finest(region)),
    )


def read_outlines(shapes_layer: Shapes, labels_layer: Labels) -> tuple[NDArray[Any], ...]:
    """Return the shapes that enclose pixels as outlines in pixels of the labels, wherever both layers lie.

    Parameters
    ----------
    shapes_layer : napari.layers.Shapes
        Rectangles, ellipses, polygons and closed paths; a line encloses nothing.
    labels_layer : napari.layers.Labels
        Whose pixels.
    """
    outlines = []
    for corners, kind in zip(shapes_layer.data, shapes_layer.shape_type, strict=True):
        outline = ellipse_outline(corners) if kind == "ellipse" else np.asarray(corners)
        if kind != "line" and len(outline) > 2:
            outlines.append(np.array([_moved(corner, shapes_layer, labels_layer) for corner in outline]))
    return tuple(outlines)


def read_look(labels_layer: Labels) -> Look:
    """Return how the result should look, sharing nothing with its source."""
    keywords = {name: copy.deepcopy(getattr(labels_layer, name)) for name in _KEPT}
    keywords["affine"] = labels_layer.affine.affine_matrix.copy()  # the object itself carries who listens to it
    keywords["colormap"] = _same_colours(labels_layer.colormap)
    return Look(f"{labels_layer.name} refined", labels_layer.contour, keywords)


def channel_axes(layer: Image, shape: tuple[int, ...]) -> list[int]:
    """Return the axes that may hold the channels of an image whose labels have this shape: mostly one or none."""
    # The layer knows whether its last axis is colour; a shape that ends in 3 may be a stack of three slices.
    if layer.rgb:
        return [int(layer.ndim)]
    whole = _finest(layer).shape
    return [axis for axis in fitting_channel_axes(whole, shape) if whole[axis] <= _MOST_CHANNELS]


def describe_misfit(image_layer: Image, labels_layer: Labels, choice: Choice | None = None) -> str:
    """Return a sentence if the layers lie at different places in the viewer, or an axis was taken for channels."""
    shape = tuple(labels_layer.data.shape)
    axis = None if image_layer.rgb else _channel_axis(image_layer, shape, choice.channel_axis if choice else None)
    sentences = []
    if axis is not None:
        count = _finest(image_layer).shape[axis]
        sentences.append(f"The {count} slices of '{image_layer.name}' along axis {axis} were taken as channels.")
    pixel = np.abs(np.asarray(labels_layer.scale)).min()
    for corner in (np.zeros(len(shape)), np.array(shape) - 1.0):
        if axis is None:
            in_image = np.asarray(image_layer.data_to_world(corner))
        else:
            in_image = np.delete(image_layer.data_to_world(np.insert(corner, axis, 0)), axis)
        if np.abs(in_image - np.asarray(labels_layer.data_to_world(corner))).max() > 0.01 * pixel:
            sentences.append(
                "The image and the labels lie at different places in the viewer (scale, position or rotation differ); "
                "pixels were matched by their index."
            )
            break
    return " ".join(sentences)


def add_result(
    viewer: napari.viewer.Viewer, refined: LabelArray, look: Look, metadata: Mapping[str, Any], source: Labels
) -> Labels:
    """Add a new Labels layer above `source` and earlier results, or on top if `source` is gone, and return it.

    The selection stays: napari would select the new layer, and the next stroke would be painted on it.
    """
    layer = Labels(refined, name=look.name, metadata={KEY: dict(metadata)}, **look.keywords)
    layer.contour = look.contour
    layers = viewer.layers
    selected, active = set(layers.selection), layers.selection.active
    layers.insert(_place_above(viewer, source), layer)
    layers.selection = selected
    layers.selection.active = active
    return layer


def _place_above(viewer: napari.viewer.Viewer, source: Labels) -> int:
    """Return the index above a layer and the results of its shape, but for Live's preview, which stays on top."""
    layers = list(viewer.layers)
    if source not in layers:
        return len(layers)
    shape = source.data.shape
    return 1 + max(
        index
        for index, layer in enumerate(layers)
        if layer is source or (isinstance(layer, Labels) and is_result(layer) and layer.data.shape == shape)
    )


def _same_colours(colormap: Any) -> Any:
    """Return a new colormap of the same colours that shows every label.

    A shared one would hide labels of the result when "show selected" is ticked on the source. A deep copy would be
    born with that tick, and napari 0.6 cannot copy the colours it has drawn with.
    """
    if isinstance(colormap, DirectLabelColormap):
        colours = {label_id: np.array(colour) for label_id, colour in colormap.color_dict.items()}
        return DirectLabelColormap(color_dict=colours, background_value=colormap.background_value, name=colormap.name)
    return CyclicLabelColormap(
        colors=np.array(colormap.colors),
        controls=np.array(colormap.controls),
        seed=colormap.seed,
        background_value=colormap.background_value,
        name=colormap.name,
    )


def _finest(layer: Any) -> Any:
    return layer.data[0] if layer.multiscale else layer.data


def _frozen(data: Any) -> Any:
    return data.copy() if isinstance(data, np.ndarray) else data


def _read_channels(layer: Image, axis: int | None) -> Channels:
    low, high = layer.contrast_limits
    return Channels(_finest(layer), axis, (float(low), float(high)))


def _channel_axis(layer: Image, shape: tuple[int, ...], wanted: int | None = None) -> int | None:
    """Return the axis of the channels: the wanted one, the colours, or the one axis more than the labels have."""
    axes = channel_axes(layer, shape)
    return wanted if wanted in axes else next(iter(axes), None)


def _spatial_shape(layer: Image, shape: tuple[int, ...]) -> tuple[int, ...]:
    whole, axis = tuple(_finest(layer).shape), _channel_axis(layer, shape)
    return whole if axis is None else whole[:axis] + whole[axis + 1 :]


def _moved(point: NDArray[Any], source: Layer, target: Layer) -> NDArray[Any]:
    """Return a point of one layer in pixels of the other; napari lines layers up by their last axes."""
    world = np.asarray(source.data_to_world(point))
    missing = max(0, target.ndim - len(world))
    return np.asarray(target.world_to_data(np.concatenate([np.zeros(missing), world])))


def _problem_of_choice(choice: Choice, labels_layer: Labels) -> str:
    data, region = labels_layer.data, choice.region
    if isinstance(region, Shapes) and not read_outlines(region, labels_layer):
        return f"'{region.name}' holds no area. Draw a rectangle, an ellipse or a polygon around what to refine."
    if region is not None and not isinstance(region, Shapes):
        shape = tuple(_finest(region).shape)
        if shape != tuple(data.shape[-len(shape) :]):
            return (
                f"'{region.name}' is {_in_words(shape)} pixels but '{labels_layer.name}' is {_in_words(data.shape)}. "
                "Choose a layer of the same size to say where pixels take part."
            )
    parts = choice.scope.parts(data.shape)
    in_memory = isinstance(data, np.ndarray)
    if in_memory and len(parts) == 1 and not is_whole(parts[0], data.shape) and not has_two_labels(data[parts[0]]):
        return (
            f"'{labels_layer.name}' holds fewer than two labels in the chosen part. Paint at least two classes there, "
            "or choose a larger scope."
        )
    return ""


def _problem_of_labels(layer: Labels) -> str:
    if not isinstance(layer.data, np.ndarray):
        return ""  # reading lazy labels may take long: the job finds out
    label_ids = _first_label_ids(layer.data)
    if not label_ids:
        return f"'{layer.name}' is still empty. Paint a few strokes of at least two classes."
    if len(label_ids) == 1:
        return (
            f"'{layer.name}' holds one label only ({label_ids[0]}). Paint the background too, with an id of its own: "
            "0 means unlabelled here."
        )
    return ""


def _first_label_ids(labels: LabelArray) -> list[int]:
    """Return up to two ids that occur. Block by block: it mostly ends in the first one."""
    found: list[int] = []
    rows = max(1, _BLOCK_PIXELS * len(labels) // max(1, labels.size))
    for start in range(0, len(labels), rows):
        block = labels[start : start + rows]
        others = block[(block != 0) & ~np.isin(block, found)]
        while others.size and len(found) < 2:
            found.append(int(others[0]))
            others = others[others != found[-1]]
        if len(found) == 2:
            break
    return found


def _in_words(shape: tuple[int, ...]) -> str:
    return " x ".join(str(size) for size in shape)

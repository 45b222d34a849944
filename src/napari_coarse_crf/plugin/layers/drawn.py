"""Shapes and points as coarse labels: what they cover, on the pixels of an image.

A person may draw polygons, lines or points instead of painting. They are read as a Labels layer that is in no viewer,
so that all that follows knows labels alone; the person's own layer stays as it is.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from napari.layers import Labels, Points, Shapes
from napari.utils.colormaps import DirectLabelColormap

from napari_coarse_crf import InputError
from napari_coarse_crf.inputs import UNLABELLED
from napari_coarse_crf.io.grid import UNKNOWN
from napari_coarse_crf.io.raster import CHANNELS
from napari_coarse_crf.plugin.layers.axes import MOST_CHANNELS, axis_letters
from napari_coarse_crf.plugin.layers.choice import EVERYTHING, NO_AXIS, Choice
from napari_coarse_crf.plugin.layers.classes import CLASS_COLUMNS, INDEX, is_gap
from napari_coarse_crf.plugin.layers.grid import Grid, finest, leave_out, pixel_size
from napari_coarse_crf.plugin.layers.look import move_to
from napari_coarse_crf.plugin.layers.strokes import Stroke, draw_strokes
from napari_coarse_crf.tiles.outlines import ellipse_outline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Image, Layer
    from numpy.typing import NDArray

EVENTS: Final = ("features", "edge_width", "edge_color", "face_color", "border_color", "size")
"""After which a drawn layer may stand for other labels, beyond those of any layer."""

_FILLED: Final = ("polygon", "rectangle", "ellipse")


def is_drawn(layer: Layer | None) -> bool:
    """Whether a layer holds what was drawn rather than painted."""
    return isinstance(layer, Shapes | Points)


class Ground:
    """Labels without any, on the pixels that a drawn layer will be read at: for those who ask for axes and place alone.

    They are the same layer as long as the pixels are as many.
    """

    def __init__(self) -> None:
        self._labels: Labels | None = None

    def below(self, layer: Layer | None, image_layer: Image | None, choice: Choice = EVERYTHING) -> Labels | None:
        """Return the labels below a drawn layer; any other one as it is."""
        if not isinstance(layer, Shapes | Points) or image_layer is None:
            return layer if isinstance(layer, Labels) else None
        grid = _grid_below(layer, image_layer, choice)
        if self._labels is None or self._labels.data.shape != grid.shape:
            nothing = np.broadcast_to(np.uint8(UNLABELLED), grid.shape)  # of any size in no memory
            self._labels = Labels(nothing, name=layer.name)
        move_to(self._labels, grid.place)
        return self._labels


def as_labels(layer: Layer | None, image_layer: Image | None, choice: Choice = EVERYTHING) -> Labels | None:
    """Return a drawn layer as labels at the pixels of an image, any other one as it is.

    Ids are those of the classes in the order of their names; names that are numbers are ids themselves. The features
    of the new layer say which is which, and it has the colours of the drawn one where these tell the classes apart.

    Parameters
    ----------
    layer : napari.layers.Layer or None
        The drawn layer.
    image_layer : napari.layers.Image or None
        Whose pixels.
    choice : Choice, optional
        What is known of the axis of its channels. If it is one slice of a stack, a layer that lacks the axis of the
        slices counts on that one.

    Raises
    ------
    InputError
        If fewer than two classes are drawn, or nobody knows on which slices they count.
    """
    if not isinstance(layer, Shapes | Points) or image_layer is None:
        return layer if isinstance(layer, Labels) else None
    grid = _grid_below(layer, image_layer, choice)
    index = _find_slice(layer, image_layer, grid, choice)
    names = _classes_of(layer)
    ids = _ids_of([name for name in names if name])
    if len(ids) < 2:
        raise InputError(_too_few(layer, list(ids)))
    drawn = [(stroke, name) for stroke, name in zip(_strokes_of(layer, grid, index), names, strict=True) if name]
    strokes, label_ids = [stroke for stroke, _ in drawn], [ids.get(name, UNLABELLED) for _, name in drawn]
    dtype = np.uint8 if max(ids.values()) <= np.iinfo(np.uint8).max else np.int32
    labels = draw_strokes(layer, strokes, label_ids, grid.shape, dtype)
    colours = _colours_of(layer, names, ids)
    features = {INDEX: list(ids.values()), CLASS_COLUMNS[0]: list(ids)}
    return Labels(labels, name=layer.name, features=features, colormap=colours, **grid.place)


def _grid_below(layer: Shapes | Points, image: Image, choice: Choice) -> Grid:
    """Return the pixels of an image, without the axis of its channels where the layer lacks one."""
    if image.rgb:
        return Grid(image, int(image.ndim))
    if image.ndim <= layer.ndim:
        return Grid(image)
    if isinstance(choice.channel_axis, int):
        return Grid(image, choice.channel_axis)
    letters = axis_letters(image)
    if CHANNELS in letters:
        return Grid(image, letters.index(CHANNELS))
    sizes = finest(image).shape
    unnamed = [axis for axis, letter in enumerate(letters) if letter == UNKNOWN and sizes[axis] <= MOST_CHANNELS]
    lacks_another = image.ndim == layer.ndim + 1 and letters.count(UNKNOWN) < image.ndim  # the one that has a name
    if choice.channel_axis == NO_AXIS or lacks_another or not unnamed:
        return Grid(image)
    return Grid(image, min(unnamed, key=lambda axis: int(sizes[axis])))


def _classes_of(layer: Shapes | Points) -> list[str]:
    """Return the class of each shape or point, "" for none: by a feature, by colour, or each its own."""
    features = layer.features
    named = {str(column).lower(): column for column in features.columns}
    column = next((named[one] for one in CLASS_COLUMNS if one in named), None)
    if column is None and len(features.columns) == 1:
        column = features.columns[0]
    if column is not None:
        return [_in_words(value) for value in features[column]]
    colours = [_hex(colour) for colour in _colours(layer)]
    return colours if len(set(colours)) > 1 else [str(number) for number in range(1, len(colours) + 1)]


def _ids_of(names: Sequence[str]) -> dict[str, int]:
    """Return the id of each class but 0, which is no class."""
    if all(name.isdecimal() for name in names):
        return {name: int(name) for name in sorted(set(names), key=int) if int(name)}
    return {name: number for number, name in enumerate(sorted(set(names)), 1)}


def _find_slice(layer: Shapes | Points, image: Image, grid: Grid, choice: Choice) -> int | None:
    """Return the slice that a layer counts on which is seen on all of them, the one that is refined; else None.

    Raises
    ------
    InputError
        If the layer lacks an axis otherwise.
    """
    lacking, scope = len(grid.shape) - layer.ndim, choice.scope
    if lacking <= 0:
        return None
    if lacking == 1 and scope.slice_axis == 0 and scope.index is not None:
        return scope.index
    way = "Choose the scope 'Current slice', or draw" if lacking == 1 else "Draw"
    raise InputError(
        f"'{layer.name}' has {layer.ndim} axes and '{image.name}' has {len(grid.shape)}. {way} in a layer that was "
        "added while the image was open."
    )


def _strokes_of(layer: Shapes | Points, grid: Grid, index: int | None = None) -> list[Stroke]:
    """Return what is drawn, wherever both lie, in pixels of the grid; on one slice of it, if it is given."""
    unit = leave_out(grid.layer.units, grid.without)[-1]
    of_grid = leave_out(pixel_size(grid.layer, unit), grid.without)
    scale = float(np.mean(np.divide(pixel_size(layer, unit)[-2:], of_grid[-2:])))
    points = isinstance(layer, Points)
    kinds = ["point"] * len(layer.data) if points else layer.shape_type
    widths = layer.size if points else layer.edge_width
    pairs = zip(layer.data, kinds, strict=True)
    own = [np.atleast_2d(ellipse_outline(data) if kind == "ellipse" else data) for data, kind in pairs]
    ends = np.cumsum([len(corners) for corners in own])[:-1]
    pixels = grid.pixels_at(layer, np.concatenate(own))
    if index is not None:
        pixels[:, 0] = index
    corners = np.split(pixels, ends)  # all at once, in a hundredth of the time
    along = zip(corners, kinds, widths, strict=True)
    return [Stroke(each, float(np.mean(width)) * scale, kind in _FILLED) for each, kind, width in along]


def _colours(layer: Shapes | Points) -> NDArray[Any]:
    """Return the colours that a person tells shapes or points apart by."""
    faces = np.asarray(layer.face_color)
    edges = np.asarray(layer.border_color if isinstance(layer, Points) else layer.edge_color)
    return faces if len(np.unique(faces, axis=0)) > 1 else edges


def _colours_of(layer: Shapes | Points, names: Sequence[str], ids: dict[str, int]) -> DirectLabelColormap | None:
    """Return the colours of the classes; None where they are not told apart by colour."""
    first = {
        name: colour for name, colour in zip(reversed(names), reversed(_colours(layer)), strict=True) if name in ids
    }
    if len({_hex(colour) for colour in first.values()}) < len(ids):
        return None
    opaque: dict[int | None, Any] = {ids[name]: (*colour[:3], 1.0) for name, colour in first.items()}
    return DirectLabelColormap(color_dict={None: (0, 0, 0, 0), 0: (0, 0, 0, 0), **opaque})


def _hex(colour: NDArray[Any]) -> str:
    return "#" + "".join(f"{round(255 * float(one)):02x}" for one in colour[:3])


def _in_words(value: Any) -> str:
    """Return the name of a class as it stands in a feature; "" for a gap."""
    if is_gap(value) or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    is_whole = isinstance(value, float) and value.is_integer()  # a gap makes all numbers of a column fractions
    return str(int(value) if is_whole else value).strip()


def _too_few(layer: Shapes | Points, names: Sequence[str]) -> str:
    what = "points" if isinstance(layer, Points) else "shapes"
    if not names:
        return f"'{layer.name}' holds no {what} of any class. Draw some in at least two classes."
    return (
        f"'{layer.name}' holds {what} of one class only ({names[0]}). Draw the background too, as another class: give "
        f"the {what} a feature '{CLASS_COLUMNS[0]}', or colours."
    )

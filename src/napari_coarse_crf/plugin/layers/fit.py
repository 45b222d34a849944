"""Whether layers can be refined together: one sentence on what is missing, or on what was matched in a way to know of.

Quick enough for every change of a layer; what takes longer to find out, the core says when it runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Shapes

from napari_coarse_crf.plugin.layers.read import (
    EVERYTHING,
    channel_axes,
    channel_axis,
    finest,
    in_unit,
    pixel_size,
    read_outlines,
)
from napari_coarse_crf.tiles.parts import has_two_labels, is_whole

if TYPE_CHECKING:
    from napari.layers import Image, Labels

    from napari_coarse_crf.compute.arrays import LabelArray
    from napari_coarse_crf.plugin.layers.read import Choice
    from napari_coarse_crf.tiles.parts import Scope

_BLOCK_PIXELS = 2**20
_APART = 0.01
"""Of a pixel: how far layers may lie apart and still count as lying on each other."""


def find_problem(image_layer: Image | None, labels_layer: Labels | None, choice: Choice = EVERYTHING) -> str:
    """Return one sentence on what keeps these layers from being refined, or "" if nothing does.

    Parameters
    ----------
    image_layer : napari.layers.Image or None
        The image; None if none is chosen.
    labels_layer : napari.layers.Labels or None
        The coarse labels; None if none is chosen.
    choice : Choice, optional
        What else was chosen.
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
    problem = _problem_of_shapes(image_layer, labels_layer, choice) or _problem_of_region(choice, labels_layer)
    return problem or find_problem_of_scope(labels_layer, choice.scope)


def find_problem_of_scope(labels_layer: Labels, scope: Scope) -> str:
    """Return one sentence if the labels in a scope are too few, or ""."""
    data = labels_layer.data
    if not isinstance(data, np.ndarray):
        return ""  # reading lazy labels may take long: the job finds out
    parts = scope.parts(data.shape)
    only = parts[0] if len(parts) == 1 and not is_whole(parts[0], data.shape) else None
    if only is not None and has_two_labels(data[only]):
        return ""  # without a look at the other slices
    problem = _problem_of_labels(labels_layer)
    if problem or only is None:
        return problem
    return (
        f"'{labels_layer.name}' holds fewer than two labels in the chosen part. Paint at least two classes there, "
        "or choose a larger scope."
    )


def describe_misfit(image_layer: Image, labels_layer: Labels, choice: Choice = EVERYTHING) -> str:
    """Return a sentence if the layers lie at different places in the viewer, or an axis was taken for channels."""
    shape = tuple(labels_layer.data.shape)
    axis = None if image_layer.rgb else channel_axis(image_layer, shape, choice.channel_axis)
    sentences = []
    if axis is not None:
        count = finest(image_layer).shape[axis]
        sentences.append(f"The {count} slices of '{image_layer.name}' along axis {axis} are taken as channels.")
    if not _lies_on(image_layer, axis, labels_layer):
        sentences.append(
            "The image and the labels lie at different places in the viewer (scale, position, rotation or units "
            "differ); pixels are matched by their index."
        )
    return " ".join(sentences)


def _lies_on(image_layer: Image, axis: int | None, labels_layer: Labels) -> bool:
    """Whether the corners of both layers are at the same places; `axis` is that of the channels."""
    unit, shape = labels_layer.units[0], labels_layer.data.shape
    of_image, of_labels = in_unit(unit, image_layer.units), in_unit(unit, labels_layer.units)
    for corner in (np.zeros(len(shape)), np.array(shape) - 1.0):
        in_image = corner if axis is None else np.insert(corner, axis, 0)
        place = np.asarray(image_layer.data_to_world(in_image)) * of_image
        place = place if axis is None else np.delete(place, axis)
        apart = np.abs(place - np.asarray(labels_layer.data_to_world(corner)) * of_labels).max()
        if apart > _APART * min(pixel_size(labels_layer)):
            return False
    return True


def _problem_of_shapes(image_layer: Image, labels_layer: Labels, choice: Choice) -> str:
    shape, axis = tuple(labels_layer.data.shape), choice.channel_axis
    if axis is not None and axis not in channel_axes(image_layer, shape):
        return f"Axis {axis} of '{image_layer.name}' cannot be that of its channels: without it, the labels do not fit."
    shapes = [(image_layer, _spatial_shape(image_layer, shape))]
    shapes += [(layer, tuple(finest(layer).shape)) for layer in choice.channels]
    for layer, image_shape in shapes:
        if image_shape != shape:
            return (
                f"'{labels_layer.name}' is {_in_words(shape)} pixels but '{layer.name}' is {_in_words(image_shape)}. "
                "Choose a Labels layer drawn on this image, or crop both to the same region."
            )
    return ""


def _problem_of_region(choice: Choice, labels_layer: Labels) -> str:
    region, shape = choice.region, tuple(labels_layer.data.shape)
    if isinstance(region, Shapes):
        if read_outlines(region, labels_layer):
            return ""
        return f"'{region.name}' holds no area. Draw a rectangle, an ellipse or a polygon around what to refine."
    if region is not None and (own := tuple(finest(region).shape)) != shape[-len(own) :]:
        return (
            f"'{region.name}' is {_in_words(own)} pixels but '{labels_layer.name}' is {_in_words(shape)}. "
            "Choose a layer of the same size to say where pixels take part."
        )
    return ""


def _problem_of_labels(layer: Labels) -> str:
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
        labelled = block[block != 0]  # few in a stack of strokes: the rest of the work is on these alone
        while labelled.size and len(found) < 2:
            labelled = labelled[~np.isin(labelled, found)]
            found += [int(labelled[0])] if labelled.size else []
        if len(found) == 2:
            break
    return found


def _spatial_shape(layer: Image, shape: tuple[int, ...]) -> tuple[int, ...]:
    whole, axis = tuple(finest(layer).shape), channel_axis(layer, shape)
    return whole if axis is None else whole[:axis] + whole[axis + 1 :]


def _in_words(shape: tuple[int, ...]) -> str:
    return " x ".join(str(size) for size in shape)

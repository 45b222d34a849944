"""The layers of the image or stack that is open: added, known among those of the person, taken away again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from napari.layers import Image, Labels
from napari.settings import get_settings

from napari_coarse_crf.io.raster import SAMPLES
from napari_coarse_crf.plugin.jobs.slices import was_refined
from napari_coarse_crf.plugin.layers.accepted import draw_discreetly, find_accepted
from napari_coarse_crf.plugin.layers.look import place_of, read_look
from napari_coarse_crf.plugin.layers.newest import show_alone
from napari_coarse_crf.plugin.layers.provenance import (
    is_accepted,
    is_preview,
    is_result,
    is_to_look_at,
    provenance,
    set_provenance,
    source_name,
)
from napari_coarse_crf.plugin.layers.record import source_of
from napari_coarse_crf.plugin.series.folder import labels_shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    import napari
    from napari.layers import Layer

    from napari_coarse_crf.compute.arrays import LabelArray
    from napari_coarse_crf.io.reading import ImageFile
    from napari_coarse_crf.plugin.layers.saved import LayerData
    from napari_coarse_crf.plugin.series.folder import Loaded
    from napari_coarse_crf.plugin.series.stored import Kind

_TOOLS: Final = ("brush_size", "selected_label", "contiguous", "preserve_labels", "contour", "mode")
"""How a person paints, which is the same on the next image."""
_LOOK: Final = ("features", "colormap", "opacity", "blending")
_COLOURS: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class Habit:
    """What is carried on from one image to the next: what the labels stand for and look like, and how one paints.

    Attributes
    ----------
    keywords : mapping
        Of a new layer: names of classes, colours, opacity.
    tools : mapping
        Attributes that are set afterwards.
    """

    keywords: Mapping[str, Any] = field(default_factory=dict)
    tools: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, labels: Labels) -> Habit:
        """Read a layer."""
        return cls(read_look(labels).keywords, {name: getattr(labels, name) for name in _TOOLS})

    @classmethod
    def of_stored(cls, look: Mapping[str, Any]) -> Habit:
        """Read what was stored of a layer, as napari takes it."""
        return cls({name: look[name] for name in _LOOK if name in look})


class Shown:
    """The layers of one image.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where they are.
    image : napari.layers.Image
        The image.
    labels : napari.layers.Labels
        What is painted.

    Attributes
    ----------
    image, labels : layer
        The two.
    stored : mapping of kind to layer
        Those that were restored.
    unsaved : mapping of kind to layer
        Those that have gone before they could be stored.
    """

    def __init__(self, viewer: napari.viewer.Viewer, image: Image, labels: Labels) -> None:
        self._viewer = viewer
        self.image, self.labels = image, labels
        self.stored: dict[Kind, Labels] = {}
        self.unsaved: dict[Kind, Labels] = {}

    @classmethod
    def opened(cls, viewer: napari.viewer.Viewer, name: str, loaded: Loaded, habit: Habit) -> Self:
        """Add an image, and its labels with what a person is used to from the image before."""
        image = viewer.add_layer(_image_layer(loaded.image, name))
        place = place_of(image, _channel_axis(loaded.image))
        return cls.beside(viewer, image, labels_shape(loaded.image), place, loaded.layers, habit)

    @classmethod
    def beside(
        cls,
        viewer: napari.viewer.Viewer,
        image: Image,
        shape: tuple[int, ...],
        place: Mapping[str, Any],
        layers: Mapping[Kind, LayerData],
        habit: Habit,
        labels: Labels | None = None,
    ) -> Self:
        """Add what was stored for an image that is there, and where it has no labels, empty ones of this shape."""
        name, coarse = f"{image.name} labels", layers.get("coarse")
        if labels is None:
            if coarse is None:
                labels = _labels_layer(np.zeros(shape, labels_dtype()), name, habit.keywords, place)
            else:
                labels = _stored_layer(coarse, name, place)
            viewer.add_layer(labels)
        shown = cls(viewer, image, labels)
        if coarse is not None:
            shown.stored["coarse"] = labels
        for kind in ("accepted", "refined"):
            if kind in layers:
                shown._restore(kind, layers[kind], place)
        viewer.layers.selection.active = labels
        shown._take_tools(habit)
        return shown

    @property
    def is_open(self) -> bool:
        """Whether the labels are in the viewer still: a person may have removed them."""
        return self.labels in self._viewer.layers

    def belonging(self) -> list[Layer]:
        """Return all layers that belong to this image; what else a person has added does not."""
        layers = list(self._viewer.layers)
        found = [layer for layer in layers if layer in (self.image, self.labels) or self._is_about_labels(layer)]
        names = {layer.name for layer in found}
        return found + [layer for layer in layers if is_to_look_at(layer) and provenance(layer).get("of") in names]

    def painted(self) -> list[Labels]:
        """Return the layers that may be stored: the labels, what was accepted, results and what Live shows."""
        about = [layer for layer in self._viewer.layers if isinstance(layer, Labels) and self._is_about_labels(layer)]
        return [self.labels, *about]

    def to_save(self) -> dict[Kind, Labels]:
        """Return what is to be stored: the labels once there are any, what was accepted, the result that is seen."""
        found: dict[Kind, Labels] = {}
        for layer in self.painted():
            if layer is self.labels:
                if "coarse" in self.stored or self._may_hold_labels():
                    found["coarse"] = self.stored["coarse"] = layer
            elif is_accepted(layer):
                found["accepted"] = layer
            elif (is_result(layer) or _is_full_preview(layer)) and (layer.visible or not _is_seen(found)):
                found["refined"] = layer
        return {**self.unsaved, **found}

    def remove(self) -> None:
        """Take all of it out of the viewer."""
        for layer in self.belonging():
            self._viewer.layers.remove(layer)

    def _take_tools(self, habit: Habit) -> None:
        """Paint on as on the image before; a label that these labels cannot hold is not taken."""
        limits = np.iinfo(self.labels.data.dtype)
        for tool, value in habit.tools.items():
            if tool != "selected_label" or limits.min <= value <= limits.max:
                setattr(self.labels, tool, value)

    def _restore(self, kind: Kind, data: LayerData, place: Mapping[str, Any]) -> None:
        """Add what was accepted, or a result, as if it was made of these labels, whatever they were called then."""
        layer = _stored_layer(data, f"{self.labels.name} {kind}", place)
        labels = self.labels.name
        if kind == "accepted":
            set_provenance(layer, {**provenance(layer), "accepted_for": labels})
            draw_discreetly(layer)
        else:
            set_provenance(layer, {"parameters": {}, **provenance(layer), "labels": labels})
        self.stored[kind] = layer
        if kind == "accepted" and not np.any(data[0]):
            return  # all of it was taken back
        self._viewer.add_layer(layer)
        if kind == "refined":
            show_alone(self._viewer, layer)

    def _may_hold_labels(self) -> bool:
        return bool(np.any(self.labels.data))

    def _is_about_labels(self, layer: Layer) -> bool:
        if is_accepted(layer):
            return layer is find_accepted(self._viewer, self.labels)
        if not isinstance(layer, Labels) or not (is_result(layer) or is_preview(layer)):
            return False
        known = source_of(layer)
        return known is self.labels if known is not None else source_name(layer) == self.labels.name


class ShownStack(Shown):
    """The layers of a stack, of which only planes are looked at."""

    def holds_result(self, axis: int, index: int) -> bool:
        """Whether a slice was refined in any of the results."""
        results = [layer for layer in self.painted() if is_result(layer)]
        return any(was_refined(layer, axis, index) for layer in results)

    def _may_hold_labels(self) -> bool:
        return True  # whoever writes them finds out


def _is_seen(found: Mapping[Kind, Labels]) -> bool:
    """Whether a result was found that is seen: of several, it is the newest."""
    return "refined" in found and found["refined"].visible


def _is_full_preview(layer: Labels) -> bool:
    """Whether Live shows its full result here, and no quick look."""
    return is_preview(layer) and provenance(layer).get("step") == 1


def _stored_layer(data: LayerData, name: str, place: Mapping[str, Any]) -> Labels:
    labels, keywords, _ = data
    # Where it lies is said by the image: its file may have been told the size of a pixel since.
    return _labels_layer(in_few_bits(labels, labels_dtype()), name, keywords, place)


def _labels_layer(labels: LabelArray, name: str, look: Mapping[str, Any], place: Mapping[str, Any]) -> Labels:
    try:
        return Labels(labels, **{"name": name, **look, **place})
    except (AttributeError, KeyError, TypeError, ValueError):  # a look that was changed by hand: the labels count
        return Labels(labels, name=name, **place)


def _image_layer(image: ImageFile, name: str) -> Image:
    rgb = _is_rgb(image)
    axes = image.axes.removesuffix(SAMPLES) if rgb else image.axes
    place: dict[str, Any] = {}
    if image.names_axes:
        place["axis_labels"] = tuple("c" if axis == SAMPLES else axis.lower() for axis in axes)
    sizes = {axis: image.grid.size_along(axis) for axis in axes if axis in "ZYX"}
    if image.grid.unit and all(sizes.values()):
        place["scale"] = tuple(sizes.get(axis) or 1.0 for axis in axes)
        place["units"] = tuple(image.grid.unit if axis in sizes else "pixel" for axis in axes)
    return Image(image.image, name=name, rgb=rgb, **place)


def _channel_axis(image: ImageFile) -> int | None:
    """Return the axis of the layer that its labels lack."""
    return None if _is_rgb(image) else image.channel_axis


def _is_rgb(image: ImageFile) -> bool:
    return image.axes.endswith(SAMPLES) and image.image.shape[-1] == _COLOURS


def in_few_bits(labels: LabelArray, dtype: Any) -> LabelArray:
    """Return labels in a type if it can hold them: files have 32 bits, napari's own layers mostly 8."""
    limits = np.iinfo(dtype)
    fits = limits.min <= labels.min(initial=0) and labels.max(initial=0) <= limits.max
    return labels.astype(dtype) if fits and labels.dtype != dtype else labels


def labels_dtype() -> Any:
    """Return the type of new labels in napari."""
    return np.dtype(getattr(get_settings().application, "new_labels_dtype", np.int32))

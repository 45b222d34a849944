"""From layers to arrays, and from refined labels to a new layer.

napari's layers may only be touched on the main thread, and a person goes on painting, renaming and deleting while a
job runs. So everything a job needs is read here before it starts, and nothing refers to a layer afterwards except to
find the place of the result. Used by job.py and widget.py.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels
from napari.utils.colormaps import CyclicLabelColormap, DirectLabelColormap

if TYPE_CHECKING:
    from collections.abc import Mapping

    import napari
    from numpy.typing import NDArray

    LabelArray = NDArray[np.integer[Any]]

_KEPT = ("scale", "translate", "rotate", "shear", "units", "axis_labels", "opacity", "blending", "features")
"""What the result takes over from its source as it is; affine, colours and contour need more care."""

_BLOCK_PIXELS = 2**20


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """What a run reads from the two layers.

    Attributes
    ----------
    image : array
        The image at full resolution; may be lazy (dask, zarr).
    labels : array
        The coarse labels: a copy, or lazy.
    has_alpha : bool
        Whether the last channel of `image` is its alpha channel.
    spacing : tuple of float
        Size of a pixel along each axis.
    contrast_limits : tuple of float
        The values of the image layer that are shown darkest and brightest.
    """

    image: Any
    labels: Any
    has_alpha: bool
    spacing: tuple[float, ...]
    contrast_limits: tuple[float, float]

    def load(self) -> tuple[NDArray[Any], LabelArray, NDArray[np.bool_] | None]:
        """Return image, labels and mask in memory. Lazy data is read here: call it off the main thread."""
        image, labels = np.asarray(self.image), np.asarray(self.labels)
        if not self.has_alpha:
            return image, labels, None
        opaque = image[..., 3] != 0
        # A mask of ones would say the same as none, and none is what a script would pass.
        return image[..., :3], labels, None if opaque.all() else opaque


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """Name, place and colours for the result, copied from its source before the run."""

    name: str
    contour: int
    keywords: Mapping[str, Any]


def find_problem(image_layer: Image | None, labels_layer: Labels | None) -> str:
    """Return one sentence on what keeps these layers from being refined, or "" if nothing does.

    Quick enough for every change of a layer; what takes longer to find out, the core says when it runs.

    Parameters
    ----------
    image_layer : napari.layers.Image or None
        The image; None if none is chosen.
    labels_layer : napari.layers.Labels or None
        The coarse labels; None if none is chosen.
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
    image_shape = _spatial_shape(image_layer)
    if image_shape != labels_layer.data.shape:
        return (
            f"'{labels_layer.name}' is {_in_words(labels_layer.data.shape)} pixels but '{image_layer.name}' is "
            f"{_in_words(image_shape)}. Choose a Labels layer drawn on this image, or crop both to the same region."
        )
    return _problem_of_labels(labels_layer)


def read_layers(image_layer: Image, labels_layer: Labels) -> Inputs:
    """Return what a run needs of two layers that `find_problem` accepts."""
    image, labels = _finest(image_layer), labels_layer.data
    return Inputs(
        image=image,
        # A person may paint on while the job runs; lazy labels cannot be painted on, so they are read by the job.
        labels=labels.copy() if isinstance(labels, np.ndarray) else labels,
        has_alpha=bool(image_layer.rgb) and image.shape[-1] == 4,
        spacing=tuple(abs(float(size)) for size in labels_layer.scale),  # napari mirrors by a negative scale
        contrast_limits=(float(image_layer.contrast_limits[0]), float(image_layer.contrast_limits[1])),
    )


def read_look(labels_layer: Labels) -> Look:
    """Return how the result should look, sharing nothing with its source."""
    keywords = {name: copy.deepcopy(getattr(labels_layer, name)) for name in _KEPT}
    keywords["affine"] = labels_layer.affine.affine_matrix.copy()  # the object itself carries who listens to it
    keywords["colormap"] = _same_colours(labels_layer.colormap)
    return Look(f"{labels_layer.name} refined", labels_layer.contour, keywords)


def describe_misfit(image_layer: Image, labels_layer: Labels) -> str:
    """Return one sentence if the layers lie at different places in the viewer, else ""."""
    shape = np.array(labels_layer.data.shape)
    pixel = np.abs(np.asarray(labels_layer.scale)).min()
    for corner in (np.zeros(len(shape)), shape - 1.0):
        apart = np.subtract(image_layer.data_to_world(corner), labels_layer.data_to_world(corner))
        if np.abs(apart).max() > 0.01 * pixel:
            return (
                "The image and the labels lie at different places in the viewer (scale, position or rotation differ); "
                "pixels were matched by their index."
            )
    return ""


def add_result(
    viewer: napari.viewer.Viewer, refined: LabelArray, look: Look, metadata: Mapping[str, Any], source: Labels
) -> Labels:
    """Add a new Labels layer above `source`, or on top if `source` is gone, and return it."""
    layer = Labels(refined, name=look.name, metadata={"napari_coarse_crf": dict(metadata)}, **look.keywords)
    layer.contour = look.contour
    layers = viewer.layers
    layers.insert(layers.index(source) + 1 if source in layers else len(layers), layer)
    return layer


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


def _finest(image_layer: Image) -> Any:
    return image_layer.data[0] if image_layer.multiscale else image_layer.data


def _spatial_shape(image_layer: Image) -> tuple[int, ...]:
    # The layer knows whether its last axis is colour; a shape that ends in 3 may be a stack of three slices.
    shape = tuple(_finest(image_layer).shape)
    return shape[:-1] if image_layer.rgb else shape


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

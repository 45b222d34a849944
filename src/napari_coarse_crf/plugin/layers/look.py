"""Name, place and colours of a result: copied from the labels it was made of, given to the layer it becomes."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from napari.layers import Labels

from napari_coarse_crf.plugin.layers.colours import same_colours
from napari_coarse_crf.plugin.layers.provenance import KEY, is_result, source_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    import napari
    from napari.layers import Image, Layer

    from napari_coarse_crf.compute.arrays import LabelArray

PLACE: Final = ("scale", "translate", "rotate", "shear", "units", "axis_labels", "affine")
"""What lays one layer exactly over another. Units too, or the viewer shows none at all."""

_KEPT: Final = ("opacity", "blending", "features")


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """Name, place and colours for the result, copied from its source before the run."""

    name: str
    contour: int
    place: Mapping[str, Any]
    keywords: Mapping[str, Any]


def place_of(layer: Image | Labels, without: int | None = None) -> dict[str, Any]:
    """Return what lays another layer exactly over this one, sharing nothing with it.

    Parameters
    ----------
    layer : napari.layers.Image or Labels
        Which one.
    without : int, optional
        An axis that the other layer has not.
    """
    place = {name: copy.deepcopy(getattr(layer, name)) for name in PLACE if name != "affine"}
    place["affine"] = layer.affine.affine_matrix.copy()  # the object itself carries who listens to it
    return place if without is None or without >= layer.ndim else _place_without(place, without)


def _place_without(place: dict[str, Any], axis: int) -> dict[str, Any]:
    """Return a place without one of its axes."""
    count = len(place["scale"])
    kept = [one for one in range(count) if one != axis]
    less: dict[str, Any] = {name: np.asarray(place[name])[kept] for name in ("scale", "translate")}
    less |= {name: tuple(place[name][one] for one in kept) for name in ("units", "axis_labels")}
    shear = np.asarray(place["shear"])
    if shear.ndim == 1:  # what stands above the diagonal, row by row
        above = np.eye(count)
        above[np.triu_indices(count, 1)] = shear
        less["shear"] = above[np.ix_(kept, kept)][np.triu_indices(count - 1, 1)]
    else:
        less["shear"] = shear[np.ix_(kept, kept)]
    less["rotate"] = np.asarray(place["rotate"])[np.ix_(kept, kept)]
    less["affine"] = place["affine"][np.ix_([*kept, count], [*kept, count])]
    return less


def same_place(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two layers with these places lie on each other, with the same units."""
    return all(np.array_equal(one[name], other[name]) for name in PLACE)


def read_look(labels_layer: Labels, place: Mapping[str, Any] | None = None) -> Look:
    """Return how the result should look, sharing nothing with its source; by default it lies exactly on it."""
    keywords = {name: copy.deepcopy(getattr(labels_layer, name)) for name in _KEPT}
    keywords["colormap"] = same_colours(labels_layer.colormap)
    place = place_of(labels_layer) if place is None else place
    return Look(f"{labels_layer.name} refined", labels_layer.contour, place, keywords)


def renewed(look: Look, source: Layer) -> Look:
    """Return a look with the names and colours that a person has given to their labels since it was read."""
    if not isinstance(source, Labels):
        return look
    now = {"features": copy.deepcopy(source.features), "colormap": same_colours(source.colormap)}
    return replace(look, keywords={**look.keywords, **now})


def move_to(layer: Labels, place: Mapping[str, Any]) -> None:
    """Lay a layer where `place_of` says."""
    here = place_of(layer)
    for name, value in place.items():
        if not np.array_equal(here[name], value):
            setattr(layer, name, value)


def add_result(
    viewer: napari.viewer.Viewer, refined: LabelArray, look: Look, metadata: Mapping[str, Any], source: Layer
) -> Labels:
    """Add a new Labels layer above `source` and earlier results, or on top if `source` is gone, and return it.

    The selection stays: napari would select the new layer, and the next stroke would be painted on it.
    """
    layer = Labels(refined, name=look.name, metadata={KEY: dict(metadata)}, **look.place, **look.keywords)
    layer.contour = look.contour
    insert_unselected(viewer, _place_above(viewer, source), layer)
    return layer


def insert_unselected(viewer: napari.viewer.Viewer, index: int, layer: Labels) -> None:
    """Insert a layer, and leave the selection as it is."""
    layers = viewer.layers
    selected, active = set(layers.selection), layers.selection.active
    layers.insert(index, layer)
    layers.selection = selected
    layers.selection.active = active


def _place_above(viewer: napari.viewer.Viewer, source: Layer) -> int:
    """Return the index above a layer and its results, but for Live's preview, which stays on top."""
    layers = list(viewer.layers)
    if source not in layers:
        return len(layers)
    return 1 + max(
        index
        for index, layer in enumerate(layers)
        if layer is source or (isinstance(layer, Labels) and _is_result_like(layer, source))
    )


def _is_result_like(layer: Labels, source: Layer) -> bool:
    """Whether a layer is a result that lies on this one."""
    same_shape = isinstance(source, Labels) and layer.data.shape == source.data.shape
    return is_result(layer) and (same_shape or source_name(layer) == source.name)

"""A result looks like the labels it was made of, and shares nothing with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap

from napari_coarse_crf.plugin.layers.look import add_result, move_to, place_of, read_look, same_place

if TYPE_CHECKING:
    from numpy.typing import NDArray


def test_the_result_keeps_place_and_look_of_its_source(labels: NDArray[Any]) -> None:
    viewer = ViewerModel()
    source = viewer.add_labels(
        labels, name="strokes", scale=(0.5, 2), translate=(3, 4), rotate=20, shear=[0.1], affine=np.diag([2, 3, 1]),
        units=("nm", "nm"), axis_labels=("row", "column"), opacity=0.4, blending="additive",
        features={"index": [3, 70_000], "class": ["left", "right"]},
    )  # fmt: skip
    source.contour = 2
    layer = add_result(viewer, labels.copy(), read_look(source), {"version": "1"}, source)
    for name in ("scale", "translate", "rotate", "shear"):
        np.testing.assert_allclose(getattr(layer, name), getattr(source, name))
    np.testing.assert_allclose(layer.affine.affine_matrix, source.affine.affine_matrix)
    for name in ("units", "axis_labels", "opacity", "blending", "contour"):
        assert getattr(layer, name) == getattr(source, name)
    assert layer.features.equals(source.features)
    assert layer.name == "strokes refined"
    assert layer.metadata["napari_coarse_crf"] == {"version": "1"}


@pytest.mark.parametrize("colours", ["cyclic", "direct"])
def test_the_result_has_the_same_colours_and_shares_none(labels: NDArray[Any], colours: str) -> None:
    viewer = ViewerModel()
    source = viewer.add_labels(labels)
    if colours == "direct":
        source.colormap = DirectLabelColormap(color_dict={None: "black", 0: "transparent", 3: "red", 70_000: "blue"})
    else:
        source.new_colormap(seed=5)
    before = source.colormap.map(np.array([0, 3, 70_000]))
    source.show_selected_label = True  # the copy must not hide what the new layer's own tick box shows
    layer = add_result(viewer, labels.copy(), read_look(source), {}, source)
    np.testing.assert_array_equal(layer.colormap.map(np.array([0, 3, 70_000])), before)
    source.selected_label = 3
    source.new_colormap(seed=9)
    np.testing.assert_array_equal(layer.colormap.map(np.array([0, 3, 70_000])), before)


def test_the_newest_result_lies_above_the_earlier_ones_and_is_not_selected(labels: NDArray[Any]) -> None:
    viewer = ViewerModel()
    source = viewer.add_labels(labels, name="strokes")
    viewer.add_labels(labels, name="other")
    viewer.layers.selection.active = source
    for _ in range(2):
        add_result(viewer, labels.copy(), read_look(source), {"parameters": {}}, source)
    assert [layer.name for layer in viewer.layers] == ["strokes", "strokes refined", "strokes refined [1]", "other"]
    assert viewer.layers.selection.active is source
    assert set(viewer.layers.selection) == {source}


def test_the_result_lies_above_its_source(labels: NDArray[Any]) -> None:
    viewer = ViewerModel()
    source = viewer.add_labels(labels, name="strokes")
    viewer.add_labels(labels, name="other")
    look = read_look(source)
    add_result(viewer, labels.copy(), look, {}, source)
    assert [layer.name for layer in viewer.layers] == ["strokes", "strokes refined", "other"]
    viewer.layers.remove(source)
    add_result(viewer, labels.copy(), look, {}, source)
    assert [layer.name for layer in viewer.layers] == ["strokes refined", "other", "strokes refined [1]"]


def test_a_layer_is_moved_to_where_another_lies_and_shares_nothing_with_it(labels: NDArray[Any]) -> None:
    names = {"units": ("mm", "um"), "axis_labels": ("row", "column")}
    source = Labels(labels, scale=(2, 3), translate=(5, 7), affine=np.diag([2, 3, 1]), **names)
    place, other = place_of(source), Labels(labels)
    assert not same_place(place, place_of(other))
    source.translate = (0, 0)
    move_to(other, place)
    np.testing.assert_array_equal(other.translate, (5, 7))
    np.testing.assert_array_equal(other.affine.affine_matrix, np.diag([2, 3, 1]))
    assert (other.units, other.axis_labels) == (source.units, source.axis_labels)
    assert same_place(place, place_of(other))
    assert same_place(place, place_of(Labels(labels, **place)))

"""Layers to arrays and back, without a window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels, Shapes
from napari.utils.colormaps import DirectLabelColormap

from napari_coarse_crf.plugin.layers.read import (
    Choice,
    add_result,
    describe_misfit,
    find_problem,
    read_layers,
    read_look,
)
from napari_coarse_crf.tiles.parts import Scope

if TYPE_CHECKING:
    from numpy.typing import NDArray


def photo(image: NDArray[Any], **keywords: Any) -> Image:
    return Image(image, name="photo", rgb=True, **keywords)


def test_layers_that_fit_have_no_problem(image: NDArray[Any], labels: NDArray[Any]) -> None:
    assert find_problem(photo(image), Labels(labels)) == ""


def test_missing_layers_are_named_with_a_way_out(image: NDArray[Any], labels: NDArray[Any]) -> None:
    assert "Open an image first" in find_problem(None, Labels(labels))
    assert "Add a Labels layer" in find_problem(photo(image), None)


def test_shapes_that_differ_are_both_named(image: NDArray[Any], labels: NDArray[Any]) -> None:
    problem = find_problem(photo(image), Labels(labels[:, 1:], name="strokes"))
    assert problem.startswith("'strokes' is 40 x 59 pixels but 'photo' is 40 x 60.")


def test_the_layer_says_whether_three_slices_are_colours() -> None:
    # (40, 60, 3) of a grey image is a volume: the layer says what it is, the shape does not.
    volume = Image(np.zeros((40, 60, 3), np.uint8), rgb=False)
    flat = np.zeros((40, 60), np.uint8)
    flat[0, :2] = 1, 2
    stack = Labels(np.stack([flat] * 3, axis=-1))
    assert find_problem(volume, stack) == ""
    assert describe_misfit(volume, stack) == ""


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_one_axis_more_than_the_labels_is_taken_for_channels_and_said(labels: NDArray[Any], axis: int) -> None:
    image = np.moveaxis(np.arange(40 * 60 * 2, dtype=np.uint16).reshape(40, 60, 2), -1, axis)
    layer, strokes = Image(image, name="photo", rgb=False), Labels(labels)
    assert find_problem(layer, strokes) == ""
    loaded, _, _ = read_layers(layer, strokes).load()
    np.testing.assert_array_equal(loaded, np.moveaxis(image, axis, -1))
    assert describe_misfit(layer, strokes) == f"The 2 slices of 'photo' along axis {axis} were taken as channels."


def test_a_stack_is_not_taken_for_channels(labels: NDArray[Any]) -> None:
    stack = Image(np.zeros((20, 40, 60), np.uint8), name="photo")
    assert "'photo' is 20 x 40 x 60" in find_problem(stack, Labels(labels))


def test_further_layers_are_channels_with_contrast_limits_of_their_own(
    image: NDArray[Any], labels: NDArray[Any]
) -> None:
    one = Image(image[..., 0], contrast_limits=(0, 200))
    two = Image(image[..., 1].astype(np.uint16) * 9, name="two", contrast_limits=(5, 900))
    inputs = read_layers(one, Labels(labels), Choice(channels=(two,)))
    loaded, _, _ = inputs.load()
    np.testing.assert_array_equal(loaded, np.stack([one.data, two.data], axis=-1))
    assert inputs.contrast_limits == ((0, 200), (5, 900))
    colour = read_layers(photo(image), Labels(labels), Choice(channels=(two,)))
    assert colour.load()[0].shape == (40, 60, 4)
    assert colour.contrast_limits == ((0, 255), (0, 255), (0, 255), (5, 900))
    wrong = Image(image[1:, :, 0], name="two")
    assert "'two' is 39 x 60" in find_problem(one, Labels(labels), Choice(channels=(wrong,)))


def test_drawn_shapes_become_the_mask_wherever_their_layer_lies(image: NDArray[Any], labels: NDArray[Any]) -> None:
    strokes = Labels(labels, scale=(2, 2), translate=(10, 0))
    shapes = Shapes(scale=(0.5, 0.5))
    corners = np.array([[5, 10], [5, 50], [30, 50], [30, 10]])  # in pixels of the labels
    shapes.add_rectangles((corners * 2 + (10, 0)) / 0.5)
    shapes.add_lines(np.array([[0, 0], [90, 90]]))
    mask = read_layers(photo(image), strokes, Choice(region=shapes)).load()[2]
    wanted = np.zeros((40, 60), bool)
    wanted[5:31, 10:51] = True
    assert mask is not None
    np.testing.assert_array_equal(mask, wanted)


def test_a_region_that_holds_nothing_or_does_not_fit_is_said(image: NDArray[Any], labels: NDArray[Any]) -> None:
    layers = photo(image), Labels(labels, name="strokes")
    assert "'outlines' holds no area" in find_problem(*layers, Choice(region=Shapes(name="outlines")))
    small = Labels(labels[1:], name="valid")
    assert "'valid' is 39 x 60 pixels but 'strokes' is 40 x 60" in find_problem(*layers, Choice(region=small))


def test_a_mask_layer_and_alpha_both_leave_pixels_out(image: NDArray[Any], labels: NDArray[Any]) -> None:
    alpha, valid = np.full((40, 60, 1), 255, np.uint8), np.ones((40, 60), np.uint8)
    alpha[:, :5], valid[:6] = 0, 0
    inputs = read_layers(photo(np.concatenate([image, alpha], axis=-1)), Labels(labels), Choice(region=Labels(valid)))
    np.testing.assert_array_equal(inputs.load()[2], (valid > 0) & (alpha[..., 0] > 0))


def test_a_mask_of_one_plane_counts_in_every_slice(labels: NDArray[Any]) -> None:
    valid = np.ones((40, 60), np.uint8)
    valid[:6] = 0
    volume, strokes = Image(np.zeros((3, 40, 60), np.uint8)), Labels(np.stack([labels] * 3))
    inputs = read_layers(volume, strokes, Choice(region=Labels(valid), scope=Scope(slice_axis=0)))
    part = inputs.parts()[1]
    np.testing.assert_array_equal(inputs.load(part)[2], valid > 0)
    assert inputs.spacing_of(part) == (1, 1)


def test_too_few_labels_in_the_chosen_part_are_said(labels: NDArray[Any]) -> None:
    strokes = np.zeros((3, 40, 60), np.int32)
    strokes[1] = labels
    layers = Image(np.zeros((3, 40, 60), np.uint8)), Labels(strokes, name="strokes")
    assert find_problem(*layers, Choice(scope=Scope(slice_axis=0, index=1))) == ""
    assert "fewer than two labels in the chosen part" in find_problem(
        *layers, Choice(scope=Scope(slice_axis=0, index=2))
    )


@pytest.mark.parametrize(("ids", "sentence"), [((), "is still empty"), ((7,), "holds one label only (7)")])
def test_too_few_labels_are_said(image: NDArray[Any], ids: tuple[int, ...], sentence: str) -> None:
    labels = np.zeros((40, 60), np.uint8)
    labels[5, : len(ids)] = ids
    assert sentence in find_problem(photo(image), Labels(labels))


def test_a_second_label_is_found_in_the_last_pixel_of_a_large_map() -> None:
    labels = np.zeros((3000, 1000), np.uint8)
    labels[0, 0], labels[1500, 3], labels[-1, -1] = 1, 1, 2
    assert find_problem(Image(np.zeros((3000, 1000), np.uint8)), Labels(labels)) == ""


def test_multiscale_labels_are_refused_in_words(image: NDArray[Any], labels: NDArray[Any]) -> None:
    pyramid = Labels([labels, labels[::2, ::2]], name="strokes", multiscale=True)
    assert "multiscale" in find_problem(photo(image), pyramid)


def test_the_finest_level_of_a_multiscale_image_is_read(image: NDArray[Any], labels: NDArray[Any]) -> None:
    pyramid = Image([image, image[::2, ::2]], rgb=True, multiscale=True)
    assert find_problem(pyramid, Labels(labels)) == ""
    loaded, _, _ = read_layers(pyramid, Labels(labels)).load()
    np.testing.assert_array_equal(loaded, image)


def test_alpha_becomes_the_mask(image: NDArray[Any], labels: NDArray[Any]) -> None:
    alpha = np.full((40, 60, 1), 255, np.uint8)
    alpha[:, :5] = 0
    loaded, _, mask = read_layers(photo(np.concatenate([image, alpha], axis=-1)), Labels(labels)).load()
    np.testing.assert_array_equal(loaded, image)
    assert mask is not None
    np.testing.assert_array_equal(mask, alpha[..., 0] > 0)


def test_an_opaque_image_has_no_mask(image: NDArray[Any], labels: NDArray[Any]) -> None:
    opaque = np.concatenate([image, np.full((40, 60, 1), 255, np.uint8)], axis=-1)
    assert read_layers(photo(opaque), Labels(labels)).load()[2] is None


def test_painting_after_reading_changes_nothing(image: NDArray[Any], labels: NDArray[Any]) -> None:
    layer = Labels(labels.copy())
    inputs = read_layers(photo(image), layer)
    layer.paint((20, 20), 5)
    np.testing.assert_array_equal(inputs.load()[1], labels)


def test_lazy_layers_are_read_by_load_only(image: NDArray[Any], labels: NDArray[Any]) -> None:
    layers = photo(da.from_array(image)), Labels(da.from_array(labels))
    assert find_problem(*layers) == ""
    inputs = read_layers(*layers)
    assert isinstance(inputs.image.data, da.Array)
    assert isinstance(inputs.labels, da.Array)
    for loaded, wanted in zip(inputs.load()[:2], (image, labels), strict=True):
        assert isinstance(loaded, np.ndarray)
        np.testing.assert_array_equal(loaded, wanted)


def test_spacing_and_contrast_limits_are_those_of_the_layers(labels: NDArray[Any]) -> None:
    grey = Image(np.arange(2400, dtype=np.uint16).reshape(40, 60), contrast_limits=(100, 900))
    inputs = read_layers(grey, Labels(labels, scale=(-2, 0.5)))  # napari mirrors by a negative scale
    assert inputs.spacing == (2.0, 0.5)
    assert inputs.contrast_limits == (100.0, 900.0)


def test_layers_at_different_places_are_noticed(image: NDArray[Any], labels: NDArray[Any]) -> None:
    assert describe_misfit(photo(image, scale=(2, 2)), Labels(labels, scale=(2, 2))) == ""
    for keywords in ({"scale": (2, 2)}, {"translate": (0, 3)}, {"rotate": 30}):
        assert "different places" in describe_misfit(photo(image), Labels(labels, **keywords))


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

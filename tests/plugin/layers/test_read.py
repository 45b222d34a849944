"""Layers to arrays, without a window."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import psutil
import pytest
from napari.layers import Image, Labels, Shapes

from napari_coarse_crf.plugin.layers.choice import Choice
from napari_coarse_crf.plugin.layers.fit import find_problem
from napari_coarse_crf.plugin.layers.match import Match
from napari_coarse_crf.plugin.layers.read import read_layers
from napari_coarse_crf.tiles.parts import Scope

if TYPE_CHECKING:
    from numpy.typing import NDArray


def photo(image: NDArray[Any], **keywords: Any) -> Image:
    return Image(image, name="photo", rgb=True, **keywords)


def load(inputs: Any) -> tuple[Any, Any, Any]:
    """Return image, labels and mask of the first part."""
    picture, labels = inputs.load(inputs.parts()[0])
    return picture.image, labels, picture.mask


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_one_axis_more_than_the_labels_is_taken_for_channels_and_said(labels: NDArray[Any], axis: int) -> None:
    image = np.moveaxis(np.arange(40 * 60 * 2, dtype=np.uint16).reshape(40, 60, 2), -1, axis)
    layer, strokes = Image(image, name="photo", rgb=False), Labels(labels)
    assert find_problem(layer, strokes) == ""
    loaded, _, _ = load(read_layers(layer, strokes))
    np.testing.assert_array_equal(loaded, np.moveaxis(image, axis, -1))
    assert Match.of(layer, strokes).describe() == f"The 2 slices of 'photo' along axis {axis} are taken as channels."


def test_further_layers_are_channels_with_contrast_limits_of_their_own(
    image: NDArray[Any], labels: NDArray[Any]
) -> None:
    one = Image(image[..., 0], contrast_limits=(0, 200))
    two = Image(image[..., 1].astype(np.uint16) * 9, name="two", contrast_limits=(5, 900))
    inputs = read_layers(one, Labels(labels), Choice(channels=(two,)))
    loaded, _, _ = load(inputs)
    np.testing.assert_array_equal(loaded, np.stack([one.data, two.data], axis=-1))
    assert inputs.contrast_limits == ((0, 200), (5, 900))
    colour = read_layers(photo(image), Labels(labels), Choice(channels=(two,)))
    assert load(colour)[0].shape == (40, 60, 4)
    assert colour.contrast_limits == ((0, 255), (0, 255), (0, 255), (5, 900))
    wrong = Image(image, name="two", rgb=False)
    assert "'two' is 40 x 60 x 3" in find_problem(one, Labels(labels), Choice(channels=(wrong,)))


def test_drawn_shapes_become_the_mask_wherever_their_layer_lies(image: NDArray[Any], labels: NDArray[Any]) -> None:
    strokes = Labels(labels, scale=(2, 2), translate=(10, 0))
    shapes = Shapes(scale=(0.5, 0.5))
    corners = np.array([[5, 10], [5, 50], [30, 50], [30, 10]])  # in pixels of the labels
    shapes.add_rectangles((corners * 2 + (10, 0)) / 0.5)
    shapes.add_lines(np.array([[0, 0], [90, 90]]))
    mask = load(read_layers(photo(image, scale=(2, 2), translate=(10, 0)), strokes, Choice(region=shapes)))[2]
    wanted = np.zeros((40, 60), bool)
    wanted[5:31, 10:51] = True
    assert mask is not None
    np.testing.assert_array_equal(mask, wanted)


def test_a_mask_layer_and_alpha_both_leave_pixels_out(image: NDArray[Any], labels: NDArray[Any]) -> None:
    alpha, valid = np.full((40, 60, 1), 255, np.uint8), np.ones((40, 60), np.uint8)
    alpha[:, :5], valid[:6] = 0, 0
    inputs = read_layers(photo(np.concatenate([image, alpha], axis=-1)), Labels(labels), Choice(region=Labels(valid)))
    np.testing.assert_array_equal(load(inputs)[2], (valid > 0) & (alpha[..., 0] > 0))


def test_a_mask_of_one_plane_counts_in_every_slice(labels: NDArray[Any]) -> None:
    valid = np.ones((40, 60), np.uint8)
    valid[:6] = 0
    volume, strokes = Image(np.zeros((3, 40, 60), np.uint8)), Labels(np.stack([labels] * 3))
    inputs = read_layers(volume, strokes, Choice(region=Labels(valid), scope=Scope(slice_axis=0)))
    part = inputs.parts()[1]
    picture, _ = inputs.load(part)
    np.testing.assert_array_equal(picture.mask, valid > 0)
    assert picture.spacing == (1, 1)


def test_the_finest_level_of_a_multiscale_image_is_read(image: NDArray[Any], labels: NDArray[Any]) -> None:
    pyramid = Image([image, image[::2, ::2]], rgb=True, multiscale=True)
    assert find_problem(pyramid, Labels(labels)) == ""
    loaded, _, _ = load(read_layers(pyramid, Labels(labels)))
    np.testing.assert_array_equal(loaded, image)


def test_alpha_becomes_the_mask(image: NDArray[Any], labels: NDArray[Any]) -> None:
    alpha = np.full((40, 60, 1), 255, np.uint8)
    alpha[:, :5] = 0
    loaded, _, mask = load(read_layers(photo(np.concatenate([image, alpha], axis=-1)), Labels(labels)))
    np.testing.assert_array_equal(loaded, image)
    assert mask is not None
    np.testing.assert_array_equal(mask, alpha[..., 0] > 0)


def test_an_opaque_image_has_no_mask(image: NDArray[Any], labels: NDArray[Any]) -> None:
    opaque = np.concatenate([image, np.full((40, 60, 1), 255, np.uint8)], axis=-1)
    assert load(read_layers(photo(opaque), Labels(labels)))[2] is None


def test_painting_after_reading_changes_nothing(image: NDArray[Any], labels: NDArray[Any]) -> None:
    layer = Labels(labels.copy())
    inputs = read_layers(photo(image), layer)
    layer.paint((20, 20), 5)
    np.testing.assert_array_equal(load(inputs)[1], labels)


def test_lazy_layers_are_read_by_load_only(image: NDArray[Any], labels: NDArray[Any]) -> None:
    layers = photo(da.from_array(image)), Labels(da.from_array(labels))
    assert find_problem(*layers) == ""
    inputs = read_layers(*layers)
    assert isinstance(inputs.image.data, da.Array)
    assert isinstance(inputs.labels.data, da.Array)
    for loaded, wanted in zip(load(inputs)[:2], (image, labels), strict=True):
        assert isinstance(loaded, np.ndarray)
        np.testing.assert_array_equal(loaded, wanted)


def test_spacing_and_contrast_limits_are_those_of_the_layers(labels: NDArray[Any]) -> None:
    mirrored = {"scale": (-2, 0.5)}  # as napari does
    grey = Image(np.arange(2400, dtype=np.uint16).reshape(40, 60), contrast_limits=(100, 900), **mirrored)
    inputs = read_layers(grey, Labels(labels, **mirrored))
    assert inputs.spacing == (2.0, 0.5)
    assert inputs.contrast_limits == (100.0, 900.0)


def test_of_a_stack_whose_slice_is_refined_only_the_slice_is_copied(labels: NDArray[Any]) -> None:
    stack, strokes = Image(np.zeros((9, 40, 60), np.uint8)), Labels(np.stack([labels] * 9))
    region = Labels(np.ones((9, 40, 60), np.uint8))
    inputs = read_layers(
        stack, strokes, Choice(Scope(slice_axis=0, index=4, box=((0, 9), (2, 30), (0, 60))), region=region)
    )
    assert inputs.labels.data.shape == (1, 28, 60)
    assert inputs.region is not None
    assert inputs.region.data.shape == (1, 28, 60)
    assert not np.shares_memory(inputs.labels.data, strokes.data)
    assert inputs.all_labels is strokes.data
    image, loaded, mask = load(inputs)
    assert (image.shape, mask) == ((28, 60), None)
    np.testing.assert_array_equal(loaded, labels[2:30])


@pytest.mark.skipif(sys.platform != "linux", reason="other systems tell the memory in use in other ways")
def test_a_stack_that_is_refined_as_a_whole_is_copied_in_the_memory_of_the_slices_with_labels() -> None:
    shape = (64, 1024, 1024)
    strokes, region = Labels(np.zeros(shape, np.int32)), Labels(np.zeros(shape, np.int32))  # 256 MB each, none in use
    strokes.data[7, 3, 5] = region.data[7, 3, 5] = 9
    before = psutil.Process().memory_info().rss
    inputs = read_layers(Image(np.zeros(shape, np.uint8)), strokes, Choice(region=region))
    assert psutil.Process().memory_info().rss - before < 40e6
    strokes.data[7, 3, 5] = region.data[7, 3, 5] = 0
    _, labels, mask = load(inputs)
    assert (labels[7, 3, 5], mask[7, 3, 5], mask[7].sum()) == (9, True, 1)


@pytest.mark.parametrize(
    ("keywords", "wanted"),
    [
        ({"scale": (10, 1, 2)}, (10, 1, 2)),
        ({"affine": np.diag([10.0, 1, 2, 1])}, (10, 1, 2)),
        ({"scale": (5, 1, 1), "affine": np.diag([2.0, 1, 2, 1])}, (10, 1, 2)),
        ({"scale": (10, 1, 2), "rotate": [[1, 0, 0], [0, 0.6, -0.8], [0, 0.8, 0.6]]}, (10, 1, 2)),
        ({"scale": (1, 1, 2), "units": ("um", "nm", "nm")}, (1, 0.001, 0.002)),
        ({"scale": (1, 1, 2), "units": ("second", "nm", "nm")}, (1, 1, 2)),
    ],
)
def test_a_pixel_is_as_large_as_the_whole_way_to_the_world_says(
    labels: NDArray[Any], keywords: dict[str, Any], wanted: tuple[float, ...]
) -> None:
    stack = Image(np.zeros((3, 40, 60), np.uint8), **keywords)
    strokes = Labels(np.stack([labels] * 3), **keywords)
    np.testing.assert_allclose(read_layers(stack, strokes).spacing, wanted)

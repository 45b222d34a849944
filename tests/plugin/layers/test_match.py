"""Layers of other sizes, places and axes, refined together as they lie in the viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_coarse_crf import InputError, Parameters, refine_labels
from napari_coarse_crf.plugin import Choice, Scope, refine_layer
from napari_coarse_crf.plugin.layers.match import Match
from napari_coarse_crf.plugin.layers.read import read_layers
from napari_coarse_crf.plugin.layers.record import cut_below, recall
from tests.helpers import halved

if TYPE_CHECKING:
    from numpy.typing import NDArray

QUICK = Parameters(iterations=2)

pytestmark = pytest.mark.filterwarnings("ignore:.*(read at the image's pixels|as channels|frames of|Left as they are)")


@pytest.fixture
def small(labels: NDArray[Any]) -> NDArray[Any]:
    """Return the labels at half the size."""
    return halved(labels)


def double(labels: NDArray[Any]) -> NDArray[Any]:
    """Return labels at twice the size, along the last two axes."""
    return labels.repeat(2, -2).repeat(2, -1)


def refine(image: Any, labels: Any, choice: Choice | None = None, **image_keywords: Any) -> Any:
    """Return the result of an image and a Labels layer of these, and the layers."""
    viewer = ViewerModel()
    layers = viewer.add_image(image, name="photo", **image_keywords), viewer.add_layer(labels)
    return refine_layer(viewer, *layers, QUICK, choice), layers[0]


@pytest.mark.parametrize(
    ("of_image", "of_labels"),
    [
        ({}, {"scale": (2, 2)}),
        ({}, {"scale": (2, 2), "translate": (0.5, 0.5)}),
        ({}, {"affine": [[2, 0, 0.5], [0, 2, 0.5], [0, 0, 1]]}),
        ({"scale": (0.5, 0.5), "translate": (7, 9)}, {"translate": (7.25, 9.25)}),
        ({"scale": (0.5, 0.5), "units": ("um", "um")}, {"scale": (1000, 1000), "units": ("nm", "nm")}),
        ({"rotate": 30, "scale": (3, 3)}, {"rotate": 30, "scale": (6, 6)}),
        ({"scale": (-1, 1)}, {"scale": (-2, 2)}),
    ],
)
def test_labels_at_half_the_size_are_read_at_the_pixels_of_the_image(
    image: NDArray[Any], small: NDArray[Any], of_image: dict[str, Any], of_labels: dict[str, Any]
) -> None:
    strokes = Labels(small.copy(), name="strokes", **of_labels)
    layer, photo = refine(image, strokes, rgb=True, **of_image)
    np.testing.assert_array_equal(layer.data, refine_labels(image, double(small), QUICK))
    np.testing.assert_array_equal(strokes.data, small)
    for corner in ((0, 0), (7, 3)):
        np.testing.assert_allclose(layer.data_to_world(corner), photo.data_to_world(corner))
    assert layer.units == photo.units
    about = layer.metadata["napari_coarse_crf"]["read_at"]["strokes"]
    assert about["step"] == [0.5, 0.5]


def test_pixels_of_another_form_are_read_along_each_axis(image: NDArray[Any], labels: NDArray[Any]) -> None:
    narrow = labels.reshape(40, 30, 2).max(2)
    layer, _ = refine(image, Labels(narrow, scale=(3, 2), translate=(0, 0.5)), rgb=True, scale=(3, 1))
    np.testing.assert_array_equal(layer.data, refine_labels(image, narrow.repeat(2, 1), QUICK, spacing=(3, 1)))


def test_labels_of_a_part_of_the_image_are_0_around_it(image: NDArray[Any], labels: NDArray[Any]) -> None:
    layer, _ = refine(image, Labels(labels[8:, 5:55], translate=(8, 5)), rgb=True)
    wanted = np.zeros_like(labels)
    wanted[8:, 5:55] = labels[8:, 5:55]
    np.testing.assert_array_equal(layer.data, refine_labels(image, wanted, QUICK))


def test_a_shift_below_half_a_pixel_changes_no_label(image: NDArray[Any], labels: NDArray[Any]) -> None:
    layer, photo = refine(image, Labels(labels, translate=(0.3, -0.4)), rgb=True)
    np.testing.assert_array_equal(layer.data, refine_labels(image, labels, QUICK))
    np.testing.assert_array_equal(layer.translate, photo.translate)


def test_a_cut_keeps_the_strokes_where_they_were_read(image: NDArray[Any], small: NDArray[Any]) -> None:
    layer, _ = refine(image, Labels(small, scale=(2, 2)), rgb=True)
    cut_below(layer, 1)
    strokes = double(small)
    np.testing.assert_array_equal(layer.data[strokes > 0], strokes[strokes > 0])
    assert (layer.data == 0).any()
    record = recall(layer)
    assert record is not None
    assert record.heatmap(3).shape == (40, 60)


def test_a_mask_and_a_channel_at_half_the_size_are_read_too(image: NDArray[Any], labels: NDArray[Any]) -> None:
    valid, grey = np.zeros((20, 30), np.uint8), image[::2, ::2, 1]
    valid[2:, :] = 1
    place = {"scale": (2, 2), "translate": (0.5, 0.5)}
    other = Image(grey, name="other", **place)
    choice = Choice(channels=(other,), region=Labels(valid, name="valid", **place))
    layer, _ = refine(image[..., 0], Labels(labels), choice)
    channels = np.stack([image[..., 0], double(grey)], axis=-1)
    wanted = refine_labels(channels, labels, QUICK, mask=double(valid) > 0)
    np.testing.assert_array_equal(layer.data, wanted)
    assert set(layer.metadata["napari_coarse_crf"]["read_at"]) == {"other", "valid"}


def test_where_a_further_channel_ends_there_is_no_data(image: NDArray[Any], labels: NDArray[Any]) -> None:
    layers = Image(image[..., 0]), Labels(labels)
    every_fourth = Image(image[::4, ::4, 1], scale=(4, 4))  # ends one pixel before the image does
    inputs = read_layers(*layers, Choice(channels=(every_fourth,)))
    assert inputs.load(inputs.parts()[0])[0].mask is None
    part = Image(image[:30, :, 1])
    inputs = read_layers(*layers, Choice(channels=(part,)))
    mask = inputs.load(inputs.parts()[0])[0].mask
    assert mask[:31].all()
    assert not mask[31:].any()


def test_the_finest_level_says_what_the_pixels_are(image: NDArray[Any], small: NDArray[Any]) -> None:
    layer, _ = refine([image, image[::2, ::2]], Labels(small, scale=(2, 2)), rgb=True, multiscale=True)
    np.testing.assert_array_equal(layer.data, refine_labels(image, double(small), QUICK))


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(
    "scope", [Scope(), Scope(slice_axis=0), Scope(slice_axis=0, index=1), Scope(box=((0, 3), (5, 35), (3, 57)))]
)
def test_every_scope_reads_labels_of_another_size(
    image: NDArray[Any], small: NDArray[Any], scope: Scope, lazy: bool
) -> None:
    stack = np.stack([image[..., 0], 255 - image[..., 0], image[..., 1]])
    strokes = np.stack([small, small[:, ::-1], np.zeros_like(small)])
    whole = double(strokes)
    layers = [da.from_array(each, chunks=(1, 15, 30)) if lazy else each for each in (stack, strokes)]
    viewer = ViewerModel()
    by_size, by_hand = (
        refine_layer(viewer, viewer.add_image(layers[0], contrast_limits=(0, 255)), labels, QUICK, Choice(scope))
        for labels in (viewer.add_labels(layers[1], scale=(1, 2, 2)), viewer.add_labels(whole))
    )
    np.testing.assert_array_equal(by_size.data, by_hand.data)


def test_of_a_lazy_stack_only_the_slice_is_read(small: NDArray[Any]) -> None:
    read: set[int] = set()

    def note(block: NDArray[Any], block_info: Any = None) -> NDArray[Any]:
        read.add(block_info[0]["chunk-location"][0])
        return block

    strokes = da.from_array(np.stack([small] * 5), chunks=(1, 20, 30)).map_blocks(note, dtype=small.dtype)
    stack = Image(da.zeros((5, 40, 60), chunks=(1, 40, 60), dtype=np.uint8), contrast_limits=(0, 1))
    layer = Labels(strokes, scale=(1, 2, 2))
    read.clear()  # napari has drawn the first slice
    inputs = read_layers(stack, layer, Choice(Scope(slice_axis=0, index=3)))
    _, labels = inputs.load(inputs.parts()[0])
    np.testing.assert_array_equal(labels, double(small))
    assert read == {3}


def test_moved_layers_are_another_input(image: NDArray[Any], small: NDArray[Any]) -> None:
    photo, strokes = Image(image, rgb=True), Labels(small, scale=(2, 2))
    first, again = (read_layers(photo, strokes).read() for _ in range(2))
    strokes.translate = (3, 0)
    assert first == again != read_layers(photo, strokes).read()


@pytest.fixture
def bands(image: NDArray[Any]) -> NDArray[Any]:
    """Return four channels first."""
    return np.stack([*np.moveaxis(image, -1, 0), image[..., 0] // 2])


@pytest.mark.parametrize(
    "keywords",
    [{}, {"scale": (5, 0.5, 0.5), "translate": (1, 2, 3), "rotate": [[1, 0, 0], [0, 0.6, -0.8], [0, 0.8, 0.6]]}],
)
def test_labels_with_a_plane_for_each_channel_count_for_all(
    bands: NDArray[Any], labels: NDArray[Any], keywords: dict[str, Any]
) -> None:
    strokes = np.zeros((4, 40, 60), np.int32)
    strokes[2] = labels
    limits = {"contrast_limits": (0, 255), **keywords}
    layer, photo = refine(bands, Labels(strokes, name="strokes", **keywords), Choice(channel_axis=0), **limits)
    np.testing.assert_array_equal(layer.data, refine_labels(bands, labels, QUICK, channel_axis=0))
    for corner in ((0, 0), (7, 3)):
        np.testing.assert_allclose(layer.data_to_world(corner), photo.data_to_world((0, *corner))[1:])
    assert layer.metadata["napari_coarse_crf"]["labels_plane"] == 2


def test_of_several_labelled_planes_one_must_be_said(bands: NDArray[Any], labels: NDArray[Any]) -> None:
    strokes = np.zeros((4, 40, 60), np.int32)
    strokes[0], strokes[2] = labels, labels[:, ::-1]
    layers = Image(bands), Labels(strokes, name="strokes")
    with pytest.raises(InputError, match="'strokes' holds labels on 2 planes"):
        Match.of(*layers, Choice(channel_axis=0))
    for plane in (0, 2):
        inputs = read_layers(*layers, Choice(channel_axis=0, plane=plane))
        np.testing.assert_array_equal(inputs.load_labels(inputs.parts()[0]), strokes[plane])


def test_bands_and_labels_at_half_the_size_belong_together(bands: NDArray[Any], small: NDArray[Any]) -> None:
    layer, _ = refine(bands, Labels(small, scale=(2, 2)), contrast_limits=(0, 255))
    np.testing.assert_array_equal(layer.data, refine_labels(bands, double(small), QUICK, channel_axis=0))


@pytest.mark.parametrize("keywords", [{"axis_labels": ("Time", "y", "x")}, {"units": ("ms", "um", "um")}])
def test_frames_of_an_axis_of_time_are_refined_each_on_its_own(
    image: NDArray[Any], labels: NDArray[Any], keywords: dict[str, Any]
) -> None:
    film, strokes = np.stack([image[..., 0], 255 - image[..., 0]]), np.stack([labels, labels[:, ::-1]])
    limits = {"contrast_limits": (0, 255), **keywords}
    layer, _ = refine(film, Labels(strokes, **keywords), **limits)
    wanted = np.stack([refine_labels(*each, QUICK) for each in zip(film, strokes, strict=True)])
    np.testing.assert_array_equal(layer.data, wanted)
    assert layer.metadata["napari_coarse_crf"]["time_axes"] == [0]
    as_depth, _ = refine(film, Labels(strokes, **keywords), Choice(Scope(apart=())), **limits)
    np.testing.assert_array_equal(as_depth.data, refine_labels(film, strokes, QUICK))
    assert "time_axes" not in as_depth.metadata["napari_coarse_crf"]


def test_time_depth_and_channels_are_told_by_their_names(image: NDArray[Any], labels: NDArray[Any]) -> None:
    """(t, z, c, y, x): each frame is a volume of two channels."""
    volume = np.stack([image[..., :2], image[..., :2][:, ::-1]])
    film = np.moveaxis(np.stack([volume, 255 - volume]), -1, 2)
    strokes = np.stack([np.stack([labels, labels[:, ::-1]])] * 2)
    names = ("t", "z", "c", "y", "x")
    keywords: dict[str, Any] = {"axis_labels": names, "scale": (9, 3, 9, 1, 1), "contrast_limits": (0, 255)}
    layer, _ = refine(film, Labels(strokes, scale=(9, 3, 1, 1)), **keywords)
    wanted = [
        refine_labels(*each, QUICK, channel_axis=1, spacing=(3, 1, 1)) for each in zip(film, strokes, strict=True)
    ]
    np.testing.assert_array_equal(layer.data, np.stack(wanted))
    about = layer.metadata["napari_coarse_crf"]
    assert (about["channel_axis"], about["time_axes"]) == (2, [0])


def test_a_picture_of_time_and_place_is_refined_at_once(image: NDArray[Any], labels: NDArray[Any]) -> None:
    kymograph = Image(image[..., 0], axis_labels=("t", "x"))
    assert Match.of(kymograph, Labels(labels)).time_axes == []

"""What is said of layers that cannot be refined together, or only in a way to know of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.layers import Image, Labels, Shapes

from napari_coarse_crf.plugin.layers.choice import Choice
from napari_coarse_crf.plugin.layers.fit import find_problem
from napari_coarse_crf.plugin.layers.match import Match
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
    problem = find_problem(photo(image), Labels(np.stack([labels] * 2), name="strokes"))
    assert problem.startswith("'strokes' is 2 x 40 x 60 pixels but 'photo' is 40 x 60.")


def test_the_layer_says_whether_three_slices_are_colours() -> None:
    # (40, 60, 3) of a grey image is a volume: the layer says what it is, the shape does not.
    volume = Image(np.zeros((40, 60, 3), np.uint8), rgb=False)
    flat = np.zeros((40, 60), np.uint8)
    flat[0, :2] = 1, 2
    stack = Labels(np.stack([flat] * 3, axis=-1))
    assert find_problem(volume, stack) == ""
    assert Match.of(volume, stack).describe() == ""


def test_a_stack_is_not_taken_for_channels(labels: NDArray[Any]) -> None:
    stack = Image(np.zeros((20, 40, 60), np.uint8), name="photo")
    assert "'photo' is 20 x 40 x 60" in find_problem(stack, Labels(labels))


def test_a_region_that_holds_nothing_or_does_not_fit_is_said(image: NDArray[Any], labels: NDArray[Any]) -> None:
    layers = photo(image), Labels(labels, name="strokes")
    assert "'outlines' holds no area" in find_problem(*layers, Choice(region=Shapes(name="outlines")))
    beside = Labels(labels, name="valid", translate=(40, 0))
    assert "'valid' lies beside 'strokes'" in find_problem(*layers, Choice(region=beside))
    stack = Labels(labels[np.newaxis], name="valid")
    assert "'valid' is 1 x 40 x 60 pixels but 'strokes' is 40 x 60" in find_problem(*layers, Choice(region=stack))


def test_too_few_labels_in_the_chosen_part_are_said(labels: NDArray[Any]) -> None:
    strokes = np.zeros((3, 40, 60), np.int32)
    strokes[1] = labels
    layers = Image(np.zeros((3, 40, 60), np.uint8)), Labels(strokes, name="strokes")
    assert find_problem(*layers, Choice(scope=Scope(slice_axis=0, index=1))) == ""
    assert "fewer than two labels in the chosen part" in find_problem(
        *layers, Choice(scope=Scope(slice_axis=0, index=2))
    )


@pytest.mark.parametrize(("ids", "sentence"), [((), "is still empty"), ((7,), "holds one label only, 7.")])
def test_too_few_labels_are_said(image: NDArray[Any], ids: tuple[int, ...], sentence: str) -> None:
    labels = np.zeros((40, 60), np.uint8)
    labels[5, : len(ids)] = ids
    assert sentence in find_problem(photo(image), Labels(labels))


def test_a_second_label_is_found_in_the_last_pixel_of_a_large_map() -> None:
    labels = np.zeros((3000, 1000), np.uint8)
    labels[0, 0], labels[1500, 3], labels[-1, -1] = 1, 1, 2
    assert find_problem(Image(np.zeros((3000, 1000), np.uint8)), Labels(labels)) == ""


def test_strokes_on_any_level_of_multiscale_labels_count(image: NDArray[Any], labels: NDArray[Any]) -> None:
    small = np.zeros((20, 30), np.int32)
    pyramid = Labels([np.where(labels == 3, 3, 0), small], name="strokes", multiscale=True)
    assert "one label only" in find_problem(photo(image), pyramid)
    small[8:12, 26] = 9
    assert find_problem(photo(image), pyramid) == ""


def test_places_are_compared_in_one_unit(image: NDArray[Any], labels: NDArray[Any]) -> None:
    layer = photo(image, scale=(0.5, 0.5), translate=(1, 2), units=("um", "um"))
    strokes = Labels(labels, name="strokes", scale=(500, 500), translate=(1000, 2000), units=("nm", "nm"))
    assert Match.of(layer, strokes).describe() == ""
    strokes.units = ("um", "um")
    assert "'strokes' lies beside 'photo'" in find_problem(layer, strokes)
    strokes.units = ("pixel", "pixel")
    assert "'strokes' is measured in pixel and 'photo' in micrometer" in find_problem(layer, strokes)
    strokes.scale, strokes.translate = layer.scale, layer.translate  # as napari draws them: by their bare numbers
    assert find_problem(layer, strokes) == Match.of(layer, strokes).describe() == ""


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"scale": (2, 2)}, "'strokes' has pixels twice as large: it is read at the image's pixels."),
        ({"affine": np.diag([0.5, 0.5, 1])}, "'strokes' has pixels half as large: it is read"),
        ({"scale": (0.25, 2)}, "'strokes' has pixels 0.25 x 2 times as large as 'photo': it is read"),
        ({"translate": (0, 3)}, "'strokes' is shifted against 'photo': it is read"),
    ],
)
def test_labels_of_another_place_or_size_are_told_from_others(
    image: NDArray[Any], labels: NDArray[Any], keywords: dict[str, Any], said: str
) -> None:
    assert Match.of(photo(image, scale=(2, 2)), Labels(labels, scale=(2, 2))).describe() == ""
    strokes = Labels(labels, name="strokes", **keywords)
    assert Match.of(photo(image), strokes).describe().startswith(said)
    part = Labels(labels[5:], name="strokes")
    assert "'strokes' covers another area than 'photo'" in Match.of(photo(image), part).describe()


@pytest.mark.parametrize("keywords", [{"rotate": 30}, {"shear": [0.5]}, {"affine": [[0, 1, 0], [1, 0, 0], [0, 0, 1]]}])
def test_layers_that_are_turned_against_each_other_are_refused(
    image: NDArray[Any], labels: NDArray[Any], keywords: dict[str, Any]
) -> None:
    problem = find_problem(photo(image), Labels(labels, name="strokes", **keywords))
    assert "'strokes' is turned or sheared against 'photo'" in problem
    assert find_problem(photo(image, **keywords), Labels(labels, name="strokes", **keywords)) == ""


def test_labels_of_which_only_one_lies_on_the_image_are_refused_with_the_reason(
    image: NDArray[Any], labels: NDArray[Any]
) -> None:
    problem = find_problem(photo(image), Labels(labels, name="strokes", scale=(2, 2)))
    assert problem.startswith(
        "'strokes' has pixels twice as large: it is read at the image's pixels. 'strokes' holds one"
    )


def test_labels_beside_the_image_are_refused(image: NDArray[Any], labels: NDArray[Any]) -> None:
    problem = find_problem(photo(image), Labels(labels, name="strokes", translate=(0, 60)))
    assert "'strokes' lies beside 'photo' in the viewer" in problem


def test_an_axis_that_is_no_channel_by_its_name_is_not_taken_for_one(labels: NDArray[Any]) -> None:
    film = Image(np.zeros((5, 40, 60), np.uint8), name="film", axis_labels=("t", "y", "x"))
    strokes = Labels(labels, name="strokes")
    assert "'strokes' lacks the axis 't (5)' of 'film'" in find_problem(film, strokes)
    assert find_problem(film, strokes, Choice(channel_axis=0)) == ""


def test_the_frames_of_an_axis_of_time_are_said_to_lie_apart(labels: NDArray[Any]) -> None:
    film, strokes = Image(np.zeros((3, 40, 60), np.uint8), units=("s", "um", "um")), Labels(np.stack([labels] * 3))
    assert "The frames of 'axis 0 (3)' are refined each on its own." in Match.of(film, strokes).describe()
    assert Match.of(film, strokes, Choice(Scope(apart=()))).describe() == ""


def test_labels_on_one_plane_of_a_short_stack_are_asked_about(labels: NDArray[Any]) -> None:
    strokes = np.zeros((4, 40, 60), np.int32)
    strokes[1] = labels
    layers = Image(np.zeros((4, 40, 60), np.uint8)), Labels(strokes, name="strokes")
    assert "If 'axis 0 (4)' holds channels, choose it as Channel axis" in Match.of(*layers).describe()
    assert "The labels are plane 1 of 'strokes'" in Match.of(*layers, Choice(channel_axis=0)).describe()
    layers[0].axis_labels = ("z", "y", "x")
    assert Match.of(*layers).describe() == ""

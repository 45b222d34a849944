"""What is said of layers that cannot be refined together, or only in a way to know of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.layers import Image, Labels, Shapes

from napari_coarse_crf.plugin.layers.fit import describe_misfit, find_problem
from napari_coarse_crf.plugin.layers.read import Choice
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


def test_a_stack_is_not_taken_for_channels(labels: NDArray[Any]) -> None:
    stack = Image(np.zeros((20, 40, 60), np.uint8), name="photo")
    assert "'photo' is 20 x 40 x 60" in find_problem(stack, Labels(labels))


def test_a_region_that_holds_nothing_or_does_not_fit_is_said(image: NDArray[Any], labels: NDArray[Any]) -> None:
    layers = photo(image), Labels(labels, name="strokes")
    assert "'outlines' holds no area" in find_problem(*layers, Choice(region=Shapes(name="outlines")))
    small = Labels(labels[1:], name="valid")
    assert "'valid' is 39 x 60 pixels but 'strokes' is 40 x 60" in find_problem(*layers, Choice(region=small))


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


def test_places_are_compared_in_one_unit(image: NDArray[Any], labels: NDArray[Any]) -> None:
    layer = photo(image, scale=(0.5, 0.5), translate=(1, 2), units=("um", "um"))
    strokes = Labels(labels, scale=(500, 500), translate=(1000, 2000), units=("nm", "nm"))
    assert describe_misfit(layer, strokes) == ""
    strokes.units = ("um", "um")
    assert "different places" in describe_misfit(layer, strokes)


def test_layers_at_different_places_are_noticed(image: NDArray[Any], labels: NDArray[Any]) -> None:
    assert describe_misfit(photo(image, scale=(2, 2)), Labels(labels, scale=(2, 2))) == ""
    for keywords in ({"scale": (2, 2)}, {"translate": (0, 3)}, {"rotate": 30}):
        assert "different places" in describe_misfit(photo(image), Labels(labels, **keywords))

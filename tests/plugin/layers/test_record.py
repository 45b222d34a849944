"""What is kept with a refined layer, and what follows from it without another run."""

from __future__ import annotations

import gc
import json
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_coarse_crf import CoarseCRFWarning, InputError, Parameters, Refiner
from napari_coarse_crf.plugin import refine_layer
from napari_coarse_crf.plugin.layers.choice import Choice
from napari_coarse_crf.plugin.layers.provenance import is_result, parameters_of
from napari_coarse_crf.plugin.layers.record import cut_below, cut_least_sure, recall
from napari_coarse_crf.tiles.parts import Scope

if TYPE_CHECKING:
    from numpy.typing import NDArray

PARAMETERS = Parameters(iterations=2, appearance_weight=0.1, smoothness_weight=0)


@pytest.fixture
def ramp() -> NDArray[np.uint8]:
    """Return an image without an edge: nobody knows where one label ends. No two columns or rows are the same."""
    noise = np.random.default_rng(0).integers(0, 5, (40, 60, 1))
    return np.tile((np.linspace(0, 250, 60)[:, None] + noise).astype(np.uint8), (1, 1, 3))


@pytest.fixture
def viewer(ramp: NDArray[Any], labels: NDArray[Any]) -> Any:
    """Return a viewer with a ramp, two strokes and a result that is in doubt somewhere."""
    viewer = ViewerModel()
    viewer.add_image(ramp, name="photo", rgb=True)
    viewer.add_labels(labels, name="strokes")
    refine_layer(viewer, viewer.layers["photo"], viewer.layers["strokes"], PARAMETERS)
    return viewer


def unsure(layer: Any) -> float:
    """Return a confidence that about half of the pixels do not reach."""
    record = recall(layer)
    assert record is not None
    return round(float(np.median(record.confidence)), 2)


def test_a_cut_gives_what_a_run_with_this_limit_gives(viewer: Any) -> None:
    layer = viewer.layers["strokes refined"]
    limit = unsure(layer)
    cut_below(layer, limit)
    again = refine_layer(
        viewer, viewer.layers["photo"], viewer.layers["strokes"], PARAMETERS.replace(min_confidence=limit)
    )
    assert 0 < np.count_nonzero(layer.data == 0) < layer.data.size
    np.testing.assert_array_equal(layer.data, again.data)
    assert layer.data.dtype == again.data.dtype
    about, about_again = (each.metadata["napari_coarse_crf"] for each in (layer, again))
    assert about["parameters"] == about_again["parameters"]
    assert about["label_counts"] == about_again["label_counts"]
    json.dumps(about)


@pytest.mark.parametrize("scope", [Scope(slice_axis=0), Scope(0, 1), Scope(box=((0, 3), (5, 35), (3, 57)))])
@pytest.mark.parametrize("label_confidence", [1, 0.6])
@pytest.mark.filterwarnings("ignore:Left as they are")
def test_a_cut_of_parts_counts_what_takes_part_as_a_run_does(
    ramp: NDArray[Any], labels: NDArray[Any], scope: Scope, label_confidence: float
) -> None:
    parameters = PARAMETERS.replace(label_confidence=label_confidence)
    viewer = ViewerModel()
    stack, strokes = np.stack([ramp[..., 0]] * 3), np.stack([labels, labels, np.zeros_like(labels)])
    strokes[2, 5, 5:9] = strokes[:, 1, 30] = 3  # one label in the last slice, and some where nothing takes part
    mask = np.ones_like(labels)
    mask[:3] = 0
    layers = viewer.add_image(stack, contrast_limits=(0, 255)), viewer.add_labels(strokes)
    choice = Choice(scope=scope, region=viewer.add_labels(mask))
    cut = refine_layer(viewer, *layers, parameters, choice)
    cut_below(cut, 0.7)
    again = refine_layer(viewer, *layers, parameters.replace(min_confidence=0.7), choice)
    np.testing.assert_array_equal(cut.data, again.data)
    counts, counts_again = (each.metadata["napari_coarse_crf"]["label_counts"] for each in (cut, again))
    assert counts == counts_again


@pytest.mark.parametrize("label_confidence", [1, 0.6])
@pytest.mark.parametrize("percent", [1, 5, 50])
def test_a_share_that_is_cut_is_that_share_of_what_was_filled_and_is_what_a_run_gives(
    viewer: Any, label_confidence: float, percent: int
) -> None:
    photo, strokes = viewer.layers["photo"], viewer.layers["strokes"]
    parameters = PARAMETERS.replace(label_confidence=label_confidence)
    layer = refine_layer(viewer, photo, strokes, parameters)
    cut_least_sure(layer, percent)
    filled = np.count_nonzero(strokes.data == 0)
    assert abs(100 * np.count_nonzero(layer.data == 0) / filled - percent) < 0.5
    np.testing.assert_array_equal(layer.data[strokes.data != 0], strokes.data[strokes.data != 0])
    limit = layer.metadata["napari_coarse_crf"]["parameters"]["min_confidence"]
    again = refine_layer(viewer, photo, strokes, parameters.replace(min_confidence=limit))
    np.testing.assert_array_equal(layer.data, again.data)


def test_all_and_nothing_are_shares_too(viewer: Any) -> None:
    layer = viewer.layers["strokes refined"]
    full = layer.data.copy()
    cut_least_sure(layer, 100)
    assert layer.metadata["napari_coarse_crf"]["parameters"]["min_confidence"] == 1
    assert set(np.unique(layer.data)) == {0, 3, 70_000}
    cut_least_sure(layer, 0)
    assert layer.metadata["napari_coarse_crf"]["parameters"]["min_confidence"] == 0
    np.testing.assert_array_equal(layer.data, full)


def test_where_many_are_equally_sure_a_share_takes_none_of_them(viewer: Any) -> None:
    layer = viewer.layers["strokes refined"]
    record = recall(layer)
    assert record is not None
    record.confidence[...] = np.where(np.arange(layer.data.shape[1]) < 5, np.float32(0.5), np.float32(0.9))
    cut_least_sure(layer, 40)
    assert record.min_confidence == np.float32(0.9)
    assert (layer.data[:, :5] == 0).all()
    assert (layer.data[:, 5:] != 0).all()


def test_what_was_cut_away_comes_back_and_painted_pixels_stay(viewer: Any) -> None:
    layer = viewer.layers["strokes refined"]
    full = layer.data.copy()
    layer.data_setitem((np.array([2, 3]), np.array([30, 31])), 9)
    cut_below(layer, 1.0)
    assert set(np.unique(layer.data)) == {0, 3, 9, 70_000}  # strokes are certain
    cut_below(layer, 0.0)
    full[[2, 3], [30, 31]] = 9
    np.testing.assert_array_equal(layer.data, full)


def test_painting_on_the_layer_does_not_reach_what_is_kept(viewer: Any) -> None:
    layer = viewer.layers["strokes refined"]
    layer.data[...] = 9
    record = recall(layer)
    assert record is not None
    assert 9 not in record.labels


def test_the_heatmap_is_that_of_the_run(viewer: Any, ramp: NDArray[Any], labels: NDArray[Any]) -> None:
    record = recall(viewer.layers["strokes refined"])
    assert record is not None
    limits = viewer.layers["photo"].contrast_limits
    wanted = Refiner(ramp, labels, spacing=(1, 1), contrast_limits=limits).heatmap(PARAMETERS)
    np.testing.assert_array_equal(record.heatmap(70_000), wanted[1])
    with pytest.raises(InputError, match="Label 5 was not among the coarse labels"):
        record.heatmap(5)


def test_the_heatmap_of_slices_is_that_of_each_slice_and_0_where_nothing_was_refined(
    ramp: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer = ViewerModel()
    stack = np.stack([ramp[..., 0], ramp[..., 0][:, ::-1], ramp[..., 0]])
    strokes = np.stack([labels, labels, np.zeros_like(labels)])  # the last slice is still empty
    image_layer = viewer.add_image(stack, name="photo", contrast_limits=(0, 255))
    labels_layer = viewer.add_labels(strokes, name="strokes")
    with pytest.warns(CoarseCRFWarning, match="fewer than two labels"):
        layer = refine_layer(viewer, image_layer, labels_layer, PARAMETERS, Choice(scope=Scope(slice_axis=0)))
    record = recall(layer)
    assert record is not None
    heatmap = record.heatmap(3)
    for place in (0, 1):
        refiner = Refiner(stack[place], labels, spacing=(1, 1), contrast_limits=(0, 255))
        np.testing.assert_array_equal(heatmap[place], refiner.heatmap(PARAMETERS)[0])
    assert not heatmap[2].any()
    cut_below(layer, 1.0)
    np.testing.assert_array_equal(layer.data != 0, record.confidence == 1)


def test_nothing_is_known_of_other_layers_or_after_the_data_were_replaced(viewer: Any) -> None:
    assert recall(None) is None
    assert recall(viewer.layers["strokes"]) is None
    assert parameters_of(viewer.layers["strokes"]) is None
    layer = viewer.layers["strokes refined"]
    assert parameters_of(layer) == PARAMETERS
    layer.data = layer.data[1:]
    assert recall(layer) is None
    before = layer.data.copy()
    cut_below(layer, 1.0)
    np.testing.assert_array_equal(layer.data, before)


def test_only_results_of_runs_count_as_results(viewer: Any) -> None:
    layer = viewer.layers["strokes refined"]
    assert is_result(layer)
    assert not is_result(viewer.layers["strokes"])
    layer.metadata = {"napari_coarse_crf": {**layer.metadata["napari_coarse_crf"], "preview": True}}
    assert not is_result(layer)


def test_a_deleted_layer_takes_its_confidence_with_it(viewer: Any) -> None:
    kept = recall(viewer.layers["strokes refined"])
    assert kept is not None
    confidence = weakref.ref(kept.confidence)
    del kept
    viewer.layers.remove("strokes refined")
    viewer.layers.selection.active = viewer.layers["photo"]  # the selection keeps the layer that was active last
    viewer.layers.selection.active = viewer.layers["strokes"]
    gc.collect()
    assert confidence() is None

"""Stepping through a stack with the scope "Current slice"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_coarse_crf import refine_labels
from napari_coarse_crf.plugin.layers.record import cut_below, cut_least_sure, recall
from tests.plugin.waiting import wait_until_settled

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_coarse_crf.plugin import RefineWidget

    Stack = tuple[Any, RefineWidget, NDArray[Any], NDArray[Any]]
    PressRun = Callable[[RefineWidget], Any]


@pytest.fixture
def stack(dock: Callable[..., Any], image: NDArray[Any], labels: NDArray[Any]) -> Stack:
    """Return a stack with strokes on each slice, of which the current one is refined."""
    volume = np.stack([image[..., 0] + shift for shift in range(4)])
    strokes = np.stack([labels] * 4)
    viewer, widget = dock(volume, strokes)
    widget.scope.mode.value = "current"
    return viewer, widget, volume, strokes


def refine_slice(stack: Stack, press_run: PressRun, index: int) -> Any:
    viewer, widget, _, _ = stack
    viewer.dims.set_current_step(0, index)
    return press_run(widget)


def wanted(stack: Stack, index: int) -> NDArray[Any]:
    viewer, _, volume, strokes = stack
    return refine_labels(volume[index], strokes[index], contrast_limits=viewer.layers["photo"].contrast_limits)


def test_the_next_slice_comes_into_the_same_layer(stack: Stack, press_run: PressRun) -> None:
    viewer, widget, _, strokes = stack
    layer = refine_slice(stack, press_run, 1)
    assert refine_slice(stack, press_run, 2) is layer
    assert "slice added to 'strokes refined'" in widget.status
    assert [one.name for one in viewer.layers] == ["photo", "strokes", "strokes refined"]
    for index in (1, 2):
        np.testing.assert_array_equal(layer.data[index], wanted(stack, index))
    np.testing.assert_array_equal(layer.data[[0, 3]], strokes[[0, 3]])
    about = layer.metadata["napari_coarse_crf"]
    assert about["scope"]["index"] == 2
    assert [one["scope"]["index"] for one in about["earlier_runs"]] == [1]
    assert about["label_counts"][3] == (40, int((layer.data[1:3] == 3).sum()))


def test_a_slice_that_is_refined_again_begins_a_new_layer_with_the_other_slices(
    stack: Stack, press_run: PressRun
) -> None:
    viewer, *_ = stack
    first = refine_slice(stack, press_run, 1)
    refine_slice(stack, press_run, 2)
    first.data[1, 0, 0] = 9  # a person corrects the result
    before = first.data.copy()
    second = refine_slice(stack, press_run, 2)
    assert second is viewer.layers["strokes refined [1]"]
    assert not first.visible
    np.testing.assert_array_equal(first.data, before)
    np.testing.assert_array_equal(second.data[1], before[1])
    assert refine_slice(stack, press_run, 3) is second
    np.testing.assert_array_equal(second.data[3], wanted(stack, 3))
    assert [run.inputs.scope.index for run in recall(second).runs] == [1, 2, 3]


def test_all_slices_of_the_layer_are_cut_together(stack: Stack, press_run: PressRun) -> None:
    layer = refine_slice(stack, press_run, 1)
    refine_slice(stack, press_run, 2)
    before, record = layer.data.copy(), recall(layer)
    assert record is not None
    record.confidence[1:3, 0] = 0.2
    cut_below(layer, 0.5)
    assert not layer.data[1:3, 0].any()
    assert layer.data[1:3, 1:].all()
    cut_below(layer, 0)
    np.testing.assert_array_equal(layer.data, before)


def make_sure_by_row(layer: Any, index: int) -> None:
    """Let each row of a slice be as sure as its place says."""
    record = recall(layer)
    assert record is not None
    record.confidence[index] = np.linspace(0.5, 0.9, layer.data.shape[1], dtype=np.float32)[:, None]


def test_a_share_of_several_slices_is_that_share_of_what_all_runs_filled(stack: Stack, press_run: PressRun) -> None:
    _, _, _, strokes = stack
    layer = refine_slice(stack, press_run, 1)
    refine_slice(stack, press_run, 2)
    record = recall(layer)
    assert record is not None
    assert record.filled == np.count_nonzero(strokes[1:3] == 0)
    make_sure_by_row(layer, 1)  # the other slice is surer
    cut_least_sure(layer, 25)
    assert np.count_nonzero(layer.data[1] == 0) == pytest.approx(record.filled / 4, abs=layer.data.shape[2])
    assert layer.data[2].all()


def test_the_next_slice_is_cut_with_the_layer_and_the_metadata_say_so(stack: Stack, press_run: PressRun) -> None:
    layer = refine_slice(stack, press_run, 1)
    make_sure_by_row(layer, 1)
    full = layer.data[1].copy()
    cut_least_sure(layer, 50)
    refine_slice(stack, press_run, 2)
    record = recall(layer)
    assert record is not None
    assert record.percent == 50
    about = layer.metadata["napari_coarse_crf"]
    assert about["parameters"]["min_confidence"] == record.min_confidence == record.limit_of(50)
    counts = {label_id: after for label_id, (_, after) in about["label_counts"].items()}
    assert counts == {label_id: np.count_nonzero(layer.data[1:3] == label_id) for label_id in counts}
    cut_least_sure(layer, 0)
    np.testing.assert_array_equal(layer.data[1], full)
    np.testing.assert_array_equal(layer.data[2], wanted(stack, 2))


def test_a_layer_that_begins_anew_is_uncut(stack: Stack, press_run: PressRun) -> None:
    first = refine_slice(stack, press_run, 1)
    full = first.data[1].copy()
    refine_slice(stack, press_run, 2)
    cut_least_sure(first, 100)
    assert not first.data[1].all()
    second = refine_slice(stack, press_run, 2)
    np.testing.assert_array_equal(second.data[1], full)
    assert not first.data[1].all()


def test_other_labels_begin_a_layer_of_their_own(stack: Stack, press_run: PressRun) -> None:
    viewer, widget, _, strokes = stack
    first = refine_slice(stack, press_run, 1)
    widget.labels_layer.value = viewer.add_labels(strokes.copy(), name="others")
    assert refine_slice(stack, press_run, 2) is not first


def keep_slice(stack: Stack, qtbot: Any, index: int) -> Any:
    """Let Live refine a slice, and keep what it shows."""
    viewer, widget, _, _ = stack
    viewer.dims.set_current_step(0, index)
    widget.live = True
    wait_until_settled(qtbot, widget)
    return widget.keep()


def test_slices_of_live_that_are_kept_come_into_one_layer_with_those_that_were_run(
    stack: Stack, press_run: PressRun, qtbot: Any
) -> None:
    viewer, widget, _, strokes = stack
    layer = keep_slice(stack, qtbot, 1)
    assert keep_slice(stack, qtbot, 2) is layer
    assert "slice added to 'strokes refined'" in widget.status
    assert [one.name for one in viewer.layers] == ["photo", "strokes", "strokes refined"]
    widget.live = False
    assert refine_slice(stack, press_run, 3) is layer
    for index in (1, 2, 3):
        np.testing.assert_array_equal(layer.data[index], wanted(stack, index))
    np.testing.assert_array_equal(layer.data[0], strokes[0])
    about = layer.metadata["napari_coarse_crf"]
    assert [one["scope"]["index"] for one in about["earlier_runs"]] == [1, 2]
    assert "preview" not in about
    record = recall(layer)
    assert record is not None
    assert [run.inputs.scope.index for run in record.runs] == [1, 2, 3]


def test_a_slice_that_is_kept_again_begins_a_new_layer_with_the_other_slices(stack: Stack, qtbot: Any) -> None:
    viewer, *_ = stack
    first = keep_slice(stack, qtbot, 1)
    keep_slice(stack, qtbot, 2)
    first.data[1, 0, 0] = 9  # a person corrects the result
    before = first.data.copy()
    viewer.layers["strokes"].data[2, 3, 30] = 3
    viewer.layers["strokes"].refresh()
    second = keep_slice(stack, qtbot, 2)
    assert second is viewer.layers["strokes refined [1]"]
    np.testing.assert_array_equal(first.data, before)
    np.testing.assert_array_equal(second.data[1], before[1])
    assert keep_slice(stack, qtbot, 3) is second

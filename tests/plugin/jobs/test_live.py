"""The Live switch: what a moving slider or a stroke brings about."""

from __future__ import annotations

import gc
import weakref
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_coarse_crf import Parameters, refine_labels
from napari_coarse_crf.plugin.jobs import budget
from napari_coarse_crf.plugin.layers import key, snapshot
from napari_coarse_crf.plugin.layers.camera import camera_of
from napari_coarse_crf.plugin.layers.classes import class_names_of
from tests.plugin.waiting import wait_until_ready, wait_until_settled
from tests.storage import stored

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_coarse_crf.plugin import RefineWidget

    Dock = Callable[..., tuple[Any, RefineWidget]]


def wait_until_busy(qtbot: Any, widget: RefineWidget) -> None:
    qtbot.waitUntil(lambda: widget.runs.runner.is_busy)


@pytest.fixture
def live(dock: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]) -> tuple[Any, RefineWidget]:
    """Return a viewer and a widget whose Live switch was clicked, with the first preview there."""
    viewer, widget = dock(image, labels.copy(), rgb=True)
    assert not widget.live
    widget.run_bar.live.click()
    assert widget.live
    wait_until_settled(qtbot, widget)
    return viewer, widget


def large(image: NDArray[Any], labels: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return a problem with more pixels than a quick look has."""
    return np.kron(image, np.ones((10, 10, 1), np.uint8)), np.kron(labels, np.ones((10, 10), labels.dtype))


def test_the_preview_equals_a_run_and_leaves_the_selection(live: tuple[Any, RefineWidget], image: NDArray[Any]) -> None:
    viewer, widget = live
    names = [layer.name for layer in viewer.layers]
    assert names == ["photo", "strokes", "strokes preview"]
    assert viewer.layers.selection.active is viewer.layers["strokes"]
    preview = viewer.layers["strokes preview"]
    np.testing.assert_array_equal(preview.data, refine_labels(image, viewer.layers["strokes"].data))
    assert not preview.editable
    assert list(widget.labels_layer.choices) == [viewer.layers["strokes"]]
    assert widget.run_bar.button.text() == "Run"


def test_a_moved_slider_changes_the_same_layer(live: tuple[Any, RefineWidget], qtbot: Any, image: NDArray[Any]) -> None:
    viewer, widget = live
    preview = viewer.layers["strokes preview"]
    slider = widget.controls.by_name["smoothness_weight"].slider
    for _ in range(5):
        qtbot.keyClick(slider, Qt.Key.Key_PageDown)
    wait_until_settled(qtbot, widget)
    assert [layer.name for layer in viewer.layers] == ["photo", "strokes", "strokes preview"]
    assert viewer.layers["strokes preview"] is preview
    assert preview.metadata["napari_coarse_crf"]["parameters"] == widget.setting.shown_parameters.to_dict()
    np.testing.assert_array_equal(preview.data, refine_labels(image, viewer.layers["strokes"].data, widget.parameters))


def test_a_stroke_is_refined_again(live: tuple[Any, RefineWidget], qtbot: Any, image: NDArray[Any]) -> None:
    viewer, widget = live
    viewer.layers["strokes"].paint((20, 30), 9)
    wait_until_settled(qtbot, widget)
    preview = viewer.layers["strokes preview"]
    assert 9 in preview.data
    np.testing.assert_array_equal(preview.data, refine_labels(image, viewer.layers["strokes"].data))


def test_keep_makes_a_layer_that_the_next_change_leaves_alone(
    live: tuple[Any, RefineWidget], qtbot: Any, labels: NDArray[Any]
) -> None:
    viewer, widget = live
    assert widget.run_bar.keep.isEnabled()
    widget.run_bar.keep.click()
    assert not widget.run_bar.keep.isEnabled()
    kept = viewer.layers["strokes refined"]
    assert "preview" not in kept.metadata["napari_coarse_crf"]
    assert kept.editable
    assert "Kept as layer 'strokes refined'." in widget.status
    before = kept.data.copy()
    viewer.layers["strokes"].paint((20, 30), 9)
    wait_until_settled(qtbot, widget)
    np.testing.assert_array_equal(kept.data, before)
    assert [layer.name for layer in viewer.layers] == ["photo", "strokes", "strokes refined", "strokes preview"]
    assert widget.result.compared.refined is kept
    assert widget.keep() is viewer.layers["strokes refined [1]"]
    assert widget.keep() is None


def test_what_is_kept_is_named_after_its_source_as_it_is_called_now(live: tuple[Any, RefineWidget]) -> None:
    viewer, widget = live
    strokes = viewer.layers["strokes"]
    strokes.name = "scribbles"
    kept = widget.keep()
    assert kept is viewer.layers["scribbles refined"]
    assert kept.metadata["napari_coarse_crf"]["labels"] == "scribbles"
    assert widget.result.compared.coarse is strokes
    assert widget.result.compared.refined is kept


def test_run_adds_a_layer_while_live_is_on(live: tuple[Any, RefineWidget], qtbot: Any) -> None:
    viewer, widget = live
    added: list[Any] = []
    widget.refined.connect(added.append)
    widget.parameters = Parameters(iterations=1)
    widget.run_bar.button.click()
    wait_until_ready(qtbot, widget)
    wait_until_settled(qtbot, widget)
    assert [layer.name for layer in added] == ["strokes refined"]
    assert [layer.name for layer in viewer.layers] == ["photo", "strokes", "strokes refined", "strokes preview"]


def test_live_follows_the_view_where_only_what_is_seen_is_refined(
    live: tuple[Any, RefineWidget], qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = live
    widget.scope.in_view.value = True
    wait_until_settled(qtbot, widget)
    preview = viewer.layers["strokes preview"]
    viewer.layers["strokes"].corner_pixels = np.array([[10, 0], [29, 59]])  # as napari says once it has drawn it
    camera_of(viewer).zoom *= 2
    qtbot.waitUntil(lambda: np.array_equal(preview.data[:10], labels[:10]))
    wait_until_settled(qtbot, widget)
    np.testing.assert_array_equal(preview.data[10:30], refine_labels(image[10:30], labels[10:30]))
    accepted = widget.commit()
    assert accepted is not None
    np.testing.assert_array_equal(accepted.data[10:30], preview.data[10:30])


def test_a_quick_look_comes_before_the_full_result(
    dock: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    image, labels = large(image, labels)
    viewer, widget = dock(image, labels, rgb=True)
    widget.parameters = Parameters(iterations=2)
    steps: list[int] = []
    widget.live = True
    qtbot.waitUntil(lambda: len(viewer.layers) == 3)
    preview = viewer.layers["strokes preview"]
    steps.append(preview.metadata["napari_coarse_crf"]["step"])
    assert not widget.run_bar.keep.isEnabled()
    assert widget.keep() is None
    np.testing.assert_array_equal(preview.data[labels != 0], labels[labels != 0])
    assert "quick look" in widget.status
    wait_until_settled(qtbot, widget)
    steps.append(preview.metadata["napari_coarse_crf"]["step"])
    assert steps[0] > steps[1] == 1
    assert widget.run_bar.keep.isEnabled()
    np.testing.assert_array_equal(preview.data, refine_labels(image, labels, widget.parameters))


def wait_for_a_look(qtbot: Any, preview: Any) -> NDArray[Any]:
    """Return what the next quick look shows; the full result is not there yet."""

    def is_look() -> bool:
        return bool(preview.metadata["napari_coarse_crf"]["step"] > 1)

    qtbot.waitUntil(is_look)
    return np.array(preview.data)


def test_a_look_shows_what_changes_in_the_full_result_before(
    dock: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "_AS_QUICK", 0.0)  # a look is shown, however quick the machine is
    image, labels = large(image, labels)
    noise = np.random.default_rng(0).integers(0, 30, image.shape, np.uint8)
    viewer, widget = dock(np.clip(image, 30, 200) + noise, labels, rgb=True)
    widget.parameters = Parameters(iterations=5)
    widget.live = True
    wait_until_settled(qtbot, widget)
    preview = viewer.layers["strokes preview"]
    full = np.array(preview.data)
    viewer.layers["strokes"].paint((200, 300), 9)
    painted = wait_for_a_look(qtbot, preview)
    assert painted[200, 300] == 9
    assert (painted != full).mean() < 0.15
    widget.parameters = Parameters(iterations=6)
    viewer.layers["strokes"].undo()
    widget.parameters = Parameters(iterations=5)
    qtbot.waitUntil(lambda: 9 not in preview.data)
    np.testing.assert_array_equal(preview.data, full)  # nobody sees the look, if it is one


@pytest.mark.parametrize("storage", ["memory", "zarr"])
def test_undoing_all_strokes_takes_the_preview_away(
    dock: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any], storage: str, tmp_path: Path
) -> None:
    viewer, widget = dock(image, stored(np.zeros_like(labels), storage, tmp_path), rgb=True)
    widget.live = True
    strokes = viewer.layers["strokes"]
    strokes.paint((5, 5), 1)
    strokes.paint((30, 50), 2)
    wait_until_settled(qtbot, widget)
    assert "strokes preview" in viewer.layers
    strokes.undo()
    strokes.undo()
    wait_until_settled(qtbot, widget)
    assert [layer.name for layer in viewer.layers] == ["photo", "strokes"]
    strokes.redo()
    strokes.redo()
    wait_until_settled(qtbot, widget)
    assert "strokes preview" in viewer.layers


def test_a_change_drops_the_full_refinement(dock: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]) -> None:
    image, labels = large(image, labels)
    viewer, widget = dock(image, labels, rgb=True)
    widget.parameters = Parameters(iterations=100)
    widget.live = True
    qtbot.waitUntil(lambda: len(viewer.layers) == 3)
    qtbot.waitUntil(lambda: widget.runs.runner.live_job is not None and widget.runs.runner.live_job.step == 1)
    widget.parameters = Parameters(iterations=1)
    assert widget.runs.runner.is_stopping
    wait_until_settled(qtbot, widget)
    assert viewer.layers["strokes preview"].metadata["napari_coarse_crf"]["iterations"] == 1


def test_nothing_runs_when_nothing_changed(live: tuple[Any, RefineWidget], qtbot: Any) -> None:
    viewer, widget = live
    time = viewer.layers["strokes preview"].metadata["napari_coarse_crf"]
    viewer.layers["strokes"].refresh()
    wait_until_settled(qtbot, widget)
    assert viewer.layers["strokes preview"].metadata["napari_coarse_crf"] == time


def test_off_means_that_strokes_wait_for_run(live: tuple[Any, RefineWidget], qtbot: Any) -> None:
    viewer, widget = live
    widget.run_bar.live.click()
    viewer.layers["strokes"].paint((20, 30), 9)
    wait_until_settled(qtbot, widget)
    assert 9 not in viewer.layers["strokes preview"].data


def test_a_deleted_preview_comes_back_with_the_next_change(live: tuple[Any, RefineWidget], qtbot: Any) -> None:
    viewer, widget = live
    viewer.layers.remove("strokes preview")
    assert widget.keep() is None
    viewer.layers["strokes"].paint((20, 30), 9)
    wait_until_settled(qtbot, widget)
    assert 9 in viewer.layers["strokes preview"].data


def test_other_labels_take_the_preview_over(live: tuple[Any, RefineWidget], qtbot: Any, labels: NDArray[Any]) -> None:
    viewer, widget = live
    widget.labels_layer.value = viewer.add_labels(labels[:, ::-1], name="other")
    wait_until_settled(qtbot, widget)
    assert [layer.name for layer in viewer.layers] == ["photo", "strokes", "other", "other preview"]


def test_labels_that_cannot_be_refined_are_said_and_nothing_runs(live: tuple[Any, RefineWidget], qtbot: Any) -> None:
    viewer, widget = live
    viewer.layers["strokes"].data = np.zeros((40, 60), np.int32)
    wait_until_settled(qtbot, widget)
    assert "still empty" in widget.status


def live_on_each_slice(dock: Dock, qtbot: Any, stack: NDArray[Any], strokes: NDArray[Any]) -> tuple[Any, RefineWidget]:
    """Refine each slice on its own with Live, looking at the first, until it rests."""
    viewer, widget = dock(stack, strokes)
    viewer.dims.set_current_step(0, 0)
    widget.parameters = Parameters(iterations=1)
    widget.scope.mode.value = "each"
    widget.live = True
    wait_until_settled(qtbot, widget)
    return viewer, widget


def test_all_slices_are_shown_after_a_quick_look_at_the_current_one(
    dock: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    stack, strokes = np.stack([image[..., 0], image[..., 1]]), np.stack([labels, labels])
    viewer, _ = live_on_each_slice(dock, qtbot, stack, strokes)
    preview = viewer.layers["strokes preview"]
    for number in (0, 1):
        np.testing.assert_array_equal(
            preview.data[number], refine_labels(stack[number], labels, Parameters(iterations=1))
        )


def test_a_slice_without_labels_in_view_keeps_no_other_from_being_refined(
    dock: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    stack, strokes = np.stack([image[..., 0], image[..., 1]]), np.stack([np.zeros_like(labels), labels])
    viewer, _ = live_on_each_slice(dock, qtbot, stack, strokes)
    preview = viewer.layers["strokes preview"]
    np.testing.assert_array_equal(preview.data[1], refine_labels(stack[1], labels, Parameters(iterations=1)))


@pytest.mark.parametrize("mode", ["current", "each"])
@pytest.mark.parametrize("storage", ["memory", "dask", "zarr", "tensorstore"])
def test_a_stroke_that_is_undone_on_another_slice_is_seen(
    dock: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any], mode: str, storage: str, tmp_path: Path
) -> None:
    stack, strokes = np.stack([image[..., 0], image[..., 1]]), np.stack([labels, labels])
    viewer, widget = dock(stack, stored(strokes, storage, tmp_path))
    widget.parameters = Parameters(iterations=1)
    widget.scope.mode.value = mode
    layer = viewer.layers["strokes"]
    viewer.dims.set_current_step(0, 1)
    layer.paint((1, 20, 30), 9)
    viewer.dims.set_current_step(0, 0)
    widget.live = True
    wait_until_settled(qtbot, widget)
    preview = viewer.layers["strokes preview"]
    assert 9 in preview.data[1]
    layer.undo()
    wait_until_settled(qtbot, widget)
    wanted = refine_labels(stack[1], labels, widget.parameters) if mode == "each" else labels
    np.testing.assert_array_equal(preview.data[1], wanted)
    assert widget.keep() is preview


def test_an_image_edited_in_place_on_another_slice_is_refined_again(
    dock: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    stack, strokes = np.stack([image[..., 0], image[..., 1]]), np.stack([labels, labels])
    viewer, widget = live_on_each_slice(dock, qtbot, stack, strokes)
    photo, preview = viewer.layers["photo"], viewer.layers["strokes preview"]
    photo.data[1] = photo.data[1, :, ::-1].copy()
    photo.refresh()
    wait_until_settled(qtbot, widget)
    np.testing.assert_array_equal(preview.data[1], refine_labels(photo.data[1], labels, widget.parameters))


@pytest.mark.parametrize("closed", ["dock", "viewer"])
def test_closing_stops_live_and_leaves_nothing_behind(
    dock: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any], closed: str
) -> None:
    viewer, widget = dock(*large(image, labels), rgb=True)
    widget.live = True
    wait_until_busy(qtbot, widget)
    widget.parameters = Parameters(iterations=50)
    gone = weakref.ref(widget)
    if closed == "dock":
        widget.native.parent().destroyOnClose()
        assert len(viewer.layers) <= 3
    else:
        viewer.close()
    del widget
    qtbot.waitUntil(lambda: gc.collect() >= 0 and gone() is None)


def test_layers_deleted_or_renamed_while_live_runs_do_no_harm(
    dock: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(*large(image, labels), rgb=True)
    widget.live = True
    wait_until_busy(qtbot, widget)
    viewer.layers["strokes"].name = "scribbles"
    viewer.layers.clear()
    wait_until_settled(qtbot, widget)
    assert "Open an image first" in widget.status
    assert [layer.name for layer in viewer.layers if "preview" not in layer.name] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("scale", (2.0, 0.5)), ("translate", (3.0, 4.0)), ("affine", np.diag([2.0, 3.0, 1.0])), ("units", ("um", "um"))],
)
def test_a_moved_layer_takes_the_preview_with_it(
    live: tuple[Any, RefineWidget], qtbot: Any, image: NDArray[Any], name: str, value: Any
) -> None:
    viewer, widget = live
    for layer in (viewer.layers["photo"], viewer.layers["strokes"]):
        setattr(layer, name, value)
    wait_until_settled(qtbot, widget)
    strokes, preview = viewer.layers["strokes"], viewer.layers["strokes preview"]
    for one in ("scale", "translate", "units"):
        np.testing.assert_array_equal(getattr(preview, one), getattr(strokes, one))
    np.testing.assert_array_equal(preview.affine.affine_matrix, strokes.affine.affine_matrix)
    np.testing.assert_array_equal(preview.data, refine_labels(image, strokes.data, spacing=np.abs(strokes.scale)))
    assert widget.run_bar.keep.isEnabled()


def test_an_image_edited_in_place_is_refined_again(live: tuple[Any, RefineWidget], qtbot: Any) -> None:
    viewer, widget = live
    photo, strokes = viewer.layers["photo"], viewer.layers["strokes"]
    photo.data[:] = photo.data[:, ::-1].copy()
    photo.data[:, 20] = 0
    photo.refresh()
    wait_until_settled(qtbot, widget)
    np.testing.assert_array_equal(viewer.layers["strokes preview"].data, refine_labels(photo.data, strokes.data))


@pytest.mark.parametrize("storage", ["dask", "zarr", "tensorstore"])
def test_strokes_on_labels_that_are_stored_elsewhere_are_seen(
    dock: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any], storage: str, tmp_path: Path
) -> None:
    viewer, widget = dock(image, stored(labels, storage, tmp_path), rgb=True)
    widget.live = True
    wait_until_settled(qtbot, widget)
    strokes, preview = viewer.layers["strokes"], viewer.layers["strokes preview"]
    np.testing.assert_array_equal(preview.data, refine_labels(image, labels))
    strokes.paint((20, 30), 9)
    wait_until_settled(qtbot, widget)
    painted = np.asarray(strokes.data)
    assert 9 in painted
    np.testing.assert_array_equal(preview.data, refine_labels(image, painted))


def test_a_deleted_preview_comes_back_even_if_nothing_is_different_in_the_end(
    live: tuple[Any, RefineWidget], qtbot: Any
) -> None:
    viewer, widget = live
    viewer.layers.remove("strokes preview")
    widget.parameters = Parameters(iterations=3)
    widget.parameters = Parameters()
    wait_until_settled(qtbot, widget)
    assert "strokes preview" in viewer.layers


def test_keep_looks_beyond_the_slice_that_was_refined(
    dock: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(np.stack([image[..., 0]] * 2), np.stack([labels, labels]))
    widget.parameters = Parameters(iterations=1)
    widget.scope.mode.value = "current"
    viewer.dims.set_current_step(0, 0)
    widget.live = True
    wait_until_settled(qtbot, widget)
    viewer.layers["strokes"].data[1, 20, 30] = 9  # a script, without a word
    assert widget.keep() is None
    widget.run_bar.live.click()
    widget.run_bar.live.click()
    wait_until_settled(qtbot, widget)
    kept = widget.keep()
    assert kept is not None
    assert kept.data[1, 20, 30] == 9


@pytest.mark.parametrize("change", ["stroke", "stroke without a word", "image without a word", "slider", "moved"])
@pytest.mark.parametrize("still_on", [True, False])
def test_keep_never_keeps_what_run_would_not_give(
    live: tuple[Any, RefineWidget], qtbot: Any, change: str, still_on: bool
) -> None:
    viewer, widget = live
    widget.live = still_on
    strokes = viewer.layers["strokes"]
    if change == "stroke":
        strokes.paint((20, 30), 9)
    elif change == "stroke without a word":
        strokes.data[20, 30] = 9
    elif change == "image without a word":
        viewer.layers["photo"].data[:20] = 7
    elif change == "slider":
        widget.parameters = Parameters(iterations=3)
    else:
        strokes.scale = (1, 3)
    assert widget.keep() is None
    assert "strokes refined" not in viewer.layers
    wait_until_settled(qtbot, widget)


def test_what_was_shown_can_still_be_kept_after_live_is_switched_off(live: tuple[Any, RefineWidget]) -> None:
    viewer, widget = live
    widget.live = False
    viewer.layers["photo"].visible = False  # napari reads the layer again, which is no change
    viewer.layers["photo"].visible = True
    assert widget.run_bar.keep.isEnabled()
    widget.run_bar.keep.click()
    assert "strokes refined" in viewer.layers


def test_a_change_is_looked_at_once(
    live: tuple[Any, RefineWidget], qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer, widget = live
    counts: Counter[str] = Counter()
    for module, name in ((snapshot, "find_problem"), (snapshot, "read_match"), (key, "_digest")):
        monkeypatch.setattr(module, name, counted(getattr(module, name), counts, name))
    viewer.layers["strokes"].paint((20, 30), 9)
    wait_until_settled(qtbot, widget)
    assert counts == {"find_problem": 1, "read_match": 1, "_digest": 2}  # image and labels
    counts.clear()
    widget.parameters = Parameters(iterations=3)
    wait_until_settled(qtbot, widget)
    assert counts == {"find_problem": 1, "read_match": 1, "_digest": 2}


def counted(function: Callable[..., Any], counts: Counter[str], name: str) -> Callable[..., Any]:
    """Return the same function, which counts how often it is called."""

    def call(*arguments: Any, **keywords: Any) -> Any:
        counts[name] += 1
        return function(*arguments, **keywords)

    return call


def test_points_are_followed_and_refined_like_strokes(dock: Dock, qtbot: Any, image: NDArray[Any]) -> None:
    viewer, widget = dock(image, rgb=True)
    points = viewer.add_points([[20, 8], [20, 50]], size=5, features={"class": ["dark", "bright"]}, name="points")
    assert widget.labels_layer.value is None  # points may be there for something else
    widget.labels_layer.value = points
    widget.run_bar.live.click()
    wait_until_settled(qtbot, widget)
    preview = viewer.layers["points preview"]
    assert [preview.data[20, 0], preview.data[20, 59]] == [2, 1]
    points.add([[2, 30]])
    points.features = {"class": ["dark", "bright", "dark"]}
    points.features = {"class": ["dark", "bright", "another"]}
    wait_until_settled(qtbot, widget)
    np.testing.assert_array_equal(np.unique(viewer.layers["points preview"].data), [1, 2, 3])
    assert viewer.layers["points preview"].data[2, 30] == 1
    layer = widget.keep()
    assert layer is not None
    assert layer.name == "points refined"
    assert class_names_of(layer) == {1: "another", 2: "bright", 3: "dark"}
    assert len(points.data) == 3


def test_live_does_not_talk_over_what_was_accepted_until_something_changes(
    live: tuple[Any, RefineWidget], qtbot: Any
) -> None:
    viewer, widget = live
    for do, said in ((widget.commit, "pixels accepted"), (widget.take_back, "taken back")):
        do()
        assert said in widget.runs.message
        wait_until_busy(qtbot, widget)  # it leaves out what is accepted
        wait_until_settled(qtbot, widget)
        assert said in widget.runs.message
        assert "Live: 'strokes preview' took" in widget.runs.message
    viewer.layers["strokes"].paint((20, 30), 70_000)
    wait_until_settled(qtbot, widget)
    assert "taken back" not in widget.runs.message

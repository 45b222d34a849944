"""What was accepted of results, by the dock in a real viewer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from napari.layers import Labels

from napari_coarse_crf import CoarseCRFWarning, refine_labels
from napari_coarse_crf.plugin import refine_layer
from napari_coarse_crf.plugin.jobs.next_place import LOOKING
from napari_coarse_crf.plugin.layers.accepted import accept, take_back
from napari_coarse_crf.plugin.layers.match import labels_at
from napari_coarse_crf.plugin.layers.saved import description_path, open_saved
from napari_coarse_crf.plugin.result.saving import Saving
from tests.plugin.waiting import wait_until_settled

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_coarse_crf.plugin import RefineWidget

    Dock = Callable[..., tuple[Any, RefineWidget]]
    PressRun = Callable[[RefineWidget], Any]


def merged(viewer: Any) -> NDArray[Any]:
    own, accepted = viewer.layers["strokes"].data, viewer.layers["strokes accepted"].data
    return np.where(own != 0, own, accepted)


def test_what_was_accepted_stays_in_later_runs_and_the_own_labels_count_above_it(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels.copy(), rgb=True)
    first = press_run(widget)
    first.data[0, :20] = 9  # a person corrects the result before
    widget.run_bar.commit.click()
    accepted = viewer.layers["strokes accepted"]
    assert "2,400 pixels accepted into 'strokes accepted'" in widget.status
    np.testing.assert_array_equal(accepted.data, first.data)
    np.testing.assert_array_equal(viewer.layers["strokes"].data, labels)
    assert accepted not in widget.labels_layer.choices
    viewer.layers["strokes"].data[0, :4] = 3
    second = press_run(widget)
    np.testing.assert_array_equal(second.data, merged(viewer))
    assert second.metadata["napari_coarse_crf"]["accepted"] == "strokes accepted"
    assert viewer.layers.selection.active is viewer.layers["strokes"]


def test_a_script_keeps_it_too_and_a_renamed_source_stays_the_source(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    press_run(widget).data[0, :20] = 9
    viewer.layers["strokes"].name = "scribbles"
    assert widget.commit() is viewer.layers["scribbles accepted"]
    viewer.layers["scribbles"].name = "strokes"
    with pytest.warns(CoarseCRFWarning, match="has a label already"):
        layer = refine_layer(viewer, viewer.layers["photo"], viewer.layers["strokes"])
    assert (layer.data[0, :20] == 9).all()


def test_only_a_result_of_the_labels_that_are_chosen_is_accepted(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    """What is accepted of others could not be taken back here."""
    viewer, widget = dock(image, labels, rgb=True)
    press_run(widget)
    strokes, others = viewer.layers["strokes"], viewer.add_labels(labels, name="others")
    widget.labels_layer.value = others
    assert widget.commit() is None
    assert "'strokes refined' was made of 'strokes', but 'others' is chosen." in widget.status
    widget.labels_layer.value = strokes
    assert widget.commit() is viewer.layers["strokes accepted"]
    assert widget.run_bar.take_back.isEnabled()


@pytest.mark.parametrize(
    ("shape", "contour", "opacity"), [((1024, 1024), 2, 0.7), ((1025, 1024), 0, 0.3), ((2, 1024, 1024), 2, 0.7)]
)
def test_what_was_accepted_is_outlined_but_filled_faintly_where_outlines_would_hold_up_the_window(
    shape: tuple[int, ...], contour: int, opacity: float
) -> None:
    viewer = ViewerModel()
    own = viewer.add_labels(np.zeros(shape, np.uint8), name="strokes", opacity=0.7)
    result = viewer.add_labels(np.ones(shape, np.uint8), name="strokes refined")
    layer, count = accept(viewer, own, result, None)
    assert (layer.contour, layer.opacity) == (contour, opacity)
    assert count == result.data.size


def test_take_back_undoes_one_commit_at_a_time(
    dock: Dock, press_run: PressRun, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    result = press_run(widget)
    assert not widget.run_bar.take_back.isEnabled()
    widget.commit()
    accepted = viewer.layers["strokes accepted"]
    before = accepted.data.copy()
    result.data[5:9] = 9
    widget.commit()
    assert (accepted.data[5:9] == 9).all()
    widget.run_bar.take_back.click()
    np.testing.assert_array_equal(accepted.data, before)
    widget.run_bar.take_back.click()
    assert not accepted.data.any()
    assert accepted not in viewer.layers  # nobody has to clean up what holds nothing
    assert "'strokes accepted' was empty and is gone" in widget.status
    assert not widget.run_bar.take_back.isEnabled()
    np.testing.assert_array_equal(press_run(widget).data, refine_labels(image, labels))


def test_what_was_painted_on_what_was_accepted_stays_when_all_is_taken_back(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    press_run(widget).data[:3] = 0
    accepted = widget.commit()
    assert accepted is not None
    accepted.data[1, 1] = 9
    widget.take_back()
    assert accepted in viewer.layers
    assert np.argwhere(accepted.data).tolist() == [[1, 1]]


@pytest.mark.parametrize(
    ("cut", "place"),
    [
        ((slice(None, None, 2), slice(None, None, 2)), {"scale": (2, 2), "translate": (0.5, 0.5)}),
        ((slice(5, None), slice(4, 56)), {"translate": (5, 4)}),
    ],
    ids=["half the size", "another origin"],
)
def test_what_was_accepted_lies_on_the_image_where_the_labels_do_not(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any], cut: Any, place: Any
) -> None:
    viewer, widget = dock(image, rgb=True)
    strokes = viewer.add_labels(labels[cut].copy(), name="strokes", **place)
    widget.labels_layer.value = strokes
    first = press_run(widget)
    made = first.data.copy()
    first.data[0, :20] = 9
    first.data[20, 8] = 9  # on their own stroke
    accepted = widget.commit()
    assert accepted is not None
    np.testing.assert_array_equal(accepted.data, first.data)
    np.testing.assert_array_equal(accepted.translate, (0, 0))
    strokes.data[0, :2] = 3
    second = press_run(widget)
    own = np.asarray(labels_at(strokes, second))
    np.testing.assert_array_equal(second.data, np.where(own != 0, own, accepted.data))
    assert (second.data[0, 10:20] == 9).all()
    assert second.metadata["napari_coarse_crf"]["accepted"] == "strokes accepted"
    second.data[5:9] = 9
    assert widget.commit() is accepted
    widget.take_back()
    widget.run_bar.take_back.click()
    assert not accepted.data.any()
    assert not widget.run_bar.take_back.isEnabled()
    np.testing.assert_array_equal(press_run(widget).data[10:], made[10:])


def reopened_with_ours(accepted: Labels, folder: Path) -> Labels:
    Saving.prepare(accepted, folder / "out.tif").write()
    data, keywords, _ = open_saved(description_path(folder / "out.tif"))
    return Labels(data, **keywords)


def reopened_with_napari(accepted: Labels, folder: Path) -> Labels:
    """Return what is left of a layer that napari saved: ids and the name of the file."""
    (path,) = accepted.save(str(folder / f"{accepted.name}.tif"))
    return Labels(tifffile.imread(path), name=Path(path).stem)


@pytest.mark.parametrize("reopen", [reopened_with_ours, reopened_with_napari])
def test_what_was_accepted_is_kept_after_a_restart(
    dock: Dock,
    press_run: PressRun,
    image: NDArray[Any],
    labels: NDArray[Any],
    reopen: Callable[[Labels, Path], Labels],
    tmp_path: Path,
) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    press_run(widget).data[0, :20] = 9
    saved = reopen(widget.commit(), tmp_path)
    viewer.layers.clear()
    viewer.add_image(image, name="photo", rgb=True)
    again = viewer.add_layer(saved)
    strokes = viewer.add_labels(labels.copy(), name="strokes")
    assert again.name == "strokes accepted"
    assert again.contour
    assert list(widget.labels_layer.choices) == [strokes]
    strokes.name = "scribbles"
    result = press_run(widget)
    assert (result.data[0, :20] == 9).all()
    result.data[5:9] = 9
    assert widget.commit() is again
    assert (again.data[5:9] == 9).all()
    assert again.metadata["napari_coarse_crf"] == {"accepted_for": "scribbles"}
    widget.take_back()
    assert not (again.data[5:9] == 9).all()


def test_what_was_accepted_elsewhere_is_said_and_left(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    press_run(widget)
    elsewhere = widget.commit()
    assert elsewhere is not None
    elsewhere.translate = (3, 0)
    before = elsewhere.data.copy()
    result = press_run(widget)
    assert "'strokes accepted' lies on other pixels than 'photo'" in widget.status
    result.data[0, :20] = 9
    newer = widget.commit()
    assert newer is viewer.layers["strokes accepted [1]"]
    np.testing.assert_array_equal(elsewhere.data, before)
    assert (press_run(widget).data[0, :20] == 9).all()
    assert widget.commit() is newer


def test_what_is_accepted_already_is_said_and_take_back_undoes_what_was_accepted_before(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    press_run(widget)
    widget.commit()
    widget.commit()
    assert widget.status == "All of it is in 'strokes accepted' already."
    widget.take_back()
    assert "strokes accepted" not in viewer.layers
    assert not widget.run_bar.take_back.isEnabled()


def test_where_everything_is_accepted_run_and_next_place_say_how_to_go_on(
    dock: Dock, press_run: PressRun, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    _, widget = dock(image, labels, rgb=True)
    press_run(widget)
    widget.commit()
    press_run(widget)
    assert "yours or one of 'strokes accepted'. Erase there to go on, or take back what" in widget.status
    widget.next_place()
    qtbot.waitUntil(lambda: not widget.status.startswith(LOOKING))
    assert widget.status.startswith("No area is in doubt outside of what was accepted. Take back")


def test_nothing_is_accepted_where_there_is_no_result(dock: Dock, image: NDArray[Any], labels: NDArray[Any]) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    assert widget.commit() is None
    assert "No result is shown to accept" in widget.status
    assert len(viewer.layers) == 2


def test_a_preview_that_is_outdated_is_not_accepted_and_said_to_be_so(
    dock: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    widget.live = True
    wait_until_settled(qtbot, widget)
    widget.live = False
    strokes = viewer.layers["strokes"]
    strokes.data_setitem((np.array([2, 3]), np.array([30, 30])), 3)
    assert widget.commit() is None
    assert "Something has changed since, so the preview is not what Run would give now" in widget.status
    widget.runs.live.preview.layer.visible = False
    assert widget.commit() is None
    assert "No result is shown to accept" in widget.status


def test_a_result_that_lies_below_an_outdated_preview_is_not_accepted_in_its_place(
    dock: Dock, press_run: PressRun, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    refined = press_run(widget)
    widget.live = True
    wait_until_settled(qtbot, widget)
    widget.live = False
    preview = widget.runs.live.preview.layer
    refined.visible = preview.visible = True
    viewer.layers["strokes"].data_setitem((np.array([2, 3]), np.array([30, 30])), 3)
    assert widget.commit() is None
    assert "Something has changed since" in widget.status
    viewer.layers.move(viewer.layers.index(refined), len(viewer.layers))
    assert widget.commit() is not None


def test_a_result_that_is_not_seen_is_not_accepted(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    press_run(widget).visible = False
    assert widget.commit() is None
    assert "strokes accepted" not in viewer.layers


def test_a_result_of_shapes_is_accepted_too_as_long_as_its_classes_stay(
    dock: Dock, press_run: PressRun, image: NDArray[Any]
) -> None:
    viewer, widget = dock(image, rgb=True)
    lines = [np.array([[20, 3], [20, 15]]), np.array([[20, 45], [20, 57]])]
    shapes = viewer.add_shapes(lines, shape_type="line", features={"class": ["sea", "sky"]}, name="drawn")
    widget.labels_layer.value = shapes
    press_run(widget).data[0, :20] = 9
    accepted = widget.commit()
    assert accepted is viewer.layers["drawn accepted"]
    assert accepted not in widget.labels_layer.choices
    assert (press_run(widget).data[0, :20] == 9).all()
    shapes.features = {"class": ["sky", "land"]}  # comes before the others, and moves their ids
    widget.run()
    assert "Label 1 is 'sea' in 'drawn accepted' and 'land' in 'drawn'" in widget.status
    widget.take_back()
    assert not accepted.data.any()


def test_only_what_took_part_is_accepted(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    labels[2, 2] = 3  # outside
    viewer, widget = dock(image, labels, rgb=True)
    inside = np.zeros((40, 60), bool)
    inside[10:, 4:56] = True
    widget.scope.region.value = viewer.add_labels(inside.astype(np.uint8), name="region")
    press_run(widget)
    np.testing.assert_array_equal(widget.commit().data != 0, inside)


@pytest.fixture
def stack(dock: Dock, image: NDArray[Any], labels: NDArray[Any]) -> tuple[Any, RefineWidget]:
    """Return a stack with strokes on each slice."""
    return dock(np.stack([image[..., 0]] * 3), np.stack([labels] * 3))


def test_of_a_volume_the_current_slice_may_be_accepted(stack: tuple[Any, RefineWidget], press_run: PressRun) -> None:
    viewer, widget = stack
    result = press_run(widget)
    viewer.dims.set_current_step(0, 1)
    widget.run_bar.commit_slice.click()
    accepted = viewer.layers["strokes accepted"]
    np.testing.assert_array_equal(accepted.data[1], result.data[1])
    assert not accepted.data[[0, 2]].any()


def test_slice_by_slice_all_that_was_refined_is_accepted(stack: tuple[Any, RefineWidget], press_run: PressRun) -> None:
    viewer, widget = stack
    widget.scope.mode.value = "current"
    for index in (0, 2):
        viewer.dims.set_current_step(0, index)
        result = press_run(widget)
    accepted = widget.commit()
    assert accepted is not None
    np.testing.assert_array_equal(accepted.data[[0, 2]], result.data[[0, 2]])
    assert not accepted.data[1].any()


def test_what_live_shows_is_accepted_and_what_is_accepted_is_seen_by_live(
    dock: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels.copy(), rgb=True)

    def settle() -> None:
        wait_until_settled(qtbot, widget)

    widget.live = True
    settle()
    preview = viewer.layers["strokes preview"]
    before = preview.data.copy()
    accepted = widget.commit()
    assert accepted is not None
    np.testing.assert_array_equal(accepted.data, before)
    settle()
    accepted.data[3, :9] = 9
    accepted.refresh()
    viewer.layers["strokes"].paint((20, 30), 3)
    settle()
    np.testing.assert_array_equal(preview.data, merged(viewer))


@pytest.mark.parametrize(("label_id", "dtype"), [(256, np.int32), (70_000, np.int32), (2**63 + 5, np.uint64)])
def test_ids_that_the_accepted_layer_could_not_hold_are_accepted_as_they_are(label_id: int, dtype: Any) -> None:
    viewer = ModelOfResults(np.uint8(2))
    layer, _ = accept(viewer.model, viewer.own, viewer.result, None)
    viewer.result.data = np.full((8, 9), label_id, dtype)
    assert accept(viewer.model, viewer.own, viewer.result, None) == (layer, 72)
    assert (layer.data == np.array(label_id, dtype)).all()
    take_back(layer)
    assert (layer.data == 2).all()


def test_what_cannot_be_written_to_is_copied_when_something_is_accepted() -> None:
    viewer = ModelOfResults(np.uint8(2))
    layer, _ = accept(viewer.model, viewer.own, viewer.result, None)
    layer.data = np.broadcast_to(np.uint8(0), (8, 9))
    accept(viewer.model, viewer.own, viewer.result, None)
    assert (layer.data == 2).all()


class ModelOfResults:
    """A viewer without a window, with labels and a result of one id."""

    def __init__(self, label_id: Any) -> None:
        self.model = ViewerModel()
        self.own = self.model.add_labels(np.zeros((8, 9), np.uint8), name="strokes")
        about = {"napari_coarse_crf": {"parameters": {}, "labels": "strokes"}}
        self.result = self.model.add_labels(np.full((8, 9), label_id), name="result", metadata=about)

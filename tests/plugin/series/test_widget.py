"""The dock "Annotate a series", used as a person uses it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_coarse_crf import Parameters
from napari_coarse_crf.io.files import read_labels
from napari_coarse_crf.plugin.controls.parameter_control import NumberControl
from napari_coarse_crf.plugin.layers.camera import camera_of
from napari_coarse_crf.plugin.series.source import State
from tests.plugin.left import callbacks
from tests.plugin.series.using import close_while_reading, paint, refine_dock, settle
from tests.plugin.waiting import wait_until_ready

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_coarse_crf.plugin import SeriesWidget

    OpenSeries = Callable[[Path], tuple[Any, SeriesWidget]]


def names(viewer: Any) -> list[str]:
    return [layer.name for layer in viewer.layers]


def test_the_first_image_opens_with_empty_labels_that_are_chosen_in_the_other_dock(
    open_series: OpenSeries, folder: Path
) -> None:
    viewer, widget = open_series(folder)
    assert names(viewer) == ["a2", "a2 labels"]
    assert not viewer.layers["a2 labels"].data.any()
    dock = refine_dock(viewer)
    assert (dock.image_layer.value, dock.labels_layer.value) == (viewer.layers["a2"], viewer.layers["a2 labels"])
    assert viewer.layers.selection.active is viewer.layers["a2 labels"]
    assert widget.panel.progress.text() == "0 of 3 done"
    assert not (folder / "coarse-labels").exists()  # looking leaves nothing behind


def test_the_first_image_is_in_view_whatever_was_looked_at_before(
    make_napari_viewer: Callable[..., Any], folder: Path, qtbot: Any
) -> None:
    viewer = make_napari_viewer()
    viewer.add_image(np.zeros((4000, 4000)), name="large")
    camera = camera_of(viewer)
    assert camera.zoom < 1
    _, widget = viewer.window.add_plugin_dock_widget("napari-coarse-crf", "Annotate a series")
    widget.open_folder(folder)
    qtbot.waitUntil(lambda: widget.source is not None and widget.is_settled)
    assert camera.center[1:] == pytest.approx((19.5, 29.5))
    assert camera.zoom > 1


def test_going_on_saves_and_going_back_restores(open_series: OpenSeries, folder: Path, qtbot: Any) -> None:
    viewer, widget = open_series(folder)
    viewer.layers["a2 labels"].features = {"index": [1, 2], "class": ["meadow", "roof"]}
    paint(viewer, "a2 labels")
    painted = viewer.layers["a2 labels"].data.copy()
    mine = viewer.add_points([[3, 3]], name="mine")
    widget.panel.next.click()
    settle(qtbot, widget)
    assert names(viewer) == ["mine", "a10", "a10 labels"]
    assert mine in viewer.layers
    assert viewer.layers["a10 labels"].features["class"].tolist() == ["meadow", "roof"]
    assert viewer.layers["a10 labels"].selected_label == 2
    assert viewer.layers["a10 labels"].brush_size == 3
    np.testing.assert_array_equal(read_labels(folder / "coarse-labels" / "a2.tif").ids, painted)
    widget.panel.previous.click()
    settle(qtbot, widget)
    np.testing.assert_array_equal(viewer.layers["a2 labels"].data, painted)
    assert viewer.layers["a2 labels"].data.dtype == painted.dtype
    assert [widget.source.state(row) for row in range(3)] == [State.LABELLED, State.UNTOUCHED, State.UNTOUCHED]


def test_a_stroke_is_saved_by_itself(open_series: OpenSeries, folder: Path, qtbot: Any) -> None:
    viewer, _ = open_series(folder)
    paint(viewer, "a2 labels")
    path = folder / "coarse-labels" / "a2.tif"
    qtbot.waitUntil(path.exists)
    np.testing.assert_array_equal(read_labels(path).ids, viewer.layers["a2 labels"].data)


def test_undoing_a_stroke_is_saved_too(open_series: OpenSeries, folder: Path, qtbot: Any) -> None:
    viewer, widget = open_series(folder)
    paint(viewer, "a2 labels")
    settle(qtbot, widget)
    viewer.layers["a2 labels"].undo()
    assert not widget.is_settled
    settle(qtbot, widget)
    np.testing.assert_array_equal(read_labels(folder / "coarse-labels" / "a2.tif").ids, viewer.layers["a2 labels"].data)


def test_result_and_what_was_accepted_come_back_in_another_viewer(
    open_series: OpenSeries, folder: Path, qtbot: Any, make_napari_viewer: Any
) -> None:
    viewer, widget = open_series(folder)
    dock = refine_dock(viewer)
    dock.parameters = Parameters(iterations=2)
    paint(viewer, "a2 labels")
    dock.run()
    wait_until_ready(qtbot, dock)
    dock.commit()
    refined, accepted = (viewer.layers[f"a2 labels {kind}"].data.copy() for kind in ("refined", "accepted"))
    widget.finish()
    settle(qtbot, widget)
    assert names(viewer) == ["a10", "a10 labels"]
    assert widget.panel.progress.text() == "1 of 3 done"
    assert dock.parameters.iterations == 2
    viewer.close()
    other, again = open_series(folder)
    assert again.row == 0  # the last in which anything was saved
    assert again.panel.done.isChecked()
    np.testing.assert_array_equal(other.layers["a2 labels refined"].data, refined)
    np.testing.assert_array_equal(other.layers["a2 labels accepted"].data, accepted)
    second = refine_dock(other)
    assert second.commit() is other.layers["a2 labels accepted"]  # both are known for what they are
    again.next()
    settle(qtbot, again)
    assert names(other) == ["a10", "a10 labels"]


def test_what_was_taken_back_does_not_come_back(open_series: OpenSeries, folder: Path, qtbot: Any) -> None:
    viewer, widget = open_series(folder)
    dock, stored = refine_dock(viewer), folder / "accepted-labels" / "a2.tif"
    dock.parameters = Parameters(iterations=2)
    paint(viewer, "a2 labels")
    dock.run()
    wait_until_ready(qtbot, dock)
    dock.commit()
    settle(qtbot, widget)
    assert read_labels(stored).ids.any()
    dock.take_back()
    widget.next()
    settle(qtbot, widget)
    assert not read_labels(stored).ids.any()
    widget.previous()
    settle(qtbot, widget)
    assert names(viewer) == ["a2", "a2 labels", "a2 labels refined"]
    accepted = dock.commit()
    assert accepted is not None
    settle(qtbot, widget)
    np.testing.assert_array_equal(read_labels(stored).ids, accepted.data)


def test_what_was_taken_back_while_nothing_could_be_written_does_not_come_back(
    open_series: OpenSeries, folder: Path, qtbot: Any
) -> None:
    viewer, widget = open_series(folder)
    dock, stored = refine_dock(viewer), folder / "accepted-labels" / "a2.tif"
    dock.parameters = Parameters(iterations=2)
    paint(viewer, "a2 labels")
    dock.run()
    wait_until_ready(qtbot, dock)
    dock.commit()
    settle(qtbot, widget)
    away = stored.parent.rename(folder / "away")
    stored.parent.write_text("a file, so no folder can be made")
    dock.run_bar.take_back.click()
    assert "a2 labels accepted" not in names(viewer)
    assert widget.status.startswith("Not saved, and tried again in a few seconds.")
    assert "accepted-labels cannot be made" in widget.status
    widget.next()
    qtbot.waitUntil(lambda: "stays open" in widget.status)
    stored.parent.unlink()
    away.rename(stored.parent)  # with what was accepted before
    assert read_labels(stored).ids.any()
    settle(qtbot, widget)  # by itself
    assert widget.status.startswith("Everything is saved")
    assert not read_labels(stored).ids.any()
    assert dock.commit() is not None  # which counts from now on
    settle(qtbot, widget)
    assert read_labels(stored).ids.any()


def test_what_is_kept_as_a_layer_goes_is_said(open_series: OpenSeries, folder: Path, qtbot: Any) -> None:
    viewer, widget = open_series(folder)
    dock, stored = refine_dock(viewer), folder / "accepted-labels" / "a2.tif"
    paint(viewer, "a2 labels")
    dock.run()
    wait_until_ready(qtbot, dock)
    dock.commit()
    settle(qtbot, widget)
    stored.write_bytes(b"of somebody else")
    dock.run_bar.take_back.click()
    assert "it is kept as 'a2 (kept 1).tif'" in widget.status


def test_nothing_is_written_again_that_has_not_changed(open_series: OpenSeries, folder: Path, qtbot: Any) -> None:
    viewer, widget = open_series(folder)
    paint(viewer, "a2 labels")
    widget.next()
    settle(qtbot, widget)
    path = folder / "coarse-labels" / "a2.tif"
    before = path.stat()
    widget.previous()
    settle(qtbot, widget)
    widget.mark_done(True)
    settle(qtbot, widget)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert json.loads((folder / "coarse-labels" / "series.json").read_text())["images"]["a2.png"]["done"] is True


def test_a_file_that_somebody_else_wrote_is_kept(open_series: OpenSeries, folder: Path, qtbot: Any) -> None:
    """One that was there before, shown as the labels; and one that changed while the image was open."""
    theirs = np.zeros((40, 60), np.uint8)
    theirs[:5] = 9
    (folder / "coarse-labels").mkdir()
    tifffile.imwrite(folder / "coarse-labels" / "a2.tif", theirs)
    viewer, widget = open_series(folder)
    np.testing.assert_array_equal(viewer.layers["a2 labels"].data, theirs)
    paint(viewer, "a2 labels")
    settle(qtbot, widget)
    assert "a2 (kept 1).tif" in widget.status
    np.testing.assert_array_equal(tifffile.imread(folder / "coarse-labels" / "a2 (kept 1).tif"), theirs)
    tifffile.imwrite(folder / "coarse-labels" / "a2.tif", theirs + 1)
    paint(viewer, "a2 labels")
    viewer.layers["a2 labels"].fill((39, 30), 2)
    settle(qtbot, widget)
    assert "a2 (kept 2).tif" in widget.status
    np.testing.assert_array_equal(tifffile.imread(folder / "coarse-labels" / "a2 (kept 2).tif"), theirs + 1)
    np.testing.assert_array_equal(read_labels(folder / "coarse-labels" / "a2.tif").ids, viewer.layers["a2 labels"].data)


def test_an_image_that_cannot_be_read_stays_in_the_list_and_next_goes_on(
    open_series: OpenSeries, folder: Path, qtbot: Any
) -> None:
    (folder / "a10.png").write_bytes(b"no image")
    viewer, widget = open_series(folder)
    widget.next()
    settle(qtbot, widget)
    assert "a10.png cannot be read" in widget.status
    assert widget.source.state(1) is State.UNREADABLE
    assert not viewer.layers
    widget.next()
    settle(qtbot, widget)
    assert names(viewer) == ["b1", "b1 labels"]


def test_where_nothing_can_be_written_the_image_stays_and_it_is_tried_again(
    open_series: OpenSeries, folder: Path, qtbot: Any
) -> None:
    viewer, widget = open_series(folder)
    in_the_way = folder / "coarse-labels"
    in_the_way.write_text("a file, so no folder can be made")
    paint(viewer, "a2 labels")
    widget.next()
    qtbot.waitUntil(lambda: "stays open" in widget.status)
    assert "coarse-labels cannot be made" in widget.status
    assert names(viewer) == ["a2", "a2 labels"]
    in_the_way.unlink()
    settle(qtbot, widget)  # by itself
    assert widget.status.startswith("Everything is saved")
    assert (folder / "coarse-labels" / "a2.tif").exists()
    assert widget.row == 0


@pytest.mark.parametrize("close", ["window", "viewer", "layer"])
def test_closing_saves_the_last_stroke(open_series: OpenSeries, folder: Path, close: str) -> None:
    viewer, _ = open_series(folder)
    paint(viewer, "a2 labels")
    painted = viewer.layers["a2 labels"].data.copy()
    if close == "window":
        viewer.window._qt_window.close()  # what the button of the window does
    elif close == "viewer":
        viewer.close()
    else:
        viewer.layers.remove("a2 labels")
    np.testing.assert_array_equal(read_labels(folder / "coarse-labels" / "a2.tif").ids, painted)


def test_what_was_accepted_last_is_saved_when_the_viewer_closes(
    open_series: OpenSeries, folder: Path, qtbot: Any
) -> None:
    viewer, widget = open_series(folder)
    dock = refine_dock(viewer)
    paint(viewer, "a2 labels")
    dock.run()
    wait_until_ready(qtbot, dock)
    settle(qtbot, widget)
    accepted = dock.commit().data.copy()
    viewer.close()
    np.testing.assert_array_equal(read_labels(folder / "accepted-labels" / "a2.tif").ids, accepted)


def test_labels_that_were_removed_open_again_at_a_click(open_series: OpenSeries, folder: Path, qtbot: Any) -> None:
    viewer, widget = open_series(folder)
    paint(viewer, "a2 labels")
    painted = viewer.layers["a2 labels"].data.copy()
    viewer.layers.remove("a2 labels")
    assert "were removed" in widget.status
    widget.panel.list.clicked.emit(widget.panel.rows.index(0))
    settle(qtbot, widget)
    assert names(viewer) == ["a2", "a2 labels"]
    np.testing.assert_array_equal(viewer.layers["a2 labels"].data, painted)


def test_who_goes_on_and_back_at_once_stays(open_series: OpenSeries, folder: Path, qtbot: Any) -> None:
    viewer, widget = open_series(folder)
    layer = viewer.layers["a2 labels"]
    widget.next()
    widget.previous()
    settle(qtbot, widget)
    assert widget.row == 0
    assert layer in viewer.layers


@pytest.mark.parametrize("close", ["dock", "viewer"])
@pytest.mark.parametrize("meanwhile", ["folder", "image", "saving"])
def test_what_is_read_when_the_dock_closes_opens_nothing(
    open_series: OpenSeries, folder: Path, close: str, meanwhile: str
) -> None:
    viewer, widget = open_series(folder)
    before = names(viewer)
    if meanwhile == "folder":
        widget.open_folder(folder)
    else:
        if meanwhile == "saving":
            paint(viewer, "a2 labels")
        widget.next()
    close_while_reading(viewer, widget, close)
    assert names(viewer) == (before if close == "dock" else [])


def test_closing_the_dock_saves_and_leaves_the_layers(open_series: OpenSeries, folder: Path, qtbot: Any) -> None:
    viewer, widget = open_series(folder)
    paint(viewer, "a2 labels")
    viewer.window.remove_dock_widget(widget)
    path = folder / "coarse-labels" / "a2.tif"
    stored = read_labels(path).ids
    assert names(viewer) == ["a2", "a2 labels"]
    viewer.layers["a2 labels"].fill((39, 30), 2)  # nobody listens any more
    np.testing.assert_array_equal(read_labels(path).ids, stored)
    viewer.window.add_dock_widget(widget)
    settle(qtbot, widget)
    np.testing.assert_array_equal(read_labels(path).ids, viewer.layers["a2 labels"].data)


def test_reopening_the_dock_leaves_no_callbacks_behind(open_series: OpenSeries, folder: Path, qtbot: Any) -> None:
    viewer, widget = open_series(folder)
    counts = set()
    for _ in range(3):
        widget.parent().destroyOnClose()
        qtbot.wait(0)
        counts.add(callbacks(viewer))
        _, widget = viewer.window.add_plugin_dock_widget("napari-coarse-crf", "Annotate a series")
        widget.open_folder(folder)
        settle(qtbot, widget)
        assert callbacks(viewer) > min(counts)
    assert len(counts) == 1


def test_a_run_under_way_brings_nothing_to_the_next_image(open_series: OpenSeries, folder: Path, qtbot: Any) -> None:
    viewer, widget = open_series(folder)
    paint(viewer, "a2 labels")
    settle(qtbot, widget)
    worker = refine_dock(viewer).run()
    widget.next()
    settle(qtbot, widget)
    qtbot.waitUntil(lambda: not worker.is_running)
    wait_until_ready(qtbot, refine_dock(viewer))
    assert {"a10", "a10 labels"} == set(names(viewer))


def test_keys_go_from_image_to_image_and_the_tooltips_say_so(open_series: OpenSeries, folder: Path, qtbot: Any) -> None:
    viewer, widget = open_series(folder)
    for key, row in (("PageDown", 1), ("PageUp", 0), ("Shift-D", 1)):
        viewer.keymap[next(bound for bound in viewer.keymap if str(bound) == key.replace("-", "+"))](viewer)
        settle(qtbot, widget)
        assert widget.row == row
    assert widget.source.state(0) is State.DONE
    assert "PageDown" in widget.panel.next.toolTip()


def test_a_click_in_the_list_opens_an_image(open_series: OpenSeries, folder: Path, qtbot: Any) -> None:
    viewer, widget = open_series(folder)
    widget.panel.list.clicked.emit(widget.panel.rows.index(2))
    settle(qtbot, widget)
    assert names(viewer) == ["b1", "b1 labels"]
    assert widget.panel.list.currentIndex().row() == 2


def test_the_same_folder_chosen_again_shows_what_is_stored(open_series: OpenSeries, folder: Path, qtbot: Any) -> None:
    viewer, widget = open_series(folder)
    paint(viewer, "a2 labels")
    first, painted = widget.source, viewer.layers["a2 labels"].data.copy()
    widget.open_folder(folder)
    qtbot.waitUntil(lambda: widget.source is not first and widget.is_settled)
    assert names(viewer) == ["a2", "a2 labels"]
    np.testing.assert_array_equal(viewer.layers["a2 labels"].data, painted)


def test_a_folder_without_images_is_said_in_a_sentence(
    open_series: OpenSeries, folder: Path, tmp_path: Path, qtbot: Any
) -> None:
    _, widget = open_series(folder)
    widget.open_folder(tmp_path)
    qtbot.waitUntil(lambda: "no images" in widget.status)
    assert widget.row == 0


def test_images_of_another_size_and_stacks_with_channels_open_too(
    open_series: OpenSeries, folder: Path, qtbot: Any
) -> None:
    for path in folder.iterdir():
        path.unlink()
    Image.fromarray(np.zeros((50, 70), np.uint8)).save(folder / "1.png")
    channels = np.random.default_rng(0).integers(0, 999, (2, 30, 40), np.uint16)
    tifffile.imwrite(folder / "2.tif", channels, metadata={"axes": "CYX"}, ome=True)
    viewer, widget = open_series(folder)
    widget.next()
    settle(qtbot, widget)
    assert viewer.layers["2 labels"].data.shape == (30, 40)
    paint(viewer, "2 labels")
    assert not refine_dock(viewer).setting.snapshot.problem
    settle(qtbot, widget)  # a write under way would hold the viewer


def test_an_image_without_strokes_begins_with_colours_of_images_before(
    open_series: OpenSeries, folder: Path, qtbot: Any
) -> None:
    viewer, widget = open_series(folder)
    paint(viewer, "a2 labels")
    widget.next()
    settle(qtbot, widget)
    assert names(viewer) == ["a10", "a10 labels"]
    widget.panel.borrow.click()
    qtbot.waitUntil(lambda: "a10 labels refined" in viewer.layers)
    refined = viewer.layers["a10 labels refined"].data
    assert (refined == np.where(np.arange(60) < 35, 1, 2)).all()
    settle(qtbot, widget)  # saving it says nothing
    assert "strokes in another image" in widget.status
    assert viewer.layers.selection.active is viewer.layers["a10 labels"]
    assert refine_dock(viewer).commit() is viewer.layers["a10 labels accepted"]
    widget.next()
    qtbot.waitUntil(lambda: "b1 labels refined" in viewer.layers)
    assert not viewer.layers["b1 labels"].data.any()


def test_borrowed_colours_take_the_weights_that_the_last_labels_chose(
    open_series: OpenSeries, folder: Path, qtbot: Any
) -> None:
    viewer, widget = open_series(folder)
    dock = refine_dock(viewer)
    paint(viewer, "a2 labels")
    dock.run()
    qtbot.waitUntil(lambda: "a2 labels refined" in viewer.layers)
    control = dock.controls.by_name["appearance_weight"]
    assert isinstance(control, NumberControl)
    control.show_value(1.5)  # as if this had been chosen
    shown = dock.setting.shown_parameters
    assert shown.appearance_weight == 1.5
    widget.panel.borrow.click()
    widget.next()
    qtbot.waitUntil(lambda: "a10 labels refined" in viewer.layers)
    about = viewer.layers["a10 labels refined"].metadata["napari_coarse_crf"]
    assert about["parameters"] == shown.to_dict()
    assert dock.parameters == Parameters.preset("auto")
    settle(qtbot, widget)  # a write under way would hold the viewer


def test_strokes_of_its_own_are_not_covered_by_borrowed_colours(
    open_series: OpenSeries, folder: Path, qtbot: Any
) -> None:
    viewer, widget = open_series(folder)
    paint(viewer, "a2 labels")
    widget.panel.borrow.click()
    assert names(viewer) == ["a2", "a2 labels"]
    widget.next()
    settle(qtbot, widget)
    paint(viewer, "a10 labels")  # before the result has come
    widget.next()
    settle(qtbot, widget)
    widget.previous()
    settle(qtbot, widget)
    assert names(viewer) == ["a10", "a10 labels"]

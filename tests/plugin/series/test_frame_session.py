"""The frames of a stack in the dock "Annotate a series", used as a person uses it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile

from napari_coarse_crf import Parameters
from napari_coarse_crf.io.files import read_labels
from napari_coarse_crf.plugin.series.source import State
from tests.plugin.series.using import close_while_reading, refine_dock, settle
from tests.plugin.waiting import wait_until_ready

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_coarse_crf.plugin import SeriesWidget

    OpenFrames = Callable[..., tuple[Any, SeriesWidget]]

_FRAMES = 5


@pytest.fixture
def film(tmp_path: Path, image: NDArray[np.uint8]) -> Path:
    """Return a film of five frames of two halves, a little brighter from frame to frame."""
    grey = image[..., 0]
    path = tmp_path / "film.tif"
    frames = np.stack([grey + np.uint8(3 * frame) for frame in range(_FRAMES)])
    tifffile.imwrite(path, frames, metadata={"axes": "TYX"}, ome=True)
    return path


@pytest.fixture
def open_frames(make_napari_viewer: Callable[..., Any], qtbot: Any) -> OpenFrames:
    """Return a function that opens a viewer, a file or an array in it, the dock, and chooses the first stack."""

    def open_dock(film: Any, *labels: Any, before: Any = None) -> tuple[Any, SeriesWidget]:
        viewer = make_napari_viewer()
        if isinstance(film, np.ndarray):
            viewer.add_image(film, name="film")
        else:
            viewer.open(film, plugin="napari")
        for each in labels:
            viewer.add_labels(each, name="mine")
        _, widget = viewer.window.add_plugin_dock_widget("napari-coarse-crf", "Annotate a series")
        choose_frames(widget)
        qtbot.waitUntil(lambda: widget.source is not None and widget.is_settled)
        return viewer, widget

    return open_dock


def choose_frames(widget: SeriesWidget, number: int = 0) -> None:
    """Choose a stack from the menu of the button."""
    menu = widget.panel.frames_menu
    menu.aboutToShow.emit()
    menu.actions()[number].trigger()


def paint_frame(viewer: Any, frame: int, name: str = "film labels") -> None:
    """Paint a stroke on each half of a frame, as napari's brush does."""
    layer = viewer.layers[name]
    layer.brush_size = 3
    for label_id, column in ((1, 8), (2, layer.data.shape[2] - 10)):
        layer.selected_label = label_id
        for row in range(12, 28):
            layer.paint((frame, row, column), label_id)


def stored(film: Path, kind: str = "coarse") -> Any:
    return read_labels(film.parent / f"{kind}-labels" / "film.tif").ids


def states(widget: SeriesWidget) -> list[State]:
    assert widget.source is not None
    return [widget.source.state(row) for row in range(len(widget.source.names))]


def run(qtbot: Any, viewer: Any) -> None:
    dock = refine_dock(viewer)
    dock.run()
    wait_until_ready(qtbot, dock)


def test_the_frames_of_an_open_film_are_listed_and_next_moves_the_slider(
    open_frames: OpenFrames, film: Path, qtbot: Any
) -> None:
    viewer, widget = open_frames(film)
    assert [layer.name for layer in viewer.layers] == ["film", "film labels"]
    panel, dock = widget.panel, refine_dock(viewer)
    assert panel.rows.rowCount() == _FRAMES
    assert panel.path.toolTip().startswith("film")
    assert panel.progress.text() == "0 of 5 done"
    assert panel.borrow.text() == "Begin with the colours of frames before"
    assert (dock.image_layer.value, dock.labels_layer.value) == (viewer.layers["film"], viewer.layers["film labels"])
    assert (dock.scope.mode.value, dock.scope.axis.value) == ("current", 0)
    widget.go(0)
    panel.next.click()
    assert (viewer.dims.current_step[0], widget.row) == (1, 1)
    viewer.dims.set_current_step(0, 3)  # as the slider does
    assert (widget.row, panel.list.currentIndex().row()) == (3, 3)
    panel.list.clicked.emit(panel.rows.index(2))
    assert viewer.dims.current_step[0] == 2
    for key, row in (("PageDown", 3), ("PageUp", 2), ("Shift-D", 3)):
        viewer.keymap[next(bound for bound in viewer.keymap if str(bound) == key.replace("-", "+"))](viewer)
        assert widget.row == row
    assert states(widget)[2] is State.DONE
    settle(qtbot, widget)


def test_strokes_marks_results_and_what_was_accepted_come_back(open_frames: OpenFrames, film: Path, qtbot: Any) -> None:
    viewer, widget = open_frames(film)
    dock = refine_dock(viewer)
    dock.parameters = Parameters(iterations=2)
    viewer.layers["film labels"].features = {"index": [1, 2], "class": ["meadow", "roof"]}
    for frame in (0, 2):
        widget.go(frame)
        paint_frame(viewer, frame)
        run(qtbot, viewer)
    dock.commit(slice_only=True)
    widget.finish()
    settle(qtbot, widget)
    expected = [State.LABELLED, State.UNTOUCHED, State.DONE, State.UNTOUCHED, State.UNTOUCHED]
    assert states(widget) == expected
    assert widget.row == 3
    names = ("film labels", "film labels accepted", "film labels refined")
    before = {name: viewer.layers[name].data.copy() for name in names}
    np.testing.assert_array_equal(stored(film), before["film labels"])
    assert json.loads((film.parent / "coarse-labels" / "series.json").read_text())["version"] == 1
    viewer.close()

    other, again = open_frames(film)
    assert states(again) == expected
    assert again.row == 3  # where the person was
    for name, data in before.items():
        np.testing.assert_array_equal(other.layers[name].data, data)
    assert other.layers["film labels"].features["class"].tolist() == ["meadow", "roof"]
    refine_dock(other).parameters = Parameters(iterations=2)
    paint_frame(other, 3)
    run(qtbot, other)  # goes on from what was restored
    settle(qtbot, again)
    refined = stored(film, "refined")
    np.testing.assert_array_equal(refined[[0, 2]], before["film labels refined"][[0, 2]])
    assert refined[3].all()
    assert not refined[1].any()


def test_looking_at_frames_writes_nothing_and_undoing_is_saved(open_frames: OpenFrames, film: Path, qtbot: Any) -> None:
    viewer, widget = open_frames(film)
    for frame in range(_FRAMES):
        widget.go(frame)
        assert widget.is_settled
    assert not (film.parent / "coarse-labels").exists()
    paint_frame(viewer, 4)
    settle(qtbot, widget)
    assert states(widget)[4] is State.LABELLED
    layer = viewer.layers["film labels"]
    for _ in range(32):
        layer.undo()
    assert states(widget)[4] is State.UNTOUCHED
    settle(qtbot, widget)
    assert not stored(film).any()


@pytest.mark.parametrize("close", ["window", "viewer", "layer", "dock"])
def test_closing_saves_the_last_stroke_of_a_film(open_frames: OpenFrames, film: Path, close: str) -> None:
    viewer, widget = open_frames(film)
    paint_frame(viewer, 1)
    painted = viewer.layers["film labels"].data.copy()
    if close == "window":
        viewer.window._qt_window.close()
    elif close == "viewer":
        viewer.close()
    elif close == "layer":
        viewer.layers.remove("film labels")
    else:
        viewer.window.remove_dock_widget(widget)
    np.testing.assert_array_equal(stored(film), painted)


def test_where_nothing_can_be_written_it_is_tried_again(open_frames: OpenFrames, film: Path, qtbot: Any) -> None:
    viewer, widget = open_frames(film)
    in_the_way = film.parent / "coarse-labels"
    in_the_way.write_text("a file, so no folder can be made")
    paint_frame(viewer, 1)
    qtbot.waitUntil(lambda: widget.status.startswith("Not saved"))
    in_the_way.unlink()
    settle(qtbot, widget)  # by itself
    assert widget.status.startswith("Everything is saved")
    np.testing.assert_array_equal(stored(film), viewer.layers["film labels"].data)


def test_a_stack_without_a_file_is_gone_through_and_said_not_to_be_saved(open_frames: OpenFrames, qtbot: Any) -> None:
    viewer, widget = open_frames(np.zeros((3, 30, 40), np.uint8))
    assert widget.status.startswith("Nothing is saved by itself")
    paint_frame(viewer, 1)
    widget.go(0)
    widget.mark_done(True)
    assert widget.is_settled
    assert states(widget)[0] is State.DONE
    widget.panel.borrow.click()  # says nothing that hides it
    widget.next()
    assert states(widget)[1] is State.LABELLED
    assert widget.status.startswith("Nothing is saved by itself")


def test_labels_that_were_painted_before_are_taken_and_saved(open_frames: OpenFrames, film: Path, qtbot: Any) -> None:
    mine = np.zeros((_FRAMES, 40, 60), np.uint8)
    mine[1, 5, 5:9] = 7
    viewer, widget = open_frames(film, mine)
    assert [layer.name for layer in viewer.layers] == ["film", "mine"]
    settle(qtbot, widget)
    np.testing.assert_array_equal(stored(film), mine)
    choose_frames(widget)  # again: nothing is added
    settle(qtbot, widget)
    assert [layer.name for layer in viewer.layers] == ["film", "mine"]
    viewer.close()
    other, again = open_frames(film, mine * 2)
    assert "'mine' stays as it is" in again.status
    np.testing.assert_array_equal(other.layers["mine"].data, mine * 2)
    settle(qtbot, again)
    np.testing.assert_array_equal(stored(film), mine)


def test_a_frame_without_strokes_begins_with_the_colours_of_frames_before(
    open_frames: OpenFrames, film: Path, qtbot: Any
) -> None:
    viewer, widget = open_frames(film)
    widget.go(0)
    paint_frame(viewer, 0)
    refine_dock(viewer).run()
    wait_until_ready(qtbot, refine_dock(viewer))
    widget.panel.borrow.click()
    widget.next()
    layer = viewer.layers["film labels refined"]
    qtbot.waitUntil(lambda: bool(layer.data[1].all()))
    assert (layer.data[:2] == np.where(np.arange(60) < 35, 1, 2)).all()
    assert not layer.data[2:].any()
    assert layer.metadata["napari_coarse_crf"]["scope"]["index"] == 1
    assert "no strokes of its own" in widget.status
    assert not viewer.layers["film labels"].data[1].any()
    settle(qtbot, widget)
    np.testing.assert_array_equal(stored(film, "refined"), layer.data)
    viewer.layers["film labels"].translate = (0, 500, 0)
    widget.next()
    qtbot.waitUntil(lambda: "covers none of it" in widget.status)


def test_while_a_large_stack_is_written_a_sentence_says_so(open_frames: OpenFrames, film: Path, qtbot: Any) -> None:
    viewer, widget = open_frames(film)
    frames: Any = widget.source
    with frames.files.stored._lock:  # as a slow disk
        paint_frame(viewer, 0)
        qtbot.waitUntil(lambda: "takes a while" in widget.status)
        paint_frame(viewer, 1)  # goes on
        due = widget._session.autosave._soon
        qtbot.waitUntil(lambda: not due.isActive())  # and is to be saved before the write has ended
    settle(qtbot, widget)
    np.testing.assert_array_equal(stored(film), viewer.layers["film labels"].data)


def test_a_stack_of_a_folder_can_be_gone_through_frame_by_frame(
    open_series: Callable[[Path], tuple[Any, SeriesWidget]], film: Path, qtbot: Any
) -> None:
    viewer, widget = open_series(film.parent)
    viewer.layers["film labels"].data[0, 3, 3:9] = 4
    viewer.layers["film labels"].refresh()
    choose_frames(widget)
    qtbot.waitUntil(lambda: widget.panel.rows.rowCount() == _FRAMES)
    settle(qtbot, widget)
    assert [layer.name for layer in viewer.layers] == ["film", "film labels"]
    assert states(widget)[0] is State.LABELLED
    paint_frame(viewer, 2)
    widget.open_folder(film.parent)
    qtbot.waitUntil(lambda: widget.panel.rows.rowCount() == 1 and widget.is_settled)
    np.testing.assert_array_equal(viewer.layers["film labels [1]"].data, stored(film))
    assert stored(film)[[0, 2]].any(axis=(1, 2)).all()


def test_slices_of_a_volume_with_channels_are_listed_too(open_frames: OpenFrames, tmp_path: Path, qtbot: Any) -> None:
    path = tmp_path / "cells.tif"
    volume = np.random.default_rng(0).integers(0, 999, (4, 2, 30, 40), np.uint16)
    tifffile.imwrite(path, volume, metadata={"axes": "ZCYX"}, ome=True)
    viewer, widget = open_frames(volume)
    viewer.layers["film"].axis_labels = ("z", "c", "y", "x")
    choose_frames(widget)
    assert widget.source is not None
    assert widget.source.names == ["slice 0", "slice 1", "slice 2", "slice 3"]
    assert widget.shown is not None
    assert widget.shown.labels.data.shape == (4, 30, 40)
    widget.go(2)
    assert viewer.dims.current_step[0] == 2
    paint_frame(viewer, 2, widget.shown.labels.name)
    assert not refine_dock(viewer).setting.snapshot.problem


def test_labels_of_frames_that_were_removed_open_again_at_a_click(
    open_frames: OpenFrames, film: Path, qtbot: Any
) -> None:
    viewer, widget = open_frames(film)
    paint_frame(viewer, 1)
    run(qtbot, viewer)
    painted, count = viewer.layers["film labels"].data.copy(), len(viewer.layers)
    viewer.layers.remove("film labels")
    assert "were removed" in widget.status
    widget.go(3)
    settle(qtbot, widget)
    np.testing.assert_array_equal(viewer.layers["film labels"].data, painted)
    assert len(viewer.layers) == count
    assert (widget.row, states(widget)[1]) == (3, State.LABELLED)
    paint_frame(viewer, 4)
    settle(qtbot, widget)
    assert stored(film)[4].any()


def test_labels_of_frames_without_a_file_begin_empty_once_they_were_removed(
    open_frames: OpenFrames, image: NDArray[np.uint8], qtbot: Any
) -> None:
    viewer, widget = open_frames(np.stack([image[..., 0]] * 3))
    paint_frame(viewer, 1)
    viewer.layers.remove("film labels")
    assert "begin with empty ones" in widget.status
    widget.go(2)
    settle(qtbot, widget)
    assert not viewer.layers["film labels"].data.any()
    assert widget.row == 2


def test_what_was_accepted_of_frames_is_saved_when_the_viewer_closes(
    open_frames: OpenFrames, film: Path, qtbot: Any
) -> None:
    viewer, widget = open_frames(film)
    dock = refine_dock(viewer)
    paint_frame(viewer, 1)
    widget.go(1)
    run(qtbot, viewer)
    settle(qtbot, widget)
    accepted = dock.commit().data.copy()
    viewer.close()
    np.testing.assert_array_equal(stored(film, "accepted"), accepted)


def test_what_was_taken_back_of_frames_while_nothing_could_be_written_does_not_come_back(
    open_frames: OpenFrames, film: Path, qtbot: Any
) -> None:
    viewer, widget = open_frames(film)
    dock = refine_dock(viewer)
    paint_frame(viewer, 1)
    widget.go(1)
    run(qtbot, viewer)
    dock.commit()
    settle(qtbot, widget)
    in_the_way = film.parent / "accepted-labels" / "film.coarse-crf.json"
    in_the_way.unlink()
    in_the_way.mkdir()
    dock.run_bar.take_back.click()
    assert widget.status.startswith("Not saved, and tried again in a few seconds.")
    assert stored(film, "accepted").any()
    in_the_way.rmdir()
    settle(qtbot, widget)  # by itself
    assert not stored(film, "accepted").any()


@pytest.mark.parametrize("close", ["dock", "viewer"])
def test_a_stack_that_is_read_when_the_dock_closes_opens_nothing(
    make_napari_viewer: Callable[..., Any], film: Path, close: str
) -> None:
    viewer = make_napari_viewer()
    viewer.open(film, plugin="napari")
    _, widget = viewer.window.add_plugin_dock_widget("napari-coarse-crf", "Annotate a series")
    choose_frames(widget)
    close_while_reading(viewer, widget, close)
    assert [layer.name for layer in viewer.layers] == (["film"] if close == "dock" else [])

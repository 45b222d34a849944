"""The part Classes of the dock in a real viewer, used as a person does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from app_model.types import KeyBinding
from napari._app_model import get_app_model
from napari.settings import get_settings
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QColorDialog, QLineEdit

from napari_coarse_crf.plugin.controls.class_table import Column
from napari_coarse_crf.plugin.controls.classes import DIGITS, MOST_LISTED
from napari_coarse_crf.plugin.layers.classes import class_names_of
from napari_coarse_crf.plugin.layers.colours import colours_of
from tests.plugin.result.using import close_dock, column, save_as, wait_for_words
from tests.plugin.waiting import wait_until_settled
from tests.storage import stored

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_coarse_crf.plugin import RefineWidget

    Dock = Callable[..., tuple[Any, RefineWidget]]
    PressRun = Callable[[RefineWidget], Any]

CTRL = Qt.KeyboardModifier.ControlModifier
GREEN = (0.0, 1.0, 0.0, 1.0)


@pytest.fixture
def listed(dock: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]) -> tuple[Any, RefineWidget]:
    """Return a viewer with the labels 3, which is named and selected, and 70000, and the unfolded list of them."""
    viewer, widget = dock(image, labels, rgb=True)
    strokes = viewer.layers["strokes"]
    strokes.features = {"index": [3], "class": ["field"], "seen": [True]}
    strokes.selected_label = 3
    widget.classes.heading.click()
    wait_for_ids(qtbot, widget, [3, 70_000])
    return viewer, widget


def ids(widget: RefineWidget) -> list[int]:
    return [row.label_id for row in widget.classes.table.rows]


def wait_for_ids(qtbot: Any, widget: RefineWidget, wanted: list[int]) -> None:
    qtbot.waitUntil(lambda: ids(widget) == wanted)


def place_of_cell(widget: RefineWidget, label_id: int, at: Column) -> QPoint:
    table = widget.classes.table
    index = table.model().index(ids(widget).index(label_id), at)
    table.scrollTo(index)
    return QPoint(table.visualRect(index).center())


def click(qtbot: Any, widget: RefineWidget, label_id: int, at: Column = Column.NAME) -> None:
    place = place_of_cell(widget, label_id, at)
    qtbot.mouseClick(widget.classes.table.viewport(), Qt.MouseButton.LeftButton, pos=place)


def type_name(qtbot: Any, widget: RefineWidget, name: str, *, end: Any = Qt.Key.Key_Return) -> None:
    """Type into the line that is open, over what it says."""
    line = widget.classes.table.findChildren(QLineEdit)[-1]  # those before it are closed, and go with the next event
    line.selectAll()
    qtbot.keyClick(line, Qt.Key.Key_Delete)
    qtbot.keyClicks(line, name)
    qtbot.keyClick(line, end)
    qtbot.waitUntil(lambda: not widget.classes.table.is_edited)


def double_click(qtbot: Any, widget: RefineWidget, label_id: int) -> None:
    click(qtbot, widget, label_id)  # which a double click begins with
    place = place_of_cell(widget, label_id, Column.NAME)
    qtbot.mouseDClick(widget.classes.table.viewport(), Qt.MouseButton.LeftButton, pos=place)


def name(qtbot: Any, widget: RefineWidget, label_id: int, new: str) -> None:
    double_click(qtbot, widget, label_id)
    type_name(qtbot, widget, new)


def colour(qtbot: Any, widget: RefineWidget, label_id: int, new: tuple[float, ...]) -> None:
    click(qtbot, widget, label_id, Column.COLOUR)
    (dialog,) = widget.classes.findChildren(QColorDialog)
    dialog.setCurrentColor(QColor.fromRgbF(*new))
    dialog.accept()
    qtbot.waitUntil(lambda: not widget.classes.findChildren(QColorDialog))


def press_digit(qtbot: Any, viewer: Any, digit: int) -> None:
    qtbot.keyClick(viewer.window._qt_viewer.canvas.native, Qt.Key(ord(str(digit))), CTRL)


def test_a_row_for_each_label_says_colour_name_and_key(listed: tuple[Any, RefineWidget]) -> None:
    viewer, widget = listed
    field, other = widget.classes.table.rows
    assert (field.name, field.key, other.name, other.key) == ("field", "Ctrl+3", "", "Ctrl+1")
    np.testing.assert_allclose(field.colour, viewer.layers["strokes"].get_color(3)[:3], atol=1e-6)
    assert widget.classes.table.currentIndex().row() == 0


def test_a_click_takes_a_label_in_hand_and_leaves_the_keys_to_the_canvas(
    listed: tuple[Any, RefineWidget], qtbot: Any
) -> None:
    viewer, widget = listed
    click(qtbot, widget, 70_000)
    assert viewer.layers["strokes"].selected_label == 70_000
    assert not widget.classes.table.hasFocus()
    viewer.layers["strokes"].selected_label = 3  # by napari's own controls
    assert widget.classes.table.currentIndex().row() == 0
    assert widget.classes.table.selectionModel().isRowSelected(0)


def test_a_name_that_is_typed_is_the_layers_and_the_results_and_stands_in_the_table(
    listed: tuple[Any, RefineWidget], press_run: PressRun, qtbot: Any
) -> None:
    viewer, widget = listed
    strokes, refined = viewer.layers["strokes"], press_run(widget)
    widget.result.heading.click()
    name(qtbot, widget, 70_000, "sea & sky")
    assert class_names_of(strokes) == class_names_of(refined) == {3: "field", 70_000: "sea & sky"}
    assert strokes.features["seen"].iloc[0]  # a column of a person's own stays
    assert "sea & sky" in strokes.get_status((15, 50), world=True)["coordinates"]
    qtbot.waitUntil(lambda: "70000 sea & sky" in column(widget.result, 0))
    name(qtbot, widget, 70_000, "")
    assert class_names_of(strokes) == class_names_of(refined) == {3: "field"}


def test_a_name_given_while_a_run_is_under_way_is_the_results(listed: tuple[Any, RefineWidget], qtbot: Any) -> None:
    _, widget = listed
    with qtbot.waitCallback() as refined:
        widget.refined.connect(refined)
        widget.run_bar.button.click()
        name(qtbot, widget, 70_000, "sea")
        colour(qtbot, widget, 3, GREEN)
    layer = refined.args[0]
    assert class_names_of(layer) == {3: "field", 70_000: "sea"}
    np.testing.assert_allclose(layer.get_color(3), GREEN, atol=1e-6)


def test_a_click_on_a_colour_changes_this_one_in_labels_and_newest_result(
    listed: tuple[Any, RefineWidget], press_run: PressRun, qtbot: Any
) -> None:
    viewer, widget = listed
    first, second = press_run(widget), press_run(widget)
    before = colours_of(first, [3, 70_000])
    colour(qtbot, widget, 70_000, GREEN)
    for layer in (viewer.layers["strokes"], second):
        np.testing.assert_allclose(colours_of(layer, [3, 70_000]), [before[0], GREEN], atol=1e-6)
    np.testing.assert_array_equal(colours_of(first, [3, 70_000]), before)  # an earlier one stays what it was
    assert viewer.layers["strokes"].selected_label == 70_000
    np.testing.assert_allclose(widget.classes.table.rows[1].colour, GREEN[:3], atol=1e-6)


def test_what_live_shows_follows(listed: tuple[Any, RefineWidget], qtbot: Any) -> None:
    viewer, widget = listed
    widget.run_bar.live.click()
    wait_until_settled(qtbot, widget)
    preview = viewer.layers["strokes preview"]
    name(qtbot, widget, 70_000, "sea")
    colour(qtbot, widget, 70_000, GREEN)
    viewer.layers["strokes"].paint((20, 30), 9)
    wait_until_settled(qtbot, widget)
    assert viewer.layers["strokes preview"] is preview
    assert class_names_of(preview) == {3: "field", 70_000: "sea"}
    np.testing.assert_allclose(preview.get_color(70_000), GREEN, atol=1e-6)


def test_keys_take_labels_in_hand_while_painting(listed: tuple[Any, RefineWidget], qtbot: Any) -> None:
    viewer, widget = listed
    strokes = viewer.layers["strokes"]
    strokes.mode = "paint"
    press_digit(qtbot, viewer, 1)
    assert (strokes.selected_label, str(strokes.mode)) == (70_000, "paint")
    press_digit(qtbot, viewer, 3)
    assert strokes.selected_label == 3
    press_digit(qtbot, viewer, 5)  # of no label
    assert strokes.selected_label == 3
    widget.classes.heading.click()
    press_digit(qtbot, viewer, 1)  # folded away, they go on to work
    assert strokes.selected_label == 70_000


def test_the_key_of_a_label_leaves_the_brush_that_its_digit_alone_has_taken(
    listed: tuple[Any, RefineWidget], qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_settings().application, "hold_button_delay", 0)  # else a digit pressed long ago
    viewer, _ = listed
    strokes = viewer.layers["strokes"]
    viewer.layers.selection.active = strokes
    canvas = viewer.window._qt_viewer.canvas.native
    qtbot.keyPress(canvas, Qt.Key.Key_3)  # napari's, for the polygon tool
    tool = str(strokes.mode)
    assert tool == "polygon"
    press_digit(qtbot, viewer, 3)
    assert str(strokes.mode) == tool


def test_who_chooses_a_class_paints_with_it(listed: tuple[Any, RefineWidget], qtbot: Any) -> None:
    viewer, widget = listed
    strokes = viewer.layers["strokes"]
    choices: list[Callable[[], Any]] = [
        lambda: click(qtbot, widget, 70_000),
        lambda: press_digit(qtbot, viewer, 3),
        widget.classes.add_button.click,
    ]
    for choose in choices:
        strokes.mode = "pan_zoom"
        viewer.layers.selection.active = viewer.layers["photo"]
        choose()
        assert viewer.layers.selection.active == strokes
        assert str(strokes.mode) == "paint"
    strokes.mode = "fill"
    press_digit(qtbot, viewer, 3)
    assert str(strokes.mode) == "fill"
    strokes.mode = "pan_zoom"
    strokes.selected_label = 70_000  # by napari's own controls
    assert str(strokes.mode) == "pan_zoom"


def test_napari_uses_the_keys_for_nothing_else(dock: Dock) -> None:
    dock()
    taken = {str(key) for keys in get_settings().shortcuts.shortcuts.values() for key in keys}
    taken |= {str(KeyBinding.from_int(rule.keybinding.to_int())) for rule in get_app_model().keybindings}
    assert "Ctrl+O" in taken
    assert not taken & {f"Ctrl+{digit}" for digit in DIGITS}


def test_a_closed_dock_gives_the_keys_back_and_a_key_of_a_person_is_left_to_them(make_napari_viewer: Any) -> None:
    viewer = make_napari_viewer()
    viewer.bind_key("Control-2", print)
    viewer.add_labels(np.array([[1, 2], [3, 0]]))
    _, widget = viewer.window.add_plugin_dock_widget("napari-coarse-crf", "Refine labels")
    keys = [f"Ctrl+{digit}" for digit in DIGITS]
    assert [key for key in keys if key in {str(one) for one in viewer.keymap}] == keys
    assert all(row.key != "Ctrl+2" for row in widget.classes.table.rows)
    close_dock(widget)
    assert {str(one) for one in viewer.keymap} & set(keys) == {"Ctrl+2"}


def test_another_class_gets_the_next_free_id_a_colour_and_the_name_that_is_typed(
    listed: tuple[Any, RefineWidget], qtbot: Any
) -> None:
    viewer, widget = listed
    strokes = viewer.layers["strokes"]
    widget.classes.add_button.click()
    assert strokes.selected_label == 1
    type_name(qtbot, widget, "hedge")
    assert class_names_of(strokes) == {1: "hedge", 3: "field"}
    widget.classes.add_button.click()
    type_name(qtbot, widget, "nobody wants it", end=Qt.Key.Key_Escape)
    widget.classes.add_button.click()
    assert ids(widget) == [1, 2, 3, 4, 70_000]
    assert class_names_of(strokes) == {1: "hedge", 3: "field"}
    assert not strokes.data[strokes.data == 1].size  # nothing is painted by it


def test_a_layer_that_holds_no_further_id_says_so(dock: Dock, qtbot: Any, image: NDArray[Any]) -> None:
    labels = np.resize(np.arange(256), (40, 60)).astype(np.uint8)
    _, widget = dock(image, labels, rgb=True)
    qtbot.waitUntil(lambda: not widget.classes.add_button.isEnabled())


def test_what_is_painted_is_listed_and_what_is_erased_no_more(listed: tuple[Any, RefineWidget], qtbot: Any) -> None:
    viewer, widget = listed
    viewer.layers["strokes"].paint((20, 30), 9)
    wait_for_ids(qtbot, widget, [3, 9, 70_000])
    viewer.layers["strokes"].undo()
    wait_for_ids(qtbot, widget, [3, 70_000])


def test_a_name_that_is_being_typed_is_left_alone(listed: tuple[Any, RefineWidget], qtbot: Any) -> None:
    viewer, widget = listed
    double_click(qtbot, widget, 70_000)
    viewer.layers["strokes"].data[0, 0] = 9
    viewer.layers["strokes"].refresh()
    viewer.layers["strokes"].paint((30, 30), 10)
    qtbot.waitUntil(lambda: 10 in widget.classes._found)
    assert widget.classes.table.is_edited
    type_name(qtbot, widget, "sea")
    wait_for_ids(qtbot, widget, [3, 9, 10, 70_000])
    assert class_names_of(viewer.layers["strokes"])[70_000] == "sea"


def test_of_thousands_of_ids_some_are_listed_and_the_rest_is_counted(
    dock: Dock, qtbot: Any, image: NDArray[Any]
) -> None:
    viewer, widget = dock(image, np.arange(2400, dtype=np.int32).reshape(40, 60), rgb=True)
    widget.classes.heading.click()
    qtbot.waitUntil(lambda: "more" in widget.classes.note.text())
    assert len(ids(widget)) == MOST_LISTED
    assert widget.classes.note.text() == f"{2399 - MOST_LISTED:,} more labels are not listed."
    viewer.layers["strokes"].features = {"index": [2000], "class": ["the odd one"]}
    viewer.layers["strokes"].selected_label = 1999
    assert {1999, 2000} < set(ids(widget))


@pytest.mark.parametrize("storage", ["dask", "zarr", "tensorstore"])
def test_of_labels_stored_elsewhere_the_slices_that_were_seen_are_listed(
    dock: Dock, qtbot: Any, storage: str, tmp_path: Path
) -> None:
    labels = np.zeros((3, 40, 60), np.int32)
    labels[0, 4, 4], labels[1, 4, 4] = 5, 6
    viewer, widget = dock(np.zeros((3, 40, 60), np.uint8), stored(labels, storage, tmp_path))
    viewer.layers["strokes"].selected_label = 2
    for place, seen in ((1, [2, 6]), (0, [2, 5, 6])):
        viewer.dims.set_point(0, place)
        wait_for_ids(qtbot, widget, seen)


def test_layers_that_come_into_an_open_dock_are_listed(dock: Dock, qtbot: Any, tmp_path: Path) -> None:
    viewer, widget = dock()
    widget.classes.heading.click()
    assert widget.classes.isHidden()
    labels = np.zeros((3, 40, 60), np.uint8)
    labels[:, 4, 4] = 5
    viewer.add_labels(stored(labels, "dask", tmp_path), name="film")
    wait_for_ids(qtbot, widget, [1, 5])  # 1 is in hand at first
    viewer.layers.clear()
    assert widget.classes.isHidden()


def test_the_classes_of_shapes_are_their_features(dock: Dock, image: NDArray[Any]) -> None:
    viewer, widget = dock(image, rgb=True)
    assert widget.classes.isHidden()
    shapes = viewer.add_shapes([[[0, 0], [9, 9]], [[20, 20], [30, 30]]], shape_type="line", name="drawn")
    widget.labels_layer.value = shapes
    assert widget.classes.table.isHidden()
    assert widget.classes.add_button.isHidden()
    assert "'drawn'" in widget.classes.note.text()
    assert "feature 'class'" in widget.classes.note.text()


def test_names_and_colours_are_saved_with_a_result_and_listed_when_it_is_opened(
    listed: tuple[Any, RefineWidget], press_run: PressRun, qtbot: Any, tmp_path: Path
) -> None:
    viewer, widget = listed
    name(qtbot, widget, 70_000, "sea")
    colour(qtbot, widget, 70_000, GREEN)
    press_run(widget)
    widget.result.heading.click()
    save_as(qtbot, widget.result, widget.result.panel.save_button, tmp_path / "out.tif")
    wait_for_words(qtbot, widget.result, "Saved out.tif")
    rows = list(widget.classes.table.rows)
    (opened,) = viewer.open(str(tmp_path / "out.coarse-crf.json"), plugin=None)
    opened.selected_label = 3
    widget.labels_layer.value = opened
    wait_for_ids(qtbot, widget, [3, 70_000])
    for row, before in zip(widget.classes.table.rows, rows, strict=True):
        assert (row.name, row.key) == (before.name, before.key)
        np.testing.assert_allclose(row.colour, before.colour, atol=1e-5)
    assert class_names_of(opened) == {3: "field", 70_000: "sea"}  # not the gaps of other columns


def test_the_dock_is_as_narrow_with_long_names(listed: tuple[Any, RefineWidget], qtbot: Any) -> None:
    _, widget = listed
    before = widget.native.minimumSizeHint().width()
    name(qtbot, widget, 70_000, "a class whose name is as long as a sentence, which nobody will read in full")
    assert widget.native.minimumSizeHint().width() == before

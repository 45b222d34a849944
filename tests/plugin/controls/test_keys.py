"""The keys of the dock, pressed on the canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from qtpy.QtCore import Qt

from tests.plugin.result.using import close_dock
from tests.plugin.waiting import wait_until_ready, wait_until_settled

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_coarse_crf.plugin import RefineWidget

    Dock = Callable[..., tuple[Any, RefineWidget]]

SHIFT, NONE = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.NoModifier


def canvas(viewer: Any) -> Any:
    return viewer.window._qt_viewer.canvas.native


def test_keys_run_keep_commit_and_hide(dock: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    viewer.layers["strokes"].mode = "paint"
    qtbot.keyClick(canvas(viewer), Qt.Key.Key_R)
    wait_until_ready(qtbot, widget)
    refined = viewer.layers["strokes refined"]
    qtbot.keyPress(canvas(viewer), Qt.Key.Key_H)
    assert [layer.name for layer in viewer.layers if layer.visible] == ["photo", "strokes"]
    qtbot.keyRelease(canvas(viewer), Qt.Key.Key_H)
    assert refined.visible
    qtbot.keyClick(canvas(viewer), Qt.Key.Key_C, SHIFT)
    assert "strokes accepted" in viewer.layers
    qtbot.keyClick(canvas(viewer), Qt.Key.Key_R, SHIFT)
    assert widget.live
    wait_until_settled(qtbot, widget)
    qtbot.keyClick(canvas(viewer), Qt.Key.Key_K)
    assert "strokes preview" not in viewer.layers


@pytest.mark.parametrize("name", ["button", "live", "keep", "commit"])
def test_tooltips_name_the_keys(dock: Dock, name: str) -> None:
    _, widget = dock()
    assert getattr(widget.run_bar, name).toolTip().count("Key: ") == 1


def test_a_closed_dock_frees_its_keys_and_leaves_those_of_a_person(dock: Dock) -> None:
    viewer, widget = dock()
    viewer.bind_key("K", print, overwrite=True)
    close_dock(widget)
    bound = {str(key) for key in viewer.keymap}
    assert not bound & {"R", "Shift+R", "Shift+C", "H", "N"}
    assert "K" in bound


def test_a_key_of_a_person_is_left_to_them(make_napari_viewer: Any) -> None:
    viewer = make_napari_viewer()
    viewer.bind_key("R", print)
    _, widget = viewer.window.add_plugin_dock_widget("napari-coarse-crf", "Refine labels")
    assert "Key:" not in widget.run_bar.button.toolTip()
    assert "Key: K" in widget.run_bar.keep.toolTip()

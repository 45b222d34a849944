"""From place to place in a real viewer, by the button and the key."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.settings import get_settings
from qtpy.QtCore import Qt

from napari_coarse_crf.plugin.controls.run_bar import NEXT_PLACE_KEY
from napari_coarse_crf.plugin.jobs.next_place import LOOKING
from napari_coarse_crf.plugin.layers.camera import camera_of
from tests.helpers import doubtful_image, strokes_at_the_sides

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_coarse_crf.plugin import RefineWidget

    Dock = Callable[..., tuple[Any, RefineWidget]]


@pytest.fixture
def image() -> NDArray[np.uint8]:
    return doubtful_image()


@pytest.fixture
def labels() -> NDArray[np.int32]:
    return strokes_at_the_sides(3, 7)


def press(qtbot: Any, widget: RefineWidget) -> None:
    """Press the button, once it can be, and wait for what it says."""
    qtbot.waitUntil(widget.run_bar.next_place.isEnabled)
    widget.run_bar.next_place.click()
    wait_until_found(qtbot, widget)


def wait_until_found(qtbot: Any, widget: RefineWidget) -> None:
    assert widget.status.startswith(LOOKING)
    qtbot.waitUntil(lambda: not widget.status.startswith(LOOKING))


def centre(viewer: Any) -> NDArray[np.float64]:
    return np.array(camera_of(viewer).center[-2:])


def is_in_large_patch(place: NDArray[np.float64]) -> bool:
    return bool(60 <= place[0] < 110 and 75 <= place[1] < 125)


def test_the_view_goes_to_the_largest_area_in_doubt_and_the_labels_are_named(
    dock: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels)
    viewer.layers["strokes"].features = {"index": [0, 3], "class": ["nothing", "nucleus"]}
    viewer.layers.selection.active = viewer.layers["photo"]
    zoom = camera_of(viewer).zoom
    press(qtbot, widget)
    assert is_in_large_patch(centre(viewer))
    assert camera_of(viewer).zoom >= zoom
    assert viewer.layers.selection.active is viewer.layers["strokes"]
    assert widget.status.startswith("In the middle ")
    assert "3 (nucleus)" in widget.status
    assert " 7 " in widget.status
    assert widget.status.endswith("paint a stroke there.")
    assert [layer.name for layer in viewer.layers] == ["photo", "strokes"]  # nothing is added


def test_what_is_drawn_is_called_by_its_classes(dock: Dock, qtbot: Any, image: NDArray[Any]) -> None:
    viewer, widget = dock(image)
    shapes = viewer.add_shapes(ndim=2, name="drawn")
    strokes = [np.argwhere(strokes_at_the_sides(1, 2) == one)[[0, -1]] for one in (1, 2)]
    shapes.add_lines(strokes, edge_width=2)
    shapes.features = {"class": ["nucleus", "ground"]}  # in the order of the names, ground is 1
    widget.labels_layer.value = shapes
    press(qtbot, widget)
    assert "1 (ground)" in widget.status
    assert "2 (nucleus)" in widget.status


def test_the_key_goes_on_to_other_places_and_then_begins_anew(
    dock: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels)
    assert f"({NEXT_PLACE_KEY})" in widget.run_bar.next_place.text()
    places: list[NDArray[np.float64]] = []
    while "further" not in widget.status:
        qtbot.keyClick(viewer.window._qt_viewer.canvas.native, Qt.Key(ord(NEXT_PLACE_KEY)))
        wait_until_found(qtbot, widget)
        places.append(centre(viewer))
        assert len(places) < 20
    assert any(place[0] < 23 for place in places)
    assert all(np.hypot(*(one - other)) > 10 for one, other in pairwise(places[:-1]))
    press(qtbot, widget)
    np.testing.assert_array_equal(centre(viewer), places[0])


def test_a_further_press_looks_where_the_first_did_until_the_view_is_moved(
    dock: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels)
    widget.scope.least_for_tiles = 1000
    widget.scope.tiles.value = True  # so that what is in view is looked at

    def come_nearer() -> None:
        for layer in viewer.layers:
            layer.corner_pixels = np.array([[60, 90], [80, 110]])

    press(qtbot, widget)
    come_nearer()
    press(qtbot, widget)
    assert "the middle" in widget.status
    come_nearer()
    camera_of(viewer).zoom *= 2
    widget.run_bar.next_place.click()
    assert "fewer than two labels in view" in widget.status


def test_a_stroke_that_no_run_saw_counts(dock: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]) -> None:
    viewer, widget = dock(image, labels)
    viewer.layers["strokes"].data[80:90, 100] = 3
    viewer.layers["strokes"].refresh()
    press(qtbot, widget)
    assert not is_in_large_patch(centre(viewer))


def test_who_has_come_nearer_is_not_taken_away(
    dock: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels)
    camera_of(viewer).zoom = 50
    press(qtbot, widget)
    assert camera_of(viewer).zoom == 50


def test_in_a_volume_the_sliders_go_there_too_in_the_units_of_the_viewer(
    dock: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    volume, strokes = np.stack([np.minimum(image, 200)] * 6), np.stack([labels] * 6)
    flat = np.where(np.arange(200) < 100, 40, 200).astype(np.uint8)
    volume[:3] = flat  # the patches are in the last slices only
    viewer, widget = dock(volume, strokes, scale=(5, 0.5, 0.5))
    viewer.layers["strokes"].scale = (5, 0.5, 0.5)
    viewer.dims.set_point(0, 0)
    press(qtbot, widget)
    assert viewer.dims.point[0] >= 15
    assert is_in_large_patch(centre(viewer) / 0.5)


def test_of_slices_each_on_its_own_the_current_one_is_looked_at(
    dock: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(np.stack([image, image, image[::-1]]), np.stack([labels] * 3))
    widget.scope.mode.value = "each"
    viewer.dims.set_point(0, 2)
    press(qtbot, widget)
    assert viewer.dims.point[0] == 2
    assert is_in_large_patch(np.array([119, 0]) + (-1, 1) * centre(viewer))


def test_where_nothing_can_be_refined_the_button_is_grey(dock: Dock, image: NDArray[Any]) -> None:
    _, widget = dock(image)
    assert not widget.run_bar.next_place.isEnabled()
    widget.next_place()
    assert not widget.status.startswith(LOOKING)


def test_a_dock_that_is_closed_meanwhile_moves_nothing_and_gives_the_key_back(
    dock: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels)
    before = centre(viewer)
    widget.run_bar.next_place.click()
    widget.native.parent().destroyOnClose()
    qtbot.wait(0)
    np.testing.assert_array_equal(centre(viewer), before)
    assert NEXT_PLACE_KEY not in {str(key) for key in viewer.keymap}


def test_napari_uses_the_key_for_nothing_else() -> None:
    taken = {str(key) for keys in get_settings().shortcuts.shortcuts.values() for key in keys}
    assert NEXT_PLACE_KEY not in taken

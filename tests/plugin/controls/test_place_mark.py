"""The mark around a place, by Next place in a real viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QApplication, QLabel

from napari_coarse_crf.plugin.controls.place_mark import PlaceMark
from napari_coarse_crf.plugin.layers.camera import camera_of, grid_of
from tests.helpers import doubtful_image, strokes_at_the_sides

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtWidgets import QWidget

    from napari_coarse_crf.plugin import RefineWidget

    Dock = Callable[..., tuple[Any, RefineWidget]]


@pytest.fixture
def marked(dock: Dock, qtbot: Any) -> tuple[Any, RefineWidget]:
    """Return a viewer and its dock once Next place has marked a place."""
    viewer, widget = dock(doubtful_image(), strokes_at_the_sides(3, 7))
    qtbot.waitUntil(widget.run_bar.next_place.isEnabled)
    widget.run_bar.next_place.click()
    qtbot.waitUntil(lambda: widget.mark.ring is not None)
    return viewer, widget


def middle(ring: QWidget) -> QPoint:
    return ring.geometry().center()


def canvas_of(ring: QWidget) -> QWidget:
    canvas = ring.parentWidget()
    assert canvas is not None
    return canvas


def is_at(ring: QWidget, point: QPoint) -> bool:
    return (middle(ring) - point).manhattanLength() <= 3


def test_next_place_marks_the_place_in_the_middle_of_the_view_and_adds_no_layer(
    marked: tuple[Any, RefineWidget],
) -> None:
    viewer, widget = marked
    ring = widget.mark.ring
    assert ring is not None
    assert ring.isVisibleTo(canvas_of(ring))
    assert is_at(ring, canvas_of(ring).rect().center())
    assert ring.testAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)  # a stroke begins below it
    assert [layer.name for layer in viewer.layers] == ["photo", "strokes"]


def test_the_mark_follows_the_place_on_the_screen(marked: tuple[Any, RefineWidget]) -> None:
    viewer, widget = marked
    ring, camera = widget.mark.ring, camera_of(viewer)
    assert ring is not None
    before, width = middle(ring), ring.width()
    *above, row, column = camera.center
    camera.center = (*above, row + 10, column - 20)
    assert is_at(ring, before + QPoint(round(20 * camera.zoom), round(-10 * camera.zoom)))
    camera.center = (*above, row, column)
    camera.zoom *= 3
    assert is_at(ring, before)
    assert ring.width() > 2 * width
    canvas = canvas_of(ring)
    canvas.resize(canvas.width() + 100, canvas.height())
    QApplication.sendEvent(canvas, QResizeEvent(canvas.size(), canvas.size()))  # as Qt does once it is on a screen
    assert is_at(ring, canvas.rect().center())


@pytest.mark.parametrize("what", ["stroke", "run", "take back", "3-D", "grid", "other labels", "closed"])
def test_the_mark_goes_with_the_next_thing_that_is_done(marked: tuple[Any, RefineWidget], what: str) -> None:
    viewer, widget = marked
    if what == "stroke":
        viewer.layers["strokes"].paint((50, 50), 3)
    elif what == "run":
        widget.run_bar.button.click()
        widget.cancel()
    elif what == "take back":
        widget.take_back()
    elif what == "3-D":
        viewer.dims.ndisplay = 3
    elif what == "grid":
        grid_of(viewer).enabled = True
    elif what == "other labels":
        viewer.add_labels(np.zeros((120, 200), np.uint8), name="others")
        widget.labels_layer.value = viewer.layers["others"]
    else:
        viewer.window.remove_dock_widget(widget.native)
    assert widget.mark.ring is None


def test_where_there_is_no_canvas_nothing_is_marked(marked: tuple[Any, RefineWidget], qtbot: Any) -> None:
    elsewhere = QLabel()
    qtbot.addWidget(elsewhere)
    alone = PlaceMark(marked[0], elsewhere)
    alone.show((20.0, 30.0), 5.0)
    assert alone.ring is None

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


@pytest.mark.parametrize("what", ["stroke", "run", "commit", "take back", "3-D", "grid", "other labels", "closed"])
def test_the_mark_goes_with_the_next_thing_that_is_done(marked: tuple[Any, RefineWidget], what: str) -> None:
    viewer, widget = marked
    if what == "stroke":
        viewer.layers["strokes"].paint((50, 50), 3)
    elif what == "run":
        widget.run_bar.button.click()
        widget.cancel()
    elif what == "commit":
        widget.run_bar.commit.click()
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


@pytest.mark.parametrize("of", ["plane", "slices", "whole", "tiles"])
def test_under_live_the_mark_and_its_sentence_stay_until_a_stroke(dock: Dock, qtbot: Any, of: str) -> None:
    image, labels = doubtful_image(), strokes_at_the_sides(3, 7)
    if of in ("slices", "whole"):
        image, labels = np.stack([np.where(image == 120, 40, image), image]), np.stack([labels, labels])
    viewer, widget = dock(image, labels)
    if of == "slices":
        widget.scope.mode.value = "each"
        viewer.dims.set_current_step(0, 1)
    elif of == "tiles":
        widget.scope.least_for_tiles = 1000
        widget.scope.tiles.value = True
        for layer in viewer.layers:  # nothing is drawn that is not on a screen
            layer.corner_pixels = np.array([[0, 0], [119, 199]])  # the place will have fewer labels in view
    qtbot.waitUntil(widget.run_bar.next_place.isEnabled)
    widget.run_bar.next_place.click()
    qtbot.waitUntil(lambda: widget.mark.ring is not None)
    ring, said = widget.mark.ring, widget.status
    widget.run_bar.live.click()
    told = "fewer than two labels in view" if of == "tiles" else "Live: 'strokes preview' took"
    qtbot.waitUntil(lambda: told in widget.status and widget.runs.live.switch.is_settled)
    assert widget.mark.ring is ring
    assert widget.status.startswith(said)
    viewer.layers["strokes"].paint(viewer.dims.current_step, 3)
    assert widget.mark.ring is None
    qtbot.waitUntil(lambda: said not in widget.status)


@pytest.mark.parametrize("what", ["contrast", "eye", "slider", "result hidden", "kept"])
def test_the_mark_stays_while_a_person_looks_at_the_place(
    marked: tuple[Any, RefineWidget], qtbot: Any, what: str
) -> None:
    viewer, widget = marked
    ring = widget.mark.ring
    if what == "contrast":
        viewer.layers["photo"].contrast_limits = (30, 130)
    elif what == "eye":
        viewer.layers["strokes"].visible = False
        viewer.layers["strokes"].visible = True
    elif what == "slider":
        widget.parameters = widget.parameters.replace(iterations=7)
    else:
        widget.run_bar.live.click()
        qtbot.waitUntil(lambda: widget.runs.live.is_up_to_date)
        if what == "kept":
            widget.run_bar.keep.click()
            assert widget.status == "Kept as layer 'strokes refined'."
        else:
            viewer.layers["strokes preview"].visible = False
    assert widget.mark.ring is ring


def test_another_place_takes_the_mark_over(marked: tuple[Any, RefineWidget], qtbot: Any) -> None:
    _, widget = marked
    ring = widget.mark.ring
    widget.run_bar.next_place.click()
    assert widget.mark.ring is None  # while it is looked for
    qtbot.waitUntil(lambda: widget.mark.ring not in (None, ring))


def test_where_there_is_no_canvas_nothing_is_marked(marked: tuple[Any, RefineWidget], qtbot: Any) -> None:
    elsewhere = QLabel()
    qtbot.addWidget(elsewhere)
    alone = PlaceMark(marked[0], elsewhere)
    alone.show((20.0, 30.0), 5.0)
    assert alone.ring is None

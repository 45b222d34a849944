"""Parts of the dock that scroll."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from napari_coarse_crf.plugin.controls.scrolling import OneAtATime, scrolling

if TYPE_CHECKING:
    from collections.abc import Callable


def test_it_is_never_so_narrow_that_something_is_cut(qtbot: Any) -> None:
    body = QLabel("as wide as this is")
    area = scrolling(body)
    qtbot.addWidget(area)
    assert area.minimumSizeHint().width() > body.minimumSizeHint().width() > 0
    assert area.minimumSizeHint().height() < 200


def test_of_two_parts_of_a_low_dock_the_unfolded_one_is_shown(qtbot: Any) -> None:
    dock, part, stand_in, heading = QWidget(), QLabel("settings"), QPushButton("Settings"), QPushButton("Result")
    qtbot.addWidget(dock)
    heading.setCheckable(True)
    layout = QVBoxLayout(dock)
    layout.addWidget(stand_in)
    layout.addWidget(part, 1)
    layout.addWidget(heading)
    OneAtATime(dock, part, stand_in, heading)
    low, high = 20 * dock.fontMetrics().lineSpacing(), 80 * dock.fontMetrics().lineSpacing()
    dock.resize(200, low)
    dock.show()
    assert part.isVisible()
    assert not stand_in.isVisible()
    heading.click()
    assert not part.isVisible()
    assert stand_in.isVisible()
    dock.resize(200, high)
    qtbot.waitUntil(part.isVisible)
    dock.resize(200, low)
    qtbot.waitUntil(lambda: not part.isVisible())
    heading.click()
    assert part.isVisible()
    heading.click()
    stand_in.click()
    assert part.isVisible()
    assert not stand_in.isVisible()
    assert not heading.isChecked()


def test_docks_become_low_again_once_the_result_is_folded_and_never_overlap(
    make_napari_viewer: Callable[..., Any], qtbot: Any
) -> None:
    viewer = make_napari_viewer(show=True)
    dock, widget = viewer.window.add_plugin_dock_widget("napari-coarse-crf", "Refine labels")
    other, _ = viewer.window.add_plugin_dock_widget("napari-coarse-crf", "Annotate a series")
    window, panel = viewer.window._qt_window, widget.result.panel

    def is_low() -> bool:
        window.resize(window.width(), 1)
        return bool(window.height() <= window.minimumSizeHint().height())

    def make_low() -> None:
        qtbot.waitUntil(is_low)
        qtbot.wait(0)
        first, second = sorted((dock, other), key=lambda one: one.geometry().top())
        qtbot.waitUntil(lambda: first.geometry().bottom() < second.geometry().top())

    widget.result.heading.click()
    qtbot.waitUntil(lambda: panel.isVisible() and dock.minimumSizeHint().height() > panel.minimumSizeHint().height())
    make_low()
    unfolded = dock.minimumSizeHint().height()
    widget.result.heading.click()
    qtbot.waitUntil(lambda: dock.minimumSizeHint().height() < unfolded - 100)
    make_low()
    widget.result.heading.click()
    qtbot.waitUntil(panel.isVisible)
    make_low()

"""What a person does with the dock, and waiting for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QCoreApplication, QThreadPool

from tests.plugin.waiting import TIMEOUT

if TYPE_CHECKING:
    from napari_coarse_crf.plugin import RefineWidget, SeriesWidget


def settle(qtbot: Any, widget: SeriesWidget) -> None:
    """Wait until all is read and stored."""
    qtbot.waitUntil(lambda: widget.is_settled)


def refine_dock(viewer: Any) -> RefineWidget:
    """Return the other dock."""
    widget: RefineWidget = viewer.window.add_plugin_dock_widget("napari-coarse-crf", "Refine labels")[1]
    return widget


def paint(viewer: Any, name: str) -> None:
    """Paint a stroke on each half, as napari's brush does."""
    layer = viewer.layers[name]
    layer.brush_size = 3
    for label_id, column in ((1, 8), (2, layer.data.shape[1] - 10)):
        layer.selected_label = label_id
        for row in range(12, 28):
            layer.paint((row, column), label_id)


def close_while_reading(viewer: Any, widget: SeriesWidget, close: str) -> None:
    """Close the dock or the viewer, and let what a thread has read meanwhile come in."""
    if close == "dock":
        viewer.window.remove_dock_widget(widget)
    else:
        viewer.close()
    assert QThreadPool.globalInstance().waitForDone(TIMEOUT)
    QCoreApplication.processEvents()

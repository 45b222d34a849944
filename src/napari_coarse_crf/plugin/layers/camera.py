"""Where a viewer looks, and word of it when it has come to look elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from qtpy.QtCore import QTimer

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari
    from napari.layers import Layer
    from qtpy.QtCore import QObject

_REST_MS: Final = 200
"""How long the view must be still: napari knows what is seen only once it has drawn it."""


def camera_of(viewer: napari.viewer.Viewer) -> Any:
    """Return the camera of a viewer; napari 0.9 moved it to the scene and warns about its old place."""
    return viewer.scene.camera if hasattr(viewer, "scene") else viewer.camera


def grid_of(viewer: napari.viewer.Viewer) -> Any:
    """Return the grid of a viewer; napari 0.9 moved it to the canvas and warns about its old place."""
    return viewer.canvas.grid if hasattr(viewer, "canvas") else viewer.grid


def look_at(viewer: napari.viewer.Viewer, layer: Layer) -> None:
    """Bring all of a layer into view; napari 0.8 can do so only with all others."""
    if hasattr(viewer, "scene"):
        viewer.reset_view(layers=[layer])
    else:
        viewer.reset_view()


class ViewWatch:
    """Tells that a viewer looks elsewhere, once its view is at rest.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Which one.
    parent : QObject
        What the timer dies with.
    tell : callable
        Called when the view is at rest.
    """

    def __init__(self, viewer: napari.viewer.Viewer, parent: QObject, tell: Callable[[], None]) -> None:
        self._viewer = viewer
        self._rest = QTimer(parent)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MS)
        self._rest.timeout.connect(tell)

    def watch(self, on: bool) -> None:
        """Begin or cease to watch."""
        events = camera_of(self._viewer).events
        for event in (events.center, events.zoom):
            (event.connect if on else event.disconnect)(self._on_moved)
        if not on:
            self._rest.stop()

    def _on_moved(self) -> None:
        self._rest.start()

"""A ring over the canvas around a place of the image: no layer, and gone once the place is dealt with.

A small window of its own rather than one of napari's overlays: how those are added differs from version to version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from qtpy.QtCore import QEvent, QObject, QPointF, Qt
from qtpy.QtGui import QColor, QPainter, QPen
from qtpy.QtWidgets import QWidget

from napari_coarse_crf.plugin.layers.camera import camera_of, grid_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import napari
    from qtpy.QtGui import QPaintEvent

_LEAST_RADIUS: Final = 16
"""In points of the screen."""
_MARGIN: Final = 4
_LINES: Final = ((5.0, QColor(0, 0, 0, 160)), (2.0, QColor(255, 255, 255)))
"""Width and colour, from below: white with a dark edge is seen on every image."""


class PlaceMark:
    """Marks one place at a time.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose canvas it lies over.
    dock : QWidget
        A widget in the same window.
    """

    def __init__(self, viewer: napari.viewer.Viewer, dock: QWidget) -> None:
        self._viewer, self._dock = viewer, dock
        self._centre, self._reach = (0.0, 0.0), 0.0
        self._watched: list[tuple[Any, Callable[[], None]]] = []
        self.ring: QWidget | None = None

    @property
    def is_shown(self) -> bool:
        """Whether a place is marked."""
        return self.ring is not None

    def show(self, centre: Sequence[float], reach: float, until: Iterable[Any] = ()) -> None:
        """Mark a place of the plane that is displayed, and follow it on the screen; in 3-D and in a grid nothing.

        Parameters
        ----------
        centre : sequence of float
            Where it is along the displayed axes, in the units of the viewer.
        reach : float
            How far it reaches, in these units.
        until : iterable of napari events, optional
            After any of which it is marked no more, besides those after which another plane is displayed.
        """
        self.clear()
        canvas, dims, grid = _canvas_beside(self._dock), self._viewer.dims, grid_of(self._viewer)
        if canvas is None or dims.ndisplay != 2 or grid.enabled:
            return
        self._centre, self._reach = (centre[-2], centre[-1]), reach
        self.ring = _Ring(canvas, self._follow)
        self.ring.destroyed.connect(self._on_destroyed)
        camera = camera_of(self._viewer).events
        self._watched = [(event, self._follow) for event in (camera.center, camera.zoom)]
        elsewhere = (dims.events.ndisplay, dims.events.order, dims.events.current_step, grid.events.enabled)
        self._watched += [(event, self.clear) for event in (*elsewhere, *until)]
        for event, slot in self._watched:
            event.connect(slot)
        self._follow()
        self.ring.show()

    def clear(self) -> None:
        """Mark nothing any more, and hold nothing of the viewer."""
        for event, slot in self._watched:
            event.disconnect(slot)
        self._watched = []
        if self.ring is not None:
            self.ring.destroyed.disconnect(self._on_destroyed)
            self.ring.hide()
            self.ring.deleteLater()
            self.ring = None

    def _on_destroyed(self) -> None:
        """Forget a ring that went with its canvas: a window that closes may delete that before the dock."""
        self.ring = None

    def _follow(self) -> None:
        """Go where the place is on the screen now."""
        ring = self.ring
        if ring is None or (canvas := ring.parentWidget()) is None:
            return
        camera = camera_of(self._viewer)
        down, right = (str(one) for one in getattr(camera, "orientation2d", ("down", "right")))
        y, x = ((at - middle) * camera.zoom for at, middle in zip(self._centre, camera.center[-2:], strict=True))
        y, x = -y if down == "up" else y, -x if right == "left" else x
        radius = max(_LEAST_RADIUS, self._reach * camera.zoom)
        half = round(radius) + _MARGIN
        left, top = round(canvas.width() / 2 + x) - half, round(canvas.height() / 2 + y) - half
        ring.setGeometry(left, top, 2 * half, 2 * half)


class _Ring(QWidget):
    """What is seen; the mouse goes through it."""

    def __init__(self, canvas: QWidget, follow: Callable[[], None]) -> None:
        super().__init__(canvas)
        self._follow = follow
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setStyleSheet("background: transparent;")
        canvas.installEventFilter(self)

    def eventFilter(self, _watched: QObject | None, event: QEvent | None) -> bool:
        """Follow the size of the canvas."""
        if event is not None and event.type() == QEvent.Type.Resize:
            self._follow()
        return False

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        """Draw it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle, radius = QPointF(self.width() / 2, self.height() / 2), self.width() / 2 - _MARGIN
        for width, colour in _LINES:
            painter.setPen(QPen(colour, width))
            painter.drawEllipse(middle, radius, radius)
        painter.end()


def _canvas_beside(dock: QWidget) -> QWidget | None:
    """Return the canvas of the window that a dock belongs to; one that floats is a window itself."""
    window = dock
    while (above := window.parentWidget()) is not None:
        window = above
    # By name: Qt 5 has the class in another module.
    return next((child for child in window.findChildren(QWidget) if child.inherits("QOpenGLWidget")), None)

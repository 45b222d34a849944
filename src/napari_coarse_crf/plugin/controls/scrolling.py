"""Parts of the dock that scroll: as wide as the dock, in as much height as there is."""

from __future__ import annotations

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import QFrame, QScrollArea, QWidget


class _Scrolling(QScrollArea):
    """An area in which a widget scrolls up and down; never so narrow that something is cut."""

    def minimumSizeHint(self) -> QSize:
        hint = super().minimumSizeHint()
        body, bar = self.widget(), self.verticalScrollBar()
        if body is None or bar is None:
            return hint
        return QSize(body.minimumSizeHint().width() + bar.sizeHint().width(), hint.height())


def scrolling(body: QWidget) -> QScrollArea:
    """Return an area in which a widget scrolls up and down."""
    scroll = _Scrolling()
    scroll.setWidget(body)
    scroll.setWidgetResizable(True)
    scroll.setFrameShape(QFrame.Shape.NoFrame)
    scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return scroll

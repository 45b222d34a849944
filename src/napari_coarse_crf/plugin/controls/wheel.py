"""Let the wheel scroll the dock, not turn what the pointer happens to pass over.

A slider or box that takes the wheel would cut labels or choose other layers by accident.
"""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QWidget


class WheelGuard(QObject):
    """Passes the wheel on unless a person has clicked or tabbed to the widget."""

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Return whether the widget is to see nothing of an event."""
        if event is None or event.type() != QEvent.Type.Wheel:
            return False
        if isinstance(watched, QWidget) and watched.hasFocus():
            return False
        event.ignore()  # so that it goes on to the scroll area
        return True


def guard_against_wheel(widget: QWidget) -> None:
    """Let `widget` take the wheel only while it has the focus."""
    widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # Qt's default gives the focus to what the wheel turns over
    widget.installEventFilter(WheelGuard(widget))

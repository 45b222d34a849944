"""Docks whose viewer is still open as Python ends, in a script or a console that was left: they go before it does.

PyQt takes down at the end what Python owns, while it looks through all objects there are. What goes with a dock is gone
before it is looked at, and the process ends in a segmentation fault.
"""

from __future__ import annotations

import atexit
from contextlib import suppress
from typing import TYPE_CHECKING
from weakref import WeakSet

from qtpy.QtCore import QCoreApplication, QEvent

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

_DOCKS: WeakSet[QWidget] = WeakSet()


def go_with_python(dock: QWidget) -> None:
    """Let a dock go as Python ends, if it has not gone before."""
    _DOCKS.add(dock)


@atexit.register  # after PyQt's own, so it is called before that
def _let_go() -> None:
    for dock in list(_DOCKS):
        with suppress(RuntimeError):  # of Qt's part nothing may be left
            dock.setParent(None)
            dock.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)

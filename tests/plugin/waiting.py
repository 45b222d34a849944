"""Waiting for what the widget does, never for a time."""

from __future__ import annotations

from functools import partialmethod
from typing import TYPE_CHECKING, Any

from pytestqt.qtbot import QtBot

if TYPE_CHECKING:
    from napari_coarse_crf.plugin import RefineWidget

TIMEOUT = 120_000
"""Milliseconds that a run may take on a slow machine, compiling included; no test waits as long as that."""


class PatientBot(QtBot):
    """Waits for whatever it waits for as long as the slowest machine may need; pytest-qt gives up after 5 s."""

    waitUntil = partialmethod(QtBot.waitUntil, timeout=TIMEOUT)
    waitSignal = partialmethod(QtBot.waitSignal, timeout=TIMEOUT)
    waitCallback = partialmethod(QtBot.waitCallback, timeout=TIMEOUT)


def wait_until_ready(qtbot: Any, widget: RefineWidget) -> None:
    """Wait until no run is under way."""
    qtbot.waitUntil(lambda: widget.run_bar.button.text() == "Run")


def wait_until_settled(qtbot: Any, widget: RefineWidget) -> None:
    """Wait until Live has nothing left to do."""
    qtbot.waitUntil(lambda: widget.runs.live.switch.is_settled)


def wait_until_ended(qtbot: Any, worker: Any) -> None:
    """Wait until a worker has left its thread and everything it sent has arrived."""
    qtbot.waitUntil(lambda: not worker.is_running)
    qtbot.wait(0)  # one turn of the event loop

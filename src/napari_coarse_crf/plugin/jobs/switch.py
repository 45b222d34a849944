"""When to refine again by itself: a quick look at once, the full result when the hand rests."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Final, Protocol

from qtpy.QtCore import QTimer

if TYPE_CHECKING:
    from qtpy.QtCore import QObject

_SOON_MS: Final = 30
"""How long changes are gathered before the quick look: many come at once."""

_REST_MS: Final = 400
"""How long nothing must change before the full result is computed."""


class Host(Protocol):
    """Who runs the jobs."""

    @property
    def is_busy(self) -> bool:
        """Whether any job runs."""

    def start_live(self, *, quick: bool) -> None:
        """Start a quick look or a full refinement, unless what it would show is shown already."""

    def drop_live(self) -> None:
        """Cancel the full refinement that this switch started, if it still runs."""


class State(Enum):
    """What is left to do."""

    OFF = auto()
    """Changes are not followed."""
    UP_TO_DATE = auto()
    CHANGED = auto()
    """A quick look is due, then the full result."""
    LOOKED = auto()
    """The full result is due when the hand rests."""


class LiveSwitch:
    """Decides when to refine again.

    Quick looks go to their end, so that something is seen while a slider moves on; a full refinement is dropped as soon
    as something changes.

    Parameters
    ----------
    host : Host
        Who runs the jobs.
    parent : QObject
        What the timers die with.
    """

    def __init__(self, host: Host, parent: QObject) -> None:
        self._host = host
        self._state = State.OFF
        self._soon = self._timer(parent, _SOON_MS)
        self._rest = self._timer(parent, _REST_MS)

    @property
    def is_on(self) -> bool:
        """Whether changes are followed."""
        return self._state is not State.OFF

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to do."""
        waits = self._soon.isActive() or self._rest.isActive()
        return self._state in (State.OFF, State.UP_TO_DATE) and not waits and not self._host.is_busy

    def switch(self, on: bool) -> None:
        """Begin or stop to follow changes; what was planned is forgotten, and what runs dropped."""
        self._soon.stop()
        self._rest.stop()
        self._state = State.UP_TO_DATE if on else State.OFF
        self._host.drop_live()
        self.note_change()

    def note_change(self) -> None:
        """Plan a quick look and, after a rest, the full result."""
        if self._state is State.OFF:
            return
        self._state = State.CHANGED
        self._rest.start()
        if not self._soon.isActive():
            self._soon.start()
            self._host.drop_live()

    def go_on(self) -> None:
        """Start what is due, if no job runs; called again whenever one ends."""
        if self._state is State.CHANGED and not self._soon.isActive() and not self._host.is_busy:
            self._state = State.LOOKED
            self._host.start_live(quick=True)
        if self._state is State.LOOKED and not self._rest.isActive() and not self._host.is_busy:
            self._state = State.UP_TO_DATE
            self._host.start_live(quick=False)

    def _timer(self, parent: QObject, milliseconds: int) -> QTimer:
        timer = QTimer(parent)
        timer.setSingleShot(True)
        timer.setInterval(milliseconds)
        timer.timeout.connect(self.go_on)
        return timer

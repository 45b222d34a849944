"""What a series is made of, images of a folder or frames of a stack: what the list shows of either."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class State(Enum):
    """How far an image is; the value says so to a person."""

    UNTOUCHED = "nothing is painted yet"
    LABELLED = "has labels"
    DONE = "done"
    UNREADABLE = "cannot be read"


class Source(Protocol):
    """A series."""

    @property
    def title(self) -> str:
        """Where it comes from."""

    @property
    def one(self) -> str:
        """What one of it is called."""

    @property
    def names(self) -> Sequence[str]:
        """What each is called, in order."""

    @property
    def done_count(self) -> int:
        """How many are done."""

    def state(self, row: int) -> State:
        """Return how far one is; asked for those that are seen alone."""

    def mark_done(self, row: int, done: bool) -> None:
        """Say whether one is done; it is stored with what is written next."""


def next_waiting(source: Source, row: int) -> int | None:
    """Return the next after one that is not done, from the beginning once there is none behind it; None: all are."""
    count = len(source.names)
    others = [other % count for other in range(row + 1, row + count)]
    return next((other for other in others if source.state(other) in (State.UNTOUCHED, State.LABELLED)), None)

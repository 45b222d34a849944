"""Who does the same for many parts of an image side by side while it is planned: threads here, or others elsewhere."""

from __future__ import annotations

from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from napari_coarse_crf.compute.parallel import in_chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from concurrent.futures import ThreadPoolExecutor

T = TypeVar("T")


class Helpers(Protocol):
    """Call a function for many things side by side. In what order they are done makes no difference."""

    @property
    def at_once(self) -> int:
        """How many things keep all of them busy."""

    def threads(self, count: int) -> int:
        """Return how many threads each of so many things may take."""

    def each(
        self, function: Callable[..., T], common: Any, things: Sequence[tuple[Any, ...]]
    ) -> Generator[None, None, list[T]]:
        """Return `function(common, *thing)` for each thing; yields when it may be stopped.

        The function is one of a module, and what it takes and returns may be sent to other processes; `common` once.
        """


class Threads:
    """The threads of a pool."""

    def __init__(self, pool: ThreadPoolExecutor, workers: int) -> None:
        self._pool, self._workers = pool, workers

    @property
    def at_once(self) -> int:
        """How many things keep all of them busy."""
        return 4 * self._workers

    def threads(self, count: int) -> int:
        """Return how many threads each of so many things may take."""
        return -(-self._workers // count)

    def each(
        self, function: Callable[..., T], common: Any, things: Sequence[tuple[Any, ...]]
    ) -> Generator[None, None, list[T]]:
        """Call the function; see `Helpers.each`."""
        takes_long = Event()  # nobody sets it but `in_chunks`, which sends a single thing to a thread for it, too
        return (yield from in_chunks(self._pool, partial(function, common), things, takes_long))

"""Run a compiled kernel over chunks on threads, step by step.

Kernels release the GIL, so plain threads run them side by side without numba's own threading layers (whose `workqueue`
layer aborts the process when napari colours a Labels layer at the same time). Everything that takes long is a
generator: it yields whenever a caller may stop it, and returns its result.
"""

from __future__ import annotations

import os
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import closing
from threading import Event
from typing import TYPE_CHECKING, Any, TypeVar

from napari_coarse_crf.compute.arrays import is_whole_number
from napari_coarse_crf.errors import ParameterError, in_short

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")

_TICK = 0.05  # seconds


def available_workers() -> int:
    """Return how many threads this process may run at once."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def chosen_workers(workers: int | None) -> int:
    """Return how many threads a person wants, or else how many there may be.

    Raises
    ------
    ParameterError
        If that is no whole number from 1 up.
    """
    if workers is None:
        return available_workers()
    if not is_whole_number(workers) or workers < 1:
        raise ParameterError(f"workers is {in_short(workers)}; it must be a whole number from 1 up, or None.")
    return int(workers)


def in_chunks(
    pool: ThreadPoolExecutor,
    kernel: Callable[..., T],
    chunks: Iterable[tuple[Any, ...]],
    stop: Event | None = None,
) -> Generator[None, None, list[T]]:
    """Call `kernel(*chunk)` for every chunk on the pool and return the results in order.

    Yields after each chunk, and every `_TICK` seconds of a long one. Closing the generator drops the chunks not begun
    and waits for the others, so no thread writes afterwards; a kernel of long chunks looks at `stop`, set then.
    """
    tasks = [pool.submit(kernel, *chunk) for chunk in chunks]
    results = []
    try:
        for task in tasks:
            while not wait([task], _TICK).done:
                yield
            results.append(task.result())
            yield
    finally:
        if stop is not None:
            stop.set()
        for task in tasks:
            task.cancel()
        wait(tasks)
    return results


class _Here(ThreadPoolExecutor):
    """A pool without threads: what is submitted runs at once, on the thread that submits it."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Run it; an error is raised here already."""
        done: Future[T] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


def side_by_side(
    pool: ThreadPoolExecutor, works: Sequence[Callable[[ThreadPoolExecutor], Generator[Any, None, T]]]
) -> Generator[None, None, list[T]]:
    """Run several small works to their ends, each on one thread of the pool, and return their results in order.

    A work takes the pool on which it runs its chunks, and returns a generator. Chunks of small works are too short to
    be worth two threads. Closing the generator stops each work at its next step.
    """
    stop = Event()
    return (yield from in_chunks(pool, _alone, [(work, stop) for work in works], stop))


def _alone(work: Callable[[ThreadPoolExecutor], Generator[Any, None, T]], stop: Event) -> T:
    """Run one work on this thread; in vain where it is to stop, as then nobody reads the result."""
    with closing(work(_Here())) as steps:
        while not stop.is_set():
            try:
                next(steps)
            except StopIteration as end:
                value: T = end.value
                return value
    raise CancelledError


def finish(steps: Generator[Any, None, T]) -> T:
    """Run a generator to its end and return what it returns."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            value: T = stop.value
            return value


def retold(steps: Generator[A, None, T], tell: Callable[[A], B]) -> Generator[B, None, T]:
    """Run a generator and yield what `tell` makes of each step; returns what it returns, and closes it when closed.

    Examples
    --------
    >>> def steps():
    ...     yield 1
    ...     yield 2
    ...     return "done"
    >>> finish(retold(steps(), print))
    1
    2
    'done'
    """
    with closing(steps):
        while True:
            try:
                step = next(steps)
            except StopIteration as stop:
                value: T = stop.value
                return value
            yield tell(step)


def blocks(count: int, size: int) -> list[tuple[int, int]]:
    """Return (start, stop) ranges of about `size` that cover `count`."""
    return [(start, min(start + size, count)) for start in range(0, count, size)]

"""Run a compiled kernel over chunks on threads, step by step.

Kernels release the GIL, so plain threads run them side by side without numba's own threading layers (whose `workqueue`
layer aborts the process when napari colours a Labels layer at the same time). Everything that takes long is a
generator: it yields whenever a caller may stop it, and returns its result.
"""

from __future__ import annotations

import os
from concurrent.futures import FIRST_EXCEPTION, CancelledError, ThreadPoolExecutor, wait
from contextlib import closing
from threading import Event, Lock
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

    Yields every `_TICK` seconds. Closing the generator drops the chunks not begun and waits for the others, so that no
    thread writes afterwards; a kernel of long chunks looks at `stop`, set then. Without it chunks are short: to wait
    for a thread that works on the only one takes longer than the chunk, and a small image is one chunk in all it does.
    """
    given = list(chunks)
    if isinstance(pool, _Here) or (len(given) == 1 and stop is None):
        return (yield from _one_by_one(kernel, given))
    results: list[Any] = [None] * len(given)
    # Each thread takes the next chunk: a task for each one would take longer than a short chunk does.
    numbers, stop = iter(range(len(given))), stop or Event()
    lock = Lock()

    def take_chunks() -> None:
        while not stop.is_set():
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            results[number] = kernel(*given[number])

    tasks = [pool.submit(take_chunks) for _ in range(min(n_threads(pool), len(given)))]
    try:
        while True:
            done, running = wait(tasks, _TICK, FIRST_EXCEPTION)
            for task in done:
                task.result()
            if not running:
                return results
            yield
    finally:
        stop.set()
        for task in tasks:
            task.cancel()
        wait(tasks)


def aside(pool: ThreadPoolExecutor, work: Callable[..., T], *given: Any) -> Generator[None, None, T]:
    """Call `work(*given)`, which takes long, on one thread of the pool; yields meanwhile, and returns its result."""
    (result,) = yield from in_chunks(pool, work, [given], Event())
    return result


def _one_by_one(kernel: Callable[..., T], chunks: Iterable[tuple[Any, ...]]) -> Generator[None, None, list[T]]:
    """Call it on this thread; yields after each chunk."""
    results = []
    for chunk in chunks:
        results.append(kernel(*chunk))
        yield
    return results


class _Here(ThreadPoolExecutor):
    """A pool without threads: chunks run at once, on the thread that asks for them."""

    def __init__(self) -> None:
        super().__init__(1)


def n_threads(pool: ThreadPoolExecutor) -> int:
    """Return how many chunks run at a time."""
    count: int = pool._max_workers  # has no public name; dask reads it, too
    return count


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

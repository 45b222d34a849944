"""Run a compiled kernel over chunks on threads, step by step.

Kernels release the GIL, so plain threads run them side by side without numba's own threading layers (whose `workqueue`
layer aborts the process when napari colours a Labels layer at the same time). Everything that takes long is a
generator: it yields whenever a caller may stop it, and returns its result.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeVar

from napari_coarse_crf.compute.arrays import is_whole_number
from napari_coarse_crf.errors import ParameterError, in_short

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from threading import Event

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

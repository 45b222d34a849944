"""Small works side by side."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from napari_coarse_crf.compute.parallel import aside, finish, in_chunks, side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


def _squares(numbers: list[int]) -> Callable[[ThreadPoolExecutor], Generator[None, None, list[tuple[int, int]]]]:
    """Return a work that squares numbers chunk by chunk, and says on which thread."""

    def square(number: int) -> tuple[int, int]:
        return number**2, threading.get_ident()

    def work(pool: ThreadPoolExecutor) -> Generator[None, None, list[tuple[int, int]]]:
        return (yield from in_chunks(pool, square, [(number,) for number in numbers]))

    return work


def _endless(
    begin: Callable[[], None], end: Callable[[], None]
) -> Callable[[ThreadPoolExecutor], Generator[None, None, None]]:
    """Return a work that ends only when it is stopped, and says when it begins and ends."""

    def work(_pool: ThreadPoolExecutor) -> Generator[None, None, None]:
        begin()
        try:
            while True:
                yield
        finally:
            end()

    return work


def test_results_are_in_order_whatever_the_number_of_threads() -> None:
    for workers in (1, 3):
        with ThreadPoolExecutor(workers) as pool:
            found = finish(side_by_side(pool, [_squares([start, start + 1]) for start in range(7)]))
        assert [[square for square, _ in one] for one in found] == [[n**2, (n + 1) ** 2] for n in range(7)]


def test_a_work_stays_on_its_thread_and_off_that_of_the_caller() -> None:
    with ThreadPoolExecutor(2) as pool:
        found = finish(side_by_side(pool, [_squares(list(range(20))) for _ in range(4)]))
    threads = [{thread for _, thread in one} for one in found]
    assert all(len(one) == 1 for one in threads)
    assert threading.get_ident() not in set.union(*threads)


def test_an_error_of_one_work_reaches_the_caller_and_stops_the_others() -> None:
    begun, stopped = threading.Event(), threading.Event()
    endless = _endless(begun.set, stopped.set)

    def failing(pool: ThreadPoolExecutor) -> Generator[None, None, None]:
        def kernel() -> None:
            begun.wait()
            raise ZeroDivisionError

        yield from in_chunks(pool, kernel, [()])

    with ThreadPoolExecutor(2) as pool, pytest.raises(ZeroDivisionError):
        finish(side_by_side(pool, [failing, endless]))
    assert stopped.is_set()


def test_works_end_when_the_caller_closes() -> None:
    begun, ended = threading.Semaphore(0), []
    endless = _endless(begun.release, lambda: ended.append(True))

    with ThreadPoolExecutor(2) as pool:
        steps = side_by_side(pool, [endless] * 4)
        next(steps)
        begun.acquire()
        steps.close()
        n_ended = len(ended)
        assert 1 <= n_ended <= 2  # the two that had begun; the others never do
    assert len(ended) == n_ended


def test_a_single_chunk_is_not_worth_a_thread() -> None:
    with ThreadPoolExecutor(2) as pool:
        assert finish(in_chunks(pool, threading.get_ident, [()])) == [threading.get_ident()]
        assert threading.get_ident() not in finish(in_chunks(pool, threading.get_ident, [()] * 2))


def test_a_long_work_may_be_left_while_it_goes_on_and_its_end_is_waited_for() -> None:
    begun, goes_on, ended = threading.Event(), threading.Event(), []

    def work(what: str) -> str:
        begun.set()
        goes_on.wait()
        ended.append(what)
        return what

    with ThreadPoolExecutor(1) as pool:
        steps = aside(pool, work, "left")
        next(steps)
        begun.wait()
        threading.Timer(0.1, goes_on.set).start()
        steps.close()
        assert ended == ["left"]
        assert finish(aside(pool, work, "not left")) == "not left"

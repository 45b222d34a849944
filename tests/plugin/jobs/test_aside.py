"""Work in a thread of its own, for jobs that must not wait for it."""

from __future__ import annotations

from threading import Event, current_thread
from typing import TYPE_CHECKING

import pytest

from napari_coarse_crf import Progress
from napari_coarse_crf.plugin.jobs.aside import take_aside
from tests.plugin.waiting import TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Generator

HERE = Progress("reading", 1, 2)


def returned(steps: Generator[Progress, None, str]) -> str:
    with pytest.raises(StopIteration) as end:
        next(steps)
    value: str = end.value.value
    return value


def test_what_is_done_at_once_takes_no_step() -> None:
    name = returned(take_aside(lambda: current_thread().name, lambda: HERE))
    assert name != current_thread().name


def test_it_tells_where_the_work_stands_until_that_is_done() -> None:
    go_on = Event()
    steps = take_aside(lambda: str(go_on.wait(TIMEOUT / 1000)), lambda: HERE)
    assert [next(steps), next(steps)] == [HERE, HERE]
    go_on.set()
    assert list(dict.fromkeys(steps)) in ([], [HERE])


def test_an_error_reaches_who_waits() -> None:
    def fail() -> None:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        next(take_aside(fail, lambda: HERE))


def test_closing_does_not_wait_for_the_work() -> None:
    go_on, ended = Event(), Event()

    def work() -> None:
        go_on.wait(TIMEOUT / 1000)
        ended.set()

    steps = take_aside(work, lambda: HERE)
    next(steps)
    steps.close()
    assert not ended.is_set()
    go_on.set()
    assert ended.wait(TIMEOUT / 1000)

"""Short work in threads: what is handed over, and what is kept."""

from __future__ import annotations

import gc
import warnings
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.notifications import notification_manager
from superqt.utils import WorkerBase

from napari_coarse_crf.plugin.jobs.background import Background
from tests.plugin.waiting import wait_until_ended

if TYPE_CHECKING:
    from collections.abc import Callable


def test_what_a_task_was_made_with_is_freed_once_it_is_done(make_napari_viewer: Callable[..., Any], qtbot: Any) -> None:
    make_napari_viewer()  # which would keep a worker of its own until it closes
    background, array = Background(), np.ones(5)
    sums: list[float] = []
    kept = weakref.ref(array)
    worker = background.start("adding", sums.append, partial(np.sum, array))
    del array
    qtbot.waitUntil(lambda: sums == [5])
    wait_until_ended(qtbot, worker)
    gc.collect()
    assert kept() is None


def test_only_the_latest_task_of_a_name_is_heard_and_none_once_it_is_abandoned(qtbot: Any) -> None:
    background = Background()
    heard: list[int] = []
    for number in (1, 2):
        background.start("adding", heard.append, partial(sum, [number]))
    background.start("another", heard.append, partial(sum, [3]))
    background.drop("another")
    qtbot.waitUntil(lambda: not WorkerBase._worker_set)
    assert heard == [2]
    background.start("adding", heard.append, partial(sum, [4]))
    background.abandon()
    qtbot.waitUntil(lambda: not WorkerBase._worker_set)
    assert heard == [2]


def test_what_a_library_warns_of_in_a_task_is_shown(qtbot: Any) -> None:
    background = Background()
    heard: list[None] = []
    background.start("warning", heard.append, partial(warnings.warn, "Mind the gap", UserWarning, 1))
    qtbot.waitUntil(lambda: heard == [None])
    assert "Mind the gap" in str(notification_manager.records[-1].message)

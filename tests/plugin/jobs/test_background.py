"""Short work in threads: what is handed over, and what is kept."""

from __future__ import annotations

import gc
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.plugin.jobs.background import Background
from tests.plugin.waiting import wait_until_ended

if TYPE_CHECKING:
    from collections.abc import Callable


def test_what_a_task_was_made_with_is_freed_once_it_is_done(make_napari_viewer: Callable[..., Any], qtbot: Any) -> None:
    make_napari_viewer()  # which keeps every worker until it closes
    background, array = Background(), np.ones(5)
    sums: list[float] = []
    kept = weakref.ref(array)
    worker = background.start("adding", sums.append, partial(np.sum, array))
    del array
    wait_until_ended(qtbot, worker)
    qtbot.waitUntil(lambda: sums == [5])
    gc.collect()
    assert kept() is None

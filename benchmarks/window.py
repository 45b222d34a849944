"""What the benchmarks of the dock share: waiting for it, how late its window is and why, and the memory in use."""

from __future__ import annotations

import ctypes
import gc
import sys
import threading
import time
import traceback
from collections import Counter
from itertools import dropwhile
from time import perf_counter, sleep
from typing import TYPE_CHECKING

import numpy as np
import psutil
from qtpy.QtCore import QEventLoop, Qt, QTimer

if TYPE_CHECKING:
    from types import FrameType

    from napari_coarse_crf.plugin import RefineWidget

INTERVAL = 0.010
"""Seconds from one tick to the next."""
_LOOK = 0.004
_PACKAGE = "napari_coarse_crf"


class Ticks:
    """The times at which a timer of the main thread ticked."""

    def __init__(self) -> None:
        self._times: list[float] = []
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(lambda: self._times.append(perf_counter()))
        self._timer.start(int(1e3 * INTERVAL))

    def stop(self) -> tuple[np.ndarray, np.ndarray]:
        """Return when each tick came and how late it was."""
        self._timer.stop()
        times = np.array(self._times)
        return times[1:], np.maximum(np.diff(times) - INTERVAL, 0.0)


class Watchdog:
    """Looks from a thread of its own at the main thread: how long it is held up by this package, and where.

    Attributes
    ----------
    is_on : bool
        Whether it looks now.
    longest : float
        Seconds that one call of a function of the package took at most, with all that it called; of processor time,
        where the system tells that of another thread, so that a busy machine has no part in it.
    found : Counter
        How often the main thread was seen in such a call after it had taken longer than `late`, by the calls.
    """

    late = 0.03

    def __init__(self) -> None:
        self.is_on = False
        self.longest = 0.0
        self.found: Counter[tuple[str, ...]] = Counter()
        self._main = threading.get_ident()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        call, began = None, 0.0
        while True:
            sleep(_LOOK)
            frame = sys._current_frames()[self._main] if self.is_on else None
            found = None if frame is None else _outermost(frame)
            now = self._now()
            if found is None or found is not call:
                call, began = found, now
                continue
            self.longest = max(self.longest, now - began)
            if now - began > self.late:
                self.found[_in_words(traceback.extract_stack(frame))] += 1

    def _now(self) -> float:
        if hasattr(time, "pthread_getcpuclockid"):
            return time.clock_gettime(time.pthread_getcpuclockid(self._main))
        return perf_counter()


def _outermost(frame: FrameType) -> FrameType | None:
    """Return the first call of a function of the package that led to a frame."""
    found, one = None, frame
    while one is not None:
        found = one if _PACKAGE in one.f_code.co_filename else found
        one = one.f_back  # type: ignore[assignment]
    return found


def _in_words(stack: traceback.StackSummary) -> tuple[str, ...]:
    """Return the calls from the first one of the package on."""
    later = dropwhile(lambda one: _PACKAGE not in one.filename, stack)
    return tuple(f"{one.filename.rpartition('/')[2]}:{one.lineno} {one.name}" for one in later)


def idle(milliseconds: int) -> None:
    """Let the window do what it has to do for so long."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def until_settled(widget: RefineWidget) -> None:
    """Wait until Live has nothing left to do."""
    while not widget._live.switch.is_settled:
        idle(50)


def in_use(*, collect: bool = True) -> float:
    """Return the MB that this process has in memory, after everything that nobody knows any more is gone."""
    if collect:
        gc.collect()
        _trim()
    return float(psutil.Process().memory_info().rss / 1e6)


def _trim() -> None:
    """Let the C library give back what is free, so that it does not count as in use; only glibc knows how."""
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    except (OSError, AttributeError):
        return

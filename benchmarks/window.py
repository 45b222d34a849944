"""What the benchmarks of the dock share: waiting for it, how late its window is and why, and the memory in use."""

from __future__ import annotations

import ctypes
import gc
import signal
import traceback
from collections import Counter
from itertools import dropwhile
from time import perf_counter, thread_time
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import psutil
from qtpy.QtCore import QEventLoop, Qt, QTimer

if TYPE_CHECKING:
    from types import CodeType, FrameType

    from napari_coarse_crf.plugin import RefineWidget

INTERVAL = 0.010
"""Seconds from one tick to the next."""
_LOOK = 0.004
_PACKAGE = "napari_coarse_crf"
_HAS_TIMER = hasattr(signal, "setitimer")


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
    """Looks again and again at what the main thread is doing: how long it is held up by this package, and where.

    It interrupts that thread rather than look from another one, which would free, in the wrong thread, what a frame
    that has ended meanwhile still holds: painters, for example. Only Unix has such a timer.

    Attributes
    ----------
    longest : float
        Seconds of processor time that a function of the package took at most, with all that it called.
    found : Counter
        How often the main thread was seen in such a call after it had taken longer than `late`, by the calls.
    """

    late = 0.03

    def __init__(self) -> None:
        self.longest = 0.0
        self.found: Counter[tuple[str, ...]] = Counter()
        self._call: CodeType | None = None
        self._began = self._last = 0.0
        if _HAS_TIMER:
            signal.signal(signal.SIGALRM, self._look)

    def watch(self, on: bool) -> None:
        """Begin or cease to look."""
        self._call, self._last = None, thread_time()
        if _HAS_TIMER:
            signal.setitimer(signal.ITIMER_REAL, _LOOK if on else 0, _LOOK if on else 0)

    def _look(self, _signal: int, frame: FrameType | None) -> None:
        call, now = _outermost(frame), thread_time()
        if call is not self._call:
            self._call, self._began = call, self._last
        self._last = now
        if call is not None:
            self.longest = max(self.longest, now - self._began)
            if now - self._began > self.late:
                self.found[_in_words(traceback.extract_stack(frame))] += 1


def _outermost(frame: FrameType | None) -> CodeType | None:
    """Return the first function of the package that led to a frame."""
    found = None
    while frame is not None:
        found = frame.f_code if _PACKAGE in frame.f_code.co_filename else found
        frame = frame.f_back
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
    while not widget.runs.live.switch.is_settled:
        idle(50)


def in_use(*, collect: bool = True) -> float:
    """Return the MB that this process has in memory, after everything that nobody knows any more is gone."""
    if collect:
        gc.collect()
        _trim()
    return float(psutil.Process().memory_info().rss / 1e6)


class _MallocInfo(ctypes.Structure):
    """What glibc says of its memory, `struct mallinfo2`."""

    _names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_: ClassVar = [(name, ctypes.c_size_t) for name in _names.split()]


def given_out() -> float:
    """Return the MB that the C library has given to those who asked; nan where it does not say, as before glibc 2.33.

    Python's own small objects are not among them. What else is in use is holes between them, and what files take.
    """
    try:
        ask = ctypes.CDLL("libc.so.6").mallinfo2
    except (OSError, AttributeError):
        return float("nan")
    ask.restype = _MallocInfo
    found = ask()
    return float((found.uordblks + found.hblkhd) / 1e6)


def _trim() -> None:
    """Let the C library give back what is free, so that it does not count as in use; only glibc knows how."""
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    except (OSError, AttributeError):
        return

"""Compiles the engine while a person looks at the dock for the first time, so that the first run need not wait.

Once in a session, whichever widget opens first. superqt's worker, not napari's: napari would ask before closing a
window whether to stop it.
"""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING, Any

from psygnal import Signal
from superqt.utils import create_worker

from napari_coarse_crf import warm_up
from napari_coarse_crf.plugin.jobs.worker import JobRunner

if TYPE_CHECKING:
    from superqt.utils import FunctionWorker


class WarmUp:
    """The one warm-up of a session.

    Attributes
    ----------
    ended : psygnal.Signal
        Emitted on the main thread when the engine is compiled.
    """

    ended = Signal()

    def __init__(self) -> None:
        self._worker: FunctionWorker[Any] | None = None
        self.is_running = False

    def begin(self) -> None:
        """Start compiling, unless that was done before."""
        if self._worker is not None or JobRunner.has_compiled:
            return
        self.is_running = True
        self._worker = create_worker(warm_up, _start_thread=False)
        self._worker.returned.connect(self._on_returned)
        # What goes wrong here goes wrong in the first run too, which says so.
        self._worker.errored.connect(self._on_errored)
        # A session may end before: the kernel under way is waited for, while Qt still has what the worker tells it by.
        atexit.register(self._worker.await_workers)
        self._worker.start()

    def _on_returned(self, _nothing: object) -> None:
        JobRunner.has_compiled = True
        self._end()

    def _on_errored(self, _error: Exception) -> None:
        self._end()

    def _end(self) -> None:
        self.is_running = False
        self.ended.emit()


WARM_UP = WarmUp()
"""Shared by all widgets: compiled is compiled."""

"""Short work off the main thread: counting, a heatmap, writing files.

Unlike a refinement it cannot be stopped half-way; its result is dropped when nobody wants it any more.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from superqt.utils import create_worker

from napari_coarse_crf import CoarseCRFError
from napari_coarse_crf.plugin.jobs.explained import explained
from napari_coarse_crf.plugin.jobs.worker import Failure, pass_on_warning

if TYPE_CHECKING:
    from collections.abc import Callable

    from superqt.utils import FunctionWorker


class Background:
    """Runs functions in threads and hands over what they return, on the main thread.

    Of several tasks of one name, only the latest is listened to. The workers are superqt's: napari would keep its own
    until the window closes, hundreds in a long session, and ask before closing whether to stop what cannot be stopped.
    """

    def __init__(self) -> None:
        # The slot of a worker knows this object, which after `abandon` knows nobody.
        self._listeners: dict[str, tuple[int, Callable[[Any], None]]] = {}
        self._number = 0

    def start(self, name: str, listener: Callable[[Any], None], function: Callable[[], Any]) -> FunctionWorker[Any]:
        """Run `function`; `listener` gets what it returns, or a `Failure`."""
        self._number += 1
        self._listeners[name] = (self._number, listener)
        worker: FunctionWorker[Any] = create_worker(run_task, [function], _start_thread=False, _ignore_errors=True)
        worker.returned.connect(partial(self._on_returned, name, self._number))
        worker.warned.connect(pass_on_warning)  # while it runs, superqt catches those of the whole process
        worker.start()
        return worker

    def drop(self, name: str) -> None:
        """Listen no more to the task of this name."""
        self._listeners.pop(name, None)

    def abandon(self) -> None:
        """Listen to nothing any more."""
        self._listeners.clear()

    def _on_returned(self, name: str, number: int, outcome: Any) -> None:
        latest, listener = self._listeners.get(name, (0, None))
        if latest == number and listener is not None:
            del self._listeners[name]
            listener(outcome)


def run_task(functions: list[Callable[[], Any]]) -> Any:
    """Call a function; an error is returned as a `Failure`.

    Parameters
    ----------
    functions : list of callable
        The one to call. It is taken out of the list: PySide6 does not free every worker that has ended, and what a
        function refers to (copies of layers) would stay in memory.
    """
    try:
        with explained("This did not work"):
            return functions.pop()()
    except CoarseCRFError as error:
        return Failure(error)

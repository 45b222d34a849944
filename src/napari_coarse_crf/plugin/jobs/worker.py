"""One job at a time in a thread, reported on the main thread.

Generator workers stop between two steps, so a job answers a cancel as soon as its step ends.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Protocol
from weakref import ref

from napari.qt.threading import GeneratorWorker
from napari.qt.threading import create_worker as create_listed_worker
from napari.utils.notifications import notification_manager
from qtpy.QtCore import Qt, QTimer
from superqt.utils import create_worker

from napari_coarse_crf import CoarseCRFError, CoarseCRFWarning

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from napari_coarse_crf import Progress
    from napari_coarse_crf.plugin.jobs.job import Job
    from napari_coarse_crf.plugin.jobs.outcome import Outcome
    from napari_coarse_crf.plugin.jobs.tiled import TiledJob, TiledOutcome

    AnyJob = Job | TiledJob
    AnyOutcome = Outcome | TiledOutcome | None


class Listener(Protocol):
    """Who is told how the jobs go. All calls come on the main thread."""

    def job_progressed(self, progress: Progress) -> None:
        """Take note that a step of the current job is done."""

    def job_returned(self, job: AnyJob, outcome: AnyOutcome) -> None:
        """Take the result of the current job, which was not cancelled; None if there is nothing new."""

    def job_failed(self, error: CoarseCRFError) -> None:
        """Take the error that stopped the current job; its cause is what nobody foresaw, if anything."""

    def job_finished(self) -> None:
        """Take note that no job runs any more, whichever way the last one ended."""


class JobRunner:
    """Runs one job at a time; a new job waits until the one before it has stopped.

    Parameters
    ----------
    listener : Listener
        Who is told, as long as it lives.
    """

    has_compiled: ClassVar[bool] = False
    """Whether a job of this session has ended well: the compiled engine serves all that follow."""

    def __init__(self, listener: Listener) -> None:
        # PySide6 does not free every worker that has ended, nor its slots: they must not keep a closed widget.
        self._listener: Callable[[], Listener | None] = ref(listener)
        self._workers: deque[GeneratorWorker[Any, Any, Any]] = deque()
        self._job: AnyJob | None = None
        self._number = 0

    @property
    def is_busy(self) -> bool:
        """Whether a job runs or is about to stop."""
        return bool(self._workers)

    @property
    def job(self) -> AnyJob | None:
        """The current job."""
        return self._job

    @property
    def live_job(self) -> AnyJob | None:
        """The current job, if the Live switch asked for it."""
        return self._job if self._job is not None and self._job.is_live else None

    @property
    def is_stopping(self) -> bool:
        """Whether the current job was cancelled and still ends its step."""
        return bool(self._workers) and bool(self._workers[-1].abort_requested)

    def start(self, job: AnyJob) -> GeneratorWorker[Any, Any, Any]:
        """Start a job; one that runs already is cancelled first."""
        self.cancel()
        worker = self._connected_worker(job)
        self._job = job
        self._workers.append(worker)
        if len(self._workers) == 1:
            QTimer.singleShot(0, worker.start)  # so that whoever gets the worker can connect to it in time
        return worker

    def cancel(self) -> None:
        """Ask the current job to stop after its step; it adds no layer."""
        if self._workers:
            self._workers[-1].quit()

    def abandon(self) -> None:
        """Cancel, and tell nothing more: whoever listened is gone."""
        self.cancel()
        self._listener = _nobody

    def _connected_worker(self, job: AnyJob) -> GeneratorWorker[Any, Any, Any]:
        # The slots know the number of their job only: not every worker is freed, and its arrays would be kept.
        self._number += 1
        steps: Generator[Progress, None, AnyOutcome] = job.steps()
        worker = _create_live_worker(steps) if job.is_live else _create_run_worker(steps)
        worker.yielded.connect(partial(self._on_yielded, self._number))
        worker.returned.connect(partial(self._on_returned, self._number))
        worker.finished.connect(self._on_finished)
        worker.warned.connect(pass_on_warning)
        # superqt drops an aborted generator as it stands. Directly, that is in the thread of the job: closing waits for
        # the tasks of the step under way.
        worker.aborted.connect(steps.close, Qt.ConnectionType.DirectConnection)
        return worker

    def _on_yielded(self, number: int, progress: Progress) -> None:
        if (listener := self._listener_of(number)) is not None:
            listener.job_progressed(progress)
            if self._job is not None and not self._job.is_live:  # live jobs would make the bar flicker
                self._show_in_activity_dock(number, progress)

    def _on_returned(self, number: int, outcome: AnyOutcome | Failure) -> None:
        # A cancel may come after the last step, when the result is already on its way through the event queue.
        listener = self._listener_of(number)
        if listener is None or self._job is None:
            return
        if isinstance(outcome, Failure):
            listener.job_failed(outcome.error)
        else:
            JobRunner.has_compiled = True
            listener.job_returned(self._job, outcome)

    def _on_finished(self) -> None:
        self._workers.popleft()
        if self._workers:
            # Cancelled ones take their turn too: napari waits for every worker it knows of.
            self._workers[0].start()
            return
        self._job = None
        if (listener := self._listener()) is not None:
            listener.job_finished()

    def _show_in_activity_dock(self, number: int, progress: Progress) -> None:
        # napari handles all waiting events whenever its bar changes. So later steps, even the result, may arrive within
        # this call: nothing is done after it, and the bar never goes back.
        description = f"Refine labels: {progress.stage}"
        bar = self._workers[-1].pbar
        if not bar.desc.startswith(description):
            bar.total = progress.total
            bar.set_description(description)
        if self._is_wanted(number) and progress.step > bar.n:
            bar.update(progress.step - bar.n)

    def _listener_of(self, number: int) -> Listener | None:
        """Return who still wants to hear of this job: nobody once it is cancelled or replaced."""
        return self._listener() if self._is_wanted(number) else None

    def _is_wanted(self, number: int) -> bool:
        return self.is_busy and number == self._number and not self.is_stopping


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as a result: with PySide6, napari 0.9's own slot for the errors of workers raises a TypeError."""

    error: CoarseCRFError


class _ListedWorker(GeneratorWorker):  # type: ignore[misc]  # napari has no types
    """A worker that is freed once it has ended, though napari keeps what stops it until the window closes."""

    @property
    def quit(self) -> Callable[[], None]:
        """What asks it to stop, and does not keep it; napari would keep a method with its worker, slots and bar."""
        return partial(_quit, ref(self))


def _quit(worker: ref[_ListedWorker]) -> None:
    if (running := worker()) is not None:
        GeneratorWorker.quit(running)


def _create_run_worker(steps: Generator[Progress, None, AnyOutcome]) -> GeneratorWorker[Any, Any, Any]:
    """Return a worker that napari shows in its activity dock, and asks about before it closes the window."""
    # Total 0: napari would count steps towards a total that is known only once the job has begun.
    progress = {"desc": "Refine labels", "total": 0}
    return create_listed_worker(
        refine_layers, steps, _start_thread=False, _ignore_errors=True, _progress=progress, _worker_class=_ListedWorker
    )


def _create_live_worker(steps: Generator[Progress, None, AnyOutcome]) -> GeneratorWorker[Any, Any, Any]:
    """Return a worker that napari does not list: a long session has thousands, and none is to be asked about."""
    return create_worker(refine_layers, steps, _start_thread=False, _ignore_errors=True)


def refine_layers(
    steps: Generator[Progress, None, AnyOutcome],
) -> Generator[Progress, None, AnyOutcome | Failure]:
    """Take the steps of a job. napari shows the name of this function when it asks whether to stop it.

    Where the worker is not freed, this generator is not; one that has ended holds nothing.
    """
    try:
        return (yield from steps)
    except CoarseCRFError as error:
        return Failure(error)


def _nobody() -> None:
    """Stand in for a listener that is gone."""


def pass_on_warning(shown: tuple[Any, ...]) -> None:
    """Show in napari what a library warned about; our own warnings come with the outcome."""
    message, category, *place = shown
    if not issubclass(category, CoarseCRFWarning):
        notification_manager.receive_warning(message, category, *place)

"""What the dock "Refine labels" runs, by Run and by Live: from what it is set to, to layers and sentences."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from napari.utils.notifications import notification_manager
from psygnal import Signal

from napari_coarse_crf.judging.words import choice_in_short
from napari_coarse_crf.plugin.jobs.job import Job, Notice
from napari_coarse_crf.plugin.jobs.live import LiveRefinement
from napari_coarse_crf.plugin.jobs.planning import PlanStep
from napari_coarse_crf.plugin.jobs.slices import SliceBySlice
from napari_coarse_crf.plugin.jobs.tiled import TiledJob, TiledLayers, TiledOutcome, TileStep, View
from napari_coarse_crf.plugin.jobs.worker import JobRunner
from napari_coarse_crf.plugin.layers.classes import class_names_of, with_names

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari
    from napari.layers import Labels
    from napari.qt.threading import GeneratorWorker
    from qtpy.QtCore import QObject

    from napari_coarse_crf import CoarseCRFError, Progress
    from napari_coarse_crf.plugin.jobs.outcome import Outcome
    from napari_coarse_crf.plugin.jobs.worker import AnyJob, AnyOutcome
    from napari_coarse_crf.plugin.setting import Setting

# Of a processor, 8 s on an EPYC; twice that or more in a window and among other programs.
_FIRST_USE: Final = "First use compiles the engine, 10 to 20 seconds."
_MOST_WARNINGS: Final = 2


class Runs:
    """Runs what is asked for, one job at a time, and shows what comes of it. The `Listener` of its runner.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where the layers are.
    setting : Setting
        What is refined.
    parent : QObject
        What the timers die with.

    Attributes
    ----------
    message : str
        The last sentence on how things are; "" if there is nothing to say.
    standing : callable
        Returns what a person has asked for and Live is not to talk over, or "".
    changed : psygnal.Signal
        Emitted when the message, or what can be done now, is another.
    progressed : psygnal.Signal
        Emitted with the step that a run is at, and with how many there are.
    chosen : psygnal.Signal
        Emitted with what was made, where the labels were to choose the weights.
    refined : psygnal.Signal
        Emitted with the layer that a run has added, or gone on with: the next slice comes into the same layer.
    """

    changed = Signal()
    progressed = Signal(int, int)
    chosen = Signal(object)
    refined = Signal(object)

    def __init__(self, viewer: napari.viewer.Viewer, setting: Setting, parent: QObject) -> None:
        self._viewer, self._setting = viewer, setting
        self._tiles = TiledLayers(viewer)
        self._notice = ""  # of the run under way
        self._began = 0.0
        self.message = ""
        self.standing: Callable[[], str] = str
        self.view = View()
        self.slices = SliceBySlice(viewer)
        self.runner = JobRunner(self)
        self.live = LiveRefinement(viewer, self.runner, setting, parent)

    @property
    def can_be_cancelled(self) -> bool:
        """Whether a job runs that Run started; one that was cancelled ends its step unseen."""
        return self.runner.is_busy and not self.runner.is_stopping and self.runner.live_job is None

    def start(self) -> GeneratorWorker[Any, Any, Any]:
        """Refine what the dock is set to, in a thread; a run that is under way is cancelled first.

        Raises
        ------
        InputError
            If that cannot be refined.
        """
        is_first, self._began = not self.runner.is_busy, perf_counter()
        self._tiles.stop()
        worker = self.runner.start(self._job())
        self._say_busy("Starting." if is_first else "Starting as soon as the step under way of the last run has ended.")
        return worker

    def cancel(self) -> None:
        """Stop the run that is under way, if any; it adds no layer, but tiles that are refined stay."""
        if self.runner.is_busy and not self.runner.is_stopping:
            self.runner.cancel()
            self._notice = ""
            self.say(" ".join(filter(None, ["Cancelled.", self._tiles.stop()])))

    def say(self, sentence: str) -> None:
        """Show a sentence."""
        self.message = sentence
        self.changed.emit()

    # What the runner tells: see `worker.Listener`.

    def job_progressed(self, progress: Progress) -> None:
        """Show how far the run is."""
        if self.runner.live_job is not None:
            return  # the preview itself is what is waited for
        if isinstance(progress, Notice):
            self._notice = progress.sentence
        self.progressed.emit(progress.step, progress.total)
        if isinstance(progress, TileStep):
            job = self.runner.job
            if isinstance(job, TiledJob) and not self._tiles.show(job, progress):
                self.cancel()
            else:
                self._say_busy(progress.sentence)
            return
        if isinstance(progress, PlanStep):
            self._say_busy(progress.sentence)
            return
        step = f", step {progress.step} of at most {progress.total}" if progress.total else ""
        self._say_busy(f"{progress.stage.capitalize()}{step}; {perf_counter() - self._began:.0f} s.")

    def job_returned(self, job: AnyJob, outcome: AnyOutcome) -> None:
        """Add the result, or show it in the preview layer."""
        if isinstance(job, TiledJob) or isinstance(outcome, TiledOutcome):
            self._show_tiled(job, outcome)
            return
        if outcome is not None and job.parameters.weights == "auto":
            self.chosen.emit(outcome.refinement)
        if job.is_live:
            if sentence := self.live.show(job, outcome):
                told = [self.standing(), sentence, *_shortened(outcome, self.live.preview.layer)]
                self.say(" ".join(filter(None, told)))
            return
        if outcome is None:
            return
        count = len(self._viewer.layers)
        layer = self.slices.add(job, outcome)
        added = f"layer '{layer.name}' added" if len(self._viewer.layers) > count else f"slice added to '{layer.name}'"
        done = f"Done in {outcome.time_in_words}: {added}."
        chosen = choice_in_short(outcome.refinement, job.parameters)
        self.message = " ".join(filter(None, [done, *_shortened(outcome, layer), chosen]))
        self.refined.emit(layer)

    def job_failed(self, error: CoarseCRFError) -> None:
        """Say what went wrong; what nobody foresaw goes to napari's notifications as well, with its traceback."""
        self.message = " ".join(filter(None, [str(error), self._tiles.stop()]))
        if self.runner.live_job is not None:
            self.live.fail()
        if error.__cause__ is not None:
            notification_manager.receive_error(type(error.__cause__), error.__cause__, error.__cause__.__traceback__)

    def job_finished(self) -> None:
        """Offer Run again, and go on with what Live has planned."""
        self._notice = ""
        self.changed.emit()
        self.live.switch.go_on()

    def _job(self) -> Job | TiledJob:
        snapshot = self._setting.snapshot
        if snapshot.choice.by_tiles:
            return TiledJob.prepare(snapshot, self._setting.parameters, self.view)
        return Job.prepare(snapshot, self._setting.parameters, self._setting.refiners)

    def _show_tiled(self, job: AnyJob, outcome: AnyOutcome) -> None:
        if isinstance(job, TiledJob) and isinstance(outcome, TiledOutcome):
            if job.parameters.weights == "auto":
                self.chosen.emit(outcome)
            layer = self._tiles.finish(job, outcome)
            done = f"{outcome.sentence}, layer '{layer.name}'."
            self.message = " ".join([done, *_shortened(outcome, layer)])
            self.refined.emit(layer)

    def _say_busy(self, sentence: str) -> None:
        sentence = f"{sentence} {self._notice}".strip()
        self.say(sentence if JobRunner.has_compiled else f"{sentence} {_FIRST_USE}")


def _shortened(outcome: Outcome | TiledOutcome | None, layer: Labels | None) -> list[str]:
    """Return the first few warnings about a layer: one for each of twenty labels would take all the room there is."""
    sentences = () if outcome is None else outcome.warnings
    names = {} if layer is None else class_names_of(layer)
    shown = [with_names(sentence, names) for sentence in sentences[:_MOST_WARNINGS]]
    if len(sentences) > len(shown):
        shown.append(f"{len(sentences) - len(shown)} more warnings are in the layer's metadata.")
    return shown

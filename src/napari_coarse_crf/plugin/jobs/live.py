"""What to refine again by itself: `LiveSwitch` decides when, `PreviewLayer` holds what is shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from napari_coarse_crf.plugin.jobs.budget import LookBudget
from napari_coarse_crf.plugin.jobs.job import Job
from napari_coarse_crf.plugin.jobs.outcome import Before
from napari_coarse_crf.plugin.jobs.preview import PreviewLayer
from napari_coarse_crf.plugin.jobs.refiner_cache import RefinerCache
from napari_coarse_crf.plugin.jobs.switch import LiveSwitch
from napari_coarse_crf.plugin.jobs.worker import JobRunner
from napari_coarse_crf.plugin.layers.look import same_place
from napari_coarse_crf.tiles.parts import part_shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    import napari
    from napari.layers import Labels, Layer
    from qtpy.QtCore import QObject

    from napari_coarse_crf import Parameters
    from napari_coarse_crf.plugin.jobs.outcome import Glance, Outcome
    from napari_coarse_crf.plugin.jobs.preview import Kept
    from napari_coarse_crf.plugin.layers.key import Read
    from napari_coarse_crf.plugin.layers.record import Record
    from napari_coarse_crf.plugin.layers.snapshot import Snapshot
    from napari_coarse_crf.tiles.parts import Scope


class Dock(Protocol):
    """What the dock is set to."""

    @property
    def seen(self) -> Snapshot:
        """The chosen layers, or what is in view of them where a run goes tile by tile."""

    @property
    def parameters(self) -> Parameters:
        """What a run is made with."""

    @property
    def shown_parameters(self) -> Parameters:
        """The same with fixed weights: where the labels choose them, those that they chose last."""

    @property
    def look_scope(self) -> Scope:
        """What a quick look is at: one slice where the full result is of many."""

    @property
    def refiners(self) -> RefinerCache:
        """Where the Refiner of the last full result is kept."""


@dataclass(frozen=True, slots=True, eq=False)
class Aim:
    """What a job shows, besides what it reads.

    Attributes
    ----------
    parameters : Parameters
        Those of the dock.
    scope : Scope
        What the full result is of.
    place : mapping
        Where the layer lies.
    is_full : bool
        Whether it is the full result.
    may_be_dropped : bool
        Whether it is of no use once something changes.
    change : int
        The number of the last change that it takes notice of.
    """

    parameters: Parameters
    scope: Scope
    place: Mapping[str, Any]
    is_full: bool
    may_be_dropped: bool
    change: int

    def is_like(self, other: Aim) -> bool:
        """Whether a result for `other` shows all that one for this would, if both have read the same."""
        same = self.parameters == other.parameters and self.scope == other.scope and same_place(self.place, other.place)
        return same and (other.is_full or not self.is_full)


class LiveRefinement:
    """Runs what the Live switch asks for, and shows it.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where the preview is shown.
    runner : JobRunner
        Runs the jobs, one at a time, those of the Run button as well.
    dock : Dock
        What to refine.
    parent : QObject
        What the timers die with.
    """

    def __init__(self, viewer: napari.viewer.Viewer, runner: JobRunner, dock: Dock, parent: QObject) -> None:
        self._runner = runner
        self._dock = dock
        self._refiners = RefinerCache()  # of the quick looks
        self._budget = LookBudget()
        self._change = 0
        self._aim: Aim | None = None  # of the job that was started last
        self._is_timed = False  # that job
        self._shown: tuple[Aim, Read] | None = None
        self._glance: tuple[Aim, Parameters, Glance | None] | None = None  # of the last quick look
        self._before: Before | None = None
        self._viewer = viewer
        self.preview = PreviewLayer(viewer)
        self.switch = LiveSwitch(self, parent)

    @property
    def is_busy(self) -> bool:
        """Whether any job runs."""
        return self._runner.is_busy

    @property
    def can_be_kept(self) -> bool:
        """Whether the preview shows a full result, and Live has nothing to add to it."""
        if self._shown is None or self.preview.layer is None:
            return False
        return self._shows_all or (self._shown[0].is_full and not self.switch.is_on)

    def follow(self, on: bool) -> None:
        """Begin or stop to follow changes."""
        self._change += 1
        self.switch.switch(on)

    def note_change(self) -> None:
        """Take note that a run may give something else now."""
        self._change += 1
        self.switch.note_change()

    def start_live(self, *, quick: bool) -> None:
        """Start a quick look or a full refinement, unless what it would show is shown already."""
        whole, parameters = self._dock.seen, self._dock.parameters
        if whole.problem:
            self.give_up()
            return
        if self._shows_all:
            return
        snapshot, step = whole, 1
        if quick:
            snapshot = whole.narrowed(self._dock.look_scope)
            if snapshot.problem:
                return  # perhaps nothing is painted on the current slice, but on others
            step = self._budget.step(part_shape(snapshot.inputs.parts()[0]))
        is_of_all = step == 1 and snapshot is whole
        if quick:  # a look chooses no weights of its own
            parameters = self._dock.shown_parameters
        is_full = is_of_all and parameters == self._dock.parameters
        aim = Aim(self._dock.parameters, whole.match.scope, snapshot.look.place, is_full, not quick, self._change)
        job = Job.prepare(
            snapshot,
            parameters,
            self._dock.refiners if is_of_all else self._refiners,
            step=step,
            is_live=True,
            known=self._known(aim),
            before=self._before,
        )
        self._aim = aim
        self._is_timed = JobRunner.has_compiled  # compiling says nothing about the next look
        self._runner.start(job)

    def drop_live(self) -> None:
        """Cancel the full refinement that the switch started, if it still runs."""
        if self._runner.live_job is not None and self._aim is not None and self._aim.may_be_dropped:
            self._runner.cancel()

    def show(self, job: Job, outcome: Outcome | None) -> str:
        """Show a result and return one sentence about it; None is one that is shown already."""
        aim = self._aim
        if aim is None:
            return ""
        if outcome is None:
            if self._shown is not None and job.inputs.scope == aim.scope:  # a look at one slice says nothing of others
                shown, read = self._shown
                self._shown = replace(aim, is_full=shown.is_full), read
            return ""
        self._shown = aim, outcome.read
        layer = self.preview.show(job, outcome, full=aim.is_full)
        self._note_found(job, aim, outcome)
        if self._is_timed:
            self._note_time(job, outcome, full=aim.is_full)
        if aim.is_full:
            return f"Live: '{layer.name}' took {outcome.time_in_words}. Keep makes it a layer of its own."
        return "Live: a quick look; the full result follows when your hand rests."

    def give_up(self) -> None:
        """Take the preview away: nothing can be refined, as once all strokes are undone, so it shows nothing true."""
        self.preview.remove()
        self._shown = None

    def fail(self) -> None:
        """Take note that a job ended with an error; a look may, where a label has no pixel at reduced size."""
        if self._aim is not None and self._aim.is_full:
            self.give_up()

    def keep(self) -> Kept | None:
        """Make the preview a layer of its own, and return it and what it shows; None if a run would give another."""
        if not self.is_up_to_date:
            return None
        kept = self.preview.keep(self._dock.seen.in_plain_values)
        self._shown = None
        if self._before is not None:
            self._before = self._before.copied()  # the person may paint on the layer from now on
        return kept

    def _note_found(self, job: Job, aim: Aim, outcome: Outcome) -> None:
        """Take note of what a look found, and of a full result if it is of the same input, for later looks."""
        if not aim.is_full:
            self._glance = aim, job.parameters, outcome.glance
        elif self._glance is not None and self._glance[0].is_like(aim):
            _, parameters, glance = self._glance
            if parameters == outcome.refinement.parameters:
                self._before = Before.of(glance, outcome) or self._before
            else:  # the labels have chosen others since, so that the next look will differ all over
                self._before = None

    def _note_time(self, job: Job, outcome: Outcome, *, full: bool) -> None:
        """Take note of how long a job took, for the size of the next look."""
        parts = job.inputs.parts()
        if full and len(parts) == 1:
            self._budget.note_full(part_shape(parts[0]), outcome.seconds)
        elif not full:
            self._budget.note_look(part_shape(parts[0]), job.step, outcome.seconds)

    @property
    def shown_result(self) -> tuple[Layer, Labels, Record | None] | None:
        """Source, layer and record of the preview, where it is seen and shows what a run would give."""
        layer = self.preview.layer
        return self.preview.full if layer is not None and layer.visible and self.is_up_to_date else None

    def covers(self, result: Layer | None) -> bool:
        """Whether a full result is seen in the preview that a run would not give now, and none of `result` above it."""
        preview = self.preview.layer
        if preview is None or not preview.visible or not self.can_be_kept or self.is_up_to_date:
            return False
        layers = list(self._viewer.layers)
        is_seen = result is not None and result.visible and result in layers
        return not is_seen or layers.index(result) <= layers.index(preview)

    @property
    def is_up_to_date(self) -> bool:
        """Whether the preview shows what a run would give now."""
        return self.can_be_kept and self._is_up_to_date()

    @property
    def _shows_all(self) -> bool:
        """Whether the preview shows the full result, and nothing was said to have changed since."""
        if self._shown is None or self.preview.layer is None:
            return False
        aim, _ = self._shown
        return aim.is_full and aim.change == self._change

    def _known(self, aim: Aim) -> Read:
        """Return what need not be refined again for this aim."""
        if self._shown is None or self.preview.layer is None or not aim.is_like(self._shown[0]):
            return ()
        return self._shown[1]

    def _is_up_to_date(self) -> bool:
        """Whether the layers still hold what is shown: a script may have changed them without a word."""
        snapshot = self._dock.seen
        if self._shown is None or snapshot.problem:
            return False
        aim, read = self._shown
        now = Aim(self._dock.parameters, snapshot.match.scope, snapshot.look.place, True, False, self._change)
        if not now.is_like(aim):
            return False
        inputs = snapshot.inputs
        if not inputs.is_in_memory:  # reading may take long
            return aim.change == self._change
        return read == inputs.read()

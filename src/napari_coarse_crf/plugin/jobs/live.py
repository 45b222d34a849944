"""When to refine again by itself, and the one layer that shows it.

After a change a quick look comes at once; the full result follows when the hand rests. `LiveSwitch` decides when,
`LiveRefinement` what to refine, `PreviewLayer` holds what is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol
from zlib import crc32

import numpy as np
from qtpy.QtCore import QTimer

from napari_coarse_crf.plugin.jobs.job import Job
from napari_coarse_crf.plugin.jobs.preview import FIRST_BUDGET, next_budget
from napari_coarse_crf.plugin.jobs.refiner_cache import RefinerCache
from napari_coarse_crf.plugin.jobs.worker import JobRunner
from napari_coarse_crf.plugin.layers.provenance import set_provenance
from napari_coarse_crf.plugin.layers.record import remember
from napari_coarse_crf.tiles.reduced import step_within

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari
    from napari.layers import Image, Labels
    from qtpy.QtCore import QObject

    from napari_coarse_crf import Parameters
    from napari_coarse_crf.plugin.jobs.job import Outcome
    from napari_coarse_crf.plugin.layers.read import Choice
    from napari_coarse_crf.tiles.parts import Scope

_SOON_MS: Final = 30
"""How long changes are gathered before the quick look: many come at once."""

_REST_MS: Final = 400
"""How long nothing must change before the full result is computed."""


class Host(Protocol):
    """Who runs the jobs."""

    @property
    def is_busy(self) -> bool:
        """Whether any job runs."""

    def start_live(self, *, quick: bool) -> None:
        """Start a quick look or a full refinement, unless what it would show is shown already."""

    def drop_live(self) -> None:
        """Cancel the full refinement that this switch started, if it still runs."""


class LiveSwitch:
    """Decides when to refine again.

    Quick looks go to their end, so that something is seen while a slider moves on; a full refinement is dropped as soon
    as something changes.

    Parameters
    ----------
    host : Host
        Who runs the jobs.
    parent : QObject
        What the timers die with.
    """

    def __init__(self, host: Host, parent: QObject) -> None:
        self._host = host
        self._is_on = False
        self._wants_quick = self._wants_full = False
        self._soon = _timer(parent, _SOON_MS)
        self._rest = _timer(parent, _REST_MS)
        self._soon.timeout.connect(self.go_on)
        self._rest.timeout.connect(self._on_rest)

    @property
    def is_on(self) -> bool:
        """Whether changes are followed."""
        return self._is_on

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to do."""
        waits = self._soon.isActive() or self._rest.isActive()
        return not (waits or self._wants_quick or self._wants_full or self._host.is_busy)

    def switch(self, on: bool) -> None:
        """Begin or stop to follow changes."""
        self._is_on = on
        if on:
            self.note_change()
        else:
            self.stop()

    def stop(self) -> None:
        """Forget what was planned, and drop what runs."""
        self._soon.stop()
        self._rest.stop()
        self._wants_quick = self._wants_full = False
        self._host.drop_live()

    def note_change(self) -> None:
        """Plan a quick look and, after a rest, the full result."""
        if not self._is_on:
            return
        self._wants_quick, self._wants_full = True, False
        self._rest.start()
        if not self._soon.isActive():
            self._soon.start()
            self._host.drop_live()

    def go_on(self) -> None:
        """Start what is due, if no job runs; called again whenever one ends."""
        if not self._is_on or self._host.is_busy:
            return
        if self._wants_quick:
            self._wants_quick = False
            self._host.start_live(quick=True)
        elif self._wants_full:
            self._wants_full = False
            self._host.start_live(quick=False)

    def _on_rest(self) -> None:
        self._wants_full = True
        self.go_on()


class PreviewLayer:
    """The one layer that Live shows its results in.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where it is shown.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        self._layer: Labels | None = None
        self._shown: tuple[Job, Outcome] | None = None
        self._is_full = False

    @property
    def can_be_kept(self) -> bool:
        """Whether the layer is there and shows a full result."""
        return self._is_there() and self._is_full

    def show(self, job: Job, outcome: Outcome, *, full: bool) -> Labels:
        """Show a result: in the same layer, as long as it is about the same labels."""
        layer = self._layer
        if layer is None or not self._is_there() or not self._is_about(job):
            self.remove()
            layer = self._layer = job.add_preview(self._viewer, outcome)
        else:
            layer.data = outcome.refinement.labels
            set_provenance(layer, job.describe(outcome, preview=True))
        layer.editable = False  # the next result would paint over; napari forgets this with every new array
        self._shown, self._is_full = (job, outcome), full
        return layer

    def keep(self) -> Labels | None:
        """Make the layer one of its own, which the next result leaves alone; None if there is nothing to keep."""
        if not self.can_be_kept or self._layer is None or self._shown is None:
            return None
        layer, (job, outcome) = self._layer, self._shown
        self._layer = self._shown = None
        layer.name = job.look.name
        set_provenance(layer, job.describe(outcome))
        layer.editable = True
        remember(layer, outcome.refinement, job.inputs)
        return layer

    def remove(self) -> None:
        """Take the layer away, if it is still there."""
        if self._is_there():
            self._viewer.layers.remove(self._layer)
        self._layer = self._shown = None

    def _is_there(self) -> bool:
        return self._layer is not None and self._layer in self._viewer.layers

    def _is_about(self, job: Job) -> bool:
        if self._layer is None or self._shown is None:
            return False
        return self._shown[0].labels_layer is job.labels_layer and self._layer.data.shape == job.inputs.labels.shape


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """What the widget says now; `quick_choice` is for one slice only, None if that slice cannot be refined."""

    image_layer: Image
    labels_layer: Labels
    parameters: Parameters
    choice: Choice
    quick_choice: Choice | None
    refiners: RefinerCache


class LiveRefinement:
    """Runs what the Live switch asks for, and shows it.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where the preview is shown.
    runner : JobRunner
        Runs the jobs, one at a time, those of the Run button as well.
    read : callable
        Returns what to refine, or None if that cannot be refined.
    parent : QObject
        What the timers die with.
    """

    def __init__(
        self, viewer: napari.viewer.Viewer, runner: JobRunner, read: Callable[[], Request | None], parent: QObject
    ) -> None:
        self._runner = runner
        self._read = read
        self._refiners = RefinerCache()  # of the quick looks
        self._budget = FIRST_BUDGET
        self._asked: tuple[object, bool] = (None, False)  # what the running job shows, and whether in full
        self._shown: tuple[object, bool] = (None, False)
        self._may_be_dropped = False
        self.preview = PreviewLayer(viewer)
        self.switch = LiveSwitch(self, parent)

    @property
    def is_busy(self) -> bool:
        """Whether any job runs."""
        return self._runner.is_busy

    def start_live(self, *, quick: bool) -> None:
        """Start a quick look or a full refinement, unless what it would show is shown already."""
        request = self._read()
        if request is None:
            return
        choice, step = request.choice, 1
        if quick:
            if request.quick_choice is None:
                return  # only the full result can show anything
            choice = request.quick_choice
            part = choice.scope.parts(request.labels_layer.data.shape)[0]
            step = step_within([one.stop - one.start for one in part if isinstance(one, slice)], self._budget)
        full = step == 1 and choice.scope == request.choice.scope
        job = Job.prepare(
            request.image_layer,
            request.labels_layer,
            request.parameters,
            choice,
            request.refiners if full else self._refiners,
            step=step,
            is_live=True,
        )
        asked = _fingerprint(job, request.choice.scope), full
        # What is shown in full needs no quick look either.
        if self._shown[0] == asked[0] and (self._shown[1] or not full):
            return
        self._asked, self._may_be_dropped = asked, not quick
        self._runner.start(job)

    def drop_live(self) -> None:
        """Cancel the full refinement that the switch started, if it still runs."""
        if self._runner.live_job is not None and self._may_be_dropped:
            self._runner.cancel()

    def show(self, job: Job, outcome: Outcome) -> str:
        """Show a result and return one sentence about it."""
        self._shown = self._asked
        layer = self.preview.show(job, outcome, full=self._asked[1])
        if self._asked[1]:
            return f"Live: '{layer.name}' took {outcome.time_in_words}. Keep makes it a layer of its own."
        if JobRunner.has_compiled:  # compiling says nothing about the next look
            self._budget = next_budget(self._budget, outcome.seconds)
        return "Live: a quick look; the full result follows when your hand rests."

    def keep(self) -> Labels | None:
        """Make the preview a layer of its own; None if there is nothing to keep."""
        layer = self.preview.keep()
        if layer is not None:
            self._shown = (None, False)
        return layer


def _fingerprint(job: Job, scope: Scope) -> object:
    """Return a value that differs when a job would show something else."""
    inputs = job.inputs
    contents = [_checksum(array) for array in (inputs.labels, inputs.region, *inputs.outlines)]
    images = [(id(one.data), one.axis, one.contrast_limits) for one in (inputs.image, *inputs.more)]
    return job.parameters, scope, inputs.labels.shape, contents, images


def _checksum(array: Any) -> int:
    # Lazy arrays cannot be painted on, so it is enough that they are the same.
    return crc32(np.ascontiguousarray(array).data) if isinstance(array, np.ndarray) else id(array)


def _timer(parent: QObject, milliseconds: int) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    return timer

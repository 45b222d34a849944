"""The dock widget "Refine labels".

It holds no arithmetic: it shows the layers and parameters to choose from, says in one sentence what is missing, and
hands a `Job` to the `JobRunner`. From top to bottom: layers and parameters (scrolling), run.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

from magicgui.widgets import Container
from napari.layers import Image, Labels
from napari.utils.notifications import notification_manager
from psygnal import Signal
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_coarse_crf.judging.words import choice_in_short
from napari_coarse_crf.plugin.controls.classes import ClassControls
from napari_coarse_crf.plugin.controls.defaults import read_defaults
from napari_coarse_crf.plugin.controls.keys import ViewerKeys
from napari_coarse_crf.plugin.controls.layer_box import LabelsBox, LayerBox
from napari_coarse_crf.plugin.controls.parameters import ParameterControls, heading
from napari_coarse_crf.plugin.controls.presets import PresetBar
from napari_coarse_crf.plugin.controls.run_bar import RunBar
from napari_coarse_crf.plugin.controls.scope import ScopeControls
from napari_coarse_crf.plugin.controls.scrolling import OneAtATime, scrolling
from napari_coarse_crf.plugin.jobs.job import Job, Notice
from napari_coarse_crf.plugin.jobs.live import LiveRefinement
from napari_coarse_crf.plugin.jobs.next_place import NextPlace
from napari_coarse_crf.plugin.jobs.planning import PlanStep
from napari_coarse_crf.plugin.jobs.refiner_cache import RefinerCache
from napari_coarse_crf.plugin.jobs.slices import SliceBySlice
from napari_coarse_crf.plugin.jobs.tiled import TiledJob, TiledLayers, TiledOutcome, TileStep, View
from napari_coarse_crf.plugin.jobs.warming import WARM_UP
from napari_coarse_crf.plugin.jobs.worker import JobRunner
from napari_coarse_crf.plugin.layers.accepted import (
    accept,
    can_be_taken_back,
    cannot_be_accepted,
    find_accepted,
    find_result,
    keeping_accepted,
    link_accepted,
    seen_part,
    take_back,
)
from napari_coarse_crf.plugin.layers.camera import ViewWatch
from napari_coarse_crf.plugin.layers.classes import class_names_of, with_names
from napari_coarse_crf.plugin.layers.drawn import EVENTS, Ground, is_drawn
from napari_coarse_crf.plugin.layers.look import PLACE
from napari_coarse_crf.plugin.layers.newest import hide_results
from napari_coarse_crf.plugin.layers.provenance import may_be_own
from napari_coarse_crf.plugin.layers.snapshot import Snapshot
from napari_coarse_crf.plugin.result.dimming import Dimming
from napari_coarse_crf.plugin.result.section import ResultSection

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import napari
    from napari.layers import Layer
    from napari.qt.threading import GeneratorWorker

    from napari_coarse_crf import CoarseCRFError, Parameters, Progress
    from napari_coarse_crf.plugin.jobs.outcome import Outcome
    from napari_coarse_crf.plugin.jobs.worker import AnyJob, AnyOutcome
    from napari_coarse_crf.plugin.layers.choice import Choice
    from napari_coarse_crf.tiles.parts import Scope

_READY = "Ready. Run adds a new layer; yours stays as it is."
# Of a processor, 8 s on an EPYC; twice that or more in a window and among other programs.
_FIRST_USE = "First use compiles the engine, 10 to 20 seconds."
_WARMING_UP = "The engine is being compiled, once: 10 to 20 seconds."
HIDE_KEY = "H"
"""Held down, it hides the results: napari itself has no use for it."""
_FIXED = "Weights are 'fixed' now, as you set one of them. Choose 'auto' to let your labels choose again."
_MOST_WARNINGS = 2
_LOOK_AGAIN_MS = 100
"""How long after a stroke the labels are looked at again: once for many strokes."""


class RefineWidget(Container[Any]):
    """Choose an image and coarse labels, turn the parameters, and refine into a new layer.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer whose layers are offered; napari fills it in because of its name.

    Attributes
    ----------
    image_layer, labels_layer : SteadyBox
        `.value` is the chosen layer, or None.
    refined : psygnal.Signal
        Emitted with the layer that a run has added, or gone on with: the next slice comes into the same layer.
    """

    refined = Signal(object)

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(labels=False)
        self._viewer = napari_viewer
        link_accepted(napari_viewer)
        self._runner = JobRunner(self)
        self.refiners = RefinerCache()
        self._slices = SliceBySlice(napari_viewer)
        self._tiles = TiledLayers(napari_viewer)
        self._view_seen = View()
        self._seen_of: tuple[Snapshot, Scope, Snapshot] | None = None
        self._keys = ViewerKeys(napari_viewer)
        self._dimming = Dimming(napari_viewer)
        self._message = ""
        self._notice = ""  # of the run under way
        self._began = 0.0
        self._chosen: tuple[Layer | None, Layer | None] = (None, None)
        self._ground = Ground()
        self._watched: list[Layer] = []
        self._snapshot: Snapshot | None = None
        self.image_layer = _layer_box("Image", self._layers_of_type(Image), "The image that the labels belong to.")
        self.labels_layer = LabelsBox(
            self._layers_of_type(Labels),
            lambda: [layer for layer in napari_viewer.layers if is_drawn(layer)],
            name="labels_layer",
            label="Labels",
            tooltip="<p>Your coarse labels: a few strokes of every class, 0 = unlabelled. Shapes and points may be "
            "chosen, too: a feature 'class' says what each stands for, else its colour.</p>",
        )
        self.scope = ScopeControls(napari_viewer)
        self.classes = ClassControls(napari_viewer)
        self.controls = ParameterControls(read_defaults())
        # Not through self: PySide6 does not free what a function in one of its own widgets refers to.
        self.presets = PresetBar(lambda: [layer for layer in napari_viewer.layers if isinstance(layer, Labels)])
        self.presets.show_parameters(self.parameters)
        self.run_bar = RunBar()
        self.result = ResultSection(napari_viewer)
        self._lay_out()
        self._look_again = QTimer(self.native)
        self._look_again.setSingleShot(True)
        self._look_again.setInterval(_LOOK_AGAIN_MS)
        self._view = ViewWatch(napari_viewer, self.native, self._on_view)
        self._next_place = NextPlace(napari_viewer, self._say)
        self._live = LiveRefinement(napari_viewer, self._runner, self, self.native)
        self._choose_selected()
        self._connect()
        WARM_UP.begin()
        self._on_layer_chosen()

    @property
    def parameters(self) -> Parameters:
        """The parameters that a run is made with; set it to move the controls."""
        return self.controls.parameters

    @parameters.setter
    def parameters(self, parameters: Parameters) -> None:
        self.controls.parameters = parameters

    @property
    def shown_parameters(self) -> Parameters:
        """The same with fixed weights: where the labels choose them, those that they chose last."""
        return self.controls.shown

    @property
    def snapshot(self) -> Snapshot:
        """What the dock is set to: looked at anew after every change."""
        if self._snapshot is None:
            self._snapshot = Snapshot.take(self.image_layer.value, self.labels_layer.value, self._choice())
        return self._snapshot

    @property
    def look_scope(self) -> Scope:
        """What a quick look is at: the current slice, where slices are refined each on its own; of tiles, the view."""
        return self.scope.choice(one_slice=True).scope

    @property
    def seen(self) -> Snapshot:
        """What Live and Next place work on: of an image that is refined tile by tile, what is in view."""
        whole = self.snapshot
        if not whole.choice.by_tiles:
            return whole
        scope = self.look_scope
        if self._seen_of is None or self._seen_of[:2] != (whole, scope):
            self._seen_of = whole, scope, whole.narrowed(scope).alone()
        return self._seen_of[2]

    @property
    def status(self) -> str:
        """The sentence beside the Run button."""
        return self.run_bar.status.text()

    def run(self) -> GeneratorWorker[Any, Any, Any] | None:
        """Refine the chosen layers in a thread.

        Returns
        -------
        GeneratorWorker or None
            The worker; a run that is under way is cancelled first. None if the layers cannot be refined: the status
            says why.
        """
        self._snapshot = None  # a script may have changed a layer without a word
        if self.snapshot.problem:
            self._refresh()
            return None
        is_first, self._began = not self._runner.is_busy, perf_counter()
        self._tiles.stop()
        self._note_view()
        worker = self._runner.start(self._job())
        self._say_busy("Starting." if is_first else "Starting as soon as the step under way of the last run has ended.")
        return worker

    @property
    def live(self) -> bool:
        """Whether changes are followed by a refinement in the preview layer; off when the widget opens."""
        return self._live.switch.is_on

    @live.setter
    def live(self, on: bool) -> None:
        self.run_bar.live.setChecked(on)

    def keep(self) -> Labels | None:
        """Make the preview a layer of its own, or the next slice of one, and return that.

        Returns
        -------
        napari.layers.Labels or None
            None if it shows no full result, or an outdated one: the status says so.
        """
        if not self._live.can_be_kept:
            return None
        self._snapshot = None
        kept = self._live.keep()
        if kept is None:
            self._say("Something has changed since, so the preview is not what Run would give now. Tick Live, or Run.")
            return None
        layer = self._slices.gather(*kept)
        self.reset_choices()
        self.result.show_result(layer)
        is_new = layer is kept[0]
        self._say(f"Kept as layer '{layer.name}'." if is_new else f"Kept: slice added to '{layer.name}'.")
        return layer

    def next_place(self) -> None:
        """Go to the place where a stroke would help most, looked for in a thread; the status says which labels."""
        self._snapshot = None
        if self.snapshot.problem:
            self._refresh()
            return
        there = self.snapshot.narrowed(self._next_place.scope(self.look_scope))
        if problem := (there.alone() if self.snapshot.choice.by_tiles else there).problem:
            self._say(problem)
            return
        self._next_place.go(there, self.shown_parameters)

    def commit(self, *, slice_only: bool = False) -> Labels | None:
        """Accept the result that is shown, Live's or a run's: later runs keep its pixels, until they are taken back.

        Parameters
        ----------
        slice_only : bool, optional
            Accept the slice that is seen only; by default, all that was refined.

        Returns
        -------
        napari.layers.Labels or None
            The layer of what was accepted; None if there is no result.
        """
        found = self._live.shown_result or find_result(self._viewer, self.result.compared.refined)
        if why_not := cannot_be_accepted(found[1] if found else self.result.compared.refined):
            self._say(why_not)
            return None
        if found is None:
            self._say("No result is shown to accept. Press Run, show one by its eye, or wait for Live's full result.")
            return None
        seen = seen_part(self._viewer, found[1]) if slice_only else None
        layer, count = accept(self._viewer, *found, seen)
        done = f"{count:,} pixels accepted into '{layer.name}'; the next runs keep them. Take back undoes it."
        self._say(done if count else f"All of it is in '{layer.name}' already.")
        return layer

    def take_back(self) -> None:
        """Undo the last `commit` for the chosen labels."""
        layer = find_accepted(self._viewer, self.labels_layer.value)
        if layer is None or not can_be_taken_back(layer):
            self._say("There is nothing to take back.")
            return
        take_back(layer)
        self._say(f"'{layer.name}' is as it was before the last Commit.")

    def cancel(self) -> None:
        """Stop the run that is under way, if any; it adds no layer, but tiles that are refined stay."""
        if self._runner.is_busy and not self._runner.is_stopping:
            self._runner.cancel()
            self._notice = ""
            self._say(" ".join(filter(None, ["Cancelled.", self._tiles.stop()])))

    def reset_choices(self, *_: Any) -> None:
        """Offer the layers there are now; napari calls this whenever its list changes."""
        link_accepted(self._viewer)
        super().reset_choices()
        self._snapshot = None
        self.result.reset_choices()
        self._on_layer_chosen()  # what else is offered may be another, too

    # What the runner tells: see `worker.Listener`.

    def job_progressed(self, progress: Progress) -> None:
        """Show how far the run is."""
        if self._runner.live_job is not None:
            return  # the preview itself is what is waited for
        if isinstance(progress, Notice):
            self._notice = progress.sentence
        self.run_bar.show_progress(progress.step, progress.total)
        if isinstance(progress, TileStep):
            job = self._runner.job
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
            self.controls.show_chosen(outcome.refinement)
        if job.is_live:
            if sentence := self._live.show(job, outcome):
                self._say(" ".join([sentence, *_shortened(outcome, self._live.preview.layer)]))
            return
        if outcome is None:
            return
        count = len(self._viewer.layers)
        layer = self._slices.add(job, outcome)
        added = f"layer '{layer.name}' added" if len(self._viewer.layers) > count else f"slice added to '{layer.name}'"
        done = f"Done in {outcome.time_in_words}: {added}."
        chosen = choice_in_short(outcome.refinement, job.parameters)
        self._message = " ".join(filter(None, [done, *_shortened(outcome, layer), chosen]))
        self.refined.emit(layer)

    def job_failed(self, error: CoarseCRFError) -> None:
        """Say what went wrong; what nobody foresaw goes to napari's notifications as well, with its traceback."""
        self._message = " ".join(filter(None, [str(error), self._tiles.stop()]))
        if self._runner.live_job is not None:
            self._live.fail()
        if error.__cause__ is not None:
            notification_manager.receive_error(type(error.__cause__), error.__cause__, error.__cause__.__traceback__)

    def job_finished(self) -> None:
        """Offer Run again, and go on with what Live has planned."""
        self._notice = ""
        self._refresh()
        self._live.switch.go_on()

    def _show_tiled(self, job: AnyJob, outcome: AnyOutcome) -> None:
        if isinstance(job, TiledJob) and isinstance(outcome, TiledOutcome):
            if job.parameters.weights == "auto":
                self.controls.show_chosen(outcome)
            layer = self._tiles.finish(job, outcome)
            done = f"{outcome.sentence}, layer '{layer.name}'."
            self._message = " ".join([done, *_shortened(outcome, layer)])
            self.refined.emit(layer)

    # Building and following the viewer.

    def _lay_out(self) -> None:
        layers = Container(widgets=[self.image_layer, self.labels_layer], name="layers")
        layers.margins = (0, 0, 0, 0)
        self.margins = (6, 6, 6, 6)
        self.extend([layers, self.scope])  # so that the boxes follow the layer list; the scrolling part shows them
        layout = self.native.layout()
        shown = [heading("Layers"), layers.native, self.scope.native, self.classes, self.presets, self.controls]
        settings = scrolling(_stacked(shown))
        layout.addWidget(settings, 1)
        layout.addWidget(heading("Run"))
        layout.addWidget(self.run_bar)
        layout.addWidget(self.result)
        OneAtATime(self.native, settings, self.result.heading)

    def _choose_selected(self) -> None:
        """Begin with the layer that the person has selected and sees; napari would take the lowest."""
        active = self._viewer.layers.selection.active
        for box in (self.image_layer, self.labels_layer):
            if active in box.choices and active.visible and not is_drawn(active):  # shapes may be a region
                box.value = active

    def _connect(self) -> None:
        self.image_layer.changed.connect(self._on_layer_chosen)
        self.labels_layer.changed.connect(self._on_layer_chosen)
        self.controls.fixed.connect(self._on_fixed)
        self.controls.changed.connect(self._on_parameters)
        self.presets.chosen.connect(self._on_preset)
        self.presets.failed.connect(self._say)
        WARM_UP.ended.connect(self._refresh)
        self.run_bar.button.clicked.connect(self._on_button)
        self.run_bar.live.toggled.connect(self._on_live)
        self.run_bar.keep.clicked.connect(self.keep)
        self.run_bar.next_place.clicked.connect(self.next_place)
        self.run_bar.commit.clicked.connect(self._on_commit)
        self.run_bar.commit_slice.clicked.connect(self._on_commit_slice)
        self.run_bar.take_back.clicked.connect(self.take_back)
        self.refined.connect(self.result.show_result)
        self.scope.changed.connect(self._on_scope)
        self._follow_viewer()
        self._look_again.timeout.connect(self._refresh)
        self._look_again.timeout.connect(self._note_view)  # another slice, perhaps
        # napari takes the widget out of its dock without closing it, so losing the parent is all there is to notice.
        self.native_parent_changed.connect(self._on_parent_changed)
        self.native.destroyed.connect(self._on_destroyed)

    def _layers_of_type(self, layer_type: type[Layer]) -> Callable[[], list[Layer]]:
        # By the widget's own viewer: napari's default choices are those of whichever viewer was used last.
        layers = self._viewer.layers
        return lambda: [layer for layer in layers if isinstance(layer, layer_type) and may_be_own(layer)]

    def _on_layer_chosen(self) -> None:
        chosen = self.image_layer.value, self.labels_layer.value
        if chosen != self._chosen:
            self._chosen = chosen
            self._message = ""
            self.refiners = RefinerCache()  # a job that still runs keeps the one it has
            self._next_place.forget()
            self._note_change()
        self._show_scope()
        self._dimming.follow(self.labels_layer.value)
        self.classes.follow(self.labels_layer.value)
        self._watch()
        self._refresh()

    def _show_scope(self) -> None:
        image, labels = self._chosen
        self.scope.show_for(image, self._ground.below(labels, image, self.scope.choice()))

    def _choice(self) -> Choice:
        """Return what is chosen besides the two layers, and what was accepted for these labels."""
        return keeping_accepted(self._viewer, self.labels_layer.value, self.scope.choice())

    def _on_scope(self) -> None:
        self._watch()
        self._on_layer_edited()

    def _watch(self) -> None:
        """Hear of changes of the layers that are used now."""
        choice = self._choice()
        used = [*self._chosen, *choice.channels, choice.region, choice.accepted]
        self._stop_watching()
        self._watched = [layer for layer in used if layer is not None]
        for layer in self._watched:
            for event in _events_to_watch(layer):
                event.connect(self._on_layer_edited)

    def _stop_watching(self) -> None:
        for layer in self._watched:
            for event in _events_to_watch(layer):
                event.disconnect(self._on_layer_edited)
        self._watched = []

    def _on_layer_edited(self) -> None:
        self._show_scope()  # what they say of their axes may be something else
        self._look_again.start()
        self._note_change()

    def _on_view(self) -> None:
        """Let Live follow the view, where only what is seen is refined, and tiles."""
        self._note_view()
        if self.scope.in_view.value or (self.live and self.snapshot.choice.by_tiles):
            self._note_change()
            self._refresh()

    def _note_view(self) -> None:
        """Let a run in tiles know what is seen."""
        self._view_seen.box = self.scope.seen()

    def _job(self) -> Job | TiledJob:
        """Return what Run does."""
        if self.snapshot.choice.by_tiles:
            return TiledJob.prepare(self.snapshot, self.parameters, self._view_seen)
        return Job.prepare(self.snapshot, self.parameters, self.refiners)

    def _note_change(self) -> None:
        """Forget what was read of the layers, and let Live follow."""
        self._snapshot = None
        self._live.note_change()
        self.run_bar.keep.setEnabled(self._live.can_be_kept)

    def _on_parent_changed(self, parent: QWidget | None) -> None:
        if parent is None:
            if self.live:
                self.live = False
                self._live.preview.remove()  # nobody could keep it any more
            self.cancel()
            self._leave_viewer()
        else:
            self._follow_viewer()
            self._watch()
            self._dimming.follow(self.labels_layer.value)
            self.classes.follow(self.labels_layer.value)
            self.result.attach()
            self._take_keys()

    def _on_destroyed(self) -> None:
        WARM_UP.ended.disconnect(self._refresh, missing_ok=True)
        self._runner.abandon()
        self._leave_viewer()

    def _follow_viewer(self) -> None:
        """Hear of its layers and slices; napari connects the first, too, but only for a widget that it docks."""
        for event in _events_of_list(self._viewer):
            event.connect(self.reset_choices)
        self._viewer.dims.events.current_step.connect(self._on_layer_edited)
        self._view.watch(True)

    def _take_keys(self) -> None:
        self.run_bar.take_keys(self._keys)
        self._keys.call(HIDE_KEY, hide_results)
        self.classes.take_keys(self._keys)

    def _leave_viewer(self) -> None:
        """Hold nothing of the viewer, and leave no callback on its events: napari disconnects none of them."""
        for event in _events_of_list(self._viewer):
            event.disconnect(self.reset_choices)
        self._viewer.dims.events.current_step.disconnect(self._on_layer_edited)
        self._view.watch(False)
        self._stop_watching()
        self._look_again.stop()
        self._keys.free()
        self._dimming.follow(None)
        self.classes.follow(None)
        self.result.release()
        self._next_place.forget()

    def _on_live(self, on: bool) -> None:
        self._snapshot = None
        self._live.follow(on)
        self._refresh()  # too much may be in view for it

    def _on_parameters(self) -> None:
        self.presets.show_parameters(self.parameters)
        self._note_change()

    def _on_fixed(self) -> None:
        self._say(_FIXED)

    def _on_preset(self, parameters: Parameters) -> None:
        self.parameters = parameters

    def _on_commit(self) -> None:
        self.commit()

    def _on_commit_slice(self) -> None:
        self.commit(slice_only=True)

    def _on_button(self) -> None:
        if self._shows_cancel:
            self.cancel()
        else:
            self.run()

    @property
    def _shows_cancel(self) -> bool:
        """Whether a job runs that Run started; one that was cancelled ends its step unseen."""
        return self._runner.is_busy and not self._runner.is_stopping and self._runner.live_job is None

    def _say(self, sentence: str) -> None:
        self._message = sentence
        self._refresh()

    def _say_busy(self, sentence: str) -> None:
        sentence = f"{sentence} {self._notice}".strip()
        self._message = sentence if JobRunner.has_compiled else f"{sentence} {_FIRST_USE}"
        self._refresh()

    def _refresh(self) -> None:
        """Show what can be done now, and why nothing can."""
        self.run_bar.keep.setEnabled(self._live.can_be_kept)
        own = self.labels_layer.value
        self.run_bar.commit_slice.setVisible(own is not None and own.ndim > 2)
        self.run_bar.take_back.setEnabled(can_be_taken_back(find_accepted(self._viewer, own)))
        if self._shows_cancel:
            self.run_bar.show_busy(self._message)
            return
        problem = self.snapshot.problem
        unseen = self.seen.problem if self.live and not problem else ""
        sentence = problem or unseen or self._message or " ".join(filter(None, [self.snapshot.misfit, _READY]))
        if WARM_UP.is_running and not self._message:
            sentence = f"{sentence} {_WARMING_UP}"
        self.run_bar.show_idle(sentence, enabled=not problem)


def _stacked(widgets: Sequence[QWidget]) -> QWidget:
    """Return the widgets one below the other."""
    body = QWidget()
    layout = QVBoxLayout(body)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget)
    layout.addStretch()
    return body


def _shortened(outcome: Outcome | TiledOutcome | None, layer: Labels | None) -> list[str]:
    """Return the first few warnings about a layer: one for each of twenty labels would take all the room there is."""
    sentences = () if outcome is None else outcome.warnings
    names = {} if layer is None else class_names_of(layer)
    shown = [with_names(sentence, names) for sentence in sentences[:_MOST_WARNINGS]]
    if len(sentences) > len(shown):
        shown.append(f"{len(sentences) - len(shown)} more warnings are in the layer's metadata.")
    return shown


def _layer_box(label: str, layers: Callable[[], list[Layer]], tooltip: str) -> LayerBox:
    return LayerBox(layers, name=f"{label.lower()}_layer", label=label, tooltip=tooltip)


def _events_of_list(viewer: napari.viewer.Viewer) -> list[Any]:
    """Return the events after which other layers are to be offered: those by which napari calls `reset_choices`."""
    events = viewer.layers.events
    return [events.inserted, events.removed, events.reordered, events.renamed]


def _events_to_watch(layer: Layer) -> list[Any]:
    """Return the events after which a layer may become fit or unfit to be refined."""
    names = ("data", "set_data", "paint", "labels_update", "contrast_limits", *PLACE, *EVENTS)
    return [getattr(layer.events, name) for name in names if hasattr(layer.events, name)]

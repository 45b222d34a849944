"""The dock widget "Refine labels".

It holds no arithmetic: it lays out the controls, follows the viewer, and says in one sentence what is missing. What the
controls are set to is a `Setting`; what is done about it, `Runs` do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import Container
from napari.layers import Image, Labels
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_coarse_crf.plugin.controls.classes import ClassControls
from napari_coarse_crf.plugin.controls.defaults import read_defaults
from napari_coarse_crf.plugin.controls.heading import Heading, heading
from napari_coarse_crf.plugin.controls.keys import ViewerKeys
from napari_coarse_crf.plugin.controls.layer_box import LabelsBox, LayerBox
from napari_coarse_crf.plugin.controls.parameters import ParameterControls
from napari_coarse_crf.plugin.controls.place_mark import PlaceMark
from napari_coarse_crf.plugin.controls.presets import PresetBar
from napari_coarse_crf.plugin.controls.run_bar import RunBar
from napari_coarse_crf.plugin.controls.scope import ScopeControls
from napari_coarse_crf.plugin.controls.scrolling import OneAtATime, let_shrink, scrolling, stacked
from napari_coarse_crf.plugin.jobs.next_place import NextPlace
from napari_coarse_crf.plugin.jobs.warming import WARM_UP
from napari_coarse_crf.plugin.layers.accepted import can_be_taken_back, find_accepted, link_accepted
from napari_coarse_crf.plugin.layers.accepting import commit, take_back_last
from napari_coarse_crf.plugin.layers.camera import ViewWatch
from napari_coarse_crf.plugin.layers.drawn import Ground, is_drawn
from napari_coarse_crf.plugin.layers.newest import hide_results
from napari_coarse_crf.plugin.layers.provenance import may_be_own
from napari_coarse_crf.plugin.layers.watched import LayerWatch, events_of_list
from napari_coarse_crf.plugin.leaving import go_with_python
from napari_coarse_crf.plugin.result.dimming import Dimming
from napari_coarse_crf.plugin.result.section import ResultSection
from napari_coarse_crf.plugin.runs import Runs
from napari_coarse_crf.plugin.setting import Setting

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari
    from napari.layers import Layer
    from napari.qt.threading import GeneratorWorker
    from qtpy.QtWidgets import QWidget

    from napari_coarse_crf import Parameters

_READY = "Ready. Run adds a new layer; yours stays as it is."
_WARMING_UP = "The engine is being compiled, once: 10 to 20 seconds."
HIDE_KEY = "H"
"""Held down, it hides the results: napari itself has no use for it."""
_FIXED = "Weights are 'fixed' now, as you set one of them. Choose 'auto' to let your labels choose again."
_OUTDATED = "Something has changed since, so the preview is not what Run would give now. Tick Live, or Run."
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
        self._keys = ViewerKeys(napari_viewer)
        self._dimming = Dimming(napari_viewer)
        self._chosen: tuple[Layer | None, Layer | None] = (None, None)
        self._confirmed = ""  # what was accepted or taken back last, until something else changes
        self._ground = Ground()
        self._watched = LayerWatch(self._on_layer_edited, self._on_pixels_edited)
        self.image_layer = LayerBox(
            self._layers_of_type(Image),
            name="image_layer",
            label="Image",
            tooltip="The image that the labels belong to.",
        )
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
        self.setting = Setting(napari_viewer, self.image_layer, self.labels_layer, self.scope, self.controls)
        self.run_bar = RunBar()
        self.result = ResultSection(napari_viewer)
        self._lay_out()
        self._look_again = QTimer(self.native)
        self._look_again.setSingleShot(True)
        self._look_again.setInterval(_LOOK_AGAIN_MS)
        self._view = ViewWatch(napari_viewer, self.native, self._on_view)
        self.runs = Runs(napari_viewer, self.setting, self.native)
        self.mark = PlaceMark(napari_viewer, self.native)
        self._next_place = NextPlace(napari_viewer, self.runs.say, self.mark)
        self.runs.standing = self._standing
        self._choose_selected()
        self._connect()
        WARM_UP.begin()
        self._on_layer_chosen()
        go_with_python(self.native)

    @property
    def parameters(self) -> Parameters:
        """The parameters that a run is made with; set it to move the controls."""
        return self.controls.parameters

    @parameters.setter
    def parameters(self, parameters: Parameters) -> None:
        self.controls.parameters = parameters

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
        self.setting.forget()  # a script may have changed a layer without a word
        if self.setting.snapshot.problem:
            self._refresh()
            return None
        self.mark.clear()
        self._note_view()
        return self.runs.start()

    @property
    def live(self) -> bool:
        """Whether changes are followed by a refinement in the preview layer; off when the widget opens."""
        return self.runs.live.switch.is_on

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
        if not self.runs.live.can_be_kept:
            return None
        self.setting.forget()
        kept = self.runs.live.keep()
        if kept is None:
            self.runs.say(_OUTDATED)
            return None
        layer = self.runs.slices.gather(*kept)
        self.reset_choices()
        self.result.show_result(layer)
        is_new = layer is kept[0]
        self.runs.say(f"Kept as layer '{layer.name}'." if is_new else f"Kept: slice added to '{layer.name}'.")
        return layer

    def next_place(self) -> None:
        """Go to the place where a stroke would help most, looked for in a thread; the status says which labels."""
        self.setting.forget()
        if self.setting.snapshot.problem:
            self._refresh()
            return
        there = self.setting.snapshot.narrowed(self._next_place.scope(self.setting.look_scope))
        if problem := (there.alone() if self.setting.snapshot.choice.by_tiles else there).problem:
            self.runs.say(problem)
            return
        self._next_place.go(there, self.setting.shown_parameters)

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
        compared = self.result.compared.refined
        self.mark.clear()
        shown, own = self.runs.live.shown_result, self.labels_layer.value
        if shown is None and self.runs.live.covers(compared):
            self.runs.say(_OUTDATED)
            return None
        layer, sentence = commit(self._viewer, own, shown, compared, slice_only=slice_only)
        if layer is None:
            self.runs.say(sentence)
        else:
            self._confirm(sentence)
        return layer

    def take_back(self) -> None:
        """Undo the last `commit` for the chosen labels."""
        self.mark.clear()
        self._confirm(take_back_last(self._viewer, self.labels_layer.value))

    def cancel(self) -> None:
        """Stop the run that is under way, if any; it adds no layer, but tiles that are refined stay."""
        self.runs.cancel()

    def reset_choices(self, *_: Any) -> None:
        """Offer the layers there are now; napari calls this whenever its list changes."""
        link_accepted(self._viewer)
        super().reset_choices()
        self.setting.forget()
        self.result.reset_choices()
        self._on_layer_chosen()  # what else is offered may be another, too

    # Building and following the viewer.

    def _lay_out(self) -> None:
        layers = Container(widgets=[self.image_layer, self.labels_layer], name="layers")
        layers.margins = (0, 0, 0, 0)
        self.margins = (6, 6, 6, 6)
        self.extend([layers, self.scope])  # so that the boxes follow the layer list; the scrolling part shows them
        layout = self.native.layout()
        shown = [heading("Layers"), layers.native, self.scope.native, self.classes, self.presets, self.controls]
        settings = scrolling(stacked(shown))
        stand_in = Heading("Layers and parameters", "back to them", "Show them again, in the place of the result.")
        layout.addWidget(stand_in)
        layout.addWidget(settings, 1)
        layout.addWidget(heading("Run"))
        layout.addWidget(self.run_bar)
        layout.addWidget(self.result)
        OneAtATime(self.native, settings, stand_in, self.result.heading)

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
        self.presets.failed.connect(self.runs.say)
        WARM_UP.ended.connect(self._refresh)
        self.run_bar.button.clicked.connect(self._on_button)
        self.run_bar.live.toggled.connect(self._on_live)
        self.run_bar.keep.clicked.connect(self.keep)
        self.run_bar.next_place.clicked.connect(self.next_place)
        self.run_bar.commit.clicked.connect(self._on_commit)
        self.run_bar.commit_slice.clicked.connect(self._on_commit_slice)
        self.run_bar.take_back.clicked.connect(self.take_back)
        self.runs.changed.connect(self._refresh)
        self.runs.progressed.connect(self.run_bar.show_progress)
        self.runs.chosen.connect(self.controls.show_chosen)
        self.runs.refined.connect(self.refined.emit)
        self.refined.connect(self.result.show_result)
        self.result.looking.comparing.connect(self._dimming.pause)
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
            self.runs.message = ""
            self.setting.begin_anew()
            self.controls.forget_chosen()
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

    def _on_scope(self) -> None:
        self.controls.forget_chosen()
        self._watch()
        self._on_layer_edited()

    def _watch(self) -> None:
        """Hear of changes of the layers that are used now."""
        choice = self.setting.choice
        self._watched.watch([*self._chosen, *choice.channels, choice.region, choice.accepted])

    def _on_layer_edited(self) -> None:
        self._show_scope()  # what they say of their axes may be something else
        self._on_pixels_edited()

    def _on_pixels_edited(self) -> None:
        """Take note of a stroke, of which there may be hundreds a second, or of another slice: the axes stay."""
        self._look_again.start()
        self._note_change()

    def _on_view(self) -> None:
        """Let Live follow the view, where only what is seen is refined, and tiles."""
        self._note_view()
        if self.scope.in_view.value or (self.live and self.setting.snapshot.choice.by_tiles):
            self._note_change()
            self._refresh()

    def _note_view(self) -> None:
        """Let a run in tiles know what is seen."""
        self.runs.view.box = self.scope.seen()

    def _note_change(self) -> None:
        """Forget what was read of the layers, and let Live follow."""
        self._confirmed = ""
        self.setting.forget()
        self.runs.live.note_change()
        self.run_bar.keep.setEnabled(self.runs.live.can_be_kept)

    def _confirm(self, sentence: str) -> None:
        """Say what was done, which Live follows at once with a result of its own: it does not talk over that."""
        self.runs.say(sentence)
        self._confirmed = sentence

    def _standing(self) -> str:
        return self._next_place.standing() or self._confirmed

    def _on_parent_changed(self, parent: QWidget | None) -> None:
        if parent is None:
            if self.live:
                self.live = False
                self.runs.live.preview.remove()  # nobody could keep it any more
            self.cancel()
            self._leave_viewer()
        else:
            let_shrink(parent)
            self._follow_viewer()
            self._watch()
            self._dimming.follow(self.labels_layer.value)
            self.classes.follow(self.labels_layer.value)
            self.result.attach()
            self._take_keys()

    def _on_destroyed(self) -> None:
        WARM_UP.ended.disconnect(self._refresh, missing_ok=True)
        self.runs.runner.abandon()
        self._leave_viewer()

    def _follow_viewer(self) -> None:
        """Hear of its layers and slices; napari connects the first, too, but only for a widget that it docks."""
        for event in events_of_list(self._viewer):
            event.connect(self.reset_choices)
        self._viewer.dims.events.current_step.connect(self._on_pixels_edited)
        self._view.watch(True)

    def _take_keys(self) -> None:
        self.run_bar.take_keys(self._keys)
        self._keys.call(HIDE_KEY, hide_results)
        self.classes.take_keys(self._keys)

    def _leave_viewer(self) -> None:
        """Hold nothing of the viewer, and leave no callback on its events: napari disconnects none of them."""
        for event in events_of_list(self._viewer):
            event.disconnect(self.reset_choices)
        self._viewer.dims.events.current_step.disconnect(self._on_pixels_edited)
        self._view.watch(False)
        self._watched.stop()
        self._look_again.stop()
        self._keys.free()
        self._dimming.follow(None)
        self.classes.follow(None)
        self.result.release()
        self._next_place.forget()

    def _on_live(self, on: bool) -> None:
        self.setting.forget()
        self.runs.live.follow(on)
        self._refresh()  # too much may be in view for it

    def _on_parameters(self) -> None:
        self.presets.show_parameters(self.parameters)
        self._note_change()

    def _on_fixed(self) -> None:
        self.runs.say(_FIXED)

    def _on_preset(self, parameters: Parameters) -> None:
        self.parameters = parameters

    def _on_commit(self) -> None:
        self.commit()

    def _on_commit_slice(self) -> None:
        self.commit(slice_only=True)

    def _on_button(self) -> None:
        if self.runs.can_be_cancelled:
            self.cancel()
        else:
            self.run()

    def _refresh(self) -> None:
        """Show what can be done now, and why nothing can."""
        self.run_bar.keep.setEnabled(self.runs.live.can_be_kept)
        own = self.labels_layer.value
        self.run_bar.commit_slice.setVisible(own is not None and own.ndim > 2)
        self.run_bar.take_back.setEnabled(can_be_taken_back(find_accepted(self._viewer, own)))
        if self.runs.can_be_cancelled:
            self.run_bar.show_busy(self.runs.message)
            return
        snapshot = self.setting.snapshot
        problem = snapshot.problem
        unseen = self.setting.seen.problem if self.live and not problem else ""
        not_seen = f"{self._standing()} {unseen}".strip() if unseen else ""
        sentence = problem or not_seen or self.runs.message or " ".join(filter(None, [snapshot.misfit, _READY]))
        if WARM_UP.is_running and not self.runs.message:
            sentence = f"{sentence} {_WARMING_UP}"
        self.run_bar.show_idle(sentence, enabled=not problem)

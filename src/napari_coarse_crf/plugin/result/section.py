"""The section "Result": look at coarse and refined labels in turn, measure them, make layers of them, save them.

It works on layers that are there already, so it needs nothing from the sections above but the news of a result. What
it changes in the viewer for the sake of looking (visibility, contours, grid) it puts back.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QApplication, QFrame, QScrollArea, QVBoxLayout, QWidget
from superqt.utils import signals_blocked

from napari_coarse_crf.plugin.jobs.background import Background
from napari_coarse_crf.plugin.jobs.worker import Failure
from napari_coarse_crf.plugin.layers.record import cut_below, recall
from napari_coarse_crf.plugin.result import derived
from napari_coarse_crf.plugin.result.boxes import ComparedBoxes
from napari_coarse_crf.plugin.result.dialogs import SaveDialogs
from napari_coarse_crf.plugin.result.numbers import as_text, class_names_of, compare_labels, table_cells
from napari_coarse_crf.plugin.result.panel import FLIP_KEY, Heading, ResultPanel
from napari_coarse_crf.plugin.result.saving import FILE_KINDS, Saving, TableSaving, file_name
from napari_coarse_crf.plugin.result.views import Views

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari
    from napari.layers import Labels

    from napari_coarse_crf.plugin.result.numbers import Comparison

_BLINK_MS = 700
_MEASURE_AGAIN_MS = 200
"""How long after a change the table is made again: once for many strokes."""
_CUT_MS = 30
_WATCHED = ("data", "paint", "labels_update", "colormap", "features")
"""The events of a layer after which the table may show something else."""


class ResultSection(QWidget):
    """Shows the result of a run beside what it was made from.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose layers are compared.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._views = Views(viewer)
        self._background = Background()
        self._watched: list[Labels] = []
        self._label_id: int | None = None
        self._offered: list[Any] = []
        self._flip_function: Callable[..., None] | None = None
        self.heading = Heading("Result")
        self.boxes = ComparedBoxes(viewer)
        self.panel = ResultPanel(self.boxes)
        self._dialogs = SaveDialogs(self, self._background, self.panel.say)
        self._blinker = self._timer(_BLINK_MS, self._flip, repeats=True)
        self._measure_soon = self._timer(_MEASURE_AGAIN_MS, self._measure)
        self._cut_soon = self._timer(_CUT_MS, self._cut)
        self._lay_out()
        self._connect()
        self._on_chosen()

    @property
    def status(self) -> str:
        """The sentence at the end of the section."""
        return self.panel.status.text()

    def attach(self) -> None:
        """Take the key for flipping, if nobody else has it. Called when the widget comes into a dock."""
        if not self._watched:
            self._on_chosen()
        if self._flip_function is None and (function := _bind_flip_key(self._viewer, self)) is not None:
            self._flip_function = function
            self.panel.flip_button.setText(f"Flip ({FLIP_KEY})")

    def release(self) -> None:
        """Put everything back and hold nothing of the viewer. Called when the widget leaves its dock."""
        for timer in (self._blinker, self._measure_soon, self._cut_soon):
            timer.stop()
        self._views.put_back()
        self._stop_watching()
        self._background.abandon()
        if self._flip_function is not None:
            _unbind_flip_key(self._viewer, self._flip_function)
            self._flip_function = None

    def reset_choices(self) -> None:
        """Offer the layers there are now."""
        self.boxes.reset_choices()
        self._refresh()  # names may have changed

    def show_result(self, layer: Labels) -> None:
        """Choose the layer that a run added."""
        self.boxes.show_result(layer)
        self._refresh()  # it may have been chosen when it came into the list, before its confidence was known

    # Building.

    def _timer(self, milliseconds: int, slot: Callable[[], None], *, repeats: bool = False) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(not repeats)
        timer.setInterval(milliseconds)
        timer.timeout.connect(slot)
        return timer

    def _lay_out(self) -> None:
        self._scroll = QScrollArea()
        self._scroll.setWidget(self.panel)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setMinimumHeight(200)
        self._scroll.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.heading)
        layout.addWidget(self._scroll, 1)

    def _connect(self) -> None:
        panel = self.panel
        self.heading.toggled.connect(self._on_unfolded)
        self.boxes.changed.connect(self._on_chosen)
        self._viewer.layers.events.removed.connect(self._on_removed)
        panel.flip_button.clicked.connect(self._on_flip)
        panel.blink_button.toggled.connect(self._on_blink)
        panel.contour_button.toggled.connect(self._on_contour)
        panel.grid_button.toggled.connect(self._on_grid)
        panel.back_button.clicked.connect(self._put_back)
        panel.table.label_chosen.connect(self._on_label)
        panel.copy_button.clicked.connect(self._on_copy)
        panel.save_table_button.clicked.connect(self._on_save_table)
        panel.cut_slider.valueChanged.connect(self._on_cut)
        panel.confidence_button.clicked.connect(self._on_confidence)
        panel.heatmap_button.clicked.connect(self._on_heatmap)
        panel.save_button.clicked.connect(self._on_save)

    # Following the choice of layers.

    def _on_unfolded(self, unfolded: bool) -> None:
        self._scroll.setVisible(unfolded)
        self._measure()

    def _on_chosen(self) -> None:
        problem = self.boxes.find_problem()
        if self._views.choose([] if problem else self.boxes.compared):
            self._stop_looking()
        self._stop_watching()
        self._watched = self.boxes.compared
        for layer in self._watched:
            for name in _WATCHED:
                getattr(layer.events, name).connect(self._on_edited)
        self._label_id = None
        self.panel.say(problem or "Flip shows coarse and refined labels in turn.")
        self._refresh()
        self._measure_soon.start()

    def _stop_watching(self) -> None:
        for layer in self._watched:
            for name in _WATCHED:
                getattr(layer.events, name).disconnect(self._on_edited)
        self._watched = []

    def _on_removed(self, event: Any) -> None:
        self._views.forget(event.value)

    def _on_edited(self) -> None:
        self._measure_soon.start()

    def _refresh(self) -> None:
        """Offer what can be done with the chosen layers."""
        refined, ready = self.boxes.refined, not self.boxes.find_problem()
        record = recall(refined) if ready else None
        self.panel.offer(ready=ready, known=record is not None, label_id=self._label_id)
        self.panel.back_button.setEnabled(self._views.is_changed)
        self.panel.show_cut(record)
        self._offer_differences(derived.differences(self.boxes) if ready else [])

    def _offer_differences(self, offered: list[Any]) -> None:
        if offered == self._offered:  # not while one of them is chosen, which adds a layer, which leads here
            return
        self._offered = offered
        self.panel.difference_menu.clear()
        for text, make, *layers in offered:
            # The menu lives as long as the section: a reference to the section would keep both for ever.
            task = partial(make, *layers)
            self.panel.difference_menu.addAction(text, partial(_add_difference, ref(self), text, task))

    # Looking.

    def _on_flip(self) -> None:
        self.panel.blink_button.setChecked(False)
        self._flip()

    def _flip(self) -> None:
        """Show the next of the compared layers alone."""
        if len(self._views.layers) < 2:
            return
        self.panel.grid_button.setChecked(False)
        shown = self._views.flip()
        self.panel.say(f"Showing '{shown.name}'.")
        self.panel.back_button.setEnabled(self._views.is_changed)

    def _on_blink(self, on: bool) -> None:
        if on:
            self._flip()
            self._blinker.start()
        else:
            self._blinker.stop()

    def _on_contour(self, on: bool) -> None:
        self._views.show_contours(on)
        self._refresh()

    def _on_grid(self, on: bool) -> None:
        if on:
            self.panel.blink_button.setChecked(False)
            self.panel.say("Showing the layers side by side.")
        self._views.show_grid(on)
        self._refresh()

    def _put_back(self) -> None:
        self._stop_looking()
        self._views.put_back()
        self.panel.say("The layers are shown as before.")
        self._refresh()

    def _stop_looking(self) -> None:
        """Release the buttons of what has been put back."""
        self._blinker.stop()
        for button in (self.panel.blink_button, self.panel.contour_button, self.panel.grid_button):
            with signals_blocked(button):
                button.setChecked(False)

    # Measuring.

    def _measure(self) -> None:
        """Make the table again, off the main thread; a folded section needs none."""
        self._refresh()  # a layer is there a moment before it is known what a run found besides
        if not self.heading.isChecked():
            return
        coarse, refined, truth = self.boxes.coarse, self.boxes.refined, self.boxes.truth
        if coarse is None or refined is None or self.boxes.find_problem():
            self._background.drop("table")
            self.panel.show_nothing()
            return
        names = class_names_of(coarse) | class_names_of(refined)
        task = partial(_compare, _snapshot(coarse), _snapshot(refined), derived.known_confidence(refined), names=names)
        self._background.start("table", self._on_measured, partial(task, None if truth is None else _snapshot(truth)))

    def _on_measured(self, outcome: Comparison | Failure) -> None:
        if isinstance(outcome, Failure):
            self.panel.show_nothing()
            self.panel.say(str(outcome.error))
        elif self.boxes.refined is not None:
            self.panel.show_comparison(outcome, partial(_colour, self.boxes.refined))

    def _on_label(self, label_id: int) -> None:
        self._label_id = label_id or None  # 0 is no label: nothing to make a heatmap of
        for layer in self.boxes.compared:
            fits = np.iinfo(layer.data.dtype)
            if fits.min <= label_id <= fits.max:
                layer.selected_label = label_id
        self.panel.say(f"Label {label_id} is selected in the compared layers.")
        self._refresh()

    def _on_copy(self) -> None:
        clipboard = QApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(as_text(table_cells(self.panel.table.comparison), "\t"))
            self.panel.say("The table is in the clipboard.")

    def _on_save_table(self) -> None:
        refined = self.boxes.refined
        if refined is not None:
            text = as_text(table_cells(self.panel.table.comparison), ",")
            self._dialogs.ask("CSV (*.csv)", f"{file_name(refined.name)}.csv", partial(TableSaving.prepare, text))

    # Making layers and files.

    def _on_cut(self, _step: int) -> None:
        self._cut_soon.start()

    def _cut(self) -> None:
        refined = self.boxes.refined
        if refined is not None and recall(refined) is not None:
            cut_below(refined, self.panel.cut)
            self.panel.show_cut(recall(refined))

    def _add_difference(self, text: str, make: Callable[[], Any]) -> None:
        refined = self.boxes.refined
        if refined is not None:
            layer = self._viewer.add_labels(make(), **derived.difference_look(refined, text))
            meanings = ", ".join(derived.meanings(layer))
            self.panel.say(f"Layer '{layer.name}' added: {meanings}.")

    def _on_confidence(self) -> None:
        refined = self.boxes.refined
        record = recall(refined)
        if refined is not None and record is not None:
            layer = self._viewer.add_image(record.confidence, **derived.map_look(refined, "confidence", "viridis"))
            self.panel.say(f"Layer '{layer.name}' added: bright where the refinement is sure.")

    def _on_heatmap(self) -> None:
        refined = self.boxes.refined
        record = recall(refined)
        if refined is None or record is None or self._label_id is None:
            return
        look = derived.map_look(refined, f"heatmap of {self._label_id}", "magma")
        self.panel.say(f"Making the heatmap of label {self._label_id}.")
        task = partial(record.heatmap, self._label_id)
        self._background.start("heatmap", partial(self._on_heatmap_made, look), task)

    def _on_heatmap_made(self, look: dict[str, Any], outcome: Any) -> None:
        if isinstance(outcome, Failure):
            self.panel.say(str(outcome.error))
            return
        layer = self._viewer.add_image(outcome, **look)
        self.panel.say(f"Layer '{layer.name}' added: how probable the label was before the CRF.")

    def _on_save(self) -> None:
        refined = self.boxes.refined
        if refined is not None:
            self._dialogs.ask(FILE_KINDS, f"{file_name(refined.name)}.tif", partial(Saving.prepare, refined))


def _add_difference(
    section: Callable[[], ResultSection | None], text: str, make: Callable[[], Any], _checked: bool = False
) -> None:
    if (living := section()) is not None:
        living._add_difference(text, make)


def _bind_flip_key(viewer: napari.viewer.Viewer, section: ResultSection) -> Callable[..., None] | None:
    """Bind the key and return the function it calls; None if another widget or a person has bound it."""
    weak = ref(section)  # the viewer would keep a closed section otherwise

    def flip(_viewer: Any) -> None:
        if (living := weak()) is not None:
            living.panel.flip_button.click()

    try:
        viewer.bind_key(FLIP_KEY, flip, overwrite=False)
    except ValueError:
        return None
    return flip


def _unbind_flip_key(viewer: napari.viewer.Viewer, function: Callable[..., None]) -> None:
    bound = viewer.bind_key(FLIP_KEY, None)
    if bound is not None and bound is not function:  # somebody has bound it anew
        viewer.bind_key(FLIP_KEY, bound)


def _snapshot(layer: Labels) -> Any:
    """Return the labels as they are now; a lazy array is read later, and cannot be painted on."""
    return layer.data.copy() if isinstance(layer.data, np.ndarray) else layer.data


def _compare(
    coarse: Any, refined: Any, confidence: Callable[[Any], Any], truth: Any, *, names: dict[int, str]
) -> Comparison:
    coarse, refined = np.asarray(coarse), np.asarray(refined)
    true_ids = None if truth is None else np.asarray(truth)
    return compare_labels(coarse, refined, confidence(refined), true_ids, names)


def _colour(layer: Labels, label_id: int) -> QColor:
    red, green, blue, _ = np.asarray(layer.colormap.map(np.array([label_id])), dtype=float).reshape(-1)[:4]
    return QColor.fromRgbF(float(red), float(green), float(blue))

"""The section "Result": look at coarse and refined labels in turn, measure them, make layers of them, save them.

It works on layers that are there already, so it needs nothing from the sections above but the news of a result. The
boxes say what is compared; everything else that is shown follows from that and from the layers. What it changes in the
viewer for the sake of looking (visibility, contours, grid) it puts back.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from qtpy.QtCore import QTimer
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QApplication, QSizePolicy, QVBoxLayout, QWidget

from napari_coarse_crf.plugin.controls.heading import Heading
from napari_coarse_crf.plugin.jobs.background import Background
from napari_coarse_crf.plugin.jobs.worker import Failure
from napari_coarse_crf.plugin.layers.classes import in_words, with_names
from napari_coarse_crf.plugin.layers.colours import colours_of
from napari_coarse_crf.plugin.layers.newest import show_alone, show_only, was_hidden_for_another
from napari_coarse_crf.plugin.layers.record import cut_least_sure, recall
from napari_coarse_crf.plugin.layers.store import keep_store, store_of
from napari_coarse_crf.plugin.result import derived
from napari_coarse_crf.plugin.result.boxes import ComparedBoxes
from napari_coarse_crf.plugin.result.compared import Compared
from napari_coarse_crf.plugin.result.dialogs import SaveDialogs
from napari_coarse_crf.plugin.result.looking import Looking
from napari_coarse_crf.plugin.result.measuring import Measuring
from napari_coarse_crf.plugin.result.numbers import as_text, table_cells
from napari_coarse_crf.plugin.result.objects import ObjectsTask
from napari_coarse_crf.plugin.result.panel import ResultPanel
from napari_coarse_crf.plugin.result.saving import FILE_KINDS, Saving, TableSaving, file_name
from napari_coarse_crf.plugin.result.store_saving import STORE_KIND, STORE_SUFFIX, StoreSaving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import napari

    from napari_coarse_crf.plugin.layers.record import Record
    from napari_coarse_crf.plugin.result.numbers import Comparison
    from napari_coarse_crf.plugin.result.objects import FoundObjects

_MEASURE_AGAIN_MS = 200
"""How long after a change the table is made again: once for many strokes."""
_CUT_MS = 30
_ABOUT = "Compare the refined labels with yours, measure, save. Hold H to see what lies below."
_WATCHED = ("data", "paint", "labels_update", "colormap", "features")
"""The events of a layer after which the table may show something else."""


class ResultSection(QWidget):
    """Shows the result of a run beside what it was made from.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose layers are compared.

    Attributes
    ----------
    compared : Compared
        The layers that are shown, measured and saved: what the boxes say, nothing once the dock is closed.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._background = Background()
        self._label_id: int | None = None
        self._objects = ("", "")  # the name of the layer that was found last, and its table
        self.compared = Compared()
        self.heading = Heading("Result", "compare, measure, save", _ABOUT)
        self.boxes = ComparedBoxes(viewer)
        self.panel = ResultPanel(self.boxes)
        self.looking = Looking(viewer, self.panel)
        self._dialogs = SaveDialogs(self, self._background, self.panel.say)
        self._measure_soon = self._timer(_MEASURE_AGAIN_MS, self._measure)
        self._cut_soon = self._timer(_CUT_MS, self._cut)
        self._lay_out()
        self._connect()
        self._follow(self.boxes.compared)

    @property
    def status(self) -> str:
        """The sentence at the end of the section."""
        return self.panel.status.text()

    def attach(self) -> None:
        """Show what the boxes say, and take the key for flipping. Called when the widget comes into a dock."""
        if self.compared != self.boxes.compared:
            self._follow(self.boxes.compared)
        self.looking.attach()
        self.looking.take_key()

    def release(self) -> None:
        """Put everything back and hold nothing of the viewer. Called when the widget leaves its dock."""
        self._finish_cut()
        self._measure_soon.stop()
        self._watch(Compared())
        self.looking.release()
        self._background.abandon()

    def reset_choices(self) -> None:
        """Offer the layers there are now."""
        self.boxes.reset_choices()
        self._refresh()  # names may have changed

    def show_result(self, layer: Labels) -> None:
        """Choose the layer that a run added."""
        self.boxes.show_result(layer)
        show_alone(self._viewer, layer)  # what was looked at before was put back, and shown
        self._refresh()  # it may have been chosen when it came into the list, before its confidence was known

    # Building.

    def _timer(self, milliseconds: int, slot: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(milliseconds)
        timer.timeout.connect(slot)
        return timer

    def _lay_out(self) -> None:
        self.panel.hide()
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)  # what nobody else asks for
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.heading)
        layout.addWidget(self.panel, 1)

    def _connect(self) -> None:
        panel = self.panel
        self.heading.toggled.connect(self._on_unfolded)
        self.boxes.changed.connect(self._on_chosen)
        panel.table.label_chosen.connect(self._on_label)
        panel.copy_button.clicked.connect(self._on_copy)
        panel.save_table_button.clicked.connect(self._on_save_table)
        panel.cut_slider.valueChanged.connect(self._on_cut)
        panel.difference_chosen.connect(self._on_difference)
        panel.confidence_button.clicked.connect(self._on_confidence)
        panel.heatmap_button.clicked.connect(self._on_heatmap)
        panel.objects_button.clicked.connect(self._on_objects)
        panel.save_objects_button.clicked.connect(self._on_save_objects)
        panel.save_button.clicked.connect(self._on_save)

    # Following what is compared.

    def _follow(self, compared: Compared) -> None:
        """Show other layers, or say why there are none."""
        self._finish_cut()
        self._watch(compared)
        self._label_id = None
        self.looking.choose(compared)
        self.panel.say(compared.problem or "Flip shows coarse and refined labels in turn.")
        self._refresh()
        self._measure_soon.start()

    def _on_chosen(self, compared: Compared) -> None:
        """Follow the boxes, and bring back the result that was chosen."""
        is_another = compared.refined is not self.compared.refined
        self._follow(compared)
        if is_another and compared.refined is not None and was_hidden_for_another(compared.refined):
            show_alone(self._viewer, compared.refined)

    def _watch(self, compared: Compared) -> None:
        """Hear of changes of these layers, and of no others any more."""
        for event in _events(self.compared):
            event.disconnect(self._on_edited)
        self.compared = compared
        for event in _events(compared):
            event.connect(self._on_edited)

    def _on_edited(self) -> None:
        self._measure_soon.start()

    def _refresh(self) -> None:
        """Offer what can be done with the layers, as they are now."""
        record = self._record()
        name = "" if self._label_id is None else self.compared.class_names.get(self._label_id, str(self._label_id))
        self.panel.offer(ready=not self.compared.problem, known=record is not None, label=name)
        self.panel.save_button.setEnabled(self.compared.has_result)
        self.panel.offer_differences([difference.title for difference in derived.differences(self.compared)])
        if not self._cut_soon.isActive():  # else the layer has yet to follow the slider
            self.panel.show_cut(record)

    def _record(self) -> Record | None:
        """Return what is known of the refined layer beyond its labels."""
        refined = self.compared.refined
        return None if refined is None or not self.compared.has_result else recall(refined)

    def _say(self, sentence: str) -> None:
        """Show a sentence about a label, with the name of its class."""
        self.panel.say(with_names(sentence, self.compared.class_names))

    # Measuring.

    def _on_unfolded(self, unfolded: bool) -> None:
        self.panel.setVisible(unfolded)
        if not unfolded:
            self.panel.blink_button.setChecked(False)  # whose place nobody would see
        self._measure()

    def _measure(self) -> None:
        """Make the table again, off the main thread; a folded section needs none."""
        self.boxes.look_again()  # other data may have another shape
        self._refresh()  # a layer is there a moment before it is known what a run found besides
        self._measure_soon.stop()
        if not self.heading.isChecked():
            return
        coarse, refined = self.compared.coarse, self.compared.refined
        if coarse is None or refined is None or self.compared.problem:
            self._background.drop("table")
            self.panel.show_nothing()
            return
        measuring = Measuring.prepare(coarse, refined, self.compared.truth, self.compared.class_names)
        self._background.start("table", self._on_measured, measuring.measure)

    def _on_measured(self, outcome: Comparison | Failure) -> None:
        if isinstance(outcome, Failure):
            self.panel.show_nothing()
            self.panel.say(str(outcome.error))
        elif self.compared.refined is not None:
            ids = [row.label_id for row in outcome.rows if row.label_id]
            self.panel.show_comparison(outcome, _colours(self.compared.refined, ids))

    def _on_label(self, label_id: int) -> None:
        self._label_id = label_id or None  # 0 is no label: nothing to make a heatmap of
        for layer in self.compared.layers:
            fits = np.iinfo(layer.data.dtype)
            if fits.min <= label_id <= fits.max:
                layer.selected_label = label_id
        self._say(f"Label {label_id} is selected in the compared layers.")
        self._refresh()

    def _on_copy(self) -> None:
        clipboard = QApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(as_text(table_cells(self.panel.table.comparison), "\t"))
            self.panel.say("The table is in the clipboard.")

    # Leaving unsure pixels unlabelled.

    def _on_cut(self) -> None:
        self._cut_soon.start()

    def _cut(self) -> None:
        """Let the layer follow the slider."""
        refined, record = self.compared.refined, self._record()
        if refined is not None and record is not None:
            cut_least_sure(refined, self.panel.cut)
            if was_hidden_for_another(refined):  # its confidence, perhaps, was looked at
                show_only(self._viewer, refined)
            unlabelled = np.count_nonzero(np.asarray(refined.data) == 0)
            limit = f"; confidence is {record.min_confidence:.7g} at least elsewhere" if record.percent else ""
            self.panel.say(f"Unlabelled pixels of '{refined.name}': {unlabelled:,}{limit}.")

    def _finish_cut(self) -> None:
        """Do what the slider was moved for, before it shows another layer."""
        if self._cut_soon.isActive():
            self._cut_soon.stop()
            self._cut()

    # Making layers and files.

    def _on_difference(self, place: int) -> None:
        refined = self.compared.refined
        if refined is not None:
            difference = derived.differences(self.compared)[place]
            self.panel.say(f"Making the layer of {difference.title}.")
            listener = partial(self._on_difference_made, difference.look(refined))
            self._background.start(f"difference: {difference.title}", listener, difference.prepare(refined))

    def _on_difference_made(self, look: dict[str, Any], outcome: derived.Found | Failure) -> None:
        if isinstance(outcome, Failure):
            self.panel.say(str(outcome.error))
            return
        layer = Labels(outcome.ids, **look)
        if outcome.store is not None:
            keep_store(layer, outcome.store)
        self._viewer.add_layer(layer)
        show_only(self._viewer, layer)
        self.panel.say(f"Layer '{layer.name}' added: {outcome.meaning}.")

    def _on_confidence(self) -> None:
        refined, record = self.compared.refined, self._record()
        if refined is not None and record is not None:
            layer = self._viewer.add_image(record.confidence, **derived.map_look(refined, "confidence", "viridis"))
            show_only(self._viewer, layer)
            self.panel.say(f"Layer '{layer.name}' added: bright where the refinement is sure.")

    def _on_heatmap(self) -> None:
        refined, record = self.compared.refined, self._record()
        if refined is None or record is None or self._label_id is None:
            return
        title = f"heatmap of {in_words(self._label_id, self.compared.class_names)}"
        look = derived.map_look(refined, title, "magma")
        self._say(f"Making the heatmap of label {self._label_id}.")
        task = partial(record.heatmap, self._label_id)
        self._background.start("heatmap", partial(self._on_heatmap_made, look), task)

    def _on_heatmap_made(self, look: dict[str, Any], outcome: Any) -> None:
        if isinstance(outcome, Failure):
            self._say(str(outcome.error))
            return
        layer = self._viewer.add_image(outcome, **look)
        show_only(self._viewer, layer)
        self.panel.say(f"Layer '{layer.name}' added: how probable the label was before the CRF.")

    def _on_objects(self) -> None:
        refined = self.compared.refined
        if refined is None or self._label_id is None:
            return
        if store_of(refined) is not None:
            self.panel.say(
                f"'{refined.name}' was refined tile by tile, and objects are found in memory. Tick Live, zoom in and "
                "press Keep to find those in view."
            )
            return
        name = self.compared.class_names.get(self._label_id, "")
        task = ObjectsTask.prepare(refined, self._label_id, name, self.panel.objects_box)
        self._say(f"Finding the objects of label {self._label_id}.")
        self._background.start("objects", partial(self._on_objects_found, task.look(refined)), task.find)

    def _on_objects_found(self, look: dict[str, Any], outcome: FoundObjects | Failure) -> None:
        if isinstance(outcome, Failure):
            self._say(str(outcome.error))
            return
        layer = self._viewer.add_labels(outcome.ids, features=outcome.features, **look)
        show_only(self._viewer, layer)
        self._objects = (layer.name, outcome.csv)
        self.panel.save_objects_button.setEnabled(True)
        self.panel.say(f"Layer '{layer.name}' added: {outcome.ids.max():,} objects.")

    def _on_save_objects(self) -> None:
        name, text = self._objects
        self._dialogs.ask("CSV (*.csv)", f"{file_name(name)}.csv", partial(TableSaving.prepare, text))

    def _on_save(self) -> None:
        refined = self.compared.refined
        if refined is not None and store_of(refined) is not None:
            name = f"{file_name(refined.name)}{STORE_SUFFIX}"
            self._dialogs.ask(STORE_KIND, name, partial(StoreSaving.prepare, refined))
        elif refined is not None:
            self._dialogs.ask(FILE_KINDS, f"{file_name(refined.name)}.tif", partial(Saving.prepare, refined))

    def _on_save_table(self) -> None:
        refined = self.compared.refined
        if refined is not None:
            text = as_text(table_cells(self.panel.table.comparison), ",")
            self._dialogs.ask("CSV (*.csv)", f"{file_name(refined.name)}.csv", partial(TableSaving.prepare, text))


def _events(compared: Compared) -> Iterator[Any]:
    """Return the events of layers after which something else may have to be shown."""
    return (getattr(layer.events, name) for layer in compared.layers for name in _WATCHED)


def _colours(layer: Labels, label_ids: list[int]) -> dict[int, QColor]:
    """Return the colours that a layer shows ids in."""
    colours = colours_of(layer, label_ids)
    return {i: QColor.fromRgbF(*map(float, colour[:3])) for i, colour in zip(label_ids, colours, strict=True)}

"""The boxes that say what is compared: coarse, refined, other refinements, truth. They follow the list of layers."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from napari.layers import Labels
from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFormLayout, QLabel, QListWidget, QListWidgetItem, QVBoxLayout, QWidget
from superqt.utils import signals_blocked

from napari_coarse_crf.plugin.controls.layer_box import LayerBox
from napari_coarse_crf.plugin.layers.provenance import is_preview, is_result, is_to_look_at, source_name
from napari_coarse_crf.plugin.result.compared import Compared

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import napari

_MOST_ROWS = 4
_NOTHING = "-----"


class ComparedBoxes(QWidget):
    """Boxes for the coarse, the refined and the true labels, and a list of other refinements to tick.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose layers are offered.

    Attributes
    ----------
    compared : Compared
        What the boxes say.
    changed : psygnal.Signal
        Emitted with `compared` whenever it is another.
    """

    changed = Signal(Compared)

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._offered: list[Labels] = []  # by row of the list
        self.compared = Compared()
        self.coarse_box = self._box("Coarse", "The labels that were refined: your strokes.", self._sources)
        self.refined_box = self._box(
            "Refined", "The result to look at. The newest one is chosen after a run.", self._labels
        )
        self.truth_box = self._box(
            "Truth",
            "Optional: labels known to be right, 0 = nobody knows. With them the table shows scores.",
            self._sources,
        )
        self.others = QListWidget()
        self.others.setToolTip("<p>Ticked ones take part when you flip, blink and lay layers side by side.</p>")
        self.others.setAccessibleName("Other refinements to compare with")
        self._others_title = QLabel("Compare with other refinements:")
        self._boxes = (self.coarse_box, self.refined_box, self.truth_box)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(_below_each_other(self._boxes))
        layout.addWidget(self._others_title)
        layout.addWidget(self.others)
        self._fit_height()
        self.refined_box.changed.connect(self._on_refined)
        self.coarse_box.changed.connect(self.look_again)
        self.truth_box.changed.connect(self.look_again)
        self.others.itemChanged.connect(self._on_ticked)
        self.reset_choices()

    def reset_choices(self) -> None:
        """Offer the layers there are now, under their names of now."""
        with self._quiet():
            for box in self._boxes:
                box.reset_choices()
        labels = self._labels()
        refined = [one for one in labels if is_result(one)] or [one for one in labels if is_preview(one)]
        if self.refined_box.value is None and refined:
            self.show_result(refined[-1])
        else:
            self.look_again()

    def show_result(self, layer: Labels) -> None:
        """Choose a refined layer and the coarse one it was made from, if that is still there."""
        name = source_name(layer)
        sources = [one for one in self._sources() if one.name == name and one is not layer]
        with self._quiet():
            self.refined_box.value = layer
            if sources and self.coarse_box.value not in sources:
                self.coarse_box.value = sources[-1]
        self.look_again()

    def look_again(self) -> None:
        """Read the boxes and the layers, which may not fit each other any more, and tell if that is another choice."""
        coarse, refined, truth = boxed = [box.value for box in self._boxes]
        self._offer_others([layer for layer in self._labels() if is_result(layer) and layer not in boxed])
        compared = Compared.choose(coarse, refined, self._ticked(), truth)
        if compared != self.compared:
            self.compared = compared
            self.changed.emit(compared)

    def _box(self, label: str, tooltip: str, layers: Callable[[], list[Labels]]) -> LayerBox:
        return LayerBox(layers, _NOTHING, name=label.lower(), label=label, tooltip=tooltip)

    def _quiet(self) -> ExitStack:
        """Let several boxes move as one step."""
        stack = ExitStack()
        for box in self._boxes:
            stack.enter_context(box.changed.blocked())
        return stack

    def _labels(self) -> list[Labels]:
        """Return what can be compared, from below."""
        layers = [layer for layer in self._viewer.layers if isinstance(layer, Labels)]
        return [layer for layer in layers if not is_to_look_at(layer)]

    def _sources(self) -> list[Labels]:
        """Return those that Live does not replace at any moment."""
        return [layer for layer in self._labels() if not is_preview(layer)]

    def _rows(self) -> list[QListWidgetItem]:
        rows = (self.others.item(row) for row in range(self.others.count()))
        return [row for row in rows if row is not None]

    def _ticked(self) -> list[Labels]:
        rows = zip(self._offered, self._rows(), strict=True)
        return [layer for layer, row in rows if row.checkState() == Qt.CheckState.Checked]

    def _on_refined(self, layer: Labels | None) -> None:
        if layer is None:
            self.look_again()
        else:
            self.show_result(layer)

    def _on_ticked(self, _item: Any) -> None:
        self.look_again()

    def _offer_others(self, offered: list[Labels]) -> None:
        """List other refinements; those that were ticked stay so."""
        names = [layer.name for layer in offered]
        if offered == self._offered and names == [row.text() for row in self._rows()]:
            return  # a new list would take the keyboard from the row that is being ticked
        ticked = self._ticked()
        self._offered = offered
        with signals_blocked(self.others):
            self.others.clear()
            for layer, name in zip(offered, names, strict=True):
                row = QListWidgetItem(name, self.others)
                row.setCheckState(Qt.CheckState.Checked if layer in ticked else Qt.CheckState.Unchecked)
        self._fit_height()

    def _fit_height(self) -> None:
        """Take the height of the rows, up to a limit; none without rows."""
        count = self.others.count()
        self.others.setVisible(bool(count))
        self._others_title.setVisible(bool(count))
        height = min(count, _MOST_ROWS) * self.others.sizeHintForRow(0) if count else 0
        self.others.setFixedHeight(height + 2 * self.others.frameWidth() + 2)


def _below_each_other(boxes: Sequence[LayerBox]) -> QFormLayout:
    """Return the boxes with their names in front; magicgui lines them up by a font that napari's theme replaces."""
    form = QFormLayout()
    form.setContentsMargins(0, 0, 0, 0)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    for box in boxes:
        name = QLabel(box.label)
        name.setToolTip(box.tooltip)
        name.setBuddy(box.native)
        form.addRow(name, box.native)
    return form

"""Which layers are compared: coarse, refined, other refinements, truth. The boxes follow the layer list of a viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox, Container
from napari.layers import Labels
from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QListWidget, QListWidgetItem, QVBoxLayout, QWidget
from superqt.utils import signals_blocked

from napari_coarse_crf.plugin.controls.boxes import fit_into_dock
from napari_coarse_crf.plugin.layers.provenance import is_result, source_name

if TYPE_CHECKING:
    import napari

_MOST_ROWS = 4


class ComparedBoxes(QWidget):
    """Boxes for the coarse, the refined and the true labels, and a list of other refinements to tick.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose layers are offered.
    """

    changed = Signal()

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._last: tuple[Labels | None, ...] = ()
        self._settling = False
        self._offered: list[tuple[Labels, QListWidgetItem]] = []
        self.coarse_box = self._box("Coarse", "The labels that were refined: your strokes.")
        self.refined_box = self._box("Refined", "The result to look at. The newest one is chosen after a run.")
        self.truth_box = self._box(
            "Truth", "Optional: labels known to be right, 0 = nobody knows. With them the table shows scores."
        )
        self.others = QListWidget()
        self.others.setToolTip("<p>Ticked ones take part when you flip, blink and lay layers side by side.</p>")
        self.others.setAccessibleName("Other refinements to compare with")
        self._others_title = QLabel("Compare with other refinements:")
        self._container = Container(widgets=[self.coarse_box, self.refined_box, self.truth_box], name="compared")
        self._container.margins = (0, 0, 0, 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self._container.native, self._others_title, self.others):
            layout.addWidget(widget)
        self.refined_box.changed.connect(self._on_refined)
        self.coarse_box.changed.connect(self._settle)
        self.truth_box.changed.connect(self._settle)
        self.others.itemChanged.connect(self._on_ticked)
        self.reset_choices()

    @property
    def coarse(self) -> Labels | None:
        """The coarse labels."""
        return self.coarse_box.value

    @property
    def refined(self) -> Labels | None:
        """The refined labels."""
        return self.refined_box.value

    @property
    def truth(self) -> Labels | None:
        """The true labels, if any."""
        return self.truth_box.value

    @property
    def ticked(self) -> list[Labels]:
        """The other refinements that are ticked."""
        return [layer for layer, item in self._offered if item.checkState() == Qt.CheckState.Checked]

    @property
    def compared(self) -> list[Labels]:
        """All that are compared, in the order of flipping."""
        chosen = [self.coarse, self.refined, *self.ticked, self.truth]
        return list(dict.fromkeys(layer for layer in chosen if layer is not None))

    def reset_choices(self) -> None:
        """Offer the layers there are now, under their names of now."""
        self._settling = True
        self._container.reset_choices()
        self._settling = False
        if self.refined is None:
            results = [layer for layer in self._labels() if is_result(layer)]
            if results:
                self.show_result(results[-1])
        self._settle()

    def show_result(self, layer: Labels) -> None:
        """Choose a refined layer and the coarse one it was made from."""
        self._settling = True
        self.refined_box.value = layer
        self._choose_source(layer)
        self._settling = False
        self._settle()

    def find_problem(self) -> str:
        """Return one sentence on what keeps the layers from being compared, or ""."""
        if self.coarse is None or self.refined is None:
            return "Press Run first, or choose a coarse and a refined layer here."
        if self.coarse is self.refined:
            return "Coarse and refined are the same layer. Choose two different ones."
        for layer in self.compared:
            if layer.multiscale:
                return f"'{layer.name}' has several resolutions and cannot be compared. Choose another layer."
            if tuple(layer.data.shape) != tuple(self.refined.data.shape):
                return f"'{layer.name}' and '{self.refined.name}' differ in size. Choose layers of one image."
        return ""

    def _box(self, label: str, tooltip: str) -> ComboBox:
        box = ComboBox(
            name=label.lower(), label=label, choices=lambda _box: self._labels(), nullable=True, tooltip=tooltip
        )
        fit_into_dock(box)
        return box

    def _labels(self) -> list[Labels]:
        return [layer for layer in self._viewer.layers if isinstance(layer, Labels)]

    def _choose_source(self, refined: Labels) -> None:
        """Choose the layer that `refined` says it was made from, if that is still there."""
        name = source_name(refined)
        source = next((layer for layer in self._labels() if layer.name == name and layer is not refined), None)
        if source is not None:
            self.coarse_box.value = source

    def _on_refined(self, layer: Labels | None) -> None:
        if layer is not None and not self._settling:
            self.show_result(layer)
        else:
            self._settle()

    def _on_ticked(self, _item: Any) -> None:
        self._settle()

    def _settle(self, *_: Any) -> None:
        """Show what follows from the boxes, and tell if anything changed."""
        if self._settling:
            return
        self._offer_others()
        chosen = (self.coarse, self.refined, self.truth, *self.ticked)
        if chosen != self._last:
            self._last = chosen
            self.changed.emit()

    def _offer_others(self) -> None:
        """List the other refinements; those that were ticked stay so."""
        ticked, boxed = self.ticked, (self.coarse, self.refined, self.truth)
        offered = [each for each in self._labels() if is_result(each) and each not in boxed]
        with signals_blocked(self.others):
            self.others.clear()
            self._offered = [(layer, QListWidgetItem(layer.name, self.others)) for layer in offered]
            for layer, item in self._offered:
                item.setCheckState(Qt.CheckState.Checked if layer in ticked else Qt.CheckState.Unchecked)
        self.others.setVisible(bool(offered))
        self._others_title.setVisible(bool(offered))
        row_height = self.others.sizeHintForRow(0) if offered else 0
        self.others.setFixedHeight(min(len(offered), _MOST_ROWS) * row_height + 2 * self.others.frameWidth() + 2)

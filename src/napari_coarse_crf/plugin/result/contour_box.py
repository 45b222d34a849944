"""What is drawn as outlines, and how wide: shown while the button "Contours" is pressed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from psygnal import Signal
from qtpy.QtWidgets import QCheckBox, QGridLayout, QLabel, QSpinBox, QWidget

from napari_coarse_crf.plugin.controls.wheel import guard_against_wheel
from napari_coarse_crf.plugin.result.views import Contours

if TYPE_CHECKING:
    from napari.layers import Labels

    from napari_coarse_crf.plugin.result.compared import Compared

_WIDTH: Final = 2
"""Wide enough to be seen on an image that is larger than the window."""
_MOST: Final = 20


class ContourBox(QWidget):
    """A tick for each kind of layer that may be outlined, and the width of the outlines.

    Attributes
    ----------
    changed : psygnal.Signal
        Emitted when a person has changed any of them.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.coarse = _tick("Coarse", "<p>Outline your strokes.</p>")
        self.refined = _tick("Refined", "<p>Outline the refined layer, and the other refinements that are ticked.</p>")
        self.truth = _tick("Truth", "<p>Outline the labels known to be right, in white.</p>")
        self.width_box = QSpinBox()
        self.width_box.setRange(1, _MOST)
        self.width_box.setValue(_WIDTH)
        self.width_box.setSuffix(" px")
        self.width_box.setToolTip("<p>Width of the outlines, in pixels of the layers.</p>")
        self.width_box.setAccessibleName("Width of the outlines")
        guard_against_wheel(self.width_box)
        width = QLabel("Width of the outlines")
        width.setBuddy(self.width_box)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for column, tick in enumerate((self.coarse, self.refined, self.truth)):
            tick.toggled.connect(self._on_changed)
            layout.addWidget(tick, 0, column)
        layout.addWidget(width, 1, 0, 1, 2)
        layout.addWidget(self.width_box, 1, 2)
        self.width_box.valueChanged.connect(self._on_changed)

    def contours(self, compared: Compared) -> Contours:
        """Return what is outlined of these layers."""
        truth = compared.truth if self.truth.isChecked() else None
        chosen: list[Labels | None] = [compared.coarse] if self.coarse.isChecked() else []
        chosen += [compared.refined, *compared.others] if self.refined.isChecked() else []
        layers = dict.fromkeys(layer for layer in (*chosen, truth) if layer is not None)
        return Contours(tuple(layers), self.width_box.value(), truth)

    def _on_changed(self, _: Any) -> None:
        self.changed.emit()


def _tick(text: str, tooltip: str) -> QCheckBox:
    tick = QCheckBox(text)
    tick.setChecked(True)
    tick.setToolTip(tooltip)
    return tick

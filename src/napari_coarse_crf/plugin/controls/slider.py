"""A slider that lets the wheel scroll the dock, and is pale while it cannot be moved."""

from __future__ import annotations

from typing import Final

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QGraphicsOpacityEffect, QSlider

from napari_coarse_crf.plugin.controls.wheel import guard_against_wheel

_PALE: Final = 0.35


class Slider(QSlider):
    """A horizontal slider; napari's theme would draw it the same whether it can be moved or not."""

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._pale = QGraphicsOpacityEffect(self)
        self._pale.setOpacity(_PALE)
        self._pale.setEnabled(False)
        self.setGraphicsEffect(self._pale)
        guard_against_wheel(self)

    @property
    def is_pale(self) -> bool:
        """Whether it is drawn pale."""
        return bool(self._pale.isEnabled())

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow whether it can be moved."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.EnabledChange:
            self._pale.setEnabled(not self.isEnabled())

"""Boxes that offer layers: as narrow as the dock, whatever the layers are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QComboBox, QStyle, QStyleOptionComboBox, QStylePainter

from napari_coarse_crf.plugin.controls.wheel import guard_against_wheel

if TYPE_CHECKING:
    from magicgui.widgets import ComboBox

_LEAST_CHARACTERS: Final = 8


def fit_into_dock(box: ComboBox) -> None:
    """Keep a long layer name from setting the width of the dock, end it in "…", and let the wheel scroll the dock."""
    native = box.native
    native.setSizeAdjustPolicy(native.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    native.setMinimumContentsLength(_LEAST_CHARACTERS)
    native.installEventFilter(_Shortener(native))
    guard_against_wheel(native)


class _Shortener(QObject):
    """Draws a box with its text shortened to what fits; Qt would cut it in the middle of a letter."""

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Return whether the box was drawn here."""
        if event is None or event.type() != QEvent.Type.Paint or not isinstance(watched, QComboBox):
            return False
        if (style := watched.style()) is None:
            return False
        option, painter = QStyleOptionComboBox(), QStylePainter(watched)
        watched.initStyleOption(option)
        place = style.subControlRect(
            QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, watched
        )
        option.currentText = shortened(watched, place.width())
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()
        return True


def shortened(box: QComboBox, width: int) -> str:
    """Return the text of a box as it is drawn in so many pixels."""
    text: str = box.fontMetrics().elidedText(box.currentText(), Qt.TextElideMode.ElideMiddle, width)
    return text

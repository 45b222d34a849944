"""A box for a number that can be typed as people type numbers."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtGui import QValidator
from qtpy.QtWidgets import QAbstractSpinBox, QDoubleSpinBox


class NumberBox(QDoubleSpinBox):
    """A spin box without trailing zeros, whose steps suit the size of the value."""

    def __init__(self) -> None:
        super().__init__()
        self.setStepType(QAbstractSpinBox.StepType.AdaptiveDecimalStepType)
        self.setKeyboardTracking(False)  # "160" on the way to "16" would be a value of its own
        self.setAlignment(Qt.AlignmentFlag.AlignRight)

    def validate(self, text: str | None, position: int) -> tuple[QValidator.State, str, int]:
        """Let any number be typed: Qt would drop the last digits of one that is too large, 99999 would be 999."""
        typed = text or ""
        number = self._number(typed)
        if number is not None and not self.minimum() <= number <= self.maximum():
            return QValidator.State.Intermediate, typed, position
        return super().validate(typed, position)

    def fixup(self, text: str | None) -> str:
        """Return the end of the range where a number beyond it was typed."""
        typed = self._number(text or "")
        if typed is None:
            return super().fixup(text)
        return f"{self.textFromValue(min(max(typed, self.minimum()), self.maximum()))}{self.suffix()}"

    def textFromValue(self, value: float) -> str:
        """Return a number as it is shown."""
        return f"{value:.{self.decimals()}f}".rstrip("0").rstrip(".") if self.decimals() else f"{value:.0f}"

    def _number(self, text: str) -> float | None:
        number, is_number = self.locale().toDouble(text.removesuffix(self.suffix()).strip())
        return number if is_number else None

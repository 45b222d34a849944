"""The control of one parameter, made from its description: a number with a slider, or one option of several.

Plain Qt where magicgui has no equivalent: a slider that spreads its range over decades beside a box with the unit.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QToolButton, QWidget
from superqt.utils import signals_blocked

from napari_coarse_crf.plugin.controls.number_box import NumberBox
from napari_coarse_crf.plugin.controls.slider import Slider
from napari_coarse_crf.plugin.controls.wheel import guard_against_wheel

if TYPE_CHECKING:
    from napari_coarse_crf.parameters import Description

_SLIDER_STEPS = 1000
_ABOUT_LABELS = "Your labels choose this in each run. Turn it to set the weights yourself."


def to_slider(value: float, description: Description) -> int:
    """Return the place of `value` on a slider of 1000 steps."""
    low, high = description.low, description.high
    if description.logarithmic:
        shift = _shift(description)
        low, high, value = (math.log(number + shift) for number in (low, high, value))
    return round(_SLIDER_STEPS * (value - low) / (high - low))


def from_slider(step: int, description: Description) -> float:
    """Return the value at a place of the slider, to three digits: what is shown is what runs."""
    low, high, share = description.low, description.high, step / _SLIDER_STEPS
    if description.logarithmic:
        shift = _shift(description)
        value = (low + shift) * ((high + shift) / (low + shift)) ** share - shift
    else:
        value = low + share * (high - low)
    return min(max(float(f"{value:.3g}"), low), high)


def _shift(description: Description) -> float:
    """Return what is added to a value before its logarithm: 0 has none."""
    return 0.0 if description.low > 0 else 1.0


class _Control(QWidget):
    """What both kinds have in common: a value, a default, and a button back to that."""

    changed = Signal()
    reset_button: _ResetButton
    value: Any
    _default: Any

    def show_value(self, value: Any) -> None:
        """Stand at a value that no person has set: nothing has changed, and there is nothing to go back from."""
        with self.changed.blocked():
            self.value = value
        self.reset_button.setEnabled(False)

    def take_up(self) -> None:
        """Stand at the value that is shown as if a person had set it."""
        self.reset_button.setEnabled(self.value != self._default)

    def _on_reset(self) -> None:
        self.value = self._default


class NumberControl(_Control):
    """One number: its name, a box with the unit, a button back to the default, and a slider below.

    Parameters
    ----------
    description : Description
        How the parameter is shown.
    default : int or float
        The value at first; its type is the type of `value`.
    """

    def __init__(self, description: Description, default: float) -> None:
        super().__init__()
        self._description = description
        self._is_whole = isinstance(default, int)
        # Kept beside the widgets: a value set by a script may have more digits than the box shows.
        self._value = default
        self._default = default
        self.reset_button = _ResetButton(description, f"{default:g} {description.unit}".strip())
        self.reset_button.clicked.connect(self._on_reset)
        self.box = NumberBox()
        self.box.setDecimals(0 if self._is_whole else 4)
        self.box.setRange(description.low, description.high)
        self.box.setSuffix(f" {description.unit}" if description.unit else "")
        self.slider = Slider()
        self.slider.setRange(0, _SLIDER_STEPS)
        self.slider.setPageStep(_SLIDER_STEPS // 10)
        self.slider.setSingleStep(_SLIDER_STEPS // 100)
        self.auto = QLabel("auto")
        self._lay_out(default)
        self.value = default
        self.box.valueChanged.connect(self._on_box)
        self.slider.valueChanged.connect(self._on_slider)

    @property
    def value(self) -> float:
        """The value as it was set, typed or dragged to."""
        return self._value

    @value.setter
    def value(self, value: float) -> None:
        changed = value != self._value
        self._value = value
        self.reset_button.setEnabled(value != self._default)
        with signals_blocked(self.box), signals_blocked(self.slider):
            self.box.setValue(value)
            self.slider.setValue(to_slider(value, self._description))
        if changed:
            self.changed.emit()

    def show_use(self, unused: str, *, by_labels: bool = False) -> None:
        """Let the control be turned, or grey it out and say in its tooltip why it does nothing now.

        Parameters
        ----------
        unused : str
            Why, in a sentence; "" where it does something.
        by_labels : bool, optional
            Whether the labels choose the value, which is said beside the slider.
        """
        self.setEnabled(not unused)
        self.auto.setVisible(by_labels)
        if by_labels:
            _keep_room(self.auto)  # the slider that is turned would become longer under the pointer
        said = unused or (_ABOUT_LABELS if by_labels else "")
        for widget in (self._name, self.box, self.slider, self.auto):
            widget.setToolTip(f"<p><b>{said}</b></p>{self._tip}" if said else self._tip)

    def _lay_out(self, default: float) -> None:
        described = self._description
        self._tip = _tooltip(described, f"{described.low:g} to {described.high:g} {described.unit}", f"{default:g}")
        self._name = name = QLabel(_title(described))
        name.setBuddy(self.box)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 2)
        layout.setVerticalSpacing(0)
        name.setWordWrap(True)  # with a large font a long name would set the width of the dock
        layout.addWidget(name, 0, 0)
        layout.setColumnStretch(0, 1)
        layout.addWidget(self.box, 0, 1, Qt.AlignmentFlag.AlignRight)
        below = QHBoxLayout()  # beside the slider: a long unit needs the width above
        below.addWidget(self.slider, 1)
        below.addWidget(self.auto)
        below.addWidget(self.reset_button)
        layout.addLayout(below, 1, 0, 1, 2)
        self.show_use("")
        guard_against_wheel(self.box)
        for widget in (self.box, self.slider):
            widget.setAccessibleName(_spoken(described))

    def _on_box(self, value: float) -> None:
        self.value = round(value) if self._is_whole else value

    def _on_slider(self, step: int) -> None:
        value = from_slider(step, self._description)
        self.value = round(value) if self._is_whole else value


class OptionControl(_Control):
    """One option of several: its name, a combo box and a button back to the default.

    Parameters
    ----------
    description : Description
        How the parameter is shown.
    default : str
        The option at first.
    """

    def __init__(self, description: Description, default: str) -> None:
        super().__init__()
        self._default = default
        self.reset_button = _ResetButton(description, default)
        self.reset_button.setEnabled(False)
        self.reset_button.clicked.connect(self._on_reset)
        self.box = QComboBox()
        self.box.addItems(description.choices)
        self.box.setCurrentText(default)
        self.box.currentTextChanged.connect(self._on_box)
        self.box.setAccessibleName(_spoken(description))
        name = QLabel(_title(description))
        name.setBuddy(self.box)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 2)
        layout.setColumnStretch(1, 1)
        layout.addWidget(name, 0, 0)
        layout.addWidget(self.box, 0, 1)
        layout.addWidget(self.reset_button, 0, 2)
        for widget in (name, self.box):
            widget.setToolTip(_tooltip(description, "", default))
        guard_against_wheel(self.box)

    @property
    def value(self) -> str:
        """The option."""
        return self.box.currentText()

    @value.setter
    def value(self, value: str) -> None:
        self.box.setCurrentText(value)

    def _on_box(self, text: str) -> None:
        self.reset_button.setEnabled(text != self._default)
        self.changed.emit()


class _ResetButton(QToolButton):
    """A small button beside a control that puts it back to its default."""

    def __init__(self, description: Description, default: str) -> None:
        super().__init__()
        self.setText("↺")
        self.setAutoRaise(True)
        self.setToolTip(f"Back to {default}.")
        self.setAccessibleName(f"Reset {_spoken(description)}")


def _keep_room(widget: QWidget) -> None:
    """Let a widget take its room also while it is not shown."""
    policy = widget.sizePolicy()
    policy.setRetainSizeWhenHidden(True)
    widget.setSizePolicy(policy)


def _spoken(description: Description) -> str:
    """Return a name that is another for every parameter: two kernels have a weight."""
    return f"{description.label}, {description.section}"


def _title(description: Description) -> str:
    """Return the name with its symbol: theta_alpha is written with an index, as in the formulas."""
    letter, index = description.symbol[:1], description.symbol[1:].strip("_")
    return f"{description.label} <i>{letter}</i><sub>{index}</sub>" if letter else description.label


def _tooltip(description: Description, extent: str, default: str) -> str:
    facts = f"{extent.strip()}, default {default}" if extent else f"Default {default}"
    return f"<p>{description.help_text}</p><p>{facts}.</p>"  # a paragraph: Qt breaks lines in rich text only

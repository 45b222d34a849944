"""Sliders and lists of options for every field of `Parameters`, made from its descriptions.

Ranges, units, names and tooltips come from `Parameters.describe()`; nothing about a parameter is said twice. Plain Qt
where magicgui has no equivalent: a slider that spreads its range over decades beside a box with the unit.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from psygnal import Signal
from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QValidator
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible
from superqt.utils import signals_blocked

from napari_coarse_crf.judging.words import LEFT_TO_LABELS
from napari_coarse_crf.parameters import Parameters
from napari_coarse_crf.plugin.controls.slider import Slider
from napari_coarse_crf.plugin.controls.weights_note import WeightsNote
from napari_coarse_crf.plugin.controls.wheel import guard_against_wheel
from napari_coarse_crf.similarity import FORMS

if TYPE_CHECKING:
    from napari_coarse_crf.judging.words import Made
    from napari_coarse_crf.parameters import Description

_SLIDER_STEPS = 1000


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
        self.box = _NumberBox()
        self.box.setDecimals(0 if self._is_whole else 4)
        self.box.setRange(description.low, description.high)
        self.box.setSuffix(f" {description.unit}" if description.unit else "")
        self.slider = Slider()
        self.slider.setRange(0, _SLIDER_STEPS)
        self.slider.setPageStep(_SLIDER_STEPS // 10)
        self.slider.setSingleStep(_SLIDER_STEPS // 100)
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

    def show_use(self, unused: str) -> None:
        """Let the control be turned, or grey it out and say in its tooltip why it does nothing now."""
        self.setEnabled(not unused)
        for widget in (self._name, self.box, self.slider):
            widget.setToolTip(f"<p><b>{unused}</b></p>{self._tip}" if unused else self._tip)

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


class ParameterControls(QWidget):
    """A control for every field of `Parameters`, in sections; the less used ones folded away.

    Where `weights` is "auto", the controls of what the labels choose show what they chose last, which is no parameter
    of the next run. Who turns one of them has the weights fixed, as the controls stand then.

    Parameters
    ----------
    defaults : Parameters, optional
        Where the controls stand at first and what their reset buttons go back to; by default the preset "auto".

    Attributes
    ----------
    changed : psygnal.Signal
        Emitted when `parameters` have changed.
    fixed : psygnal.Signal
        Emitted when the weights have become fixed because a person turned one, before `changed`.
    """

    changed = Signal()
    fixed = Signal()

    def __init__(self, defaults: Parameters | None = None) -> None:
        super().__init__()
        self.defaults = Parameters.preset("auto") if defaults is None else defaults
        self._begun_from = self.defaults  # what the labels' choice begins from
        self.by_name: dict[str, NumberControl | OptionControl] = {}
        self.note = WeightsNote()
        self.advanced = _Folded("Advanced")
        self.restore_button = QPushButton("Restore defaults")
        self.restore_button.setToolTip("Put every parameter back to the value it had at first.")
        self.restore_button.clicked.connect(self._on_restore)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.note.begin(self.defaults.weights)
        self._add_sections(layout)
        layout.addWidget(self.advanced)
        layout.addWidget(self.restore_button, alignment=Qt.AlignmentFlag.AlignLeft)
        layout.addStretch()
        self._show_use()
        self.changed.connect(self._show_use)

    @property
    def parameters(self) -> Parameters:
        """What a run is to be made with."""
        if self.by_name["weights"].value != "auto":
            return self.shown
        begun = {name: getattr(self._begun_from, name) for name in LEFT_TO_LABELS}
        return self.shown.replace(weights="auto", **begun)

    @parameters.setter
    def parameters(self, parameters: Parameters) -> None:
        before = self.parameters
        self._begun_from = parameters
        for name, value in parameters.to_dict().items():
            control = self.by_name[name]
            with control.changed.blocked():
                control.value = value
        self.note.begin(parameters.weights)
        if parameters != before:
            self.changed.emit()

    @property
    def shown(self) -> Parameters:
        """What the controls show, with weights that are fixed so: what the labels chose last, if they do."""
        shown = {name: control.value for name, control in self.by_name.items()}
        return Parameters.from_dict({**shown, "weights": "fixed"})

    def show_chosen(self, made: Made) -> None:
        """Show the weights that a run was made with and why, where the labels are still to choose them."""
        chosen = made.parameters
        if self.by_name["weights"].value != "auto" or chosen.weights == "auto":
            return
        for name in LEFT_TO_LABELS:
            self.by_name[name].show_value(getattr(chosen, name))
        self.note.say(made, self._begun_from)

    def _add_sections(self, layout: QVBoxLayout) -> None:
        defaults = self.defaults.to_dict()
        headings: set[tuple[str, bool]] = set()
        for name, description in Parameters.describe().items():
            kind = OptionControl if description.choices else NumberControl
            control = kind(description, defaults[name])
            if name in LEFT_TO_LABELS:
                control.changed.connect(self._fix_weights)
            if name == "weights":
                control.changed.connect(self._on_weights)
            control.changed.connect(self.changed.emit)
            self.by_name[name] = control
            folded = _is_advanced(description)
            add = self.advanced.addWidget if folded else layout.addWidget
            if (description.section, folded) not in headings:
                headings.add((description.section, folded))
                add(heading(description.section))
            add(control)
            if name == "weights":
                add(self.note)

    def _fix_weights(self) -> None:
        """Take the weights as they are shown: a person has turned one."""
        weights = self.by_name["weights"]
        if weights.value == "auto":
            with weights.changed.blocked():
                weights.value = "fixed"
            self._on_weights()
            self.fixed.emit()

    def _on_weights(self) -> None:
        """Begin from the defaults where the labels are to choose; else the controls stand as they left them."""
        left = [self.by_name[name] for name in LEFT_TO_LABELS]
        self.note.begin(str(self.by_name["weights"].value))
        if self.by_name["weights"].value == "fixed":
            for control in left:
                control.take_up()
            return
        self._begun_from = self.defaults
        for name, control in zip(LEFT_TO_LABELS, left, strict=True):
            control.show_value(getattr(self.defaults, name))

    def _show_use(self) -> None:
        parameters = self.parameters
        self.note.setVisible("weights" in FORMS[parameters.similarity].reads)
        for name, control in self.by_name.items():
            if isinstance(control, NumberControl):
                control.show_use(why_unused(name, parameters))

    def _on_restore(self) -> None:
        self.parameters = self.defaults


def why_unused(name: str, parameters: Parameters) -> str:
    """Return one sentence on why a number makes no difference beside the other parameters, or "" if it does.

    Examples
    --------
    >>> why_unused("heatmap_distance", Parameters(similarity="geodesic"))
    "The similarity 'geodesic' does not use this."
    >>> why_unused("theta_gamma", Parameters(smoothness_weight=0))
    'The smoothness kernel is switched off: its weight is 0.'
    >>> why_unused("smallest_part", Parameters(keep_parts="labelled"))
    'Parts stay only where they touch a stroke, of whatever size.'
    """
    if name == "smallest_part" and parameters.keep_parts == "labelled":
        return "Parts stay only where they touch a stroke, of whatever size."
    described = Parameters.describe()[name]
    if described.section == "heatmap":
        used = name in FORMS[parameters.similarity].reads
        return "" if used else f"The similarity '{parameters.similarity}' does not use this."
    weight = {"appearance kernel": "appearance_weight", "smoothness kernel": "smoothness_weight"}.get(described.section)
    if weight is None or name == weight or getattr(parameters, weight) > 0:
        return ""
    return f"The {described.section} is switched off: its weight is 0."


class _Folded(QCollapsible):
    """A collapsible part that looks like a heading of napari's theme, not like a button."""

    def __init__(self, title: str) -> None:
        super().__init__(title)
        # superqt draws its arrows in the colour of the system's palette: black on napari's dark theme.
        self.toggleButton().setIconSize(QSize(0, 0))
        self._title = title
        self.setDuration(100)
        self.toggleButton().setStyleSheet("text-align: left; border: none; background: none; font-weight: bold;")
        for part in (self, self.content()):
            layout = part.layout()
            if layout is not None:
                layout.setContentsMargins(0, 0, 0, 0)
        self.toggled.connect(self._show_arrow)
        self._show_arrow(False)

    def _show_arrow(self, expanded: bool) -> None:
        self.setText(f"{'▾' if expanded else '▸'} {self._title}")


class _ResetButton(QToolButton):
    """A small button beside a control that puts it back to its default."""

    def __init__(self, description: Description, default: str) -> None:
        super().__init__()
        self.setText("↺")
        self.setAutoRaise(True)
        self.setToolTip(f"Back to {default}.")
        self.setAccessibleName(f"Reset {_spoken(description)}")


class _NumberBox(QDoubleSpinBox):
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

    def _number(self, text: str) -> float | None:
        number, is_number = self.locale().toDouble(text.removesuffix(self.suffix()).strip())
        return number if is_number else None

    def textFromValue(self, value: float) -> str:
        return f"{value:.{self.decimals()}f}".rstrip("0").rstrip(".") if self.decimals() else f"{value:.0f}"


def _is_advanced(description: Description) -> bool:
    """Whether most people never need it: the heatmap's numbers and how the inference runs."""
    return description.section == "inference" or (description.section == "heatmap" and not description.choices)


def heading(section: str) -> QLabel:
    """Return the name of a section of the dock, as a heading."""
    label = QLabel(f"<b>{section.capitalize()}</b>")
    label.setContentsMargins(0, 6, 0, 0)
    return label


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

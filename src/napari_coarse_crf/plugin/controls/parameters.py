"""Sliders and lists of options for every field of `Parameters`, made from its descriptions.

Ranges, units, names and tooltips come from `Parameters.describe()`; nothing about a parameter is said twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_coarse_crf.judging.words import LEFT_TO_LABELS
from napari_coarse_crf.parameters import Parameters
from napari_coarse_crf.plugin.controls.heading import Folded, heading
from napari_coarse_crf.plugin.controls.parameter_control import NumberControl, OptionControl
from napari_coarse_crf.plugin.controls.weights_note import WeightsNote
from napari_coarse_crf.similarity import FORMS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_coarse_crf.judging.words import Made
    from napari_coarse_crf.parameters import Description, Section

_ABOUT: Mapping[Section, str] = {
    "heatmap": "What a run begins from: how probable each label is at each pixel, by colour, texture and the way "
    "to your strokes.",
    "appearance kernel": "Pulls pixels of similar colour to one label, also far apart.",
    "smoothness kernel": "Pulls neighbouring pixels to one label, whatever their colour.",
    "cleaning": "What becomes of small parts and holes at the end.",
    "inference": "How labels are found that all these pulls agree on, and which pixels stay unlabelled.",
}
"""What each section is about, in the words of the tooltips."""


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
        self.advanced = Folded("Advanced")
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

    def forget_chosen(self) -> None:
        """Say nothing more of the last choice: it was one for something else than what is to be refined now."""
        self.note.begin(str(self.by_name["weights"].value))

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
                add(heading(description.section, _ABOUT[description.section]))
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
        may_choose = "weights" in FORMS[parameters.similarity].reads
        self.note.setVisible(may_choose)
        left = LEFT_TO_LABELS if may_choose and parameters.weights == "auto" else ()
        for name, control in self.by_name.items():
            if isinstance(control, NumberControl):
                control.show_use(why_unused(name, parameters), by_labels=name in left)

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


def _is_advanced(description: Description) -> bool:
    """Whether most people never need it: the heatmap's numbers and how the inference runs."""
    return description.section == "inference" or (description.section == "heatmap" and not description.choices)

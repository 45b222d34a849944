"""Sets of parameters that somebody named, saved, or used before: the row above the sliders.

The rest of the dock only hears `chosen`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from psygnal import Signal
from qtpy.QtWidgets import QComboBox, QFileDialog, QGridLayout, QLabel, QMenu, QPushButton, QWidget

from napari_coarse_crf import CoarseCRFError, Parameters
from napari_coarse_crf.io import files
from napari_coarse_crf.parameters import PRESETS
from napari_coarse_crf.plugin.controls.wheel import guard_against_wheel
from napari_coarse_crf.plugin.layers.provenance import parameters_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari.layers import Labels

_CUSTOM = "your own"
_FILTER = "Parameters (*.json)"


class PresetBar(QWidget):
    """Choose a named preset, load or save a file, or take over what a refined layer was made with.

    Parameters
    ----------
    refined_layers : callable
        Returns the layers to offer in "From result"; those that do not say what they were made with are left out.

    Attributes
    ----------
    chosen : psygnal.Signal
        Emitted with the parameters to show.
    failed : psygnal.Signal
        Emitted with one sentence when a file cannot be used.
    """

    chosen = Signal(object)
    failed = Signal(str)

    def __init__(self, refined_layers: Callable[[], Sequence[Labels]]) -> None:
        super().__init__()
        self._refined_layers = refined_layers
        self._shown = Parameters.preset("auto")
        self.box = QComboBox()
        self.box.addItems([*PRESETS, _CUSTOM])
        self.box.setToolTip(
            "<p>Named sets of parameters. 'auto': your labels choose the weights. 'default': all as it was measured to "
            "suit most images. 'paper': the plainest reading of the method's description.</p>"
        )
        self.box.setAccessibleName("Preset")
        self.box.activated.connect(self._on_preset)
        guard_against_wheel(self.box)
        self.load_button = _button("Load…", "Take the parameters from a JSON file.", self._on_load)
        self.save_button = _button("Save…", "Write the parameters to a JSON file.", self._on_save)
        self.layer_button = _button(
            "From result", "Set all parameters to those that an earlier result was made with: choose its layer."
        )
        self.menu = QMenu(self)
        self.menu.aboutToShow.connect(self._fill_menu)
        self.layer_button.setMenu(self.menu)
        self._lay_out()
        self.show_parameters(self._shown)

    def show_parameters(self, parameters: Parameters) -> None:
        """Name the preset that equals these parameters; they are what Save writes."""
        self._shown = parameters
        names = (name for name in PRESETS if Parameters.preset(name) == parameters)
        self.box.setCurrentText(next(names, _CUSTOM))

    def load(self, path: str | Path) -> None:
        """Choose the parameters of a file, or say why not."""
        try:
            self.chosen.emit(files.read_preset(Path(path)))
        except CoarseCRFError as error:
            self.failed.emit(str(error))

    def save(self, path: str | Path) -> None:
        """Write what is shown to a file, with the ending ".json" where none is given, or say why not."""
        target = Path(path)
        if not target.suffix:
            target = target.with_suffix(".json")
        try:
            files.write_files({target: self._shown.to_json().encode()})
        except CoarseCRFError as error:
            self.failed.emit(str(error))

    def _lay_out(self) -> None:
        name = QLabel("Preset")
        name.setBuddy(self.box)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 2)
        layout.addWidget(name, 0, 0)
        layout.addWidget(self.box, 0, 1, 1, 2)
        for column, button in enumerate((self.load_button, self.save_button, self.layer_button)):
            layout.addWidget(button, 1, column)
            layout.setColumnStretch(column, 1)

    def _on_preset(self, _row: int) -> None:
        name = self.box.currentText()
        if name in PRESETS:
            self.chosen.emit(Parameters.preset(name))
        self.show_parameters(self._shown)  # "your own" is a name for what the sliders say, not a choice

    def _on_load(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Load parameters", filter=_FILTER)
        if path:
            self.load(path)

    def _on_save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save parameters", "parameters.json", filter=_FILTER)
        if path:
            self.save(path)

    def _fill_menu(self) -> None:
        self.menu.clear()
        for layer in self._refined_layers():
            parameters = parameters_of(layer)
            if parameters is not None:
                # An ampersand would mark a key to press.
                action = self.menu.addAction(layer.name.replace("&", "&&"))
                action.triggered.connect(lambda *_, found=parameters: self.chosen.emit(found))
        if self.menu.isEmpty():
            self.menu.addAction("No refined layer yet: press Run first")
            self.menu.actions()[0].setEnabled(False)


def _button(text: str, tooltip: str, clicked: Callable[[], Any] | None = None) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tooltip)
    if clicked is not None:
        button.clicked.connect(lambda *_: clicked())
    return button

"""Saving a result and its table, through the dialogs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtWidgets import QFileDialog, QMessageBox

from napari_coarse_crf.io import files
from tests.plugin.result.using import save_as, wait_for_words

if TYPE_CHECKING:
    from pathlib import Path

    from tests.plugin.result.using import Dock, Measured


def test_labels_confidence_and_parameters_are_saved_side_by_side(
    measured: Measured, qtbot: Any, tmp_path: Path
) -> None:
    viewer, widget = measured
    section, layer = widget.result, viewer.layers["strokes refined"]
    save_as(qtbot, section, section.panel.save_button, tmp_path / "out.tif")
    wait_for_words(qtbot, section, "Saved out.tif")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "out.coarse-crf.json",
        "out.tif",
        "out_confidence.tif",
        "out_parameters.json",
    ]
    saved = files.read_labels(tmp_path / "out.tif").ids
    np.testing.assert_array_equal(saved, layer.data)
    assert saved.dtype == layer.data.dtype
    assert files.read_image(tmp_path / "out_confidence.tif").image.dtype == np.float32
    assert files.read_preset(tmp_path / "out_parameters.json") == widget.setting.shown_parameters


def test_what_was_saved_is_compared_again_in_the_next_session(
    measured: Measured, dock: Dock, qtbot: Any, tmp_path: Path, image: Any, labels: Any
) -> None:
    _, widget = measured
    save_as(qtbot, widget.result, widget.result.panel.save_button, tmp_path / "out.tif")
    wait_for_words(qtbot, widget.result, "Saved out.tif")
    viewer, later = dock(image, labels, rgb=True)
    viewer.open(str(tmp_path / "out.coarse-crf.json"), plugin=None)
    opened = viewer.layers["strokes refined"]
    assert later.result.boxes.compared.refined is opened
    assert later.result.boxes.compared.coarse is viewer.layers["strokes"]
    later.presets.menu.aboutToShow.emit()
    (of_layer,) = later.presets.menu.actions()
    assert of_layer.text() == "strokes refined"
    of_layer.trigger()
    assert later.parameters.iterations == 2
    assert later.labels_layer.value is viewer.layers["strokes"]


def test_nothing_is_overwritten_without_asking(measured: Measured, qtbot: Any, tmp_path: Path) -> None:
    _, widget = measured
    section = widget.result
    precious = tmp_path / "out_parameters.json"
    precious.write_text("precious")
    save_as(qtbot, section, section.panel.save_button, tmp_path / "out.tif")
    (question,) = section.findChildren(QMessageBox)
    assert question.text() == "out_parameters.json exists in this folder. Replace?"
    question.button(QMessageBox.StandardButton.Cancel).click()
    wait_for_words(qtbot, section, "Nothing was saved")
    assert [path.name for path in tmp_path.iterdir()] == ["out_parameters.json"]
    assert precious.read_text() == "precious"
    qtbot.waitUntil(lambda: not section.findChildren(QMessageBox))
    save_as(qtbot, section, section.panel.save_button, tmp_path / "out.tif")
    (question,) = section.findChildren(QMessageBox)
    (replace,) = [button for button in question.buttons() if button.text() == "Replace"]
    replace.click()
    wait_for_words(qtbot, section, "Saved out.tif")
    assert json.loads(precious.read_text())["iterations"] == 2


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("out.png", "does not fit into a PNG"),
        ("out.jpg", "should end in .png, .tif or .tiff"),
        ("missing/out.tif", "does not exist"),
    ],
)
def test_what_cannot_be_saved_is_said_in_words(
    measured: Measured, qtbot: Any, tmp_path: Path, name: str, sentence: str
) -> None:
    _, widget = measured
    section = widget.result
    section.panel.save_button.click()
    (dialog,) = section.findChildren(QFileDialog)
    dialog.fileSelected.emit(str(tmp_path / name))
    dialog.close()
    assert section.status.startswith("Nothing was saved.")
    assert sentence in section.status
    assert not list(tmp_path.iterdir())

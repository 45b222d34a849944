"""A slider that shows whether it can be moved."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import QWidget

from napari_coarse_crf.plugin.controls.slider import Slider


def test_a_slider_is_pale_while_it_or_what_it_lies_in_cannot_be_used(qtbot: Any) -> None:
    around = QWidget()
    qtbot.addWidget(around)
    slider = Slider()
    slider.setParent(around)
    assert not slider.is_pale
    around.setEnabled(False)
    assert slider.is_pale
    around.setEnabled(True)
    assert not slider.is_pale

"""Boxes of layers stay as narrow as the dock and keep what they are about."""

from __future__ import annotations

from typing import Any

import pytest
from magicgui.widgets import ComboBox
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QApplication

from napari_coarse_crf.plugin.controls.boxes import fit_into_dock, shortened

LONG = "a very long name of a layer, as a microscope gives it: 2024-05-06 slide 12"


@pytest.fixture
def box(qtbot: Any) -> ComboBox:
    box = ComboBox(choices=[LONG, "b"])
    qtbot.addWidget(box.native)
    fit_into_dock(box)
    return box


def test_a_long_name_neither_widens_the_dock_nor_is_cut(box: ComboBox) -> None:
    native = box.native
    text = shortened(native, 150)
    assert "…" in text
    assert native.fontMetrics().horizontalAdvance(text) <= 150
    assert native.minimumSizeHint().width() < 200
    assert shortened(native, 2000) == LONG


def test_it_is_drawn_with_the_shortened_name(box: ComboBox) -> None:
    native = box.native
    native.resize(150, native.sizeHint().height())
    narrow = native.grab().toImage()
    native.setItemText(0, LONG.replace("microscope", "telescope"))  # in the middle, which is left out
    assert native.grab().toImage() == narrow
    native.setItemText(0, LONG.replace("12", "13"))
    assert native.grab().toImage() != narrow


def test_the_wheel_passes_over_it(box: ComboBox) -> None:
    down = QWheelEvent(
        QPointF(5, 5), QPointF(5, 5), QPoint(), QPoint(0, -120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(box.native, down)
    assert box.value == LONG

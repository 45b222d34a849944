"""A box of layers keeps its choice whatever the layers are called."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.layers import Labels

from napari_coarse_crf.plugin.controls.layer_box import LayerBox


@pytest.fixture
def layers() -> list[Labels]:
    return [Labels(np.zeros((2, 3), np.uint8), name=name) for name in ("a", "b", "b")]


@pytest.fixture
def box(qtbot: Any, layers: list[Labels]) -> LayerBox:
    box = LayerBox(lambda: layers, name="box")
    qtbot.addWidget(box.native)
    return box


def test_layers_of_one_name_are_all_offered(box: LayerBox, layers: list[Labels]) -> None:
    assert list(box.choices) == layers
    box.value = layers[2]
    assert box.value is layers[2]


def test_only_a_layer_that_is_gone_is_replaced_and_that_is_told(box: LayerBox, layers: list[Labels]) -> None:
    told: list[Any] = []
    box.changed.connect(told.append)
    box.value = first = layers[1]
    first.name = layers[0].name
    layers[:] = layers[::-1]
    box.reset_choices()
    assert box.value is first
    layers.remove(first)
    box.reset_choices()
    assert box.value in layers
    layers.clear()
    box.reset_choices()
    assert box.value is None
    assert len(told) == 3

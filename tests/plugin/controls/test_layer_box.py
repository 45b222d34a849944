"""A box of layers keeps its choice whatever the layers are called."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.layers import Labels, Points

from napari_coarse_crf.plugin.controls.layer_box import LabelsBox, LayerBox, LayerRows


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


def test_a_layer_that_is_called_as_no_layer_is_another_choice(qtbot: Any, layers: list[Labels]) -> None:
    box = LayerBox(lambda: layers, nothing="Everywhere", name="box")
    qtbot.addWidget(box.native)
    assert box.value is None
    told: list[Any] = []
    box.changed.connect(told.append)
    box.value = layers[1]
    layers[1].name = "Everywhere"
    box.reset_choices()
    assert box.value is layers[1]
    box.value = None
    assert told == [layers[1], None]


def test_rows_keep_what_was_chosen_among_them(qtbot: Any, layers: list[Labels]) -> None:
    rows = LayerRows(lambda: layers, name="rows")
    qtbot.addWidget(rows.native)
    assert rows.value == []
    rows.value = chosen = layers[1:]
    told: list[Any] = []
    rows.changed.connect(told.append)
    for layer in list(layers):
        layer.name += " of Monday"
        rows.reset_choices()
    assert rows.value == chosen
    assert not told
    layers.remove(chosen[0])
    rows.reset_choices()
    assert rows.value == chosen[1:]
    assert told == [chosen[1:]]


def test_what_may_stand_for_labels_is_chosen_by_a_person_alone(qtbot: Any) -> None:
    labels: list[Labels] = []
    others = [Points(name="a"), Points(name="b")]
    box = LabelsBox(lambda: labels, lambda: others, name="box")
    qtbot.addWidget(box.native)
    assert box.value is None
    labels.append(Labels(np.zeros((2, 3), np.uint8), name="a"))
    box.reset_choices()
    assert box.value is labels[0]
    box.value = others[1]
    labels.clear()
    box.reset_choices()
    assert box.value is others[1]
    others.clear()
    box.reset_choices()
    assert box.value is None

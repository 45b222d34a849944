"""What the features of a layer call its labels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from napari.layers import Labels

from napari_coarse_crf.plugin.layers.classes import class_names_of, name_class, with_names


@pytest.mark.parametrize(
    ("features", "names"),
    [
        ({"index": [3, 70_000], "class": ["road", "water"]}, {3: "road", 70_000: "water"}),
        ({"index": [3, 4], "name": ["road", "water"]}, {3: "road", 4: "water"}),
        ({"Label ID": [3, 4], "Name": ["road", "water"]}, {3: "road", 4: "water"}),
        ({"label": [3, 4], "name": ["road", "water"]}, {3: "road", 4: "water"}),
        ({"label": ["background", "road"]}, {0: "background", 1: "road"}),  # the row is the id, as in napari
        ({"index": [3, 4], "label": ["road", "water"], "area": [1.5, 2.5]}, {3: "road", 4: "water"}),
        ({"index": [3.0, math.nan], "class": ["road", "water"]}, {3: "road"}),
        ({"index": [3, 4], "class": ["road", None]}, {3: "road"}),
        ({"index": [3, 4], "class": ["road", " "]}, {3: "road"}),
        ({"index": [3]}, {}),
        ({"label": [3, 4], "area": [1.5, 2.5]}, {}),
        ({}, {}),
    ],
)
def test_the_features_of_a_layer_name_its_classes(features: dict[str, Any], names: dict[int, str]) -> None:
    assert class_names_of(Labels(np.array([[3, 4]]), features=features)) == names


@pytest.mark.parametrize(
    ("features", "columns"),
    [
        ({}, {"index": [4], "class": ["lake"]}),
        ({"index": [3], "class": ["road"]}, {"index": [3, 4], "class": ["road", "lake"]}),
        ({"index": [4, 3], "class": ["sea", "road"]}, {"index": [4, 3], "class": ["lake", "road"]}),
        ({"label": ["none", "road"]}, {"index": [0, 1, 4], "label": ["none", "road", "lake"]}),
        (
            {"label": [3, 4], "area": [1, 2]},
            {"index": [3, 4], "label": [3, 4], "area": [1, 2], "class": [None, "lake"]},
        ),
        ({"index": [3, 4], "label": [3, 4]}, {"index": [3, 4], "label": [3, 4], "class": [None, "lake"]}),
        ({"Label ID": [3], "Name": ["road"]}, {"index": [3, 4], "Label ID": [3, 4], "Name": ["road", "lake"]}),
        ({"area": [1.5, 2.5]}, {"index": [0, 1, 4], "area": [1.5, 2.5, None], "class": [None, None, "lake"]}),
    ],
)
def test_a_name_is_written_where_it_is_read_and_napari_shows_it(
    features: dict[str, Any], columns: dict[str, list[Any]]
) -> None:
    layer = Labels(np.array([[3, 4]]), features=features)
    before = class_names_of(layer)
    name_class(layer, 4, " lake ")
    found = {name: [None if one != one else one for one in column] for name, column in layer.features.items()}
    assert found == columns
    words = {label_id: name for label_id, name in before.items() if not name.isdecimal()}
    assert class_names_of(layer) == words | {4: "lake"}
    assert "lake" in layer.get_status((0, 1))["coordinates"]


def test_a_name_that_is_taken_away_leaves_the_other_columns() -> None:
    layer = Labels(np.array([[3, 4]]), features={"index": [3, 4], "class": ["road", "lake"], "area": [1, 2]})
    name_class(layer, 4, "")
    assert class_names_of(layer) == {3: "road"}
    assert list(layer.features["area"]) == [1, 2]
    table = layer.features
    name_class(layer, 3, "road")
    assert layer.features is table  # nothing was written: nobody need look again


@pytest.mark.parametrize(
    ("sentence", "named"),
    [
        ("Label 3 took none, nor did label 4.", "Label 3 (road) took none, nor did label 4."),
        ("Layer 'label 3' added.", "Layer 'label 3' added."),
        ("Label 31 took none.", "Label 31 took none."),
        ("Label 3 (road) is selected.", "Label 3 (road) is selected."),
    ],
)
def test_the_sentences_of_the_core_get_the_names_of_labels(sentence: str, named: str) -> None:
    assert with_names(sentence, {3: "road"}) == named


def test_gaps_in_a_table_of_pandas_are_no_names() -> None:
    features = pd.DataFrame(
        {"index": pd.array([1, 2, pd.NA], "Int64"), "class": pd.array(["road", pd.NA, "sky"], "string")}
    )
    layer = Labels(np.zeros((3, 3), np.uint8), features=features)
    assert class_names_of(layer) == {1: "road"}
    name_class(layer, 2, "tree")
    assert class_names_of(layer) == {1: "road", 2: "tree"}


def test_a_cell_with_several_values_is_a_name() -> None:
    layer = Labels(np.zeros((3, 3), np.uint8))
    layer.features = pd.DataFrame({"index": [1, 2], "class": [np.arange(2), None]})
    assert list(class_names_of(layer)) == [1]

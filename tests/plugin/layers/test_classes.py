"""What the features of a layer call its labels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from napari.layers import Labels

from napari_coarse_crf.plugin.layers.classes import class_names_of


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

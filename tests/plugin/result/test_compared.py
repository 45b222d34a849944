"""What is compared, as a value, without a window."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Labels

from napari_coarse_crf.plugin.result.compared import Compared

COARSE, REFINED, OTHER = (Labels(np.ones((4, 6), int), name=name) for name in ("coarse", "refined", "other"))
SMALL = Labels(np.ones((2, 3), int), name="small")
PYRAMID = Labels([np.ones((4, 6), int), np.ones((2, 3), int)], name="pyramid", multiscale=True)


def test_nothing_is_compared_at_first() -> None:
    assert Compared() == Compared.choose(None, None)
    assert Compared().layers == []


def test_each_layer_is_looked_at_once_in_the_order_of_flipping() -> None:
    compared = Compared.choose(COARSE, REFINED, [OTHER], OTHER)
    assert compared.problem == ""
    assert compared.layers == [COARSE, REFINED, OTHER]


@pytest.mark.parametrize(
    ("compared", "sentence"),
    [
        (Compared.choose(None, REFINED), "Choose coarse labels"),
        (Compared.choose(COARSE, None), "Press Run first"),
        (Compared.choose(COARSE, COARSE), "are the same layer"),
        (Compared.choose(SMALL, REFINED), "'small' and 'refined' differ in size"),
        (Compared.choose(COARSE, REFINED, [SMALL]), "'small' and 'refined' differ in size"),
        (Compared.choose(COARSE, REFINED, [], PYRAMID), "'pyramid' has several resolutions"),
        (Compared.choose(COARSE, PYRAMID), "'pyramid' has several resolutions"),
    ],
)
def test_what_keeps_layers_from_being_compared_is_said(compared: Compared, sentence: str) -> None:
    assert sentence in compared.problem


def test_the_same_layers_are_another_value_once_they_stop_fitting() -> None:
    truth = Labels(np.ones((4, 6), int), name="truth")
    before = Compared.choose(COARSE, REFINED, [], truth)
    assert before == Compared.choose(COARSE, REFINED, [], truth)
    truth.data = np.ones((5, 5), int)
    assert before != Compared.choose(COARSE, REFINED, [], truth)

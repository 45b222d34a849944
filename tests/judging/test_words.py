"""The weights that labels choose, in words."""

from __future__ import annotations

import numpy as np

from napari_coarse_crf import Parameters, Refiner
from napari_coarse_crf.judging.look import CANDIDATES
from napari_coarse_crf.judging.words import LEFT_TO_LABELS, choice_in_short, choice_in_words, weights_in_words
from napari_coarse_crf.samples import load_sample


def test_all_that_is_tried_is_left_to_the_labels_in_the_order_of_the_parameters() -> None:
    tried = {name for changes in CANDIDATES.values() for name in changes}
    assert set(LEFT_TO_LABELS) == tried | {"texture_weight"}
    assert [name for name in Parameters.describe() if name in LEFT_TO_LABELS] == list(LEFT_TO_LABELS)


def test_a_choice_is_told_with_its_reason_and_fixed_weights_are_not() -> None:
    sample = load_sample("tissue")
    refiner = Refiner(sample.image[:160, :200], sample.coarse[:160, :200])
    chosen = refiner.run(Parameters.preset("auto").replace(iterations=1))
    assert choice_in_words(chosen).endswith(f"{weights_in_words(chosen.parameters)}. {chosen.reason}")
    assert choice_in_short(chosen, chosen.parameters) == "Your labels keep the usual weights."
    before = chosen.parameters.replace(appearance_weight=9, texture_weight=2)
    changed = f"texture {chosen.parameters.texture_weight:g}, weight of the appearance kernel"
    assert choice_in_short(chosen, before) == f"Your labels chose {changed} {chosen.parameters.appearance_weight:g}."
    fixed = refiner.run(chosen.parameters)
    assert choice_in_short(fixed, before) == ""
    assert choice_in_words(fixed) == ""
    np.testing.assert_array_equal(fixed.labels, chosen.labels)

"""The weights that labels choose, in words."""

from __future__ import annotations

import numpy as np

from napari_coarse_crf import Parameters, Refiner
from napari_coarse_crf.judging.look import CANDIDATES
from napari_coarse_crf.samples import load_sample
from napari_coarse_crf.suggest.weights import LEFT_TO_LABELS, changes_in_words, choice_in_words, weights_in_words


def test_all_that_is_tried_is_left_to_the_labels_in_the_order_of_the_parameters() -> None:
    tried = {name for changes in CANDIDATES.values() for name in changes}
    assert set(LEFT_TO_LABELS) == tried | {"texture_weight"}
    assert [name for name in Parameters.describe() if name in LEFT_TO_LABELS] == list(LEFT_TO_LABELS)


def test_what_differs_is_named_and_nothing_else() -> None:
    chosen = Parameters(appearance_weight=1, texture_weight=0.35, theta_alpha=9)
    assert changes_in_words(chosen, Parameters()) == "texture 0.35, weight of the appearance kernel 1"
    assert changes_in_words(Parameters(theta_alpha=9), Parameters()) == ""


def test_a_choice_is_told_with_its_reason_and_fixed_weights_are_not() -> None:
    sample = load_sample("tissue")
    refiner = Refiner(sample.image[:160, :200], sample.coarse[:160, :200])
    chosen = refiner.run(Parameters.preset("auto").replace(iterations=1))
    assert choice_in_words(chosen).endswith(f"{weights_in_words(chosen.parameters)}. {chosen.reason}")
    fixed = refiner.run(chosen.parameters)
    assert choice_in_words(fixed) == ""
    np.testing.assert_array_equal(fixed.labels, chosen.labels)

"""What hidden labels promise: the figures worked out by hand, and close to the truth where the assumptions hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_coarse_crf import evaluate_labels
from napari_coarse_crf.judging.promise import (
    DOUBT,
    Promise,
    Said,
    _mean_iou,
    _same_errors,
    _same_truth,
    _seen,
    promised,
)

Array = np.ndarray[Any, Any]

# P(said | true) of two methods: the second finds label 1 where the first mostly overlooks it.
FIRST = np.array([[0.98, 0.01, 0.01], [0.70, 0.25, 0.05], [0.05, 0.05, 0.90]])
SECOND = np.array([[0.93, 0.06, 0.01], [0.15, 0.80, 0.05], [0.05, 0.05, 0.90]])


def _draw(rng: np.random.Generator, truth: Array, errors: Array) -> Array:
    return (rng.random((len(truth), 1)) > errors[truth].cumsum(axis=1)[:, :-1]).sum(axis=1)


def _iou(said: Array, truth: Array, known: int) -> float:
    own = np.repeat([0, 1, 2], known)
    return evaluate_labels(np.r_[own, said][None] + 1, np.r_[own, truth][None] + 1).mean_iou


def _world(shares: list[float], hidden_shares: list[float], n_hidden: int) -> tuple[Promise, float]:
    """Return what is promised and the true gain; errors are the same on hidden and unlabelled pixels."""
    rng = np.random.default_rng(3)
    open_truth, truth = rng.choice(3, 100_000, p=shares), rng.choice(3, n_hidden, p=hidden_shares)
    unlabelled = Said(_draw(rng, open_truth, FIRST), _draw(rng, open_truth, SECOND))
    hidden = Said(_draw(rng, truth, FIRST), _draw(rng, truth, SECOND))
    true_gain = _iou(unlabelled.second, open_truth, 500) - _iou(unlabelled.first, open_truth, 500)
    return promised(np.full(3, 500.0), unlabelled, hidden, truth), true_gain


def test_with_many_labels_in_the_shares_of_the_image_both_assumptions_are_right() -> None:
    promise, true = _world([0.7, 0.2, 0.1], [0.7, 0.2, 0.1], 2_000_000)
    assert promise.same_truth == pytest.approx(true, abs=0.02)
    assert promise.same_errors == pytest.approx(true, abs=0.02)


def test_with_labels_in_other_shares_the_same_errors_come_nearer() -> None:
    promise, true = _world([0.7, 0.25, 0.05], [0.94, 0.03, 0.03], 20_000)
    assert true > 0.15
    assert abs(promise.same_errors - true) < abs(promise.same_truth - true)


def test_few_hidden_labels_promise_little() -> None:
    few, true = _world([0.7, 0.2, 0.1], [0.7, 0.2, 0.1], 60)
    some, _ = _world([0.7, 0.2, 0.1], [0.7, 0.2, 0.1], 5_000)
    assert few.gain < some.gain < true


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**16), n_labels=st.integers(2, 5), n_hidden=st.integers(1, 200))
def test_methods_that_say_the_same_differ_in_nothing(seed: int, n_labels: int, n_hidden: int) -> None:
    rng = np.random.default_rng(seed)
    labelled = rng.integers(1, 50, n_labels).astype(float)
    unlabelled, hidden = rng.integers(0, n_labels, 300), rng.integers(0, n_labels, n_hidden)
    truth = rng.integers(0, n_labels, n_hidden)
    assert promised(labelled, Said(unlabelled, unlabelled), Said(hidden, hidden), truth) == Promise(0, 0)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**16), n_labels=st.integers(2, 5))
def test_a_promise_is_a_finite_difference_of_two_shares(seed: int, n_labels: int) -> None:
    rng = np.random.default_rng(seed)
    labelled = rng.integers(1, 50, n_labels).astype(float)
    unlabelled, hidden = (Said(*rng.integers(0, n_labels, (2, size))) for size in (300, 5000))
    promise = promised(labelled, unlabelled, hidden, rng.integers(0, n_labels, 5000))
    assert -1 < promise.same_truth < 1
    assert -1 < promise.same_errors < 1


# Two labels, three pairs of what two methods say on 100 unlabelled pixels, and 1500 hidden ones.
PAIRS_FIRST, SIZES = np.array([0, 0, 1]), np.array([60, 30, 10])  # (0, 0), (0, 1), (1, 1)
SEEN = np.array([[900.0, 0.0], [50.0, 350.0], [0.0, 200.0]])


def test_the_same_truth_is_that_of_each_pair_beside_a_thousand_pixels_for_the_first() -> None:
    found = _same_truth(SIZES, PAIRS_FIRST, SEEN, DOUBT)
    expected = np.array([[60, 0], [30 * 1050 / 1400, 30 * 350 / 1400], [0, 10]])
    np.testing.assert_allclose(found, expected)
    without = _same_truth(SIZES, PAIRS_FIRST, np.zeros_like(SEEN), DOUBT)
    np.testing.assert_allclose(without, [[60, 0], [30, 0], [0, 10]])


def test_pairs_that_no_unlabelled_pixel_has_are_not_counted() -> None:
    hidden = Said(np.array([0, 1, 1, 0]), np.array([0, 0, 0, 1]))
    seen = _seen(np.array([0, 1, 3]), hidden, np.array([1, 0, 1, 1]), 2)  # no unlabelled pixel has (1, 0)
    assert seen.tolist() == [[0, 1], [0, 1], [0, 0]]


def test_the_same_errors_are_those_of_each_label_with_one_step_for_the_shares() -> None:
    hidden_sizes, labelled = np.array([950, 550]), np.array([30.0, 10.0])
    unknown = np.array([[0.3 + 0.5, 0.3], [0.15, 0.15], [0.05, 0.05 + 0.5]])
    likelihood = (SEEN + 1000 * unknown) / (hidden_sizes + 1000)
    shares = np.array([0.5 * 0.75 + 0.25, 0.5 * 0.25 + 0.25])
    for _ in range(2):
        joint = likelihood * shares
        true = SIZES[:, None] * joint / joint.sum(axis=1, keepdims=True)
        shares = true.sum(axis=0) / 100
    agree = np.array([True, False, True])
    np.testing.assert_allclose(
        _same_errors(SIZES, agree, PAIRS_FIRST, SEEN, hidden_sizes, labelled, DOUBT), true, rtol=1e-12
    )


def test_pixels_that_stand_for_more_pixels_count_for_more() -> None:
    hidden = Said(np.zeros(100, int), np.ones(100, int))
    unlabelled = Said(np.repeat([0, 1], [900, 100]), np.repeat([0, 1], [600, 400]))
    truth = np.ones(100, int)
    promises = [promised(np.array([5.0, 5.0]), unlabelled, hidden, truth, doubt) for doubt in (1000, 100, 10)]
    assert promises[0].gain < promises[1].gain < promises[2].gain


def test_without_unlabelled_pixels_there_is_nothing_to_gain() -> None:
    nothing, hidden = np.zeros(0, int), np.array([0, 1, 1])
    assert promised(np.array([5.0, 5.0]), Said(nothing, nothing), Said(hidden, 1 - hidden), hidden).gain == 0


def test_mean_iou_of_counts_is_that_of_pixels() -> None:
    rng = np.random.default_rng(0)
    said, truth = rng.integers(0, 3, 400), rng.integers(0, 3, 400)
    labelled = np.array([4.0, 7.0, 2.0])
    true = np.array([[np.count_nonzero((said == a) & (truth == t)) for t in range(3)] for a in range(3)], float)
    own = np.repeat([0, 1, 2], labelled.astype(int))
    scores = evaluate_labels(np.r_[own, said][None] + 1, np.r_[own, truth][None] + 1)
    assert _mean_iou(labelled, np.arange(3), true) == pytest.approx(scores.mean_iou)

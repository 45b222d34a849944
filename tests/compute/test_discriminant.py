"""Linear discriminant analysis: it tells normal clouds apart as Bayes' rule does, and knows what it has never seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_coarse_crf.compute.discriminant import Discriminant

Array = np.ndarray[Any, Any]
FloatArray = NDArray[np.float32]
MEANS = np.array([[0.0, 0.0, 5.0], [2.0, 0.0, 5.0], [0.0, 3.0, 5.0]])


def _clouds(count: int, seed: int) -> tuple[FloatArray, Array]:
    labels = np.random.default_rng(seed).integers(0, 3, count)
    spread = np.random.default_rng(seed + 1).normal(size=(count, 3)) @ np.array([[1.0, 0.4, 0], [0, 0.8, 0], [0, 0, 2]])
    return (MEANS[labels] + spread).astype(np.float32), labels


def test_probabilities_are_those_of_bayes_for_clouds_of_one_shape() -> None:
    features, labels = _clouds(20_000, 0)
    asked, truth = _clouds(2_000, 7)
    likely, typical = Discriminant.learn(features, labels, 3).tell(asked)
    shape = np.cov((features - MEANS[labels]).T)
    distance = np.array([np.einsum("nk,kj,nj->n", asked - m, np.linalg.inv(shape), asked - m) for m in MEANS]).T
    expected = np.exp(-distance / 2) / np.exp(-distance / 2).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(likely.sum(axis=1), 1, rtol=1e-5)
    assert np.abs(likely - expected).mean() < 0.03  # it shrinks the covariance by a twentieth
    assert np.mean(likely.argmax(axis=1) == truth) > 0.8
    assert typical.min() > 0
    assert np.mean(typical > 0.9) > 0.8


def test_what_is_far_from_all_that_is_known_is_not_typical() -> None:
    features, labels = _clouds(2_000, 0)
    learnt = Discriminant.learn(features, labels, 3)
    _, typical = learnt.tell(np.array([[0, 0, 5], [40, 0, 5], [400, 0, 5]], np.float32))
    assert typical[0] == 1
    assert 0 <= typical[2] <= typical[1] < 1e-3


def test_the_scale_of_a_feature_does_not_matter() -> None:
    features, labels = _clouds(2_000, 0)
    scales = np.array([1, 100, 0.1], np.float32)
    plain = Discriminant.learn(features, labels, 3).tell(features)[0]
    scaled = Discriminant.learn(features * scales, labels, 3).tell(features * scales)[0]
    np.testing.assert_allclose(scaled, plain, atol=0.02)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_pixels_and_constant_features_do_no_harm(count: int) -> None:
    features = np.zeros((2 * count, 31), np.float32)
    features[count:, :3] = 10
    likely, typical = Discriminant.learn(features, np.repeat([0, 1], count), 2).tell(features)
    assert np.isfinite(likely).all()
    assert np.isfinite(typical).all()
    assert likely[0, 0] > 0.99
    assert likely[-1, 1] > 0.99


def test_a_label_that_nothing_was_learnt_of_is_never_said() -> None:
    features, labels = _clouds(500, 0)
    likely, _ = Discriminant.learn(features, 2 * labels, 6).tell(features)
    assert likely[:, 1::2].max() == 0

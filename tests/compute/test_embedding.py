"""Pixels in the lattice, whatever the number of features."""

from __future__ import annotations

import numpy as np
import pytest

from napari_coarse_crf import refine_labels
from napari_coarse_crf.compute.embedding import count_vertices
from tests.helpers import filter_labels, lattice_of


@pytest.mark.parametrize("channels", [1, 2, 7, 63, 269, 270, 271, 509, 510, 511, 1000, 2000])
@pytest.mark.parametrize("begins_alike", [False, True])
def test_any_number_of_features_finds_its_vertices(channels: int, begins_alike: bool) -> None:
    """A table that is filled before it is looked at would be searched for ever."""
    features = np.random.default_rng(3).uniform(0, 255, (channels, 24)).astype(np.float32)
    features[:, : 16 if begins_alike else 0] = 5
    count = count_vertices(features, np.full(channels, 0.7, np.float32))
    assert channels + 1 <= count <= (channels + 1) * features.shape[1]


def test_an_image_of_600_channels_is_refined() -> None:
    image = np.random.default_rng(4).normal(0, 20, (6, 9, 600)).astype(np.float32)
    image[:, 5:] += 90
    labels = np.zeros((6, 9), np.uint8)
    labels[2, 1], labels[3, 7] = 1, 2
    refined = refine_labels(image, labels)
    np.testing.assert_array_equal(refined, np.where(np.indices((6, 9))[1] < 5, 1, 2))


@pytest.mark.parametrize("axis", [0, 1, 3])
def test_a_feature_that_is_the_same_everywhere_changes_no_bit(axis: int) -> None:
    features = np.random.default_rng(5).normal(0, 4, (1500, 3)).astype(np.float32)
    longer = np.insert(features, axis, 70.5, axis=1)
    for normalise in (False, True):
        without, with_it = (lattice_of(some, normalise=normalise) for some in (features, longer))
        assert np.array_equal(without.rows, with_it.rows)
        assert without.weights.tobytes() == with_it.weights.tobytes()
        assert [chain.tobytes() for chain in without.chains] == [chain.tobytes() for chain in with_it.chains]
    thetas = np.ones(4, np.float32)
    assert count_vertices(longer.T, thetas) == count_vertices(features.T, thetas[:3]) == without.n_vertices


def test_a_feature_that_differs_at_one_pixel_alone_counts() -> None:
    features = np.zeros((1500, 2), np.float32)
    features[77, 1] = 9.0
    assert lattice_of(features).n_vertices > lattice_of(features[:, :1]).n_vertices == 2


def test_pixels_that_are_all_alike_are_one_point() -> None:
    sums = filter_labels(lattice_of(np.full((5, 3), 2.5)), np.zeros(5, np.int32), 1)
    assert sums.max() == sums.min() > 0

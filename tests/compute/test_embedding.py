"""Pixels in the lattice, whatever the number of features."""

from __future__ import annotations

import numpy as np
import pytest

from napari_coarse_crf import refine_labels
from napari_coarse_crf.compute.embedding import count_vertices


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

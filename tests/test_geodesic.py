"""Shortest paths over the pixel grid, against Dijkstra's algorithm on the same graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import oracles
from helpers import geodesic
from napari_coarse_crf.geodesic import UNREACHED

SETTLED = 0.02  # px: sweeps stop when a path gets shorter by no more than 0.01


def _noisy(shape: tuple[int, ...], channels: int = 0) -> np.ndarray:
    rng = np.random.default_rng(len(shape))
    return rng.integers(0, 256, (*shape, channels) if channels else shape, dtype=np.uint8)


def _spots(shape: tuple[int, ...], n_labels: int) -> np.ndarray:
    rng = np.random.default_rng(n_labels)
    labels = np.zeros(shape, np.int32)
    places = rng.choice(labels.size, 2 * n_labels, replace=False)
    labels.reshape(-1)[places] = 1 + np.arange(2 * n_labels) % n_labels
    return labels


def _assert_shortest(image: np.ndarray, labels: np.ndarray, colour_weight: float, **options: Any) -> None:
    found = geodesic(image, labels, colour_weight, **options)
    exact = oracles.geodesic_distances(image, labels, colour_weight=colour_weight, **options)[found.pixels]
    np.testing.assert_allclose(found.distances, np.minimum(exact, UNREACHED), rtol=1e-5, atol=SETTLED)


@pytest.mark.parametrize(
    ("shape", "channels", "n_labels"),
    [((23, 37), 0, 2), ((37, 23), 3, 3), ((1, 40), 0, 2), ((16, 15), 1, 20), ((5, 12, 9), 0, 3), ((4, 7, 11), 2, 9)],
    ids=["grey", "rgb", "one row", "20 labels", "3-D grey", "3-D, two channels"],
)
@pytest.mark.parametrize("colour_weight", [0.0, 0.05, 2.0])
def test_distances_are_those_of_dijkstra(
    shape: tuple[int, ...], channels: int, n_labels: int, colour_weight: float
) -> None:
    _assert_shortest(_noisy(shape, channels), _spots(shape, n_labels), colour_weight)


def test_paths_cost_what_the_spacing_says() -> None:
    _assert_shortest(_noisy((6, 9, 8)), _spots((6, 9, 8), 2), 0.1, spacing=(3.0, 1.0, 1.5))


def test_paths_go_around_what_the_mask_leaves_out() -> None:
    labels = np.zeros((15, 20), np.int32)
    labels[7, 2], labels[0, 19] = 1, 2
    mask = np.ones(labels.shape, bool)
    mask[1:, 8] = False  # a wall with a gap at the top
    mask[:14, 13] = False  # and one with a gap at the bottom
    _assert_shortest(np.zeros(labels.shape, np.uint8), labels, 1.0, mask=mask)


def test_an_area_that_is_cut_off_is_unreached() -> None:
    labels = np.zeros((9, 12), np.int32)
    labels[4, 1], labels[4, 3] = 1, 2
    mask = np.ones(labels.shape, bool)
    mask[:, 6] = False
    found = geodesic(np.zeros(labels.shape, np.uint8), labels, 1.0, mask=mask)
    beyond = found.pixels % 12 > 6
    assert (found.distances[beyond] == UNREACHED).all()
    assert (found.distances[~beyond] < 20).all()


def test_a_flat_image_has_chamfer_distances() -> None:
    labels = np.zeros((5, 7), np.int32)
    labels[0, 0], labels[4, 6] = 1, 2
    found = geodesic(np.full(labels.shape, 9, np.uint8), labels, 2.0)
    at = {int(pixel): distance for pixel, distance in zip(found.pixels, found.distances, strict=True)}
    np.testing.assert_allclose(at[6], [6.0, 4.0], atol=1e-5)  # along the first row; down the last column
    np.testing.assert_allclose(at[4 * 7 + 5], [4 * np.sqrt(2) + 1, 1.0], atol=1e-5)  # four diagonal steps and one more


def test_a_path_that_winds_back_and_forth_is_found() -> None:
    # Walls from alternating sides: the way from one corner to the other turns 10 times.
    labels = np.zeros((23, 30), np.int32)
    labels[0, 0], labels[22, 29] = 1, 2
    image = np.zeros(labels.shape, np.uint8)
    for turn, row in enumerate(range(2, 22, 4)):
        image[row, 1:] = 255
        image[row + 2, :-1] = 255
        assert turn < 5
    _assert_shortest(image, labels, 1.0)

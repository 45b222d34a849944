"""Shortest paths over the pixel grid, against Dijkstra's algorithm on the same graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from skimage import filters

from napari_coarse_crf.geodesic import UNREACHED, PixelGrid
from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.problem import read_problem
from tests import oracles
from tests.helpers import geodesic

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


def _assert_shortest(
    image: np.ndarray, labels: np.ndarray, weight: float, crossing: float = 0.0, **options: Any
) -> None:
    found = geodesic(image, labels, weight, crossing, **options)
    slowness = oracles.edge_slowness(image, labels.ndim, weight=weight, **options)
    inside = options.get("mask", np.ones(labels.shape, bool))
    np.testing.assert_allclose(found.slowness[inside], slowness[inside], rtol=1e-4)
    exact = oracles.geodesic_distances(slowness, labels, crossing=crossing, **options)[found.pixels]
    np.testing.assert_allclose(found.distances, np.minimum(exact, UNREACHED), rtol=1e-4, atol=SETTLED)


@pytest.mark.parametrize(
    ("shape", "channels", "n_labels"),
    [
        ((23, 37), 0, 2),
        ((37, 23), 3, 3),
        ((1, 40), 0, 2),
        ((16, 15), 1, 20),
        ((16, 15), 0, 40),
        ((5, 12, 9), 0, 3),
        ((4, 7, 11), 2, 9),
    ],
    ids=[
        "grey",
        "rgb",
        "one row",
        "20 labels",
        "more labels than two threads sweep at once",
        "3-D grey",
        "3-D, two channels",
    ],
)
@pytest.mark.parametrize("weight", [0.0, 0.0005, 0.001])
@pytest.mark.parametrize("crossing", [0.0, 7.0])
def test_distances_are_those_of_dijkstra(
    shape: tuple[int, ...], channels: int, n_labels: int, weight: float, crossing: float
) -> None:
    _assert_shortest(_noisy(shape, channels), _spots(shape, n_labels), weight, crossing)


@pytest.mark.parametrize("shape", [(70_000,), (301, 299), (9, 90, 101), (3, 5, 60, 70)], ids=str)
def test_a_grid_has_a_border_of_one_cell_around_all_pixels(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, shape)
    problem = read_problem(Picture(np.zeros(shape, np.uint8), rng.random(shape) < 0.8), labels)
    grid = PixelGrid(problem)
    places = np.unravel_index(problem.pixels, shape)
    np.testing.assert_array_equal(grid.cells, np.ravel_multi_index([place + 1 for place in places], grid.shape))


def test_slowness_is_made_of_the_sobel_gradient() -> None:
    image = _noisy((19, 31))
    labels = _spots(image.shape, 2)
    found = geodesic(image, labels, 0.5).slowness
    squared = np.square(filters.sobel(image.astype(float)))
    np.testing.assert_allclose(found[1:-1, 1:-1], np.sqrt(1 + (0.5 * squared / 10) ** 2)[1:-1, 1:-1], rtol=1e-4)


@pytest.mark.parametrize(
    ("shape", "spacing"),
    [
        ((90,), (2.0,)),
        ((6, 9, 8), (3.0, 1.0, 1.5)),
        ((5, 8, 9), (60.0, 1.0, 0.5)),
        ((2, 5, 6, 4), (1.0, 4.0, 1.0, 2.0)),
    ],
    ids=["1-D", "3-D", "3-D, far apart", "4-D"],
)
def test_paths_cost_what_the_spacing_says(shape: tuple[int, ...], spacing: tuple[float, ...]) -> None:
    for crossing in (0.0, 7.0):
        _assert_shortest(_noisy(shape), _spots(shape, 3), 0.005, crossing, spacing=spacing)


def test_paths_through_a_volume_go_around_what_the_mask_leaves_out() -> None:
    mask = np.ones((5, 9, 10), bool)
    mask[2, :, 3:], mask[:4, 4] = False, False  # a ceiling with a gap, and a wall that leaves the last plane
    labels = _spots(mask.shape, 2)
    labels[~mask] = 0
    _assert_shortest(_noisy(mask.shape, 2), labels, 0.001, 7.0, mask=mask, spacing=(2.5, 1.0, 1.0))


def test_paths_go_around_what_the_mask_leaves_out() -> None:
    labels = np.zeros((15, 20), np.int32)
    labels[7, 2], labels[0, 19] = 1, 2
    mask = np.ones(labels.shape, bool)
    mask[1:, 8] = False  # a wall with a gap at the top
    mask[:14, 13] = False  # and one with a gap at the bottom
    image = np.zeros(labels.shape, np.uint8)
    image[~mask] = 255  # no edge: what takes no part has no colour
    _assert_shortest(image, labels, 1.0, mask=mask)


def test_a_stroke_is_a_fence_without_gaps_at_its_corners() -> None:
    y, x = np.indices((21, 21)) - 10
    labels = np.where(np.abs(x) + np.abs(y) == 7, 5, 0)  # a ring whose pixels touch at corners only
    labels[10, 10] = 3
    found = geodesic(np.zeros(labels.shape, np.uint8), labels, 1.0, crossing=500.0)
    outside = (np.abs(x) + np.abs(y) > 8).reshape(-1)[found.pixels]
    inside = (np.abs(x) + np.abs(y) < 6).reshape(-1)[found.pixels]
    to_centre, to_ring = found.distances.T
    assert (to_centre[outside] > 500).all()
    assert (to_centre[inside] < 7).all()
    assert (to_ring < 15).all()
    _assert_shortest(np.zeros(labels.shape, np.uint8), labels, 1.0, crossing=500.0)


def test_a_stroke_on_one_plane_is_no_fence_in_a_volume() -> None:
    y, x = np.indices((21, 21)) - 10
    labels = np.zeros((3, 21, 21), np.int32)
    labels[1] = np.where(np.maximum(np.abs(x), np.abs(y)) == 7, 5, 0)
    labels[1, 10, 10] = 3
    found = geodesic(np.zeros(labels.shape, np.uint8), labels, 1.0, crossing=500.0)
    outside = np.broadcast_to(np.maximum(np.abs(x), np.abs(y)) > 7, labels.shape).reshape(-1)[found.pixels]
    assert (found.distances[outside, 0] < 20).all()  # over the plane before or after it


def test_an_edge_costs_less_in_a_volume_where_paths_go_around_it() -> None:
    plane = np.zeros((9, 12), np.uint8)
    plane[:, 6:] = 200
    volume = np.stack([plane] * 5)
    flat, deep = (geodesic(image, (np.indices(image.shape)[-1] == 0) * 1, 1.0).slowness for image in (plane, volume))
    g = np.array([200 / np.sqrt(2), 200 / np.sqrt(3)])  # of skimage's Sobel filter, in two and in three dimensions
    np.testing.assert_allclose([flat[4, 6], deep[2, 4, 6]], (g**2 / 10) ** [1, 2 / 3], rtol=1e-3)


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
    np.testing.assert_array_equal(found.slowness, 1.0)
    at = {int(pixel): distance for pixel, distance in zip(found.pixels, found.distances, strict=True)}
    np.testing.assert_allclose(at[6], [6.0, 4.0], atol=1e-5)  # along the first row; down the last column
    np.testing.assert_allclose(at[4 * 7 + 5], [4 * np.sqrt(2) + 1, 1.0], atol=1e-5)  # four diagonal steps and one more


def test_a_path_that_winds_back_and_forth_is_found() -> None:
    # Walls from alternating sides: the way from one corner to the other turns 10 times.
    labels = np.zeros((23, 30), np.int32)
    labels[0, 0], labels[22, 29] = 1, 2
    mask = np.ones(labels.shape, bool)
    for row in range(2, 22, 4):
        mask[row, 1:] = False
        mask[row + 2, :-1] = False
    _assert_shortest(np.zeros(labels.shape, np.uint8), labels, 1.0, mask=mask)

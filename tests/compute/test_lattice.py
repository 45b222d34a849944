"""The permutohedral lattice against one made of dictionaries, and against all-pairs Gaussian sums."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests import oracles
from tests.helpers import filter_labels, lattice_matrix, lattice_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


def _scattered(n: int, d: int, spread: float = 1.5) -> Array:
    return np.random.default_rng(d).normal(0, spread, (n, d)).astype(np.float32)


def _grid(shape: tuple[int, ...], theta: float) -> Array:
    return (oracles.positions(shape) / theta).astype(np.float32)


def _bilateral(shape: tuple[int, ...], channels: int, theta_alpha: float, theta_beta: float) -> Array:
    """Two halves of different colour, with noise."""
    rng = np.random.default_rng(channels)
    half = np.indices(shape)[-1].reshape(-1, 1) >= shape[-1] // 2
    rgb = 90.0 * half + rng.integers(0, 40, (int(np.prod(shape)), channels))
    return np.hstack([oracles.positions(shape) / theta_alpha, rgb / theta_beta]).astype(np.float32)


def _relative_error(found: Array, exact: Array) -> float:
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))


def _messages(features: Array) -> tuple[Array, Array]:
    """Return the normalised filter of three random labels, by the lattice and by all pairs."""
    labels = np.random.default_rng(3).integers(0, 3, len(features))
    found = filter_labels(lattice_of(features, normalise=True), labels, 3)
    exact = oracles.gaussian_matrix(features, normalise=True) @ np.eye(3)[labels]
    return found, exact


@pytest.mark.parametrize("d", [1, 2, 3, 5, 6, 22])
def test_the_filter_is_that_of_the_lattice_made_of_dictionaries(d: int) -> None:
    # 22 features: 2 positions and 20 channels, whose keys do not fit 64 bits as mixed-radix numbers.
    features = _scattered(60, d)
    np.testing.assert_allclose(
        lattice_matrix(features, normalise=False),
        oracles.lattice_matrix(features),
        atol=1e-4,  # float32 embedding; the largest entries are above 1
    )


@pytest.mark.parametrize(("n", "d"), [(3000, 2), (3000, 5), (1500, 22)])
def test_different_vertices_never_share_a_key(n: int, d: int) -> None:
    # A wide spread: tens of thousands of vertices, so the hash table grows several times on the way.
    features = _scattered(n, d, spread=6.0)
    assert lattice_of(features).n_vertices == oracles.lattice_vertices(features)


def test_channels_that_balance_each_other_do_not_make_keys_collide() -> None:
    # 31 features, of which only two change, one against the other, and the others by a hair at one pixel: the first 20
    # coordinates of all vertices are the same for all pixels. Mixed-radix keys of 64 bits would have lost the later
    # coordinates by overflow.
    features = np.tile(np.linspace(0.13, 0.97, 31, dtype=np.float32), (400, 1))
    amount = np.linspace(-40, 40, 400)
    features[:, 20] += amount * np.sqrt(21 * 22)
    features[:, 25] -= amount * np.sqrt(26 * 27)
    features[7] += np.float32(1e-4)
    assert lattice_of(features).n_vertices == oracles.lattice_vertices(features)


@pytest.mark.parametrize("d", [1, 2, 3, 5, 22])
@pytest.mark.parametrize("offset", [0.0, 1e4])  # 1e4: a pixel 5,000 px from the corner at the smallest theta, 0.5
def test_barycentric_weights_are_shares_of_one(d: int, offset: float) -> None:
    weights = lattice_of(_scattered(500, d) + np.float32(offset)).weights
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-5)  # float32 sums of up to 23 weights
    assert weights.min() > -1e-5


@pytest.mark.parametrize("d", [2, 5])
def test_slice_is_the_adjoint_of_splat(d: int) -> None:
    # Without the blur, splat and slice are S and its transpose: the matrix S^T S is symmetric, no eigenvalue below 0.
    matrix = lattice_matrix(_scattered(80, d), normalise=False, blurred=False)
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-6)
    assert np.linalg.eigvalsh(matrix).min() > -1e-5


@pytest.mark.parametrize(
    ("features", "tolerance"),
    [
        (_grid((20, 31), 3), 0.03),
        (_grid((33, 18), 10), 0.03),
        (_grid((5, 6, 7), 2), 0.03),
        (_grid((20, 31), 1), 0.05),  # labels that change from pixel to pixel, as here, are hardest at 1 px
    ],
    ids=["2-D, 3 px", "2-D, 10 px", "3-D, 2 px", "2-D, 1 px"],
)
def test_smoothness_messages_are_gaussian_sums(features: Array, tolerance: float) -> None:
    # The lattice's own error on a full grid of pixels, where it has all its vertices: 1 to 4 %.
    assert _relative_error(*_messages(features)) < tolerance


@pytest.mark.parametrize(
    "features",
    [
        _bilateral((20, 31), 3, 80, 13),
        _bilateral((20, 31), 3, 50, 5),
        _bilateral((20, 31), 1, 160, 8),
        _bilateral((5, 6, 7), 3, 4, 30),
    ],
    ids=["rgb 80/13", "rgb 50/5", "grey 160/8", "rgb 3-D 4/30"],
)
def test_appearance_messages_are_near_gaussian_sums(features: Array) -> None:
    # In more dimensions colours fill few of the vertices: up to about 10 % off, as the reference implementation is.
    assert _relative_error(*_messages(features)) < 0.12


@pytest.mark.parametrize("shape", [(40, 51), (12, 13, 15)])
def test_scaled_sums_without_normalisation_are_gaussian_sums(shape: tuple[int, ...]) -> None:
    features = _grid(shape, 2.0)
    labels = np.random.default_rng(3).integers(0, 3, len(features))
    lattice = lattice_of(features)
    found = filter_labels(lattice, labels, 3) * lattice.gaussian_scale
    exact = oracles.gaussian_matrix(features, normalise=False) @ np.eye(3)[labels]
    # Near the image's edge vertices are missing: more so in 3-D, where most pixels of this volume are near it.
    assert _relative_error(found, exact) < (0.03 if len(shape) == 2 else 0.08)


def test_distance_from_the_corner_does_not_matter() -> None:
    # 5,000 px away from it at theta 0.5: float32 holds such features to 1e-3, weights to about a hundredth.
    near, far = _grid((20, 31), 3.0), _grid((20, 31), 3.0) + np.float32(1e4)
    _, exact = _messages(near)
    assert _relative_error(_messages(far)[0], exact) < 0.03


def test_a_single_pixel_hears_itself() -> None:
    found = filter_labels(lattice_of(np.array([[3.5, -2.25, 7.0]]), normalise=True), np.array([1]), 2)
    np.testing.assert_allclose(found, [[0.0, 1.0]], atol=1e-6)


def test_one_constant_colour_leaves_the_positions_filter() -> None:
    positions = _grid((20, 31), 3.0)
    with_colour = np.hstack([positions, np.full((len(positions), 1), 4.2, np.float32)])
    found, _ = _messages(with_colour)
    _, exact = _messages(positions)
    assert _relative_error(found, exact) < 0.05  # a flat sheet through a 3-D lattice: not a full grid of vertices


def test_unlabelled_pixels_are_not_splat() -> None:
    lattice = lattice_of(_grid((6, 9), 2.0))
    nothing = filter_labels(lattice, np.full(54, -1), 3)
    assert not nothing.any()
    first_only = filter_labels(lattice, np.where(np.arange(54) == 10, 0, -1), 3)
    assert first_only[10, 0] > 0
    assert not first_only[:, 1:].any()


def test_pixels_of_different_chunks_hear_each_other() -> None:
    # A strip of 140,000 pixels is split into several chunks; the exact answer is a convolution.
    n, theta = 140_000, 3.0
    features = (np.arange(n, dtype=np.float32) / theta).reshape(-1, 1)
    labels = (np.arange(n) // 2) % 2
    lattice = lattice_of(features, workers=2)
    found = filter_labels(lattice, labels, 2, workers=2) * lattice.gaussian_scale
    bell = np.exp(-np.square(np.arange(-30, 31) / theta) / 2)
    exact = np.stack([np.convolve(labels == label, bell, mode="same") for label in range(2)], axis=1)
    inside = slice(100, -100)
    # 1-D: one vertex every 1.2 standard deviations. Every pixel counts, those at the chunks' ends too.
    assert np.abs(found[inside] / exact[inside] - 1).max() < 0.1


def test_any_number_of_workers_gives_the_same_bits() -> None:
    features = _bilateral((270, 311), 3, 80, 13)  # 83,970 pixels: several chunks
    labels = np.random.default_rng(5).integers(-1, 3, len(features))
    alone, together = (
        filter_labels(lattice_of(features, normalise=True, workers=workers), labels, 3, workers=workers)
        for workers in (1, 3)
    )
    assert np.array_equal(alone, together)

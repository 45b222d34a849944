"""Gaussian smoothing along axes: the same as scipy's, with nothing beyond the border."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_coarse_crf.compute.parallel import finish
from napari_coarse_crf.compute.smoothing import smooth


@pytest.mark.parametrize(
    ("shape", "sigmas"),
    [
        ((37, 50), (1.0, 1.0)),
        ((37, 50), (0.0, 2.5)),
        ((9, 20, 31), (0.7, 2.0, 4.0)),
        ((300,), (8.0,)),
        ((1, 5), (3, 3)),
    ],
)
def test_a_plane_is_smoothed_as_by_scipy(shape: tuple[int, ...], sigmas: tuple[float, ...]) -> None:
    plane = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    expected = gaussian_filter(plane.astype(np.float64), sigmas, truncate=3.0, mode="constant")
    flat = plane.reshape(-1).copy()
    with ThreadPoolExecutor(2) as pool:
        finish(smooth(pool, flat, shape, sigmas, np.empty(math.prod(shape), np.float32)))
    np.testing.assert_allclose(flat.reshape(shape), expected, atol=2e-6)

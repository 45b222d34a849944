"""A smaller problem and the way back, as arithmetic on small arrays."""

from __future__ import annotations

import math

import numpy as np
import pytest

from napari_coarse_crf import Parameters
from napari_coarse_crf.plugin.jobs.preview import TARGET_SECONDS, enlarge, next_budget
from napari_coarse_crf.tiles.reduced import thin_out


def test_the_budget_shrinks_after_a_slow_look_and_never_grows() -> None:
    assert next_budget(80_000, TARGET_SECONDS / 10) == 80_000
    assert next_budget(80_000, TARGET_SECONDS * 4) == 20_000
    assert next_budget(80_000, 1e6) == 5000


@pytest.mark.parametrize("shape", [(5, 7), (3, 5, 7)])
@pytest.mark.parametrize("step", [1, 2, 3, 9])
def test_small_arrays_are_enlarged_to_where_their_pixels_came_from(shape: tuple[int, ...], step: int) -> None:
    array = np.arange(math.prod(shape)).reshape(shape)
    small = thin_out(array, step, len(shape))
    large = enlarge(small, step, shape)
    assert large.shape == shape
    for index in np.ndindex(shape):
        assert large[index] == array[tuple(one // step * step for one in index)]


def test_distances_count_in_the_larger_pixels_within_their_range() -> None:
    parameters = Parameters(theta_alpha=160, theta_beta=8, theta_gamma=1, geodesic_colour_weight=2, iterations=7)
    smaller = parameters.for_fewer_pixels(4)
    assert (smaller.theta_alpha, smaller.theta_gamma, smaller.geodesic_colour_weight) == (40, 0.5, 0.5)
    assert (smaller.theta_beta, smaller.iterations) == (8, 7)
    assert parameters.for_fewer_pixels(1) == parameters

"""A smaller problem and the way back, as arithmetic on small arrays."""

from __future__ import annotations

import math

import numpy as np
import pytest

from napari_coarse_crf import Parameters
from napari_coarse_crf.plugin.preview import (
    TARGET_SECONDS,
    enlarge,
    next_budget,
    step_within,
    thin_out,
    thin_out_labels,
)


@pytest.mark.parametrize("shape", [(40, 60), (1024, 2048), (30, 500, 500), (1, 100_000), (7,)])
def test_the_step_is_the_smallest_that_keeps_within_the_budget(shape: tuple[int, ...]) -> None:
    def pixels(step: int) -> int:
        return math.prod(math.ceil(size / step) for size in shape)

    step = step_within(shape, 5000)
    assert pixels(step) <= 5000
    assert step == 1 or pixels(step - 1) > 5000


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


def test_channels_are_not_thinned_out() -> None:
    image = np.arange(5 * 7 * 3).reshape(5, 7, 3)
    np.testing.assert_array_equal(thin_out(image, 2, 2), image[::2, ::2])


def test_a_thin_stroke_survives_in_the_block_it_lies_in() -> None:
    labels = np.zeros((7, 9), np.uint16)
    labels[1, :] = 4
    labels[6, 8] = 900
    np.testing.assert_array_equal(thin_out_labels(labels, 3), [[4, 4, 4], [0, 0, 0], [0, 0, 900]])
    assert thin_out_labels(labels, 3).dtype == np.uint16


def test_distances_count_in_the_larger_pixels_within_their_range() -> None:
    parameters = Parameters(theta_alpha=160, theta_beta=8, theta_gamma=1, geodesic_colour_weight=2, iterations=7)
    smaller = parameters.for_fewer_pixels(4)
    assert (smaller.theta_alpha, smaller.theta_gamma, smaller.geodesic_colour_weight) == (40, 0.5, 0.5)
    assert (smaller.theta_beta, smaller.iterations) == (8, 7)
    assert parameters.for_fewer_pixels(1) == parameters

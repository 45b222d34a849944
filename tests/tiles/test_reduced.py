"""Fewer pixels: within a budget, channels whole, and no stroke lost."""

from __future__ import annotations

import math

import numpy as np
import pytest

from napari_coarse_crf.tiles.reduced import step_within, thin_out, thin_out_labels


@pytest.mark.parametrize("shape", [(40, 60), (1024, 2048), (30, 500, 500), (1, 100_000), (7,)])
def test_the_step_is_the_smallest_that_keeps_within_the_budget(shape: tuple[int, ...]) -> None:
    def pixels(step: int) -> int:
        return math.prod(math.ceil(size / step) for size in shape)

    step = step_within(shape, 5000)
    assert pixels(step) <= 5000
    assert step == 1 or pixels(step - 1) > 5000


def test_channels_are_not_thinned_out() -> None:
    image = np.arange(5 * 7 * 3).reshape(5, 7, 3)
    np.testing.assert_array_equal(thin_out(image, 2, 2), image[::2, ::2])


def test_a_thin_stroke_survives_in_the_block_it_lies_in() -> None:
    labels = np.zeros((7, 9), np.uint16)
    labels[1, :] = 4
    labels[6, 8] = 900
    np.testing.assert_array_equal(thin_out_labels(labels, 3), [[4, 4, 4], [0, 0, 0], [0, 0, 900]])
    assert thin_out_labels(labels, 3).dtype == np.uint16


def test_a_pixel_that_is_kept_keeps_its_own_label() -> None:
    labels = np.array([[1, 5, 0, 5], [5, 5, 5, 5]])
    np.testing.assert_array_equal(thin_out_labels(labels, 2), [[1, 5]])

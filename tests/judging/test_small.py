"""A problem at reduced size: no stroke is lost, and lengths are those of the whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.judging.small import Small, steps_within
from napari_coarse_crf.problem import OPEN, read_problem

Array = np.ndarray[Any, Any]


def _strokes(*shape: int) -> Array:
    labels = np.zeros(shape, np.uint8)
    rows = labels.reshape(-1, shape[-1])  # one pixel wide
    rows[len(rows) // 3, 5:-5], rows[2 * len(rows) // 3, 7:-7] = 1, 2
    return labels


@pytest.mark.parametrize(("shape", "spacing"), [((300, 431), None), ((20, 90, 110), (4.0, 1.0, 1.0))])
def test_every_pixel_of_a_coarser_grid_is_one_of_its_block_a_labelled_one_where_there_is_one(
    shape: tuple[int, ...], spacing: tuple[float, ...] | None
) -> None:
    image = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    labels = _strokes(*shape)
    problem = read_problem(Picture(image, spacing=spacing), labels)
    small = Small.of(problem, 5_000)
    steps = steps_within(shape, problem.spacing, 5_000)
    assert len(small.pixels) == np.prod(small.problem.shape) <= 5_000
    np.testing.assert_array_equal(small.problem.colours, problem.colours[:, small.pixels])
    np.testing.assert_array_equal(small.problem.labels, problem.labels[small.pixels])
    places = np.unravel_index(problem.pixels[small.pixels], shape)
    block = np.ravel_multi_index(
        [place // step for place, step in zip(places, steps, strict=True)], small.problem.shape
    )
    np.testing.assert_array_equal(block, small.problem.pixels)
    label_map = small.label_map()
    painted = np.zeros(label_map.shape, np.bool_)
    painted[tuple(place // step for place, step in zip(np.nonzero(labels), steps, strict=True))] = True
    np.testing.assert_array_equal(label_map > 0, painted)


@pytest.mark.parametrize(("shape", "spacing"), [((300, 431), (1.0, 2.0)), ((12, 90, 110), (2.0, 1.0, 1.0))], ids=str)
def test_of_each_block_the_labelled_pixel_nearest_to_its_corner_is_taken_or_else_the_nearest_one(
    shape: tuple[int, ...], spacing: tuple[float, ...]
) -> None:
    rng = np.random.default_rng(2)
    mask, labels = rng.random(shape) < 0.1, rng.choice([0, 0, 0, 1, 2], shape)
    mask[:5], mask[..., -9:] = False, False  # the blocks begin where pixels take part
    problem = read_problem(Picture(np.zeros(shape, np.uint8), mask, spacing=spacing), labels)
    small = Small.of(problem, 3_000)
    extent = tuple(int(np.ptp(axis)) + 1 for axis in np.nonzero(mask))
    steps = steps_within(extent, problem.spacing, 3_000)
    places = np.stack(np.unravel_index(problem.pixels, shape), axis=1) - [axis.min() for axis in np.nonzero(mask)]
    taken: dict[tuple[int, ...], tuple[bool, int, int]] = {}
    for number, (place, label) in enumerate(zip(places, problem.labels, strict=True)):
        block, rank = tuple(place // steps), (bool(label == OPEN), int((place % steps).sum()), number)
        taken[block] = min(rank, taken.get(block, rank))
    np.testing.assert_array_equal(small.pixels, sorted(number for _, _, number in taken.values()))


def test_a_part_of_a_large_image_is_looked_at_as_closely_as_if_it_were_cut_out() -> None:
    rng = np.random.default_rng(1)
    image, labels = rng.integers(0, 256, (600, 900), np.uint8), np.zeros((600, 900), np.uint8)
    box = np.s_[210:310, 405:545]
    labels[box] = _strokes(100, 140)
    mask = np.zeros(labels.shape, np.bool_)
    mask[box] = True
    part = Small.of(read_problem(Picture(image, mask), labels), 2_000)
    cut = Small.of(read_problem(Picture(image[box]), labels[box]), 2_000)
    assert part.problem.shape == cut.problem.shape
    assert part.step == cut.step
    np.testing.assert_array_equal(part.label_map(), cut.label_map())
    part_features, cut_features = (one.problem.features[:, np.argsort(one.problem.pixels)] for one in (part, cut))
    np.testing.assert_array_equal(part_features, cut_features)


def test_a_small_image_stays_as_it_is() -> None:
    problem = read_problem(Picture(np.zeros((30, 40), np.uint8)), _strokes(30, 40))
    small = Small.of(problem, 1200)
    assert small.problem is problem
    assert small.step == 1.0


def test_pixels_of_unlike_sizes_are_reduced_to_more_alike_ones() -> None:
    problem = read_problem(Picture(np.zeros((24, 200, 200), np.uint8), spacing=(4, 1, 1)), _strokes(24, 200, 200))
    small = Small.of(problem, 24 * 50 * 50)
    assert small.problem.shape == (24, 50, 50)
    assert small.problem.spacing == (1, 1, 1)
    assert small.step == 4


def test_what_takes_no_part_is_in_no_block() -> None:
    mask = np.zeros((90, 90), np.bool_)
    mask[:50, :50] = True
    labels = _strokes(90, 90)
    small = Small.of(read_problem(Picture(np.zeros((90, 90), np.uint8), mask), labels), 900)
    assert small.problem.shape == (25, 25)
    assert (small.problem.labels != OPEN).any()

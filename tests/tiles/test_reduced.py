"""Fewer pixels: within a budget, channels whole, and no stroke lost; and back to full size."""

from __future__ import annotations

import math

import numpy as np
import pytest

from napari_coarse_crf import Parameters, Refinement, Refiner
from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.parameters import reduce_parameters
from napari_coarse_crf.samples import SAMPLE_NAMES, load_sample
from napari_coarse_crf.tiles.reduced import (
    Earlier,
    enlarge,
    enlarge_refinement,
    reduce_picture,
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


def test_a_label_map_at_step_one_is_the_same() -> None:
    labels = np.random.default_rng(0).integers(0, 3, (5, 6, 7))
    np.testing.assert_array_equal(thin_out_labels(labels, 1), labels)


def test_a_picture_is_reduced_with_its_mask_and_keeps_the_rest() -> None:
    image, mask = np.arange(5 * 7 * 3).reshape(5, 7, 3), np.indices((5, 7))[1] > 2
    small = reduce_picture(Picture(image, mask, spacing=(2, 1), contrast_limits=(0, 50)), 2, 2)
    np.testing.assert_array_equal(small.image, image[::2, ::2])
    np.testing.assert_array_equal(small.mask, mask[::2, ::2])
    assert (small.channel_axis, small.spacing, small.contrast_limits) == (-1, (2, 1), (0, 50))
    assert reduce_picture(Picture(image), 2, 2).mask is None


def test_distances_count_in_the_larger_pixels_within_their_range() -> None:
    parameters = Parameters(theta_alpha=160, theta_beta=8, theta_gamma=1, geodesic_colour_weight=2, iterations=7)
    smaller = reduce_parameters(parameters, 4, 2)
    assert (smaller.theta_alpha, smaller.theta_gamma, smaller.geodesic_colour_weight) == (40, 0.5, 0.5)
    assert (smaller.theta_beta, smaller.iterations) == (8, 7)
    assert reduce_parameters(parameters, 1, 2) == parameters


def test_numbers_of_pixels_shrink_with_the_area_and_in_3d_with_the_volume() -> None:
    parameters = Parameters(keep_parts="labelled", smallest_part=100, fill_holes=7)
    for ndim, smallest, holes in ((2, 11, 1), (3, 4, 0)):
        reduced = reduce_parameters(parameters, 3, ndim)
        assert (reduced.keep_parts, reduced.smallest_part, reduced.fill_holes) == ("labelled", smallest, holes)


@pytest.mark.parametrize("shape", [(5, 7), (3, 5, 7)])
@pytest.mark.parametrize("step", [1, 2, 3, 9])
def test_small_arrays_are_enlarged_to_where_their_pixels_came_from(shape: tuple[int, ...], step: int) -> None:
    array = np.arange(math.prod(shape)).reshape(shape)
    small = thin_out(array, step, len(shape))
    large = enlarge(small, step, shape)
    assert large.shape == shape
    for index in np.ndindex(shape):
        assert large[index] == array[tuple(one // step * step for one in index)]


def test_a_refinement_is_enlarged_around_the_persons_labels() -> None:
    labels = np.array([[0, 0, 5, 0, 0], [0, 0, 0, 0, 900], [0, 0, 0, 0, 0]], np.uint16)
    mask = np.ones(labels.shape, np.bool_)
    mask[2, :3] = False
    small_labels = np.array([[5, 5, 900], [900, 5, 900]], np.uint16)
    confidence = np.array([[0.5, 1, 0.75], [0, 0.25, 1]], np.float32)
    small = Refinement(small_labels, confidence, Parameters(theta_alpha=80), 7, {5: (1, 3)}, ("Look.",))
    large = enlarge_refinement(small, 2, labels, mask, Parameters())
    np.testing.assert_array_equal(large.labels, [[5, 5, 5, 5, 900], [5, 5, 5, 5, 900], [0, 0, 0, 5, 900]])
    np.testing.assert_array_equal(large.confidence, [[0.5, 0.5, 1, 1, 0.75], [0.5, 0.5, 1, 1, 1], [0, 0, 0, 0.25, 1]])
    assert large.labels.dtype == np.uint16
    assert large.confidence.dtype == np.float32
    assert (large.parameters, large.iterations, large.warnings) == (Parameters(), 7, ("Look.",))
    assert enlarge_refinement(small, 2, labels, None, Parameters()).labels[2, 0] == 900


def test_at_step_one_the_way_there_and_back_changes_nothing() -> None:
    image = np.random.default_rng(0).integers(0, 256, (12, 17, 3), np.uint8)
    labels, parameters = np.zeros((12, 17), np.int32), Parameters(iterations=2)
    labels[2:5, 3:6], labels[7:9, 11:15] = 3, 70000
    mask = np.indices(labels.shape)[1] > 1
    whole = Refiner(image, labels, mask=mask).run(parameters)
    small = Refiner.of(reduce_picture(Picture(image, mask), 1, 2), thin_out_labels(labels, 1))
    back = enlarge_refinement(small.run(reduce_parameters(parameters, 1, 2)), 1, labels, mask, parameters)
    np.testing.assert_array_equal(back.labels, whole.labels)
    np.testing.assert_array_equal(back.confidence, whole.confidence)


def found(labels: list[list[int]], painted: tuple[int, ...] = (1, 2, 3)) -> Refinement:
    """Return a refinement with these labels, where somebody has painted some ids."""
    array = np.array(labels)
    return Refinement(array, np.ones(array.shape, np.float32), Parameters(), 7, dict.fromkeys(painted, (1, 1)), ())


def test_an_earlier_full_result_stays_where_nothing_changed_since() -> None:
    labels = np.array([[0, 0, 0, 0], [0, 3, 0, 0]])
    full = np.array([[1, 2, 2, 2], [1, 2, 1, 2]])
    earlier = Earlier(full, np.array([[1, 2]]), 2)
    now = enlarge_refinement(found([[1, 3]]), 2, labels, None, Parameters(), earlier)
    np.testing.assert_array_equal(now.labels, [[1, 2, 3, 3], [1, 3, 3, 3]])


def test_a_label_that_is_painted_no_more_leaves_an_earlier_result() -> None:
    labels, full = np.zeros((2, 4), np.int64), np.array([[9, 1, 2, 9], [1, 1, 9, 2]])
    earlier = Earlier(full, np.array([[1, 9]]), 2)
    now = enlarge_refinement(found([[1, 2]]), 2, labels, None, Parameters(), earlier)
    np.testing.assert_array_equal(now.labels, [[1, 1, 2, 2], [1, 1, 2, 2]])


def test_an_earlier_result_of_another_step_is_compared_where_its_pixels_lay() -> None:
    labels, full = np.zeros((1, 8), np.int64), np.array([[1, 1, 1, 1, 2, 2, 1, 2]])
    earlier = Earlier(full, np.array([[1, 2]]), 4)
    now = enlarge_refinement(found([[1, 1, 2, 3]]), 2, labels, None, Parameters(), earlier)
    np.testing.assert_array_equal(now.labels, [[1, 1, 1, 1, 2, 2, 3, 3]])


@pytest.mark.parametrize("name", SAMPLE_NAMES)
@pytest.mark.parametrize("budget", [80_000, 20_000])
def test_a_look_differs_from_the_full_result_in_few_pixels(name: str, budget: int) -> None:
    """After nothing, after a slider, and after a stroke taken away; the first look has nothing to begin from."""
    sample, parameters = load_sample(name), Parameters(iterations=5)
    labels, fewer = sample.coarse, np.where(sample.coarse == 1, 0, sample.coarse)
    fewer[:, : labels.shape[1] // 2] = labels[:, : labels.shape[1] // 2]
    step = step_within(labels.shape, budget)
    refiner = Refiner(sample.image, labels)
    small = Refiner.of(reduce_picture(Picture(sample.image), step, 2), thin_out_labels(labels, step))
    earlier = None
    for strokes, chosen in ((labels, parameters), (labels, parameters.replace(theta_beta=10)), (fewer, parameters)):
        refiner.update_labels(strokes)
        small.update_labels(thin_out_labels(strokes, step))
        full, look = refiner.run(chosen).labels, small.run(reduce_parameters(chosen, step, 2))
        shown = enlarge_refinement(look, step, strokes, None, chosen, earlier).labels
        assert (shown != full).mean() < (0.15 if earlier is None else 0.03)
        earlier = Earlier(full, look.labels, step)

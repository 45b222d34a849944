"""Both ways of averaging, against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest

from napari_coarse_crf import InputError, evaluate_labels
from napari_coarse_crf.evaluation.averages import mean_over_images, pooled

# Class 1: 3 of 4 pixels found, then 1 of 2. Class 2: only in the second image, 1 of 4 found.
FIRST = evaluate_labels([[1, 1, 1, 2, 9]], [[1, 1, 1, 1, 0]], coarse=[[1, 1, 0, 0, 0]])
SECOND = evaluate_labels([[1, 2, 2, 0, 1, 1]], [[1, 1, 2, 2, 2, 2]], coarse=[[0, 2, 2, 0, 0, 0]])


def test_the_mean_over_images_leaves_out_images_that_lack_a_class() -> None:
    average = mean_over_images([FIRST, SECOND])
    assert average.accuracy == {1: pytest.approx((3 / 4 + 1 / 2) / 2), 2: 1 / 4}
    assert average.iou == {1: pytest.approx((3 / 4 + 1 / 4) / 2), 2: 1 / 5}
    assert average.mean_accuracy == pytest.approx((0.625 + 0.25) / 2)
    assert average.mean_iou == pytest.approx((0.5 + 0.2) / 2)
    assert average.pixel_accuracy == pytest.approx((3 / 4 + 2 / 6) / 2)
    assert average.unlabelled_accuracy == pytest.approx((1 / 2 + 1 / 4) / 2)


def test_pooling_adds_the_pixels_of_all_images_first() -> None:
    average = pooled([FIRST, SECOND])
    assert average.accuracy == {1: 4 / 6, 2: 1 / 4}
    assert average.iou == {1: 4 / 8, 2: 1 / 6}  # the 2 in the first image counts against the 2s of the second
    assert average.mean_accuracy == pytest.approx((4 / 6 + 1 / 4) / 2)
    assert average.mean_iou == pytest.approx((4 / 8 + 1 / 6) / 2)
    assert average.pixel_accuracy == pytest.approx(5 / 10)
    assert average.unlabelled_accuracy == pytest.approx(2 / 6)


def test_an_image_without_boundaries_is_left_out_of_their_mean() -> None:
    assert math.isnan(FIRST.boundary_accuracy)
    assert mean_over_images([FIRST, SECOND]).boundary_accuracy == SECOND.boundary_accuracy
    assert math.isnan(mean_over_images([FIRST]).boundary_accuracy)


def test_without_coarse_maps_there_is_no_accuracy_on_unlabelled_pixels() -> None:
    scores = [evaluate_labels([[1, 2]], [[1, 1]])]
    assert math.isnan(mean_over_images(scores).unlabelled_accuracy)
    assert math.isnan(pooled(scores).unlabelled_accuracy)


@pytest.mark.parametrize("average", [mean_over_images, pooled])
def test_no_scores_have_no_average(average: object) -> None:
    with pytest.raises(InputError, match="There are no scores"):
        average([])  # type: ignore[operator]  # one of two functions

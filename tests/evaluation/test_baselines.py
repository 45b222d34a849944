"""The rivals, on images whose answer is visible by eye."""

from __future__ import annotations

import numpy as np
import pytest

from napari_coarse_crf import InputError
from napari_coarse_crf.evaluation.baselines import BASELINES, fill_labels, label_by_distance, missing_baselines
from tests.helpers import problem_of

INSTALLED = [name for name in BASELINES if name not in missing_baselines()]
SEEING = [name for name in INSTALLED if name != "nearest label"]

IMAGE = np.full((20, 31, 3), 40, np.uint8)
IMAGE[:, 20:] = 200
COARSE = np.zeros((20, 31), np.int64)
COARSE[9:11, 2:6], COARSE[9:11, 25:29] = 3, 2**40


def test_the_nearest_label_sees_no_image() -> None:
    filled = fill_labels("nearest label", problem_of(IMAGE, COARSE), COARSE)
    assert np.array_equal(filled, label_by_distance(COARSE))
    assert (filled[10, 15], filled[10, 16]) == (3, 2**40)


@pytest.mark.parametrize("name", SEEING)
def test_the_others_stop_at_the_edge(name: str) -> None:
    filled = fill_labels(name, problem_of(IMAGE, COARSE), COARSE)
    assert filled.dtype == COARSE.dtype
    assert (filled[:, :19] == 3).all()
    assert (filled[:, 21:] == 2**40).all()  # the gradient is as steep on both sides of the edge


@pytest.mark.parametrize("name", INSTALLED)
def test_grey_volumes_are_filled_too(name: str) -> None:
    volume = np.stack([IMAGE[..., 0]] * 4)
    coarse = np.zeros(volume.shape, np.uint8)
    coarse[1], coarse[2] = COARSE == 3, 2 * (COARSE > 3)
    filled = fill_labels(name, problem_of(volume, coarse), coarse)
    assert (filled[:, :, :14] == 1).all()
    assert (filled[:, :, 22:] == 2).all()


@pytest.mark.parametrize("name", INSTALLED)
def test_labelled_pixels_and_those_that_take_no_part_stay_as_they_are(name: str) -> None:
    coarse = COARSE.copy()
    coarse[5, 28] = 3  # a slip
    mask = np.ones(coarse.shape, dtype=bool)
    mask[:2] = False
    coarse[0, :5] = 77  # no label of the scene
    filled = fill_labels(name, problem_of(IMAGE, coarse, mask=mask), coarse)
    assert np.array_equal(filled[:2], coarse[:2])
    assert np.array_equal(filled[coarse > 0], coarse[coarse > 0])
    assert set(np.unique(filled[2:])) == {3, 2**40}


@pytest.mark.parametrize("name", INSTALLED)
def test_a_full_map_comes_back(name: str) -> None:
    coarse = np.ones((20, 31), np.uint8)
    assert np.array_equal(fill_labels(name, problem_of(IMAGE, coarse), coarse), coarse)


@pytest.mark.parametrize("name", INSTALLED)
def test_one_label_is_refused_like_in_the_refinement(name: str) -> None:
    coarse = np.where(COARSE == 3, COARSE, 0)
    with pytest.raises(InputError, match="only one label"):
        fill_labels(name, problem_of(IMAGE, coarse), coarse)

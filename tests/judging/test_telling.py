"""What texture is worth: nothing where colour tells as much, all where it alone tells the labels apart."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from napari_coarse_crf.compute.parallel import finish
from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.judging.telling import may_tell, weigh_texture
from napari_coarse_crf.logits import contrast_gain
from napari_coarse_crf.problem import read_problem
from napari_coarse_crf.texture import Surroundings
from tests.test_texture import _woven

Array = np.ndarray[Any, Any]


def _weight(image: Array, labels: Array) -> float:
    problem = read_problem(Picture(image), labels)
    with ThreadPoolExecutor(2) as pool:
        surroundings = Surroundings(problem, contrast_gain(problem.colours))
        return finish(weigh_texture(pool, problem, surroundings, 5.0))


def _many_strokes(truth: Array) -> Array:
    labels = np.zeros_like(truth)
    for row in range(6, 96, 15):
        labels[row : row + 3, 8:30], labels[row : row + 3, 48:70] = truth[row, 8], truth[row, 48]
        labels[row : row + 3, 90:110], labels[row : row + 3, 130:150] = truth[row, 90], truth[row, 130]
    return labels


def test_texture_is_worth_all_where_colours_are_the_same() -> None:
    image, labels, truth = _woven()
    assert 0.3 < _weight(image, labels) <= 0.5  # one stroke a label: no more than half is believed
    assert _weight(image, _many_strokes(truth)) > 0.7


def test_texture_is_worth_nothing_where_colours_tell() -> None:
    _, _, truth = _woven()
    plain = np.where(truth == 1, 60, 180).astype(np.uint8)
    assert _weight(plain, _many_strokes(truth)) == 0


def test_it_falls_with_what_is_labelled_and_nothing_is_asked_from_half_on() -> None:
    image, _, truth = _woven()
    few = _many_strokes(truth)
    many = np.where(np.arange(160) % 20 < 7, truth, 0).astype(np.uint8)
    assert _weight(image, many) < _weight(image, few)
    most = np.where(np.arange(160) % 20 < 11, truth, 0).astype(np.uint8)
    assert not may_tell(read_problem(Picture(image), most))
    assert may_tell(read_problem(Picture(image), few))

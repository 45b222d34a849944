"""The problem that labels pose on an image: every pixel once, near pixels near each other."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.problem import read_problem
from tests.helpers import problem_of


@given(st.integers(1, 4), st.data())
def test_every_pixel_takes_part_once(ndim: int, data: st.DataObject) -> None:
    # Shapes beyond the tiles that the pixels are ordered by: 64 x 64, 16 x 16 x 16, ...
    limits = {1: 9000, 2: 140, 3: 34, 4: 12}
    shape = tuple(data.draw(st.integers(1, limits[ndim])) for _ in range(ndim))
    problem = problem_of(np.zeros(shape, np.uint8), np.ones(shape, np.uint8))
    assert np.array_equal(np.sort(problem.pixels), np.arange(np.prod(shape)))


def test_a_part_of_the_pixels_is_a_compact_area() -> None:
    shape = (512, 1024)
    for part in np.split(problem_of(np.zeros(shape, np.uint8), np.ones(shape, np.uint8)).pixels, 8):
        rows, columns = np.unravel_index(part, shape)
        assert (int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1) == (256, 256)


def test_unlabelled_pixels_are_counted_for_the_labels_that_a_problem_has() -> None:
    labels = np.zeros((18, 29), np.int32)
    labels[8:10, 3:6], labels[4:6, 22:25] = 3, 7
    problem = problem_of(np.zeros((18, 29), np.uint8), labels)
    more = labels.copy()
    more[0] = 3
    parts = problem, problem.with_labels(more), problem.subset(np.arange(100))
    assert [part.n_open for part in parts] == [len(part.open_pixels) for part in parts]
    assert [part.n_open for part in parts[:2]] == [np.count_nonzero(labels == 0) for labels in (labels, more)]


@pytest.mark.parametrize("shape", [(1, 300, 400), (120_000, 1), (1, 1, 1, 120_000), (300, 400), (2, 3, 100, 200)])
def test_pixels_are_put_in_order_in_little_memory_whatever_the_shape(shape: tuple[int, ...]) -> None:
    picture, labels = Picture(np.zeros(shape, np.uint8)), np.ones(shape, np.uint8)
    read_problem(picture, labels)
    tracemalloc.start()
    problem = read_problem(picture, labels)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.testing.assert_array_equal(np.sort(problem.pixels), np.arange(120_000))
    assert peak < 120_000 * 4 * (8 + len(shape))  # float32 and int32 of every pixel, a few times

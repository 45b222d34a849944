"""The nearest of many points, against all pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_coarse_crf.compute.nearest import group_points, nearest_distances


def _all_pairs(points: np.ndarray, queries: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points[np.newaxis].astype(float) - queries[:, np.newaxis], axis=2).min(axis=1)


@pytest.mark.parametrize("d", [1, 2, 5, 12, 70])
@pytest.mark.parametrize("n", [1, 7, 8, 9, 64, 65, 700])
def test_the_distance_is_that_of_the_nearest_of_all_points(n: int, d: int) -> None:
    rng = np.random.default_rng(n * d)
    points, queries = rng.normal(size=(n, d)).astype(np.float32), rng.normal(0, 2, (150, d)).astype(np.float32)
    found = nearest_distances(group_points(points), queries)
    np.testing.assert_allclose(found, _all_pairs(points, queries), rtol=1e-5, atol=1e-6)


@given(
    hnp.arrays(np.float32, st.tuples(st.integers(1, 40), st.just(3)), elements=st.integers(-3, 3)),
    hnp.arrays(np.float32, st.tuples(st.integers(0, 9), st.just(3)), elements=st.floats(-1e3, 1e3, width=16)),
)
def test_points_may_coincide_and_queries_may_be_far_away(points: np.ndarray, queries: np.ndarray) -> None:
    found = nearest_distances(group_points(points), queries)
    np.testing.assert_allclose(found, _all_pairs(points, queries), rtol=1e-5, atol=1e-6)


def test_queries_do_not_depend_on_those_before() -> None:
    rng = np.random.default_rng(0)
    groups = group_points(rng.normal(size=(300, 4)).astype(np.float32))
    queries = rng.normal(size=(50, 4)).astype(np.float32)
    forwards = nearest_distances(groups, queries)
    assert np.array_equal(forwards, nearest_distances(groups, np.ascontiguousarray(queries[::-1]))[::-1])

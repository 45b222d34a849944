"""One kernel at work: what the clamped pixels splat, and which rows come into use when."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from napari_coarse_crf.compute.filters import STRETCH, Filter, free_parts, start_filter
from napari_coarse_crf.compute.lattice import Lattice, build_lattice, splat_labels
from napari_coarse_crf.compute.parallel import finish

N_LABELS = 11


@pytest.fixture(scope="module")
def started() -> tuple[Lattice, np.ndarray, np.ndarray, Filter]:
    """Return a lattice of several chunks, its clamped labels, the free pixels, and the filter."""
    rng = np.random.default_rng(0)
    y, x = np.indices((300, 300)).reshape(2, -1)
    features = np.stack([x, y, rng.integers(0, 256, x.size)]).astype(np.float32)
    clamped = rng.integers(-3, N_LABELS, x.size).clip(-1).astype(np.int32)
    free = np.flatnonzero(clamped < 0).astype(np.int32)
    with ThreadPoolExecutor(2) as pool:
        lattice = finish(build_lattice(pool, features, np.array([20, 20, 30], np.float32), normalise=True))
        return lattice, clamped, free, finish(start_filter(pool, lattice, 2.0, clamped, free, N_LABELS))


def test_every_splat_begins_with_the_clamped_pixels(started: tuple[Lattice, np.ndarray, np.ndarray, Filter]) -> None:
    lattice, clamped, _, kernel = started
    with ThreadPoolExecutor(2) as pool:
        expected = finish(splat_labels(pool, lattice, clamped, N_LABELS))
        expected[lattice.n_vertices :] = 0  # the private rows are merged
        assert len(lattice.private_vertices) > 0
        assert np.array_equal(kernel.splat, expected)
        kernel.splat[:] = -1.0
        finish(kernel.begin_splat(pool))
    assert np.array_equal(kernel.splat, expected)


def test_rows_are_listed_where_they_are_first_used(started: tuple[Lattice, np.ndarray, np.ndarray, Filter]) -> None:
    lattice, _, free, kernel = started
    parts = free_parts(free, lattice.starts)
    assert len(parts) > 1
    assert sum(part.stop - part.start for part in parts) == len(free)
    for part, (upcoming, starts) in zip(parts, kernel.upcoming, strict=True):
        seen: set[int] = set()
        for stretch, first in enumerate(range(part.start, part.stop, STRETCH)):
            used = set(lattice.rows[free[first : min(first + STRETCH, part.stop)]].reshape(-1).tolist())
            listed = upcoming[starts[stretch] : starts[stretch + 1]].tolist()
            assert used - seen <= set(listed) <= used
            assert len(listed) == len(set(listed))
            seen |= used
        assert starts[-1] == len(upcoming)  # nothing comes after the last pixel

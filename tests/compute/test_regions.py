"""Regions and what they shut off, against one flood fill for each."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from napari_coarse_crf.compute.parallel import finish
from napari_coarse_crf.compute.regions import find_enclosing, find_regions, region_sizes
from tests import oracles

SHAPES = [(60,), (14, 17), (7, 8, 9), (4, 4, 5, 4)]
shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)
seeds = pytest.mark.parametrize("seed", range(16))


def _values(shape: tuple[int, ...], seed: int) -> Any:
    """Return a grid with its border: one value mostly, others in small groups, and a few cells of nothing."""
    rng = np.random.default_rng(seed)
    crowd = rng.choice([0.1, 0.2, 0.4]) ** (1 if len(shape) < 3 else 2)
    values = np.where(rng.random(shape) < crowd, rng.integers(1, 5, shape), 0)
    return np.pad(np.where(rng.random(shape) < 0.01, -1, values), 1, constant_values=-1).astype(np.int32)


def _offsets(shape: tuple[int, ...]) -> Any:
    strides = np.cumprod([1, *shape[:0:-1]])[::-1]
    moves = [move for move in product((-1, 0, 1), repeat=len(shape)) if move < (0,) * len(shape)]
    return np.array([np.dot(move, strides) for move in moves], np.int64)


def _regions(values: Any) -> Any:
    with ThreadPoolExecutor(1) as pool:
        return finish(find_regions(pool, values.reshape(-1), _offsets(values.shape))).reshape(values.shape)


@shapes
@seeds
def test_regions_are_those_of_a_flood_fill_in_scan_order(shape: tuple[int, ...], seed: int) -> None:
    values = _values(shape, seed)
    regions, expected = _regions(values), oracles.parts(values)
    assert regions.max() == expected.max()
    pairs = np.unique(np.stack([regions.ravel(), expected.ravel()]), axis=1)
    assert pairs.shape[1] == regions.max() + 1  # one to one
    firsts = np.unique(regions, return_index=True)[1]
    assert (np.diff(firsts) > 0).all()
    np.testing.assert_array_equal(region_sizes(regions.reshape(-1)), np.bincount(regions.ravel()))


@shapes
@seeds
@pytest.mark.parametrize("largest", [1, 4, 40])
def test_what_is_shut_off_cannot_be_reached_from_outside(shape: tuple[int, ...], seed: int, largest: int) -> None:
    regions = _regions(_values(shape, seed))
    sizes = np.bincount(regions.ravel())
    kept = np.random.default_rng(seed).random(len(sizes)) < 0.3
    expected, areas = np.arange(len(sizes)), np.zeros(len(sizes))
    for region in range(1, len(sizes)):
        others, count = ndimage.label(regions != region, np.ones((3,) * regions.ndim))
        for other in range(1, count + 1):
            behind = np.unique(regions[others == other])
            area = sizes[behind].sum()
            if behind[0] > 0 and area <= largest and not kept[behind].any():
                outer = behind[areas[behind] < area]
                expected[outer], areas[outer] = region, area
    with ThreadPoolExecutor(1) as pool:
        found = finish(find_enclosing(pool, regions.reshape(-1), _offsets(regions.shape), sizes, kept, largest))
    np.testing.assert_array_equal(found, expected)


def test_of_rings_around_each_other_the_outermost_counts_that_is_not_too_large_around() -> None:
    values = np.full((11, 11), -1, np.int32)
    for ring in range(1, 6):
        values[ring : 11 - ring, ring : 11 - ring] = ring
    regions, sizes = _regions(values).reshape(-1), np.array([40, 32, 24, 16, 8, 1])
    assert np.array_equal(np.bincount(regions), sizes)
    whole = [0, 1, 2, 3, 4, 5]
    for largest, expected in ((0, whole), (9, [0, 1, 2, 3, 3, 3]), (48, [0, 1, 2, 2, 2, 2]), (49, [0, 1, 1, 1, 1, 1])):
        with ThreadPoolExecutor(1) as pool:
            kept = np.zeros(6, np.bool_)
            found = finish(find_enclosing(pool, regions, _offsets((11, 11)), sizes, kept, largest))
        assert found.tolist() == expected
        assert not kept.any()

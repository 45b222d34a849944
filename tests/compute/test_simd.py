"""Vectors of eight float32, called from compiled code as the kernels call them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError

from napari_coarse_crf.compute.simd import (
    LANES,
    add,
    add_vectors,
    broadcast,
    columns,
    exponential,
    larger,
    larger_of_vectors,
    largest,
    load,
    load_strip,
    magnitude,
    multiply,
    multiply_add,
    padded,
    row_width,
    smaller,
    store,
    strip_of,
    subtract,
    total,
    width_of,
)

N_OPERATIONS = 9


@njit
def _all_operations(a: Any, b: Any, out: Any, sums: Any) -> None:
    """Row k of `out` is operation k, block by block of eight."""
    n = len(a)
    for start in range(0, n, LANES):
        x, y = load(a, start), load(b, start)
        store(out, start, add(x, y))
        store(out, n + start, subtract(x, y))
        store(out, 2 * n + start, multiply(x, y))
        store(out, 3 * n + start, multiply_add(x, y, broadcast(np.float32(2.5))))
        store(out, 4 * n + start, smaller(x, y))
        store(out, 5 * n + start, larger(x, y))
        store(out, 6 * n + start, magnitude(x))
        store(out, 7 * n + start, broadcast(np.float32(-0.75)))
        store(out, 8 * n + start, exponential(subtract(broadcast(np.float32(0.0)), magnitude(x))))
        sums[start // LANES, 0] = total(x)
        sums[start // LANES, 1] = largest(x)


@pytest.fixture(scope="module")
def done() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 3, (2, 40)).astype(np.float32)
    out, sums = np.zeros((N_OPERATIONS, 40), np.float32), np.zeros((5, 2), np.float32)
    _all_operations(a, b, out, sums)
    return a, b, out, sums


def test_arithmetic_is_that_of_each_lane(done: Any) -> None:
    a, b, out, _ = done
    assert np.array_equal(out[0], a + b)
    assert np.array_equal(out[1], a - b)
    assert np.array_equal(out[2], a * b)
    np.testing.assert_allclose(out[3], a * b + 2.5, rtol=1e-5)  # with one rounding where the processor can, or two
    assert np.array_equal(out[6], np.abs(a))
    assert (out[7] == -0.75).all()


def test_lanes_are_compared_one_by_one(done: Any) -> None:
    a, b, out, _ = done
    assert np.array_equal(out[4], np.minimum(a, b))
    assert np.array_equal(out[5], np.maximum(a, b))


def test_a_vector_is_summed_and_searched_as_a_whole(done: Any) -> None:
    a, _, _, sums = done
    np.testing.assert_allclose(sums[:, 0], a.reshape(-1, 8).sum(axis=1), atol=1e-5)  # float32, another order
    assert np.array_equal(sums[:, 1], a.reshape(-1, 8).max(axis=1))


def test_the_exponential_is_accurate_to_float32() -> None:
    exponents = np.linspace(-80, 0, 4000, dtype=np.float32)
    out = np.zeros((N_OPERATIONS, 4000), np.float32)
    _all_operations(exponents, exponents, out, np.zeros((500, 2), np.float32))
    exact = np.exp(exponents.astype(np.float64))
    # Rounding x / ln 2 to float32 costs |x| / 2^24 of the result; near 0 the polynomial costs 2e-7.
    assert (np.abs(out[8] / exact - 1) < 3e-7 + np.abs(exponents) * 2.0**-23).all()


def test_the_exponential_of_zero_is_one_and_of_much_less_is_nearly_nothing() -> None:
    exponents = np.array([0, 0, -100, -1e4, -1e9, -3e38, -0.0, -50], np.float32)
    out = np.zeros((N_OPERATIONS, 8), np.float32)
    _all_operations(exponents, np.zeros(8, np.float32), out, np.zeros((1, 2), np.float32))
    assert (out[8][[0, 1, 6]] == 1.0).all()
    assert (out[8][2:6] >= 0).all()
    assert (out[8][2:6] < 1e-36).all()


@pytest.mark.parametrize(("count", "whole"), [(0, 0), (1, 8), (7, 8), (8, 8), (9, 16), (19, 24), (40, 40)])
def test_labels_are_padded_to_whole_vectors(count: int, whole: int) -> None:
    assert padded(count) == whole


@njit
def _on_rows(strip: Any, a: Any, b: Any, out: Any, sums: Any) -> None:
    width = width_of(strip, a)
    for i in range(len(a)):
        most, summed = broadcast(np.float32(-np.inf)), broadcast(np.float32(0.0))
        for column in columns(strip, width):
            x, y = load_strip(a, i * width + column, strip), load_strip(b, i * width + column, strip)
            store(out, i * width + column, multiply_add(x, np.float32(2.0), subtract(np.float32(1.0), y)))
            most, summed = larger_of_vectors(most, x), add_vectors(summed, x)
        sums[i, 0], sums[i, 1] = total(summed), largest(most)


@pytest.mark.parametrize("width", [8, 24, 64, 80, 128, 5120])
def test_a_row_of_any_length_is_taken_strip_by_strip(width: int) -> None:
    a, b = np.random.default_rng(0).integers(-9, 9, (2, 5, width)).astype(np.float32)
    out, sums = np.zeros_like(a), np.zeros((5, 2), np.float32)
    _on_rows(strip_of(width), a, b, out, sums)
    assert np.array_equal(out, a * 2 + (1 - b))  # whole numbers: exact
    assert np.array_equal(sums, np.stack([a.sum(axis=1), a.max(axis=1)], axis=1))


def test_strips_of_different_lengths_do_not_mix() -> None:
    @njit
    def mixed(strip: Any, a: Any) -> None:
        store(a, 0, add(load(a, 0), load_strip(a, 0, strip)))

    with pytest.raises(TypingError):
        mixed(strip_of(16), np.zeros(16, np.float32))


def test_however_many_labels_there_are_kernels_are_compiled_for_twelve_strips() -> None:
    widths = [row_width(count) for count in (*range(1, 3000), 20_000, 70_000)]
    strips = [strip_of(width) for width in widths]
    assert len(set(strips)) == 12
    for width, strip in zip(widths, strips, strict=True):
        assert len(strip.vectors) <= 8
        assert width % (LANES * len(strip.vectors)) == 0
        assert bool(strip.alone) == (width == LANES * len(strip.vectors))


def test_16_bits_are_read_as_they_are_and_written_rounded() -> None:
    @njit
    def times(strip: Any, a: Any, factor: Any, out: Any) -> None:
        store(out, 0, multiply(load_strip(a, 0, strip), factor))

    numbers = np.array([0, 1, 2, 3, 255, 256, 40000, 65535] * 2, np.uint16)
    same, third = np.zeros_like(numbers), np.zeros_like(numbers)
    times(strip_of(16), numbers, np.float32(1.0), same)
    times(strip_of(16), numbers, np.float32(1 / 3), third)
    assert np.array_equal(same, numbers)
    assert np.array_equal(third, np.rint(numbers / 3))


@pytest.mark.parametrize(("count", "width"), [(1, 8), (19, 24), (64, 64), (65, 80), (128, 128), (129, 160), (700, 768)])
def test_rows_of_many_labels_have_few_lengths(count: int, width: int) -> None:
    assert row_width(count) == width


def test_little_of_a_row_is_padding() -> None:
    for count in range(64, 3000):
        assert count <= row_width(count) <= 1.25 * count
    assert len({row_width(count) for count in range(257, 513)}) == 4

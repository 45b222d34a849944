"""An array read at the pixels of another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import pytest

from napari_coarse_crf.compute.laid import Laid, nearest
from napari_coarse_crf.tiles.parts import copy_labels
from tests.storage import stored

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@pytest.mark.parametrize("start", [0, -0.25, -0.4])
def test_a_pixel_twice_as_large_stands_for_two_wherever_its_centre_is_said_to_be(start: float) -> None:
    np.testing.assert_array_equal(nearest(5, 0.5, start, 10), np.repeat(np.arange(5), 2))


def test_what_lies_mirrored_or_shifted_is_found() -> None:
    np.testing.assert_array_equal(nearest(4, -1, 3, 4), [3, 2, 1, 0])
    np.testing.assert_array_equal(nearest(4, 1, -2, 5), [-1, -1, 0, 1, 2])
    np.testing.assert_array_equal(nearest(4, 1, 0.3 + 1e-9, 4), [0, 1, 2, 3])
    np.testing.assert_array_equal(nearest(2, 0.25, 0, 12, reach=1), [0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, -1])


@pytest.fixture
def laid() -> Laid:
    """Return a (2, 3, 4) array of which plane 1 is read at twice as many rows, two columns to the right."""
    data = np.arange(1, 25, dtype=np.uint8).reshape(2, 3, 4)
    return Laid(data, (1, nearest(3, 0.5, 0, 6), nearest(4, 1, -2, 5)))


@pytest.fixture
def whole(laid: Laid) -> NDArray[Any]:
    """Return what it holds."""
    rows = np.repeat(laid.data[1], 2, axis=0)
    return np.concatenate([np.zeros((6, 2), np.uint8), rows[:, :3]], axis=1)


@pytest.mark.parametrize(
    "key",
    [(), (slice(1, 4), slice(None)), slice(2, 3), 4, (2, 3), (2, 0), (slice(0, 6), slice(0, 2)), (slice(2, 5), 4)],
)
@pytest.mark.parametrize("storage", ["numpy", "dask", "zarr", "tensorstore"])
def test_parts_are_those_of_the_whole(laid: Laid, whole: NDArray[Any], key: Any, storage: str, tmp_path: Path) -> None:
    other = laid if storage == "numpy" else laid.over(stored(laid.data, storage, tmp_path))
    np.testing.assert_array_equal(other[key], whole[key])
    assert other[key].dtype == np.uint8
    assert other.inside((slice(None), slice(0, 3))).tolist() == [[False, False, True]] * 6


def test_the_whole_a_window_and_a_copy_hold_the_same(laid: Laid, whole: NDArray[Any]) -> None:
    np.testing.assert_array_equal(np.asarray(laid), whole)
    np.testing.assert_array_equal(copy_labels(laid), whole)
    window = laid.narrowed((slice(2, 4), slice(1, 5)))
    np.testing.assert_array_equal(np.asarray(window), whole[2:4, 1:5])
    assert window.data.shape == (1, 1, 3)
    assert np.shares_memory(window.data, laid.data)
    np.testing.assert_array_equal(np.asarray(laid.narrowed((slice(0, 6), slice(0, 2)))), whole[:, :2])
    np.testing.assert_array_equal(np.asarray(laid.once), laid.data[1, :, :3])


def test_only_the_range_that_a_part_needs_is_read() -> None:
    read: list[Any] = []

    def note(block: NDArray[Any], block_info: Any = None) -> NDArray[Any]:
        read.append(block_info[0]["chunk-location"])
        return block

    data = da.zeros((8, 40, 40), chunks=(1, 40, 40), dtype=np.uint8).map_blocks(note, dtype=np.uint8)
    laid = Laid(data, (nearest(8, 0.5, 0, 16), nearest(40, 0.5, 0, 80), nearest(40, 0.5, 0, 80)))
    assert laid[5].shape == (80, 80)
    assert set(read) == {(2, 0, 0)}

"""Parts, regions and channels as arithmetic on small arrays."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import psutil
import pytest

from napari_coarse_crf import InputError, Parameters, Refinement
from napari_coarse_crf.tiles.parts import (
    Assembly,
    Scope,
    copy_labels,
    cut_out,
    has_two_labels,
    is_whole,
    of_axes_left,
    part_shape,
    within,
)
from tests.storage import stored

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = (3, 4, 5)
ALL = slice(0, 3), slice(0, 4), slice(0, 5)


def test_everything_at_once_is_one_part() -> None:
    assert Scope().parts(SHAPE) == [ALL]
    assert is_whole(ALL, SHAPE)


def test_every_slice_is_a_part_along_the_chosen_axis() -> None:
    assert Scope(slice_axis=1).parts(SHAPE) == [(ALL[0], n, ALL[2]) for n in range(4)]
    assert Scope(slice_axis=0, index=2).parts(SHAPE) == [(2, ALL[1], ALL[2])]
    assert not is_whole((2, ALL[1], ALL[2]), SHAPE)


def test_a_box_limits_parts_and_slices() -> None:
    box = ((1, 3), (0, 4), (2, 4))
    assert Scope(box=box).parts(SHAPE) == [(slice(1, 3), slice(0, 4), slice(2, 4))]
    assert Scope(slice_axis=0, box=box).parts(SHAPE) == [(n, slice(0, 4), slice(2, 4)) for n in (1, 2)]


@pytest.mark.parametrize(
    "scope",
    [Scope(), Scope(0), Scope(1, 2), Scope(2, 3, ((0, 2), (1, 4), (2, 5))), Scope(box=((1, 3), (0, 4), (2, 4)))],
)
def test_the_window_is_the_smallest_that_holds_all_parts(scope: Scope) -> None:
    whole = np.arange(60).reshape(SHAPE)
    window = scope.window(SHAPE)
    held = []
    for part in scope.parts(SHAPE):
        piece = whole[window][within(part, window)]
        np.testing.assert_array_equal(piece, whole[part])
        assert part_shape(part) == piece.shape
        held += piece.reshape(-1).tolist()
    assert sorted(held) == sorted(whole[window].reshape(-1).tolist())


def test_the_spacing_of_a_slice_is_that_of_its_own_axes() -> None:
    assert of_axes_left((3.0, 2.0, 1.0), (ALL[0], 1, ALL[2])) == (3.0, 1.0)


@pytest.mark.parametrize("channel_axis", [0, 1, 2, 3, None])
@pytest.mark.parametrize("part", [None, ALL, (1, slice(0, 2), slice(1, 5)), (slice(1, 3), 2, slice(0, 5))])
@pytest.mark.parametrize("lazy", [False, True])
def test_a_part_is_cut_out_with_its_channels_last(channel_axis: int | None, part: Any, lazy: bool) -> None:
    channels_last = np.arange(3 * 4 * 5 * 2).reshape(3, 4, 5, 2)
    image = channels_last[..., 0] if channel_axis is None else np.moveaxis(channels_last, -1, channel_axis)
    wanted = channels_last[..., 0] if channel_axis is None else channels_last
    cut = cut_out(da.from_array(image) if lazy else image, part, channel_axis)
    assert isinstance(cut, np.ndarray)
    np.testing.assert_array_equal(cut, wanted if part is None else wanted[part])


def test_two_labels_must_take_part() -> None:
    labels = np.array([0, 1, 1, 2])
    assert has_two_labels(labels, None)
    assert not has_two_labels(labels, np.array([True, True, True, False]))
    assert not has_two_labels(labels, np.zeros(4, bool))


def refinement(labels: list[int], counts: dict[int, tuple[int, int]], *warnings: str) -> Refinement:
    array = np.array(labels, np.uint8)
    return Refinement(array, np.full(array.shape, 0.5, np.float32), Parameters(), 7, counts, warnings)


def test_parts_are_put_back_and_the_rest_stays() -> None:
    labels = np.array([[0, 1, 2], [0, 0, 2], [3, 0, 4]], np.uint8)
    assembly = Assembly(labels)
    assembly.put((0, slice(0, 3)), refinement([1, 1, 2], {1: (1, 2), 2: (1, 1)}, "Look."))
    assembly.skip((1, slice(0, 3)))
    assembly.put((2, slice(0, 3)), refinement([3, 3, 4], {3: (1, 2), 4: (1, 1)}))
    whole = assembly.result(Parameters())
    np.testing.assert_array_equal(whole.labels, [[1, 1, 2], [0, 0, 2], [3, 3, 4]])
    np.testing.assert_array_equal(whole.confidence[1], [0, 0, 1])
    assert whole.label_counts == {1: (1, 2), 2: (1, 1), 3: (1, 2), 4: (1, 1)}
    assert whole.iterations == 7
    assert whole.warnings == ("Left as they are, with fewer than two labels: slice 1.", "Slice 0: Look.")
    assert labels[0, 0] == 0


def test_nothing_put_is_an_error_that_says_what_to_do() -> None:
    assembly = Assembly(np.zeros((2, 3), np.uint8))
    assembly.skip((0, slice(0, 3)))
    with pytest.raises(InputError, match="No slice holds two labels"):
        assembly.result(Parameters())


@pytest.mark.parametrize("storage", ["memory", "dask", "zarr", "tensorstore"])
@pytest.mark.parametrize("shape", [(7,), (5, 7), (4, 5, 7), (2, 4, 5, 7)])
def test_labels_are_copied_whatever_holds_them(shape: tuple[int, ...], storage: str, tmp_path: Path) -> None:
    labels = np.random.default_rng(2).integers(0, 3, shape, np.uint16)
    labels[1] = 0
    copied = copy_labels(stored(labels, storage, tmp_path))
    np.testing.assert_array_equal(copied, labels)
    assert copied.dtype == labels.dtype
    assert not np.shares_memory(copied, labels)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems tell the memory in use in other ways")
def test_a_copy_of_a_stack_takes_the_memory_of_the_planes_with_labels() -> None:
    labels = np.zeros((64, 1024, 1024), np.int32)  # 256 MB, of which nothing is in use
    labels[7, 3, 5] = 9
    before = psutil.Process().memory_info().rss
    whole = Assembly(labels)
    assert psutil.Process().memory_info().rss - before < 40e6
    whole.put((7, slice(0, 1024), slice(0, 1024)), refinement([1], {1: (1, 1)}))


def test_each_index_along_axes_apart_is_a_part_beside_those_of_the_slices() -> None:
    whole = slice(0, 5)
    frames = Scope(apart=(0,)).parts((2, 3, 5))
    assert frames == [(0, slice(0, 3), whole), (1, slice(0, 3), whole)]
    assert Scope(slice_axis=1, index=2, apart=(0,)).parts((2, 3, 5)) == [(0, 2, whole), (1, 2, whole)]
    assert Scope(slice_axis=1, index=2, box=((1, 2), (0, 3), (0, 5)), apart=(0,)).parts((2, 3, 5)) == [(1, 2, whole)]

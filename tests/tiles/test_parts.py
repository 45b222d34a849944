"""Parts, regions and channels as arithmetic on small arrays."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import pytest

from napari_coarse_crf import InputError, Parameters, Refinement
from napari_coarse_crf.tiles.parts import (
    Assembly,
    Scope,
    cut_out,
    ellipse_outline,
    fill_outlines,
    has_two_labels,
    is_whole,
    of_axes_left,
    visible_box,
)

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


def test_what_is_in_view_is_cut_at_the_border_and_whole_along_hidden_axes() -> None:
    corners = np.array([[0, -7, 1], [0, 2, 99]])
    assert visible_box(corners, (1, 2), SHAPE) == ((0, 3), (0, 3), (1, 5))


def test_outlines_are_filled_in_their_plane_through_all_slices() -> None:
    square = np.array([[2, 1, 1], [2, 1, 3], [2, 2, 3], [2, 2, 1]])
    wanted = np.zeros(SHAPE, bool)
    wanted[:, 1:3, 1:4] = True
    np.testing.assert_array_equal(fill_outlines([square], SHAPE), wanted)
    other_plane = square[:, [1, 0, 2]]
    wanted = np.zeros(SHAPE, bool)
    wanted[1:3, :, 1:4] = True
    np.testing.assert_array_equal(fill_outlines([other_plane], SHAPE), wanted)
    assert fill_outlines([square, other_plane], SHAPE).sum() > wanted.sum()


def test_an_ellipse_fills_its_box_but_not_the_corners() -> None:
    box = np.array([[10, 10], [10, 30], [20, 30], [20, 10]])
    inside = fill_outlines([ellipse_outline(box)], (40, 50))
    assert inside[15, 20]
    assert inside[15, 11]
    assert not inside[10, 10]
    assert inside.sum() == pytest.approx(np.pi * 5 * 10, rel=0.1)


def test_an_outline_beyond_the_border_is_cut() -> None:
    assert fill_outlines([np.array([[-9, -9], [-9, 99], [99, 99], [99, -9]])], (4, 5)).all()


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

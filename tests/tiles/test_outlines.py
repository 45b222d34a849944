"""Outlines and views as arithmetic on small arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_coarse_crf.tiles.outlines import ellipse_outline, fill_outlines, visible_box

SHAPE = (3, 4, 5)
ALL = slice(0, 3), slice(0, 4), slice(0, 5)


def test_what_is_in_view_is_cut_at_the_border_and_whole_along_hidden_axes() -> None:
    corners = np.array([[0, -7, 1], [0, 2, 99]])
    assert visible_box(corners, (1, 2), SHAPE) == ((0, 3), (0, 3), (1, 5))


def test_outlines_are_filled_in_their_plane_through_all_slices() -> None:
    square = np.array([[2, 1, 1], [2, 1, 3], [2, 2, 3], [2, 2, 1]])
    wanted = np.zeros(SHAPE, bool)
    wanted[:, 1:3, 1:4] = True
    np.testing.assert_array_equal(fill_outlines([square], SHAPE, ALL), wanted)
    other_plane = square[:, [1, 0, 2]]
    wanted = np.zeros(SHAPE, bool)
    wanted[1:3, :, 1:4] = True
    np.testing.assert_array_equal(fill_outlines([other_plane], SHAPE, ALL), wanted)
    assert fill_outlines([square, other_plane], SHAPE, ALL).sum() > wanted.sum()


def test_an_ellipse_fills_its_box_but_not_the_corners() -> None:
    box = np.array([[10, 10], [10, 30], [20, 30], [20, 10]])
    inside = fill_outlines([ellipse_outline(box)], (40, 50), (slice(0, 40), slice(0, 50)))
    assert inside[15, 20]
    assert inside[15, 11]
    assert not inside[10, 10]
    assert inside.sum() == pytest.approx(np.pi * 5 * 10, rel=0.1)


def test_an_outline_beyond_the_border_is_cut() -> None:
    assert fill_outlines([np.array([[-9, -9], [-9, 99], [99, 99], [99, -9]])], (4, 5), (slice(0, 4), slice(0, 5))).all()


@pytest.mark.parametrize("part", [(1, ALL[1], ALL[2]), (ALL[0], 2, slice(1, 4)), (slice(1, 2), slice(0, 3), 1)])
def test_a_part_is_filled_as_the_whole_is(part: Any) -> None:
    square = np.array([[2, 1, 1], [2, 1, 3], [2, 2, 3], [2, 2, 1]])
    outlines = [square, square[:, [1, 0, 2]], square[:, [1, 2, 0]]]
    for chosen in (outlines[:1], outlines[1:2], outlines[2:], outlines):
        np.testing.assert_array_equal(fill_outlines(chosen, SHAPE, part), fill_outlines(chosen, SHAPE, ALL)[part])

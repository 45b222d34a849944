"""Tiles: their cores are the whole, and their rims lie where the image goes on."""

from __future__ import annotations

import numpy as np
import pytest

from napari_coarse_crf.tiles.cutting import cut_tiles, neighbours


def test_the_cores_cover_each_pixel_once_and_lie_within_their_regions() -> None:
    covered = np.zeros((50, 30, 7), int)
    for tile in cut_tiles(covered.shape, (20, 30, 4), (5, 5, 2)):
        covered[tile.core] += 1
        region = np.zeros_like(covered)[tile.region]
        region[tile.core_within] = 1
        assert region.sum() == covered[tile.core].size
        assert tile.origin == tuple(one.start for one in tile.region)
    assert (covered == 1).all()


def test_the_rim_is_where_the_image_goes_on() -> None:
    left, right = cut_tiles((4, 12), (4, 6), (0, 1))
    assert [left.region[1], right.region[1]] == [slice(0, 7), slice(5, 12)]
    outermost, rim = left.rims((4, 12))
    assert np.unique(np.nonzero(outermost)[1]).tolist() == [6]
    assert np.unique(np.nonzero(rim)[1]).tolist() == [5]
    outermost, rim = right.rims((4, 12))
    assert np.unique(np.nonzero(outermost)[1]).tolist() == [0]
    assert np.unique(np.nonzero(rim)[1]).tolist() == [1]
    (alone,) = cut_tiles((4, 12), (4, 12), (1, 1))
    assert not np.any(alone.rims((4, 12)))


@pytest.mark.parametrize(
    ("shape", "sides", "halos"), [((90, 61), (20, 30), (5, 16)), ((30, 7, 40), (10, 7, 9), (12, 0, 3))]
)
def test_neighbours_are_tiles_whose_regions_have_pixels_in_common(
    shape: tuple[int, ...], sides: tuple[int, ...], halos: tuple[int, ...]
) -> None:
    tiles = cut_tiles(shape, sides, halos)
    covered = np.zeros((len(tiles), *shape), np.bool_)
    for tile in tiles:
        covered[tile.number][tile.region] = True
    flat = covered.reshape(len(tiles), -1).astype(int)
    common = (flat @ flat.T > 0) & ~np.eye(len(tiles), dtype=np.bool_)
    assert [sorted(beside) for beside in neighbours(tiles)] == [np.flatnonzero(row).tolist() for row in common]

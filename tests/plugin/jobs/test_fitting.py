"""Tiles that fit into memory."""

from __future__ import annotations

import math

from napari_coarse_crf import Parameters
from napari_coarse_crf.plugin.jobs.fitting import sides_that_fit
from napari_coarse_crf.tiles.sides import tile_sides

SHAPE = (20_000, 20_000)


def test_where_little_is_free_tiles_are_smaller() -> None:
    usual = tile_sides(None, SHAPE, None, Parameters())
    assert sides_that_fit(SHAPE, None, Parameters(), 10**12) == usual
    smaller = sides_that_fit(SHAPE, None, Parameters(), 10**9)
    assert 0 < math.prod(smaller) < math.prod(usual)

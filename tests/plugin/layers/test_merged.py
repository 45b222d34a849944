"""Two label maps as one."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import pytest

from napari_coarse_crf.plugin.layers.merged import Merged
from napari_coarse_crf.tiles.parts import copy_labels

UPPER = np.array([[0, 2, 0], [0, 0, 300]])
LOWER = np.array([[5, 5, 0], [0, 7, 7]], np.int16)
BOTH = [[5, 2, 0], [0, 7, 300]]


@pytest.mark.parametrize("upper", [UPPER, da.from_array(UPPER, chunks=1)])
def test_the_upper_map_counts_where_it_holds_a_label(upper: Any) -> None:
    merged = Merged(upper, LOWER)
    np.testing.assert_array_equal(merged, BOTH)
    np.testing.assert_array_equal(merged[1, 1:], BOTH[1][1:])
    np.testing.assert_array_equal(copy_labels(merged), BOTH)
    assert (merged.shape, merged.ndim, merged.size, len(merged)) == ((2, 3), 2, 6, 2)
    assert merged.dtype == UPPER.dtype

"""What is compared are the labels as they were, at the pixels of the refined ones."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from napari.layers import Labels

from napari_coarse_crf.plugin.layers.provenance import KEY
from napari_coarse_crf.plugin.result.measuring import labels_now


@pytest.mark.parametrize("is_lazy", [False, True])
def test_labels_of_another_size_are_those_of_the_moment(is_lazy: bool) -> None:
    small = np.array([[0, 1, 2], [3, 4, 5]], np.uint8)
    strokes = Labels(da.from_array(small) if is_lazy else small.copy(), scale=(2, 2), translate=(0.5, 0.5))
    refined = Labels(np.ones((4, 6), np.uint8), metadata={KEY: {"read_at": {"strokes": {}}}})
    now = labels_now(strokes, refined)
    strokes.data[0, 0] = 9
    np.testing.assert_array_equal(np.asarray(now), small.repeat(2, 0).repeat(2, 1))

"""The ids of a label map are found block by block."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_coarse_crf.plugin.layers import ids
from napari_coarse_crf.plugin.layers.ids import find_ids


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint32", "int64"])
@pytest.mark.parametrize("shape", [(7,), (40, 30), (5, 9, 11), (1, 600)])
def test_they_are_all_that_occur_but_nothing(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...], dtype: str
) -> None:
    monkeypatch.setattr(ids, "_BLOCK_PIXELS", 64)
    labels: Any = np.random.default_rng(1).integers(0, 100, shape).astype(dtype)
    wanted = np.unique(labels)
    np.testing.assert_array_equal(find_ids(labels), wanted[wanted != 0])
    np.testing.assert_array_equal(find_ids(labels[..., ::-1]), wanted[wanted != 0])


def test_there_may_be_none() -> None:
    assert find_ids(np.zeros((4, 5), np.uint8)).size == 0
    assert find_ids(np.zeros((0, 5), np.uint8)).size == 0

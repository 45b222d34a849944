"""Labels on disk at several sizes."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from napari.layers import Labels

from napari_coarse_crf.plugin.layers import store as module
from napari_coarse_crf.plugin.layers.store import LabelStore, boxes_of


def test_small_labels_have_one_size_and_large_ones_several() -> None:
    assert [level.shape for level in LabelStore((40, 60), np.uint8).levels] == [(40, 60)]
    assert [level.shape for level in LabelStore((3000, 5001), np.uint8).levels] == [(3000, 5001), (1500, 2501)]
    assert [level.shape for level in LabelStore((9, 500, 600), np.int64).levels] == [(9, 500, 600)]
    assert len(LabelStore((3000, 5001), np.uint8, drawn=False).levels) == 1


@pytest.mark.parametrize("shape", [(37, 53), (3, 37, 53)])
def test_whatever_is_written_stands_at_every_size(shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LEAST_PIXELS", 100)
    labels = np.random.default_rng(1).integers(0, 9, shape, np.uint8)
    store = LabelStore(shape, labels.dtype)
    assert len(store.levels) == 4
    for start in range(0, 53, 7):
        place = (..., slice(0, 37), slice(start, min(start + 7, 53)))
        store.write((*[slice(0, 3)] * (len(shape) - 2), *place[1:]), labels[place])
    for number, level in enumerate(store.levels):
        np.testing.assert_array_equal(level[:], labels[..., :: 2**number, :: 2**number])
    assert Labels(store.data).multiscale


def test_a_plane_of_a_stack_is_written_into_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LEAST_PIXELS", 100)
    store = LabelStore((3, 30, 30), np.uint8)
    store.write((1, slice(5, 30), slice(0, 30)), np.full((25, 30), 7, np.uint8))
    assert store[(slice(0, 3), slice(0, 30), slice(0, 30))].sum() == 7 * 25 * 30
    assert [int((level[:] == 7).sum()) for level in store.levels] == [25 * 30, 12 * 15, 6 * 8]
    store.write((slice(0, 3), 3, slice(0, 30)), np.full((3, 30), 2, np.uint8))  # no smaller size has that plane
    assert [int((level[:] == 2).sum()) for level in store.levels] == [3 * 30, 0, 0]


def test_labels_are_taken_and_go_with_the_store() -> None:
    labels = np.zeros((40, 3000), np.int32)
    labels[3, 2900] = 70_000
    store = LabelStore(labels.shape, ">i4")
    steps = list(store.take(labels))
    assert steps == [(number, len(boxes_of(labels.shape))) for number in range(len(steps))]
    np.testing.assert_array_equal(store[(slice(0, 40), slice(0, 3000))], labels)
    folder = store.path.parent
    assert folder.is_dir()
    del store
    gc.collect()
    assert not folder.exists()

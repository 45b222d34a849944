"""Pixels of labels, counted block by block, are those of the whole."""

from __future__ import annotations

import numpy as np

from napari_coarse_crf.tiles.census import Census
from napari_coarse_crf.tiles.cutting import cut_boxes


def test_blocks_together_are_the_whole_with_labels_across_them() -> None:
    rng = np.random.default_rng(0)
    labels = np.where(rng.random((9, 40, 50)) < 0.02, rng.integers(1, 30, (9, 40, 50)), 0)
    labels[:, :20, :20] = 0  # blocks without any
    labels[[1, 6, 7]] = 0  # planes without any
    mask = rng.random(labels.shape) < 0.8
    whole = Census.of(labels, mask, tuple(slice(0, size) for size in labels.shape), 5)
    boxes = cut_boxes(labels.shape, (4, 17, 13))
    together = Census.together(
        [Census.of(labels[box], mask[box], box, int(number == 0) * 5) for number, box in enumerate(boxes)]
    )
    for name in ("ids", "sizes", "low", "high", "planes", "of_planes"):
        np.testing.assert_array_equal(getattr(together, name), getattr(whole, name))
    assert (together.n_pixels, together.n_lost) == (whole.n_pixels, whole.n_lost) == (mask.sum(), 5)
    painted = [0, 2, 3, 4, 5, 8]
    assert whole.painted_share == (labels * mask)[painted].astype(bool).sum() / mask[painted].sum()
    for number, label_id in enumerate(whole.ids):
        places = np.argwhere((labels == label_id) & mask)
        np.testing.assert_array_equal(whole.low[number], places.min(axis=0))
        np.testing.assert_array_equal(whole.high[number], places.max(axis=0) + 1)


def test_edges_are_the_labelled_pixels_beside_unlabelled_ones_that_take_part() -> None:
    labels = np.zeros((20, 30), np.int32)
    labels[4:9, 3:13], labels[15, 2:28], labels[:, 29] = 7, 2, 5
    mask = np.ones(labels.shape, np.bool_)
    mask[:, 28] = False
    everything = (slice(0, 20), slice(0, 30))
    whole = Census.of(labels, mask, everything)
    assert dict(zip(whole.ids.tolist(), whole.edges.tolist(), strict=True)) == {2: 26, 5: 0, 7: 26}
    boxes = cut_boxes(labels.shape, (10, 16))
    together = Census.together([Census.of(labels[box], mask[box], box) for box in boxes])
    np.testing.assert_array_equal(together.edges, whole.edges)

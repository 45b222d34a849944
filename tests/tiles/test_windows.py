"""A few windows show all labels of a large image."""

from __future__ import annotations

import numpy as np

from napari_coarse_crf.tiles.facts import Reduced
from napari_coarse_crf.tiles.reduced import thin_out_labels
from napari_coarse_crf.tiles.windows import choose_windows


def _reduced(labels: np.ndarray, step: int) -> Reduced:
    thinned = thin_out_labels(labels, step)
    return Reduced(step, np.zeros((*thinned.shape, 1), np.uint8), thinned, np.ones(thinned.shape, np.bool_))


def _shown(labels: np.ndarray, step: int) -> list[set[int]]:
    windows = choose_windows(_reduced(labels, step), labels.shape)
    return [set(np.unique(labels[window.core]).tolist()) - {0} for window in windows]


def test_windows_are_few_and_show_every_label() -> None:
    labels = np.zeros((5000, 6000), np.uint8)
    labels[::40, ::40] = 1
    labels[4990:4999, 5990:5999] = 7
    labels[100, 3000] = 9
    shown = _shown(labels, 8)
    assert len(shown) == 16
    assert set.union(*shown) == {1, 7, 9}


def test_windows_without_strokes_are_not_read() -> None:
    labels = np.zeros((4000, 4000), np.uint8)
    labels[10, 10], labels[3000, 2000] = 1, 2
    assert _shown(labels, 4) == [{1}, {2}]


def test_a_small_image_is_seen_at_once() -> None:
    labels = np.zeros((500, 520), np.uint8)
    labels[10, 10], labels[300, 500] = 1, 2
    (window,) = choose_windows(_reduced(labels, 1), labels.shape)
    assert window.region == window.core == (slice(0, 500), slice(0, 520))


def test_windows_of_volumes_hold_as_many_voxels() -> None:
    labels = np.zeros((16, 1000, 1000), np.uint8)
    labels[3, 10, 10], labels[5, 900, 900] = 1, 2
    windows = choose_windows(_reduced(labels, 2), labels.shape)
    assert [[one.stop - one.start for one in window.core] for window in windows] == [[16, 128, 128], [16, 104, 104]]

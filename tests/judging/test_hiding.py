"""Hiding part of a person's labels: something of every kind, and no label lost."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_coarse_crf.judging.hiding import _keep_every_label, hidings

Array = np.ndarray[Any, Any]


def _labels() -> Array:
    labels = np.zeros((90, 120), np.int64)
    labels[5:25, 10:14], labels[70:85, 20:24] = 3, 3
    labels[5:25, 100:104], labels[70:85, 90:94] = 7, 7
    labels[40:44, 10:110], labels[50:54, 10:110] = 70000, 70000
    return labels


def test_hiding_takes_something_of_every_kind_and_loses_no_label() -> None:
    labels = _labels()
    ways = list(hidings(labels))
    assert [way.way for way in ways] == ["small blocks", "large blocks", "strokes"] * 2
    for way in ways:
        assert set(np.unique(way.kept)) == set(np.unique(labels))
        assert len(np.unique(labels[way.hidden])) > 1
        assert not way.kept[way.hidden].any()
        assert np.array_equal(way.kept[way.kept != 0], labels[way.kept != 0])


def test_the_ways_differ_and_are_the_same_every_time() -> None:
    ways, again = list(hidings(_labels())), list(hidings(_labels()))
    assert all(np.array_equal(one.hidden, other.hidden) for one, other in zip(ways, again, strict=True))
    assert len({way.hidden.tobytes() for way in ways}) > 4


def test_a_volume_can_be_hidden_too() -> None:
    labels = np.zeros((6, 40, 50), np.uint8)
    labels[1:5, 5:20, 5:9], labels[1:5, 20:35, 30:36] = 1, 2
    assert all(way.hidden.any() and way.kept.any() for way in hidings(labels))


def test_of_a_volume_painted_on_some_planes_half_of_them_are_hidden_as_a_whole() -> None:
    labels = np.zeros((13, 40, 50), np.uint8)
    labels[::3, 5:20, 5:12], labels[::3, 20:35, 30:36] = 1, 2
    planes = [way for way in hidings(labels) if way.way == "planes"]
    assert len(planes) == 2
    for way in planes:
        hidden = way.hidden.any(axis=(1, 2))
        assert hidden.sum() == 2  # of five
        assert not way.kept[hidden].any()
        np.testing.assert_array_equal(way.kept[~hidden], labels[~hidden])


def test_a_label_that_would_vanish_is_kept_as_a_whole() -> None:
    labels = np.array([[1, 1, 2, 2, 3]])
    kept = _keep_every_label(labels, np.array([[True, True, True, False, False]]))
    assert kept.tolist() == [[1, 1, 0, 2, 3]]


def test_labels_too_few_to_judge_by_are_not_hidden() -> None:
    labels = np.zeros((40, 40), np.uint8)
    labels[3, 3], labels[30, 30] = 1, 2
    assert list(hidings(labels)) == []


def test_pixels_that_do_not_take_part_do_not_size_the_blocks() -> None:
    labels = np.zeros((60, 400), np.uint8)
    labels[5:50:9, 5:50], labels[9:50:9, 5:50] = 1, 2
    takes_part = np.arange(400) < 55
    inside = [way.hidden[:, :55] for way in hidings(labels, np.broadcast_to(takes_part, labels.shape))]
    assert not np.array_equal(inside[0], next(hidings(labels)).hidden[:, :55])


def test_pixels_that_stand_for_more_need_to_be_fewer() -> None:
    labels = np.zeros((40, 40), np.uint8)
    labels[4:8, 4:10], labels[20:24, 20:26] = 1, 2
    assert len(list(hidings(labels, step=3))) > len(list(hidings(labels)))

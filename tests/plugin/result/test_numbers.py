"""Numbers and differences of compared layers, without a window."""

from __future__ import annotations

import csv
import io
import math

import numpy as np
import pytest

from napari_coarse_crf import evaluate_labels
from napari_coarse_crf.plugin.result.numbers import (
    CHANGED,
    EMPTIED,
    FILLED,
    MISSED,
    RIGHT,
    WRONG,
    as_text,
    compare_labels,
    find_difference,
    find_errors,
    table_cells,
)

COARSE = np.array([[3, 0, 0, 70_000]])
REFINED = np.array([[3, 3, 0, 70_000]])
TRUTH = np.array([[3, 3, 70_000, 70_000]])
CONFIDENCE = np.array([[1.0, 0.8, 0.3, 1.0]], np.float32)


def test_every_label_is_counted_before_and_after_and_the_unlabelled_pixels_too() -> None:
    rows = compare_labels(COARSE, REFINED).rows
    assert [(row.label_id, row.before, row.after, row.share) for row in rows] == [
        (0, 2, 1, 0.25),
        (3, 1, 2, 0.5),
        (70_000, 1, 1, 0.25),
        (None, 2, 3, 0.75),
    ]


def test_without_unlabelled_pixels_there_is_no_row_for_them() -> None:
    assert [row.label_id for row in compare_labels(TRUTH, TRUTH).rows] == [3, 70_000, None]


def test_the_mean_confidence_is_that_of_filled_pixels_as_far_as_it_is_known() -> None:
    comparison = compare_labels(COARSE, REFINED, CONFIDENCE)
    by_id = {row.label_id: row.confidence for row in comparison.rows}
    assert by_id[3] == pytest.approx(0.8)
    assert math.isnan(by_id[70_000])  # nothing was filled with it
    assert by_id[None] == pytest.approx(0.8)
    painted_on = np.where(REFINED == 3, np.nan, CONFIDENCE)
    assert all(math.isnan(row.confidence) for row in compare_labels(COARSE, REFINED, painted_on).rows)
    assert not compare_labels(COARSE, REFINED).has_confidence


def test_scores_are_those_of_evaluate_labels_coarse_and_refined() -> None:
    comparison = compare_labels(COARSE, REFINED, truth=TRUTH)
    coarse, refined = evaluate_labels(COARSE, TRUTH), evaluate_labels(REFINED, TRUTH)
    by_id = {row.label_id: row for row in comparison.rows}
    for label_id in (3, 70_000):
        assert by_id[label_id].accuracy == (coarse.accuracy[label_id], refined.accuracy[label_id])
        assert by_id[label_id].iou == (coarse.iou[label_id], refined.iou[label_id])
    assert by_id[None].accuracy == (coarse.mean_accuracy, refined.mean_accuracy)
    assert by_id[None].iou == (coarse.mean_iou, refined.mean_iou)
    assert math.isnan(by_id[0].iou[1])


def test_a_class_that_only_the_truth_knows_has_a_row() -> None:
    rows = compare_labels(COARSE, REFINED, truth=np.array([[5, 5, 5, 5]])).rows
    assert [row.label_id for row in rows] == [0, 3, 5, 70_000, None]
    assert rows[2].iou == (0.0, 0.0)


def test_a_truth_that_cannot_be_used_is_said_in_words_and_the_counts_stay() -> None:
    comparison = compare_labels(COARSE, REFINED, truth=np.zeros_like(TRUTH))
    assert comparison.note.startswith("No scores. ")
    assert not comparison.has_scores
    assert len(comparison.rows) == 4


def test_differences_and_errors_are_told_apart() -> None:
    before, after = np.array([0, 0, 3, 3, 3]), np.array([0, 4, 3, 4, 0])
    np.testing.assert_array_equal(find_difference(before, after), [0, FILLED, 0, CHANGED, EMPTIED])
    refined, truth = np.array([3, 3, 0, 3]), np.array([3, 4, 4, 0])
    np.testing.assert_array_equal(find_errors(refined, truth), [RIGHT, WRONG, MISSED, 0])


def test_the_table_as_text_can_be_read_again() -> None:
    comparison = compare_labels(COARSE, REFINED, CONFIDENCE, TRUTH, {3: 'road, "wide"'})
    rows = list(csv.DictReader(io.StringIO(as_text(table_cells(comparison), ","))))
    assert [row["label"] for row in rows] == ["0", "3", "70000", "all"]
    assert rows[1]["class"] == 'road, "wide"'
    assert (rows[1]["pixels before"], rows[1]["pixels after"]) == ("1", "2")
    assert float(rows[1]["mean confidence"]) == pytest.approx(0.8)
    assert rows[2]["mean confidence"] == ""
    assert float(rows[3]["IoU refined"]) == pytest.approx(comparison.rows[3].iou[1], abs=1e-5)
    assert as_text(table_cells(compare_labels(COARSE, REFINED)), "\t").splitlines()[0].split("\t") == [
        "label",
        "class",
        "pixels before",
        "pixels after",
        "share",
        "mean confidence",
    ]

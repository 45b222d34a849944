"""Tables of scores, and the four kinds of files they go into."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path

import pytest

from napari_coarse_crf import evaluate_labels
from napari_coarse_crf.evaluation.dataset import Dataset, PublishedRow, Rules
from napari_coarse_crf.evaluation.tables import ENCODERS, MEAN_OVER_IMAGES, POOLED, Report, make_report

# Class 1: 3 of 4 pixels found, then 1 of 2. Class 2: only in the second image, 1 of 4 found. Class 5: nowhere.
SCORES = [
    evaluate_labels([[1, 1, 1, 2]], [[1, 1, 1, 1]], coarse=[[1, 1, 0, 0]]),
    evaluate_labels([[1, 2, 2, 0, 1, 1]], [[1, 1, 2, 2, 2, 2]], coarse=[[0, 2, 2, 0, 0, 0]]),
]
NAMED = Dataset(
    "toy_set",
    cases=(),
    rules=Rules(),
    class_names={2: "b & c", 1: "a", 5: "never"},
    published=(PublishedRow("IoU", "published Ours", {1: 0.5, 2: 0.25, 5: 0.125}, 0.292),),
    source="Published: somewhere.",
)


@pytest.fixture
def report() -> Report:
    return make_report(NAMED, {"Ours": SCORES}, {"version": "9", "parameters": {"theta_alpha": 8.0}})


def test_both_ways_of_averaging_are_named_and_computed(report: Report) -> None:
    rows = {table.title: dict(table.rows)["Ours"] for table in report.tables}
    assert rows[f"accuracy, {MEAN_OVER_IMAGES}"] == pytest.approx((1 / 4, 5 / 8, math.nan, 7 / 16), nan_ok=True)
    assert rows[f"IoU, {MEAN_OVER_IMAGES}"] == pytest.approx((1 / 5, 1 / 2, math.nan, 7 / 20), nan_ok=True)
    assert rows[f"accuracy, {POOLED}"] == pytest.approx((1 / 4, 4 / 6, math.nan, 11 / 24), nan_ok=True)
    assert rows[f"IoU, {POOLED}"] == pytest.approx((1 / 6, 4 / 8, math.nan, 1 / 3), nan_ok=True)
    assert rows[f"accuracy of pixels, {POOLED}"][:2] == pytest.approx((5 / 10, 2 / 6))


def test_columns_are_the_named_classes_in_their_order(report: Report) -> None:
    assert report.tables[0].columns == ("b & c", "a", "never", "avg")


def test_without_names_columns_are_the_ids_that_were_found() -> None:
    report = make_report(Dataset("toy", (), Rules()), {"Ours": SCORES}, {})
    assert report.tables[0].columns == ("1", "2", "avg")


def test_published_rows_join_the_tables_of_their_measure(report: Report) -> None:
    for table in report.tables:
        published = dict(table.rows).get("published Ours")
        assert published == ((0.25, 0.5, 0.125, 0.292) if table.measure == "IoU" else None)


def test_csv_has_one_number_a_line(report: Report) -> None:
    lines = list(csv.DictReader(io.StringIO(ENCODERS[".csv"](report).decode())))
    numbers = {(line["averaging"], line["measure"], line["method"], line["column"]): line["score"] for line in lines}
    assert float(numbers[MEAN_OVER_IMAGES, "accuracy", "Ours", "avg"]) == 7 / 16
    assert numbers[POOLED, "IoU", "Ours", "never"] == ""
    assert float(numbers[POOLED, "IoU", "published Ours", "b & c"]) == 0.25


def test_json_has_everything(report: Report) -> None:
    content = json.loads(ENCODERS[".json"](report))
    assert (content["dataset"], content["images"], content["version"]) == ("toy_set", 2, "9")
    assert content["parameters"] == {"theta_alpha": 8.0}
    first = content["tables"][0]
    assert (first["averaging"], first["measure"]) == (MEAN_OVER_IMAGES, "accuracy")
    assert first["methods"]["Ours"] == {"b & c": 0.25, "a": 0.625, "never": None, "avg": 7 / 16}


def test_markdown_shows_three_digits(report: Report) -> None:
    lines = ENCODERS[".md"](report).decode().splitlines()
    assert "**IoU, pooled over images**" in lines
    assert "| method | b & c | a | never | avg |" in lines
    assert "| Ours | 0.167 | 0.500 | - | 0.333 |" in lines
    assert lines[-1] == NAMED.source


def test_latex_escapes_names(report: Report) -> None:
    text = ENCODERS[".tex"](report).decode()
    assert r"method & b \& c & a & never & avg \\" in text
    assert r"Ours & 0.167 & 0.500 & - & 0.333 \\" in text
    assert text.count(r"\begin{tabular}{lrrrr}") == 4
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 6


def test_every_encoder_ends_with_a_line_break(report: Report) -> None:
    for ending, encode in ENCODERS.items():
        assert Path("table").with_suffix(ending).suffix == ending
        assert encode(report).endswith(b"\n")
        assert not encode(report).endswith(b"\n\n")

"""What there is to say about coarse labels, refined ones and the truth: numbers and differences, without Qt."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from napari_coarse_crf import InputError, Scores, evaluate_labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import FloatArray, LabelArray

    Pair = tuple[float, float]

FILLED, CHANGED, EMPTIED = 1, 2, 3
DIFFERENCES = {FILLED: "filled", CHANGED: "another label", EMPTIED: "no label any more"}
"""The ids of a difference layer, and what they stand for."""
RIGHT, WRONG, MISSED = 1, 2, 3
ERRORS = {RIGHT: "right", WRONG: "wrong", MISSED: "left unlabelled"}
"""The ids of a layer of errors against the truth, and what they stand for."""
COLOURS: Mapping[int | None, tuple[float, ...]] = {
    1: (0.0, 0.62, 0.45, 1.0),
    2: (0.84, 0.37, 0.0, 1.0),
    3: (0.8, 0.47, 0.65, 1.0),
}
"""Green, orange and pink that colour-blind people can tell apart (Okabe and Ito)."""

_UNKNOWN: Pair = (math.nan, math.nan)


@dataclass(frozen=True, slots=True)
class Row:
    """One label, or all of them together.

    Attributes
    ----------
    label_id : int or None
        0: pixels without a label. None: all labels, with averages over the labels of the truth.
    before, after : int
        Pixels in the coarse and in the refined labels.
    share : float
        Of all pixels, after.
    confidence : float
        Mean over the pixels that were filled; NaN where it is not known.
    accuracy, iou : (float, float)
        Coarse and refined, against the truth; NaN where there is none.
    """

    label_id: int | None
    before: int
    after: int
    share: float
    confidence: float = math.nan
    accuracy: Pair = _UNKNOWN
    iou: Pair = _UNKNOWN


@dataclass(frozen=True, slots=True)
class Comparison:
    """The rows of the table: unlabelled pixels if there are any, labels by id, all labels.

    Attributes
    ----------
    rows : tuple of Row
        See there.
    has_confidence, has_scores : bool
        Whether confidence and scores are known at all.
    note : str
        Why there are no scores although there is a truth, in words.
    class_names : mapping of int to str
        What the ids stand for, where somebody said so.
    """

    rows: tuple[Row, ...] = ()
    has_confidence: bool = False
    has_scores: bool = False
    note: str = ""
    class_names: Mapping[int, str] = field(default_factory=dict)


def compare_labels(
    coarse: LabelArray,
    refined: LabelArray,
    confidence: FloatArray | None = None,
    truth: LabelArray | None = None,
    class_names: Mapping[int, str] | None = None,
) -> Comparison:
    """Count the pixels of every label before and after, and score both against the truth.

    Parameters
    ----------
    coarse, refined : array of int
        Label maps of one shape; 0 = unlabelled.
    confidence : array of float, optional
        The confidence of the refined labels; NaN where it is not known.
    truth : array of int, optional
        The wanted ids; 0 = nobody knows, not scored.
    class_names : mapping of int to str, optional
        What the ids stand for.
    """
    sure = {} if confidence is None else _mean_confidence(coarse, refined, confidence)
    scores, note = (None, "") if truth is None else _score(coarse, refined, truth)
    counted = _Counted(_counts(coarse), _counts(refined), refined.size, sure, scores)
    return counted.compared(note, class_names, has_confidence=confidence is not None)


def compare_parts(
    parts: Iterable[tuple[LabelArray, LabelArray, LabelArray | None]], class_names: Mapping[int, str] | None = None
) -> Comparison:
    """Return what `compare_labels` says of labels of which few are in memory at once; nothing of confidence.

    Parameters
    ----------
    parts : iterable of (coarse, refined, truth)
        Label maps, all of one image; no truth where there is none.
    class_names : mapping of int to str, optional
        What the ids stand for.
    """
    before: Counter[int] = Counter()
    after: Counter[int] = Counter()
    pixels, found, note = 0, [], ""
    for coarse, refined, truth in parts:
        before.update(_counts(coarse))
        after.update(_counts(refined))
        pixels += refined.size
        if truth is not None:
            pair, note = _score(coarse, refined, truth)
            found += [] if pair is None else [pair]
    if not found:
        return _Counted(before, after, pixels, {}, None).compared(note, class_names)
    old, new = (Scores.pool(one) for one in zip(*found, strict=True))
    return _Counted(before, after, pixels, {}, (old, new)).compared("", class_names)


@dataclass(frozen=True, slots=True, eq=False)
class _Counted:
    """What rows are made of: pixels by label, mean confidence by label, scores of coarse and refined labels."""

    before: Mapping[int, int]
    after: Mapping[int, int]
    pixels: int
    sure: Mapping[int | None, float]
    scores: tuple[Scores, Scores] | None

    def compared(self, note: str, class_names: Mapping[int, str] | None, *, has_confidence: bool = False) -> Comparison:
        """Return the rows."""
        scores_by_id = {} if self.scores is None else _scores_by_id(*self.scores)
        rows = [
            Row(
                label_id,
                self.before.get(label_id, 0),
                self.after.get(label_id, 0),
                self.after.get(label_id, 0) / self.pixels,
                self.sure.get(label_id, math.nan),
                *scores_by_id.get(label_id, (_UNKNOWN, _UNKNOWN)),
            )
            for label_id in sorted({0, *self.before, *self.after, *scores_by_id})
        ]
        if not rows[0].before and not rows[0].after:
            del rows[0]
        total = _total(rows, self.pixels, self.sure.get(None, math.nan), self.scores)
        return Comparison((*rows, total), has_confidence, self.scores is not None, note, dict(class_names or {}))


def find_difference(before: LabelArray, after: LabelArray) -> NDArray[np.uint8]:
    """Return where two label maps differ: `FILLED`, `CHANGED`, `EMPTIED`, or 0 where they agree."""
    kinds = np.full(before.shape, CHANGED, np.uint8)
    kinds[after == 0] = EMPTIED
    kinds[before == 0] = FILLED
    kinds[before == after] = 0
    return kinds


def find_errors(refined: LabelArray, truth: LabelArray) -> NDArray[np.uint8]:
    """Return where a label map is `RIGHT`, `WRONG` or `MISSED`; 0 where nobody knows the truth."""
    kinds = np.full(refined.shape, WRONG, np.uint8)
    kinds[refined == 0] = MISSED
    kinds[refined == truth] = RIGHT
    kinds[truth == 0] = 0
    return kinds


def table_cells(comparison: Comparison) -> list[list[str]]:
    """Return headings and rows with all digits, for a file or a spreadsheet; empty where a number is not known."""
    cells = [["label", "class", "pixels before", "pixels after", "share", "mean confidence"]]
    if comparison.has_scores:
        cells[0] += ["accuracy coarse", "accuracy refined", "IoU coarse", "IoU refined"]
    for row in comparison.rows:
        named = "all" if row.label_id is None else str(row.label_id)
        class_name = "" if row.label_id is None else comparison.class_names.get(row.label_id, "")
        numbers = [row.share, row.confidence, *((*row.accuracy, *row.iou) if comparison.has_scores else ())]
        cells.append([named, class_name, str(row.before), str(row.after), *map(_digits, numbers)])
    return cells


def as_text(cells: Sequence[Sequence[str]], delimiter: str) -> str:
    """Return rows as lines: with commas for a CSV file, with tabs for the clipboard."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(cells)
    return text.getvalue()


def _counts(labels: LabelArray) -> dict[int, int]:
    ids, sizes = np.unique(labels, return_counts=True)
    return {int(label_id): int(size) for label_id, size in zip(ids, sizes, strict=True)}


def _mean_confidence(coarse: LabelArray, refined: LabelArray, confidence: FloatArray) -> dict[int | None, float]:
    """Return the mean over filled pixels by label, and over all of them under None."""
    filled = (coarse == 0) & (refined != 0) & ~np.isnan(confidence)
    if not filled.any():
        return {}
    values = confidence[filled].astype(np.float64)
    ids, places, sizes = np.unique(refined[filled], return_inverse=True, return_counts=True)
    means = np.bincount(places.reshape(-1), weights=values) / sizes
    return {None: float(values.mean()), **{int(i): float(mean) for i, mean in zip(ids, means, strict=True)}}


def _score(coarse: LabelArray, refined: LabelArray, truth: LabelArray) -> tuple[tuple[Scores, Scores] | None, str]:
    """Return the scores of both label maps, or why there are none."""
    try:
        return (evaluate_labels(coarse, truth), evaluate_labels(refined, truth)), ""
    except InputError as error:
        return None, f"No scores. {error}"


def _scores_by_id(old: Scores, new: Scores) -> dict[int, tuple[Pair, Pair]]:
    """Return accuracy and IoU, coarse and refined, by class of the truth, which both share."""
    accuracy, iou = (old.accuracy, new.accuracy), (old.iou, new.iou)
    return {c: ((accuracy[0][c], accuracy[1][c]), (iou[0][c], iou[1][c])) for c in old.classes}


def _total(rows: Sequence[Row], pixels: int, confidence: float, scores: tuple[Scores, Scores] | None) -> Row:
    labels = [row for row in rows if row.label_id]
    before, after = sum(row.before for row in labels), sum(row.after for row in labels)
    if scores is None:
        return Row(None, before, after, after / pixels, confidence)
    old, new = scores
    accuracy, iou = (old.mean_accuracy, new.mean_accuracy), (old.mean_iou, new.mean_iou)
    return Row(None, before, after, after / pixels, confidence, accuracy, iou)


def _digits(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6g}"

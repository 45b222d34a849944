"""Scores as tables, and tables as files: CSV, JSON, Markdown and LaTeX.

The tables have the form of the source's Table 1: a row for each method, a column for each class, then the average.
There is one for each measure and way of averaging.
"""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_coarse_crf.evaluation.averages import Averages, mean_over_images, pooled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from napari_coarse_crf.evaluation.dataset import Dataset
    from napari_coarse_crf.evaluation.scores import Scores

MEAN_OVER_IMAGES, POOLED = "mean of per-image values", "pooled over images"
"""The names of the two ways of averaging."""

_BLANK = "-"  # of a class that no image has


@dataclass(frozen=True, slots=True)
class Table:
    """Scores by method and class.

    Attributes
    ----------
    measure, averaging : str
        What the numbers are.
    columns : tuple of str
        The headings.
    rows : tuple of (str, tuple of float)
        A method and its scores, NaN where there is none.
    """

    measure: str
    averaging: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[float, ...]], ...]

    @property
    def title(self) -> str:
        """What the table shows."""
        return f"{self.measure}, {self.averaging}"

    def cells(self) -> list[list[str]]:
        """Return each row as it is shown: the method, then numbers of three digits."""
        return [[name, *map(shown, values)] for name, values in self.rows]


@dataclass(frozen=True, slots=True)
class Report:
    """All tables of an evaluation and what they were made from.

    Attributes
    ----------
    tables : tuple of Table
        In the order they are shown.
    dataset : str
        Its name.
    images : int
        How many were scored.
    settings : mapping
        The version and the parameters.
    source : str
        Where the published rows come from; "" without any.
    """

    tables: tuple[Table, ...]
    dataset: str
    images: int
    settings: Mapping[str, Any]
    source: str


def make_report(dataset: Dataset, scores: Mapping[str, Sequence[Scores]], settings: Mapping[str, Any]) -> Report:
    """Return the tables of both ways of averaging.

    Parameters
    ----------
    dataset : Dataset
        What was scored; its class names are the columns, and its published scores join the rows.
    scores : mapping of str to sequence of Scores
        For each method, one for each image.
    settings : mapping
        Ready for JSON.
    """
    tables: list[Table] = []
    for averaging, average in ((MEAN_OVER_IMAGES, mean_over_images), (POOLED, pooled)):
        averages = {method: average(parts) for method, parts in scores.items()}
        tables += [
            _by_class("accuracy", averaging, dataset, averages),
            _by_class("IoU", averaging, dataset, averages),
            _by_region(averaging, averages),
        ]
    images = max(len(parts) for parts in scores.values())
    return Report(tuple(tables), dataset.name, images, settings, dataset.source)


def shown(value: float) -> str:
    """Return a score as people see it.

    Examples
    --------
    >>> shown(2 / 3)
    '0.667'
    """
    return _BLANK if math.isnan(value) else f"{value:.3f}"


def encode_csv(report: Report) -> bytes:
    """Return one line for each number, ready for a spreadsheet or pandas."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("averaging", "measure", "method", "column", "score"))
    for table in report.tables:
        for method, values in table.rows:
            for column, value in zip(table.columns, values, strict=True):
                score = "" if math.isnan(value) else repr(value)
                writer.writerow((table.averaging, table.measure, method, column, score))
    return text.getvalue().encode()


def encode_json(report: Report) -> bytes:
    """Return everything, with all digits; null where there is no score."""
    content = {
        "dataset": report.dataset,
        "images": report.images,
        **report.settings,
        "source of published rows": report.source or None,
        "tables": [
            {
                "averaging": table.averaging,
                "measure": table.measure,
                "methods": {
                    method: {
                        column: None if math.isnan(value) else value
                        for column, value in zip(table.columns, values, strict=True)
                    }
                    for method, values in table.rows
                },
            }
            for table in report.tables
        ],
    }
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def encode_markdown(report: Report) -> bytes:
    """Return the tables as Markdown."""
    lines = [f"{report.dataset}, {_images(report)}."]
    for table in report.tables:
        lines += ["", f"**{_capital(table.title)}**", ""]
        lines += _markdown_rows([["method", *table.columns], ["---", *["--:"] * len(table.columns)], *table.cells()])
    if report.source:
        lines += ["", report.source]
    return ("\n".join(lines) + "\n").encode()


def encode_latex(report: Report) -> bytes:
    """Return the tables as LaTeX that needs no package."""
    lines = []
    for table in report.tables:
        heading = ["method", *table.columns]
        lines += [
            f"% {_capital(table.title)}; {report.dataset}, {_images(report)}",
            rf"\begin{{tabular}}{{l{'r' * len(table.columns)}}}",
            r"\hline",
            _latex_row(heading),
            r"\hline",
            *(_latex_row(cells) for cells in table.cells()),
            r"\hline",
            r"\end{tabular}",
            "",
        ]
    if report.source:
        lines.append(f"% {report.source}")
    return ("\n".join(lines).rstrip("\n") + "\n").encode()


ENCODERS: Mapping[str, Callable[[Report], bytes]] = {
    ".csv": encode_csv,
    ".json": encode_json,
    ".md": encode_markdown,
    ".tex": encode_latex,
}
"""How to write a report, by the ending of the file."""


def _by_class(measure: str, averaging: str, dataset: Dataset, averages: Mapping[str, Averages]) -> Table:
    """Return a row for each method, ours and published, and a column for each class."""
    found = sorted({label_id for one in averages.values() for label_id in one.accuracy})
    names = dataset.class_names or {label_id: str(label_id) for label_id in found}
    rows = []
    for method, one in averages.items():
        by_class, mean = (one.accuracy, one.mean_accuracy) if measure == "accuracy" else (one.iou, one.mean_iou)
        rows.append((method, (*(by_class.get(label_id, math.nan) for label_id in names), mean)))
    for row in dataset.published:
        if row.measure == measure:
            rows.append((row.method, (*(row.by_class[label_id] for label_id in names), row.average)))
    return Table(measure, averaging, (*names.values(), "avg"), tuple(rows))


def _by_region(averaging: str, averages: Mapping[str, Averages]) -> Table:
    """Return the share of right pixels of each method: of all, of those left open, and near boundaries."""
    rows = tuple(
        (method, (one.pixel_accuracy, one.unlabelled_accuracy, one.boundary_accuracy))
        for method, one in averages.items()
    )
    return Table("accuracy of pixels", averaging, ("all", "unlabelled", "near boundaries"), rows)


def _images(report: Report) -> str:
    return f"{report.images} image{'s' * (report.images != 1)}"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _markdown_rows(rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]


def _latex_row(cells: Sequence[str]) -> str:
    escaped = [cell.replace("_", r"\_").replace("&", r"\&") for cell in cells]
    return " & ".join(escaped) + r" \\"

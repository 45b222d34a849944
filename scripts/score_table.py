#!/usr/bin/env python
"""Write the scores of the bundled samples into docs/start.md.

python scripts/score_table.py            # rewrites the part of docs/start.md between its markers
"""

from __future__ import annotations

from pathlib import Path

from napari_coarse_crf import refine_labels
from napari_coarse_crf.samples import SAMPLE_NAMES, load_sample, panels

PAGE = Path(__file__).parents[1] / "docs" / "start.md"
BEGIN, END = "<!-- scores: begin -->\n", "<!-- scores: end -->"


def score_table() -> str:
    """Return the mean IoU of every sample as Markdown."""
    rows = ["| sample | painted | coarse | nearest | refined |", "|---|---|---|---|---|"]
    for name in SAMPLE_NAMES:
        sample = load_sample(name)
        scores = panels.judge(sample, refine_labels(sample.image, sample.coarse))
        means = " | ".join(f"{score.mean_iou:.2f}" for score in scores.values())
        rows.append(f"| {sample.title} | {(sample.coarse > 0).mean():.0%} | {means} |")
    return "\n".join(rows) + "\n"


def main() -> None:
    """Rewrite the page."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n{score_table()}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()

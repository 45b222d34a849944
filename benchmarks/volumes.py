#!/usr/bin/env python
"""How good volumes and films are filled that a person painted on some planes only, beside what people use today.

A folder is one kind of volumes: `<name>.npz` with `image` (Z, Y, X[, C]), its truth `fine` (Z, Y, X; 0 = unknown) and,
where planes are farther apart than pixels, `spacing`. On every so many planes a coarse map is drawn from the truth as
for the bundled samples (`scripts/make_samples.py`), once with strokes, once with polygons. Prints a Markdown table:
accuracy on unlabelled voxels / mean IoU, means over the volumes of a folder.

    python benchmarks/volumes.py organs cells films --every 3 6
    python benchmarks/volumes.py organs --methods default "random walker"
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from make_samples import Recipe, draw_coarse
from rich.console import Console
from rich.progress import track

from napari_coarse_crf import Parameters, Refiner, evaluate_labels
from napari_coarse_crf.evaluation.baselines import BASELINES, fill_labels
from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.problem import read_problem

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]
    Figures = tuple[float, float]

SMALL = Recipe((), (), 0.4, max_margin=6, smallest=12, brush=3, shortest=5, left_out=0.2, seed=0)
"""The hand of `quality.py` with a finer pen: planes are of a hundred pixels, and organs of ten."""
HANDS = ("strokes", "polygons")
METHODS = (*BASELINES, "fixed", "default")


def drawn(fine: Array, hand: str, every: int) -> Array:
    """Return a coarse map of `fine` with nothing but every so many planes painted, the first in the middle of a gap."""
    coarse = np.zeros(fine.shape, np.int32)
    for plane in range(every // 2, len(fine), every):
        classes = tuple(int(label_id) for label_id in np.unique(fine[plane][fine[plane] > 0]))
        by_hand: dict[str, Any] = {hand: classes}
        coarse[plane] = draw_coarse(fine[plane].astype(np.int32), replace(SMALL, **by_hand, seed=plane))
    return coarse


def figures(picture: Picture, coarse: Array, fine: Array, method: str) -> Figures:
    """Return accuracy on unlabelled voxels and mean IoU."""
    if method in ("fixed", "default"):  # without and with what the labels choose
        parameters = Parameters() if method == "fixed" else Parameters.preset("auto")
        filled = Refiner.of(picture, coarse).run(parameters).labels
    else:
        filled = fill_labels(method, read_problem(picture, coarse), coarse)
    scores = evaluate_labels(filled, fine, coarse=coarse)
    return scores.unlabelled_accuracy or 0.0, scores.mean_iou


def main() -> None:
    """Score the folders given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument(
        "--methods", nargs="+", choices=METHODS, default=["nearest label", "watershed", "fixed", "default"]
    )
    parser.add_argument(
        "--every", nargs="+", type=int, default=[3, 6], help="planes from one that is painted to the next"
    )
    args = parser.parse_args()
    warnings.simplefilter("ignore")  # vanished labels count in the figures
    rows: dict[str, list[list[Figures]]] = defaultdict(list)
    paths = [path for folder in args.folders for path in sorted(folder.glob("*.npz"))]
    for path in track(paths, description="volumes", console=Console(stderr=True)):
        stored = np.load(path)
        picture = Picture(stored["image"], spacing=tuple(stored["spacing"]) if "spacing" in stored else None)
        for hand in HANDS:
            for every in args.every:
                coarse = drawn(stored["fine"], hand, every)
                if len(np.unique(coarse[coarse > 0])) > 1:
                    row = f"{path.parent.name}, {hand} on every {_ordinal(every)} plane"
                    rows[row].append([figures(picture, coarse, stored["fine"], name) for name in args.methods])
    print("| volumes | cases | " + " | ".join(args.methods) + " |")
    print("|---|---|" + "---|" * len(args.methods))
    for row, values in rows.items():
        print(f"| {row} | {len(values)} | " + " | ".join(map(_two, np.mean(values, axis=0))) + " |")
    if len(rows) > 1:
        means = np.mean([np.mean(values, axis=0) for values in rows.values()], axis=0)
        print("| mean over the rows | | " + " | ".join(map(_two, means)) + " |")


def _ordinal(number: int) -> str:
    return f"{number}{({1: 'st', 2: 'nd', 3: 'rd'}).get(number, 'th')}"


def _two(values: Array) -> str:
    return " / ".join(f"{value:.3f}" for value in values)


if __name__ == "__main__":
    main()

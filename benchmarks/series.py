#!/usr/bin/env python
"""What the strokes of earlier images are worth for an image without any.

Images `video_number_img.png` and their truths `video_number_fine.png` of one video are a series, in the order of their
names. Coarse strokes are drawn from the truth on every frame, and from the second on each is
labelled four times: by its own strokes; by the colours of the strokes on the frame before, or on up to four before
(`examples` of `refine_labels`); and by the labels of the frame before as they are. Prints a Markdown table of accuracy
and mean IoU over all pixels with a truth, means over the frames. The third column says how many of the pixels that
have a label have one that the frame before has, too: more than that cannot be right.

    python benchmarks/series.py streets nuclei
"""

from __future__ import annotations

import argparse
import warnings
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from quality import drawn
from rich.console import Console
from rich.progress import track

from napari_coarse_crf import evaluate_labels, refine_labels
from napari_coarse_crf.io.files import read_image, read_labels

if TYPE_CHECKING:
    from collections.abc import Iterator

    Array = np.ndarray[Any, Any]
    Frame = tuple[Array, Array, Array]

MEMORY = 4
"""Frames before, at most."""
NAMES = ("own strokes", "strokes of the frame before", f"of up to {MEMORY} before", "labels of the frame before")


def series(folder: Path) -> Iterator[list[Path]]:
    """Yield the truths of each series, in order."""
    paths = sorted(folder.glob("*_fine.png"))
    yield from (list(group) for _, group in groupby(paths, lambda path: path.stem.rsplit("_", 2)[0]))


def read(path: Path, seed: int) -> Frame:
    """Return image, strokes and truth."""
    fine = read_labels(path).ids.astype(np.int32)
    return read_image(path.with_name(path.name.replace("_fine", "_img"))).image, drawn(fine, "strokes", seed), fine


def ways(frames: list[Frame], at: int) -> dict[str, Array]:
    """Return the labels that each way gives a frame."""
    image, strokes, fine = frames[at]
    none = np.zeros_like(strokes)
    before = [(other, coarse) for other, coarse, _ in frames[max(0, at - MEMORY) : at]]
    copied = refine_labels(*before[-1])
    return {
        NAMES[0]: refine_labels(image, strokes),
        NAMES[1]: refine_labels(image, none, examples=before[-1:]),
        NAMES[2]: refine_labels(image, none, examples=before),
        **({NAMES[3]: copied} if copied.shape == fine.shape else {}),
    }


def main() -> None:
    """Score the folders given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    warnings.simplefilter("ignore")  # vanished labels count in the figures
    rows = []
    for folder in args.folders:
        scores: dict[str, list[tuple[float, float]]] = {name: [] for name in NAMES}
        shares = []
        for paths in series(folder):
            frames = [frame for path in paths if len(np.unique((frame := read(path, args.seed))[1])) > 2]
            for at in track(range(1, len(frames)), console=Console(stderr=True)):
                fine = frames[at][2]
                found = ways(frames, at)
                for name, labels in found.items():
                    one = evaluate_labels(labels, fine)
                    scores[name].append((one.pixel_accuracy, one.mean_iou))
                shares.append(np.isin(fine[fine > 0], np.unique(frames[at - 1][1])).mean())
        cells = " | ".join(_cell(of_way) for of_way in scores.values())
        rows.append(f"| {folder.name} | {len(shares)} | {np.mean(shares):.3f} | {cells} |")
    print("| images | frames | labels in common | " + " | ".join(NAMES) + " |")
    print("|---|---|---|" + "---|" * len(NAMES))
    print("\n".join(rows))


def _cell(scores: list[tuple[float, float]]) -> str:
    return "{:.3f} / {:.3f}".format(*np.mean(scores, axis=0)) if scores else "other sizes"


if __name__ == "__main__":
    main()

#!/usr/bin/env python
"""Whether the confidence keeps its word: of the pixels said to be .8 sure, about 80 % should be right.

Takes the bundled samples, each a row, or folders as `quality.py` does. The range from 1 / L, the least that the best of
L labels can have, to 1 is cut into 15 equal bins. Prints two Markdown tables, for what mean field says itself and for
the confidence: the expected calibration error of each row (the mean distance between confidence and accuracy over the
bins, weighed by pixels), and the bins of all rows together, each row weighing the same. Counted are the unlabelled
pixels with a truth. What nobody has painted cannot be found, so the first table has the error on pixels of the painted
labels, and on all of them in brackets; the second has the former.

    python benchmarks/calibration.py
    python benchmarks/calibration.py streets photographs --limit 8
"""

from __future__ import annotations

import argparse
import warnings
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from quality import Case, cases
from rich.console import Console
from rich.progress import track

from napari_coarse_crf import Refiner
from napari_coarse_crf.crf import FieldProblem, LatticeEngine, Marginals
from napari_coarse_crf.samples import SAMPLE_NAMES, load_sample

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from concurrent.futures import ThreadPoolExecutor

    Array = np.ndarray[Any, Any]

BINS = 15


class Recorder(LatticeEngine):
    """Keeps what mean field itself says of its labels."""

    probability: Array

    def infer(
        self, pool: ThreadPoolExecutor, problem: FieldProblem, kernels: list[tuple[float, Any]]
    ) -> Generator[int | None, None, Marginals]:
        """Run mean field."""
        marginals = yield from super().infer(pool, problem, kernels)
        self.probability = marginals.confidence
        return marginals


@dataclass
class Bins:
    """Pixels, right ones and the sum of what is said of them, by what is said of them."""

    counts: Array
    right: Array
    said: Array

    @classmethod
    def empty(cls) -> Bins:
        """Return bins without a pixel."""
        return cls(*np.zeros((3, BINS)))

    @classmethod
    def of(cls, said: Array, is_right: Array, n_labels: int) -> Bins:
        """Return the bins of some pixels."""
        least = 1 / n_labels
        bins = ((said - least) / (1 - least) * BINS).astype(int).clip(0, BINS - 1)
        return cls(*(np.bincount(bins, weights, BINS) for weights in (np.ones(len(said)), is_right, said)))

    def __add__(self, other: Bins) -> Bins:
        """Pool with others."""
        return Bins(self.counts + other.counts, self.right + other.right, self.said + other.said)

    def shares(self) -> Bins:
        """Return the same with all pixels together weighing 1."""
        size = max(self.counts.sum(), 1)
        return Bins(self.counts / size, self.right / size, self.said / size)

    @property
    def error(self) -> float:
        """The expected calibration error."""
        return float(np.abs(self.right - self.said).sum() / max(self.counts.sum(), 1))

    @property
    def accuracy(self) -> float:
        """The share of right pixels."""
        return float(self.right.sum() / max(self.counts.sum(), 1))


def figures(case: Case) -> dict[tuple[str, bool], Bins]:
    """Return the bins of a case, by who says it and whether only painted labels count."""
    refiner = Refiner(case.image, case.coarse)
    recorder = refiner._engine = Recorder()
    refinement = refiner.run()
    is_open = case.coarse == 0  # all free pixels, in this order: every pixel takes part, and labels are certain
    truth, found = case.fine[is_open], refinement.labels[is_open]
    sayings = {"mean field": recorder.probability, "confidence": refinement.confidence[is_open]}
    n_labels = len(refiner.label_ids)
    bins = {}
    for who, said in sayings.items():
        for painted_only in (True, False):
            counted = np.isin(truth, refiner.label_ids) if painted_only else truth > 0
            right = (truth == found)[counted]
            bins[who, painted_only] = Bins.of(said[counted].astype(np.float64), right, n_labels)
    return bins


def samples() -> Iterator[Case]:
    """Yield the bundled samples."""
    for name in SAMPLE_NAMES:
        sample = load_sample(name)
        yield Case(f"sample {name}", 0, sample.image, sample.coarse, sample.fine)


def main() -> None:
    """Measure the samples, or the folders given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--limit", type=int, default=None, help="only so many images of a folder")
    args = parser.parse_args()
    warnings.simplefilter("ignore")  # vanished labels count in the figures
    everything = [case for folder in args.folders for case in cases(folder, args.seeds, args.limit)]
    found: dict[str, dict[tuple[str, bool], Bins]] = {}
    counts: dict[str, int] = defaultdict(int)
    for case in track(everything or list(samples()), console=Console(stderr=True)):
        row = found.setdefault(case.row, defaultdict(Bins.empty))
        counts[case.row] += 1
        for key, bins in figures(case).items():
            row[key] += bins
    _print_rows(found, counts)
    _print_bins(found)


def _print_rows(found: dict[str, dict[tuple[str, bool], Bins]], counts: dict[str, int]) -> None:
    print("| images | cases | accuracy | mean field: error | confidence: error |")
    print("|---|---|---|---|---|")
    for name, row in found.items():
        accuracy = [row["confidence", painted].accuracy for painted in (True, False)]
        errors = [[row[who, painted].error for painted in (True, False)] for who in ("mean field", "confidence")]
        print(f"| {name} | {counts[name]} | {' | '.join(map(_pair, [accuracy, *errors]))} |")
    means = [
        [float(np.mean([row[who, painted].error for row in found.values()])) for painted in (True, False)]
        for who in ("mean field", "confidence")
    ]
    print(f"| **mean over the rows** | | | {' | '.join(map(_pair, means))} |")


def _print_bins(found: dict[str, dict[tuple[str, bool], Bins]]) -> None:
    print("\n| bin | mean field: share, said, right | confidence: share, said, right |\n|---|---|---|")
    both = [
        sum((row[who, True].shares() for row in found.values()), Bins.empty()).shares()
        for who in ("mean field", "confidence")
    ]
    for number in range(BINS):
        print(f"| {number + 1} | {' | '.join(_bin(bins, number) for bins in both)} |")


def _pair(pair: list[float]) -> str:
    return f"{pair[0]:.3f} ({pair[1]:.3f})"


def _bin(bins: Bins, number: int) -> str:
    count = bins.counts[number]
    if count == 0:
        return "-"
    return f"{count:.3f}, {bins.said[number] / count:.3f}, {bins.right[number] / count:.3f}"


if __name__ == "__main__":
    main()

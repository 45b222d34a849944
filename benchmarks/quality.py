#!/usr/bin/env python
"""How good the refined labels are on folders of images with a truth, beside what people use today.

A folder is one kind of images: `<name>_img` and `<name>_fine` (0 = unknown), PNG, and `<name>_coarse` where a person
has drawn one. Where not, coarse maps are drawn from the truth as for the bundled samples
(`scripts/make_samples.py`): once with strokes, once with polygons, for each seed. Prints a Markdown table: accuracy on
unlabelled pixels / mean class accuracy / mean IoU, means over the images, and by how much the mean IoU differs between
seeds.

    python benchmarks/quality.py streets photographs cells --seeds 3
    python benchmarks/quality.py cells --methods default fixed paper watershed "random walker"
    python benchmarks/quality.py cells --methods default "without texture" "without prior" "without paths"
"""

from __future__ import annotations

import argparse
import sys
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from make_samples import Recipe, draw_coarse
from rich.console import Console
from rich.progress import track

from napari_coarse_crf import Parameters, Refiner, evaluate_labels, refine_labels
from napari_coarse_crf.evaluation.baselines import BASELINES, fill_labels
from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.io.files import read_image, read_labels
from napari_coarse_crf.problem import read_problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Array = np.ndarray[Any, Any]

STROKES = Recipe((), (), 0.4, max_margin=12, smallest=120, brush=4, shortest=12, left_out=0.2, seed=0)
HANDS = ("strokes", "polygons")


@dataclass(frozen=True)
class Case:
    """One image with its truth and one coarse map of it."""

    row: str
    seed: int
    image: Array
    coarse: Array
    fine: Array


def default(image: Array, coarse: Array) -> Array:
    """Refine as where nothing else is asked for: the labels choose the weights."""
    return refine_labels(image, coarse)


def with_parameters(parameters: Parameters) -> Callable[[Array, Array], Array]:
    """Return refining with explicit parameters as a method."""
    return lambda image, coarse: refine_labels(image, coarse, parameters)


def without(**changes: Any) -> Callable[[Array, Array], Array]:
    """Return refining with what the labels chose, but for a term that is switched off, as a method."""

    def refine(image: Array, coarse: Array) -> Array:
        refiner = Refiner(image, coarse)
        return refiner.run(refiner.run().parameters.replace(**changes)).labels

    return refine


def texture_alone(image: Array, coarse: Array) -> Array:
    """Refine with the fixed weights, but for that of texture, which the labels choose."""
    refiner = Refiner(image, coarse)
    return refiner.run(Parameters(texture_weight=refiner.run().parameters.texture_weight)).labels


def rival(name: str) -> Callable[[Array, Array], Array]:
    """Return one of the package's baselines as a method."""
    return lambda image, coarse: fill_labels(name, read_problem(Picture(image), coarse), coarse)


METHODS: dict[str, Callable[[Array, Array], Array]] = {
    "coarse": lambda _image, coarse: coarse,
    **{name: rival(name) for name in BASELINES},
    "paper": with_parameters(Parameters.preset("paper")),
    "default": default,
    "fixed": with_parameters(Parameters()),
    "texture alone": texture_alone,
    "without texture": without(texture_weight=0.0),
    "without prior": without(prior_weight=0.0),
    "without paths": without(geodesic_exponent=0.0),
    "without appearance": without(appearance_weight=0.0),
    "without smoothness": without(smoothness_weight=0.0),
    "without cleaning": without(keep_parts="all"),
}


def drawn(fine: Array, hand: str, seed: int) -> Array:
    """Return a coarse map of `fine`; seeds differ in the hand's jitter, the brush and what is left out."""
    classes = tuple(int(label_id) for label_id in np.unique(fine[fine > 0]))
    brush = float(np.random.default_rng(seed).uniform(3, 6))
    by_hand: dict[str, Any] = {hand: classes}
    recipe = replace(STROKES, **by_hand, brush=brush, seed=seed)
    return draw_coarse(fine, recipe).astype(np.int32)


def cases(folder: Path, seeds: int, limit: int) -> Iterator[Case]:
    """Yield the cases of a folder; those with fewer than two labels drawn are left out."""
    for path in sorted(folder.glob("*_fine.png"))[:limit]:
        fine = read_labels(path).ids
        image = read_image(path.with_name(path.name.replace("_fine", "_img"))).image
        by_a_person = path.with_name(path.name.replace("_fine", "_coarse"))
        if by_a_person.exists():
            found = [Case(f"{folder.name}, by a person", 0, image, read_labels(by_a_person).ids, fine)]
        else:
            found = [
                Case(f"{folder.name}, {hand}", seed, image, drawn(fine, hand, seed), fine)
                for hand in HANDS
                for seed in range(seeds)
            ]
        yield from (case for case in found if len(np.unique(case.coarse[case.coarse > 0])) > 1)


def figures(case: Case, method: str) -> tuple[float, float, float]:
    """Return accuracy on unlabelled pixels, mean class accuracy and mean IoU."""
    scores = evaluate_labels(METHODS[method](case.image, case.coarse), case.fine, coarse=case.coarse)
    return scores.unlabelled_accuracy or 0.0, scores.mean_accuracy, scores.mean_iou


def main() -> None:
    """Score the folders given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=["watershed", "default"])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--limit", type=int, default=None, help="only so many images of a folder")
    args = parser.parse_args()
    warnings.simplefilter("ignore")  # vanished labels count in the figures
    found: dict[str, dict[str, list[tuple[int, tuple[float, float, float]]]]] = {}
    for folder in args.folders:
        everything = list(cases(folder, args.seeds, args.limit))
        for case in track(everything, description=folder.name, console=Console(stderr=True)):
            row = found.setdefault(case.row, {method: [] for method in args.methods})
            for method in args.methods:
                row[method].append((case.seed, figures(case, method)))
    print("| images | cases | " + " | ".join(args.methods) + " |")
    print("|---|---|" + "---|" * len(args.methods))
    for name, values in found.items():
        print(f"| {name} | {len(values[args.methods[0]])} | " + " | ".join(map(_cell, values.values())) + " |")
    if len(found) > 1:
        means = [np.mean([_mean(row[method]) for row in found.values()], axis=0) for method in args.methods]
        print("| mean over the rows | | " + " | ".join(map(_three, means)) + " |")


def _mean(values: list[tuple[int, tuple[float, float, float]]]) -> Array:
    mean: Array = np.mean([figures for _, figures in values], axis=0)
    return mean


def _three(values: Array) -> str:
    return " / ".join(f"{value:.3f}" for value in values)


def _cell(values: list[tuple[int, tuple[float, float, float]]]) -> str:
    ious = [np.mean([f[2] for s, f in values if s == seed]) for seed in {seed for seed, _ in values}]
    spread = f" ± {np.std(ious):.3f}" if len(ious) > 1 else ""
    return _three(_mean(values)) + spread


if __name__ == "__main__":
    main()

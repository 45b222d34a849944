#!/usr/bin/env python
"""How much of a quick look of Live differs from the full result of the same input, on the bundled samples.

python benchmarks/looks.py

For each sample with its coarse labels, and with one short stroke for each label, and for steps between pixels that a
look may have: the share of all pixels that the full result itself changes, after a slider moved by a tenth and after a
further stroke; and the share that differs between the look and that full result, both for a look that begins from the
full result before and for one that has none. The aim is less than 15 %. No times are taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_coarse_crf import Parameters, Refiner
from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.parameters import reduce_parameters
from napari_coarse_crf.samples import SAMPLE_NAMES, load_sample
from napari_coarse_crf.tiles.reduced import Earlier, enlarge_refinement, reduce_picture, step_within, thin_out_labels

if TYPE_CHECKING:
    from collections.abc import Iterator

BUDGETS = (80_000, 20_000, 5_000)  # pixels of the first look, and of ever smaller ones
MOVED = (("theta_beta", 8.8), ("smoothness_weight", 3.3), ("appearance_weight", 4.4), ("heatmap_colour", 5.5))
_STROKE = (5, 25)  # pixels, height and width


@dataclass(frozen=True)
class Row:
    """Shares of all pixels, after one change."""

    change: str
    step: int
    of_full: float
    without: float
    look: float


def main() -> None:
    """Print the table."""
    print("| sample | labels | step | change | full result changes % | look differs % | with nothing before % |")
    print("|---|---|---|---|---|---|---|")
    for name in SAMPLE_NAMES:
        sample = load_sample(name)
        strokes = {"coarse": sample.coarse, "one stroke each": one_stroke_each(sample.fine)}
        for kind, labels in strokes.items():
            for row in rows(sample.image, labels, further_stroke(labels, sample.fine)):
                shares = [f"{100 * share:.1f}" for share in (row.of_full, row.look, row.without)]
                print(f"| {name} | {kind} | {row.step} | {row.change} | {' | '.join(shares)} |", flush=True)


def rows(
    image: np.ndarray, labels: np.ndarray, painted: np.ndarray, budgets: tuple[int, ...] = BUDGETS
) -> Iterator[Row]:
    """Compare looks with full results after each change; `painted` are the labels with a further stroke."""
    parameters, refiner = Parameters(), Refiner(image, labels)
    full = refiner.run(parameters).labels
    changes = {f"{name} {value:g}": (labels, parameters.replace(**{name: value})) for name, value in MOVED}
    changes["stroke"] = painted, parameters
    wanted = {}
    for change, (now, moved) in changes.items():
        refiner.update_labels(now)
        wanted[change] = refiner.run(moved).labels
    for step in sorted({step_within(labels.shape, budget) for budget in budgets} - {1}):
        small = Refiner.of(reduce_picture(Picture(image), step, labels.ndim), thin_out_labels(labels, step))
        earlier = Earlier(full, small.run(_reduced(parameters, step)).labels, step)
        for change, (now, moved) in changes.items():
            small.update_labels(thin_out_labels(now, step))
            found = small.run(_reduced(moved, step))
            looks = [enlarge_refinement(found, step, now, None, moved, one).labels for one in (None, earlier)]
            without, look = (float((one != wanted[change]).mean()) for one in looks)
            yield Row(change, step, float((full != wanted[change]).mean()), without, look)


def _reduced(parameters: Parameters, step: int) -> Parameters:
    return reduce_parameters(parameters, step, 2).replace(iterations=5)  # as many as a look has


def one_stroke_each(fine: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return one short stroke in each label of the truth."""
    rng, strokes = np.random.default_rng(seed), np.zeros_like(fine)
    for label in np.unique(fine[fine != 0]):
        _paint(strokes, fine, rng, np.flatnonzero(fine == label))
    return strokes


def further_stroke(labels: np.ndarray, fine: np.ndarray, seed: int = 1) -> np.ndarray:
    """Return the labels with one more short stroke of the truth where there is none."""
    painted = labels.copy()
    _paint(painted, fine, np.random.default_rng(seed), np.flatnonzero((labels == 0) & (fine != 0)))
    return painted


def _paint(strokes: np.ndarray, fine: np.ndarray, rng: np.random.Generator, places: np.ndarray) -> None:
    """Paint the label of one of the places around it, as far as the truth agrees."""
    y, x = np.unravel_index(rng.choice(places), fine.shape)
    half = [length // 2 for length in _STROKE]
    box = slice(max(0, y - half[0]), y + half[0] + 1), slice(max(0, x - half[1]), x + half[1] + 1)
    strokes[box][fine[box] == fine[y, x]] = fine[y, x]


if __name__ == "__main__":
    main()

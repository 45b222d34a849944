#!/usr/bin/env python
"""What five strokes are worth at the places that are proposed, beside five at places that are wrong.

An annotator is simulated who knows the truth. They begin with one short stroke of each class, at random places; then,
five times, they are shown a place, paint a short stroke of the true label there, and the image is refined again.
"Wrong" takes a random pixel among those that the result has wrong: what a person does who sees every error. "Open"
takes a random unlabelled pixel. Takes the bundled samples, or folders as `quality.py` does. Prints a Markdown table:
mean IoU before and after the five strokes, means over images and beginnings, and by how much the proposed places are
ahead of the wrong ones, in brackets in how many of the cases.

    python benchmarks/next_place.py
    python benchmarks/next_place.py streets photographs --seeds 2 --limit 8
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.progress import track
from scipy import ndimage as ndi
from strokes import WIDTH, line_through, nearest_known

from napari_coarse_crf import evaluate_labels, refine_labels
from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.io.files import read_image, read_labels
from napari_coarse_crf.next_place import find_place
from napari_coarse_crf.samples import SAMPLE_NAMES, load_sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Array = np.ndarray[Any, Any]
    Pixel = tuple[int, ...]

STROKES = 5
MOST_PIXELS = 300_000  # of an image in a folder: larger ones take long


class Annotator:
    """Somebody who paints the truth where they are told to.

    Parameters
    ----------
    image, fine : array
        An image with its truth, 0 = unknown.
    seed : int
        Of where they begin, and of what is random afterwards.
    """

    def __init__(self, image: Array, fine: Array, seed: int) -> None:
        self.image, self.fine = image, fine
        self.random = np.random.default_rng(seed)
        self.coarse = np.zeros(fine.shape, np.int32)
        for label_id in np.unique(fine[fine > 0]):
            depth = ndi.distance_transform_edt(fine == label_id)
            self.paint(self.any_of(depth >= min(WIDTH, depth.max())))
        self.refined = refine_labels(image, self.coarse)

    @property
    def score(self) -> float:
        """Mean IoU of the result."""
        return evaluate_labels(self.refined, self.fine).mean_iou

    def any_of(self, where: Array) -> Pixel:
        """Return a random pixel."""
        pixels = np.argwhere(where)
        return tuple(map(int, pixels[self.random.integers(len(pixels))]))

    def paint(self, place: Pixel) -> None:
        """Paint a short stroke of the true label: through the place, where there is most room for it."""
        place = nearest_known(self.fine, place)
        label_id = self.fine[place]
        line = line_through(self.fine, place)
        stroke = np.zeros(self.fine.shape, np.bool_)
        stroke[tuple(np.transpose(line))] = True
        stroke = ndi.binary_dilation(stroke, np.ones((WIDTH, WIDTH)))
        self.coarse[stroke & (self.fine == label_id) & (self.coarse == 0)] = label_id

    def go_on(self, choose: Callable[[Annotator], Pixel | None]) -> float:
        """Paint five strokes, one after the other, where `choose` says, and return the score."""
        for _ in range(STROKES):
            place = choose(self)
            if place is None:
                break
            self.paint(place)
            self.refined = refine_labels(self.image, self.coarse)
        return self.score


def nowhere(_annotator: Annotator) -> None:
    """Stop painting."""


def open_place(annotator: Annotator) -> Pixel:
    """Choose a random unlabelled pixel."""
    return annotator.any_of((annotator.coarse == 0) & (annotator.fine > 0))


def wrong_place(annotator: Annotator) -> Pixel | None:
    """Choose a random pixel that is wrong."""
    wrong = (annotator.refined != annotator.fine) & (annotator.fine > 0)
    return annotator.any_of(wrong) if wrong.any() else None


def proposed_place(annotator: Annotator) -> Pixel | None:
    """Choose what the package proposes."""
    place = find_place(Picture(annotator.image), annotator.coarse)
    return None if place is None else place.position


WAYS: dict[str, Callable[[Annotator], Pixel | None]] = {
    "before": nowhere,
    "open": open_place,
    "wrong": wrong_place,
    "proposed": proposed_place,
}


def images(folder: Path | None, limit: int | None) -> Iterator[tuple[str, Array, Array]]:
    """Yield name, image and truth of the samples, each a row, or of a folder, all one row."""
    if folder is None:
        for name in SAMPLE_NAMES:
            sample = load_sample(name)
            yield f"sample {name}", sample.image, sample.fine.astype(np.int32)
        return
    paths = sorted(folder.glob("*_fine.png"))
    read = ((path, read_labels(path).ids.astype(np.int32)) for path in paths)
    fit = [(path, fine) for path, fine in read if fine.size <= MOST_PIXELS and len(np.unique(fine[fine > 0])) > 1]
    for path, fine in fit[:limit]:
        yield folder.name, read_image(path.with_name(path.name.replace("_fine", "_img"))).image, fine


def main() -> None:
    """Score the samples, or the folders given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--limit", type=int, default=None, help="only so many images of a folder")
    args = parser.parse_args()
    warnings.simplefilter("ignore")  # vanished labels count in the figures
    found: dict[str, list[list[float]]] = {}
    folders: list[Path | None] = args.folders or [None]
    for folder in folders:
        for row, image, fine in track(list(images(folder, args.limit)), console=Console(stderr=True)):
            for seed in range(args.seeds):
                scores = [Annotator(image, fine, seed).go_on(choose) for choose in WAYS.values()]
                found.setdefault(row, []).append(scores)
    print("| images | cases | " + " | ".join(WAYS) + " | gain over wrong |")
    print("|---|---|" + "---|" * (len(WAYS) + 1))
    for row, of_row in found.items():
        print(f"| {row} | {len(of_row)} | {_cells(np.array(of_row))} |")
    if len(found) > 1:
        cases = np.concatenate([np.array(of_row) for of_row in found.values()])
        print(f"| **mean over the cases** | {len(cases)} | {_cells(cases)} |")


def _cells(scores: Array) -> str:
    wrong, proposed = (scores[:, list(WAYS).index(way)] for way in ("wrong", "proposed"))
    means = " | ".join(f"{mean:.3f}" for mean in scores.mean(axis=0))
    return f"{means} | {(proposed - wrong).mean():+.3f} ({(proposed > wrong).sum()} of {len(scores)})"


if __name__ == "__main__":
    main()

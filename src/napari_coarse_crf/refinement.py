"""What a run gives: a refined label map and what to know about it, and on the way where it stands."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from napari_coarse_crf.compute.arrays import FloatArray, LabelArray
    from napari_coarse_crf.parameters import Parameters

ALL_LABELLED = "Every pixel that takes part has a label already: the labels are returned as they are."
"""The warning where nothing is left to refine."""
_MOST_NAMED = 5  # labels that a warning each is about
_TICK = 0.05
"""Seconds between two steps of a stage that has nothing new to tell but that it is alive."""


@dataclass(frozen=True, slots=True)
class Refinement:
    """A refined label map and what to know about it.

    Attributes
    ----------
    labels : ndarray
        Shape and dtype of the person's labels, which are kept; 0 = unlabelled.
    confidence : ndarray of float32
        How sure one may be of each pixel: of those at .8, about 80 % are right, if all that is in the image has been
        painted somewhere. 1 on the person's own pixels, or `label_confidence`; 0 where a pixel takes no part and has no
        label. Of the label before `min_confidence` was asked for.
    parameters : Parameters
        What it was made with, to make it again: those that were chosen, where the labels chose the weights.
    iterations : int
        Mean-field iterations that ran.
    label_counts : dict
        `{id: (pixels before, pixels after)}`, among the pixels that take part.
    warnings : tuple of str
        What a person should look at, one sentence each.
    reason : str
        Why these weights, in a sentence, and whether ids are taken for objects; "" where the weights were fixed.
    """

    labels: LabelArray
    confidence: FloatArray
    parameters: Parameters
    iterations: int
    label_counts: dict[int, tuple[int, int]]
    warnings: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands.

    Attributes
    ----------
    stage : str
        "weights", "heatmap", "appearance kernel", "smoothness kernel", "mean field", "cleaning" or "objects".
    step, total : int
        Units of work done, and at most to do.
    refinement : Refinement or None
        The result, in the last step only.
    """

    stage: str
    step: int
    total: int
    refinement: Refinement | None = None


class Report:
    """Counts units of work over all stages, and keeps quiet between them unless some time has passed."""

    def __init__(self, total: int) -> None:
        self.done = 0
        self.total = total

    def stage(self, name: str, work: Generator[int | None, None, Any]) -> Generator[Progress, None, Any]:
        """Run one stage; returns what it returns."""
        yield Progress(name, self.done, self.total)
        last = time.monotonic()
        with closing(work):
            while True:
                try:
                    unit = next(work)
                except StopIteration as stop:
                    return stop.value
                if unit is not None:
                    self.done += 1
                if unit is not None or time.monotonic() - last >= _TICK:
                    yield Progress(name, self.done, self.total)
                    last = time.monotonic()


def took_none(counts: Mapping[int, tuple[int, int]], n_open: int) -> list[str]:
    """Return sentences on labels that took none of the unlabelled pixels.

    Parameters
    ----------
    counts : mapping
        As in `Refinement.label_counts`, of the labels that should have taken some.
    n_open : int
        How many pixels were unlabelled.
    """
    idle = [label_id for label_id, (before, after) in counts.items() if after == before]
    sentences = [
        f"Label {label_id} took none of the {n_open} unlabelled pixels: paint more of it, or lower the appearance "
        "weight."
        for label_id in idle[:_MOST_NAMED]
    ]
    if len(idle) > _MOST_NAMED:
        sentences.append(f"{len(idle) - _MOST_NAMED} other labels took none of them either.")
    return sentences

"""What mean field found, merged with the person's own labels, eq. (5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_coarse_crf.compute.parallel import blocks, finish, in_chunks
from napari_coarse_crf.inputs import UNLABELLED
from napari_coarse_crf.problem import OPEN

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import FloatArray, LabelArray
    from napari_coarse_crf.crf import FieldProblem, Marginals
    from napari_coarse_crf.parameters import Parameters
    from napari_coarse_crf.problem import Problem

_BLOCK = 2**18


def merge(
    pool: ThreadPoolExecutor,
    problem: Problem,
    label_map: LabelArray,
    field: FieldProblem,
    marginals: Marginals,
    parameters: Parameters,
) -> tuple[LabelArray, FloatArray, dict[int, tuple[int, int]]]:
    """Fill the open pixels of a label map with what was found there.

    Parameters
    ----------
    pool : ThreadPoolExecutor
        Where the work is done.
    problem, label_map : Problem and array of int
        The person's.
    field, marginals : FieldProblem and Marginals
        What was solved, maybe with objects as one label, and what was found: compact labels of the person's problem.
    parameters : Parameters
        What is less sure than its `min_confidence` stays open.

    Returns
    -------
    labels, confidence : ndarray of the shape of the image
        The confidence of labelled pixels is `label_confidence` where they take part in mean field, else 1.
    counts : dict of int to (int, int)
        Pixels of each label among those that take part, before and after.
    """
    n_labels = len(problem.label_ids)
    labels, confidence = label_map.copy(), (label_map != UNLABELLED).astype(np.float32)

    def fill(start: int, stop: int) -> NDArray[np.intp]:
        """Fill in some of the free pixels; returns how many of them each label gained."""
        free, found = field.free_pixels[start:stop], marginals.best[start:stop]
        pixels, is_open = problem.pixels[free], problem.labels[free] == OPEN
        certainty = np.where(is_open, marginals.confidence[start:stop], np.float32(parameters.label_confidence))
        confidence.reshape(-1)[pixels] = certainty
        filled = is_open & (certainty >= parameters.min_confidence)
        pixels, found = pixels[filled], found[filled]
        labels.reshape(-1)[pixels] = problem.label_ids[found]
        return np.bincount(found, minlength=n_labels)

    parts = blocks(len(field.free_pixels), _BLOCK)  # few index arrays in memory
    gained = np.sum(finish(in_chunks(pool, fill, parts)), axis=0)
    before = zip(label_counts(problem).items(), gained, strict=True)
    counts = {label_id: (count, count + int(more)) for (label_id, count), more in before}
    return labels, confidence, counts


def label_counts(problem: Problem) -> dict[int, int]:
    """Return how many of the pixels that take part a person has given each label."""
    sizes = np.bincount(problem.labels[problem.labels != OPEN], minlength=len(problem.label_ids))
    return {int(label_id): int(size) for label_id, size in zip(problem.label_ids, sizes, strict=True)}

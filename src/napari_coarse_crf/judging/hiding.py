"""Hiding part of a person's labels, so that what was hidden can judge what is made of the rest.

Unlike ways, as one alone misleads: small blocks, large blocks, whole strokes, and planes of a volume; each of them
twice, with other blocks, strokes and planes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage as ndi

from napari_coarse_crf.inputs import UNLABELLED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_coarse_crf.compute.arrays import LabelArray, MaskArray

_LEAST_HIDDEN = 20  # pixels of a label, for it to be judged
_LEAST_PLANES = 3  # painted ones
_SEEDS = (1, 2)


@dataclass(frozen=True, slots=True)
class Hiding:
    """Labels with a part hidden.

    Attributes
    ----------
    way : str
        "small blocks", "large blocks", "strokes" or "planes".
    kept : ndarray
        The labels without the hidden ones.
    hidden : ndarray of bool
        Where labels are hidden of which enough are, to judge by.
    """

    way: str
    kept: LabelArray
    hidden: MaskArray


def hidings(labels: LabelArray, takes_part: MaskArray | None = None, step: int = 1) -> Iterator[Hiding]:
    """Yield the labels with a part hidden, in every way that leaves at least two labels to judge by.

    Parameters
    ----------
    labels : ndarray
        The person's labels.
    takes_part : ndarray of bool, optional
        Which pixels take part; the size of the small blocks goes by the unlabelled ones.
    step : int
        How many pixels along each axis one of these stands for, where the image was made smaller.
    """
    labelled = labels != UNLABELLED
    unlabelled = ~labelled if takes_part is None else ~labelled & takes_part
    away = ndi.distance_transform_edt(~labelled)
    typical = float(np.median(away[unlabelled])) if unlabelled.any() else 0.0
    small = max(2, 8 // step, round(2 * typical))
    large = max(4, 16 // step, max(labels.shape) // 6)
    for seed in _SEEDS:
        rng = np.random.default_rng(seed)
        ways = {
            "small blocks": _half_blocks(labels, small, rng),
            "large blocks": _half_blocks(labels, large, rng),
            "strokes": _half_strokes(labels, rng),
        }
        if (planes := _half_planes(labels, rng)) is not None:
            ways["planes"] = planes
        for way, chosen in ways.items():
            kept = _keep_every_label(labels, labelled & chosen)
            ids, counts = np.unique(labels[labelled & (kept == UNLABELLED)], return_counts=True)
            judged = ids[counts >= max(2, _LEAST_HIDDEN / step**labels.ndim)]
            if len(judged) > 1:
                yield Hiding(way, kept, (kept == UNLABELLED) & np.isin(labels, judged))


def _half_blocks(labels: LabelArray, side: int, rng: np.random.Generator) -> MaskArray:
    """Return half of the blocks of a grid."""
    blocks = rng.random([-(-size // side) for size in labels.shape]) < 0.5
    for axis, size in enumerate(labels.shape):
        blocks = np.repeat(blocks, side, axis=axis).take(range(size), axis=axis)
    return blocks


def _half_strokes(labels: LabelArray, rng: np.random.Generator) -> MaskArray:
    """Return half of the strokes of each label; of a label with one stroke, half of it, cut across."""
    chosen = np.zeros(labels.shape, np.bool_)
    ids, indices = np.unique(labels, return_inverse=True)
    boxes = ndi.find_objects(indices.reshape(labels.shape) + 1)
    for label_id, box in zip(ids, boxes, strict=True):
        if label_id == UNLABELLED:
            continue
        strokes, count = ndi.label(labels[box] == label_id, np.ones((3,) * labels.ndim))
        if count > 1:
            chosen[box] |= np.isin(strokes, 1 + rng.permutation(count)[: count // 2])
            continue
        where = np.nonzero(strokes)
        longest = max(where, key=np.ptp)
        half = longest > np.median(longest)
        chosen[box][tuple(axis[half] for axis in where)] = True
    return chosen


def _half_planes(labels: LabelArray, rng: np.random.Generator) -> MaskArray | None:
    """Return half of the planes of a volume that hold labels; None of an image, or if there are too few."""
    painted = np.flatnonzero(labels.reshape(len(labels), -1).any(axis=1))
    if labels.ndim < 3 or len(painted) < _LEAST_PLANES:
        return None
    chosen = np.zeros(labels.shape, np.bool_)
    chosen[rng.permutation(painted)[: len(painted) // 2]] = True
    return chosen


def _keep_every_label(labels: LabelArray, hidden: MaskArray) -> LabelArray:
    """Return the labels without the hidden ones; a label of which nothing would be left is kept as a whole."""
    kept = np.where(hidden, UNLABELLED, labels).astype(labels.dtype)
    lost = np.setdiff1d(np.unique(labels), np.unique(kept))
    return np.where(np.isin(labels, lost), labels, kept).astype(labels.dtype)

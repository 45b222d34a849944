"""Fewer pixels for a quick look or a trial: every n-th of the image, and labels of which no stroke is lost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.inputs import UNLABELLED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import LabelArray


def step_within(shape: Sequence[int], budget: int) -> int:
    """Return the smallest step at which an array of this shape keeps at most `budget` pixels.

    Examples
    --------
    >>> step_within((1024, 2048), 80_000)
    6
    """
    step = 1
    while step < max(shape) and math.prod(-(-size // step) for size in shape) > budget:
        step += 1
    return step


def thin_out(array: NDArray[Any], step: int, ndim: int) -> NDArray[Any]:
    """Keep every `step`-th pixel along the first `ndim` axes."""
    return np.ascontiguousarray(array[(slice(None, None, step),) * ndim])


def thin_out_labels(labels: LabelArray, step: int) -> LabelArray:
    """Keep the label of every `step`-th pixel; where it has none, the largest id of its block.

    So a stroke one pixel wide stays, which every `step`-th pixel would miss.

    Examples
    --------
    >>> thin_out_labels(np.array([[0, 0, 3], [7, 0, 0]]), 2)
    array([[7, 3]])
    """
    sampled = thin_out(labels, step, labels.ndim)
    padded = np.pad(labels, [(0, -size % step) for size in labels.shape])
    blocks = padded.reshape([part for size in padded.shape for part in (size // step, step)])
    largest = blocks.max(axis=tuple(range(1, blocks.ndim, 2)))
    thinned: LabelArray = np.where(sampled == UNLABELLED, largest, sampled)
    return thinned

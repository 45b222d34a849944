"""Reduced size, for a quick look or a trial, and the way back: every `step`-th pixel, and no stroke is lost."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from skimage.measure import block_reduce

from napari_coarse_crf.inputs import UNLABELLED, Picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import LabelArray, MaskArray
    from napari_coarse_crf.parameters import Parameters
    from napari_coarse_crf.refinement import Refinement


@dataclass(frozen=True, slots=True, eq=False)
class Earlier:
    """A full result, and what was found at reduced size for the same input.

    Attributes
    ----------
    labels : array of int
        The full result.
    small : array of int
        What every `step`-th pixel alone gave.
    step : int
        By how much it was reduced.
    """

    labels: LabelArray
    small: LabelArray
    step: int


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


def step_aligned(shape: Sequence[int], budget: int) -> int:
    """Return the same, but a power of two: blocks of a power of two begin at multiples of it.

    Examples
    --------
    >>> step_aligned((1024, 2048), 80_000)
    8
    """
    return 1 << (step_within(shape, budget) - 1).bit_length()


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
    thinned: LabelArray = np.where(sampled == UNLABELLED, block_reduce(labels, step, np.max, UNLABELLED), sampled)
    return thinned


def reduce_picture(picture: Picture, step: int, ndim: int) -> Picture:
    """Keep every `step`-th pixel of a picture whose first `ndim` axes are those of its labels."""
    mask = None if picture.mask is None else thin_out(picture.mask, step, ndim)
    return replace(picture, image=thin_out(picture.image, step, ndim), mask=mask)


def enlarge(array: NDArray[Any], step: int, shape: Sequence[int]) -> NDArray[Any]:
    """Repeat every pixel `step` times along each axis, up to `shape`."""
    for axis in range(array.ndim):
        array = np.repeat(array, step, axis=axis)
    return array[tuple(slice(size) for size in shape)]


def enlarge_refinement(
    small: Refinement,
    step: int,
    labels: LabelArray,
    mask: MaskArray | None,
    parameters: Parameters,
    earlier: Earlier | None = None,
) -> Refinement:
    """Return a refinement at full size, where the person's labels and what takes no part are as they were.

    Parameters
    ----------
    small : Refinement
        Of every `step`-th pixel.
    step : int
        By how much it was reduced.
    labels, mask, parameters
        At full size; no mask: every pixel takes part.
    earlier : Earlier, optional
        Of the same picture: its full result stays wherever nothing has changed at reduced size since. What is wrong at
        reduced size is so before and after, and cancels out.
    """
    kept = labels != UNLABELLED if mask is None else (labels != UNLABELLED) | ~mask
    found = enlarge(small.labels, step, labels.shape)
    if earlier is not None:
        found = np.where(_has_changed(small, step, earlier), found, earlier.labels)
    refined = np.where(kept, labels, found)
    confidence = np.where(kept, labels != UNLABELLED, enlarge(small.confidence, step, labels.shape))
    return replace(
        small,
        labels=refined.astype(labels.dtype, copy=False),
        confidence=confidence.astype(np.float32),
        parameters=parameters,
    )


def _has_changed(small: Refinement, step: int, earlier: Earlier) -> MaskArray:
    """Return where, at full size, an earlier full result no longer holds."""
    shape, before = earlier.labels.shape, earlier.small
    if step != earlier.step:
        before = thin_out(enlarge(before, earlier.step, shape), step, len(shape))
    changed: MaskArray = enlarge(small.labels != before, step, shape)
    gone = np.setdiff1d(before, list(small.label_counts))  # ids that nobody paints any more
    return changed | np.isin(earlier.labels, gone[gone != UNLABELLED]) if gone.any() else changed

"""The unary potential of eq. (3) in 16 bits: -log of a probability, in steps of a few ten-thousandths.

It is the largest array of a refinement, F pixels by L labels. A step changes a probability by at most .00014 of
itself, far less than a heatmap knows; half the memory, and half of what every iteration reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_coarse_crf.compute.simd import row_width

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import IndexArray, UnaryArray

LEAST_PROBABILITY = 1e-8
"""A label that occurs is never ruled out, so neighbours can still bring it in."""

MOST_UNARY = np.float32(-np.log(LEAST_PROBABILITY))

UNARY_STEP = MOST_UNARY / np.float32(2**16 - 1)
"""What 1 stands for in 16 bits."""


def pack_unary(unary: NDArray[np.floating]) -> UnaryArray:
    """Return (F, L) potentials as (F, P) numbers of steps; P is L padded to whole vectors.

    Only differences between the labels of a pixel matter, so the least of them becomes 0.
    """
    n_labels = unary.shape[1]
    packed = np.zeros((len(unary), row_width(n_labels)), np.uint16)
    above = np.minimum(unary - unary.min(axis=1, keepdims=True), MOST_UNARY)
    packed[:, :n_labels] = np.rint(above / UNARY_STEP)
    return packed


def unpack_unary(packed: UnaryArray, n_labels: int) -> NDArray[np.float32]:
    """Return (F, P) numbers of steps as (F, L) potentials."""
    unary: NDArray[np.float32] = packed[:, :n_labels] * UNARY_STEP
    return unary


def labels_as_unary(labels: IndexArray, n_labels: int, confidence: float) -> UnaryArray:
    """Return the unary potential of labelled pixels that are believed with a confidence below 1.

    The own label has the probability `confidence`, each other label an equal part of the rest.
    """
    own, other = -np.log(confidence), -np.log((1.0 - confidence) / (n_labels - 1))
    (steps,) = pack_unary(np.array([[own, other]]))
    unary = np.zeros((len(labels), row_width(n_labels)), np.uint16)
    unary[:, :n_labels] = steps[1]
    unary[np.arange(len(labels)), labels] = steps[0]
    return unary

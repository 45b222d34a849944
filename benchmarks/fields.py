"""The problem that engines are compared on: one image, its coarse labels, and the heatmap as unary potential."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from napari_coarse_crf import Refiner

_SCRIBBLED = 0.1
"""Share of labelled pixels below which a person is taken to have scribbled."""


@dataclass(frozen=True)
class Field:
    """A mean-field problem, in the plain form that every engine can start from.

    Attributes
    ----------
    image : (Y, X, 3) uint8
    labels : (Y, X) int32
        1..L, all of which occur; 0 = unlabelled. Labelled pixels keep their label in every engine.
    unary : (L, Y, X) float32
        -log of the heatmap of the default parameters: a real one, as engines may profit from pixels that settle early.
    case : str
        Size, labels and labelled share in words.
    """

    image: np.ndarray
    labels: np.ndarray
    unary: np.ndarray
    case: str

    @property
    def n_labels(self) -> int:
        """L."""
        return len(self.unary)


def make_inputs(height: int, width: int, n_labels: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a mosaic of photographs and coarse labels in about `share` of its pixels."""
    import cases  # not above: processes whose memory is measured know `Field`, but draw nothing

    draw = cases.scribbles if share < _SCRIBBLED else cases.coarse_labels
    return cases.photographs(height, width), draw(height, width, n_labels, share)


@lru_cache(maxsize=1)  # parts that follow each other use the same one
def make_field(height: int, width: int, n_labels: int, share: float) -> Field:
    """Return the field problem of `make_inputs`."""
    image, labels = make_inputs(height, width, n_labels, share)
    refiner = Refiner(image, labels)
    unary = refiner.heatmap()
    np.negative(np.log(np.maximum(unary, np.float32(1e-8), out=unary), out=unary), out=unary)
    compact = np.where(labels == 0, 0, 1 + np.searchsorted(refiner.label_ids, labels)).astype(np.int32)
    return Field(image, compact, unary, describe_case(labels))


def describe_case(labels: np.ndarray) -> str:
    """Return size, number of labels and labelled share in words."""
    height, width = labels.shape
    n_labels = len(np.unique(labels[labels != 0]))
    return f"{width} x {height}, {n_labels} labels, {(labels != 0).mean():.0%} labelled"

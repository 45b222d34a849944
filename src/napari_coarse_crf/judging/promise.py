"""What hidden labels promise for the pixels that nobody labelled.

Scores on hidden labels mislead: they lie in the middle of things, where other methods win than near outlines, and a
person's strokes cover the labels in other proportions than the image has them. So of the hidden labels we only take how
often a pixel was truly t where one method said a and the other b, and look how often the two say a and b on the
unlabelled pixels. Two ways to carry that over, from opposite assumptions; their mean is better than either:

same truth (covariate shift)
    What is said tells the truth equally often on unlabelled pixels: P(t | a, b) is that of the hidden labels.
same errors (label shift)
    A truth is mistaken equally often: P(a, b | t) is that of the hidden labels, and P(t) is what explains how often the
    unlabelled pixels have a and b. It is found by expectation maximisation (Saerens, Latinne and Decaestecker, Neural
    Computation 14, 2002), from half the labelled shares and half equal ones; stopped after one step, as unlabelled
    pixels err more than hidden labels do, which further steps would take for other shares.

Neighbouring pixels err together, and the same label may be hidden in several ways, so hidden labels are trusted as far
as they are more than 1000. Without them, the first method is taken to be right wherever the two differ (same truth),
and both to find half of every label (same errors).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Counts = NDArray[np.float64]

DOUBT = 1000.0
"""Hidden pixels, counted once for each way that hides them, that weigh as much as knowing nothing."""


@dataclass(frozen=True, slots=True)
class Said:
    """What two methods say on the same pixels.

    Attributes
    ----------
    first, second : (N,) int
        Index of the label that each gives.
    """

    first: NDArray[np.intp]
    second: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Promise:
    """By how much the second method's mean IoU over the whole image should be above the first's.

    Attributes
    ----------
    same_truth, same_errors : float
        The same from each of the two assumptions.
    """

    same_truth: float
    same_errors: float

    @property
    def gain(self) -> float:
        """The mean of both."""
        return (self.same_truth + self.same_errors) / 2


def promised(
    labelled: Counts, unlabelled: Said, hidden: Said, truth: NDArray[np.intp], doubt: float = DOUBT
) -> Promise:
    """Return what hidden labels promise for the unlabelled pixels.

    Parameters
    ----------
    labelled : (L,) float
        How many pixels the person has given each label; both methods have them right. Each at least 1.
    unlabelled : Said
        What the methods say on the pixels without a label, as indices 0..L-1.
    hidden : Said
        What they say on hidden labels.
    truth : (H,) int
        The hidden labels, 0..L-1.
    doubt : float
        How many hidden pixels weigh as much as knowing nothing.

    Returns
    -------
    Promise
        0 for both assumptions if every pixel is labelled.
    """
    if not len(unlabelled.first):
        return Promise(0.0, 0.0)
    n_labels = len(labelled)
    pairs, sizes = np.unique(unlabelled.first * n_labels + unlabelled.second, return_counts=True)
    first, second = np.divmod(pairs, n_labels)
    seen = _seen(pairs, hidden, truth, n_labels)
    hidden_sizes = np.bincount(truth, minlength=n_labels)

    def gain(true: Counts) -> float:
        return _mean_iou(labelled, second, true) - _mean_iou(labelled, first, true)

    return Promise(
        gain(_same_truth(sizes, first, seen, doubt)),
        gain(_same_errors(sizes, first == second, first, seen, hidden_sizes, labelled, doubt)),
    )


def _seen(pairs: NDArray[np.intp], hidden: Said, truth: NDArray[np.intp], n_labels: int) -> Counts:
    """Return how many hidden pixels of each pair have each label: (K, L)."""
    codes = hidden.first * n_labels + hidden.second
    rows = np.searchsorted(pairs, codes).clip(max=len(pairs) - 1)
    known = pairs[rows] == codes
    counts = np.bincount(rows[known] * n_labels + truth[known], minlength=len(pairs) * n_labels)
    return counts.reshape(len(pairs), n_labels).astype(np.float64)


def _same_truth(sizes: NDArray[Any], first: NDArray[np.intp], seen: Counts, doubt: float) -> Counts:
    """Return how many unlabelled pixels of each pair should truly have each label, from P(t | a, b)."""
    share = seen.copy()
    share[np.arange(len(first)), first] += doubt
    share *= sizes[:, None] / share.sum(axis=1, keepdims=True)
    return share


def _same_errors(
    sizes: NDArray[Any],
    agree: NDArray[np.bool_],
    first: NDArray[np.intp],
    seen: Counts,
    hidden_sizes: NDArray[Any],
    labelled: Counts,
    doubt: float,
) -> Counts:
    """Return the same from P(a, b | t).

    Without hidden pixels of a label, half of it is found by both methods, the rest is anything.
    """
    unknown = np.tile(0.5 * sizes[:, None] / sizes.sum(), (1, seen.shape[1]))
    unknown[agree, first[agree]] += 0.5
    likelihood = (seen + doubt * unknown) / (hidden_sizes + doubt)
    share = 0.5 * labelled / labelled.sum() + 0.5 / len(labelled)
    for _ in range(2):  # the second time with the shares that the first one found
        true: Counts = likelihood * share
        true *= sizes[:, None] / true.sum(axis=1, keepdims=True)
        share = true.sum(axis=0) / sizes.sum()
    return true


def _mean_iou(labelled: Counts, said: NDArray[np.intp], true: Counts) -> float:
    """Return the mean IoU if of the unlabelled pixels of each pair so many truly have each label."""
    n_labels = len(labelled)
    found = labelled + np.bincount(said, true.sum(axis=1), n_labels)
    right = labelled + np.bincount(said, true[np.arange(len(said)), said], n_labels)
    return float(np.mean(right / (found + labelled + true.sum(axis=0) - right)))

"""The scores of many images as one, in the two ways that people mean by "average".

`mean_over_images` is the source's "average over 500 images", read literally: every image weighs the same, however few
pixels of a class it has. `pooled` adds the counts of all images first: every pixel weighs the same, the usual way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.evaluation.scores import Scores

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Averages:
    """Scores of many images.

    Attributes
    ----------
    accuracy, iou : mapping of int to float
        By class of the truth; their averages are `mean_accuracy` and `mean_iou`.
    pixel_accuracy : float
        The share of right pixels.
    unlabelled_accuracy, boundary_accuracy : float
        The same of the pixels that the coarse map left open, and of those near true boundaries; NaN where there is no
        such pixel.
    """

    accuracy: Mapping[int, float]
    iou: Mapping[int, float]
    pixel_accuracy: float
    unlabelled_accuracy: float
    boundary_accuracy: float

    @property
    def mean_accuracy(self) -> float:
        """The average of `accuracy` over the classes."""
        return _mean(self.accuracy.values())

    @property
    def mean_iou(self) -> float:
        """The average of `iou` over the classes."""
        return _mean(self.iou.values())


def mean_over_images(scores: Sequence[Scores]) -> Averages:
    """Return the mean of each image's values; images whose truth lacks a class are left out of that class.

    Parameters
    ----------
    scores : sequence of Scores
        One for each image, at least one.

    Raises
    ------
    InputError
        If there are no scores.

    Examples
    --------
    >>> from napari_coarse_crf import evaluate_labels
    >>> first = evaluate_labels([[1, 1, 1, 2]], [[1, 1, 1, 1]])
    >>> second = evaluate_labels([[1, 2]], [[2, 2]])
    >>> mean_over_images([first, second]).accuracy
    {1: 0.75, 2: 0.5}
    """
    if not scores:
        raise InputError("There are no scores to average. Evaluate at least one label map first.")
    classes = sorted({label_id for part in scores for label_id in part.classes})
    accuracies, ious = [part.accuracy for part in scores], [part.iou for part in scores]
    return Averages(
        accuracy={c: _mean(values[c] for values in accuracies if c in values) for c in classes},
        iou={c: _mean(values[c] for values in ious if c in values) for c in classes},
        pixel_accuracy=_mean(part.pixel_accuracy for part in scores),
        unlabelled_accuracy=_mean(_or_nan(part.unlabelled_accuracy) for part in scores),
        boundary_accuracy=_mean(part.boundary_accuracy for part in scores),
    )


def pooled(scores: Sequence[Scores]) -> Averages:
    """Return the scores of all pixels together.

    Parameters
    ----------
    scores : sequence of Scores
        One for each image, at least one.

    Raises
    ------
    InputError
        If there are no scores.

    Examples
    --------
    >>> from napari_coarse_crf import evaluate_labels
    >>> first = evaluate_labels([[1, 1, 1, 2]], [[1, 1, 1, 1]])
    >>> second = evaluate_labels([[1, 2]], [[2, 1]])
    >>> pooled([first, second]).accuracy
    {1: 0.6, 2: 0.0}
    """
    return mean_over_images([Scores.pool(scores)])  # as those of one image


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _mean(values: Iterable[float]) -> float:
    """Return the mean of the values that are there, NaN of none."""
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan

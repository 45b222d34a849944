"""Linear discriminant analysis: from features and labels of some pixels to the labels of others.

The features of each label are taken for normally distributed around a mean of its own, with one covariance for all, and
all labels for equally likely. The covariance is shrunk a twentieth of the way to a multiple of the identity, so that
few pixels do not make it singular [Friedman 1989: regularised discriminant analysis].

Where features are like those of no label, such probabilities are near 0 and 1 all the same. So it also says how typical
a pixel is: 1 up to twice the mean squared distance of the known pixels from the mean of their label, falling with e for
every twice more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import FloatArray

_SHRUNK = 0.05
_LEAST_SPREAD = 1e-3  # what is the same everywhere says nothing
_USUAL = 2.0  # times the mean squared distance
_NEVER = -1e9


@dataclass(frozen=True, slots=True, eq=False)
class Discriminant:
    """What was learnt, in coordinates in which the covariance is the identity.

    Attributes
    ----------
    towards : (K, K) float32
        Turns features into these coordinates.
    origin : (K,) float32
        What is subtracted afterwards.
    means : (K, L) float32
        Of the labels.
    bias : (L,) float32
        -|mean|^2 / 2; very low for labels of which no pixel was known.
    usual : float
        Mean squared distance of the known pixels from the mean of their label.
    """

    towards: FloatArray
    origin: FloatArray
    means: FloatArray
    bias: FloatArray
    usual: float

    @classmethod
    def learn(cls, features: NDArray[np.floating], labels: NDArray[np.integer], n_labels: int) -> Discriminant:
        """Learn from (n, K) features and labels 0..L-1."""
        spread = features.std(axis=0, dtype=np.float64) + _LEAST_SPREAD
        centre = features.mean(axis=0, dtype=np.float64)
        standard = (features.astype(np.float64) - centre) / spread
        size, known = standard.shape[1], np.unique(labels)
        means, covariance = np.zeros((n_labels, size)), np.zeros((size, size))
        for label in known:
            own = standard[labels == label]
            means[label] = own.mean(axis=0)
            covariance += (own - means[label]).T @ (own - means[label]) / (len(own) * len(known))
        even = max(np.trace(covariance) / size, _LEAST_SPREAD)
        covariance = (1 - _SHRUNK) * covariance + _SHRUNK * even * np.eye(size)
        white = np.linalg.inv(np.linalg.cholesky(covariance)).T
        means = means @ white
        bias = np.full(n_labels, _NEVER)
        bias[known] = -0.5 * np.square(means[known]).sum(axis=1)
        towards = white / spread[:, np.newaxis]
        usual = float(np.square(standard @ white - means[labels]).sum(axis=1).mean())
        towards, origin, of_labels, bias = (
            part.astype(np.float32) for part in (towards, centre @ towards, means.T, bias)
        )
        return cls(towards, origin, of_labels, bias, usual)

    def among(self, labels: NDArray[np.integer]) -> Discriminant:
        """Return what tells some of the labels from each other alone, in this order."""
        return replace(self, means=self.means[:, labels], bias=self.bias[labels])

    def tell(self, features: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the (n, L) probabilities of the labels for (n, K) features, and (n,) how typical these are, 0 to 1."""
        white = features @ self.towards - self.origin
        scores = white @ self.means + self.bias
        best = scores.max(axis=1, keepdims=True)
        squares = np.square(white).sum(axis=1) - np.float32(2.0) * best[:, 0]  # from the nearest of the means
        beyond = np.maximum(squares / np.float32(max(self.usual, _LEAST_SPREAD)) - np.float32(_USUAL), np.float32(0.0))
        likely = np.exp(scores - best)
        likely /= likely.sum(axis=1, keepdims=True)
        return likely, np.exp(beyond / np.float32(-_USUAL))

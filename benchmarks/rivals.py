"""What people use today: pydensecrf, a KD-tree heatmap before it, and scikit-image's random walker and watershed.

Everything is imported on first use, so that a process whose memory is measured loads only what it needs.
"""

from __future__ import annotations

import time
import warnings
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from turns import Turn

if TYPE_CHECKING:
    from fields import Field

    from napari_coarse_crf import Parameters

HAS_PYDENSECRF = find_spec("pydensecrf") is not None

_IMPOSSIBLE = np.float32(1e4)
"""Unary potential of the labels that a labelled pixel does not have: no message outweighs it."""


class PyDenseCRF:
    """Krähenbühl and Koltun's engine through pydensecrf, called as its users call it (`DenseCRF2D`).

    It has no clamped labels: labelled pixels get a unary potential that no message can outweigh.

    Why it is fair: its object and its copy of the unary potential are made before the clock starts, and labels are read
    from its marginals after it stops. Features in our tile order through its raw interface were not faster.
    """

    def __init__(self, field: Field) -> None:
        from pydensecrf import densecrf

        self._densecrf = densecrf
        self._image, self._labels = np.ascontiguousarray(field.image), field.labels
        self._unary = clamped_unary(field.unary, field.labels)

    def run(self, parameters: Parameters) -> Turn:
        """Build both kernels and run mean field."""
        n_labels, (height, width) = len(self._unary), self._labels.shape
        crf = self._densecrf.DenseCRF2D(width, height, n_labels)
        crf.setUnaryEnergy(self._unary)
        start = time.perf_counter()
        add_kernels(crf, self._image, parameters)
        built = time.perf_counter()
        moments = []
        q, scratch1, scratch2 = crf.startInference()
        for _ in range(parameters.iterations):
            crf.stepInference(q, scratch1, scratch2)
            moments.append(time.perf_counter())
        labels = 1 + np.array(q).argmax(axis=0).astype(np.int32).reshape(height, width)
        return Turn(built - start, moments[-1] - built, list(np.diff(moments)), labels)


def add_kernels(crf: Any, image: np.ndarray, parameters: Parameters) -> None:
    """Add both kernels to a pydensecrf `DenseCRF2D`; this builds their lattices."""
    crf.addPairwiseBilateral(
        sxy=parameters.theta_alpha, srgb=parameters.theta_beta, rgbim=image, compat=parameters.appearance_weight
    )
    crf.addPairwiseGaussian(sxy=parameters.theta_gamma, compat=parameters.smoothness_weight)


def clamped_unary(unary: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return (L, N) potentials that hold labelled pixels fast in an engine that knows no clamped labels."""
    potentials = unary.reshape(len(unary), -1).copy()
    labelled = np.flatnonzero(labels)
    potentials[:, labelled] = _IMPOSSIBLE
    potentials[labels.reshape(-1)[labelled] - 1, labelled] = 0.0
    return potentials


def refine_with_kd_tree(image: np.ndarray, labels: np.ndarray, parameters: Parameters) -> np.ndarray:
    """Refine as a person would without this package: nearest labelled pixels by scipy's KD-tree, then pydensecrf.

    One tree for each label over positions / 60 px and colours / 15, exact, queried on all threads; then a softmax.
    """
    from pydensecrf import densecrf
    from scipy.spatial import cKDTree

    n_labels, (height, width) = int(labels.max()), labels.shape
    positions = np.indices(labels.shape).reshape(2, -1) / 60
    features = np.vstack([positions, image.reshape(-1, 3).T / 15]).T.astype(np.float32)
    known, unknown = labels.reshape(-1), np.flatnonzero(labels == 0)
    logits = np.full((n_labels, height * width), -np.inf, np.float32)  # for labels that do not occur
    for label_id in np.unique(known[known != 0]):
        tree = cKDTree(features[known == label_id], balanced_tree=False, compact_nodes=False)
        logits[label_id - 1, unknown] = -tree.query(features[unknown], workers=-1)[0]
    logits[:, unknown] -= np.log(np.exp(logits[:, unknown]).sum(axis=0))
    crf = densecrf.DenseCRF2D(width, height, n_labels)
    crf.setUnaryEnergy(clamped_unary(np.minimum(-logits, _IMPOSSIBLE), labels))
    add_kernels(crf, image, parameters)
    best: np.ndarray = np.argmax(crf.inference(parameters.iterations), axis=0)
    return 1 + best.reshape(labels.shape)


def random_walk(image: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Label by scikit-image's random walker, with the solver that needs no further package."""
    from skimage.segmentation import random_walker

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The probability range is outside")  # by its tolerance; labels are fine
        walked: np.ndarray = random_walker(image, labels, beta=1000, mode="cg_j", tol=1e-4, channel_axis=-1)
    return walked


def flood(image: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Label by scikit-image's watershed on the gradient of the grey image."""
    from skimage.color import rgb2gray
    from skimage.filters import sobel
    from skimage.segmentation import watershed

    flooded: np.ndarray = watershed(sobel(rgb2gray(image)), markers=labels)
    return flooded

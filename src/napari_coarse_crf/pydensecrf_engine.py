"""The reference engine: the C++ code of Krähenbühl and Koltun through pydensecrf, behind the same interface.

It takes any features through its raw interface, so any dimension and any channels. It has one thread and holds the GIL.
An optional install: `pip install "napari-coarse-crf[pydensecrf]"` (compiles from source).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_coarse_crf.crf import FieldProblem, Marginals
from napari_coarse_crf.errors import InputError
from napari_coarse_crf.problem import OPEN
from napari_coarse_crf.unary import unpack_unary

if TYPE_CHECKING:
    from collections.abc import Generator
    from concurrent.futures import ThreadPoolExecutor

    from napari_coarse_crf.compute.arrays import FeatureArray, FloatArray, PixelArray

_IMPOSSIBLE = np.float32(1e4)
"""Unary potential of the labels that a clamped pixel does not have."""


class PyDenseCRFEngine:
    """Krähenbühl and Koltun's engine; clamped pixels get a unary potential that no message can outweigh."""

    def __init__(self) -> None:
        """Import pydensecrf.

        Raises
        ------
        InputError
            If it is not installed.
        """
        try:
            from pydensecrf import densecrf
        except ImportError as error:
            raise InputError(
                'engine="pydensecrf" needs the package pydensecrf2 (pip install "napari-coarse-crf[pydensecrf]", needs '
                'a C++ compiler and Python < 3.13); engine="lattice" needs nothing and gives the same labels.'
            ) from error
        self._densecrf = densecrf

    def build_kernel(
        self, pool: ThreadPoolExecutor, features: FeatureArray, thetas: FloatArray
    ) -> Generator[None, None, FloatArray]:
        """Scale the features: pydensecrf builds its lattice when a field is set up."""
        yield
        return np.divide(features, thetas[:, np.newaxis])

    def infer(
        self, pool: ThreadPoolExecutor, problem: FieldProblem, kernels: list[tuple[float, FloatArray]]
    ) -> Generator[int | None, None, Marginals]:
        """Run mean field; see `Engine.infer`."""
        labels = problem.n_labels
        field = self._densecrf.DenseCRF(len(problem.clamped_labels), labels)
        field.setUnaryEnergy(_unary_of_all(problem))
        for weight, features in kernels:
            field.addPairwiseEnergy(
                features,
                float(weight),
                self._densecrf.DIAG_KERNEL,
                self._densecrf.NORMALIZE_SYMMETRIC,
            )
            yield None
        watched = slice(None) if problem.watched is None else problem.watched
        q, scratch1, scratch2 = field.startInference()
        before = np.array(q)[:, problem.free_pixels]
        for iteration in range(1, problem.iterations + 1):
            field.stepInference(q, scratch1, scratch2)
            now = np.array(q)[:, problem.free_pixels]
            yield iteration
            if problem.tolerance > 0 and np.abs(now - before)[:, watched].max(initial=0.0) <= problem.tolerance:
                break
            before = now

        def probabilities(pool: ThreadPoolExecutor, chosen: PixelArray) -> Generator[None, None, FloatArray]:
            yield
            return now[:, chosen].T

        return Marginals(now.argmax(axis=0).astype(np.int32), now.max(axis=0), iteration, probabilities)


def _unary_of_all(problem: FieldProblem) -> FloatArray:
    """Return (L, N) potentials of free and clamped pixels."""
    unary = np.full((problem.n_labels, len(problem.clamped_labels)), _IMPOSSIBLE, np.float32)
    unary[:, problem.free_pixels] = unpack_unary(problem.unary, problem.n_labels).T
    clamped = np.flatnonzero(problem.clamped_labels != OPEN)
    unary[problem.clamped_labels[clamped], clamped] = 0.0
    return unary

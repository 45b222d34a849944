"""Our engine on a field problem, its kernels' build and its iterations timed apart.

The only module that calls into the core behind the public names, as those time build and iterations together.

Why it is fair: it is timed with all that it does. Splatting the clamped pixels counts as iterations, and so does
reading out labels and confidence; pydensecrf (see `rivals`) is spared what comes before its kernels and after its
iterations.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
from turns import Turn

from napari_coarse_crf.compute.parallel import finish
from napari_coarse_crf.crf import FieldProblem, LatticeEngine
from napari_coarse_crf.inputs import Picture, read_labels
from napari_coarse_crf.problem import read_problem
from napari_coarse_crf.unary import pack_unary

if TYPE_CHECKING:
    from collections.abc import Generator

    from fields import Field

    from napari_coarse_crf import Parameters
    from napari_coarse_crf.crf import Marginals

_BLOCK = 2**16


class OurEngine:
    """The lattice engine on one field problem."""

    def __init__(self, field: Field) -> None:
        problem = read_problem(Picture(field.image), read_labels(field.labels))
        free = problem.open_pixels
        by_pixel, where = field.unary.reshape(field.n_labels, -1), problem.pixels[free]
        parts = np.array_split(where, -(-len(where) // _BLOCK))  # little of it is in memory twice
        self._unary = np.concatenate([pack_unary(by_pixel[:, part].T) for part in parts])
        self._problem, self._labels, self._free = problem, field.labels, free
        self.free_pixels = len(free)
        self.vertices: list[int] = []  # of each kernel, after a run

    def run(self, parameters: Parameters, workers: int) -> Turn:
        """Build both kernels and run mean field."""
        engine, problem = LatticeEngine(), self._problem
        n_labels = len(problem.label_ids)
        mean_field = FieldProblem(
            self._unary, self._free, problem.labels, n_labels, parameters.iterations, parameters.tolerance
        )
        with ThreadPoolExecutor(workers) as pool:
            start = time.perf_counter()
            kernels = [
                (weight, finish(engine.build_kernel(pool, problem.features[: len(thetas)], thetas)))
                for weight, thetas in _kernels(parameters)
            ]
            built = time.perf_counter()
            moments, marginals = _finish_with_moments(engine.infer(pool, mean_field, kernels))
            stop = time.perf_counter()
        self.vertices = [kernel.lattice.n_vertices for _, kernel in kernels]
        labels = self._labels.copy()
        labels.reshape(-1)[problem.pixels[self._free]] = 1 + marginals.best
        return Turn(built - start, stop - built, list(np.diff(moments)), labels)


def _kernels(parameters: Parameters) -> list[tuple[float, np.ndarray]]:
    """Return weight and thetas of both kernels: x, y, then three colours."""
    appearance = [parameters.theta_alpha] * 2 + [parameters.theta_beta] * 3
    smoothness = [parameters.theta_gamma] * 2
    return [
        (parameters.appearance_weight, np.array(appearance, np.float32)),
        (parameters.smoothness_weight, np.array(smoothness, np.float32)),
    ]


def _finish_with_moments(steps: Generator[Any, None, Marginals]) -> tuple[list[float], Marginals]:
    """Run `infer` to its end; returns when each iteration was done, and the marginals."""
    moments = []
    while True:
        try:
            if next(steps) is not None:
                moments.append(time.perf_counter())
        except StopIteration as stop:
            return moments, stop.value

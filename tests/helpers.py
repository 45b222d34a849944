"""Calls into the core that no public name makes: in one place, as these signatures may change.

Everything here takes and returns plain (N, D) and (N, L) arrays in the order of the flattened image.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.compute.lattice import Lattice, blur, build_lattice, slice_pixels, splat_labels
from napari_coarse_crf.compute.parallel import finish
from napari_coarse_crf.compute.simd import row_width
from napari_coarse_crf.crf import Engine, FieldProblem, LatticeEngine, Marginals
from napari_coarse_crf.geodesic import PixelGrid, edge_slowness, geodesic_distances
from napari_coarse_crf.inputs import Picture, read_labels
from napari_coarse_crf.problem import OPEN, Problem, read_problem
from napari_coarse_crf.unary import pack_unary

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from numpy.typing import NDArray

    from napari_coarse_crf import Parameters, Refinement, Refiner

    Array = NDArray[Any]


def lattice_of(features: Array, *, normalise: bool = False, workers: int = 1) -> Lattice:
    """Return the lattice of (N, D) features."""
    with ThreadPoolExecutor(workers) as pool:
        return finish(build_lattice(pool, *_transposed(features), normalise=normalise))


def filter_labels(lattice: Lattice, labels: Array, n_labels: int, *, blurred: bool = True, workers: int = 1) -> Array:
    """Return the (N, L) sums that the lattice gives for the one-hot vectors of (N,) labels, -1: none."""
    with ThreadPoolExecutor(workers) as pool:
        values = finish(splat_labels(pool, lattice, labels.astype(np.int32), n_labels))
        if blurred:
            finish(blur(pool, lattice, values))
    out = np.zeros((len(labels), row_width(n_labels)), np.float32)
    slice_pixels(lattice, values, np.arange(len(labels)), 1.0, out)
    return out[:, :n_labels]


def lattice_matrix(features: Array, *, normalise: bool, blurred: bool = True) -> Array:
    """Return the (N, N) float64 matrix that the lattice applies: column j is its answer to pixel j alone."""
    lattice = lattice_of(features, normalise=normalise)
    n = len(features)
    return filter_labels(lattice, np.arange(n), n, blurred=blurred).astype(np.float64)


def mean_field(
    unary: Array,
    kernels: Sequence[tuple[float, Array]],
    *,
    iterations: int,
    tolerance: float = 0.0,
    clamped: Array | None = None,
    watched: Array | None = None,
    engine: Callable[[], Engine] = LatticeEngine,
    workers: int = 2,
) -> Marginals:
    """Run an engine on (N, L) potentials and (weight, (N, D) features); `clamped` (N,) holds labels, -1 where free.

    The marginals are those of the free pixels.
    """
    n, n_labels = unary.shape
    clamped = np.full(n, OPEN, np.int32) if clamped is None else clamped.astype(np.int32)
    free = np.flatnonzero(clamped == OPEN)
    chosen = engine()
    with ThreadPoolExecutor(workers) as pool:
        built = [(weight, finish(chosen.build_kernel(pool, *_transposed(features)))) for weight, features in kernels]
        problem = FieldProblem(pack_unary(unary[free]), free, clamped, n_labels, iterations, tolerance, watched)
        return finish(chosen.infer(pool, problem, built))


class Recorder:
    """An engine that keeps what mean field itself says of its labels."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.pixels, self.probability = np.zeros(0, np.intp), np.zeros(0, np.float32)

    def build_kernel(self, pool: ThreadPoolExecutor, features: Array, thetas: Array) -> Generator[None, None, Any]:
        return self.engine.build_kernel(pool, features, thetas)

    def infer(
        self, pool: ThreadPoolExecutor, problem: FieldProblem, kernels: list[tuple[float, Any]]
    ) -> Generator[int | None, None, Marginals]:
        marginals = yield from self.engine.infer(pool, problem, kernels)
        self.pixels, self.probability = problem.free_pixels, marginals.confidence
        return marginals


def with_probability(refiner: Refiner, parameters: Parameters) -> Refinement:
    """Refine, and give for the confidence what mean field itself says: the probability of its best label."""
    recorder = Recorder(refiner._engine)
    refiner._engine = recorder
    refinement = refiner.run(parameters)
    probability = refinement.confidence.copy()
    probability.reshape(-1)[refiner._problem.pixels[recorder.pixels]] = recorder.probability
    refiner._engine = recorder.engine
    return replace(refinement, confidence=probability)


def problem_of(image: Array, labels: Array, **options: Any) -> Problem:
    """Return the problem that the core makes of its inputs."""
    return read_problem(Picture(image, **options), read_labels(labels))


def _transposed(features: Array) -> tuple[Array, Array]:
    """Return (D, N) features and the (D,) thetas that they are still to be divided by."""
    return np.ascontiguousarray(features.T, dtype=np.float32), np.ones(features.shape[1], np.float32)


@dataclass(frozen=True)
class Geodesic:
    """Distances of the unlabelled pixels, where these stand in the flattened image, and the slowness of all pixels."""

    distances: Array
    pixels: Array
    slowness: Array


def geodesic(image: Array, labels: Array, weight: float, crossing: float = 0.0, **options: Any) -> Geodesic:
    """Return the (F, L) geodesic distances, and the slowness (shape of the labels) that they were found with."""
    problem = problem_of(image, labels, **options)
    found = np.empty((problem.n_open, row_width(len(problem.label_ids))), np.float32)

    def keep(rows: slice, columns: slice, distances: Array) -> None:
        found[rows, columns] = distances

    grid = PixelGrid(problem)
    with ThreadPoolExecutor(2) as pool:
        slow = finish(edge_slowness(pool, problem, grid, 1.0, weight))
        finish(geodesic_distances(pool, problem, grid, slow, crossing, keep))
    slowness = np.full(labels.shape, np.inf, np.float32)
    slowness.reshape(-1)[problem.pixels] = slow[grid.cells]
    return Geodesic(found[:, : len(problem.label_ids)], problem.pixels[problem.open_pixels], slowness)


def halved(labels: Array) -> Array:
    """Return a label map at half the size: what two by two pixels hold."""
    rows, columns = (size // 2 for size in labels.shape)
    blocks: Array = labels.reshape(rows, 2, columns, 2)
    return blocks.max((1, 3))


def doubtful_image() -> Array:
    """Return a dark and a bright half, and between them a large and a small patch of a grey between."""
    image = np.full((120, 200), 40, np.uint8)
    image[:, 100:] = 200
    image[60:110, 75:125] = 120
    image[8:23, 92:107] = 120
    return image


def strokes_at_the_sides(left: int, right: int) -> Array:
    """Return a stroke along each side of `doubtful_image`."""
    labels = np.zeros((120, 200), np.int32)
    labels[5:115, 5], labels[5:115, 195] = left, right
    return labels

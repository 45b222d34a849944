"""Mean field in a fully connected CRF, eq. (3) and (4), on our own lattice.

The energy is E(x) = sum_i psi_u(x_i) + sum_{i<j} [x_i != x_j] (w1 k_appearance(i, j) + w2 k_smoothness(i, j)), a Potts
model. Mean field [KK11, Algorithm 1] repeats

    Q_i(l)  <-  softmax over l of  -psi_u(l) + w1 (K1 Q)_i(l) + w2 (K2 Q)_i(l)

where K is the symmetrically normalised Gaussian filter. As in the code of [KK11], a pixel's message to itself stays in:
K is then positive semidefinite, and parallel updates do not raise the free energy.

Clamped pixels keep their label through all iterations; only the other, *free* pixels are updated. Each kernel is
linear, so the clamped pixels are splat once and every iteration begins from that.

References
----------
[KK11] Krähenbühl, Koltun: Efficient inference in fully connected CRFs with Gaussian edge potentials. NIPS 2011.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numba import njit

from napari_coarse_crf.lattice import Lattice, blur, build_lattice, merge, splat_labels
from napari_coarse_crf.parallel import blocks, in_chunks
from napari_coarse_crf.simd import (
    LANES,
    add,
    broadcast,
    exponential,
    larger,
    largest,
    load,
    magnitude,
    multiply,
    multiply_add,
    padded,
    store,
    subtract,
    total,
)

if TYPE_CHECKING:
    from collections.abc import Generator
    from concurrent.futures import ThreadPoolExecutor

    from numpy.typing import NDArray

    from napari_coarse_crf.inputs import FeatureArray, FloatArray, IndexArray, MaskArray


_ROW_BLOCK = 2**14
_FIXED_LANES = 4


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What mean field needs besides its kernels.

    Attributes
    ----------
    unary : (F, P) float32
        psi_u of the free pixels; P is L padded to whole vectors with a large number.
    free_pixels : (F,) int
        Which of the N pixels are updated, ascending.
    clamped_labels : (N,) int32
        Label of each clamped pixel, `OPEN` for the others.
    n_labels : int
        L.
    iterations, tolerance
        As in `Parameters`.
    watched : (F,) bool, optional
        Which free pixels count for `tolerance`; by default all.
    """

    unary: FloatArray
    free_pixels: NDArray[np.intp]
    clamped_labels: IndexArray
    n_labels: int
    iterations: int
    tolerance: float
    watched: MaskArray | None = None


@dataclass(frozen=True, slots=True)
class Marginals:
    """What mean field found for the F free pixels: best label, its probability, and the iterations it took."""

    best: IndexArray
    confidence: FloatArray
    iterations: int


class Engine(Protocol):
    """Builds the kernels of one image and runs mean field over them."""

    def build_kernel(
        self, pool: ThreadPoolExecutor, features: FeatureArray, thetas: FloatArray
    ) -> Generator[None, None, Any]:
        """Prepare the Gaussian kernel over (D, N) features with a standard deviation theta for each of the D."""

    def infer(
        self, pool: ThreadPoolExecutor, problem: FieldProblem, kernels: list[tuple[float, Any]]
    ) -> Generator[int | None, None, Marginals]:
        """Run mean field over (weight, kernel) pairs; yields the number of each finished iteration."""


class LatticeEngine:
    """The engine of this package: permutohedral lattices on threads.

    It keeps its filters, so that another run over the same kernels and labels begins at once, in the same memory.
    """

    def __init__(self) -> None:
        self._filters: list[_Filter] = []

    def build_kernel(
        self, pool: ThreadPoolExecutor, features: FeatureArray, thetas: FloatArray
    ) -> Generator[None, None, Lattice]:
        """Build the symmetrically normalised lattice; see `Engine.build_kernel`."""
        self._filters = []  # frees the memory of the kernel that this one takes the place of
        return build_lattice(pool, features, thetas, normalise=True)

    def infer(
        self, pool: ThreadPoolExecutor, problem: FieldProblem, kernels: list[tuple[float, Lattice]]
    ) -> Generator[int | None, None, Marginals]:
        """Run mean field; see `Engine.infer`."""
        # Those for other labels go now: their memory is not held while new ones are made.
        kept = [old for old in self._filters if old.clamped_labels is problem.clamped_labels]
        filters = self._filters = []
        for weight, lattice in kernels:
            filters.append((yield from _start_filter(pool, lattice, weight, problem, kept)))
        del kept
        field = _Field(problem, filters)
        yield from field.update(pool, message=False)
        for iteration in range(1, problem.iterations + 1):
            for kernel in filters:
                yield from kernel.blur(pool)
            change = yield from field.update(pool, last=iteration == problem.iterations)
            yield iteration
            if change <= problem.tolerance:
                break
        return Marginals(field.best, field.confidence, iteration)


@dataclass(slots=True)
class _Filter:
    """One kernel at work: values just blurred, to be sliced, and values being splat, to be blurred next."""

    lattice: Lattice
    clamped_labels: IndexArray
    weight: np.float32
    blurred: FloatArray
    splat: FloatArray
    # The clamped pixels' splat, which every iteration begins from. Most vertices see one label or none of them, so
    # only what is not 0 is kept: where in the flattened values, and how much.
    clamped_index: NDArray[np.int64]
    clamped_value: FloatArray

    def blur(self, pool: ThreadPoolExecutor) -> Generator[None, None, None]:
        """Turn what was splat into what is to be sliced, and begin the next splat."""
        yield from merge(pool, self.lattice, self.splat)
        yield from blur(pool, self.lattice, self.splat)
        self.splat, self.blurred = self.blurred, self.splat
        yield from self.begin_splat(pool)

    def begin_splat(self, pool: ThreadPoolExecutor) -> Generator[None, None, None]:
        """Set the values to what the clamped pixels splat."""
        rows = blocks(len(self.splat), _ROW_BLOCK)
        cuts = np.searchsorted(self.clamped_index, [a * self.splat.shape[1] for a, _ in rows] + [self.splat.size])
        tasks = [
            (self.splat[a:b], self.clamped_index[i:j] - a * self.splat.shape[1], self.clamped_value[i:j])
            for (a, b), (i, j) in zip(rows, pairwise(cuts), strict=True)
        ]
        yield from in_chunks(pool, _begin_splat, tasks)


def _start_filter(
    pool: ThreadPoolExecutor, lattice: Lattice, weight: float, problem: FieldProblem, kept: list[_Filter]
) -> Generator[None, None, _Filter]:
    """Return a filter that holds what the clamped pixels splat; one of those `kept` for its labels if it can."""
    for old in kept:
        if old.lattice is lattice:
            old.weight = np.float32(weight)
            yield from old.begin_splat(pool)
            return old
    splat = yield from splat_labels(pool, lattice, problem.clamped_labels, problem.n_labels)
    splat[lattice.n_vertices :] = 0.0  # the private rows are merged already
    index = np.flatnonzero(splat)
    blurred, value = np.zeros_like(splat), splat.reshape(-1)[index]
    return _Filter(lattice, problem.clamped_labels, np.float32(weight), blurred, splat, index, value)


def _begin_splat(splat: FloatArray, index: NDArray[np.int64], value: FloatArray) -> None:
    splat.fill(0.0)
    splat.reshape(-1)[index] = value


class _Field:
    """The free pixels' marginals, updated chunk by chunk in one fused pass: slice, softmax, splat."""

    def __init__(self, problem: FieldProblem, filters: list[_Filter]) -> None:
        self._problem = problem
        self._filters = filters
        free = problem.free_pixels
        self.best = np.zeros(len(free), np.int32)
        self.confidence = np.zeros(len(free), np.float32)
        self._watched = np.ones(len(free), np.bool_) if problem.watched is None else problem.watched
        # Q itself is kept only where its change decides when to stop.
        self._q = np.zeros((len(free) if problem.tolerance > 0 else 0, padded(problem.n_labels)), np.float32)
        bounds = filters[0].lattice.starts if filters else (0, len(problem.clamped_labels))
        self._ranges = list(pairwise(np.searchsorted(free, bounds)))

    def update(
        self, pool: ThreadPoolExecutor, *, message: bool = True, last: bool = False
    ) -> Generator[None, None, float]:
        """Do Q <- softmax(-unary + messages) for all free pixels; returns the largest watched |change|.

        The new Q is splat for the next iteration, unless this is the `last`; the best labels are read out where it may
        be the last. The change is infinite where Q is not kept.
        """
        problem = self._problem
        read_out = last or problem.tolerance > 0
        kernels = [
            argument
            for kernel in (*self._filters, _NO_FILTER, _NO_FILTER)[:2]
            for argument in (kernel.weight, kernel.lattice.rows, kernel.lattice.weights, kernel.blurred, kernel.splat)
        ]
        # The kernel is compiled anew for each length of this tuple, so that its loops over labels have a fixed length:
        # 10 % faster with three vectors of labels, 20 % with one. More vectors than four share one version.
        lanes = (0,) * min(problem.unary.shape[1] // LANES, _FIXED_LANES + 1)
        tasks = []
        for start, stop in self._ranges:
            part = slice(start, stop)
            read = [self.best[part], self.confidence[part], self._q[part], self._watched[part], problem.n_labels]
            tasks.append(
                (lanes, problem.unary[part], problem.free_pixels[part], *kernels, message, not last, read_out, *read)
            )
        changes = yield from in_chunks(pool, _update_kernel, tasks)
        return max(changes) if len(self._q) else np.inf


_NO_VALUES = np.zeros((0, 0), np.float32)
_NO_FILTER = _Filter(
    lattice=Lattice(
        rows=np.zeros((0, 0), np.int32),
        weights=_NO_VALUES,
        n_vertices=0,
        private_vertices=np.zeros(0, np.int32),
        chains=(),
        starts=(0,),
    ),
    clamped_labels=np.zeros(0, np.int32),
    weight=np.float32(0.0),
    blurred=_NO_VALUES,
    splat=_NO_VALUES,
    clamped_index=np.zeros(0, np.int64),
    clamped_value=np.zeros(0, np.float32),
)
"""A kernel of no corners: stands in where a weight is 0, so that one compiled signature serves all."""


@njit(nogil=True, cache=True)
def _update_kernel(  # type: ignore[no-untyped-def]
    lanes, unary, free_pixels,
    weight1, rows1, weights1, blurred1, splat1,
    weight2, rows2, weights2, blurred2, splat2,
    message, splat, read_out, best, confidence, q, watched, n_labels,
):  # fmt: skip
    """Slice both kernels, softmax, splat [KK11, Algorithm 1], pixel by pixel; returns the largest watched |dQ|."""
    width = LANES * len(lanes) if len(lanes) <= _FIXED_LANES else unary.shape[1]
    work = np.empty(width, np.float32)
    largest_change = np.float32(0.0)
    for i in range(len(free_pixels)):
        n = free_pixels[i]
        for block in range(0, width, LANES):
            store(work, block, subtract(broadcast(np.float32(0.0)), load(unary, i * width + block)))
        if message:
            _slice_into(work, width, weight1, rows1, weights1, n, blurred1)
            _slice_into(work, width, weight2, rows2, weights2, n, blurred2)
        if read_out:
            best[i] = np.argmax(work[:n_labels])
        confidence[i] = _softmax(work, width)
        if len(q) > 0:
            change = _replace(q, i * width, work, width)
            if watched[i]:
                largest_change = max(largest_change, change)
        if splat:
            _splat_from(work, width, rows1, weights1, n, splat1)
            _splat_from(work, width, rows2, weights2, n, splat2)
    return largest_change


@njit(nogil=True, forceinline=True)
def _slice_into(work, width, weight, rows, weights, n, values):  # type: ignore[no-untyped-def]
    """Add the weighted message that one kernel has for pixel n."""
    block = 0
    while block + 3 * LANES <= width:  # three at a time: the row is looked up once
        a, b, c = load(work, block), load(work, block + LANES), load(work, block + 2 * LANES)
        for corner in range(rows.shape[1]):
            share = broadcast(weight * weights[n, corner])
            row = np.intp(rows[n, corner]) * width + block
            a = multiply_add(share, load(values, row), a)
            b = multiply_add(share, load(values, row + LANES), b)
            c = multiply_add(share, load(values, row + 2 * LANES), c)
        store(work, block, a)
        store(work, block + LANES, b)
        store(work, block + 2 * LANES, c)
        block += 3 * LANES
    while block < width:
        message = load(work, block)
        for corner in range(rows.shape[1]):
            share = broadcast(weight * weights[n, corner])
            message = multiply_add(share, load(values, np.intp(rows[n, corner]) * width + block), message)
        store(work, block, message)
        block += LANES


@njit(nogil=True, forceinline=True)
def _splat_from(work, width, rows, weights, n, values):  # type: ignore[no-untyped-def]
    """Add pixel n's probabilities to the corners of its simplex."""
    block = 0
    while block + 3 * LANES <= width:
        a, b, c = load(work, block), load(work, block + LANES), load(work, block + 2 * LANES)
        for corner in range(rows.shape[1]):
            share = broadcast(weights[n, corner])
            row = np.intp(rows[n, corner]) * width + block
            store(values, row, multiply_add(share, a, load(values, row)))
            store(values, row + LANES, multiply_add(share, b, load(values, row + LANES)))
            store(values, row + 2 * LANES, multiply_add(share, c, load(values, row + 2 * LANES)))
        block += 3 * LANES
    while block < width:
        probability = load(work, block)
        for corner in range(rows.shape[1]):
            share = broadcast(weights[n, corner])
            row = np.intp(rows[n, corner]) * width + block
            store(values, row, multiply_add(share, probability, load(values, row)))
        block += LANES


@njit(nogil=True, forceinline=True)
def _softmax(work, width):  # type: ignore[no-untyped-def]
    """Turn logits into probabilities in place; returns the largest."""
    top = load(work, 0)
    for block in range(LANES, width, LANES):
        top = larger(top, load(work, block))
    highest = broadcast(largest(top))
    mass = broadcast(np.float32(0.0))
    for block in range(0, width, LANES):
        unnormalised = exponential(subtract(load(work, block), highest))
        store(work, block, unnormalised)
        mass = add(mass, unnormalised)
    inverse = np.float32(1.0) / total(mass)
    for block in range(0, width, LANES):
        store(work, block, multiply(load(work, block), broadcast(inverse)))
    return inverse  # the largest term of the sum was exp(0) = 1


@njit(nogil=True, forceinline=True)
def _replace(q, start, work, width):  # type: ignore[no-untyped-def]
    """Write new probabilities over old ones; returns the largest |change|."""
    change = broadcast(np.float32(0.0))
    for block in range(0, width, LANES):
        probability = load(work, block)
        change = larger(change, magnitude(subtract(probability, load(q, start + block))))
        store(q, start + block, probability)
    return largest(change)

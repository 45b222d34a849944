"""Mean field in a fully connected CRF, eq. (3) and (4), on our own lattice.

The energy is E(x) = sum_i psi_u(x_i) + sum_{i<j} [x_i != x_j] (w1 k_appearance(i, j) + w2 k_smoothness(i, j)), a Potts
model. Mean field [KK11, Algorithm 1] repeats

    Q_i(l)  <-  softmax over l of  -psi_u(l) + w1 (K1 Q)_i(l) + w2 (K2 Q)_i(l)

where K is the symmetrically normalised Gaussian filter. As in the code of [KK11], a pixel's message to itself stays in:
K is then positive semidefinite, and parallel updates do not raise the free energy.

Clamped pixels keep their label through all iterations; only the other, *free* pixels are updated. Each kernel is
linear, so the clamped pixels are splat once and every iteration begins from that. Free pixels are updated in every
iteration: to let those rest that are certain, and to bound how far their messages have drifted since, takes longer.

References
----------
[KK11] Krähenbühl, Koltun: Efficient inference in fully connected CRFs with Gaussian edge potentials. NIPS 2011.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numba import njit

from napari_coarse_crf.compute.compiling import compiled
from napari_coarse_crf.compute.filters import (
    AHEAD,
    STRETCH,
    Filter,
    add_message,
    fetch,
    free_parts,
    no_kernel,
    splat_pixel,
    start_filter,
)
from napari_coarse_crf.compute.lattice import Lattice, build_lattice
from napari_coarse_crf.compute.parallel import in_chunks
from napari_coarse_crf.compute.simd import (
    add_vectors,
    broadcast,
    columns,
    exponential,
    larger_of_vectors,
    largest,
    load_strip,
    magnitude,
    multiply,
    multiply_add,
    row_width,
    store,
    strip_of,
    subtract,
    total,
    width_of,
)
from napari_coarse_crf.problem import OPEN
from napari_coarse_crf.unary import UNARY_STEP, labels_as_unary

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from concurrent.futures import ThreadPoolExecutor

    from napari_coarse_crf.compute.arrays import FeatureArray, FloatArray, IndexArray, MaskArray, PixelArray, UnaryArray
    from napari_coarse_crf.parameters import Parameters
    from napari_coarse_crf.problem import Problem


_NEVER = -1e9  # logit of the columns that pad the labels to whole vectors
_KERNELS = 2  # that the compiled update sees, see `no_kernel`


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What mean field needs besides its kernels.

    Attributes
    ----------
    unary : (F, P) uint16
        psi_u of the free pixels in steps of `UNARY_STEP`; P is L padded to whole vectors.
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
    n_terms : int
        How many terms the heatmap is the sum of: see `confidence`.
    """

    unary: UnaryArray
    free_pixels: PixelArray
    clamped_labels: IndexArray
    n_labels: int
    iterations: int
    tolerance: float
    watched: MaskArray | None = None
    n_terms: int = 1


def field_problem(problem: Problem, unary: UnaryArray, parameters: Parameters, n_terms: int) -> FieldProblem:
    """Return what mean field is to solve: labelled pixels are clamped, or soft where the person is not sure of them.

    Parameters
    ----------
    problem : Problem
        Its unlabelled pixels are free.
    unary : (F, P) uint16
        Of these.
    parameters, n_terms
        `label_confidence`, and when to stop; see `FieldProblem`.
    """
    n_labels = len(problem.label_ids)
    free, clamped, watched = problem.open_pixels, problem.labels, None
    if parameters.label_confidence < 1:
        labelled = np.flatnonzero(problem.labels != OPEN)
        both = np.empty((len(problem.labels), unary.shape[1]), np.uint16)
        both[free] = unary
        both[labelled] = labels_as_unary(problem.labels[labelled], n_labels, parameters.label_confidence)
        unary, free, clamped = both, np.arange(len(both)).astype(free.dtype), np.full_like(clamped, OPEN)
        watched = problem.labels == OPEN
    stop = parameters.iterations, parameters.tolerance
    return FieldProblem(unary, free, clamped, n_labels, *stop, watched, n_terms)


@dataclass(frozen=True, slots=True)
class Marginals:
    """What mean field found for the F free pixels.

    Attributes
    ----------
    best, confidence : (F,) int32 and float32
        The most probable label, and its probability; what comes after mean field makes of that how sure it is.
    iterations : int
        How many ran.
    probabilities : callable
        Takes a pool and ascending places among the free pixels; the generator returns the (R, L) probabilities of all
        labels there. They are found anew for the few that ask, rather than kept for all; so only until the kernels are
        used again.
    """

    best: IndexArray
    confidence: FloatArray
    iterations: int
    probabilities: Callable[[ThreadPoolExecutor, PixelArray], Generator[None, None, FloatArray]]


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


@dataclass(slots=True, eq=False)
class LatticeKernel:
    """A kernel of the `LatticeEngine`.

    Attributes
    ----------
    lattice : Lattice
        Symmetrically normalised.
    filter : Filter or None
        What the last run left: another one over the same labels begins at once, in the same memory. It belongs to the
        kernel, so whoever lets go of that frees both.
    """

    lattice: Lattice
    filter: Filter | None = None


class LatticeEngine:
    """The engine of this package: permutohedral lattices on threads."""

    def build_kernel(
        self, pool: ThreadPoolExecutor, features: FeatureArray, thetas: FloatArray
    ) -> Generator[None, None, LatticeKernel]:
        """Build the lattice; see `Engine.build_kernel`."""
        return LatticeKernel((yield from build_lattice(pool, features, thetas, normalise=True)))

    def infer(
        self, pool: ThreadPoolExecutor, problem: FieldProblem, kernels: list[tuple[float, LatticeKernel]]
    ) -> Generator[int | None, None, Marginals]:
        """Run mean field; see `Engine.infer`."""
        filters = yield from _start_filters(pool, problem, kernels)
        field = _Field(problem, filters)
        yield from field.update(pool, message=False)
        for iteration in range(1, problem.iterations + 1):
            for kernel in filters:
                yield from kernel.blur(pool)
            change = yield from field.update(pool, last=iteration == problem.iterations)
            yield iteration
            if change <= problem.tolerance:
                break
        return Marginals(field.best, field.confidence, iteration, field.probabilities)


def _start_filters(
    pool: ThreadPoolExecutor, problem: FieldProblem, kernels: list[tuple[float, LatticeKernel]]
) -> Generator[None, None, list[Filter]]:
    """Return a filter for each kernel that holds what the clamped pixels splat: the last run's where they fit."""
    clamped, free = problem.clamped_labels, problem.free_pixels
    for _, kernel in kernels:
        if kernel.filter is not None and kernel.filter.clamped_labels is not clamped:
            kernel.filter = None  # now, for all: its memory is not held while new ones are made
    starts = kernels[0][1].lattice.starts if kernels else (0, len(clamped))
    absent = [(0.0, LatticeKernel(no_kernel(starts))) for _ in range(_KERNELS - len(kernels))]
    filters = []
    for weight, kernel in (*kernels, *absent):
        if kernel.filter is None:
            kernel.filter = yield from start_filter(pool, kernel.lattice, weight, clamped, free, problem.n_labels)
        else:
            kernel.filter.weight = np.float32(weight)
            yield from kernel.filter.begin_splat(pool)
        filters.append(kernel.filter)
    return filters


class _Field:
    """The free pixels' marginals, updated chunk by chunk in one fused pass: slice, softmax, splat."""

    def __init__(self, problem: FieldProblem, filters: list[Filter]) -> None:
        self._problem = problem
        self._filters = filters
        free = problem.free_pixels
        self.best = np.zeros(len(free), np.int32)
        self.confidence = np.zeros(len(free), np.float32)
        self._watched = np.ones(len(free), np.bool_) if problem.watched is None else problem.watched
        # Q itself is kept only where its change decides when to stop.
        self._q = np.zeros((len(free) if problem.tolerance > 0 else 0, row_width(problem.n_labels)), np.float32)
        self._parts = free_parts(problem.free_pixels, filters[0].lattice.starts)

    def update(
        self, pool: ThreadPoolExecutor, *, message: bool = True, last: bool = False
    ) -> Generator[None, None, float]:
        """Do Q <- softmax(-unary + messages) for all free pixels; returns the largest watched |change|.

        The new Q is splat for the next iteration, unless this is the `last`; the best labels are read out where it may
        be the last. The change is infinite where Q is not kept.
        """
        what = message, not last, last or self._problem.tolerance > 0
        tasks = [
            self._task(number, part, what, self.best[part], self.confidence[part], self._q[part])
            for number, part in enumerate(self._parts)
        ]
        changes = yield from in_chunks(pool, _update_kernel, tasks)
        return max(changes) if len(self._q) else np.inf

    def probabilities(self, pool: ThreadPoolExecutor, chosen: PixelArray) -> Generator[None, None, FloatArray]:
        """Return the (R, L) Q of some free pixels: kept, or once more from the messages of the last update."""
        n_labels = self._problem.n_labels
        if len(self._q):
            return self._q[chosen, :n_labels]
        q = np.zeros((len(chosen), row_width(n_labels)), np.float32)
        best, confidence = np.zeros(len(chosen), np.int32), np.zeros(len(chosen), np.float32)
        tasks = []
        for number, part in enumerate(self._parts):
            rows = slice(*np.searchsorted(chosen, (part.start, part.stop)))
            tasks.append(self._task(number, chosen[rows], (True, False, False), best[rows], confidence[rows], q[rows]))
        yield from in_chunks(pool, _update_kernel, tasks)
        return q[:, :n_labels]

    def _task(
        self,
        number: int,
        pixels: slice | PixelArray,
        what: tuple[bool, bool, bool],
        best: IndexArray,
        confidence: FloatArray,
        q: FloatArray,
    ) -> tuple[Any, ...]:
        """Return what the kernel takes to update free pixels of one chunk; `what`: message, splat, read_out."""
        problem = self._problem
        width = problem.unary.shape[1]
        never = np.where(np.arange(width) < problem.n_labels, 0.0, _NEVER).astype(np.float32)
        kernels = [kernel.chunk(number) for kernel in self._filters]
        field = [never, problem.unary[pixels], problem.free_pixels[pixels], *kernels]
        return (strip_of(width), *field, *what, best, confidence, q, self._watched[pixels], problem.n_labels)


@compiled
def _update_kernel(  # type: ignore[no-untyped-def]
    strip, never, unary, free_pixels, first, second, message, splat, read_out, best, confidence, q, watched, n_labels
):
    """Slice both kernels, softmax, splat [KK11, Algorithm 1], pixel by pixel; returns the largest watched |dQ|.

    `first` and `second` are a `KernelChunk` of each kernel.
    """
    width = width_of(strip, unary)
    row = np.empty(width, np.float32)
    largest_change = np.float32(0.0)
    for i in range(len(free_pixels)):
        if i % STRETCH == 0:
            stretch = i // STRETCH + AHEAD
            fetch(strip, stretch, free_pixels, first)
            fetch(strip, stretch, free_pixels, second)
        n = free_pixels[i]
        highest = broadcast(np.float32(-np.inf))
        for column in columns(strip, width):
            steps, padding = load_strip(unary, i * width + column, strip), load_strip(never, column, strip)
            logit = multiply_add(steps, -UNARY_STEP, padding)
            if message:
                logit = add_message(strip, logit, first, n, column)
                logit = add_message(strip, logit, second, n, column)
            highest = larger_of_vectors(highest, logit)
            store(row, column, logit)
        if read_out:
            best[i] = _best_label(row, n_labels)
        # The largest exponential is exp(0) = 1, so this is its probability, too.
        confidence[i] = np.float32(1.0) / _to_exponentials(strip, row, largest(highest))
        changes = broadcast(np.float32(0.0))
        for column in columns(strip, width):
            probability = multiply(load_strip(row, column, strip), confidence[i])
            if len(q) > 0:
                change = magnitude(subtract(probability, load_strip(q, i * width + column, strip)))
                changes = larger_of_vectors(changes, change)
                store(q, i * width + column, probability)
            if splat:
                splat_pixel(strip, probability, first, n, column)
                splat_pixel(strip, probability, second, n, column)
        if len(q) > 0 and watched[i]:
            largest_change = max(largest_change, largest(changes))
    return largest_change


@njit(nogil=True, forceinline=True)
def _best_label(row, n_labels):  # type: ignore[no-untyped-def]
    """Return the first of the labels whose number is largest."""
    best = 0
    for label in range(1, n_labels):
        best = label if row[label] > row[best] else best
    return best


@njit(nogil=True, forceinline=True)
def _to_exponentials(strip, row, most):  # type: ignore[no-untyped-def]
    """Turn the logits of a row, of which the largest is `most`, into exp(logit - most); returns their sum."""
    sums = broadcast(np.float32(-0.0))  # what a sum begins with, to the bit
    for column in columns(strip, width_of(strip, row)):
        exponentials = exponential(subtract(load_strip(row, column, strip), most))
        sums = add_vectors(sums, exponentials)
        store(row, column, exponentials)
    return total(sums)

"""What goes into the softmax of the label heatmap: S_c for each label at each unlabelled pixel, term by term, eq. (2).

The source says that the probability of a label grows the nearer a pixel is to the pixels of that label and the more
alike the colours are, and that a softmax runs over the labels that occur. How the two distances are combined is lost,
so the forms below are our choice. S_c is what goes into the softmax for label c; Omega_c are the pixels labelled c, dp
and dI the distances of two pixels in position (px of the finest axis) and colour (grey levels of 0..255).

joint
    S_c = -min over j in Omega_c of sqrt(|dp|^2 / s_p^2 + |dI|^2 / s_c^2). The plainest reading of the source. Exact
    (`nearest`), but slower than the others: half a microsecond for each pixel and label.
kernel
    S_c = log(K_c + 1e-9), K_c = sum over m in {1, 2, 4, 8} of 4^-m sum over j in Omega_c of
    exp(-|dp|^2 / 2 (m s_p)^2 - |dI'|^2 / 2 s_c^2). Many near and alike pixels count more than one. The inner sums are
    filters on permutohedral lattices: 10 to 30 % off the exact sums, mostly too low where colours are sparse, in which
    the labels hardly differ from each other.
colour
    S_c = log(q_c / sum of all q + 1e-3), q_c = mean over j in Omega_c of exp(-|dI'|^2 / 2 s_c^2). Position does not
    matter, nor how many pixels a label has.
geodesic
    S_c = -p log(1 + d_c / s_g), d_c = length of the shortest path to Omega_c over steps between neighbouring pixels
    (8 in 2-D, 26 in 3-D, diagonals included) that cost |dp| sqrt(1 + (lambda g^2 / 10)^2), g the slope of I' there
    (Sobel, grey levels per px). Entering a pixel of another label costs 10 px / rho^2 besides, rho the labelled share
    of the image: a few strokes are fences that nobody crosses, while between large polygons there may be islands of
    anything. The logarithm is a heavy tail: far from all labels, none is ruled out. Raster sweeps, repeated until no
    path gets shorter, at most six times: then lengths are upper bounds, exact but for paths that wind back and forth
    more often.
    In a volume, and beyond, a path goes around strokes and edges over the next plane. So edges cost less there, steps
    |dp| (1 + (lambda g^2 / 10)^2)^(1/D), or a long detour would be as good as no edge at all; and S_c is
    -p (D - 1) log(1 + d_c / s_g): as far away as d_c lies a line in an image, a surface in a volume.
combined
    (1 - 0.75 min(1, w_t) t) colour + geodesic + w_n (1 - 2 rho') log n_c + w_t t log(p_c + 1e-3), n_c = |Omega_c|. The
    default, and the best of those tried on real images of forty kinds. p_c is what the surroundings of a pixel say
    (`texture`), the probability of label c by a linear discriminant; t, 0 to 1, is how typical they are of what is
    labelled, and w_t is `texture_weight`: 0 unless hidden labels show that texture tells (`judging`). The third term:
    strokes cover large classes less than in proportion, so a label with more strokes is likelier still; where polygons
    cover most of the image, what they left open are outlines and small things, of rare labels more often than of common
    ones. rho' is rho or, in a volume, the labelled share of those planes along its first axis that hold a label: how a
    person paints is seen there. Where a label stands for many objects (`things`), their strokes say little of their
    area, as each has one, however small: n_c is then how many pixels would get label c if n_c were as elsewhere.

I' is the image with its contrast stretched by one gain, 255 / max(p99.5 - p0.5, 32), so that dark microscopy images
and photographs can share their colour tolerance; "joint" takes I as it is, as in the source.
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from napari_coarse_crf.compute.arrays import rows_that_vary
from napari_coarse_crf.compute.compiling import compiled
from napari_coarse_crf.compute.lattice import blur, build_lattice, slice_pixels, splat_labels
from napari_coarse_crf.compute.nearest import PointGroups, group_points, nearest_distances
from napari_coarse_crf.compute.parallel import blocks, in_chunks
from napari_coarse_crf.compute.simd import (
    add,
    columns,
    load_strip,
    log_sum_exp,
    multiply,
    row_width,
    smaller,
    store,
    strip_of,
    subtract,
    width_of,
)
from napari_coarse_crf.geodesic import UNREACHED, PixelGrid, edge_slowness, geodesic_distances, path_exponent
from napari_coarse_crf.problem import OPEN, Problem
from napari_coarse_crf.similarity import COLOUR, GEODESIC, JOINT, KERNEL, PRIOR, TEXTURE
from napari_coarse_crf.unary import MOST_UNARY, UNARY_STEP

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from concurrent.futures import ThreadPoolExecutor

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import FeatureArray, FloatArray, UnaryArray
    from napari_coarse_crf.compute.lattice import Lattice
    from napari_coarse_crf.elsewhere import Elsewhere
    from napari_coarse_crf.parameters import Parameters
    from napari_coarse_crf.similarity import Term
    from napari_coarse_crf.texture import Texture

T = TypeVar("T")

_KERNEL_FLOOR = 1e-9
_CROSSING = 10.0  # px; what entering a pixel of another label costs where every pixel has one
_COLOUR_FLOOR = _TEXTURE_FLOOR = 1e-3
_IN_PLACE = 0.75  # of colour, which texture takes the place of where it counts in full
_LEAST_CONTRAST = 32.0
_CONTRAST_SAMPLE = 2**18  # pixels that the percentiles are taken of
_BLOCK = 2**13
_BLOCK_NUMBERS = 2**18  # of the logits: with thousands of labels, what is made on the way stays small
_NEVER = np.float32(-1e9)  # logit of the columns that pad the labels to whole vectors
_PER_STEP = np.float32(1.0) / UNARY_STEP


class Logits:
    """The logits of the unlabelled pixels, to which each term of S_c is added."""

    def __init__(
        self,
        pool: ThreadPoolExecutor,
        problem: Problem,
        parameters: Parameters,
        elsewhere: Elsewhere | None,
        texture: Texture | None,
    ) -> None:
        self._pool = pool
        self._texture = texture
        self.typical = np.zeros(0, np.float32)  # t of each pixel, where texture counts
        self._problem = problem
        self.parameters = parameters
        self._elsewhere = elsewhere
        self._n_labels = len(problem.label_ids)
        self._open_pixels = problem.open_pixels
        if elsewhere is None:
            self._labelled_share = 1.0 - len(self._open_pixels) / len(problem.labels)
            self._painted_share = painted_share(problem)
            labelled = problem.labels[problem.labels != OPEN]
            self._sizes = np.bincount(labelled, minlength=self._n_labels).astype(np.float32)
            self._gain = contrast_gain(problem.colours)
        else:
            self._labelled_share, self._painted_share = elsewhere.labelled_share, elsewhere.painted_share
            self._sizes, self._gain = elsewhere.sizes, elsewhere.gain
        self.logits = np.zeros((len(self._open_pixels), row_width(self._n_labels)), np.float32)
        # What is added last, the same at all pixels; and the columns that pad the labels may hold anything until then.
        self._shift = np.full(self.logits.shape[1], _NEVER)
        self._shift[: self._n_labels] = 0.0

    def take(self) -> FloatArray:
        """Return the logits, and begin with zeros again."""
        logits, self.logits = self.logits, np.zeros_like(self.logits)
        return logits

    def add_joint(self) -> Generator[int | None, None, None]:
        """Subtract the distance to the nearest pixel of each label."""
        problem, parameters = self._problem, self.parameters
        scales = [parameters.heatmap_distance] * len(problem.shape) + [parameters.heatmap_colour] * len(problem.colours)
        per_scale = np.float32(1.0) / np.array(scales, np.float32)

        def points(chosen: NDArray[Any]) -> FloatArray:
            return np.ascontiguousarray(problem.features[:, chosen].T * per_scale)

        def subtract_nearest(groups: PointGroups, label: int, start: int, stop: int) -> None:
            self.logits[start:stop, label] -= nearest_distances(groups, points(self._open_pixels[start:stop]))

        for label in range(self._n_labels):
            groups = group_points(points(problem.labels == label))
            yield None
            tasks = [(groups, label, start, stop) for start, stop in blocks(len(self._open_pixels), _BLOCK)]
            yield from in_chunks(self._pool, subtract_nearest, tasks)
        yield 1

    def add_kernel(self) -> Generator[int | None, None, None]:
        """Add log(K_c + 1e-9), K the kernel sums over all scales of the pyramid."""
        for reach in KERNEL.reaches:
            yield from self._add_level(reach)
            yield 1

        def take_log(start: int, stop: int) -> None:
            sums = self.logits[start:stop]
            np.maximum(sums, 0.0, out=sums)  # rounding may leave barycentric weights, so sums, just below 0
            sums += np.float32(_KERNEL_FLOOR)
            np.log(sums, out=sums)

        yield from self.on_blocks(take_log)

    def _add_level(self, reach: float) -> Generator[None, None, None]:
        """Add one scale's kernel sums; its lattice is gone from memory before the next one is built."""
        lattice, sums = yield from self._label_sums(reach)
        scale = 4.0**-reach * lattice.gaussian_scale

        def add_sums(start: int, stop: int) -> None:
            slice_pixels(lattice, sums, self._open_pixels[start:stop], scale, self.logits[start:stop])

        yield from self.on_blocks(add_sums)

    def add_texture(self) -> Generator[None, None, None]:
        """Add w_t t log(p_c + 1e-3), and keep t for the colour term."""
        weight = np.float32(self.parameters.texture_weight)
        if weight > 0:
            assert self._texture is not None  # noqa: S101  # see `reads_texture`
            texture, self.typical = self._texture, np.empty(len(self._open_pixels), np.float32)

            def add_log(start: int, stop: int) -> None:
                likely, typical = texture.tell(self._open_pixels[start:stop])
                logarithms = np.log(likely + np.float32(_TEXTURE_FLOOR))
                self.logits[start:stop, : self._n_labels] += (weight * typical)[:, np.newaxis] * logarithms
                self.typical[start:stop] = typical

            yield from self.on_blocks(add_log)

    def add_colour(self) -> Generator[int | None, None, None]:
        """Add log(q_c / sum q + 1e-3), q the mean colour kernel over each label."""
        weight = np.float32(self.parameters.texture_weight)
        (reach,) = COLOUR.reaches
        if self._elsewhere is None:
            (lattice, sums), sizes = (yield from self._label_sums(reach)), self._sizes
        else:
            lattice, sums, sizes = yield from self._means_elsewhere(reach, self._elsewhere)

        areas = np.ones(sums.shape[1], np.float32)
        areas[: len(sizes)] = sizes

        def add_log_share(start: int, stop: int) -> None:
            means = np.zeros((stop - start, len(areas)), np.float32)
            slice_pixels(lattice, sums, self._open_pixels[start:stop], 1.0, means)
            np.maximum(means, 0.0, out=means)
            means /= areas
            means /= np.maximum(means[:, : len(sizes)].sum(axis=1, keepdims=True), np.float32(1e-30))
            share = means[:, : self.logits.shape[1]]  # whole rows, as numpy takes these at once
            share += np.float32(_COLOUR_FLOOR)
            np.log(share, out=share)
            if len(self.typical):
                share *= colour_stays(weight, self.typical[start:stop])
            self.logits[start:stop] += share

        yield from self.on_blocks(add_log_share)
        yield 1

    def add_geodesic(self) -> Generator[int | None, None, None]:
        """Add -p log(1 + d_c / s_g)."""
        if self.parameters.geodesic_exponent == 0:
            yield 1
            return
        weight = self.parameters.geodesic_colour_weight
        grid = PixelGrid(self._problem)
        slowness = yield from edge_slowness(self._pool, self._problem, grid, self._gain, weight)
        crossing = crossing_cost(self._labelled_share)
        begin = None
        if self._elsewhere is not None:
            slowness[grid.cells[self._elsewhere.outermost]] = np.inf
            begin = self._elsewhere.rim, self._elsewhere.lengths
        exponent = path_exponent(self.parameters.geodesic_exponent, len(self._problem.shape))
        per_scale = np.float32(1.0 / self.parameters.geodesic_scale)

        def add_log_length(rows: slice, columns: slice, distances: FloatArray) -> None:
            # Not log1p, which numpy does not vectorise; what float32 loses is below 1e-7 of a logit.
            distances *= per_scale
            distances += np.float32(1.0)
            np.log(distances, out=distances)
            distances *= exponent
            self.logits[rows, columns] -= distances

        yield from geodesic_distances(self._pool, self._problem, grid, slowness, crossing, add_log_length, begin=begin)
        yield 1

    def add_prior(self) -> Generator[None, None, None]:
        """Add w_n (1 - 2 rho) log n_c."""
        prior = self._prior(self._sizes)
        if self._problem.kind is not None and self._elsewhere is None:
            prior = self._prior((yield from self._areas(prior)))
        self._shift[: self._n_labels] = prior

    def _prior(self, sizes: FloatArray) -> FloatArray:
        weight = np.float32(self.parameters.prior_weight * (1.0 - 2.0 * self._painted_share))
        logarithms: FloatArray = weight * np.log(np.maximum(sizes, np.float32(1.0)))
        return logarithms

    def _areas(self, prior: FloatArray) -> Generator[None, None, FloatArray]:
        """Return how many unlabelled pixels each label would get with this prior."""

        def area(start: int, stop: int) -> FloatArray:
            logits = self.logits[start:stop, : self._n_labels] + prior
            likely = np.exp(logits - logits.max(axis=1, keepdims=True))
            counts: FloatArray = (likely / likely.sum(axis=1, keepdims=True)).sum(axis=0)
            return counts

        areas: FloatArray = np.sum((yield from self.on_blocks(area)), axis=0, dtype=np.float32)
        return areas

    def to_unary(self) -> Generator[None, None, UnaryArray]:
        """Return -log softmax of the logits, at most -log(LEAST_PROBABILITY)."""
        unary = np.empty(self.logits.shape, np.uint16)
        strip = strip_of(unary.shape[1])

        def convert(start: int, stop: int) -> None:
            _unary_kernel(strip, self.logits[start:stop], self._shift, unary[start:stop])

        yield from self.on_blocks(convert)
        return unary

    def _label_sums(self, reach: float) -> Generator[None, None, tuple[Lattice, FloatArray]]:
        """Return a lattice and, on its vertices, the sums of the Gaussian kernel over the pixels of each label."""
        features, thetas = heatmap_kernel(self._problem, self.parameters, reach, self._gain)
        lattice = yield from build_lattice(self._pool, features, thetas, normalise=False)
        values = yield from splat_labels(self._pool, lattice, self._problem.labels, self._n_labels)
        yield from blur(self._pool, lattice, values)
        return lattice, values

    def _means_elsewhere(
        self, reach: float, elsewhere: Elsewhere
    ) -> Generator[None, None, tuple[Lattice, FloatArray, FloatArray]]:
        """Return what `_label_sums` does, of the labelled pixels of the whole image, and what to divide it by: ones.

        The pixels of elsewhere stand behind those of the problem in the lattice, each with its weight.
        """
        features, thetas = heatmap_kernel(self._problem, self.parameters, reach, self._gain)
        n_pixels = features.shape[1]
        joined = np.concatenate([features.astype(np.float32, copy=False), elsewhere.colours], axis=1)
        lattice = yield from build_lattice(self._pool, joined, thetas, normalise=False)
        lattice.weights[n_pixels:] *= elsewhere.weights[:, np.newaxis]
        labels = np.concatenate([np.full(n_pixels, OPEN, np.int32), elsewhere.labels])
        columns = int(max(elsewhere.labels.max(initial=OPEN) + 1, self._n_labels))
        values = yield from splat_labels(self._pool, lattice, labels, columns)
        yield from blur(self._pool, lattice, values)
        return lattice, values, np.ones(columns, np.float32)

    def on_blocks(self, work: Callable[[int, int], T]) -> Generator[None, None, list[T]]:
        """Run a work on ranges of the unlabelled pixels, and return what it returns for each."""
        n_pixels = max(1, _BLOCK_NUMBERS // self.logits.shape[1])
        return (yield from in_chunks(self._pool, work, blocks(len(self.logits), n_pixels)))


def colour_stays(weight: np.float32, typical: FloatArray) -> FloatArray:
    """Return how much of the colour term stays beside texture, 1 - 0.75 min(1, w_t) t: (n, 1)."""
    stays: FloatArray = np.float32(1.0) - np.float32(_IN_PLACE) * min(weight, np.float32(1.0)) * typical
    return stays[:, np.newaxis]


ADD: Mapping[Term, Callable[[Logits], Generator[int | None, None, None]]] = MappingProxyType(
    {
        TEXTURE: Logits.add_texture,
        JOINT: Logits.add_joint,
        KERNEL: Logits.add_kernel,
        COLOUR: Logits.add_colour,
        GEODESIC: Logits.add_geodesic,
        PRIOR: Logits.add_prior,
    }
)


def heatmap_kernel(
    problem: Problem, parameters: Parameters, reach: float, gain: float
) -> tuple[FeatureArray, FloatArray]:
    """Return features and thetas of the kernel on I' that reaches so many times `heatmap_distance`: `Term.reaches`."""
    colours = [parameters.heatmap_colour / gain] * len(problem.colours)
    if math.isinf(reach):
        return problem.colours, np.array(colours, np.float32)
    distances = [reach * parameters.heatmap_distance] * len(problem.shape)
    return problem.features, np.array(distances + colours, np.float32)


def painted_share(problem: Problem) -> float:
    """Return how much is labelled of those planes of a volume that hold a label; of an image, how much of it is.

    What is left open between the strokes or polygons of a plane tells how a person paints, planes without any do not.
    """
    n_labelled = len(problem.labels) - problem.n_open
    if len(problem.shape) < 3:
        return 1.0 - problem.n_open / len(problem.labels)
    plane = problem.pixels // math.prod(problem.shape[1:])
    painted = np.zeros(problem.shape[0], np.bool_)
    painted[plane[problem.labels != OPEN]] = True
    return n_labelled / max(1, int(np.bincount(plane, minlength=len(painted))[painted].sum()))


def crossing_cost(labelled_share: float) -> float:
    """Return what entering a pixel of another label costs, in pixels."""
    return min(_CROSSING / labelled_share**2, float(UNREACHED))


def contrast_gain(colours: FeatureArray) -> float:
    """Return the gain that turns I into I' (an offset would not change distances).

    Channels that are the same at all pixels tell nothing, so they have no part in it.
    """
    varied = rows_that_vary(colours)
    step = -(-colours.shape[1] // _CONTRAST_SAMPLE)
    low, high = np.percentile(colours[varied if varied.any() else slice(None), ::step], [0.5, 99.5])
    return float(255.0 / max(high - low, _LEAST_CONTRAST))


@compiled
def _unary_kernel(strip, logits, shift, unary):  # type: ignore[no-untyped-def]
    """Set the unary to -log softmax of the logits plus what shifts all of them, in steps, pixel by pixel."""
    width = width_of(strip, logits)
    row = np.empty(width, np.float32)
    for i in range(len(logits)):
        for column in columns(strip, width):
            shifted = add(load_strip(logits, i * width + column, strip), load_strip(shift, column, strip))
            store(row, column, shifted)
        log_sum = log_sum_exp(strip, row, 0, width)
        for column in columns(strip, width):
            potential = smaller(subtract(log_sum, load_strip(row, column, strip)), MOST_UNARY)
            store(unary, i * width + column, multiply(potential, _PER_STEP))

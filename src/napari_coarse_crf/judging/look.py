"""A look at what a person's own labels say: sets of weights, tried on labels that are hidden.

Part of the labels is hidden (`hiding`), the image is refined from the rest at reduced size (`small`), and what was
hidden says how good the result is there; what that promises for the unlabelled pixels (`promise`) compares the sets.
The terms of the heatmap are found once for each way of hiding, and weighed anew for each set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.compute.parallel import side_by_side
from napari_coarse_crf.compute.simd import row_width
from napari_coarse_crf.crf import FieldProblem, LatticeEngine, LatticeKernel
from napari_coarse_crf.heatmap import HeatmapTerms
from napari_coarse_crf.inputs import OPEN
from napari_coarse_crf.judging.hiding import hidings
from napari_coarse_crf.judging.promise import DOUBT, Said, promised
from napari_coarse_crf.judging.small import Small
from napari_coarse_crf.judging.telling import MOST_LABELLED
from napari_coarse_crf.parameters import reduce_parameters
from napari_coarse_crf.texture import Texture

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from concurrent.futures import ThreadPoolExecutor

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import IndexArray, PixelArray
    from napari_coarse_crf.inputs import Problem
    from napari_coarse_crf.parameters import Parameters
    from napari_coarse_crf.texture import TextureArray

Sets = Mapping[str, Mapping[str, Any]]
"""Sets of weights by name: what each changes against the defaults."""

Answers = Mapping[str, "NDArray[np.intp]"]
"""What each set of weights says of the pixels that are asked for."""

CANDIDATES: Sets = MappingProxyType({
    "default": MappingProxyType({}),
    "firm paths": MappingProxyType({"geodesic_exponent": 8.0, "appearance_weight": 1.0}),
    "straight paths": MappingProxyType({
        "geodesic_colour_weight": 0.0, "geodesic_exponent": 8.0, "appearance_weight": 1.0,
    }),
    "colour alone": MappingProxyType({
        "geodesic_exponent": 0.0, "prior_weight": 0.0, "texture_weight": 0.0, "appearance_weight": 1.0,
    }),
})  # fmt: skip
"""What is tried.

"firm paths" suits a few compact things whose colours occur elsewhere too (organs, a person in a photograph). Where less
than 45 % of the image is labelled, "colour alone" suits what is scattered all over it and known by its colour
(membranes, roots, grains). Where three fifths are, "straight paths" suits blurred things between generous polygons,
whose rim is about midway.
"""

PROBE: Mapping[str, Any] = MappingProxyType({"texture_weight": 0.0, "appearance_weight": 4.0})
"""A second standard beside the defaults, which is never taken itself. Hidden labels lie close to others, where texture
and gentle kernels find them, but unlabelled pixels of a scattered label do not: without texture, and with a kernel that
pulls harder, hidden ones are lost as those are."""
_PROBE = "probe"
_RIMS = 0.6  # of the image is labelled: what is open are rims
_NOT_MUCH_WORSE = 0.05  # of mean IoU, than the defaults, for what is better than the probe

_CLEARLY = 0.03  # of mean IoU, for a set that must find no less
_MOST_PIXELS, _MOST_NUMBERS = 2**16, 2**19  # the latter, pixels times labels padded, with more than sixteen labels
_FEW = 16
_ITERATIONS = 5  # enough to compare

AT_ONCE = 4
"""Questions that may be asked at a time: three second hidings, and the one that hides nothing."""


@dataclass(frozen=True, slots=True)
class Finding:
    """How one set of weights did on the labels of one image.

    Attributes
    ----------
    gain : float
        By how much its mean IoU over the whole image should be above that of the defaults.
    scores : tuple of float
        Mean IoU on the hidden labels, for each hiding.
    ways : tuple of str
        In which way these were hidden.
    """

    gain: float
    scores: tuple[float, ...]
    ways: tuple[str, ...]


class Scene:
    """A problem at the size at which it is looked at.

    Parameters
    ----------
    problem : Problem
        At full size.
    parameters : Parameters
        What the sets of weights change.
    features : (K, N) int16 or None
        From `texture_features`, where texture has a weight.
    n_pixels, labelled_share : int and float, optional
        How many pixels take part, and how much of them is labelled, where the problem is itself one at reduced size.
    """

    def __init__(
        self,
        problem: Problem,
        parameters: Parameters,
        features: TextureArray | None,
        n_pixels: int | None = None,
        labelled_share: float | None = None,
    ) -> None:
        self.small = Small.of(problem, pixels_looked_at(len(problem.label_ids)))
        self._share = len(self.small.pixels) / (n_pixels or len(problem.labels))
        reduced = reduce_parameters(parameters, self.small.step, len(problem.shape))
        self._parameters = reduced.replace(iterations=_ITERATIONS, tolerance=0.0)
        self._features = features
        if features is not None:
            self._features = np.ascontiguousarray(features[:, self.small.pixels])
        self._sets = {**CANDIDATES, _PROBE: PROBE}
        labelled = 1.0 - problem.n_open / len(problem.labels) if labelled_share is None else labelled_share
        if labelled >= MOST_LABELLED:
            del self._sets["colour alone"], self._sets[_PROBE]
        if labelled < _RIMS:
            del self._sets["straight paths"]
        self.hidings = self._hidings()

    def look(
        self, pool: ThreadPoolExecutor, *, thorough: bool = False
    ) -> Generator[int | None, None, dict[str, Finding]]:
        """Try the sets of weights; yields an int for every hiding that is done, and for the one that hides nothing.

        Sets that find clearly less are given up after one hiding of each kind, unless it is to be thorough.
        """
        problem = self.small.problem
        sets: Sets = self._sets
        kernels = yield from self._build_kernels(pool)
        questions = [(kept, asked) for _, kept, asked in self.hidings]
        n_ways = len({way for way, _, _ in self.hidings})
        once, again = questions[:n_ways], questions[n_ways:]
        hidden = yield from self._ask_all(pool, kernels, sets, once)
        truths = [problem.labels[asked] for _, asked in questions]
        if again and not thorough:
            sets = self._hopeful(sets, hidden, truths)
        unlabelled: Answers = {}
        if len(sets) > 1:
            last = problem.labels, problem.open_pixels
            *more, unlabelled = yield from self._ask_all(pool, kernels, sets, [*again, last])
            hidden += more
        return {
            name: self._finding(name, sets, unlabelled, hidden, truths[: len(hidden)])
            for name in sets
            if name != _PROBE
        }

    def _hopeful(self, sets: Sets, hidden: Sequence[Answers], truths: Sequence[IndexArray]) -> Sets:
        """Return the sets without those that will hardly be taken, by what they found when hidden in each way once."""
        ways = [way for way, _, _ in self.hidings]

        def gains(name: str) -> dict[str, float]:
            pairs = zip(hidden, truths, strict=False)
            each = [mean_iou(said[name], truth) - mean_iou(said["default"], truth) for said, truth in pairs]
            return dict(zip(ways, each, strict=False))

        hopeless = set()
        if min(gains("firm paths").values()) < -_CLEARLY:
            hopeless.add("firm paths")
        if "colour alone" in sets:
            found = gains("colour alone")
            if max(found.get("strokes", -1.0), found.get("large blocks", -1.0)) < 0:
                hopeless |= {"colour alone", _PROBE}
        return {name: changes for name, changes in sets.items() if name not in hopeless}

    def _hidings(self) -> list[tuple[str, IndexArray, PixelArray]]:
        """Return the ways of hiding labels, what stays to be seen in each, and which pixels are asked for."""
        problem, label_map = self.small.problem, self.small.label_map()
        takes_part = np.zeros(label_map.size, np.bool_)
        takes_part[problem.pixels] = True
        found = []
        for hiding in hidings(label_map, takes_part.reshape(label_map.shape), max(1, round(self.small.step))):
            kept = (hiding.kept.reshape(-1)[problem.pixels] - 1).astype(np.int32)
            found.append((hiding.way, kept, np.flatnonzero(hiding.hidden.reshape(-1)[problem.pixels])))
        return found

    def _build_kernels(self, pool: ThreadPoolExecutor) -> Generator[None, None, list[LatticeKernel]]:
        """Build the appearance and the smoothness kernel, which are the same for all sets."""
        problem, parameters, kernels = self.small.problem, self._parameters, []
        n_axes, channels = len(problem.shape), len(problem.colours)
        near = [parameters.theta_alpha] * n_axes + [parameters.theta_beta] * channels
        for thetas in (near, [parameters.theta_gamma] * n_axes):
            features = problem.features[: len(thetas)]
            built = LatticeEngine().build_kernel(pool, features, np.array(thetas, np.float32))
            kernels.append((yield from built))
        return kernels

    def _ask_all(
        self,
        pool: ThreadPoolExecutor,
        kernels: Sequence[LatticeKernel],
        sets: Sets,
        questions: Sequence[tuple[IndexArray, PixelArray]],
    ) -> Generator[int | None, None, list[Answers]]:
        """Return what the sets answer to each question: which labels are shown, and which pixels are asked for."""
        works = [partial(self._ask, kernels, sets, shown, asked) for shown, asked in questions]
        answers = yield from side_by_side(pool, works)
        for _ in questions:
            yield 1
        return answers

    def _ask(
        self,
        kernels: Sequence[LatticeKernel],
        sets: Sets,
        shown: IndexArray,
        asked: PixelArray,
        pool: ThreadPoolExecutor,
    ) -> Generator[int | None, None, Answers]:
        """Return what every set of weights says of some pixels, where it is shown these labels."""
        problem = replace(self.small.problem, labels=shown)
        texture = None if self._features is None else Texture.learn(self._features, problem)
        own_kernels = [LatticeKernel(kernel.lattice) for kernel in kernels]  # others run at the same time
        answers, free, best = {}, problem.open_pixels, shown.astype(np.intp)
        found: dict[float, HeatmapTerms] = {}
        for name, changes in sets.items():
            parameters = self._parameters.replace(**changes)
            steep = parameters.geodesic_colour_weight
            if steep not in found:
                found[steep] = HeatmapTerms(pool, problem, parameters, texture, next(iter(found.values()), None))
                yield from found[steep].find()
            unary = yield from found[steep].unary(parameters)
            field = FieldProblem(unary, free, shown, len(problem.label_ids), parameters.iterations, 0.0)
            weights = (parameters.appearance_weight, parameters.smoothness_weight)
            weighed = [(weight, kernel) for weight, kernel in zip(weights, own_kernels, strict=True) if weight > 0]
            best[free] = (yield from LatticeEngine().infer(pool, field, weighed)).best
            answers[name] = best[asked]
        return answers

    def _finding(
        self,
        name: str,
        sets: Sets,
        unlabelled: Answers,
        hidden: Sequence[Answers],
        truths: Sequence[IndexArray],
    ) -> Finding:
        scores = tuple(mean_iou(said[name], one) for said, one in zip(hidden, truths, strict=True))
        ways = tuple(way for way, _, _ in self.hidings[: len(hidden)])
        if name == "default":
            return Finding(0.0, scores, ways)
        truth = np.concatenate(truths).astype(np.intp)
        at_hidden = {one: np.concatenate([said[one] for said in hidden]) for one in sets}
        labels = self.small.problem.labels
        sizes = np.bincount(labels[labels != OPEN]).astype(np.float64)

        def gain_over(other: str) -> float:
            unlike = Said(unlabelled[other], unlabelled[name])
            return promised(sizes, unlike, Said(at_hidden[other], at_hidden[name]), truth, DOUBT * self._share).gain

        gain = gain_over("default")
        if _PROBE in sets and gain > -_NOT_MUCH_WORSE:
            gain = max(gain, gain_over(_PROBE))
        return Finding(gain, scores, ways)


def pixels_looked_at(n_labels: int) -> int:
    """Return to how many pixels at most an image with so many labels is reduced for a look."""
    width = row_width(n_labels)
    return _MOST_PIXELS if width <= _FEW else _MOST_NUMBERS // width


def mean_iou(said: NDArray[np.intp], truth: IndexArray) -> float:
    """Return the mean IoU over the labels that truly occur."""
    ids = np.unique(truth)
    found = [np.count_nonzero((said == label) & (truth == label)) for label in ids]
    either = [np.count_nonzero((said == label) | (truth == label)) for label in ids]
    return float(np.mean(np.divide(found, either)))

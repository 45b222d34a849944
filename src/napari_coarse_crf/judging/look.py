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
from napari_coarse_crf.judging.hiding import hidings
from napari_coarse_crf.judging.promise import DOUBT, Said, promised
from napari_coarse_crf.judging.small import Small
from napari_coarse_crf.judging.telling import MOST_LABELLED
from napari_coarse_crf.parameters import reduce_parameters
from napari_coarse_crf.problem import OPEN
from napari_coarse_crf.texture import Texture

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from concurrent.futures import ThreadPoolExecutor

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import IndexArray, PixelArray
    from napari_coarse_crf.parameters import Parameters
    from napari_coarse_crf.problem import Problem
    from napari_coarse_crf.texture import TextureArray

Sets = Mapping[str, Mapping[str, Any]]
"""Sets of weights by name: what each changes against the defaults."""

Answers = dict[str, "NDArray[np.intp]"]
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
(membranes, roots, grains). "straight paths" suit blurred things between generous polygons, whose rim is about midway:
where three fifths of the image are labelled. In volumes they also suit many things of the same colour, an id each
(cells of a tissue): where colour alone finds next to nothing of what is hidden; images of alike textures gain nothing.
Paths in volumes have rules of their own (`heatmap`), beside which neither firm paths nor colour alone were better on
any of nine kinds.
"""

PROBE: Mapping[str, Any] = MappingProxyType({"texture_weight": 0.0, "appearance_weight": 4.0})
"""A second standard beside the defaults, which is never taken itself. Hidden labels lie close to others, where texture
and gentle kernels find them, but unlabelled pixels of a scattered label do not: without texture, and with a kernel that
pulls harder, hidden ones are lost as those are."""
_DEFAULT, _FIRM, _STRAIGHT, _COLOUR, _PROBE = *CANDIDATES, "probe"
_RIMS = 0.6  # of the image is labelled: what is open are rims
_MANY = 5  # labels: with fewer, colour alone finds a fifth by chance
_NEXT_TO_NOTHING = 0.2  # of the mean IoU that the defaults reach
_NOT_MUCH_WORSE = 0.05  # of mean IoU, than the defaults, for what is better than the probe

_CLEARLY = 0.03  # of mean IoU, for a set that must find no less
_MOST_PIXELS, _MOST_NUMBERS = 2**16, 2**19  # the latter, pixels times labels padded, with more than sixteen labels
_FEW = 16
_ITERATIONS = 5  # enough to compare

AT_ONCE = 7
"""Questions that may be asked at a time: three hidings twice, and the one that hides nothing."""


@dataclass(frozen=True, slots=True)
class Finding:
    """How one set of weights did on the labels of one image, beside the defaults.

    Attributes
    ----------
    promise : float
        By how much its mean IoU over the whole image should be above that of the defaults.
    hidden_gain : float
        By how much its mean IoU on the hidden labels is above theirs, the mean over the ways of hiding.
    least_gain : float
        The same in the way of hiding that says least for it.
    """

    promise: float
    hidden_gain: float
    least_gain: float


@dataclass(frozen=True, slots=True)
class Findings:
    """What a look at the labels of one image has found.

    Attributes
    ----------
    sets : mapping of str to Finding
        For each set of weights that may be taken, but for the defaults.
    n_ways : int
        Unlike ways in which labels were hidden.
    alike : bool
        Whether colour alone finds next to nothing of what is hidden: there are many labels, and they look alike.
    """

    sets: Mapping[str, Finding]
    n_ways: int
    alike: bool = False


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked of some sets of weights.

    Attributes
    ----------
    shown : (N,) int32
        The labels that they are shown.
    asked : (A,) int
        The pixels whose labels they are to say.
    sets : Sets
        Which sets.
    """

    shown: IndexArray
    asked: PixelArray
    sets: Sets


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
        labelled = 1.0 - problem.n_open / len(problem.labels) if labelled_share is None else labelled_share
        self._rims = labelled >= _RIMS
        self._sets = self._worth_a_try(labelled)
        self.hidings = self._hidings() if self.tries else []

    @property
    def tries(self) -> bool:
        """Whether anything but the defaults is tried, where labels can be hidden."""
        return len(self._sets) > 1

    def _worth_a_try(self, labelled: float) -> Sets:
        """Return the sets that may be better than the defaults, and what else is asked to tell."""
        problem, names = self.small.problem, {_DEFAULT}
        tells_of_open = labelled < MOST_LABELLED
        if self._rims:
            names.add(_STRAIGHT)
        if len(problem.shape) < 3:
            names |= {_FIRM, _COLOUR, _PROBE} if tells_of_open else {_FIRM}
        elif tells_of_open and len(problem.label_ids) >= _MANY:
            names |= {_STRAIGHT, _COLOUR}  # the latter to tell whether labels look alike, no more
        return {name: changes for name, changes in {**CANDIDATES, _PROBE: PROBE}.items() if name in names}

    def look(self, pool: ThreadPoolExecutor) -> Generator[int | None, None, Findings]:
        """Try the sets of weights; yields an int for every hiding that is done, and for the one that hides nothing.

        Sets that find clearly less are given up after one hiding of each kind. The probe is asked only where a set is
        left that it says something of.
        """
        problem = self.small.problem
        kernels = yield from self._build_kernels(pool)
        ways = [way for way, _, _ in self.hidings]
        truths = [problem.labels[asked] for _, _, asked in self.hidings]
        n_ways = len(set(ways))
        first = {name: changes for name, changes in self._sets.items() if name != _PROBE}
        questions = [_Question(kept, asked, first) for _, kept, asked in self.hidings[:n_ways]]
        hidden = yield from self._ask_all(pool, kernels, questions)
        gains = {name: _gains(name, hidden, truths, ways) for name in first}
        alike = _STRAIGHT in self._sets and _COLOUR in self._sets and self._look_alike(hidden, truths)
        sets = self._hopeful(gains, alike=alike)
        unlabelled: Answers = {}
        if len(sets) > 1:
            probe = {name: changes for name, changes in sets.items() if name == _PROBE}
            again = [replace(question, sets=probe) for question in questions if probe]
            others = [_Question(kept, asked, sets) for _, kept, asked in self.hidings[n_ways:]]
            last = _Question(problem.labels, problem.open_pixels, sets)
            *more, unlabelled = yield from self._ask_all(pool, kernels, [*again, *others, last])
            for said, by_probe in zip(hidden, more[: len(again)], strict=False):
                said.update(by_probe)
            hidden += more[len(again) :]
        found = {
            name: self._finding(name, unlabelled, hidden, truths, ways)
            for name in sets
            if name not in (_DEFAULT, _PROBE)
        }
        return Findings(found, n_ways, alike)

    def _look_alike(self, hidden: Sequence[Answers], truths: Sequence[IndexArray]) -> bool:
        """Whether colour alone finds next to nothing of what the defaults find."""
        by_colour, by_default = (
            sum(mean_iou(said[name], truth) for said, truth in zip(hidden, truths, strict=False))
            for name in (_COLOUR, _DEFAULT)
        )
        return by_colour < _NEXT_TO_NOTHING * by_default

    def _hopeful(self, gains: Mapping[str, Mapping[str, float]], *, alike: bool) -> Sets:
        """Return the sets without those that will hardly be taken, by what they gained when hidden in each way once."""
        hopeless = set()
        if alike:
            hopeless = {_FIRM, _COLOUR, _PROBE}
        else:
            if not self._rims:
                hopeless.add(_STRAIGHT)
            if len(self.small.problem.shape) > 2:
                hopeless.add(_COLOUR)
            if _FIRM in gains and min(gains[_FIRM].values()) < -_CLEARLY:
                hopeless.add(_FIRM)
            if _COLOUR in gains:
                found = gains[_COLOUR]
                if max(found.get("strokes", -1.0), found.get("large blocks", -1.0)) < 0:
                    hopeless |= {_COLOUR, _PROBE}
        return {name: changes for name, changes in self._sets.items() if name not in hopeless}

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
        problem, parameters = self.small.problem, self._parameters
        n_axes, channels = len(problem.shape), len(problem.colours)
        near = [parameters.theta_alpha] * n_axes + [parameters.theta_beta] * channels

        def build(thetas: list[float], pool: ThreadPoolExecutor) -> Generator[None, None, LatticeKernel]:
            features = problem.features[: len(thetas)]
            return LatticeEngine().build_kernel(pool, features, np.array(thetas, np.float32))

        works = [partial(build, thetas) for thetas in (near, [parameters.theta_gamma] * n_axes)]
        return (yield from side_by_side(pool, works))

    def _ask_all(
        self, pool: ThreadPoolExecutor, kernels: Sequence[LatticeKernel], questions: Sequence[_Question]
    ) -> Generator[int | None, None, list[Answers]]:
        """Return the answers to each question."""
        answers = yield from side_by_side(pool, [partial(self._ask, kernels, question) for question in questions])
        for _ in questions:
            yield 1
        return answers

    def _ask(
        self, kernels: Sequence[LatticeKernel], question: _Question, pool: ThreadPoolExecutor
    ) -> Generator[int | None, None, Answers]:
        """Return the answers to one question."""
        shown = question.shown
        problem = replace(self.small.problem, labels=shown)
        texture = None if self._features is None else Texture.learn(self._features, problem)
        own_kernels = [LatticeKernel(kernel.lattice) for kernel in kernels]  # others run at the same time
        answers: Answers = {}
        free, best = problem.open_pixels, shown.astype(np.intp)
        found: dict[float, HeatmapTerms] = {}
        for name, changes in question.sets.items():
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
            answers[name] = best[question.asked]
        return answers

    def _finding(
        self,
        name: str,
        unlabelled: Answers,
        hidden: Sequence[Answers],
        truths: Sequence[IndexArray],
        ways: Sequence[str],
    ) -> Finding:
        truth = np.concatenate(truths).astype(np.intp)
        labels = self.small.problem.labels
        sizes = np.bincount(labels[labels != OPEN]).astype(np.float64)

        def promise_over(other: str) -> float:
            at_hidden, unlike = (np.concatenate([said[one] for said in hidden]) for one in (other, name))
            doubt = DOUBT * self._share
            return promised(
                sizes, Said(unlabelled[other], unlabelled[name]), Said(at_hidden, unlike), truth, doubt
            ).gain

        promise = promise_over(_DEFAULT)
        if _PROBE in unlabelled and promise > -_NOT_MUCH_WORSE:
            promise = max(promise, promise_over(_PROBE))
        gains = list(_gains(name, hidden, truths, ways).values())
        return Finding(promise, float(np.mean(gains)), min(gains))


def _gains(name: str, hidden: Sequence[Answers], truths: Sequence[IndexArray], ways: Sequence[str]) -> dict[str, float]:
    """Return by how much the mean IoU of a set is above that of the defaults, by the way labels were hidden."""
    found: dict[str, list[float]] = {}
    for said, truth, way in zip(hidden, truths, ways, strict=False):
        found.setdefault(way, []).append(mean_iou(said[name], truth) - mean_iou(said[_DEFAULT], truth))
    return {way: float(np.mean(gains)) for way, gains in found.items()}


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

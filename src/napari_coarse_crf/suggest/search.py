"""Parameters from a person's own labels, without any truth.

Part of the labels is hidden (`hiding`), the image is refined from the rest, and what was hidden says how good the
result is there; what that promises for the unlabelled pixels decides (`promise`). The choice is among a few documented
sets of parameters; the defaults stay unless another set promises a clear gain.

Nothing is cleaned meanwhile: parts that a hidden stroke holds would vanish. Who cleans adds those parameters to what is
suggested.

Deterministic: bounded by trials and pixels, never by the clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.evaluation.scores import evaluate_labels
from napari_coarse_crf.inputs import UNLABELLED, Picture, read_labels
from napari_coarse_crf.parameters import Parameters
from napari_coarse_crf.refiner import Refiner
from napari_coarse_crf.suggest.hiding import Hiding, hidings
from napari_coarse_crf.suggest.promise import DOUBT, Said, promised
from napari_coarse_crf.tiles.reduced import reduce_parameters, reduce_picture, step_within, thin_out_labels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import LabelArray, MaskArray

    Indices = NDArray[np.intp]

CANDIDATES: Mapping[str, Mapping[str, Any]] = MappingProxyType({
    "default": MappingProxyType({}),
    "firm paths": MappingProxyType({"geodesic_exponent": 8.0, "appearance_weight": 1.0}),
    "colour alone": MappingProxyType({"similarity": "colour", "appearance_weight": 1.0}),
})  # fmt: skip
"""What is tried: what each set changes against the defaults.

"firm paths" suits a few compact things whose colours occur elsewhere too (organs, a person in a photograph), "colour
alone" what is scattered all over the image and known by its colour (membranes, nuclei in stained tissue).
"""

_MOST_PIXELS = 2**18  # larger images are tried at reduced size
# What a set must gain in mean IoU, for one image; a pool needs less.
_PROMISED = 0.03  # over the whole image
_FOUND = 0.08  # or on hidden labels, in every way of hiding: few labels promise little, but may say it clearly
_LEAST_WAYS = 2  # unlike ways of hiding, for that to count


@dataclass(frozen=True, slots=True)
class Trial:
    """One set of parameters that was tried.

    Attributes
    ----------
    name : str
        Its name in `CANDIDATES`.
    parameters : Parameters
        The set.
    gain : float
        By how much its mean IoU over the whole image should be above that of the defaults, mean over the images
        with enough labels to judge by.
    hidden_gain : float
        By how much it is above that of the defaults on the hidden labels, in the way of hiding that says least for it.
    score : float
        Mean IoU on the hidden labels, over all ways of hiding and all images.
    scores : tuple of float
        The same for each way of hiding and each image.
    """

    name: str
    parameters: Parameters
    gain: float
    hidden_gain: float
    score: float
    scores: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What `suggest_parameters` found.

    Attributes
    ----------
    parameters : Parameters
        The best set, or the defaults.
    trials : tuple of Trial
        What was tried, by the gain it promises; empty if the labels are too few to judge.
    reason : str
        Why, in one sentence.
    """

    parameters: Parameters
    trials: tuple[Trial, ...]
    reason: str


def suggest_parameters(
    image: Any,
    labels: Any,
    *,
    progress: Callable[[int, int], None] | None = None,
    mask: Any = None,
    channel_axis: int = -1,
    spacing: Sequence[float] | None = None,
    contrast_limits: Any = None,
) -> Suggestion:
    """Choose parameters by hiding part of the person's own labels.

    Parameters
    ----------
    image, labels : array, or equally long lists of arrays
        As for `refine_labels`. Over several images of one kind the choice is more reliable.
    progress : callable, optional
        Called with (trials done, trials in all): after every trial, and during it several times a second. What it
        raises ends the search.
    mask : array of bool, optional
        As for `refine_labels`. With lists of images a list as well, of arrays or None.
    channel_axis, spacing, contrast_limits
        As for `refine_labels`; the same for all images.

    Returns
    -------
    Suggestion
        The parameters, what was tried with which score, and the reason in one sentence.

    Raises
    ------
    InputError
        If an image or its labels cannot be used, or the lists differ in length.

    Examples
    --------
    >>> image = np.zeros((20, 30), np.uint8)
    >>> labels = np.zeros((20, 30), np.uint8)
    >>> labels[10, 3], labels[10, 26] = 3, 7
    >>> suggest_parameters(image, labels).reason
    'The labels are too few to hide some and judge by them, so these are the defaults: paint more, or larger strokes.'
    """
    images, label_maps = _pairs(image, labels)
    several = isinstance(mask, list | tuple) and isinstance(image, list | tuple)
    masks = list(mask) if several else [mask] * len(images)
    if len(masks) != len(images):
        raise InputError(f"There are {len(images)} images and {len(masks)} masks; pass one for each, or None.")
    pictures = [
        Picture(one_image, one_mask, channel_axis, spacing, contrast_limits)
        for one_image, one_mask in zip(images, masks, strict=True)
    ]
    return search_parameters(list(zip(pictures, label_maps, strict=True)), progress)


def search_parameters(
    labelled: Sequence[tuple[Picture, Any]], progress: Callable[[int, int], None] | None = None
) -> Suggestion:
    """Do what `suggest_parameters` does for pictures, each with its labels."""
    judged, n_trials = [], 0
    for number, (picture, labels) in enumerate(labelled, 1):
        try:
            scene = _reduced(picture, labels)
            # Made for its checks: what is wrong is said before any work starts.
            Refiner.of(scene.picture, scene.labels)
        except InputError as error:
            several = len(labelled) > 1
            raise InputError(f"Image {number} of {len(labelled)}: {error}" if several else str(error)) from error
        n_ways = sum(1 for _ in scene.hidings()) if scene.open_pixels.any() else 0
        if n_ways:
            judged.append(scene)
            n_trials += (1 + n_ways) * len(CANDIDATES)
    if not judged:
        reason = "The labels are too few to hide some and judge by them, so these are the defaults: "
        return Suggestion(Parameters(), (), reason + "paint more, or larger strokes.")
    tell = _Counter(progress, n_trials)
    found = [_try_all(scene, tell) for scene in judged]
    return _choose([_trial(name, found) for name in CANDIDATES], len(judged), _n_ways(found))


class _Counter:
    """Counts trials, and tells how many are done to whoever wants to know."""

    def __init__(self, progress: Callable[[int, int], None] | None, total: int) -> None:
        self._progress, self._done, self._total = progress, 0, total

    def __call__(self, trials: int = 0) -> None:
        self._done += trials
        if self._progress is not None:
            self._progress(self._done, self._total)


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """A picture at the size it is tried at, every `step`-th pixel, and its labels, of which none outside the mask."""

    picture: Picture
    labels: LabelArray
    step: int

    @property
    def open_pixels(self) -> MaskArray:
        """The unlabelled pixels that take part."""
        unlabelled: MaskArray = self.labels == UNLABELLED
        return unlabelled if self.picture.mask is None else unlabelled & self.picture.mask

    def hidings(self) -> Iterator[Hiding]:
        """Yield the labels that take part, with a part hidden."""
        return hidings(self.labels, self.picture.mask, self.step)


@dataclass(frozen=True, slots=True)
class _Finding:
    """What one set of parameters promises on one image, and how well it found hidden labels, in which way hidden."""

    gain: float
    scores: tuple[float, ...]
    ways: tuple[str, ...]


def _try_all(scene: _Scene, tell: _Counter) -> dict[str, _Finding]:
    """Try every candidate on one image: once with all labels, once with each part of them hidden."""
    ids, sizes = np.unique(scene.labels[scene.labels != UNLABELLED], return_counts=True)

    def what_all_say(labels: LabelArray, where: MaskArray) -> dict[str, Indices]:
        refiner = Refiner.of(scene.picture, labels)
        said = {}
        for name, changes in CANDIDATES.items():
            parameters = reduce_parameters(Parameters(**changes), scene.step, labels.ndim)
            refined = _refine(refiner, parameters, tell)
            said[name] = np.searchsorted(ids, refined[where])
            tell(1)
        return said

    unlabelled = what_all_say(scene.labels, scene.open_pixels)
    hidden, truths, ways = [], [], []
    for way in scene.hidings():
        ways.append(way.way)
        hidden.append(what_all_say(way.kept, way.hidden))
        truths.append(np.searchsorted(ids, scene.labels[way.hidden]))
    at_hidden = {name: np.concatenate([said[name] for said in hidden]) for name in CANDIDATES}

    def finding(name: str) -> _Finding:
        promise = promised(
            sizes.astype(np.float64),
            Said(unlabelled["default"], unlabelled[name]),
            Said(at_hidden["default"], at_hidden[name]),
            np.concatenate(truths),
            DOUBT / scene.step**scene.labels.ndim,
        )
        scores = tuple(
            evaluate_labels(said[name], truth, ignore=None).mean_iou for said, truth in zip(hidden, truths, strict=True)
        )
        return _Finding(promise.gain, scores, tuple(ways))

    return {name: finding(name) for name in CANDIDATES}


def _trial(name: str, found: Sequence[Mapping[str, _Finding]]) -> Trial:
    """Put together what one candidate gave on all images."""
    own, default = [one[name] for one in found], [one["default"] for one in found]
    scores = np.concatenate([one.scores for one in own])
    gains = scores - np.concatenate([one.scores for one in default])
    ways = np.concatenate([one.ways for one in own])
    return Trial(
        name,
        Parameters(**CANDIDATES[name]),
        float(np.mean([one.gain for one in own])),
        float(min(gains[ways == way].mean() for way in set(ways))),
        float(scores.mean()),
        tuple(scores.tolist()),
    )


def _refine(refiner: Refiner, parameters: Parameters, tell: Callable[[], None]) -> LabelArray:
    """Return the refined labels; `tell` is called at every step, so that it can stop the work."""
    for step in refiner.steps(parameters):
        if step.refinement is not None:
            return step.refinement.labels
        tell()
    raise AssertionError("steps() ends with a refinement")


def _pairs(image: Any, labels: Any) -> tuple[list[Any], list[Any]]:
    several = isinstance(image, list | tuple) and isinstance(labels, list | tuple)
    images, label_maps = (list(image), list(labels)) if several else ([image], [labels])
    if len(images) != len(label_maps) or not images:
        raise InputError(
            f"There are {len(images)} images and {len(label_maps)} label maps; pass one of each, in pairs."
        )
    return images, label_maps


def _reduced(picture: Picture, labels: Any) -> _Scene:
    """Return a picture and its labels at the size they are tried at."""
    label_map = read_labels(labels)
    picture = picture.fitted(label_map.shape)
    step = step_within(label_map.shape, _MOST_PIXELS)
    small = reduce_picture(picture, step, label_map.ndim)
    taking_part = thin_out_labels(_inside(picture.mask, label_map), step)
    return _Scene(small, _inside(small.mask, taking_part), step)


def _inside(mask: MaskArray | None, labels: LabelArray) -> LabelArray:
    """Return the labels without those outside the mask."""
    return labels if mask is None else np.where(mask, labels, UNLABELLED).astype(labels.dtype)


def _n_ways(found: Sequence[Mapping[str, _Finding]]) -> int:
    return len({way for one in found for way in one["default"].ways})


def _choose(trials: Sequence[Trial], n_images: int, n_ways: int) -> Suggestion:
    """Return the set with a clear gain, the promised one before that on hidden labels; else the defaults."""
    ranked = tuple(sorted(trials, key=lambda trial: -trial.gain))
    promised, found = (margin / np.sqrt(n_images) for margin in (_PROMISED, _FOUND))
    promising, finding = ranked[0], max(ranked, key=lambda trial: trial.hidden_gain)
    if promising.gain >= promised:
        reason = f"going by hidden labels, {promising.name!r} promises {promising.gain:+.3f} of mean IoU."
        return Suggestion(promising.parameters, ranked, f"Clearly better: {reason}")
    if finding.hidden_gain >= found and n_ways >= _LEAST_WAYS:
        reason = (
            f"{finding.name!r} finds hidden labels with {finding.hidden_gain:+.3f} of mean IoU or more, however hidden."
        )
        return Suggestion(finding.parameters, ranked, f"Clearly better: {reason}")
    best = next(trial for trial in ranked if trial.name != "default")
    if best.gain > 0:
        reason = f"{best.name!r} promises {best.gain:+.3f} of mean IoU, {promised:+.3f} would be a clear gain."
    else:
        reason = "going by hidden labels, nothing else that was tried promises a gain."
    return Suggestion(Parameters(), ranked, f"The defaults stay: {reason}")

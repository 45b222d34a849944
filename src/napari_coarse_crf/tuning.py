"""Parameters from a person's own labels, without any truth.

Part of the labels is hidden, the image is refined from the rest, and what was hidden says how good the result is there.
Done in three unlike ways of hiding, as one alone misleads: small blocks, large blocks, whole strokes. The choice is
among a few documented sets of parameters; the defaults stay unless another set is clearly better in each of the ways.

Deterministic: bounded by trials and pixels, never by the clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage as ndi

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.inputs import UNLABELLED, LabelArray, MaskArray, read_labels
from napari_coarse_crf.parameters import Parameters
from napari_coarse_crf.refiner import Refiner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

CANDIDATES: Mapping[str, Mapping[str, Any]] = MappingProxyType({
    "default": MappingProxyType({}),
    "gentle paths": MappingProxyType({"geodesic_exponent": 2.0}),
    "steep edges": MappingProxyType({"geodesic_colour_weight": 8.0}),
    "weak appearance": MappingProxyType({"appearance_weight": 1.0}),
    "firm paths": MappingProxyType({"geodesic_exponent": 8.0, "appearance_weight": 1.0}),
})  # fmt: skip
"""What is tried: what each set changes against the defaults."""

_MOST_PIXELS = 2**18  # larger images are tried at reduced size
_MARGIN = 0.02  # by how much mean IoU must rise in every way of hiding for one image; a pool needs less
_LEAST_HIDDEN = 20  # pixels of a label, for it to be judged
_SEED = 1


@dataclass(frozen=True, slots=True)
class Trial:
    """One set of parameters that was tried.

    Attributes
    ----------
    name : str
        Its name in `CANDIDATES`.
    parameters : Parameters
        The set.
    score : float
        Mean IoU on the hidden labels, over all ways of hiding and all images.
    scores : tuple of float
        The same for each way of hiding and each image.
    """

    name: str
    parameters: Parameters
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
        What was tried, best first; empty if the labels are too few to judge.
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
    tasks = []
    for one_image, label_map, one_mask in zip(images, label_maps, masks, strict=True):
        scene = _reduced(one_image, read_labels(label_map), one_mask, channel_axis)
        # Made for its checks: what is wrong is said before any work starts.
        Refiner(scene.image, scene.labels, mask=scene.mask, spacing=spacing, contrast_limits=contrast_limits)
        tasks += [(scene, way, kept, hidden) for way, kept, hidden in _hidings(scene.labels)]
    if not tasks:
        reason = "The labels are too few to hide some and judge by them, so these are the defaults: "
        return Suggestion(Parameters(), (), reason + "paint more, or larger strokes.")
    tell = _Counter(progress, len(tasks) * len(CANDIDATES))
    scores: dict[str, list[float]] = {name: [] for name in CANDIDATES}
    for scene, _, kept, hidden in tasks:
        refiner = Refiner(scene.image, kept, mask=scene.mask, spacing=spacing, contrast_limits=contrast_limits)
        for name, changes in CANDIDATES.items():
            refined = _refine(refiner, Parameters(**changes).for_fewer_pixels(scene.factor), tell)
            scores[name].append(_mean_iou(refined[hidden], scene.labels[hidden]))
            tell(1)
    return _choose(scores, [way for _, way, _, _ in tasks], len(images))


class _Counter:
    """Counts trials, and tells how many are done to whoever wants to know."""

    def __init__(self, progress: Callable[[int, int], None] | None, total: int) -> None:
        self._progress, self._done, self._total = progress, 0, total

    def __call__(self, trials: int = 0) -> None:
        self._done += trials
        if self._progress is not None:
            self._progress(self._done, self._total)


def _refine(refiner: Refiner, parameters: Parameters, tell: Callable[[], None]) -> LabelArray:
    """Return the refined labels; `tell` is called at every step, so that it can stop the work."""
    for step in refiner.steps(parameters):
        if step.refinement is not None:
            return step.refinement.labels
        tell()
    raise AssertionError("steps() ends with a refinement")


@dataclass(frozen=True, slots=True)
class _Scene:
    """One image at the size it is tried at: every `factor`-th pixel; channels last."""

    image: Any
    labels: LabelArray
    mask: MaskArray | None
    factor: int


def _pairs(image: Any, labels: Any) -> tuple[list[Any], list[Any]]:
    several = isinstance(image, list | tuple) and isinstance(labels, list | tuple)
    images, label_maps = (list(image), list(labels)) if several else ([image], [labels])
    if len(images) != len(label_maps) or not images:
        raise InputError(
            f"There are {len(images)} images and {len(label_maps)} label maps; pass one of each, in pairs."
        )
    return images, label_maps


def _reduced(image: Any, labels: LabelArray, mask: Any, channel_axis: int) -> _Scene:
    factor = int(np.ceil((labels.size / _MOST_PIXELS) ** (1 / labels.ndim))) if labels.size > _MOST_PIXELS else 1
    every = (slice(None, None, factor),) * labels.ndim
    array = np.asarray(image)
    if array.ndim == labels.ndim + 1 and -array.ndim <= channel_axis < array.ndim:
        array = np.moveaxis(array, channel_axis, -1)
    reduced_mask = None if mask is None else np.asarray(mask)[every]
    # An image of another shape is left as it is: the Refiner says what does not fit.
    fits = array.shape[: labels.ndim] == labels.shape
    return _Scene(array[every] if fits else array, labels[every] if fits else labels, reduced_mask, factor)


def _hidings(labels: LabelArray) -> Iterator[tuple[int, LabelArray, MaskArray]]:
    """Yield label maps with a part hidden, and where it was: 0 small blocks, 1 large blocks, 2 whole strokes."""
    labelled = labels != UNLABELLED
    away = ndi.distance_transform_edt(~labelled)
    typical = float(np.median(away[~labelled])) if not labelled.all() else 0.0
    rng = np.random.default_rng(_SEED)
    small, large = max(8, round(2 * typical)), max(16, max(labels.shape) // 6)
    ways = (_in_blocks(labels, small, rng), _in_blocks(labels, large, rng), _half_strokes(labels, rng))
    for way, hidden in enumerate(ways):
        kept = _keep_every_label(labels, labelled & hidden)
        ids, counts = np.unique(labels[labelled & (kept == UNLABELLED)], return_counts=True)
        judged = ids[counts >= _LEAST_HIDDEN]
        if len(judged) > 1:
            yield way, kept, (kept == UNLABELLED) & np.isin(labels, judged)


def _in_blocks(labels: LabelArray, side: int, rng: np.random.Generator) -> MaskArray:
    """Return random blocks of a grid, half of all."""
    blocks = rng.random([-(-size // side) for size in labels.shape]) < 0.5
    for axis, size in enumerate(labels.shape):
        blocks = np.repeat(blocks, side, axis=axis).take(range(size), axis=axis)
    return blocks


def _half_strokes(labels: LabelArray, rng: np.random.Generator) -> MaskArray:
    """Return half of the strokes of each label; of a label with one stroke, half of it, cut across."""
    hidden = np.zeros(labels.shape, np.bool_)
    for label_id in np.unique(labels[labels != UNLABELLED]):
        strokes, count = ndi.label(labels == label_id, np.ones((3,) * labels.ndim))
        if count > 1:
            hidden |= np.isin(strokes, 1 + rng.permutation(count)[: count // 2])
            continue
        where = np.nonzero(strokes)
        longest = max(where, key=np.ptp)
        half = longest > np.median(longest)
        hidden[tuple(axis[half] for axis in where)] = True
    return hidden


def _keep_every_label(labels: LabelArray, hidden: MaskArray) -> LabelArray:
    """Return the labels without the hidden ones; a label of which nothing would be left is kept as a whole."""
    kept = np.where(hidden, UNLABELLED, labels).astype(labels.dtype)
    lost = np.setdiff1d(np.unique(labels), np.unique(kept))
    return np.where(np.isin(labels, lost), labels, kept).astype(labels.dtype)


def _mean_iou(found: LabelArray, hidden: LabelArray) -> float:
    ids = np.unique(hidden)
    shared = [np.count_nonzero((found == i) & (hidden == i)) for i in ids]
    either = [np.count_nonzero((found == i) | (hidden == i)) for i in ids]
    return float(np.mean(np.divide(shared, either)))


def _choose(scores: Mapping[str, Sequence[float]], ways: Sequence[int], n_images: int) -> Suggestion:
    """Return the best of the trials that beat the defaults clearly in every way of hiding, else the defaults."""
    trials = sorted(
        (
            Trial(name, Parameters(**CANDIDATES[name]), float(np.mean(values)), tuple(values))
            for name, values in scores.items()
        ),
        key=lambda trial: -trial.score,
    )
    default = next(trial for trial in trials if trial.name == "default")
    margin = _MARGIN / np.sqrt(n_images)

    def least_gain(trial: Trial) -> float:
        gains = np.subtract(trial.scores, default.scores)
        return float(min(np.mean(gains[np.equal(ways, way)]) for way in set(ways)))

    best = max(trials, key=least_gain)
    if best is not default and least_gain(best) >= margin:
        reason = f"Clearly better: on hidden labels {best.name!r} reaches a mean IoU of {best.score:.3f}, the defaults "
        return Suggestion(best.parameters, tuple(trials), f"{reason}{default.score:.3f}.")
    others = max(trial.score for trial in trials if trial is not default)
    reason = "The defaults stay, nothing is clearly better in every way of hiding labels: their mean IoU there is "
    return Suggestion(default.parameters, tuple(trials), f"{reason}{default.score:.3f}, the best other's {others:.3f}.")

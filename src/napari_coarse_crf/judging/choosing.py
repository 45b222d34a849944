"""Weights of the heatmap's terms and of the appearance kernel, chosen by a person's own labels.

First what texture is worth (`telling`). Then a few sets of weights are tried on hidden labels (`look`), and one takes
the place of the defaults where it is clearly better.

Deterministic: bounded by trials and pixels, never by the clock.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from napari_coarse_crf.heatmap import contrast_gain
from napari_coarse_crf.inputs import OPEN
from napari_coarse_crf.judging.look import CANDIDATES, Finding, Scene
from napari_coarse_crf.judging.telling import weigh_texture
from napari_coarse_crf.similarity import FORMS
from napari_coarse_crf.texture import texture_features

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from concurrent.futures import ThreadPoolExecutor

    from napari_coarse_crf.inputs import Problem
    from napari_coarse_crf.parameters import Parameters
    from napari_coarse_crf.texture import TextureArray

TOO_FEW = (
    "The labels are too few to hide some and judge by them, so these are the defaults: paint more, or larger strokes."
)
"""The reason where nothing could be tried."""

_MUCH = 0.25  # of the labelled pixels
# What a set must gain in mean IoU to take the place of the defaults, for one image; a pool needs less.
_PROMISED = 0.03  # over the whole image
_FOUND = MappingProxyType({"firm paths": 0.0, "colour alone": 0.08})
"""Or on hidden labels, in every way of hiding. Paths that are firmer change little where they are wrong; colour alone
changes what is far from all strokes, where few hidden labels are."""
_NO_LESS = -0.02  # what straight paths must promise: hidden labels lie within large areas, where paths do not matter
_NOT_MUCH_LESS = 0.05  # what sets that find hidden labels may promise less: all may find them where these are easy
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
class Chosen:
    """What the labels chose.

    Attributes
    ----------
    parameters : Parameters
        With their weights, which are fixed now.
    trials : tuple of Trial
        What was tried, by the gain it promises; empty if the labels are too few to judge.
    reason : str
        Why these, in one sentence.
    """

    parameters: Parameters
    trials: tuple[Trial, ...]
    reason: str


def choose_weights(
    pool: ThreadPoolExecutor, problem: Problem, parameters: Parameters, features: TextureArray | None
) -> Generator[int | None, None, Chosen]:
    """Return the parameters with the weights that the labels of a problem speak for.

    Parameters
    ----------
    pool, problem
        Where it is done, and of what.
    parameters : Parameters
        All others, and the weights that stay unless others are clearly better.
    features : (K, N) int16 or None
        From `find_surroundings`; None where hidden labels cannot tell what texture is worth (`may_tell`).
    """
    fixed = parameters.replace(weights="fixed")
    if not labels_choose(parameters):
        return Chosen(fixed, (), "")
    weighed, scene = yield from prepare_look(pool, problem, fixed, features)
    if not scene.hidings:
        return Chosen(weighed, (), TOO_FEW)
    return choose([(yield from scene.look(pool))], weighed)


def labels_choose(parameters: Parameters) -> bool:
    """Whether there is something for labels to choose: asked for, and in a heatmap that has such weights."""
    return parameters.weights == "auto" and "weights" in FORMS[parameters.similarity].reads


def prepare_look(
    pool: ThreadPoolExecutor, problem: Problem, parameters: Parameters, features: TextureArray | None
) -> Generator[None, None, tuple[Parameters, Scene]]:
    """Return the parameters with the weight of texture that hidden labels speak for, and what is to be looked at."""
    weighed = parameters
    if features is not None:
        gain = contrast_gain(problem.colours)
        weight = yield from weigh_texture(pool, problem, features, gain, parameters.heatmap_colour)
        weighed = parameters.replace(texture_weight=round(weight, 2))
    return weighed, Scene(problem, weighed, features if weighed.texture_weight > 0 else None)


def find_surroundings(pool: ThreadPoolExecutor, problem: Problem) -> Generator[int | None, None, TextureArray]:
    """Return the features of all pixels, whatever their labels."""
    return (yield from texture_features(pool, problem, contrast_gain(problem.colours)))


def choose(found: Sequence[Mapping[str, Finding]], parameters: Parameters) -> Chosen:
    """Return the set that takes the place of the defaults on some images, the promised one first; else these."""
    ranked = tuple(sorted((_trial(name, found, parameters) for name in _tried(found)), key=lambda trial: -trial.gain))
    n_ways = len({way for one in found for way in one["default"].ways})
    root = math.sqrt(len(found))
    promised, least = _PROMISED / root, {name: margin / root for name, margin in _FOUND.items()}
    promising = ranked[0]
    if promising.gain >= promised:
        reason = f"going by hidden labels, {promising.name!r} promises {promising.gain:+.3f} of mean IoU."
        return Chosen(promising.parameters, ranked, f"Clearly better: {reason}")
    straight = next((trial for trial in ranked if trial.name == "straight paths"), None)
    if straight is not None and straight.gain >= _NO_LESS:
        reason = f"what is open are rims, and hidden labels ({straight.gain:+.3f} of mean IoU) do not speak against it."
        return Chosen(straight.parameters, ranked, f"{straight.name!r} are taken: {reason}")
    finding = [
        trial
        for trial in ranked
        if trial.name in least and trial.hidden_gain >= least[trial.name] and trial.gain >= -_NOT_MUCH_LESS
    ]
    if finding and n_ways >= _LEAST_WAYS:
        most = max(finding, key=lambda trial: trial.hidden_gain)
        reason = f"{most.name!r} finds hidden labels with {most.hidden_gain:+.3f} of mean IoU or more, however hidden."
        return Chosen(most.parameters, ranked, f"Better: {reason}")
    best = next((trial for trial in ranked if trial.name != "default"), None)
    if best is None:
        reason = "hidden labels are found less with the other weights that were tried."
    elif best.gain > 0:
        reason = f"{best.name!r} promises {best.gain:+.3f} of mean IoU, {promised:+.3f} would be a clear gain."
    else:
        reason = "going by hidden labels, nothing else that was tried promises a gain."
    stay = "All else stays" if parameters.texture_weight else "The defaults stay"
    return Chosen(parameters, ranked, f"{stay}: {reason}")


def has_changed_much(before: Problem, now: Problem) -> bool:
    """Whether labels say something else than when they were looked at: other ids, or a quarter of the pixels."""
    if before.labels is now.labels:
        return False
    if not np.array_equal(before.label_ids, now.label_ids) or before.labels.shape != now.labels.shape:
        return True
    changed, labelled = np.count_nonzero(before.labels != now.labels), np.count_nonzero(before.labels != OPEN)
    return bool(changed > _MUCH * labelled)


def _tried(found: Sequence[Mapping[str, Finding]]) -> list[str]:
    """Return the sets that were tried on every image."""
    return [name for name in CANDIDATES if all(name in one for one in found)]


def _trial(name: str, found: Sequence[Mapping[str, Finding]], parameters: Parameters) -> Trial:
    """Put together what one candidate gave on all images."""
    own, default = [one[name] for one in found], [one["default"] for one in found]
    scores = np.concatenate([one.scores for one in own])
    gains = scores - np.concatenate([one.scores for one in default])
    ways = np.concatenate([one.ways for one in own])
    return Trial(
        name,
        parameters.replace(**CANDIDATES[name]),
        float(np.mean([one.gain for one in own])),
        float(min(gains[ways == way].mean() for way in set(ways))),
        float(scores.mean()),
        tuple(scores.tolist()),
    )

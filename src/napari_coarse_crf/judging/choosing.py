"""Weights of the heatmap's terms and of the appearance kernel, chosen by a person's own labels.

First what texture is worth (`telling`). Then a few sets of weights are tried on hidden labels (`look`), and one takes
the place of the defaults where it is clearly better.

Deterministic: bounded by pixels, never by the clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from napari_coarse_crf.judging.look import CANDIDATES, Findings, Scene
from napari_coarse_crf.judging.telling import may_tell, weigh_texture
from napari_coarse_crf.problem import OPEN
from napari_coarse_crf.similarity import FORMS

if TYPE_CHECKING:
    from collections.abc import Generator
    from concurrent.futures import ThreadPoolExecutor

    from napari_coarse_crf.parameters import Parameters
    from napari_coarse_crf.problem import Problem
    from napari_coarse_crf.texture import Surroundings

TOO_FEW = (
    "The labels are too few to hide some and judge by them, so these are the defaults: paint more, or larger strokes."
)
"""The reason where nothing could be hidden."""

NOTHING_TO_TRY = "In volumes with few classes only the weight of texture is looked for."
"""The reason where labels may be hidden in vain."""

_MUCH = 0.25  # of the labelled pixels
# What a set must gain in mean IoU to take the place of the defaults.
_PROMISED = 0.03  # over the whole image
_FOUND = MappingProxyType({"firm paths": 0.0, "colour alone": 0.08})
"""Or on hidden labels, in every way of hiding. Paths that are firmer change little where they are wrong; colour alone
changes what is far from all strokes, where few hidden labels are."""
_NO_LESS = -0.02  # what straight paths must promise: hidden labels lie within large areas, where paths do not matter
_ALIKE = 0.01  # what straight paths must gain on hidden labels where those look alike
_NOT_MUCH_LESS = 0.05  # what sets that find hidden labels may promise less: all may find them where these are easy
_LEAST_WAYS = 2  # unlike ways of hiding, for that to count


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the labels chose.

    Attributes
    ----------
    parameters : Parameters
        With their weights, which are fixed now.
    reason : str
        Why these, in one sentence.
    """

    parameters: Parameters
    reason: str


def choose_weights(
    pool: ThreadPoolExecutor, problem: Problem, parameters: Parameters, surroundings: Surroundings
) -> Generator[int | None, None, Chosen]:
    """Return the parameters with the weights that the labels of a problem speak for.

    Parameters
    ----------
    pool, problem
        Where it is done, and of what.
    parameters : Parameters
        All others, and the weights that stay unless others are clearly better.
    surroundings : Surroundings
        Of the pixels; all of them are looked at only where texture is worth something.
    """
    fixed = parameters.replace(weights="fixed")
    if not labels_choose(parameters):
        return Chosen(fixed, "")
    features = None
    if may_tell(problem):
        weight = yield from weigh_texture(pool, problem, surroundings, fixed.heatmap_colour)
        fixed = fixed.replace(texture_weight=round(weight, 2))
        if fixed.texture_weight > 0:
            features = yield from surroundings.of_all(pool)
    scene = Scene(problem, fixed, features)
    return (yield from look_and_choose(pool, scene, fixed))


def labels_choose(parameters: Parameters) -> bool:
    """Whether there is something for labels to choose: asked for, and in a heatmap that has such weights."""
    return parameters.weights == "auto" and "weights" in FORMS[parameters.similarity].reads


def look_and_choose(
    pool: ThreadPoolExecutor, scene: Scene, parameters: Parameters
) -> Generator[int | None, None, Chosen]:
    """Return what hidden labels choose on a scene, instead of or beside these parameters."""
    if not scene.hidings:
        return Chosen(parameters, TOO_FEW if scene.tries else NOTHING_TO_TRY)
    return choose((yield from scene.look(pool)), parameters)


def choose(found: Findings, parameters: Parameters) -> Chosen:
    """Return the set that takes the place of the defaults, the promised one first; else these."""
    sets = found.sets
    promising = max(sets, key=lambda name: sets[name].promise, default="")
    if promising and not found.alike and sets[promising].promise >= _PROMISED:
        said = f"going by hidden labels, {promising!r} promises {sets[promising].promise:+.3f} of mean IoU."
        return _taken(promising, parameters, f"Clearly better: {said}")
    if (straight := sets.get("straight paths")) is not None:
        if found.alike and straight.hidden_gain >= _ALIKE:
            said = (
                f"colours hardly tell the labels apart, and hidden ones gain {straight.hidden_gain:+.3f} of mean IoU."
            )
            return _taken("straight paths", parameters, f"'straight paths' are taken: {said}")
        if not found.alike and straight.promise >= _NO_LESS:
            said = f"what is open are rims, and {straight.promise:+.3f} of mean IoU does not speak against them."
            return _taken("straight paths", parameters, f"'straight paths' are taken: {said}")
    finding = [
        name
        for name, least in _FOUND.items()
        if name in sets and sets[name].least_gain >= least and sets[name].promise >= -_NOT_MUCH_LESS
    ]
    if finding and found.n_ways >= _LEAST_WAYS:
        most = max(finding, key=lambda name: sets[name].least_gain)
        least = f"{sets[most].least_gain:+.3f} of mean IoU at least"
        said = f"{most!r} finds hidden labels as well or better, however they are hidden ({least})."
        return _taken(most, parameters, f"Preferred: {said}")
    if not sets:
        said = "hidden labels are found less with the other weights that were tried."
    elif sets[promising].promise > 0:
        promise = sets[promising].promise
        said = f"{promising!r} promises {promise:+.3f} of mean IoU, {_PROMISED:+.3f} would be a clear gain."
    else:
        said = "going by hidden labels, nothing else that was tried promises a gain."
    return Chosen(parameters, f"{'All else stays' if parameters.texture_weight else 'The defaults stay'}: {said}")


def _taken(name: str, parameters: Parameters, reason: str) -> Chosen:
    return Chosen(parameters.replace(**CANDIDATES[name]), reason)


def has_changed_much(before: Problem, now: Problem) -> bool:
    """Whether labels say something else than when they were looked at: other ids, or a quarter of the pixels."""
    if before.labels is now.labels:
        return False
    if not np.array_equal(before.label_ids, now.label_ids) or before.labels.shape != now.labels.shape:
        return True
    changed, labelled = np.count_nonzero(before.labels != now.labels), np.count_nonzero(before.labels != OPEN)
    return bool(changed > _MUCH * labelled)

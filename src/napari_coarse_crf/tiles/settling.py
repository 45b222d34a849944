"""What an image that does not fit into memory is refined with: texture, learnt once, and weights that labels choose.

As for an image in memory (`judging.choosing`), from what can be had of a large one: texture is learnt and weighed in a
few windows at full size, and the look at hidden labels is one at the image at reduced size. There, features of texture
are those of every `step`-th pixel, of what a few of these show.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_coarse_crf.compute.discriminant import Discriminant
from napari_coarse_crf.heatmap import reads_texture
from napari_coarse_crf.inputs import read_spacing
from napari_coarse_crf.judging.choosing import Chosen, labels_choose, look_and_choose
from napari_coarse_crf.judging.look import Scene
from napari_coarse_crf.judging.telling import MOST_LABELLED, Sample, find_strokes, weigh_by_sample
from napari_coarse_crf.problem import OPEN
from napari_coarse_crf.texture import texture_features
from napari_coarse_crf.things import objects_in_words
from napari_coarse_crf.tiles.overview import seen_from_afar
from napari_coarse_crf.tiles.windows import Seen, choose_windows, look_through

if TYPE_CHECKING:
    from collections.abc import Generator
    from concurrent.futures import ThreadPoolExecutor

    from napari_coarse_crf.parameters import Parameters
    from napari_coarse_crf.problem import Problem
    from napari_coarse_crf.tiles.facts import Facts, Reduced
    from napari_coarse_crf.tiles.helpers import Helpers
    from napari_coarse_crf.tiles.source import Source
    from napari_coarse_crf.tiles.windows import Rows


@dataclass(frozen=True, slots=True, eq=False)
class Settled:
    """What all tiles of an image are refined with.

    Attributes
    ----------
    parameters : Parameters
        With their weights, which are fixed now.
    facts : Facts
        With what texture says, where it counts.
    reason : str
        Why these weights, in one sentence; "" where they were fixed.
    """

    parameters: Parameters
    facts: Facts
    reason: str = ""


def settle(
    pool: ThreadPoolExecutor, helpers: Helpers, source: Source, facts: Facts, reduced: Reduced, parameters: Parameters
) -> Generator[int | None, None, Settled]:
    """Return what an image is refined with.

    Parameters
    ----------
    pool, helpers
        Where the look is done, and who reads windows.
    source, facts, reduced
        The image, and what is known of it.
    parameters : Parameters
        As asked for.
    """
    fixed, share, seen, reason = parameters.replace(weights="fixed"), facts.census.labelled_share, None, ""
    if share == 1.0:
        return Settled(fixed, facts)  # nothing is left to refine
    problem, chooses = None, labels_choose(parameters)
    if chooses:
        problem = seen_from_afar(reduced, facts, source.picture.spacing)
    may_tell = chooses and share < MOST_LABELLED
    if reads_texture(fixed) or may_tell:
        seen = yield from _look_through(helpers, source, facts, reduced)
    if problem is not None:
        if may_tell and seen is not None:
            weight = yield from _weigh(pool, source, facts, reduced, problem, seen.judged, fixed)
            fixed = fixed.replace(texture_weight=weight)
        chosen = yield from _choose(pool, facts, problem, fixed)
        fixed, reason = chosen.parameters, chosen.reason
        if len(facts.members):
            reason = f"{reason} {objects_in_words(len(facts.members))}"
    if not reads_texture(fixed):
        return Settled(fixed, facts, reason)
    if seen is None:  # no window shows anything
        return Settled(fixed.replace(texture_weight=0.0), facts, reason)
    learnt = seen.learnt
    facts = replace(facts, discriminant=Discriminant.learn(learnt.features, learnt.labels, len(facts.ids)))
    return Settled(fixed, facts, reason)


def _look_through(
    helpers: Helpers, source: Source, facts: Facts, reduced: Reduced
) -> Generator[None, None, Seen | None]:
    """Return what a few windows show, if they show anything."""
    windows = choose_windows(reduced, source.shape)
    things = [(window, helpers.threads(len(windows))) for window in windows]
    parts = [part for part in (yield from helpers.each(look_through, (source, facts), things)) if part is not None]
    return Seen.together(parts, len(facts.ids)) if parts else None


def _weigh(
    pool: ThreadPoolExecutor,
    source: Source,
    facts: Facts,
    reduced: Reduced,
    problem: Problem,
    rows: Rows,
    parameters: Parameters,
) -> Generator[None, None, float]:
    """Return what texture is worth: nothing where windows do not show all labels, as it would speak against others."""
    if len(np.unique(rows.labels)) < len(facts.ids):
        return 0.0
    regions = yield from find_strokes(pool, problem)
    strokes = np.zeros(reduced.labels.size, regions.dtype)
    strokes[problem.pixels] = regions
    spacing = np.array(read_spacing(source.picture.spacing, source.shape))
    sample = Sample(
        rows.labels,
        rows.features,
        rows.colours * np.float32(facts.scale.gain / parameters.heatmap_colour),
        (rows.places * spacing)[:, ::-1],  # the last axis first, as in a problem
        strokes[np.ravel_multi_index(tuple(rows.places.T // reduced.step), reduced.labels.shape)],
        len(facts.ids),
        float(max(source.shape * spacing)),
    )
    n_strokes = len(np.unique(regions[problem.labels != OPEN]))
    weight = yield from weigh_by_sample(sample, facts.census.labelled_share, n_strokes)
    return round(weight, 2)


def _choose(
    pool: ThreadPoolExecutor, facts: Facts, problem: Problem, parameters: Parameters
) -> Generator[int | None, None, Chosen]:
    """Return what a look at hidden labels chooses."""
    if len(facts.members):
        problem = replace(problem, kind=int(np.searchsorted(facts.ids, facts.members[0])))
    features = None
    if reads_texture(parameters):
        features = yield from texture_features(pool, problem, facts.scale.gain)
    scene = Scene(problem, parameters, features, facts.census.n_pixels, facts.census.labelled_share)
    return (yield from look_and_choose(pool, scene, parameters))

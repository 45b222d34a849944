"""Parameters from a person's own labels, without any truth, over one image or several of a kind.

What a run with `weights` "auto" does for itself (`judging.choosing`), with all that was tried; over several images the
choice is more reliable. Nothing is cleaned meanwhile: parts that a hidden stroke holds would vanish. Who cleans adds
those parameters to what is suggested.

Deterministic: bounded by trials and pixels, never by the clock.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.compute.parallel import available_workers, finish, retold
from napari_coarse_crf.errors import InputError
from napari_coarse_crf.inputs import Picture, check_number_of_labels, read_labels, read_problem
from napari_coarse_crf.judging.choosing import TOO_FEW, Chosen, Trial, choose, find_surroundings, prepare_look
from napari_coarse_crf.judging.telling import may_tell
from napari_coarse_crf.parameters import Parameters
from napari_coarse_crf.things import find_things

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from napari_coarse_crf.inputs import Problem

__all__ = ["Suggestion", "Trial", "search_parameters", "suggest_parameters"]

Suggestion = Chosen
"""What `suggest_parameters` found."""


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
        Called with (hidings done, hidings in all): after every one, and during it several times a second. What it
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
    problems = []
    for number, (picture, labels) in enumerate(labelled, 1):
        try:
            problems.append(_read(picture, labels))
        except InputError as error:
            several = len(labelled) > 1
            raise InputError(f"Image {number} of {len(labelled)}: {error}" if several else str(error)) from error
    with ThreadPoolExecutor(available_workers()) as pool:
        return finish(_searching(pool, [one for one in problems if one.n_open], progress or _tell_nobody))


def _searching(
    pool: ThreadPoolExecutor, problems: Sequence[Problem], progress: Callable[[int, int], None]
) -> Generator[int | None, None, Suggestion]:
    scenes, weights = [], []
    for problem in problems:
        features = (yield from find_surroundings(pool, problem)) if may_tell(problem) else None
        weighed, scene = yield from prepare_look(pool, problem, Parameters(), features)
        if scene.hidings:
            scenes.append(scene)
            weights.append(weighed.texture_weight)
    if not scenes:
        return Suggestion(Parameters(), (), TOO_FEW)
    done, total = 0, sum(1 + len(scene.hidings) for scene in scenes)

    def tell(unit: int | None) -> None:
        nonlocal done
        done += unit or 0
        progress(done, total)

    found = []
    for scene in scenes:
        found.append((yield from retold(scene.look(pool, thorough=True), tell)))
    return choose(found, Parameters(texture_weight=round(float(np.mean(weights)), 2)))


def _read(picture: Picture, labels: Any) -> Problem:
    """Return the problem that labels pose, objects as one."""
    problem = read_problem(picture, read_labels(labels))
    if problem.n_open:
        check_number_of_labels(problem.label_ids)
    things = find_things(problem)
    return problem if things is None else things.as_one


def _tell_nobody(_done: int, _total: int) -> None:
    """Take progress that nobody wants to know."""


def _pairs(image: Any, labels: Any) -> tuple[list[Any], list[Any]]:
    several = isinstance(image, list | tuple) and isinstance(labels, list | tuple)
    images, label_maps = (list(image), list(labels)) if several else ([image], [labels])
    if len(images) != len(label_maps) or not images:
        raise InputError(
            f"There are {len(images)} images and {len(label_maps)} label maps; pass one of each, in pairs."
        )
    return images, label_maps

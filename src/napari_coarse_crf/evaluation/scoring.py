"""Score every image of a data set, keeping what is done, so that a stopped run goes on where it was.

One image is one task for dask: on threads of this computer, or on a cluster. The kernels release the GIL and are
compiled once for all threads, so threads serve better than processes. Results come back to this process, which keeps
them (`KeptScores`); a cluster's workers only need to read the images under the same paths.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.metadata import version
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.compute.parallel import available_workers
from napari_coarse_crf.errors import CoarseCRFError, CoarseCRFWarning, InputError, ParameterError
from napari_coarse_crf.evaluation.baselines import BASELINES, fill_labels
from napari_coarse_crf.evaluation.scores import Scores, evaluate_labels
from napari_coarse_crf.inputs import UNLABELLED
from napari_coarse_crf.io import files
from napari_coarse_crf.io.pairs import read_pair
from napari_coarse_crf.io.places import exists, is_file, is_folder
from napari_coarse_crf.io.reading import read_bytes
from napari_coarse_crf.json_text import read_json
from napari_coarse_crf.problem import read_problem
from napari_coarse_crf.running.cluster import connected
from napari_coarse_crf.running.versions import code_without, digest_code
from napari_coarse_crf.tiles.apart import cut_picture, make_refiner, parts_apart

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from napari_coarse_crf.compute.arrays import LabelArray
    from napari_coarse_crf.evaluation.dataset import Case, Dataset, Rules
    from napari_coarse_crf.inputs import Picture
    from napari_coarse_crf.parameters import Parameters

    Keep = Callable[[Case, dict[str, Scores]], None]
    Tasks = Sequence[tuple[Case, tuple[str, ...]]]

COARSE, OURS = "Coarse", "Ours"
_MOST_AT_ONCE = 4  # images: one of two megapixels, half labelled, with 19 labels took 0.5 GB
_LONGEST_NAME = 200  # bytes; most systems allow 255
_ONLY_SHOW = frozenset({"cli", "plugin", "samples", "averages.py", "tables.py"})  # they change no score


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done with every image.

    Attributes
    ----------
    methods : tuple of str
        "Coarse", "Ours" and names of `BASELINES`, in the order of the tables.
    parameters : Parameters
        Those of "Ours".
    rules : Rules
        Which pixels count.
    workers : int or None
        Threads for one image; None: as many as are free.
    """

    methods: tuple[str, ...]
    parameters: Parameters
    rules: Rules
    workers: int | None = None


class Watch:
    """Hears what is done with which image, from the threads that do it; of a cluster's workers, nothing.

    Made to be derived from: by itself, it does nothing.
    """

    def read(self, image: str, sentence: str) -> None:
        """Hear how the files of an image were taken."""

    def begin(self, image: str, method: str, number: int, count: int) -> None:
        """Hear that an image comes to a method, the how many-th of how many."""

    def end(self, image: str) -> None:
        """Hear that an image is done, or has failed."""


class KeptScores:
    """Scores of single images in a folder: one small JSON file for each image and method.

    A method's files lie in a folder of their own, whose name ends in a hash of everything that decides the scores but
    the image: parameters, rules and the version of this package and its code. `settings.txt` there says what it stands
    for. A file also names size and time of the image and the label maps, so changed files are scored again.

    Parameters
    ----------
    folder : Path
        Made if missing.
    plan : Plan
        What is done with every image.

    Raises
    ------
    InputError
        If the folders cannot be made.
    """

    def __init__(self, folder: Path, plan: Plan) -> None:
        self._folders: dict[str, Path] = {}
        for method in plan.methods:
            settings = json.dumps(_settings(method, plan), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
            key = hashlib.sha256(settings.encode()).hexdigest()[:10]
            place = folder / f"{method.lower().replace(' ', '-')}-{key}"
            files.make_folder(place)
            about = place / "settings.txt"  # no image has this name: theirs end in .json
            if not about.exists():
                files.write_files({about: settings.encode()})
            self._folders[method] = place

    def find(self, case: Case) -> dict[str, Scores]:
        """Return the scores of an image by method, as far as they are kept.

        Raises
        ------
        InputError
            If a folder has the name of a file.

        Warns
        -----
        CoarseCRFWarning
            If a file holds no scores: they are made again.
        """
        found, stamp = {}, _stamp(case)
        for method in self._folders:
            path = self._path(method, case)
            if is_folder(path):
                raise InputError(f"{path} is a folder, where scores are kept in a file. Remove it.")
            if not exists(path):
                continue
            try:
                content = read_json(read_bytes(path)) if is_file(path) else {}
                if content["files"] == stamp:
                    found[method] = Scores.from_dict(content["scores"])
            except (ValueError, KeyError, TypeError):
                warnings.warn(f"{path} holds no scores; the image is scored again.", CoarseCRFWarning, stacklevel=2)
        return found

    def keep(self, case: Case, scores: dict[str, Scores]) -> None:
        """Write the scores of an image by method; each file whole or not at all."""
        stamp = _stamp(case)
        files.write_files(
            {
                self._path(method, case): _json({"files": stamp, "scores": found.to_dict()})
                for method, found in scores.items()
            }
        )

    def _path(self, method: str, case: Case) -> Path:
        """Return where the scores of an image are kept."""
        name = case.name
        if len(os.fsencode(name)) > _LONGEST_NAME:
            name = hashlib.sha256(os.fsencode(name)).hexdigest()
        return self._folders[method] / f"{name}.json"


def score_dataset(
    dataset: Dataset,
    plan: Plan,
    kept: KeptScores,
    *,
    images_at_once: int | None = None,
    scheduler: str | None = None,
    progress: Callable[[int], None] = lambda done: None,
    watch: Watch | None = None,
) -> dict[str, list[Scores]]:
    """Score every image with every method; what is kept is not done again.

    Parameters
    ----------
    dataset : Dataset
        The images.
    plan : Plan
        What is done with each.
    kept : KeptScores
        Where scores are kept, and found again.
    images_at_once : int, optional
        On this computer; by default one for each core, at most 4 for the memory's sake.
    scheduler : str, optional
        The address of a cluster's scheduler, for dask.distributed.
    progress : callable
        Called with the number of images done, first with that of those that were kept.
    watch : Watch, optional
        Hears what is done with which image.

    Returns
    -------
    dict of str to list of Scores
        For each method, one for each image in the order of the data set.

    Raises
    ------
    InputError
        If an image or a label map cannot be used, or the cluster cannot be reached. What was done before is kept.
    ParameterError
        If a number of images or threads is below 1.
    """
    done = {case.name: kept.find(case) for case in dataset.cases}
    open_methods = [(case, tuple(m for m in plan.methods if m not in done[case.name])) for case in dataset.cases]
    tasks = [(case, methods) for case, methods in open_methods if methods]
    count = len(dataset.cases) - len(tasks)
    progress(count)

    def keep(case: Case, scores: dict[str, Scores]) -> None:
        nonlocal count
        kept.keep(case, scores)
        done[case.name].update(scores)
        count += 1
        progress(count)

    for name, number in (("images_at_once", images_at_once), ("workers", plan.workers)):
        if number is not None and number < 1:
            raise ParameterError(f"{name} is {number}; it must be a whole number from 1 up.")
    if scheduler is not None:
        _run_on_cluster(scheduler, tasks, plan, keep)
    elif tasks:
        _run_here(images_at_once, tasks, plan, keep, watch or Watch())
    return {method: [done[case.name][method] for case in dataset.cases] for method in plan.methods}


def score_case(
    case: Case,
    methods: Sequence[str],
    plan: Plan,
    workers: int,
    stop: Event | None = None,
    watch: Watch | None = None,
) -> dict[str, Scores]:
    """Score one image with some methods.

    Parameters
    ----------
    case : Case
        The files.
    methods : sequence of str
        Some of those of the plan.
    plan : Plan
        Parameters and rules.
    workers : int
        Threads.
    stop : threading.Event, optional
        When it is set, the work ends as soon as it can; what is returned then is of no use.
    watch : Watch, optional
        Hears what is done.

    Raises
    ------
    InputError
        Naming the image, if it or its label maps cannot be used.

    Warns
    -----
    CoarseCRFWarning
        For each thing about the files that a person should look at.
    """
    watch = watch or Watch()
    try:
        scene = _read_scene(case, plan.rules)
        for sentence in scene.said:
            watch.read(case.name, sentence)
        scores = {}
        for number, method in enumerate(methods, 1):
            if stop is not None and stop.is_set():
                break
            watch.begin(case.name, method, number, len(methods))
            found = _label(scene, method, plan.parameters, workers, stop)
            scores[method] = evaluate_labels(
                found, scene.fine, coarse=scene.coarse, ignore=plan.rules.ignore, classes=plan.rules.classes
            )
        return scores
    except CoarseCRFError as error:
        raise InputError(f"The image {case.name} cannot be evaluated. {error}") from error
    finally:
        watch.end(case.name)


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """The files of a case in memory."""

    picture: Picture
    coarse: LabelArray
    fine: LabelArray
    apart: tuple[int, ...]
    said: tuple[str, ...]


def _read_scene(case: Case, rules: Rules) -> _Scene:
    pair = read_pair(case.image, case.coarse)
    for sentence in pair.warnings:
        warnings.warn(f"{case.name}: {sentence}", CoarseCRFWarning, stacklevel=2)
    true = files.read_labels(case.fine)
    fine = true.ids
    if fine.shape != pair.labels.shape:
        raise InputError(
            f"Its coarse labels have shape {pair.labels.shape} but its fine ones {fine.shape}. Give maps of the same "
            "image."
        )
    said = pair.said
    if true.missing is not None:  # what stands for no data is what nobody knows
        kind = fine.dtype if fine.dtype.itemsize == 8 else np.dtype(np.int64)  # as the id may be any
        unknown = np.array(UNLABELLED if rules.ignore is None else rules.ignore).astype(kind)
        fine = np.where(true.missing, unknown, fine.astype(kind))
        said = (*said, f"Not scored, as the fine labels hold no data there: {np.count_nonzero(true.missing)} pixels.")
    picture = pair.picture.fitted(pair.labels.shape)
    if rules.masked:
        scene = ~np.isin(pair.labels, rules.masked)
        picture = replace(picture, mask=scene if picture.mask is None else picture.mask & scene)
    return _Scene(picture, pair.labels, fine, pair.apart, said)


def _label(scene: _Scene, method: str, parameters: Parameters, workers: int, stop: Event | None) -> LabelArray:
    """Return the label map that a method makes of the coarse one."""
    if method == COARSE:
        return scene.coarse
    if method != OURS:
        labels = scene.coarse.copy()
        for part in parts_apart(labels.shape, scene.apart):
            problem = read_problem(cut_picture(scene.picture, part), scene.coarse[part])
            labels[part] = fill_labels(method, problem, scene.coarse[part])
        return labels
    refiner = make_refiner(scene.picture, scene.coarse, scene.apart, workers=workers)
    labels = scene.coarse
    for step in refiner.steps(parameters):
        if stop is not None and stop.is_set():
            break
        if step.refinement is not None:
            labels = step.refinement.labels
    return labels


def _run_here(images_at_once: int | None, tasks: Tasks, plan: Plan, keep: Keep, watch: Watch) -> None:
    """Score images on threads of this process; the calling thread keeps the results."""
    from dask.base import compute
    from dask.callbacks import Callback
    from dask.delayed import delayed

    cores = available_workers()
    at_once = min(images_at_once or min(cores, _MOST_AT_ONCE), len(tasks))
    workers = plan.workers or max(1, cores // at_once)
    stop = Event()
    # Arguments out of dask's sight: it would look into them for more tasks.
    jobs = [delayed(partial(score_case, *task, plan, workers, stop, watch), pure=False)() for task in tasks]
    cases = {job.key: case for job, (case, _) in zip(jobs, tasks, strict=True)}

    def keep_result(key: str, scores: Any, *state: object) -> None:
        if key in cases:
            keep(cases[key], scores)

    with ThreadPoolExecutor(at_once) as pool, Callback(posttask=keep_result):
        try:
            compute(*jobs, scheduler="threads", pool=pool)
        finally:
            stop.set()  # after an error or Ctrl-C: the pool waits for the images it has begun


def _run_on_cluster(address: str, tasks: Tasks, plan: Plan, keep: Keep) -> None:
    """Score images on the workers of a cluster."""
    with connected(address) as client:
        from dask.distributed import as_completed

        workers = plan.workers or 1  # a worker of the cluster has several images at once
        cases = {client.submit(score_case, *task, plan, workers, pure=False): task[0] for task in tasks}
        for future, scores in as_completed(cases, with_results=True):
            keep(cases[future], scores)


def _settings(method: str, plan: Plan) -> dict[str, Any]:
    """Return everything that decides a method's scores but the image."""
    settings: dict[str, Any] = {
        "method": method,
        "version": version("napari-coarse-crf"),
        "code": digest_code(_ONLY_SHOW),
        "rules": asdict(plan.rules),
    }
    if method == OURS:
        settings["parameters"] = plan.parameters.to_dict()
    if method in BASELINES:
        settings["scikit-image"] = version("scikit-image")
    return settings


def code_that_scores() -> dict[str, Path]:
    """Return the files of this package that may change a score, by their names below it, sorted."""
    return code_without(_ONLY_SHOW)


def _stamp(case: Case) -> list[list[Any]]:
    """Return name, size and time of the files of a case."""
    stamps = []
    for path in (case.image, case.coarse, case.fine):
        status = path.stat()
        stamps.append([path.name, status.st_size, status.st_mtime_ns])
    return stamps


def _json(content: dict[str, Any]) -> bytes:
    return (json.dumps(content) + "\n").encode()

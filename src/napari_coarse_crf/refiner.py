"""One image and its labels in memory: the whole way, keeping what a changed parameter does not touch.

inputs -> weights -> heatmap -> kernels -> mean field -> cleaning -> objects -> merge, eq. (5). `steps` goes this way in
small steps, so that a caller can show progress and stop; `run` goes it at once. Where labels stand for one object each
(`things`), all but the last two go with one label for all of them.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np

from napari_coarse_crf.borrowed import borrow, has_labels, read_examples
from napari_coarse_crf.cleaning import asks_for_cleaning, clean, mean_field_key
from napari_coarse_crf.compute.parallel import chosen_workers, finish, retold
from napari_coarse_crf.confidence import confidence_of
from napari_coarse_crf.crf import Engine, FieldProblem, LatticeEngine, Marginals, field_problem
from napari_coarse_crf.errors import CoarseCRFError, ParameterError
from napari_coarse_crf.heatmap import compute_unary, heatmap_key, n_voices, reads_texture
from napari_coarse_crf.inputs import UNLABELLED, Picture, check_number_of_labels, read_labels
from napari_coarse_crf.judging.choosing import Chosen, choose_weights, has_changed_much
from napari_coarse_crf.logits import contrast_gain
from napari_coarse_crf.memory import problem_memory
from napari_coarse_crf.merging import label_counts, merge
from napari_coarse_crf.parameters import Parameters, read_parameters
from napari_coarse_crf.problem import OPEN, Problem, read_problem
from napari_coarse_crf.pydensecrf_engine import PyDenseCRFEngine
from napari_coarse_crf.refinement import ALL_LABELLED, Progress, Refinement, Report, took_none
from napari_coarse_crf.similarity import FORMS
from napari_coarse_crf.texture import Surroundings, Texture
from napari_coarse_crf.things import Things, find_things, objects_in_words, spread, tell_apart
from napari_coarse_crf.unary import unpack_unary

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from napari_coarse_crf.compute.arrays import FloatArray, LabelArray, UnaryArray
    from napari_coarse_crf.elsewhere import Elsewhere
    from napari_coarse_crf.texture import TextureArray

T = TypeVar("T")

EngineName = Literal["lattice", "pydensecrf"]
_ENGINES: dict[str, type[Engine]] = {"lattice": LatticeEngine, "pydensecrf": PyDenseCRFEngine}

_MERGE_BLOCK = 2**15


class Refiner:
    """Refine the labels of one image, again and again.

    Parameters
    ----------
    image : array ([Z,] Y, X[, C]), or sequence of arrays ([Z,] Y, X)
        The shape of `labels`, or one axis more for channels, or an array of that shape for each channel. Any real
        dtype: uint8 is used as it is, everything else is scaled to 0..255 by `contrast_limits`.
    labels : array of int ([Z,] Y, X)
        Any ids; 0 = unlabelled. At least two ids must occur.
    mask : array of bool, optional
        True where pixels take part. Elsewhere the result equals `labels`, and nothing there influences the rest.
    channel_axis : int
        Axis of the channels, where the image is one array with one axis more than the labels.
    spacing : sequence of float, optional
        Size of a pixel along each axis. Only ratios matter: distances count in pixels of the finest axis.
    contrast_limits : (low, high), or one such pair for each channel, optional
        What becomes 0 and 255; by default the 0.1 and 99.9 percentiles over all channels, or of each where one is 20
        times as bright as another.
    examples : sequence of (image, labels), optional
        Other images with strokes, whose colours stand in where this one has none at all; read as `image` is.
    engine : {"lattice", "pydensecrf"}
        "pydensecrf" is the reference (an optional install).
    workers : int, optional
        Threads; by default as many as the process may use. The result has the same bits for any number.

    Raises
    ------
    InputError
        If the image, the labels or what comes with them cannot be used.
    ParameterError
        If there is no such engine, or `workers` is below 1.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((20, 30), np.uint8)
    >>> image[:, 15:] = 200
    >>> labels = np.zeros((20, 30), np.uint8)
    >>> labels[10, 3], labels[10, 26] = 3, 7
    >>> refiner = Refiner(image, labels)
    >>> refinement = refiner.run()
    >>> refinement.label_counts
    {3: (1, 300), 7: (1, 300)}
    """

    def __init__(
        self,
        image: Any,
        labels: Any,
        *,
        mask: Any = None,
        channel_axis: int = -1,
        spacing: Sequence[float] | None = None,
        contrast_limits: Any = None,
        examples: Sequence[tuple[Any, Any]] = (),
        engine: EngineName = "lattice",
        workers: int | None = None,
    ) -> None:
        self._set_up(Picture(image, mask, channel_axis, spacing, contrast_limits), labels, examples, engine, workers)

    @classmethod
    def of(
        cls,
        picture: Picture,
        labels: Any,
        *,
        examples: Sequence[tuple[Any, Any]] = (),
        engine: EngineName = "lattice",
        workers: int | None = None,
    ) -> Refiner:
        """Return the Refiner of a picture and its labels: the same as from the picture's parts.

        Parameters
        ----------
        picture : Picture
            Image, mask and what else it takes to read them.
        labels, examples, engine, workers
            As for `Refiner`.
        """
        refiner = cls.__new__(cls)
        refiner._set_up(picture, labels, examples, engine, workers)
        return refiner

    @classmethod
    def of_part(
        cls,
        problem: Problem,
        label_map: LabelArray,
        elsewhere: Elsewhere,
        *,
        things: Things | None = None,
        workers: int | None = None,
    ) -> Refiner:
        """Return the Refiner of one part of an image, which knows of the rest what the heatmap needs.

        Parameters
        ----------
        problem : Problem
            Of the part.
        label_map : array of int
            The labels that it was read from.
        elsewhere : Elsewhere
            The rest of the image; of objects as one, where there are any.
        things : Things, optional
            The labels that stand for one object each.
        workers : int, optional
            As for `Refiner`.
        """
        refiner = cls.__new__(cls)
        refiner._workers = chosen_workers(workers)
        refiner._engine = LatticeEngine()
        refiner._label_map, refiner._problem, refiner._elsewhere = label_map, problem, elsewhere
        refiner._things, refiner._borrowed = things, None
        refiner._begin_empty()
        return refiner

    def _set_up(
        self,
        picture: Picture,
        labels: Any,
        examples: Sequence[tuple[Any, Any]],
        engine: EngineName,
        workers: int | None,
    ) -> None:
        """Check everything and get ready; nothing is computed yet."""
        if not isinstance(engine, str) or engine not in _ENGINES:
            raise ParameterError(f"engine is {engine!r}; it must be one of: {', '.join(_ENGINES)}.")
        self._workers = chosen_workers(workers)
        self._engine = _ENGINES[engine]()
        self._label_map = read_labels(labels).copy()
        self._borrowed = None
        pairs = read_examples(examples)
        if pairs and not has_labels(picture, self._label_map):
            self._borrowed = borrow(picture, self._label_map, pairs)
        self._problem = self._borrowed.problem if self._borrowed else read_problem(picture, self._label_map)
        self._things = find_things(self._problem) if self._borrowed is None else None
        _check_labels(self._problem)
        self._elsewhere: Elsewhere | None = None
        self._begin_empty()

    def _begin_empty(self) -> None:
        self._running = False
        # The latest of each, with what it was made for.
        self._unary: tuple[object, UnaryArray] | None = None
        self._kernels: dict[str, tuple[object, Any]] = {}
        self._known_surroundings: Surroundings | None = None
        self._chosen: tuple[Parameters, Problem, Chosen] | None = None
        self._found: tuple[object, FieldProblem, Marginals] | None = None  # by the last run that was cleaned

    @property
    def label_ids(self) -> LabelArray:
        """(L,) the ids that occur among the pixels that take part, sorted; the order of `heatmap`."""
        return self._problem.label_ids.copy()

    def run(self, parameters: Parameters | None = None) -> Refinement:
        """Refine the labels.

        Parameters
        ----------
        parameters : Parameters, optional
            By default `Parameters.preset("auto")`: the labels choose the weights, and specks go.
        """
        for progress in self.steps(parameters):
            if progress.refinement is not None:
                return progress.refinement
        raise AssertionError("steps() ends with a refinement")

    def steps(self, parameters: Parameters | None = None) -> Iterator[Progress]:
        """Refine the labels step by step; the last step carries the refinement.

        Closing the iterator stops the work; what was finished until then is kept for the next run.

        Raises
        ------
        CoarseCRFError
            If another iterator of this Refiner is still running.
        """
        chosen = read_parameters(parameters)
        self._begin()
        try:
            with ThreadPoolExecutor(self._workers) as pool:
                yield from self._walk(pool, chosen)
        finally:
            self._running = False

    def update_labels(self, labels: Any) -> None:
        """Replace the labels after painting; the kernels of the image are kept.

        Raises
        ------
        InputError
            If the labels cannot be used or have another shape.
        """
        label_map = read_labels(labels, self._label_map.shape).copy()
        self._begin()
        try:
            problem = self._problem.with_labels(label_map)
            _check_labels(problem)
        finally:
            self._running = False
        self._label_map, self._problem, self._things = label_map, problem, find_things(problem)
        self._borrowed = None
        self._unary, self._found = None, None

    def heatmap(self, parameters: Parameters | None = None) -> FloatArray:
        """Return the label heatmap, eq. (1).

        Returns
        -------
        (L, [Z,] Y, X) ndarray of float32
            Probability of each of `label_ids`: one-hot on labelled pixels (softened by `label_confidence`), a
            distribution on unlabelled ones, 0 where a pixel takes no part.
        """
        chosen = read_parameters(parameters)
        self._begin()
        try:
            with ThreadPoolExecutor(self._workers) as pool:
                if chosen.weights == "auto":
                    chosen = finish(self._cached_choice(pool, chosen)).parameters
                unary = finish(self._cached_unary(pool, chosen))
                likely = np.exp(-unpack_unary(unary, len(self._posed(chosen).label_ids)))
                likely /= likely.sum(axis=1, keepdims=True)  # the steps of the potential leave sums off by .0001
                if (things := self._told_apart(chosen)) is not None:
                    likely = finish(spread(pool, self._problem, things, likely, chosen))
        finally:
            self._running = False
        problem, n_labels = self._problem, len(self._problem.label_ids)
        labelled = np.flatnonzero(problem.labels != OPEN)
        heatmap = np.zeros((n_labels, int(np.prod(problem.shape))), np.float32)
        heatmap[:, problem.pixels[problem.open_pixels]] = likely.T
        # Not from labels_as_unary: a certain label gives the others the potential -log 0.
        trust = chosen.label_confidence if n_labels > 1 else 1.0  # no other label is there to have the rest
        heatmap[:, problem.pixels[labelled]] = (1.0 - trust) / max(1, n_labels - 1)
        heatmap[problem.labels[labelled], problem.pixels[labelled]] = trust
        return heatmap.reshape(n_labels, *problem.shape)

    def estimate_memory(self, parameters: Parameters | None = None) -> int:
        """Estimate the memory that a run takes at its peak, from what was checked already.

        Parameters
        ----------
        parameters : Parameters, optional
            By default `Parameters.preset("auto")`.

        Returns
        -------
        int
            Bytes beyond what the image and the caller's labels take themselves, what this Refiner holds included;
            mostly right within 25 %, or less is taken. The same as from `napari_coarse_crf.estimate_memory`.
        """
        return problem_memory(self._problem, self._things, self._label_map, read_parameters(parameters), self._workers)

    def _posed(self, parameters: Parameters) -> Problem:
        """Return the problem that heatmap and mean field solve: the person's, or that with objects as one label."""
        things = self._told_apart(parameters)
        return self._problem if things is None else things.as_one

    def _compared_by(self, parameters: Parameters) -> Parameters:
        """Return the parameters of the heatmap: of other images, colours are all there is to compare with."""
        return parameters if self._borrowed is None else parameters.replace(similarity="colour")

    def _told_apart(self, parameters: Parameters) -> Things | None:
        """Return the objects that are to be told apart, if any."""
        return self._things if self._things is not None and self._things.used_with(parameters) else None

    def _begin(self) -> None:
        if self._running:
            raise CoarseCRFError("This Refiner is still running: close its steps() first, or make a second Refiner.")
        self._running = True

    def _walk(self, pool: ThreadPoolExecutor, parameters: Parameters) -> Generator[Progress, None, None]:
        """Go the whole way, reporting progress."""
        if not self._problem.n_open:
            yield Progress("mean field", 0, 0, self._unchanged(parameters))
            return
        report = Report(FORMS[self._compared_by(parameters).similarity].units + 2 + parameters.iterations)
        reason = ""
        if parameters.weights == "auto":
            report.total += 1
            chosen = yield from report.stage("weights", _as_one_unit(self._cached_choice(pool, parameters)))
            parameters, reason = chosen.parameters, chosen.reason
            if reason and (alike := self._told_apart(parameters)) is not None:
                reason = f"{reason} {objects_in_words(int(np.count_nonzero(alike.members)))}"
        field, marginals = yield from self._cached_field(pool, parameters, report)
        if asks_for_cleaning(parameters):
            report.total += 1
            beyond = None if self._elsewhere is None else self._elsewhere.outermost
            cleaned = clean(pool, self._posed(parameters), field, marginals, parameters, beyond)
            marginals = yield from report.stage("cleaning", cleaned)
        if (things := self._told_apart(parameters)) is not None:
            report.total += 1
            told = tell_apart(pool, self._problem, things, field, marginals, parameters)
            marginals = yield from report.stage("objects", told)
        refinement = self._merged(pool, field, marginals, parameters, reason)
        yield Progress("mean field", report.done, report.done, refinement)

    def _cached_choice(self, pool: ThreadPoolExecutor, parameters: Parameters) -> Generator[int | None, None, Chosen]:
        """Let the labels choose the weights, unless they have not changed much since they did."""
        posed = self._posed(parameters)
        if self._chosen is None or self._chosen[0] != parameters or has_changed_much(self._chosen[1], posed):
            if self._borrowed is None and self._elsewhere is None:
                found = yield from choose_weights(pool, posed, parameters, self._surroundings)
            else:  # here, no label is there to be hidden
                found = Chosen(parameters.replace(weights="fixed"), "")
            self._chosen = parameters, posed, found
        return self._chosen[2]

    @property
    def _surroundings(self) -> Surroundings:
        if self._known_surroundings is None:
            elsewhere = self._elsewhere
            gain = contrast_gain(self._problem.colours) if elsewhere is None else elsewhere.gain
            self._known_surroundings = Surroundings(self._problem, gain)
        return self._known_surroundings

    def _texture_of(self, posed: Problem, features: TextureArray) -> Texture:
        """Return what the features of a problem say: as learnt from its labels, or from those of the whole image."""
        if self._elsewhere is None or self._elsewhere.discriminant is None:
            return Texture.learn(features, posed)
        return Texture(features, self._elsewhere.discriminant)

    def _cached_field(
        self, pool: ThreadPoolExecutor, parameters: Parameters, report: Report
    ) -> Generator[Progress, None, tuple[FieldProblem, Marginals]]:
        """Run mean field, unless only what comes after it has changed since; kept if it is to be cleaned."""
        key = mean_field_key(parameters)
        if self._found is None or self._found[0] != key:
            self._found = None  # it reads from the kernels that are used again now
            field, marginals = yield from self._run_field(pool, parameters, report)
            if not asks_for_cleaning(parameters):
                return field, marginals
            self._found = key, field, marginals
        return self._found[1:]

    def _run_field(
        self, pool: ThreadPoolExecutor, parameters: Parameters, report: Report
    ) -> Generator[Progress, None, tuple[FieldProblem, Marginals]]:
        unary = yield from report.stage("heatmap", self._cached_unary(pool, parameters))
        kernels = []
        for name, weight in (
            ("appearance kernel", parameters.appearance_weight),
            ("smoothness kernel", parameters.smoothness_weight),
        ):
            if weight > 0:
                kernel = yield from report.stage(name, self._cached_kernel(pool, name, parameters))
                kernels.append((weight, kernel))
        field = field_problem(self._posed(parameters), unary, parameters, n_voices(self._compared_by(parameters)))
        marginals = yield from report.stage("mean field", self._infer(pool, field, kernels))
        return field, marginals

    def _infer(
        self, pool: ThreadPoolExecutor, field: FieldProblem, kernels: list[tuple[float, Any]]
    ) -> Generator[int | None, None, Marginals]:
        """Run mean field, which finds the labels, and ask the heatmap how sure they are."""
        marginals = yield from self._engine.infer(pool, field, kernels)
        confidence = yield from confidence_of(pool, field, marginals.best)
        return replace(marginals, confidence=confidence)

    def _cached_unary(
        self, pool: ThreadPoolExecutor, parameters: Parameters
    ) -> Generator[int | None, None, UnaryArray]:
        elsewhere = self._elsewhere if self._borrowed is None else self._borrowed.elsewhere
        compared = self._compared_by(parameters)
        key = heatmap_key(compared)
        if self._unary is None or self._unary[0] != key:
            self._unary = None  # frees its memory before the new one is made
            posed, texture = self._posed(parameters), None
            if reads_texture(compared):
                texture = self._texture_of(posed, (yield from self._surroundings.of_all(pool)))
            self._unary = key, (yield from compute_unary(pool, posed, compared, elsewhere, texture))
        return self._unary[1]

    def _cached_kernel(
        self, pool: ThreadPoolExecutor, name: str, parameters: Parameters
    ) -> Generator[int | None, None, Any]:
        features = self._problem.features
        thetas = [parameters.theta_gamma] * len(self._problem.shape)
        if name == "appearance kernel":
            thetas = [parameters.theta_alpha] * len(self._problem.shape)
            thetas += [parameters.theta_beta] * len(self._problem.colours)
        if name not in self._kernels or self._kernels[name][0] != thetas:
            self._kernels.pop(name, None)  # frees its memory before the new one is made
            kernel = self._engine.build_kernel(pool, features[: len(thetas)], np.array(thetas, np.float32))
            self._kernels[name] = thetas, (yield from kernel)
        yield 1
        return self._kernels[name][1]

    def _merged(
        self, pool: ThreadPoolExecutor, field: FieldProblem, marginals: Marginals, parameters: Parameters, reason: str
    ) -> Refinement:
        labels, confidence, counts = merge(pool, self._problem, self._label_map, field, marginals, parameters)
        warnings = self._warnings(counts, parameters)
        return Refinement(labels, confidence, parameters, marginals.iterations, counts, warnings, reason)

    def _unchanged(self, parameters: Parameters) -> Refinement:
        counts = {label_id: (count, count) for label_id, count in label_counts(self._problem).items()}
        confidence = (self._label_map != UNLABELLED).astype(np.float32)
        warnings = (*self._problem.notes, ALL_LABELLED)
        return Refinement(self._label_map.copy(), confidence, parameters, 0, counts, warnings)

    def _warnings(self, counts: dict[int, tuple[int, int]], parameters: Parameters) -> tuple[str, ...]:
        if self._borrowed is not None:  # what other images show need not be on this one
            return (*self._problem.notes, self._borrowed.note)
        if (things := self._told_apart(parameters)) is not None:
            classes = self._problem.label_ids[~things.members]  # an object may well be painted in full
            counts = {label_id: counts[label_id] for label_id in map(int, classes)}
        return (*self._problem.notes, *took_none(counts, self._problem.n_open))


def _as_one_unit(steps: Generator[Any, None, T]) -> Generator[int | None, None, T]:
    """Count a work of which nobody knows how long it takes as one unit of a stage."""
    found = yield from retold(steps, lambda _: None)
    yield 1
    return found


def _check_labels(problem: Problem) -> None:
    if problem.n_open:  # a full label map is returned as it is, whatever it holds
        check_number_of_labels(problem.label_ids)

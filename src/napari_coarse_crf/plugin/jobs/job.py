"""One refinement of two layers: read before, computed step by step, added as a new layer afterwards.

The widget lets a thread worker take the steps; `refine_layer` takes them itself. Both come this way, so both give the
same pixels.
"""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_coarse_crf import (
    CoarseCRFError,
    CoarseCRFWarning,
    InputError,
    Parameters,
    Progress,
    __version__,
    estimate_memory,
)
from napari_coarse_crf.memory import free_memory
from napari_coarse_crf.plugin.jobs.aside import take_aside
from napari_coarse_crf.plugin.jobs.memory_note import memory_warning
from napari_coarse_crf.plugin.jobs.refiner_cache import RefinerCache
from napari_coarse_crf.plugin.layers.read import (
    Choice,
    add_result,
    describe_misfit,
    find_problem,
    read_layers,
    read_look,
)
from napari_coarse_crf.plugin.layers.record import remember
from napari_coarse_crf.tiles.parts import Assembly, Scope, has_two_labels
from napari_coarse_crf.tiles.reduced import enlarge, reduce_parameters, thin_out, thin_out_labels

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    import napari
    from napari.layers import Image, Labels
    from numpy.typing import NDArray

    from napari_coarse_crf import Refinement
    from napari_coarse_crf.plugin.layers.read import Inputs, Look
    from napari_coarse_crf.tiles.parts import Part

    Loaded = tuple[NDArray[Any], NDArray[np.integer[Any]], NDArray[np.bool_] | None]

_ENGINE: Final = "lattice"
_LARGE: Final = 2**22
"""Pixels from which on the memory is estimated first: below, a run with few labels takes less than 3 GB."""
_PART_STEPS: Final = 100
"""Steps that each of several parts is reported as: how many it really takes is known only once it has begun."""


_PREPARING: Final = Progress("preparation", 0, 0)


@dataclass(frozen=True, slots=True)
class Notice(Progress):
    """A step that has something to say while the job goes on."""

    sentence: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What a job returns: the refinement, how long it took, and what a person should know about it."""

    refinement: Refinement
    seconds: float
    warnings: tuple[str, ...]

    @property
    def time_in_words(self) -> str:
        """How long it took."""
        return f"{self.seconds:.1f} s" if self.seconds >= 0.1 else f"{1e3 * self.seconds:.0f} ms"


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """Everything one run needs, independent of what happens to the layers meanwhile."""

    inputs: Inputs
    look: Look
    parameters: Parameters
    image_layer: Image
    labels_layer: Labels
    names: tuple[str, str]
    misfit: str
    choice: Mapping[str, Any]
    refiners: RefinerCache
    step: int
    is_live: bool

    @classmethod
    def prepare(
        cls,
        image_layer: Image | None,
        labels_layer: Labels | None,
        parameters: Parameters,
        choice: Choice | None = None,
        refiners: RefinerCache | None = None,
        *,
        step: int = 1,
        is_live: bool = False,
    ) -> Job:
        """Read the layers, on the main thread.

        Parameters
        ----------
        image_layer, labels_layer : napari.layers.Layer or None
            What is chosen.
        parameters : Parameters
            Those of the run.
        choice : Choice, optional
            Scope, further channels and region; by default all of the two layers.
        refiners : RefinerCache, optional
            Where the Refiner of the last run is kept for the next one.
        step : int, optional
            For a quick look: only every so many-th pixel along each axis is refined.
        is_live : bool, optional
            Whether the Live switch asked for it: shown in the preview layer, without a bar of its own.

        Raises
        ------
        InputError
            If they cannot be refined.
        """
        problem = find_problem(image_layer, labels_layer, choice)
        if image_layer is None or labels_layer is None or problem:
            raise InputError(problem)
        return cls(
            inputs=read_layers(image_layer, labels_layer, choice),
            look=read_look(labels_layer),
            parameters=parameters,
            image_layer=image_layer,
            labels_layer=labels_layer,
            names=(image_layer.name, labels_layer.name),
            misfit=describe_misfit(image_layer, labels_layer, choice),
            choice=_in_plain_values(choice or Choice()),
            refiners=refiners or RefinerCache(),
            step=step,
            is_live=is_live,
        )

    def steps(self) -> Generator[Progress, None, Outcome]:
        """Refine, yielding after every step. Touches no layer, so any thread may take the steps.

        Raises
        ------
        CoarseCRFError
            If the input cannot be used, or if something went wrong that nobody foresaw.
        """
        began = perf_counter()
        try:
            refinement = yield from self._refine()
        except RuntimeError as error:
            # superqt swallows a RuntimeError of a generator worker and never ends the worker: napari would stay busy.
            raise internal_error(error) from error
        except MemoryError as error:
            raise CoarseCRFError(
                "The memory does not suffice for this image and this number of labels. Close other layers or crop the "
                "image and its labels."
            ) from error
        notes = (*refinement.warnings, *([self.misfit] if self.misfit else []))
        return Outcome(refinement, perf_counter() - began, notes)

    def add_layer(self, viewer: napari.viewer.Viewer, outcome: Outcome) -> Labels:
        """Add the result to `viewer`, on the main thread, and select the layer that a correction is painted on."""
        refined = outcome.refinement.labels
        layer = add_result(viewer, refined, self.look, self.describe(outcome), self.labels_layer)
        remember(layer, outcome.refinement, self.inputs)
        if self.labels_layer in viewer.layers:
            viewer.layers.selection.active = self.labels_layer
        return layer

    def add_preview(self, viewer: napari.viewer.Viewer, outcome: Outcome) -> Labels:
        """Add the layer that the results of the Live switch are shown in."""
        look = replace(self.look, name=f"{self.names[1]} preview")
        about = self.describe(outcome, preview=True)
        return add_result(viewer, outcome.refinement.labels, look, about, self.labels_layer)

    def _refine(self) -> Generator[Progress, None, Refinement]:
        parts = self.inputs.parts()
        if self.inputs.takes_all:
            loaded = yield from self._load(None)
            yield from self._notice(parts[0], loaded)
            return (yield from self._refine_part(parts[0], loaded))
        assembly = Assembly(np.asarray(self.inputs.labels))
        for number, part in enumerate(parts):
            loaded = yield from self._load(part)
            if len(parts) > 1 and not has_two_labels(*loaded[1:]):
                assembly.skip(part)
                continue
            if number == 0:  # the others are of the same size
                yield from self._notice(part, loaded)
            assembly.put(part, (yield from _among(len(parts), number, self._refine_part(part, loaded))))
        return assembly.result(self.parameters)

    def _load(self, part: Part | None) -> Generator[Progress, None, Loaded]:
        return (yield from take_aside(partial(self.inputs.load, part), lambda: _PREPARING))

    def _notice(self, part: Part, loaded: Loaded) -> Generator[Progress, None, None]:
        """Say if the memory may not suffice; only where it could matter, as the estimate reads all the pixels."""
        image, labels, mask = loaded
        if labels.size < _LARGE or self.step > 1:
            return
        estimate = partial(
            estimate_memory,
            image,
            labels,
            self.parameters,
            mask=mask,
            spacing=self.inputs.spacing_of(part),
            contrast_limits=self.inputs.contrast_limits,
        )
        needed = yield from take_aside(estimate, lambda: _PREPARING)
        sentence = memory_warning(needed, free_memory())
        if sentence:
            yield Notice("preparation", 0, 0, sentence=sentence)

    def _refine_part(self, part: Part, loaded: Loaded) -> Generator[Progress, None, Refinement]:
        image, labels, mask = loaded
        parameters, step = self.parameters, self.step
        if step > 1:
            image, mask = thin_out(image, step, labels.ndim), None if mask is None else thin_out(mask, step, mask.ndim)
            labels, parameters = thin_out_labels(labels, step), reduce_parameters(parameters, step)
        refiner = self.refiners.get(
            image,
            labels,
            mask,
            spacing=self.inputs.spacing_of(part),
            contrast_limits=self.inputs.contrast_limits,
            engine=_ENGINE,
        )
        for progress in refiner.steps(parameters):
            if progress.refinement is not None:
                return progress.refinement if step == 1 else self._enlarged(progress.refinement, loaded)
            yield progress
        raise CoarseCRFError("The refinement ended without a result; please report it.")

    def _enlarged(self, small: Refinement, loaded: Loaded) -> Refinement:
        """Return a quick look at full size, with the person's labels and what takes no part as they are."""
        _, labels, mask = loaded
        kept = labels != 0 if mask is None else (labels != 0) | ~mask
        refined = np.where(kept, labels, enlarge(small.labels, self.step, labels.shape))
        confidence = np.where(kept, labels != 0, enlarge(small.confidence, self.step, labels.shape))
        return replace(
            small,
            labels=refined.astype(labels.dtype, copy=False),
            confidence=confidence.astype(np.float32),
            parameters=self.parameters,
        )

    def describe(self, outcome: Outcome, *, preview: bool = False) -> dict[str, Any]:
        """Return where the result comes from: plain values only, so that they can be saved as JSON."""
        return {
            "version": __version__,
            "parameters": outcome.refinement.parameters.to_dict(),
            "image": self.names[0],
            "labels": self.names[1],
            **self.choice,
            **({"preview": True, "step": self.step} if preview else {}),
            "engine": _ENGINE,
            "iterations": outcome.refinement.iterations,
            "seconds": round(outcome.seconds, 3),
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "label_counts": {int(i): (int(a), int(b)) for i, (a, b) in outcome.refinement.label_counts.items()},
            "warnings": list(outcome.warnings),
        }


def _among(
    count: int, number: int, steps: Generator[Progress, None, Refinement]
) -> Generator[Progress, None, Refinement]:
    """Count the steps of one part as a share of those of all parts."""
    if count == 1:
        return (yield from steps)
    while True:
        try:
            progress = next(steps)
        except StopIteration as end:
            refinement: Refinement = end.value
            return refinement
        done, total = number * _PART_STEPS, count * _PART_STEPS
        done += progress.step * _PART_STEPS // max(1, progress.total)
        yield Progress(f"slice {number + 1} of {count}, {progress.stage}", done, total)


def _in_plain_values(choice: Choice) -> dict[str, Any]:
    """Return what was chosen as it stands in the metadata: only what differs from all of the two layers."""
    values: dict[str, Any] = {}
    if choice.scope != Scope():
        values["scope"] = asdict(choice.scope)
    if choice.channels:
        values["channels"] = [layer.name for layer in choice.channels]
    if choice.channel_axis is not None:
        values["channel_axis"] = choice.channel_axis
    if choice.region is not None:
        values["region"] = choice.region.name
    return values


def internal_error(error: Exception) -> CoarseCRFError:
    """Return an error that says in words that something went wrong which nobody foresaw."""
    return CoarseCRFError(
        f"The refinement stopped because of an internal error ({type(error).__name__}: {error}). Your layers are as "
        "they were; please report it."
    )


def refine_layer(
    viewer: napari.viewer.Viewer,
    image_layer: Image,
    labels_layer: Labels,
    parameters: Parameters | None = None,
    choice: Choice | None = None,
) -> Labels:
    """Refine a Labels layer and add the result as a new layer above it.

    What the button of the widget does, in the calling thread.

    Parameters
    ----------
    viewer : napari.Viewer
        Where the new layer goes.
    image_layer : napari.layers.Image
        The image, ([Z,] Y, X), RGB(A), or with one axis more for channels. Its contrast limits scale everything but
        uint8; where alpha is 0, pixels take no part.
    labels_layer : napari.layers.Labels
        The coarse labels of the same shape, 0 = unlabelled. Its scale is the size of a pixel. Never changed.
    parameters : Parameters, optional
        The defaults if left out.
    choice : napari_coarse_crf.plugin.Choice, optional
        Only some slices, further channels, or a region; by default all of the two layers.

    Returns
    -------
    napari.layers.Labels
        The new layer; `metadata["napari_coarse_crf"]` says how it was made.

    Raises
    ------
    InputError
        If the layers cannot be refined, with one sentence on what to do.

    Warns
    -----
    CoarseCRFWarning
        For each thing about the result that a person should look at.
    """
    job = Job.prepare(image_layer, labels_layer, Parameters() if parameters is None else parameters, choice)
    steps = job.steps()
    while True:
        try:
            next(steps)
        except StopIteration as end:
            outcome: Outcome = end.value
            break
    for sentence in outcome.warnings:
        warnings.warn(sentence, CoarseCRFWarning, stacklevel=2)
    return job.add_layer(viewer, outcome)

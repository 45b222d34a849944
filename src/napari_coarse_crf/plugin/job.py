"""One refinement of two layers: read before, computed step by step, added as a new layer afterwards.

The widget lets a thread worker take the steps; `refine_layer` takes them itself. Both come this way, so both give the
same pixels.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from napari_coarse_crf import CoarseCRFError, CoarseCRFWarning, InputError, Parameters, Refiner, __version__
from napari_coarse_crf.plugin.layers import add_result, describe_misfit, find_problem, read_layers, read_look
from napari_coarse_crf.plugin.results import remember

if TYPE_CHECKING:
    from collections.abc import Generator

    import napari
    from napari.layers import Image, Labels

    from napari_coarse_crf import Progress, Refinement
    from napari_coarse_crf.plugin.layers import Inputs, Look

_ENGINE: Final = "lattice"


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What a job returns: the refinement, how long it took, and what a person should know about it."""

    refinement: Refinement
    seconds: float
    warnings: tuple[str, ...]


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

    @classmethod
    def prepare(cls, image_layer: Image | None, labels_layer: Labels | None, parameters: Parameters) -> Job:
        """Read the layers, on the main thread.

        Raises
        ------
        InputError
            If they cannot be refined.
        """
        problem = find_problem(image_layer, labels_layer)
        if image_layer is None or labels_layer is None or problem:
            raise InputError(problem)
        return cls(
            inputs=read_layers(image_layer, labels_layer),
            look=read_look(labels_layer),
            parameters=parameters,
            image_layer=image_layer,
            labels_layer=labels_layer,
            names=(image_layer.name, labels_layer.name),
            misfit=describe_misfit(image_layer, labels_layer),
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
        """Add the result to `viewer`, on the main thread."""
        refined = outcome.refinement.labels
        layer = add_result(viewer, refined, self.look, self._metadata(outcome), self.labels_layer)
        remember(layer, outcome.refinement, self.inputs)
        return layer

    def _refine(self) -> Generator[Progress, None, Refinement]:
        image, labels, mask = self.inputs.load()
        refiner = Refiner(
            image,
            labels,
            mask=mask,
            spacing=self.inputs.spacing,
            contrast_limits=self.inputs.contrast_limits,
            engine=_ENGINE,
        )
        for progress in refiner.steps(self.parameters):
            if progress.refinement is not None:
                return progress.refinement
            yield progress
        raise CoarseCRFError("The refinement ended without a result; please report it.")

    def _metadata(self, outcome: Outcome) -> dict[str, Any]:
        """Return where the result comes from: plain values only, so that they can be saved as JSON."""
        return {
            "version": __version__,
            "parameters": outcome.refinement.parameters.to_dict(),
            "image": self.names[0],
            "labels": self.names[1],
            "engine": _ENGINE,
            "iterations": outcome.refinement.iterations,
            "seconds": round(outcome.seconds, 3),
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "label_counts": {int(i): (int(a), int(b)) for i, (a, b) in outcome.refinement.label_counts.items()},
            "warnings": list(outcome.warnings),
        }


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
) -> Labels:
    """Refine a Labels layer and add the result as a new layer above it.

    What the button of the widget does, in the calling thread.

    Parameters
    ----------
    viewer : napari.Viewer
        Where the new layer goes.
    image_layer : napari.layers.Image
        The image, ([Z,] Y, X) or RGB(A). Its contrast limits scale everything but uint8; where alpha is 0, pixels take
        no part.
    labels_layer : napari.layers.Labels
        The coarse labels of the same shape, 0 = unlabelled. Its scale is the size of a pixel. Never changed.
    parameters : Parameters, optional
        The defaults if left out.

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
    job = Job.prepare(image_layer, labels_layer, Parameters() if parameters is None else parameters)
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

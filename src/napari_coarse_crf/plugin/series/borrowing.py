"""A first result for an image or frame without strokes: by the colours of the strokes on those before it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_coarse_crf import CoarseCRFError, Refiner
from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.plugin.jobs.job import Job
from napari_coarse_crf.plugin.jobs.outcome import Outcome
from napari_coarse_crf.plugin.layers.look import add_result, read_look
from napari_coarse_crf.plugin.layers.newest import show_alone
from napari_coarse_crf.plugin.layers.provenance import describe_run
from napari_coarse_crf.plugin.layers.read import Excerpt
from napari_coarse_crf.plugin.layers.snapshot import Snapshot
from napari_coarse_crf.tiles.parts import Assembly

if TYPE_CHECKING:
    import napari
    from napari.layers import Labels

    from napari_coarse_crf import Parameters, Refinement
    from napari_coarse_crf.compute.arrays import LabelArray
    from napari_coarse_crf.io.reading import ImageFile
    from napari_coarse_crf.plugin.layers.choice import Choice
    from napari_coarse_crf.plugin.series.folder import Folder
    from napari_coarse_crf.plugin.series.frames import Frames
    from napari_coarse_crf.plugin.series.shown import Shown
    from napari_coarse_crf.tiles.parts import Part

MOST: Final = 4
"""Images that colours are borrowed from: the nearest before."""


@dataclass(frozen=True, slots=True, eq=False)
class Guess:
    """What was borrowed.

    Attributes
    ----------
    refinement : Refinement
        The labels.
    names : list of str
        The images whose strokes these are.
    seconds : float
        How long it took.
    """

    refinement: Refinement
    names: list[str]
    seconds: float

    def add_layer(self, viewer: napari.viewer.Viewer, shown: Shown) -> Labels:
        """Add the result as one of the labels, which have no stroke yet."""
        about = {
            **describe_run(self.refinement.parameters, self.seconds, self.refinement.warnings),
            "image": shown.image.name,
            "labels": shown.labels.name,
            "examples": self.names,
        }
        layer = add_result(viewer, self.refinement.labels, read_look(shown.labels), about, shown.labels)
        show_alone(viewer, layer)
        return layer


@dataclass(frozen=True, slots=True, eq=False)
class FrameGuess:
    """A job for a frame without strokes, by those of frames before it.

    Attributes
    ----------
    frames : Frames
        The stack.
    row : int
        The frame.
    job : Job
        What a run of the current slice would be.
    """

    frames: Frames
    row: int
    job: Job

    @classmethod
    def prepare(cls, frames: Frames, row: int, choice: Choice, parameters: Parameters) -> FrameGuess:
        """Read the layers, on the main thread.

        Raises
        ------
        InputError
            If they do not belong together.
        """
        scope = replace(choice.scope, slice_axis=frames.stack.axis, index=row)
        chosen = replace(choice, scope=scope)
        snapshot = Snapshot(frames.stack.image, frames.labels, chosen, "", frames.labels)
        return cls(frames, row, Job.prepare(snapshot, parameters))

    def run(self) -> Outcome | None:
        """Refine the frame, off the main thread; None if no frame before it has strokes.

        Raises
        ------
        CoarseCRFError
            If their strokes are no help, such as those of one class alone.
        """
        began = perf_counter()
        inputs, labels = self.job.inputs, self.job.inputs.all_labels
        every = replace(inputs, labels=Excerpt(labels, None))  # strokes that are painted meanwhile may count, too
        examples: list[tuple[Any, Any]] = []
        for row in reversed(range(self.row)):
            part = self._part(row)
            if np.any(labels[part]):
                picture, strokes = every.load(part)
                examples.append((picture.image, np.array(strokes)))
            if len(examples) == MOST:
                break
        if not examples:
            return None
        part = self._part(self.row)
        picture, own = inputs.load(part)
        assembly = Assembly(labels)
        assembly.put(part, Refiner.of(picture, own, examples=examples).run(self.job.parameters))
        refinement = assembly.result(self.job.parameters)
        return Outcome(refinement, perf_counter() - began, refinement.warnings, ())

    def _part(self, row: int) -> Part:
        inputs = self.job.inputs
        return replace(inputs.scope, index=row).parts(inputs.shape)[0]


def guess(folder: Folder, row: int, image: ImageFile, labels: LabelArray, parameters: Parameters) -> Guess | None:
    """Refine an image by the strokes on images before it, off the main thread; None if there are none.

    Raises
    ------
    CoarseCRFError
        If their strokes are no help, such as those of one class alone.
    """
    began = perf_counter()
    examples, names = [], []
    picture = _picture(image)
    for other in folder.labelled_before(row):
        try:
            loaded = folder.load(other)
        except CoarseCRFError:  # gone since, say: there are others
            continue
        if (coarse := loaded.layers.get("coarse")) is None or not np.any(coarse[0]):
            continue
        if _picture(loaded.image).channel_axis != picture.channel_axis or loaded.image.axes != image.axes:
            continue
        examples.append((loaded.image.image, coarse[0]))
        names.append(folder.images[other].name)
        if len(examples) == MOST:
            break
    if not examples:
        return None
    refinement = Refiner.of(picture, labels, examples=examples).run(parameters)
    return Guess(refinement, names, perf_counter() - began)


def _picture(image: ImageFile) -> Picture:
    axis = image.channel_axis
    return Picture(image.image, channel_axis=-1 if axis is None else axis, by_channel=image.has_own_ranges(axis))

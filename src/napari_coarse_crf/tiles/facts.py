"""What is true of a whole image that does not fit into memory: found once, block by block, for all of its tiles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.colours import find_contrast_limits, scale_colours
from napari_coarse_crf.errors import InputError
from napari_coarse_crf.heatmap import contrast_gain
from napari_coarse_crf.inputs import UNLABELLED, read_problem
from napari_coarse_crf.refiner import Progress
from napari_coarse_crf.tiles.apart import spread
from napari_coarse_crf.tiles.census import Census
from napari_coarse_crf.tiles.cutting import cut_boxes
from napari_coarse_crf.tiles.palette import Palette
from napari_coarse_crf.tiles.reduced import step_within, thin_out, thin_out_labels
from napari_coarse_crf.tiles.source import holds_data

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import LabelArray, MaskArray
    from napari_coarse_crf.inputs import Picture, Problem
    from napari_coarse_crf.parameters import Parameters
    from napari_coarse_crf.tiles.source import Box, Source

_BLOCK_PIXELS = 2**20
_PATCHES = 64
"""Parts of the image in which its scale is found."""
_PATCH_PIXELS = 2**16
_PATCH_STEP = 4  # every such pixel of a patch
_MOST_COLOURS = 2**18
"""Of all labels: what every tile looks up beside its own pixels."""
_FINEST = 0.25
"""Of the colour tolerance: how far apart colours are that are taken together; up to all of it where they are many."""


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """How the values of an image are read.

    Attributes
    ----------
    contrast_limits : (C, 2) array or None
        What becomes 0 and 255; None: bytes stay what they are.
    gain : float
        What turns I into I'.
    """

    contrast_limits: Any
    gain: float


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What is true of the whole image.

    Attributes
    ----------
    scale : Scale
        How values are read.
    census : Census
        How many pixels of each label there are.
    palette : Palette
        The colours of each label.
    """

    scale: Scale
    census: Census
    palette: Palette


@dataclass(frozen=True, slots=True, eq=False)
class Reduced:
    """The whole image at reduced size.

    Attributes
    ----------
    step : int
        By how much.
    image, labels, mask : arrays
        Every `step`-th pixel; no stroke is lost.
    """

    step: int
    image: NDArray[Any]
    labels: LabelArray
    mask: MaskArray

    @classmethod
    def empty(cls, source: Source, step: int) -> Reduced:
        """Return the reduced image before anything was read."""
        picture, labels = source.read(tuple(slice(0, 1) for _ in source.shape))
        shape = tuple(-(-size // step) for size in source.shape)
        image = np.zeros((*shape, picture.image.shape[-1]), picture.image.dtype)
        return cls(step, image, np.zeros(shape, labels.dtype), np.zeros(shape, np.bool_))

    def put(self, box: Box, picture: Picture, problem: Problem) -> None:
        """Take over one block, whose box begins at multiples of the step."""
        place = tuple(slice(one.start // self.step, -(-one.stop // self.step)) for one in box)
        labels, taking_part = np.zeros(problem.shape, self.labels.dtype), np.zeros(problem.shape, np.bool_)
        labels.reshape(-1)[problem.pixels] = np.append(problem.label_ids, UNLABELLED)[problem.labels]
        taking_part.reshape(-1)[problem.pixels] = True
        self.labels[place] = thin_out_labels(labels, self.step)
        self.mask[place] = thin_out(taking_part, self.step, len(box))
        self.image[place] = thin_out(picture.image, self.step, len(box))

    def within(self, budget: int) -> Reduced:
        """Return it with at most so many pixels."""
        more, ndim = step_within(self.labels.shape, budget), self.labels.ndim
        if more == 1:
            return self
        image, mask = thin_out(self.image, more, ndim), thin_out(self.mask, more, ndim)
        return Reduced(self.step * more, image, thin_out_labels(self.labels, more), mask)


def find_scale(source: Source) -> Scale:
    """Find how the values of an image are read, from patches all over it.

    Raises
    ------
    InputError
        If no pixel takes part, or contrast limits cannot be used.
    """
    side = max(1, round(_PATCH_PIXELS ** (1 / len(source.shape))))
    boxes = cut_boxes(source.shape, [side] * len(source.shape))
    values = _values(source, spread(boxes, _PATCHES)) or _values(source, boxes)
    if not values:
        raise InputError(
            "No pixel takes part: the image is NaN or the mask False everywhere; choose an image that holds data, and "
            "set the mask True where pixels should take part."
        )
    limits, together = source.picture.contrast_limits, np.concatenate(values)
    if limits is None and together.dtype != np.uint8:
        limits = find_contrast_limits(together, source.picture.by_channel)
    colours = np.empty(together.shape[::-1], np.float32)
    scale_colours(together, limits, source.picture.by_channel, colours)
    return Scale(limits, contrast_gain(colours))


def _values(source: Source, boxes: Sequence[Box]) -> list[NDArray[Any]]:
    """Return some of the (N, C) values that take part in each box that holds any."""
    found = []
    for box in boxes:
        picture, labels = source.read(box)
        if holds_data(picture):
            fitted = picture.fitted(labels.shape)
            values = fitted.image.reshape(-1, fitted.image.shape[-1])
            found.append((values if fitted.mask is None else values[fitted.mask.reshape(-1)])[::_PATCH_STEP])
    return found


def gather_facts(
    source: Source, scale: Scale, parameters: Parameters, budget: int
) -> Generator[Progress, None, tuple[Facts, Reduced]]:
    """Read the whole image block by block; returns what is true of it, and itself at reduced size.

    Parameters
    ----------
    source, scale, parameters : Source, Scale, Parameters
        What is read, and how.
    budget : int
        How many pixels the reduced image has at most.

    Yields
    ------
    Progress
        After each block.
    """
    step = step_within(source.shape, budget)
    reduced = Reduced.empty(source, step)
    side = max(1, round(_BLOCK_PIXELS ** (1 / len(source.shape)) / step)) * step
    boxes = cut_boxes(source.shape, [side] * len(source.shape))
    census, palette = Census.empty(len(source.shape)), None
    for number, box in enumerate(boxes):
        yield Progress("reading", number, len(boxes))
        picture, labels = source.read(box)
        if not holds_data(picture):
            continue
        problem = read_problem(replace(picture, contrast_limits=scale.contrast_limits), labels)
        census = census.joined(Census.of(problem, box))
        tolerance = parameters.heatmap_colour / scale.gain
        of_block = Palette.of(problem, _FINEST * tolerance)
        palette = of_block if palette is None else palette.joined(of_block, _MOST_COLOURS, tolerance)
        reduced.put(box, picture, problem)
    assert palette is not None  # noqa: S101  # some pixel takes part, see find_scale
    return Facts(scale, census, palette), reduced

"""What is true of a whole image that does not fit into memory: found once, block by block, for all of its tiles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.cleaning import stroke_size
from napari_coarse_crf.errors import InputError
from napari_coarse_crf.inputs import say_nan
from napari_coarse_crf.problem import read_problem
from napari_coarse_crf.similarity import FORMS
from napari_coarse_crf.things import stand_for_objects
from napari_coarse_crf.tiles.census import Census
from napari_coarse_crf.tiles.cutting import cut_boxes
from napari_coarse_crf.tiles.palette import Palette
from napari_coarse_crf.tiles.reduced import step_within, thin_out, thin_out_labels
from napari_coarse_crf.tiles.source import holds_data

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import FloatArray, LabelArray, MaskArray
    from napari_coarse_crf.compute.discriminant import Discriminant
    from napari_coarse_crf.inputs import Picture
    from napari_coarse_crf.parameters import Parameters
    from napari_coarse_crf.tiles.scale import Scale
    from napari_coarse_crf.tiles.source import Box

_BLOCK_PIXELS = 2**20
_MOST_COLOURS = 2**18
"""Of all labels: what every tile looks up beside its own pixels."""
_MOST_LABELS = 2**13
"""That are looked at together in the overview: it takes 3 GB for 5000."""
_FINEST = 0.25
"""Of the colour tolerance: how far apart colours are that are taken together; up to all of it where they are many."""


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
        The colours of each label, those of objects together.
    members : (M,) int
        The labels that stand for one object each, sorted: refined as one, which has the name of the first.
    ids : (K,) int
        The labels as they are refined, sorted.
    sizes : (K,) float32
        What the prior counts: how many pixels each has or, where objects are taken as one, would get.
    stroke_size : int
        How many pixels a part has at least where `keep_parts` is "stroke-sized".
    discriminant : Discriminant or None
        What texture says of the labels, where it counts.
    """

    scale: Scale
    census: Census
    palette: Palette
    members: LabelArray
    ids: LabelArray
    sizes: FloatArray
    stroke_size: int
    discriminant: Discriminant | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of the image, one sentence each."""
        return (*say_nan(self.census.n_lost), *self.scale.notes)


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
    def of(cls, shape: Sequence[int], step: int, blocks: Sequence[Block]) -> Reduced:
        """Put the blocks of an image of this shape together."""
        sides, pixel = [-(-size // step) for size in shape], blocks[0].image
        image = np.zeros((*sides, pixel.shape[-1]), pixel.dtype)
        labels, mask = np.zeros(sides, blocks[0].labels.dtype), np.zeros(sides, np.bool_)
        for block in blocks:
            place = tuple(slice(one.start // step, -(-one.stop // step)) for one in block.box)
            image[place], labels[place], mask[place] = block.image, block.labels, block.mask
        return cls(step, image, labels, mask)

    def within(self, budget: int) -> Reduced:
        """Return it with at most so many pixels."""
        more, ndim = step_within(self.labels.shape, budget), self.labels.ndim
        if more == 1:
            return self
        image, mask = thin_out(self.image, more, ndim), thin_out(self.mask, more, ndim)
        return Reduced(self.step * more, image, thin_out_labels(self.labels, more), mask)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """One block of an image at reduced size: `image`, `labels` and `mask` as of `Reduced`, in a `box` of the whole."""

    box: Box
    image: NDArray[Any]
    labels: LabelArray
    mask: MaskArray


@dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """What is known of some blocks."""

    censuses: tuple[Census, ...]
    palette: Palette
    blocks: tuple[Block, ...]


@dataclass(frozen=True)  # without slots, as these have no room for what is cached
class Survey:
    """How the blocks of an image are read, the same for all of them.

    Attributes
    ----------
    shape : tuple of int
        Of the image.
    scale : Scale
        How values are read.
    parameters : Parameters
        What it is refined with.
    members : (M,) int
        As in `Facts`.
    step : int
        By how much the image is reduced.
    """

    shape: tuple[int, ...]
    scale: Scale
    parameters: Parameters
    members: LabelArray
    step: int

    @cached_property
    def boxes(self) -> list[Box]:
        """The blocks, each from multiples of the step on, which is a power of two as chunks mostly are."""
        side = max(1, round(_BLOCK_PIXELS ** (1 / len(self.shape)) / self.step)) * self.step
        return cut_boxes(self.shape, [side] * len(self.shape))

    def read(self, box: Box, picture: Picture, labels: LabelArray) -> Gathered | None:
        """Return what is to be known of one block; None if nothing there takes part."""
        if not holds_data(picture):
            return None
        as_one = take_as_one(labels, self.members)
        problem = read_problem(replace(picture, contrast_limits=self.scale.contrast_limits), as_one)
        taking_part = np.zeros(labels.shape, np.bool_)
        taking_part.reshape(-1)[problem.pixels] = True
        given = labels.size if picture.mask is None else int(np.count_nonzero(picture.mask))
        ndim, strokes = len(box), np.where(taking_part, as_one, as_one.dtype.type(0))
        small = Block(
            box,
            thin_out(picture.image, self.step, ndim),
            thin_out_labels(strokes, self.step),
            thin_out(taking_part, self.step, ndim),
        )
        census = Census.of(labels, taking_part, box, given - len(problem.pixels))
        return Gathered((census,), Palette.of(problem, _FINEST * self._tolerance), (small,))

    def join(self, parts: Iterable[Gathered | None]) -> Gathered | None:
        """Return what is known of all these, in this order: sums of floats depend on it."""
        found = [part for part in parts if part is not None]
        if not found:
            return None
        first, *others = found
        censuses, palette, blocks = list(first.censuses), first.palette, list(first.blocks)
        for other in others:
            censuses.extend(other.censuses)
            palette = palette.joined(other.palette, _MOST_COLOURS, self._tolerance)
            blocks.extend(other.blocks)
        return Gathered(tuple(censuses), palette, tuple(blocks))

    def conclude(self, gathered: Gathered) -> tuple[Facts, Reduced]:
        """Return what is true of the whole image, and itself at reduced size."""
        census = Census.together(gathered.censuses)
        ids, which = np.unique(take_as_one(census.ids, self.members), return_inverse=True)
        sizes, edges = (np.bincount(which, counts, len(ids)) for counts in (census.sizes, census.edges))
        reduced = Reduced.of(self.shape, self.step, gathered.blocks)
        size = stroke_size(sizes, edges, len(self.shape), census.n_pixels)
        facts = Facts(self.scale, census, gathered.palette, self.members, ids, sizes.astype(np.float32), size)
        return facts, reduced

    @property
    def _tolerance(self) -> float:
        """How far apart colours are that count as alike, in grey levels."""
        return self.parameters.heatmap_colour / self.scale.gain


def label_boxes(shape: Sequence[int]) -> list[Box]:
    """Return the blocks in which labels alone are read."""
    return cut_boxes(shape, [round((4 * _BLOCK_PIXELS) ** (1 / len(shape)))] * len(shape))


def find_members(
    census: Census, parameters: Parameters, shape: tuple[int, ...], spacing: tuple[float, ...]
) -> LabelArray:
    """Return the labels that stand for one object each and are to be told apart, sorted.

    Raises
    ------
    InputError
        If there are too many others.
    """
    members: LabelArray = np.zeros(0, census.ids.dtype)
    if parameters.instances == "auto" and "instances" in FORMS[parameters.similarity].reads:
        members = census.ids[stand_for_objects(census.extents, shape, spacing)]
    n_classes = len(census.ids) - len(members)
    if n_classes > _MOST_LABELS and census.sizes.sum() < census.n_pixels:
        raise InputError(
            f"There are {n_classes} labels that count as a class each, and in tiles {_MOST_LABELS} at most can be told "
            "apart. Where each stands for one object, paint the background with one id, in strokes that reach over "
            "much of the image, and leave instances at 'auto'."
        )
    return members


def take_as_one(labels: LabelArray, members: LabelArray) -> LabelArray:
    """Return labels in which the first of the members stands for all of them."""
    if not len(members):
        return labels
    as_one: LabelArray = np.where(np.isin(labels, members), members[0], labels).astype(labels.dtype)
    return as_one

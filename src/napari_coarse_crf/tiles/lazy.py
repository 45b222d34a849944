"""A dask graph that refines an image tile by tile when it is computed: dask in, dask out.

The same functions as in `plan`, and the same bits, whatever computes them: threads, processes or a cluster. Nothing is
read before. What a tile must know of the whole image is part of the graph: who computes one tile waits for all of that.
Each part of the image is read where it is needed, four times in all, and a few windows
once more, rather than kept: nothing grows with the image.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import dask.array as da
import numpy as np
from dask.delayed import Delayed
from dask.highlevelgraph import HighLevelGraph

from napari_coarse_crf.compute.parallel import blocks, chosen_workers
from napari_coarse_crf.errors import InputError
from napari_coarse_crf.inputs import Picture, read_spacing, separate_channels
from napari_coarse_crf.parameters import read_parameters
from napari_coarse_crf.similarity import FORMS
from napari_coarse_crf.tiles.cloned import clone
from napari_coarse_crf.tiles.cutting import cut_tiles, neighbours
from napari_coarse_crf.tiles.facts import Survey, label_boxes
from napari_coarse_crf.tiles.nodes import (
    count_labels,
    found_for,
    gather_block,
    join_blocks,
    look_from_afar,
    make_survey,
    members_of,
    put_together,
    read_region,
    refine_region,
    scale_from,
    sum_gained,
    sweep_if_due,
    tell,
    values_of,
    with_rim,
)
from napari_coarse_crf.tiles.plan import OVERVIEW_PIXELS, TilePlan, first_part, in_rounds
from napari_coarse_crf.tiles.reduced import step_aligned
from napari_coarse_crf.tiles.scale import Scale, patches
from napari_coarse_crf.tiles.sides import check_parameters, halos, tile_sides
from napari_coarse_crf.tiles.source import Source, stand_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_coarse_crf.parameters import Parameters
    from napari_coarse_crf.tiles.source import Box

_Key = tuple[str | int, ...]
_PIXELS = 2**23
"""Of a tile with its halo: dask refines several at once."""
_AT_ONCE = 8
"""Blocks of which one task joins what is known."""


@dataclass(frozen=True, slots=True, eq=False)
class LazyRefinement:
    """What a `Refinement` tells, computed when asked for.

    Attributes
    ----------
    labels : dask array
        The refined labels, in the chunks of the given ones.
    confidence : dask array of float32
        As of a `Refinement`.
    label_counts, warnings, parameters, reason : dask delayed
        As of a `Refinement`.
    """

    labels: da.Array
    confidence: da.Array
    label_counts: Any
    warnings: Any
    parameters: Any
    reason: Any


def refine_lazily(
    picture: Picture,
    labels: Any,
    parameters: Parameters | None = None,
    *,
    tile: int | Sequence[int] | None = None,
    overview_pixels: int = OVERVIEW_PIXELS,
    workers: int | None = 1,
) -> LazyRefinement:
    """Return what refines an image when it is computed, tile by tile.

    Parameters
    ----------
    picture : Picture
        Image and mask may be arrays of dask, zarr or numpy.
    labels : array
        Likewise.
    parameters : Parameters, optional
        By default `Parameters.preset("auto")`: the labels choose the weights, and specks go.
    tile : int or sequence of int, optional
        How long a tile is along all axes or each, in pixels; by default whole chunks of the labels, such that it
        takes about a gigabyte.
    overview_pixels : int
        As for `plan_tiles`.
    workers : int, optional
        Threads of each task; dask runs several tasks at once.

    Raises
    ------
    InputError
        If shapes or types do not fit. What only the values tell is raised when they are read.
    ParameterError
        If a parameter asks for what cannot be done in tiles.
    """
    graph = _Graph(picture, labels, read_parameters(parameters), tile, overview_pixels, workers)
    results = graph.refinements()
    gained = graph.add(sum_gained, [graph.add(attrgetter("gained"), result) for result in results])
    return LazyRefinement(
        graph.assembled("labels", results, graph.source.dtype),
        graph.assembled("confidence", results, np.dtype(np.float32)),
        graph.delayed(graph.add(partial(tell, TilePlan.label_counts), graph.whole, gained)),
        graph.delayed(graph.add(partial(tell, TilePlan.warnings), graph.whole, gained)),
        graph.delayed(graph.add(attrgetter("parameters"), graph.whole)),
        graph.delayed(graph.add(attrgetter("reason"), graph.whole)),
    )


class _Graph:
    """The nodes of a dask graph, each of which calls one function. Written by hand: there are many."""

    def __init__(
        self,
        picture: Picture,
        labels: Any,
        parameters: Parameters,
        tile: int | Sequence[int] | None,
        overview_pixels: int,
        workers: int | None,
    ) -> None:
        check_parameters(parameters)
        self._name = f"refine-{uuid4()}"
        self._nodes: dict[Any, Any] = {}
        self._arrays: list[da.Array] = []
        self._workers = chosen_workers(workers)
        self._labels = _as_dask("labels", labels)
        self.source = Source.of(_picture_as_dask(picture, self._labels.shape), self._labels)
        self._picture = self.source.picture
        self._shape, self._parameters = self.source.shape, parameters
        self._sides = tile_sides(tile, self._shape, picture.spacing, parameters, _PIXELS)
        if tile is None:
            self._sides = _whole_chunks(self._labels, self._sides)
        self._tiles = cut_tiles(self._shape, self._sides, halos(None, parameters, self.source, self._sides))
        both = self._look(overview_pixels)
        self.whole, self._overview = self.add(itemgetter(0), both), self.add(itemgetter(1), both)

    def add(self, function: Callable[..., Any], *inputs: Any) -> _Key:
        """Add the node of a call of a function with what other nodes return: keys, or lists of these."""
        key = (self._name, len(self._nodes))
        self._nodes[key] = (function, *inputs)
        return key

    def delayed(self, key: _Key) -> Any:
        """Return a node as a value of its own."""
        return Delayed(key, self._graph(), layer=self._name)

    def assembled(self, which: str, results: Sequence[_Key], dtype: np.dtype[Any]) -> da.Array:
        """Return the array of which all tiles give the cores, in the chunks of the labels."""
        chunks = tuple(
            tuple(stop - start for start, stop in blocks(size, side))
            for size, side in zip(self._shape, self._sides, strict=True)
        )
        name, graph = f"{which}-{self._name}", self._graph()
        places = np.ndindex(*(len(along) for along in chunks))
        cores = {(name, *place): (attrgetter(which), key) for place, key in zip(places, results, strict=True)}
        layers: dict[str, Any] = {**graph.layers, name: cores}
        below = {**graph.dependencies, name: {self._name}}
        whole = da.Array(HighLevelGraph(layers, below), name, chunks, dtype)
        in_chunks: da.Array = whole.rechunk(self._labels.chunks)
        return in_chunks

    def refinements(self) -> list[_Key]:
        """Return the node of each tile."""
        parts, reading = self._parts(), self._reading()
        refine = partial(refine_region, self._workers)
        return [
            self.add(refine, self.whole, part, reading(tile.region))
            for part, tile in zip(parts, self._tiles, strict=True)
        ]

    def _graph(self) -> HighLevelGraph:
        arrays: Sequence[Any] = self._arrays
        return HighLevelGraph.from_collections(self._name, self._nodes, dependencies=arrays)

    def _reading(self) -> Callable[[Box], _Key]:
        """Return what adds nodes that read parts of image and labels: of a copy, as dask keeps what others need."""
        image, labels = self._copied(self._picture.image), self._copied(self._labels)
        mask = None if self._picture.mask is None else self._copied(self._picture.mask)
        meta = replace(self._picture, image=None, mask=None)
        channel_axis = meta.channel_axis if image.ndim > labels.ndim else None

        def read(box: Box) -> _Key:
            of_image = list(box)
            if channel_axis is not None:
                of_image.insert(channel_axis, slice(0, image.shape[channel_axis]))
            arrays = [self._cut(image, of_image), self._cut(labels, box)]
            arrays += [] if mask is None else [self._cut(mask, box)]
            return self.add(partial(read_region, meta, self.source.dtype), *arrays)

        return read

    def _copied(self, array: da.Array) -> da.Array:
        copy = clone(array)
        self._arrays.append(copy)
        return copy

    def _cut(self, array: da.Array, box: Sequence[slice]) -> _Key:
        """Add the node that puts a part of an array together from its chunks."""
        numbers, inner = [], []
        for sizes, one in zip(array.chunks, box, strict=True):
            ends = np.cumsum(sizes)
            first, last = np.searchsorted(ends, [one.start, one.stop - 1], "right")
            begin = int(ends[first] - sizes[first])
            numbers.append(range(first, last + 1))
            inner.append(slice(one.start - begin, one.stop - begin))
        places = [(array.name, *place) for place in product(*numbers)]
        return self.add(partial(put_together, [len(along) for along in numbers], tuple(inner)), places)

    def _look(self, overview_pixels: int) -> _Key:
        """Return the node of what all tiles have in common, and of the overview."""
        spacing, reading = read_spacing(self._picture.spacing, self._shape), self._reading()
        values = [self.add(values_of, reading(box)) for box in patches(self._shape)[0]]
        scale = self.add(partial(scale_from, self.source), values)
        labels = self._copied(self._labels)
        mask = None if self._picture.mask is None else self._copied(self._picture.mask)
        counts = []
        for box in label_boxes(self._shape):
            cut = [self._cut(array, box) for array in (labels, mask) if array is not None]
            counts.append(self.add(partial(count_labels, box), *cut))
        members = self.add(partial(members_of, self._parameters, self._shape, spacing), counts)
        step = step_aligned(self._shape, overview_pixels)
        survey = self.add(partial(make_survey, self._shape, self._parameters, step), scale, members)
        boxes = Survey(self._shape, Scale(None, 1.0), self._parameters, np.zeros(0, np.int64), step).boxes
        gathered, reading = None, self._reading()
        for start, stop in blocks(len(boxes), _AT_ONCE):
            found = [self.add(partial(gather_block, box), survey, reading(box)) for box in boxes[start:stop]]
            gathered = self.add(join_blocks, survey, gathered, found)
        return self.add(partial(look_from_afar, self.source), survey, gathered)

    def _parts(self) -> list[_Key]:
        """Return the node of what each tile must know, its rim swept there and back."""
        firsts = [self.add(partial(first_part, tile), self.whole, self._overview) for tile in self._tiles]
        if not FORMS[self._parameters.similarity].sweeps:
            return firsts
        beside, before = neighbours(self._tiles), dict[int, _Key]()
        found: list[list[_Key]] = [[] for _ in self._tiles]
        there, back = self._reading(), self._reading()
        for together in in_rounds(beside):
            known = [list(one) for one in found]
            for visit in together:
                read = (back if visit in before else there)(self._tiles[visit].region)
                own, others = self.add(with_rim, firsts[visit], known[visit]), [firsts[one] for one in beside[visit]]
                again = [before[visit]] if visit in before else []
                before[visit] = swept = self.add(
                    partial(sweep_if_due, self._workers), self.whole, own, read, others, *again
                )
                for number, other in enumerate(beside[visit]):
                    found[other].append(self.add(partial(found_for, number), swept))
        return [self.add(with_rim, first, those) for first, those in zip(firsts, found, strict=True)]


def _picture_as_dask(picture: Picture, shape: tuple[int, ...]) -> Picture:
    """Return a picture whose image, of labels of this shape, and mask are arrays of dask."""
    mask = None if picture.mask is None else _as_dask("mask", picture.mask)
    channels = separate_channels(picture.image, shape)
    if channels is None:
        return replace(picture, image=_as_dask("image", picture.image), mask=mask)
    together = da.stack([_as_dask("image", channel) for channel in channels], axis=-1)
    return replace(picture, image=together, mask=mask, channel_axis=len(shape))


def _as_dask(name: str, array: Any) -> da.Array:
    """Return an array as one of dask, which reads it where it is asked for."""
    if isinstance(array, da.Array):
        if np.isnan(array.size):
            raise InputError(
                f"The {name} {'have' if name == 'labels' else 'has'} chunks of unknown size, of which no tiles can be "
                "cut: call compute_chunk_sizes() first."
            )
        return array
    if isinstance(array, Delayed):
        raise InputError(
            f"The {name} {'are' if name == 'labels' else 'is'} delayed, of a shape that nobody knows yet: pass "
            "dask.array.from_delayed(delayed, shape, dtype)."
        )
    if not isinstance(array, list | tuple):  # of numbers
        stand_in(name, array)
    sides = getattr(array, "chunks", None) or "auto"
    lazy: da.Array = da.from_array(array, chunks=sides, name=f"source-{uuid4()}")
    return lazy


def _whole_chunks(labels: da.Array, sides: Sequence[int]) -> tuple[int, ...]:
    """Return sides of tiles that are whole chunks and about as long as these."""
    chunks = [max(along) for along in labels.chunks]
    return tuple(
        min(size, max(1, round(side / chunk)) * chunk) if chunk <= 2 * side else side
        for side, chunk, size in zip(sides, chunks, labels.shape, strict=True)
    )

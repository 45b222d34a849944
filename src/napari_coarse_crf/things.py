"""Labels that stand for one object each among many of a kind, such as an id for each cell: one label until the end.

The ids of alike objects cannot be told apart by colour, and each of them alone is weaker than what lies around them
all: taken as classes, they lose their rims to the background and colour the cells of their neighbours. So they are
refined as one label, their *kind*: whether it has one id or many changes little there. What the kind gets is then
divided among them by the shortest paths over its own pixels. A step costs 1 + 8 px / r times its length, r the distance
to the rim of the kind: paths are slow through narrow places, so objects that touch meet there. The image has no say in
it: edges inside objects are as steep as those between them. A pixel of the kind that no path reaches belongs to no
object, and gets the label that comes next in probability.

Nobody needs to say that ids are objects: all labels but one, or nine in ten, keep to a small place each, and another
one reaches over a good part of the image, as a background does. Of coarse maps drawn on 16 photographs cut into
segments (BSDS500) this was so for 2 of 79, on 16 street scenes (CamVid) for 0 of 80. `Parameters.instances` overrules
it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import distance_transform_edt, find_objects

from napari_coarse_crf.compute.compiling import compiled
from napari_coarse_crf.compute.parallel import aside
from napari_coarse_crf.confidence import confidence_of
from napari_coarse_crf.geodesic import PixelGrid, path_exponent
from napari_coarse_crf.problem import OPEN, gather
from napari_coarse_crf.similarity import FORMS

if TYPE_CHECKING:
    from collections.abc import Generator
    from concurrent.futures import ThreadPoolExecutor

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import FloatArray, IndexArray, MaskArray, PixelArray
    from napari_coarse_crf.crf import FieldProblem, Marginals
    from napari_coarse_crf.parameters import Parameters
    from napari_coarse_crf.problem import Problem

_SMALL = 0.02  # of the image: what the box around the strokes of an object covers at most
_FAR = 0.3  # of the longest side of the image: how far the strokes of a background reach at least
_OTHERS = 0.1  # of the labels: how many are no objects at most, beside the first
_FEWEST = 4
_NARROW = 8.0  # px; how far from the rim a step costs twice its length
_SETTLED = np.float32(0.01)  # px; shorter changes of a path do not change a probability that anyone could see


@dataclass(frozen=True, slots=True)
class Things:
    """The labels that stand for one object each.

    Attributes
    ----------
    members : (L,) bool
        Which labels these are.
    as_one : Problem
        The problem in which they are one label, its `kind`.
    label_of : (K,) int32
        For each label of `as_one` the label that it was; for the kind that of the first object.
    """

    members: MaskArray
    as_one: Problem
    label_of: IndexArray

    def used_with(self, parameters: Parameters) -> bool:
        """Whether these parameters tell objects apart: where the length of paths counts, unless told not to."""
        return parameters.instances == "auto" and "instances" in FORMS[parameters.similarity].reads


def objects_in_words(count: int) -> str:
    """Return a sentence on so many labels that stand for one object each.

    Examples
    --------
    >>> objects_in_words(40)
    "40 ids are taken for one object each; are they classes, choose 'never' for 'One id per object' (instances)."
    """
    told = f"{count} ids are taken for one object each"
    return f"{told}; are they classes, choose 'never' for 'One id per object' (instances)."


def find_things(problem: Problem) -> Things | None:
    """Return the labels of a problem that stand for one object each, or None if there are none."""
    members = _members(problem)
    if not members.any():
        return None
    own = np.arange(len(members))
    label_of, number = np.unique(np.where(members, members.argmax(), own), return_inverse=True)
    labels = np.append(number, OPEN).astype(np.int32)[problem.labels]  # OPEN is -1, the last
    kind = int(number[members.argmax()])
    as_one = replace(problem, labels=labels, label_ids=problem.label_ids[label_of], kind=kind)
    return Things(members, as_one, label_of.astype(np.int32))


def tell_apart(
    pool: ThreadPoolExecutor,
    problem: Problem,
    things: Things,
    field: FieldProblem,
    marginals: Marginals,
    parameters: Parameters,
) -> Generator[int | None, None, Marginals]:
    """Return the marginals of `things.as_one` with the labels of `problem`: what the kind got, divided.

    The confidence in an object is that in the kind, times what the lengths of the paths to it and to the next object
    say, as in the heatmap.
    """
    best, confidence = things.label_of[marginals.best], marginals.confidence.copy()
    (of_kind,) = np.nonzero((marginals.best == things.as_one.kind) & (problem.labels[field.free_pixels] == OPEN))
    nearest, share = yield from divide(pool, problem, things, field.free_pixels[of_kind], parameters)
    best[of_kind] = nearest[:, 0]
    confidence[of_kind] *= share
    lost = of_kind[nearest[:, 0] == OPEN]
    likely = yield from marginals.probabilities(pool, lost.astype(field.free_pixels.dtype))
    likely[:, things.as_one.kind] = -1.0
    following = likely.argmax(axis=1).astype(np.int32)
    best[lost] = things.label_of[following]
    confidence[lost] = yield from confidence_of(pool, field, following, lost)
    yield 1
    return replace(marginals, best=best, confidence=confidence)


def spread(
    pool: ThreadPoolExecutor, problem: Problem, things: Things, likely: FloatArray, parameters: Parameters
) -> Generator[None, None, FloatArray]:
    """Return the (F, L) heatmap of the unlabelled pixels for that of `things.as_one`, (F, K).

    Each pixel's probability of the kind goes to the two objects with the shortest paths to it, wherever these lead.
    """
    spread_out = np.zeros((len(likely), len(things.members)), np.float32)
    spread_out[:, things.label_of] = likely
    of_kind, first = likely[:, things.as_one.kind], things.label_of[things.as_one.kind]
    nearest, share = yield from divide(pool, problem, things, problem.open_pixels, parameters)
    reached = nearest[:, 0] != OPEN
    spread_out[reached, first] = 0.0
    for label, part in ((nearest[:, 0], share), (nearest[:, 1], 1 - share)):
        (rows,) = np.nonzero(label != OPEN)
        spread_out[rows, label[rows]] += of_kind[rows] * part[rows]
    return spread_out


def divide(
    pool: ThreadPoolExecutor, problem: Problem, things: Things, chosen: PixelArray, parameters: Parameters
) -> Generator[None, None, tuple[IndexArray, FloatArray]]:
    """Find the two objects with the shortest paths over the chosen unlabelled pixels to each of these.

    Returns
    -------
    nearest : (R, 2) int32
        Their labels, the nearest first; `OPEN` where no path leads.
    share : (R,) float32
        How probable the first is beside the second, 0.5 to 1.
    """
    grid = PixelGrid(problem)
    cells = gather(grid.cells, chosen)
    (of_objects,) = np.nonzero(things.as_one.labels == things.as_one.kind)
    strokes = grid.cells[of_objects]
    inside = np.zeros(grid.size, np.bool_)
    inside[cells] = inside[strokes] = True
    slowness = yield from _slowness(pool, grid, inside)
    inside[strokes] = False
    lengths = np.full((grid.size, 2), np.inf, np.float32)
    nearest = np.full((grid.size, 2), OPEN, np.int32)
    lengths[strokes, 0] = 0.0
    nearest[strokes, 0] = problem.labels[of_objects]
    change = np.inf
    while change > _SETTLED:
        task = (slowness, grid.offsets, grid.half_lengths, inside, lengths, nearest)
        change = yield from aside(pool, _nearest_kernel, *task)
    steps = np.float32(1.0) + gather(lengths, cells) / np.float32(parameters.geodesic_scale)
    with np.errstate(invalid="ignore"):  # inf / inf where no path leads to any
        odds = (steps[:, 0] / steps[:, 1]) ** path_exponent(parameters.geodesic_exponent, len(problem.shape))
    share = np.reciprocal(odds + np.float32(1.0), dtype=np.float32)
    return gather(nearest, cells), share


def _slowness(pool: ThreadPoolExecutor, grid: PixelGrid, inside: MaskArray) -> Generator[None, None, FloatArray]:
    """Return 1 + 8 px / r for each cell, r >= 1 px the distance to the nearest cell of another kind.

    The edge of the image and pixels that take no part are no rim: the object may go on there.
    """
    no_rim = np.ones(grid.size, np.bool_)
    no_rim[grid.cells] = gather(inside, grid.cells)

    def from_rim() -> FloatArray:
        distance: FloatArray = distance_transform_edt(no_rim.reshape(grid.shape), sampling=grid.spacing)
        slowness: FloatArray = (1.0 + _NARROW / np.maximum(distance, 1.0)).astype(np.float32).reshape(-1)
        return slowness

    return (yield from aside(pool, from_rim))


def _members(problem: Problem) -> MaskArray:
    """Return which labels keep to a small place each, if there are enough of them and another one that reaches far."""
    if len(problem.label_ids) <= _FEWEST:  # no need to look for boxes
        return np.zeros(len(problem.label_ids), np.bool_)
    low, high = boxes_of_labels(problem)
    return stand_for_objects(high - low, problem.shape, problem.spacing)


def stand_for_objects(extents: NDArray[np.intp], shape: tuple[int, ...], spacing: tuple[float, ...]) -> MaskArray:
    """Return which labels stand for one object each, by the (L, D) sides of the boxes around their pixels.

    Parameters
    ----------
    extents : (L, D) int
        In pixels.
    shape, spacing
        Of the image.
    """
    if len(extents) <= _FEWEST:
        return np.zeros(len(extents), np.bool_)
    sides = np.multiply(shape, spacing)
    is_far = (extents * spacing).max(axis=1) >= _FAR * sides.max()
    small: MaskArray = (np.prod(extents / shape, axis=1) <= _SMALL) & ~is_far
    others = len(small) - np.count_nonzero(small)
    is_enough = len(small) - others >= _FEWEST and others <= max(1, _OTHERS * len(small))
    return small if is_enough and is_far.any() else np.zeros_like(small)


def boxes_of_labels(problem: Problem) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return where the box around the pixels of each label begins and ends along each axis."""
    labels = np.zeros(problem.shape, np.int32)
    labels.reshape(-1)[problem.pixels] = problem.labels + 1  # OPEN is -1, and 0 nothing to look for
    boxes = find_objects(labels)
    low, high = (np.array([[getattr(side, end) for side in box] for box in boxes]) for end in ("start", "stop"))
    return low, high


@compiled
def _nearest_kernel(slow, offsets, half_lengths, inside, lengths, nearest):  # type: ignore[no-untyped-def]
    """Relax all steps between cells inside, forwards, then backwards, keeping the two nearest labels of each cell.

    Returns by how much a path got shorter at most. No path leads through a stroke: it has a label of its own, and is
    not inside.
    """
    most = np.float32(0.0)
    for way in (1, -1):
        for i in range(len(inside)):
            cell = i if way == 1 else len(inside) - 1 - i
            if not inside[cell]:
                continue
            for k in range(len(offsets)):
                other = cell + way * offsets[k]
                step = (slow[cell] + slow[other]) * half_lengths[k]
                for rank in range(2):
                    label, length = nearest[other, rank], lengths[other, rank] + step
                    if label < 0 or length >= lengths[cell, 1]:
                        continue
                    if label == nearest[cell, 0]:
                        if length < lengths[cell, 0]:
                            most = max(most, lengths[cell, 0] - length)
                            lengths[cell, 0] = length
                    elif length < lengths[cell, 0]:
                        most = max(most, lengths[cell, 0] - length)
                        lengths[cell, 1], nearest[cell, 1] = lengths[cell, 0], nearest[cell, 0]
                        lengths[cell, 0], nearest[cell, 0] = length, label
                    else:
                        most = max(most, lengths[cell, 1] - length)
                        lengths[cell, 1], nearest[cell, 1] = length, label
    return most

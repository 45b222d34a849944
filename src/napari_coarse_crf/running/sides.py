"""How large tiles may be for the memory that a refinement may take."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from napari_coarse_crf.compute.parallel import chosen_workers
from napari_coarse_crf.errors import InputError
from napari_coarse_crf.inputs import UNLABELLED, read_problem
from napari_coarse_crf.memory import problem_memory
from napari_coarse_crf.things import find_things
from napari_coarse_crf.tiles.apart import spread
from napari_coarse_crf.tiles.cutting import cut_boxes
from napari_coarse_crf.tiles.plan import halos, tile_sides
from napari_coarse_crf.tiles.source import holds_data

if TYPE_CHECKING:
    from napari_coarse_crf.parameters import Parameters
    from napari_coarse_crf.tiles.source import Source

_SAMPLES, _SAMPLE_PIXELS = 4, 2**18
_SMALLEST = 64  # px: smaller ones are halo alone
_BASE = 10**8  # bytes of what each process knows of the whole image


def fitting_sides(source: Source, parameters: Parameters, limit: int, at_once: int = 1) -> tuple[int, ...]:
    """Return the sides of tiles, the usual ones or so much smaller that the memory suffices.

    Parameters
    ----------
    source, parameters : Source, Parameters
        What is refined with what.
    limit : int
        Bytes that may be taken.
    at_once : int
        How many tiles are refined at a time.

    Raises
    ------
    InputError
        If the memory does not suffice for the smallest tiles.
    """
    sides = list(tile_sides(None, source.shape))
    each = memory_of_pixel(source, parameters)
    while True:
        around = halos(None, parameters, source, tuple(sides))
        region = [min(side + 2 * halo, size) for side, halo, size in zip(sides, around, source.shape, strict=True)]
        needed = at_once * (_BASE + each * math.prod(region))
        if needed <= limit:
            return tuple(sides)
        longest = int(np.argmax(sides))
        if sides[longest] <= _SMALLEST:
            raise InputError(
                f"Tiles of {' x '.join(map(str, sides))} pixels need about {needed / 1e9:.1f} GB, and "
                f"{limit / 1e9:.1f} GB may be taken. Raise --memory-limit, or refine fewer tiles at a time."
            )
        sides[longest] = max(_SMALLEST, sides[longest] // 2)


def memory_of_pixel(source: Source, parameters: Parameters) -> float:
    """Return how many bytes refining takes for each pixel, estimated at a few places with the labels of all these."""
    side = max(1, round(_SAMPLE_PIXELS ** (1 / len(source.shape))))
    boxes = spread(cut_boxes(source.shape, [side] * len(source.shape)), _SAMPLES)
    read = [source.read(box) for box in boxes]
    ids = np.unique(np.concatenate([np.unique(labels) for _, labels in read]))
    ids = ids[ids != UNLABELLED] if ids.any() else np.ones(1, ids.dtype)
    costs = [0.0]
    for picture, labels in read:
        if holds_data(picture):
            problem = read_problem(picture, labels, label_ids=ids)
            things = find_things(problem)
            costs.append(problem_memory(problem, things, labels, parameters, chosen_workers(None)) / labels.size)
    return max(costs)

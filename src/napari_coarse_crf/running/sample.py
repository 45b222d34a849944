"""A few parts that stand for an image which does not fit into memory, to suggest parameters from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.running.planes import Plane, plane_of
from napari_coarse_crf.tiles.apart import parts_apart, spread
from napari_coarse_crf.tiles.cutting import cut_boxes, sides_of
from napari_coarse_crf.tiles.parts import has_two_labels
from napari_coarse_crf.tiles.scale import find_scale
from napari_coarse_crf.tiles.source import Source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_coarse_crf.compute.arrays import LabelArray
    from napari_coarse_crf.inputs import Picture
    from napari_coarse_crf.tiles.source import Box

_PART_PIXELS = 2**20
_LOOKED_AT = 64
"""Parts that are looked at first: where they hold strokes, the others are not read."""


def sample_boxes(picture: Picture, labels: Any, apart: Sequence[int]) -> list[tuple[Picture, LabelArray]]:
    """Return a few parts with two labels each, spread over the whole, or the whole where it is small.

    Parameters
    ----------
    picture, labels : Picture, array of int
        May be lazy.
    apart : sequence of int
        The axes of the labels along which each index is a picture of its own.

    Raises
    ------
    InputError
        If no part holds two labels.
    """
    boxes = [place for source in _sources(picture, labels, apart) for place in _cut(source)]
    for some in (spread(boxes, _LOOKED_AT), boxes):
        labelled = [(source, box) for source, box in some if _is_labelled(source, box)]
        if labelled:
            return [_read(source, box) for source, box in spread(labelled)]
    raise InputError(f"No part of {_PART_PIXELS} pixels holds two labels. Draw strokes of two labels near each other.")


def _sources(picture: Picture, labels: Any, apart: Sequence[int]) -> list[Source]:
    if not apart:
        return [Source.of(picture, labels)]
    ndim = len(labels.shape)
    parts = parts_apart(labels.shape, apart)
    return [Source.of(plane_of(picture, ndim, part), Plane(labels, part)) for part in parts]


def _cut(source: Source) -> list[tuple[Source, Box]]:
    return [(source, box) for box in cut_boxes(source.shape, sides_of(source.shape, _PART_PIXELS))]


def _is_labelled(source: Source, box: Box) -> bool:
    return has_two_labels(*source.read_labels(box))


def _read(source: Source, box: Box) -> tuple[Picture, LabelArray]:
    """Read a part, whose values are scaled as those of the whole."""
    picture, labels = source.read(box)
    return replace(picture, contrast_limits=find_scale(source).contrast_limits), labels

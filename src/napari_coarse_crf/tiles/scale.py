"""How the values of an image are read that does not fit into memory: found in patches all over it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.colours import find_contrast_limits, scale_colours
from napari_coarse_crf.errors import InputError
from napari_coarse_crf.logits import contrast_gain
from napari_coarse_crf.tiles.apart import spread
from napari_coarse_crf.tiles.cutting import cut_boxes
from napari_coarse_crf.tiles.source import holds_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import LabelArray
    from napari_coarse_crf.inputs import Picture
    from napari_coarse_crf.tiles.source import Box, Source

_PATCHES = 64
"""Parts of the image in which its scale is found."""
_PATCH_PIXELS = 2**16
_PATCH_STEP = 4  # every such pixel of a patch

NO_DATA = (
    "No pixel takes part: the image is NaN or the mask False everywhere; choose an image that holds data, and set the "
    "mask True where pixels should take part."
)


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """How the values of an image are read.

    Attributes
    ----------
    contrast_limits : (C, 2) array or None
        What becomes 0 and 255; None: bytes stay what they are.
    gain : float
        What turns I into I'.
    notes : tuple of str
        What a person should know about it, one sentence each.
    """

    contrast_limits: Any
    gain: float
    notes: tuple[str, ...] = ()


def patches(shape: Sequence[int]) -> tuple[list[Box], list[Box]]:
    """Return parts that stand for an image of this shape, and all of its parts."""
    side = max(1, round(_PATCH_PIXELS ** (1 / len(shape))))
    boxes = cut_boxes(shape, [side] * len(shape))
    return spread(boxes, _PATCHES), boxes


def find_scale(source: Source) -> Scale:
    """Find how the values of an image are read.

    Raises
    ------
    InputError
        If no pixel takes part, or contrast limits cannot be used.
    """
    few, every = patches(source.shape)
    for boxes in (few, every):
        values = [found for box in boxes if (found := patch_values(*source.read(box))) is not None]
        if values:
            return scale_of(values, source.picture)
    raise InputError(NO_DATA)


def patch_values(picture: Picture, labels: LabelArray) -> NDArray[Any] | None:
    """Return some of the (N, C) values that take part in a patch, if any does."""
    if not holds_data(picture):
        return None
    fitted = picture.fitted(labels.shape)
    values: NDArray[Any] = fitted.image.reshape(-1, fitted.image.shape[-1])
    return (values if fitted.mask is None else values[fitted.mask.reshape(-1)])[::_PATCH_STEP]


def scale_of(values: Sequence[NDArray[Any]], picture: Picture) -> Scale:
    """Return how an image is read of which these are some values."""
    limits, together = picture.contrast_limits, np.concatenate(values)
    colours = np.empty(together.shape[::-1], np.float32)
    notes = scale_colours(together, limits, picture.by_channel, colours)
    if limits is None and together.dtype != np.uint8:
        limits = find_contrast_limits(together, picture.by_channel)
    return Scale(limits, contrast_gain(colours), notes)

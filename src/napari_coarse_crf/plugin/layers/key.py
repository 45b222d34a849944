"""Whether two inputs are the same, told by what they hold: a script may write into a layer's array without a word."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any
from zlib import adler32, crc32

import numpy as np

from napari_coarse_crf.tiles.parts import labelled_planes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import LabelArray
    from napari_coarse_crf.inputs import Picture
    from napari_coarse_crf.tiles.parts import Part

Read = tuple[tuple["Part | None", object], ...]
"""What was read, and what it holds: parts by their `Key`; None stands for the labels of the whole around them."""


@dataclass(frozen=True, slots=True)
class Key:
    """What a refinement is made of, by content: two equal ones give the same result with the same parameters.

    Attributes
    ----------
    picture : object
        What the image holds, its mask, and how it is to be read: contrast limits, pixel size and the rest.
    labels : object
        What the labels hold.
    """

    picture: object
    labels: object

    @classmethod
    def of(cls, picture: Picture, labels: LabelArray) -> Key:
        """Return the key of what was read. Takes some milliseconds for a megapixel: off the main thread."""
        arrays = _digest(picture.image), None if picture.mask is None else _digest(picture.mask)
        others = (getattr(picture, one.name) for one in fields(picture) if one.name not in ("image", "mask"))
        return cls((*arrays, *others), _digest(labels))


def key_of_whole(labels: LabelArray) -> object:
    """Return what a label map holds: of a stack, only planes with labels take time."""
    planes = [(place, _digest(plane)) for place, plane in labelled_planes(labels)]
    return labels.dtype.str, labels.shape, planes


def _digest(array: NDArray[Any]) -> tuple[object, ...]:
    content = np.ascontiguousarray(array)
    # As bytes: memoryviews know neither big-endian numbers nor float16. Two sums: one of 32 bits may agree by chance.
    as_bytes = content.reshape(-1).view(np.uint8).data
    return crc32(as_bytes), adler32(as_bytes), content.dtype.str, content.shape

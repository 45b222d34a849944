"""What a run reads, as arrays of which a part is read when it is asked for: an image need not fit into memory.

They have a shape and slices, which is all that tiles ask for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.plugin.layers.cut import inside
from napari_coarse_crf.tiles.parts import of_axes_left, part_shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import LabelArray, MaskArray
    from napari_coarse_crf.plugin.layers.read import Inputs
    from napari_coarse_crf.tiles.parts import Part


def lazy_picture(inputs: Inputs, part: Part) -> Picture:
    """Return the image of a part, and where pixels take part, both read by slices."""
    mask = LazyMask(inputs, part) if inputs.may_leave_out else None
    spacing = of_axes_left(inputs.spacing, part)
    return Picture(LazyImage(inputs, part), mask, spacing=spacing, contrast_limits=inputs.contrast_limits)


@dataclass(frozen=True, slots=True, eq=False)
class LazyImage:
    """The image of a part, its channels last."""

    inputs: Inputs
    part: Part

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the part, with the channels."""
        return (*part_shape(self.part), self.inputs.channel_count)

    def __getitem__(self, key: tuple[slice, ...]) -> NDArray[Any]:
        """Read a box, and some channels."""
        image = self.inputs.load_picture(inside(self.part, key[:-1])).image
        with_channels = image if image.ndim == len(key) else image[..., np.newaxis]
        channels: NDArray[Any] = with_channels[..., key[-1]]
        return channels


@dataclass(frozen=True, slots=True, eq=False)
class LazyMask:
    """Where in a part pixels take part."""

    inputs: Inputs
    part: Part

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the part."""
        return part_shape(self.part)

    def __getitem__(self, key: tuple[slice, ...]) -> MaskArray:
        """Read a box."""
        box = inside(self.part, key)
        mask = self.inputs.load_picture(box).mask if self.inputs.image_leaves_out else self.inputs.mask(box)
        return np.ones(part_shape(box), np.bool_) if mask is None else mask


@dataclass(frozen=True, slots=True, eq=False)
class LazyLabels:
    """The labels of a part, as a person painted them."""

    inputs: Inputs
    part: Part

    @property
    def dtype(self) -> np.dtype[Any]:
        """As numpy reads it: other libraries have types of their own."""
        return self[tuple(slice(0, 1) for _ in self.shape)].dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the part."""
        return part_shape(self.part)

    def __getitem__(self, key: tuple[slice, ...]) -> LabelArray:
        """Read a box."""
        return self.inputs.load_labels(inside(self.part, key))

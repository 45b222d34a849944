"""What an image file holds before anybody asks what for: the stored numbers, and how the file says they are meant.

The same numbers are colours to one who reads an image and ids to one who reads a label map: a colour table is looked up
for the first and kept for the second. So readers of formats return a `Raster`, and its use is decided here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.inputs import fitting_channel_axes
from napari_coarse_crf.io.grid import UNKNOWN, Grid, turned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import AnyArray, MaskArray

CHANNELS, SAMPLES = "C", "S"
"""The axis of images of the same place, and that of the numbers of one pixel: its colours, or its bands."""


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """Stored numbers and what they stand for.

    Attributes
    ----------
    pixels : ndarray
        As they are stored, one number for each sample.
    axes : str
        A letter for each axis: X, Y, Z (depth), T (time), C (channels), `SAMPLES` or `UNKNOWN`.
    names_axes : bool
        Whether the file says so; else Y and X are a guess by their place, right if the others are no channels.
    bits : int
        How many of them a number has in the file.
    white_is_zero : bool
        Whether the largest number is black.
    palette : (N, 3) or (N, 4) uint8 or None
        The colours that the numbers stand for, with their opacity where some are transparent.
    alpha : int or None
        Which of the samples is the opacity of the pixel.
    blurred_by : str
        The name of the compression that keeps numbers only roughly; "" where they are exact.
    pictures : int
        How many there are in the file, of which this is the first.
    samples_are_guessed : bool
        Whether the samples may be planes of a stack: tifffile, and so napari, writes three or four of them as colours.
    grid : Grid
        Where the pixels lie.
    nodata : float or None
        The number that stands for no data, as GDAL writes it.
    opaque : ndarray of bool or None
        A mask that is stored beside: False where there is nothing.
    notes : tuple of str
        What the reader of the format was in doubt of.
    """

    pixels: AnyArray
    axes: str
    bits: int
    names_axes: bool = True
    white_is_zero: bool = False
    palette: NDArray[np.uint8] | None = None
    alpha: int | None = None
    blurred_by: str = ""
    pictures: int = 1
    samples_are_guessed: bool = False
    grid: Grid = field(default_factory=Grid)
    nodata: float | None = None
    opaque: MaskArray | None = None
    notes: tuple[str, ...] = ()

    @property
    def has_samples(self) -> bool:
        """Whether a pixel has more than one number."""
        return SAMPLES in self.axes and self.pixels.shape[self.axes.index(SAMPLES)] > 1

    def with_channels(self, axis: int) -> Raster:
        """Return the same with this axis as that of the channels, whatever the file calls it.

        Raises
        ------
        InputError
            If there is no such axis.
        """
        count = len(self.axes)
        if not -count <= axis < count:
            raise InputError(f"channel_axis is {axis} but the image has {count} axes; use {-count} to {count - 1}.")
        if self.axes[axis] == SAMPLES:
            return self
        planes = self.as_planes() if self.samples_are_guessed else self
        letters = list(planes.axes.replace(CHANNELS, UNKNOWN))
        letters[axis] = CHANNELS
        return replace(planes, axes="".join(letters))

    def as_planes(self) -> Raster:
        """Return the same with the samples as planes of a stack."""
        return replace(self, axes=self.axes.replace(SAMPLES, UNKNOWN), alpha=None, samples_are_guessed=False)

    def fitted(self, labels_shape: tuple[int, ...]) -> Raster:
        """Return the same with guessed samples as planes, unless only these are an axis that labels of a shape lack.

        For rasters without axes of length 1.
        """
        if not self.samples_are_guessed:
            return self
        fitting = fitting_channel_axes(self.pixels.shape, labels_shape)
        return self if fitting == [self.axes.index(SAMPLES)] else self.as_planes()

    def squeezed(self) -> Raster:
        """Return the same without axes of length 1, but for Y and X."""
        kept = [letter in "YX" or size > 1 for letter, size in zip(self.axes, self.pixels.shape, strict=True)]
        shape = [size for size, keep in zip(self.pixels.shape, kept, strict=True) if keep]
        axes = "".join(letter for letter, keep in zip(self.axes, kept, strict=True) if keep)
        return replace(self, pixels=self.pixels.reshape(shape), axes=axes)

    def upright(self) -> Raster:
        """Return the same as it is shown, whichever way the camera was held."""
        orientation = self.grid.orientation
        if orientation == 1:
            return self
        pixels = turned(self.pixels, orientation, self.axes.index("Y"), self.axes.index("X"))
        plain = self.axes.replace(SAMPLES, "")
        opaque = self.opaque
        if opaque is not None:
            opaque = turned(opaque, orientation, plain.index("Y"), plain.index("X"))
        return replace(self, pixels=pixels, opaque=opaque, grid=self.grid.upright())

    def fits(self, labels_shape: tuple[int, ...]) -> bool:
        """Whether labels of a shape may be those of this image."""
        shape = self.pixels.shape
        return shape == labels_shape or bool(fitting_channel_axes(shape, labels_shape))

    def samples_last(self) -> Raster:
        """Return the same with the samples as the last axis, wherever the file has them."""
        if SAMPLES not in self.axes:
            return self
        moved = np.moveaxis(self.pixels, self.axes.index(SAMPLES), -1)
        return replace(self, pixels=moved, axes=self.axes.replace(SAMPLES, "") + SAMPLES)

    def as_shown(self) -> Raster:
        """Return the same in the colours that it is shown in: without a palette, white the largest number."""
        shown = self.samples_last()
        if self.palette is not None:
            alpha = 3 if self.palette.shape[1] == 4 else None
            highest = int(self.pixels.max(initial=0))
            if highest >= len(self.palette):
                raise InputError(
                    f"Its colour table has {len(self.palette)} colours, and a pixel has number {highest} (from 0). "
                    "Save it again, in RGB."
                )
            colours = self.palette[self.pixels]
            return replace(shown, pixels=colours, axes=self.axes + SAMPLES, bits=8, palette=None, alpha=alpha)
        pixels, bits = shown.pixels, self.bits
        if pixels.dtype.kind in "bu" and bits < 8:
            pixels, bits = pixels.astype(np.uint8) * np.uint8(255 // (2**bits - 1)), 8  # as on any screen
        if self.white_is_zero and pixels.dtype.kind == "u":
            pixels = pixels.dtype.type(2**bits - 1) - pixels
        if self.alpha is not None and pixels is not shown.pixels:
            pixels[..., self.alpha] = shown.pixels[..., self.alpha]
        return replace(shown, pixels=pixels, bits=bits, white_is_zero=False)

    def missing(self) -> MaskArray | None:
        """Return True where a pixel is no data, in the shape without samples; None if nothing stands for that.

        Of bytes, which are colours, all samples have to say so, of other numbers one of them.
        """
        if self.nodata is None:
            return None
        last = self.samples_last()
        kind = last.pixels.dtype.kind
        if kind == "f":
            with np.errstate(over="ignore", invalid="ignore"):  # written in decimals, it is not exactly the number
                found = np.isclose(last.pixels, self.nodata, rtol=1e-6, atol=0, equal_nan=True)
        else:
            found = last.pixels == self.nodata
        if not last.axes.endswith(SAMPLES):
            return found
        if self.alpha is not None:
            found = np.delete(found, self.alpha, axis=-1)
        return together(found, last.pixels.dtype)

    def without_alpha(self) -> tuple[Raster, MaskArray | None]:
        """Return the same without its opacity, and True where that is not 0; None where it has none."""
        if self.alpha is None:
            return self, self.opaque
        last = self.samples_last()
        opaque = last.pixels[..., self.alpha] != 0
        if self.opaque is not None:
            opaque &= self.opaque
        kept = [sample for sample in range(last.pixels.shape[-1]) if sample != self.alpha]
        pixels, axes = last.pixels[..., kept], last.axes
        if len(kept) == 1:
            pixels, axes = pixels[..., 0], axes[:-1]
        return replace(last, pixels=np.ascontiguousarray(pixels), axes=axes, alpha=None), opaque


def together(missing: MaskArray, dtype: np.dtype[Any], axis: int = -1) -> MaskArray:
    """Return where a pixel is no data, from where its channels are."""
    found: MaskArray = np.all(missing, axis=axis) if dtype.itemsize == 1 else np.any(missing, axis=axis)
    return found

"""PNG, and the few other picture files that are read: JPEG, BMP, GIF, WebP.

Pillow cuts channels of 16 bits to 8 in PNG and in others, without a word. So imagecodecs unpacks every PNG but those
with a palette, whose indices only Pillow gives, and of other formats only those are taken that have 8 bits.
"""

from __future__ import annotations

import math
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING, Any

import imagecodecs
import numpy as np
from PIL import Image

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.io.claims import check_claim
from napari_coarse_crf.io.grid import Grid, read_orientation
from napari_coarse_crf.io.raster import SAMPLES, Raster

if TYPE_CHECKING:
    from numpy.typing import NDArray

PNG = b"\x89PNG\r\n\x1a\n"

_EIGHT_BITS = ("BMP", "GIF", "JPEG", "MPO", "WEBP")
_BLURRING = {"JPEG": "JPEG", "MPO": "JPEG", "WEBP": "WebP"}
_ORIENTATION = 274  # in EXIF
_PALETTE = 3  # the colour type of a PNG
_PILLOW_AND_NUMPY = 8  # bytes: a pixel as Pillow unpacks it, in four, and the array made of it


def read_picture(content: bytes) -> Raster:
    """Read a picture that is no TIFF.

    Raises
    ------
    InputError
        If it is of a kind that is not read, or says that it is larger than the memory.
    """
    with Image.open(BytesIO(content)) as picture:
        check_claim((picture.height, picture.width), _bytes_of_pixel(content, picture))
        grid = replace(_grid(picture), orientation=read_orientation(picture.getexif().get(_ORIENTATION)))
        pictures = 1 if picture.format == "MPO" else getattr(picture, "n_frames", 1)
        if picture.format == "PNG":
            raster = _read_png(content, picture)
        elif picture.format in _EIGHT_BITS:
            raster = _raster(_pixels(picture), blurred_by=_BLURRING.get(picture.format, ""))
        else:
            raise InputError(f"It is a {picture.format} file, which is not read here. Save it as PNG or TIFF.")
    return replace(raster, grid=grid, pictures=pictures)


def _bytes_of_pixel(content: bytes, picture: Image.Image) -> int:
    """Return what a pixel takes, unpacked."""
    if picture.format != "PNG" or content[25] == _PALETTE:
        return _PILLOW_AND_NUMPY
    return len(picture.getbands()) * max(1, content[24] // 8)


def _grid(picture: Image.Image) -> Grid:
    """Return how large pixels are by the dots per inch, or by the ratio that a PNG says."""
    dots = picture.info.get("dpi", picture.info.get("aspect", (0, 0)))
    if not all(math.isfinite(count) and count > 0 for count in dots):
        return Grid()
    return Grid({"X": 1 / float(dots[0]), "Y": 1 / float(dots[1])}, "inch" if "dpi" in picture.info else "")


def _read_png(content: bytes, picture: Image.Image) -> Raster:
    bits, colour_type = content[24], content[25]
    if colour_type == _PALETTE:
        return Raster(np.asarray(picture), "YX", bits, palette=_palette(picture))
    pixels = imagecodecs.png_decode(content)
    if bits < 8:  # grey, which is stretched to 8 bits on the way
        grey = pixels if pixels.ndim == 2 else pixels[..., 0]
        grey //= np.uint8(255 // (2**bits - 1))
    return _raster(pixels, bits=bits)


def _raster(pixels: NDArray[Any], bits: int = 8, blurred_by: str = "") -> Raster:
    """Return the raster of pixels of which an even number of samples ends in opacity."""
    if pixels.ndim == 2:
        return Raster(pixels, "YX", bits, blurred_by=blurred_by)
    count = pixels.shape[-1]
    return Raster(pixels, "YX" + SAMPLES, bits, alpha=count - 1 if count % 2 == 0 else None, blurred_by=blurred_by)


def _palette(picture: Image.Image) -> NDArray[np.uint8]:
    """Return the colours of a palette, with their opacity where some are transparent."""
    mode = "RGB"
    if picture.has_transparency_data:
        picture.apply_transparency()
        mode = "RGBA"
    return np.array(picture.getpalette(mode), np.uint8).reshape(-1, len(mode))


def _pixels(picture: Image.Image) -> NDArray[Any]:
    if picture.mode in ("P", "L", "RGB") and picture.has_transparency_data:
        picture = picture.convert("LA" if picture.mode == "L" else "RGBA")
    elif picture.mode == "1":
        picture = picture.convert("L")
    elif picture.mode not in ("L", "LA", "RGB", "RGBA"):
        picture = picture.convert("RGB")  # palettes, CMYK and other ways to store colours
    return np.asarray(picture)

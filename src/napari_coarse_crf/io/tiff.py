"""TIFF files of any maker: packed, tiled, in stacks, with a colour table or with white as zero.

tifffile reads the numbers and imagecodecs unpacks them. What they leave open is decided here: what the numbers mean,
and what of a file cannot be trusted.
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from PIL import Image
from tifffile import COMPRESSION, EXTRASAMPLE, PHOTOMETRIC

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.io.claims import check_claim, check_planes
from napari_coarse_crf.io.embedded import bound_pictures
from napari_coarse_crf.io.grid import UNKNOWN, Grid, describe, read_grid
from napari_coarse_crf.io.lossy import blurred_by
from napari_coarse_crf.io.raster import SAMPLES, Raster, together

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import AnyArray, MaskArray

Series = tifffile.TiffPageSeries
"""A picture in a TIFF file: all its planes, and as its levels what is stored of it at reduced size."""

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

_AS_NUMBERS = {
    *(PHOTOMETRIC.MINISWHITE, PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.RGB, PHOTOMETRIC.PALETTE),
    *(PHOTOMETRIC.MASK, PHOTOMETRIC.LINEAR_RAW),
}
_MADE_RGB = {PHOTOMETRIC.YCBCR: ("YCbCr", 3), PHOTOMETRIC.SEPARATED: ("CMYK", 4)}  # Pillow's name, samples
_DECODED_TO_RGB = {COMPRESSION.OJPEG, COMPRESSION.JPEG, COMPRESSION.JPEG_LOSSY, COMPRESSION.WEBP, COMPRESSION.JPEGXL}
_NODATA = 42113  # the tag GDAL_NODATA
_HEAD = 1000  # letters of a description
_KNOWN_AXES = "XYZTCS"
_GRAVE = ("corrupt", "invalid page offset", "failed to reshape")  # tifffile goes on with the planes it has found


def read_tiff(path: Path) -> Raster:
    """Read the first image of a TIFF file, all its planes.

    Raises
    ------
    InputError
        If the file is damaged, lacks planes, or stores its colours in a way that is not understood.
    """
    with complaints_of_tifffile() as complaints, tifffile.TiffFile(path) as file:
        series, others, masks = find_picture(file)
        check_claim(series.shape, series.dtype.itemsize)
        bound_pictures(series)
        raster = describe_picture(file, series, np.asarray(series.asarray()))
        mask = mask_beside_of(series, masks)
        opaque = None if mask is None else opaque_of(mask.asarray(), mask.axes, series.dtype)
    if masks and mask is None:
        complaints.append("It holds a mask of another shape, which is not used.")
    return noted(replace(raster, pictures=1 + len(others), opaque=opaque), complaints)


def all_series(file: tifffile.TiffFile) -> list[Series]:
    """Return all pictures of a file.

    Raises
    ------
    InputError
        If there are more planes than can be counted.
    """
    if file.is_ome:
        check_planes(file.pages.first.description)
    return list(file.series)


def find_picture(file: tifffile.TiffFile) -> tuple[Series, list[Series], list[Series]]:
    """Return the first picture of a file, the others, and the masks that are stored beside.

    Raises
    ------
    InputError
        If the file lacks planes of the first, or unpacks into more at once than the memory holds.
    """
    whole = [one for one in all_series(file) if not one.keyframe.is_reduced]
    series, *others = [one for one in whole if not one.keyframe.is_mask] or whole
    missing = sum(one is None for one in series.pages)
    if missing:
        raise InputError(
            f"{missing} of its planes are missing: it is one file of several. Keep them all in one folder."
        )
    check_claim(series.keyframe.chunks, series.dtype.itemsize, "One of its tiles")
    return series, others, [one for one in whole if one.keyframe.is_mask and one is not series]


def describe_picture(file: tifffile.TiffFile, series: Series, pixels: AnyArray) -> Raster:
    """Return the numbers of a picture, or others in their shape that stand for them, and what the file says of them.

    Raises
    ------
    InputError
        If its colours are stored in a way that is not understood.
    """
    names_axes = _names_axes(file, series)
    cut_off = "<OME" in series.keyframe.description[:_HEAD] and not file.is_ome
    return replace(
        _raster(series, pixels),
        names_axes=names_axes,
        grid=read_grid(file, series),
        samples_are_guessed=series.kind == "shaped" and not names_axes and "SYX" in series.axes,
        notes=("What it says of its axes and sizes as OME is cut off, and not used.",) if cut_off else (),
    )


def noted(raster: Raster, complaints: list[str]) -> Raster:
    """Return the same with what tifffile complains of.

    Raises
    ------
    InputError
        If that means that the file is damaged.
    """
    if grave := [one for one in complaints if any(word in one for word in _GRAVE)]:
        raise InputError(f"It is damaged or incomplete: {grave[0]}. Save it again.")
    doubts = [doubt for doubt in (*complaints, *raster.notes, raster.grid.doubt) if doubt]
    return replace(raster, notes=tuple(dict.fromkeys(doubts)))


def encode_tiff(values: AnyArray, axes: str = "", grid: Grid | None = None, dtype: Any = None) -> bytes:
    """Return the content of a TIFF file of one number for each pixel, which says where they lie.

    Written in another type, a stack is converted plane by plane: it may be large.
    """
    content = BytesIO()
    stored = np.broadcast_to(np.zeros((), dtype or values.dtype), values.shape)
    options = describe(grid or Grid(), axes or (UNKNOWN * values.ndim + "YX")[-values.ndim :], stored)
    planes: Any = values
    if stored.dtype != values.dtype:
        planes = (plane.astype(stored.dtype) for plane in values.reshape(-1, *values.shape[-2:]))
        options |= {"shape": stored.shape, "dtype": stored.dtype}
    tifffile.imwrite(content, planes, photometric="minisblack", compression="zlib", **options)
    return content.getvalue()


def _names_axes(file: tifffile.TiffFile, series: Series) -> bool:
    """Whether the file says what its axes are; else tifffile has named them by their places."""
    if series.kind == "shaped":
        return "axes" in (file.shaped_metadata or [{}])[0]
    return series.kind not in ("uniform", "generic")


def _raster(series: Series, pixels: AnyArray) -> Raster:
    """Return the numbers of a series, and what its first page says of them."""
    page = series.keyframe
    raster = Raster(
        pixels=pixels.astype(pixels.dtype.newbyteorder("="), copy=False),
        axes="".join(axis if axis in _KNOWN_AXES else UNKNOWN for axis in series.axes),
        bits=page.bitspersample,
        # tifffile, and so napari, writes True and False in one bit with white as zero, and shows True in white.
        white_is_zero=page.photometric == PHOTOMETRIC.MINISWHITE
        and not (page.bitspersample == 1 and page.software.startswith("tifffile")),
        palette=_palette(page) if page.photometric == PHOTOMETRIC.PALETTE else None,
        alpha=_alpha(page) if SAMPLES in series.axes else None,
        blurred_by=blurred_by(page),
        nodata=_nodata(page),
    )
    return raster if page.photometric in _AS_NUMBERS or _is_decoded_to_rgb(page) else _made_rgb(raster, page)


def _is_decoded_to_rgb(page: Any) -> bool:
    """Whether unpacking a page turns its colours into red, green and blue."""
    return page.photometric == PHOTOMETRIC.YCBCR and page.compression in _DECODED_TO_RGB


def check_numbers(series: Series) -> None:
    """Raise if the colours of a picture must be computed from what is stored, which is done of whole pictures only.

    Raises
    ------
    InputError
        If they are stored as CMYK, for example.
    """
    page = series.keyframe
    if page.photometric not in _AS_NUMBERS and not _is_decoded_to_rgb(page):
        name = getattr(page.photometric, "name", str(page.photometric))
        raise InputError(f"Its colours are stored as {name}, which is not read part by part. Save it as RGB or grey.")


def mask_beside_of(series: Series, masks: list[Series]) -> Series | None:
    """Return the mask that GDAL stores as a picture beside, one for all bands or one for each."""
    shape = _without_samples(series.shape, series.axes)
    return next((mask for mask in masks if _without_samples(mask.shape, mask.axes) == shape), None)


def opaque_of(mask: AnyArray, axes: str, dtype: np.dtype[Any]) -> MaskArray:
    """Return where a mask that is stored beside shows pixels of a type."""
    missing = mask == 0
    if SAMPLES in axes:
        missing = together(missing, dtype, axes.index(SAMPLES))
    opaque: MaskArray = ~missing
    return opaque


def _without_samples(shape: tuple[int, ...], axes: str) -> tuple[int, ...]:
    return tuple(size for size, axis in zip(shape, axes, strict=True) if axis != SAMPLES)


def _nodata(page: Any) -> float | None:
    """Return the number that stands for no data."""
    if _NODATA not in page.tags:
        return None
    text = str(page.tags[_NODATA].value).strip("\0 ")
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            pass
    raise InputError(f"Its number for no data is {text!r}, which is none. Correct the tag GDAL_NODATA, or remove it.")


def _palette(page: Any) -> NDArray[np.uint8]:
    """Return the (N, 3) colours of a page; some programs write them in 8 bits where 16 are due."""
    colours = np.asarray(page.colormap).T
    return (colours if colours.max() < 256 else colours >> 8).astype(np.uint8)


def _alpha(page: Any) -> int | None:
    """Return which sample is the opacity."""
    first = int(page.samplesperpixel) - len(page.extrasamples)
    for position, meaning in enumerate(page.extrasamples):
        if meaning in (EXTRASAMPLE.ASSOCALPHA, EXTRASAMPLE.UNASSALPHA):
            return first + position
    return None


def _made_rgb(raster: Raster, page: Any) -> Raster:
    """Return the colours of a raster as red, green and blue."""
    samples = raster.samples_last()
    mode, count = _MADE_RGB.get(page.photometric, ("", 0))
    if samples.pixels.shape[-1] != count or samples.pixels.dtype != np.uint8:
        name = getattr(page.photometric, "name", str(page.photometric))
        raise InputError(f"Its colours are stored as {name}, which is not understood. Save it as RGB or grey.")
    shape = samples.pixels.shape
    size = (shape[-2], int(np.prod(shape[:-2])))
    picture = Image.frombytes(mode, size, np.ascontiguousarray(samples.pixels).tobytes()).convert("RGB")
    return replace(samples, pixels=np.asarray(picture).reshape(*shape[:-1], 3))


@contextmanager
def complaints_of_tifffile() -> Iterator[list[str]]:
    """Collect what tifffile only notes down about a file, before it goes on with what it has understood."""
    found: list[str] = []
    here = threading.get_ident()

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.thread == here:
                found.append(record.getMessage().partition("> ")[2] or record.getMessage())

    collector = Collector(logging.WARNING)
    logger = logging.getLogger("tifffile")
    logger.addHandler(collector)
    try:
        yield found
    finally:
        logger.removeHandler(collector)

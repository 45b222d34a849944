"""Images, label maps and masks that are opened and read part by part, as `reading` reads whole ones.

What is returned says the same of its file as what is read whole, and stands where that does.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.compute.laid import Laid
from napari_coarse_crf.compute.parallel import blocks
from napari_coarse_crf.errors import InputError
from napari_coarse_crf.io.lazy.places import Place, check_is_there, is_tiff, is_zarr
from napari_coarse_crf.io.lazy.remote import reached
from napari_coarse_crf.io.lazy.stored import Combined, Pyramid, Stored, stand_in
from napari_coarse_crf.io.raster import CHANNELS, SAMPLES, Raster
from napari_coarse_crf.io.reading import (
    COLOURS,
    ImageFile,
    LabelFile,
    check_black_and_white,
    check_exact,
    check_opaque,
    whole_ids,
)
from napari_coarse_crf.io.tiff import opaque_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_coarse_crf.compute.arrays import AnyArray
    from napari_coarse_crf.io.lazy.ome import Multiscale
    from napari_coarse_crf.io.lazy.stored import Meaning

_BITS_OF_COLOURS = 8
_LOOKED_AT = 2**22  # pixels at a time, in search of a label


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """One size of an image.

    Attributes
    ----------
    data : array
        Has `shape` and `dtype`, takes slices and numbers, and may be pickled.
    scale : tuple of float
        How many pixels of the full size one of its pixels is, along each axis.
    """

    data: Any
    scale: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LazyImage(ImageFile):
    """An image that is read part by part.

    `image` has `shape` and `dtype`, takes slices and numbers, and may be pickled: other processes open it again. The
    same is true of `mask` and `missing`, where there are any.

    Attributes
    ----------
    place : str or Path
        Where it lies.
    levels : tuple of Level
        The image at all its sizes, the full one first.
    multiscale : Multiscale or None
        What an OME-Zarr image says of its axes and levels.
    stored_levels : tuple of tuple of int
        The shape of each size as it is stored, with axes of length 1.
    kept : tuple of bool
        Which axes of these are axes of the image.
    """

    image: Any
    mask: Any
    missing: Any
    place: Place
    levels: tuple[Level, ...]
    multiscale: Multiscale | None
    stored_levels: tuple[tuple[int, ...], ...]
    kept: tuple[bool, ...]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LazyLabels(LabelFile):
    """A label map that is read part by part.

    `ids` has `shape` and `dtype`, takes slices and numbers, and may be pickled. So has `missing`, where there is any.

    Attributes
    ----------
    place : str or Path
        Where it lies.
    multiscale : Multiscale or None
        What an OME-Zarr label map says of its axes and levels.
    colours : mapping of int to (R, G, B, A)
        In which it is shown, 0..255, as far as it says.
    said : tuple of str
        How it was taken, one sentence each.
    """

    ids: Any
    missing: Any
    place: Place
    multiscale: Multiscale | None
    colours: Mapping[int, tuple[int, ...]]
    said: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class LazyMask:
    """A mask that is read part by part.

    Attributes
    ----------
    mask : array of bool
        True where pixels take part.
    said : tuple of str
        How it was taken, one sentence each.
    """

    mask: Any
    said: tuple[str, ...] = ()


def open_image(place: Place, channel_axis: int | None = None, labels_shape: tuple[int, ...] | None = None) -> LazyImage:
    """Open an image that is read part by part: OME-Zarr 0.4 and 0.5, an array of zarr, or a TIFF file.

    Parameters
    ----------
    place : str or Path
        A path, or a URL that fsspec opens (s3://, https://, memory:// and others).
    channel_axis : int, optional
        Which axis of what is stored holds the channels, whatever the file says.
    labels_shape : tuple of int, optional
        The shape of its labels, which decides where a TIFF file leaves open whether it holds colours or a stack.

    Raises
    ------
    InputError
        If there is nothing, or nothing that is understood.
    """
    with reached(place):
        opened = _open(place)
        raster = opened.raster if channel_axis is None else opened.raster.with_channels(channel_axis)
        if labels_shape is not None and SAMPLES not in raster.squeezed().fitted(labels_shape).axes:
            raster = raster.as_planes()
        full = opened.levels[0]
        levels = _levels(opened, raster, as_shown)
        image = levels[0].data
        if CHANNELS in image.names and SAMPLES in image.names:
            raise InputError("Its channels are colour pictures of their own. Save one of them, or grey channels.")
        return LazyImage(
            image=image,
            mask=_opaque(opened, raster),
            axes=image.names,
            names_axes=raster.names_axes,
            grid=raster.grid,
            missing=None if raster.nodata is None else Stored.of(full, raster, as_missing),
            notes=_notes(place, raster),
            place=place,
            levels=levels,
            multiscale=opened.multiscale,
            stored_levels=tuple(tuple(level.shape) for level in opened.levels),
            kept=image.kept,
        )


def open_labels(place: Place) -> LazyLabels:
    """Open a label map that is read part by part: OME-Zarr 0.4 and 0.5, an array of zarr, or a TIFF file.

    An OME-Zarr image with one label map stands for that; of several, one is given by its place, such as
    `image.zarr/labels/coarse`. Of a pyramid the largest level that holds labels is taken, at full size by nearest
    neighbour: strokes may have been drawn on any.

    Raises
    ------
    InputError
        If there is nothing, or nothing that holds label ids.
    """
    from napari_coarse_crf.io.lazy.zarrs import open_label_map  # here: see `_open`

    with reached(place):
        opened, place = (_open(place), place) if _holds_tiff(place) else open_label_map(place)
        check_exact(opened.raster)
        raster = opened.raster.as_planes() if opened.raster.samples_are_guessed else opened.raster
        levels = _levels(opened, raster, as_ids)
        ids, missing, said = levels[0].data, _missing_ids(opened, raster), ""
        searched = enumerate(levels) if len(levels) > 1 else ()
        number = next((number for number, one in searched if holds_labels(one.data)), 0)
        if number:
            ids, missing = enlarged(levels[number], ids.shape), None
            said = (
                f"{place}: its labels are on level {number} of {len(levels)}, counted from 0, whose pixels are larger."
            )
        palette = None if raster.palette is None else raster.palette[:, :3].tobytes()
        return LazyLabels(
            ids=ids,
            palette=palette,
            axes=levels[0].data.names,
            names_axes=raster.names_axes,
            grid=raster.grid,
            missing=missing,
            notes=_notes(place, raster),
            place=place,
            multiscale=opened.multiscale,
            colours={} if opened.multiscale is None else opened.multiscale.colours,
            said=(said,) if said else (),
        )


def open_mask(place: Place, labels_shape: tuple[int, ...] | None = None) -> LazyMask:
    """Open a mask that is read part by part: True where a picture is not black.

    Raises
    ------
    InputError
        If there is nothing, or nothing that is understood.
    """
    with reached(place):
        opened = _open(place)
        check_exact(opened.raster)
        raster = opened.raster
        if labels_shape is not None and SAMPLES not in raster.squeezed().fitted(labels_shape).axes:
            raster = raster.as_planes()
        said = [f"{place}: {note}" for note in raster.notes]
        if raster.white_is_zero:
            said.append(f"White is zero in {place}: pixels that are 0 there take part.")
        return LazyMask(Stored.of(opened.levels[0], raster, as_mask), tuple(said))


def holds_labels(ids: Any) -> bool:
    """Whether any pixel of an array has a label; chunks that were never written are passed over."""
    data = getattr(ids, "data", None)
    if getattr(data, "nchunks_initialized", 1) == 0:
        return False
    side = max(1, round(_LOOKED_AT ** (1 / max(1, min(2, len(ids.shape))))))
    sides = [1] * (len(ids.shape) - 2) + [side] * min(2, len(ids.shape))
    along = [[slice(*one) for one in blocks(size, step)] for size, step in zip(ids.shape, sides, strict=True)]
    return any(bool(ids[box].any()) for box in product(*along))


def enlarged(level: Level, shape: tuple[int, ...]) -> Laid:
    """Return a level at full size, each of its pixels for all those that it covers."""
    index = [
        np.minimum((np.arange(length) + 0.5) / scale, count - 1).astype(np.intp)
        for count, length, scale in zip(level.data.shape, shape, level.scale, strict=True)
    ]
    return Laid(level.data, tuple(index))


def as_shown(raster: Raster) -> tuple[AnyArray, str]:
    """Return the colours of an image, or its numbers."""
    shown, _ = raster.as_shown().without_alpha()
    return shown.pixels, shown.axes


def as_ids(raster: Raster) -> tuple[AnyArray, str]:
    """Return the ids of a label map; those of floats in 64 bits, as no part tells how large they are in others."""
    plain, opaque = raster.without_alpha()
    if plain.has_samples:
        raise InputError(COLOURS)
    ids, _ = whole_ids(plain)
    check_opaque(ids, opaque)
    return ids.astype(np.int64) if plain.pixels.dtype.kind == "f" else ids, plain.axes


def as_void(raster: Raster) -> tuple[AnyArray, str]:
    """Return True where the numbers of a label map stand for no data."""
    plain, _ = raster.without_alpha()
    _, missing = whole_ids(plain)
    return (np.zeros(plain.pixels.shape, np.bool_) if missing is None else missing), plain.axes


def as_missing(raster: Raster) -> tuple[AnyArray, str]:
    """Return True where the numbers of an image stand for no data."""
    missing = raster.missing()
    plain = raster.axes.replace(SAMPLES, "")
    return (np.zeros(raster.samples_last().pixels.shape[: len(plain)], np.bool_) if missing is None else missing), plain


def as_opaque(raster: Raster) -> tuple[AnyArray, str]:
    """Return True where an image is not transparent."""
    shown, opaque = raster.as_shown().without_alpha()
    plain = shown.axes.replace(SAMPLES, "")
    return (np.ones(shown.pixels.shape[: len(plain)], np.bool_) if opaque is None else opaque), plain


def as_mask(raster: Raster) -> tuple[AnyArray, str]:
    """Return True where a picture is neither black nor transparent nor no data."""
    shown, _ = raster.as_shown().without_alpha()
    mask = np.nan_to_num(shown.pixels) != 0
    if SAMPLES in shown.axes:
        mask = mask.any(axis=-1)
        if raster.palette is None:
            check_black_and_white(shown.pixels, mask, has_palette=False)
    return mask & as_opaque(raster)[0] & ~as_missing(raster)[0], shown.axes.replace(SAMPLES, "")


def as_beside(raster: Raster) -> tuple[AnyArray, str]:
    """Return True where a mask that is stored beside shows the pixel of an image of so many bits."""
    kind = np.dtype(np.uint8 if raster.bits <= _BITS_OF_COLOURS else np.uint16)
    return opaque_of(raster.pixels, raster.axes, kind), raster.axes.replace(SAMPLES, "")


def as_hidden(raster: Raster) -> tuple[AnyArray, str]:
    """Return True where a mask that is stored beside hides the pixel."""
    shown, axes = as_beside(raster)
    return ~shown, axes


def _open(place: Place) -> Pyramid:
    # Both here: zarr takes a sixth of a second, for which who refines a PNG shall not wait.
    from napari_coarse_crf.io.lazy.tiffs import open_tiff
    from napari_coarse_crf.io.lazy.zarrs import open_zarr

    check_is_there(place)
    return open_tiff(place) if _holds_tiff(place) else open_zarr(place)


def _holds_tiff(place: Place) -> bool:
    return not is_zarr(place) and is_tiff(place)


def _levels(opened: Pyramid, raster: Raster, meaning: Meaning) -> tuple[Level, ...]:
    """Return a pyramid whose numbers have a meaning; all its levels have the axes of the full size."""
    full = Stored.of(opened.levels[0], raster, meaning)
    levels = [Stored.of(data, raster, meaning, full.kept) for data in opened.levels]
    plain = [keep and letter != SAMPLES for keep, letter in zip(full.kept, raster.axes, strict=True)]
    scales = [tuple(one for one, keep in zip(scale, plain, strict=True) if keep) for scale in opened.scales]
    samples = (1.0,) * (full.ndim - sum(plain))
    return tuple(Level(data, scale + samples) for data, scale in zip(levels, scales, strict=True))


def _opaque(opened: Pyramid, raster: Raster) -> Any:
    """Return where an image is not transparent, None where it says nothing of that."""
    has_alpha = raster.alpha is not None or (raster.palette is not None and raster.palette.shape[1] == 4)
    shown = Stored.of(opened.levels[0], raster, as_opaque) if has_alpha else None
    if opened.mask is None:
        return shown
    beside = _beside(opened, raster, as_beside)
    return beside if shown is None else Combined(shown, beside, np.logical_and)


def _missing_ids(opened: Pyramid, raster: Raster) -> Any:
    """Return where the numbers of a label map stand for no data, None where none of them can."""
    says_so = raster.nodata is not None or np.dtype(opened.levels[0].dtype).kind == "f"
    void = Stored.of(opened.levels[0], raster, as_void) if says_so else None
    if opened.mask is None:
        return void
    hidden = _beside(opened, raster, as_hidden)
    return hidden if void is None else Combined(void, hidden, np.logical_or)


def _beside(opened: Pyramid, raster: Raster, meaning: Meaning) -> Stored:
    """Return the mask that is stored beside a picture, whose bits tell how its bands count."""
    return Stored.of(opened.mask, Raster(stand_in(opened.mask), opened.mask_axes, raster.bits), meaning)


def _notes(place: Place, raster: Raster) -> tuple[str, ...]:
    several = f"It holds {raster.pictures} images; the first one is taken." if raster.pictures > 1 else ""
    return tuple(f"{place}: {note}" for note in (*raster.notes, several) if note)

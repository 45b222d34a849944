"""Pictures in TIFF files, read part by part: tiled and striped ones, BigTIFF, and the pyramids of slide scanners."""

from __future__ import annotations

import os
import threading
import weakref
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
import zarr

from napari_coarse_crf.io.embedded import bound_pictures
from napari_coarse_crf.io.lazy.places import Place, is_url
from napari_coarse_crf.io.lazy.remote import open_url
from napari_coarse_crf.io.lazy.stored import Pyramid, ratios, stand_in
from napari_coarse_crf.io.tiff import (
    check_numbers,
    complaints_of_tifffile,
    describe_picture,
    find_picture,
    mask_beside_of,
    noted,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_OF_SCANNERS = ("svs", "ndpi", "scn", "bif", "philips", "qpi", "avs")
"""Their files hold, beside the slide, pictures of its label and of the whole glass."""


class TiffLevel:
    """One level of a picture in a TIFF file: has `shape` and `dtype`, takes slices, and may be pickled.

    Every process opens the file itself, as those that share one handle would read at each other's places.

    Parameters
    ----------
    place : str or Path
        The file.
    series, level : int
        Which picture, and which of its sizes.
    shape : tuple of int
        Of the level.
    dtype : dtype
        Of the level.
    """

    def __init__(self, place: Place, series: int, level: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self._of = place, series, level, shape, dtype
        self.shape = shape
        self.dtype = dtype
        self._lock = threading.Lock()
        self._opened: Any = None
        self._opened_by = -1

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what it is made of, not what it has opened."""
        return TiffLevel, self._of

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read a part."""
        with complaints_of_tifffile():
            return np.asarray(self._array()[key])

    @property
    def place(self) -> Place:
        """The file."""
        return self._of[0]

    def _array(self) -> Any:
        with self._lock:
            if self._opened is None or self._opened_by != os.getpid():
                place, series, level, *_ = self._of
                handle = open_url(place) if is_url(place) else place
                file = tifffile.TiffFile(handle)
                bound_pictures(file.series[series].levels[level])
                store = file.series[series].aszarr(level=level)
                weakref.finalize(self, _close, store, file, handle if is_url(place) else None)
                self._opened, self._opened_by = zarr.open_array(store=store, mode="r"), os.getpid()
            return self._opened


def open_tiff(place: Place) -> Pyramid:
    """Look at a TIFF file without reading its pixels.

    Raises
    ------
    InputError
        If the file is damaged, lacks planes, or stores its colours in a way that is not understood part by part.
    """
    with complaints_of_tifffile() as complaints, _file(place) as file:
        series, others, masks = find_picture(file)
        check_numbers(series)
        number = file.series.index(series)
        raster = describe_picture(file, series, stand_in(series))
        if series.kind not in _OF_SCANNERS:
            raster = replace(raster, pictures=1 + len(others))
        levels = tuple(_level(place, number, size, one) for size, one in enumerate(series.levels))
        mask = mask_beside_of(series, masks)
        beside = None if mask is None else _level(place, file.series.index(mask), 0, mask)
    if masks and mask is None:
        complaints.append("It holds a mask of another shape, which is not used.")
    axes = "" if mask is None else mask.axes
    return Pyramid(levels, ratios(levels), noted(raster, complaints), mask=beside, mask_axes=axes)


def _level(place: Place, series: int, level: int, one: tifffile.TiffPageSeries) -> TiffLevel:
    return TiffLevel(place, series, level, tuple(one.shape), one.dtype.newbyteorder("="))


@contextmanager
def _file(place: Place) -> Iterator[tifffile.TiffFile]:
    if not is_url(place):
        with tifffile.TiffFile(place) as file:
            yield file
        return
    with open_url(place) as handle, tifffile.TiffFile(handle) as file:
        yield file


def _close(*opened: Any) -> None:
    for one in opened:
        if one is not None:
            one.close()

"""Stored numbers that are read part by part, each part made what its numbers stand for.

What a `Raster` does with a whole file, the look-up in a colour table or the loss of the opacity, it does pixel by
pixel. So it does the same with any part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.compute.by_parts import ByParts
from napari_coarse_crf.errors import InputError
from napari_coarse_crf.io.raster import SAMPLES, Raster
from napari_coarse_crf.io.reading import explained

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import AnyArray
    from napari_coarse_crf.io.lazy.ome import Multiscale

Meaning = Callable[[Raster], tuple["AnyArray", str]]
"""What the numbers of a part become, and what their axes are then: the same, the samples of a pixel last or gone.

A function of a module, so that other processes find it.
"""


class Lazy(ByParts):
    """What is read part by part: takes slices and numbers as an array does, each missing one all of its axis."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read a part."""
        whole = _whole_key(key, len(self.shape))
        box = tuple(
            one if isinstance(one, slice) else slice(place := range(size)[one], place + 1)
            for one, size in zip(whole, self.shape, strict=True)
        )
        part = self._read(box)
        numbers = tuple(slice(None) if isinstance(one, slice) else 0 for one in whole)
        return part[numbers]

    def _read(self, box: tuple[slice, ...]) -> NDArray[Any]:
        """Return one part, a range along each axis."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Stored(Lazy):
    """An array that lies elsewhere. May be pickled, and read by other processes, where its data may.

    Attributes
    ----------
    data : array
        As it is stored, of zarr for example.
    kept : tuple of bool
        Which axes of the data are axes of the array too; the others have length 1.
    raster : Raster
        What the file says of its numbers; its pixels are none, its axes those that are kept.
    meaning : callable
        What the numbers of a part become.
    names : str
        What each axis of the array is, see `Raster`.
    shape : tuple of int
        Of the array.
    dtype : dtype
        Of the array.
    """

    data: Any
    kept: tuple[bool, ...]
    raster: Raster
    meaning: Meaning
    names: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @classmethod
    def of(cls, data: Any, raster: Raster, meaning: Meaning, kept: tuple[bool, ...] | None = None) -> Stored:
        """Return the array that stored numbers are by their meaning.

        Parameters
        ----------
        data : array
            As it is stored.
        raster : Raster
            What is said of them; of its pixels only the shape counts, that of the data, and the type.
        meaning : callable
            What the numbers of a part become.
        kept : tuple of bool, optional
            Which axes are kept; by default those that `Raster.squeezed` keeps.
        """
        if kept is None:
            kept = tuple(letter in "YX" or size > 1 for letter, size in zip(raster.axes, data.shape, strict=True))
        sides = tuple(size for size, keep in zip(data.shape, kept, strict=True) if keep)
        axes = "".join(letter for letter, keep in zip(raster.axes, kept, strict=True) if keep)
        squeezed = replace(raster, axes=axes)
        one = [size if letter == SAMPLES else 1 for letter, size in zip(squeezed.axes, sides, strict=True)]
        values, names = meaning(replace(squeezed, pixels=np.zeros(one, raster.pixels.dtype)))
        plain = [size for letter, size in zip(squeezed.axes, sides, strict=True) if letter != SAMPLES]
        shape = (*plain, *values.shape[len(plain) :])
        described = replace(squeezed, pixels=np.zeros(0, raster.pixels.dtype), opaque=None)
        return cls(data, kept, described, meaning, names, shape, values.dtype)

    def _read(self, box: tuple[slice, ...]) -> NDArray[Any]:
        plain = iter(box)
        ranges = [slice(None) if letter == SAMPLES else next(plain) for letter in self.raster.axes]
        along = iter(ranges)
        with reading_from(self.data):
            block = np.asarray(self.data[tuple(next(along) if keep else slice(0, 1) for keep in self.kept)])
        sides = [size for size, keep in zip(block.shape, self.kept, strict=True) if keep]
        pixels = block.reshape(sides).astype(block.dtype.newbyteorder("="), copy=False)
        values, _ = self.meaning(replace(self.raster, pixels=pixels))
        return values[(slice(None),) * (len(self.shape) - len(samples := tuple(plain))) + samples]


@dataclass(frozen=True, eq=False)
class Combined(Lazy):
    """Two masks in one: where both are True, or one of them.

    Attributes
    ----------
    one, other : Stored
        The masks.
    how : ufunc
        `numpy.logical_and` or `numpy.logical_or`.
    """

    one: Stored
    other: Stored
    how: np.ufunc

    dtype = np.dtype(np.bool_)

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]  # an attribute of others
        """Shape of either."""
        return self.one.shape

    def _read(self, box: tuple[slice, ...]) -> NDArray[Any]:
        combined: NDArray[Any] = self.how(self.one[box], self.other[box])
        return combined


@dataclass(frozen=True, slots=True, eq=False)
class Pyramid:
    """What lies at a place: numbers at several sizes, and what is said of them.

    Attributes
    ----------
    levels : tuple of array
        As they are stored, the full size first.
    scales : tuple of tuple of float
        How many pixels of the full size one of each level is, along each axis.
    raster : Raster
        What is said of the numbers; of its pixels only shape and type count.
    multiscale : Multiscale or None
        In the words of OME-Zarr.
    mask : array or None
        That GDAL stores as a picture beside: 0 where there is nothing.
    mask_axes : str
        What the axes of the mask are.
    """

    levels: tuple[Any, ...]
    scales: tuple[tuple[float, ...], ...]
    raster: Raster
    multiscale: Multiscale | None = None
    mask: Any = None
    mask_axes: str = ""


@contextmanager
def reading_from(data: Any) -> Iterator[None]:
    """Make a sentence of what a damaged part leads libraries to, and say which file the system refuses.

    Raises
    ------
    InputError
        If the part cannot be read.
    OSError
        As the system says; it may go better another time.
    """
    place = getattr(data, "place", None) or str(getattr(data, "store_path", "A part")).removeprefix("file://")
    try:
        with explained(place, "It is damaged or incomplete: make it anew."):
            yield
    except InputError as error:
        if isinstance(error.__cause__, OSError):
            error.__cause__.filename = error.__cause__.filename or str(place)
            raise error.__cause__ from None
        raise


def stand_in(data: Any) -> AnyArray:
    """Return an array in the shape and type of a lazy one that takes no memory."""
    return np.broadcast_to(np.zeros((), np.dtype(data.dtype).newbyteorder("=")), tuple(data.shape))


def ratios(levels: tuple[Any, ...]) -> tuple[tuple[float, ...], ...]:
    """Return how many pixels of the first of several sizes one of each is; whole numbers where sides were rounded.

    Examples
    --------
    >>> ratios((np.zeros((101, 40)), np.zeros((50, 20))))
    ((1.0, 1.0), (2.0, 2.0))
    """
    full = tuple(levels[0].shape)
    found = [tuple(one / other for one, other in zip(full, level.shape, strict=True)) for level in levels]
    return tuple(tuple(_rounded(ratio, one) for ratio, one in zip(row, full, strict=True)) for row in found)


def _rounded(ratio: float, length: int) -> float:
    """Return the whole number that a ratio was before a side of the smaller size was rounded to whole pixels."""
    whole = round(ratio)
    fits = whole and length // whole <= length / ratio <= -(-length // whole)
    return float(whole) if fits else ratio


def _whole_key(key: Any, count: int) -> tuple[Any, ...]:
    """Return a slice or number for each axis."""
    given = key if isinstance(key, tuple) else (key,)
    if Ellipsis in given:
        place = given.index(Ellipsis)
        filled = (slice(None),) * (count - len(given) + 1)
        return given[:place] + filled + given[place + 1 :]
    return given + (slice(None),) * (count - len(given))

"""Whether an image is refined at once or in tiles: by the memory that it would take."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.compute.room import free_memory, in_words
from napari_coarse_crf.compute.simd import row_width
from napari_coarse_crf.errors import ParameterError, in_short
from napari_coarse_crf.memory import may_read_texture, texture_bytes
from napari_coarse_crf.parameters import Parameters, read_parameters, real_number
from napari_coarse_crf.refiner import Refiner
from napari_coarse_crf.similarity import FORMS
from napari_coarse_crf.tiles.sides import SMALLEST, sides_within

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_coarse_crf.inputs import Picture
    from napari_coarse_crf.refiner import EngineName

_HALF = 0.5
"""Of what is free: what a run may take unless a person says more."""
_SHARE = 0.8
"""Of what a run may take: what its tiles are planned to take, the rest being for what all of them look up."""
_LARGEST = 2**24
"""Pixels of a tile with its halo, at most: larger ones say too seldom how far they are."""
_LEAST, _MOST = 18, 250
"""Bytes of a pixel, whatever the labels: checked input alone, and more than all the rest takes but for texture."""
_OF_LABELS = 12
"""Bytes of a pixel and label, at most."""
_OF_MANY_LABELS, _SMALLEST_OF_MANY = 1000, 2**16
"""Where a pixel would take more bytes than so many, tiles may have fewer pixels: so fewer labels lie in each."""
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


@dataclass(frozen=True, slots=True)
class InTiles:
    """How to refine in tiles.

    Attributes
    ----------
    tile : int or sequence of int or None
        As for `plan_tiles`.
    why : tuple of str
        A sentence on it, unless a person wanted it so.
    """

    tile: int | Sequence[int] | None
    why: tuple[str, ...]


def is_lazy(*arrays: Any) -> bool:
    """Whether any of these, or of those in a list of them, is an array of dask."""
    listed = [one for array in arrays for one in (array if isinstance(array, list | tuple) else [array])]
    return any(type(one).__module__.partition(".")[0] == "dask" for one in listed)


def is_empty(examples: Any) -> bool:
    """Whether no examples were given; what cannot be any is for others to refuse."""
    return isinstance(examples, list | tuple) and not examples


def read_limit(limit: int | str | None) -> int:
    """Return how many bytes a run may take.

    Raises
    ------
    ParameterError
        If that is no size.

    Examples
    --------
    >>> read_limit("1.5 GB"), read_limit("2 MiB"), read_limit(10**9)
    (1500000000, 2097152, 1000000000)
    """
    if limit is None:
        return round(_HALF * free_memory())
    size = _size_in_words(limit) if isinstance(limit, str) else real_number(limit)
    if not 0 < size < math.inf:
        raise ParameterError(f"memory_limit is {in_short(limit)}; pass a number of bytes, or a text such as '4GB'.")
    return int(size)


def _size_in_words(text: str) -> float:
    """Return the bytes that a text says, NaN if it says none."""
    number = text.strip().rstrip("bBiIkKmMgGtT ")
    unit = text.strip()[len(number) :].strip().lower().removesuffix("b")
    try:
        return float(number) * _UNITS[unit]
    except (KeyError, ValueError):
        return math.nan


def choose(
    picture: Picture,
    labels: Any,
    parameters: Parameters | None,
    limit: int,
    *,
    examples: Sequence[tuple[Any, Any]] = (),
    engine: EngineName = "lattice",
    workers: int | None = None,
) -> Refiner | InTiles:
    """Return a Refiner of all at once or, where that would take more than the limit, how to refine in tiles.

    Parameters
    ----------
    limit : int
        How many bytes a run may take.
    picture, labels, parameters, examples, engine, workers
        As for `Refiner`.

    Raises
    ------
    InputError, ParameterError
        As by `Refiner`.
    """
    chosen = read_parameters(parameters)
    shape = tuple(getattr(labels, "shape", ()))
    pixels = math.prod(shape)
    in_tiles = engine == "lattice" and is_empty(examples) and pixels > SMALLEST
    in_tiles = in_tiles and FORMS[chosen.similarity].knows_parts
    needed = _LEAST * pixels + sum(_bytes_to_read(array) for array in (picture.image, labels))
    refiner, most = None, _MOST + _of_texture(picture, shape, chosen)
    if not in_tiles or needed <= limit:
        refiner = Refiner.of(picture, labels, examples=examples, engine=engine, workers=workers)
        if not in_tiles or pixels * (most + _OF_LABELS * row_width(len(refiner.label_ids))) <= limit:
            return refiner
        needed += refiner.estimate_memory(chosen) - _LEAST * pixels
        if needed <= limit:
            return refiner
    each = needed / pixels if refiner is not None else max(needed / pixels, most)
    smallest = SMALLEST if each <= _OF_MANY_LABELS else _SMALLEST_OF_MANY
    sides = sides_within(min(pixels_within(limit, each), _LARGEST), shape, picture.spacing, chosen, smallest)
    count = math.prod(-(-size // side) for size, side in zip(shape, sides, strict=True))
    least = "at least" if refiner is None else "about"
    why = (
        f"Refined in {count} tiles: all at once would take {least} {in_words(needed)} of memory, and "
        f"{in_words(limit)} may be used (memory_limit)."
    )
    return InTiles(sides, (why,))


def pixels_within(limit: int, each: float = _MOST) -> float:
    """Return how many pixels a tile may have with its halo, if each takes so many bytes.

    Examples
    --------
    >>> pixels_within(10**9)
    3200000.0
    """
    return _SHARE * limit / each


def _of_texture(picture: Picture, shape: Sequence[int], parameters: Parameters) -> int:
    """Return how many bytes of a pixel are features of texture, where these may count."""
    if not may_read_texture(parameters):
        return 0
    given = picture.image if isinstance(picture.image, list | tuple) else None
    sides = () if given is not None else tuple(getattr(picture.image, "shape", ()))
    pixels = max(1, math.prod(shape))
    return texture_bytes(len(given) if given is not None else max(1, math.prod(sides) // pixels))


def _bytes_to_read(array: Any) -> int:
    """Return what an array takes that must first be read; nothing for one of numpy, or what can be no array."""
    if isinstance(array, np.ndarray) and not isinstance(array, np.memmap):
        return 0
    size, itemsize = math.prod(getattr(array, "shape", (0,))), getattr(getattr(array, "dtype", None), "itemsize", 1)
    return size * itemsize

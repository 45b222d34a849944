"""How long tiles are, and how much is refined around them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from napari_coarse_crf.compute.arrays import real_numbers
from napari_coarse_crf.errors import InputError, ParameterError, in_short
from napari_coarse_crf.inputs import read_spacing
from napari_coarse_crf.similarity import FORMS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_coarse_crf.parameters import Parameters
    from napari_coarse_crf.tiles.source import Source

_PIXELS, _VOXELS = 2**23, 2**24
"""Of a tile with its halo, in images and in volumes, where halos are most of it: they take about 2 GB,
and a quarter more where texture counts."""
_VOLUME = 3  # axes
SMALLEST = 2**18
"""Pixels of a tile, at least: in smaller ones, most pixels lie in the halo."""
_LEAST_HALO = 32  # px; for the smoothness kernel, and for texture, whose widest smoothing reaches 24
_REACH = 1.75
"""Of theta_alpha: how wide a halo is. Of 8 Mpx with strokes on 2 %, in tiles of 1024 px, .11 % differ at 1.5 and .51 %
beside seams; at 1.75 .08 and .33 %."""


def check_parameters(parameters: Parameters) -> None:
    """Raise if something is asked for that no tile can know."""
    if not FORMS[parameters.similarity].knows_parts:
        able = ", ".join(name for name, form in FORMS.items() if form.knows_parts)
        raise ParameterError(
            f"similarity is {parameters.similarity!r}, which cannot be had in tiles; choose one of: {able}."
        )


def tile_sides(
    tile: int | Sequence[int] | None,
    shape: tuple[int, ...],
    spacing: Sequence[float] | None,
    parameters: Parameters,
    pixels: float | None = None,
) -> tuple[int, ...]:
    """Return how long a tile is along each axis; where that was not said, of so many pixels with its halo.

    Raises
    ------
    InputError
        If `tile` is no length.
    """
    if tile is None:
        usual = _PIXELS if len(shape) < _VOLUME else _VOXELS
        return sides_within(pixels or usual, shape, spacing, parameters)
    sides = real_numbers(tile)
    sides = np.broadcast_to(sides, (len(shape),)) if sides.ndim == 0 else sides
    if sides.shape != (len(shape),) or not ((sides >= 1) & (sides < np.inf)).all() or (sides != np.floor(sides)).any():
        raise InputError(
            f"tile is {in_short(tile)}; pass a whole number of pixels, or {len(shape)}, one for each axis of the "
            "labels."
        )
    return tuple(min(int(side), size) for side, size in zip(sides, shape, strict=True))


def sides_within(
    pixels: float,
    shape: Sequence[int],
    spacing: Sequence[float] | None,
    parameters: Parameters,
    smallest: int = SMALLEST,
) -> tuple[int, ...]:
    """Return sides of tiles that take at most about so many pixels with their halos.

    The longest side is cut again and again: an axis that is not cut has no halo, which costs most in volumes. Tiles of
    less than `smallest` pixels are not cut: most of what is refined would lie in halos.

    Examples
    --------
    >>> from napari_coarse_crf import Parameters
    >>> sides_within(2**24, (20_000, 20_000), None, Parameters())
    (3334, 3334)
    >>> sides_within(2**24, (64, 2048, 2048), None, Parameters(theta_alpha=40))
    (64, 342, 342)
    """
    whole, sizes, counts = tuple(shape), read_spacing(spacing, tuple(shape)), [1] * len(shape)
    while True:
        sides = tuple(-(-size // count) for size, count in zip(whole, counts, strict=True))
        around = _widths(None, parameters, sizes, sides, whole)
        regions = (min(size, side + 2 * halo) for size, side, halo in zip(whole, sides, around, strict=True))
        if math.prod(regions) <= pixels or math.prod(sides) <= smallest:
            return sides
        counts[int(np.argmax([side * size * (side > 1) for side, size in zip(sides, sizes, strict=True)]))] += 1


def halos(halo: int | None, parameters: Parameters, source: Source, sides: tuple[int, ...]) -> tuple[int, ...]:
    """Return how wide the halo is along each axis: what the appearance kernel reaches, but not over half of a tile."""
    return _widths(halo, parameters, read_spacing(source.picture.spacing, source.shape), sides, source.shape)


def _widths(
    halo: int | None,
    parameters: Parameters,
    sizes: Sequence[float],
    sides: Sequence[int],
    shape: Sequence[int],
) -> tuple[int, ...]:
    cut = [side * size for side, size, all_of in zip(sides, sizes, shape, strict=True) if side < all_of]
    if halo is None:
        appearance = _REACH * parameters.theta_alpha if parameters.appearance_weight > 0 else 0.0
        halo = max(_LEAST_HALO, math.ceil(min(appearance, min(cut, default=0) / 2)))
    return tuple(math.ceil(halo / size) for size in sizes)

"""How large the chunks of a result are: so that no two tiles write into one, whichever process writes which."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_CHUNK = {1: 2**18, 2: 512, 3: 64}  # pixels along each axis that tiles extend along, by how many these are
_PAGE = 16  # the sides of a tile in a TIFF file are multiples of it


def align(shape: Sequence[int], tile: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the sides of tiles that are nearly as long as asked for, and those of chunks that divide them.

    Where one tile covers an axis, it stays as it is asked for.

    Parameters
    ----------
    shape : sequence of int
        Of the labels.
    tile : sequence of int
        How long a tile is to be along each axis.

    Returns
    -------
    tuple of int, tuple of int
        The sides of tiles, for `plan_tiles`, and of chunks, for `create_labels`.

    Examples
    --------
    >>> align((5000, 7000), (2048, 1000))
    ((2048, 1008), (512, 336))
    >>> align((3, 400, 7000), (1, 2048, 2048))
    ((1, 2048, 2048), (1, 400, 512))
    """
    extended = sum(min(side, size) > 1 for side, size in zip(tile, shape, strict=True))
    most = _CHUNK[min(max(extended, 1), max(_CHUNK))]
    found = [_align(size, side, most) for size, side in zip(shape, tile, strict=True)]
    return tuple(side for side, _ in found), tuple(chunk for _, chunk in found)


def chunks_for(shape: Sequence[int], tile: Sequence[int]) -> tuple[int, ...]:
    """Return sides of chunks that divide tiles of just these sides, however small that makes them.

    Examples
    --------
    >>> chunks_for((5000, 7000), (2048, 1000))
    (512, 500)
    """
    extended = sum(min(side, size) > 1 for side, size in zip(tile, shape, strict=True))
    most = _CHUNK[min(max(extended, 1), max(_CHUNK))]
    return tuple(
        min(size, most) if side >= size else _divisor(side, most) for size, side in zip(shape, tile, strict=True)
    )


def _align(size: int, side: int, most: int) -> tuple[int, int]:
    """Return the sides of tiles and chunks along one axis."""
    if side >= size:
        return side, min(size, most)
    if side <= most and (side % _PAGE == 0 or side < _PAGE):
        return side, side
    step = _PAGE if side >= _PAGE else 1
    longer = -(-side // step) * step
    candidates = range(longer, longer + most, step)
    return next((one, chunk) for one in candidates if 2 * (chunk := _divisor(one, most, step)) >= most or one <= most)


def _divisor(side: int, most: int, step: int = 1) -> int:
    """Return the largest divisor of a side that is at most so long, and a multiple of a step where there is one."""
    divisors = [one for one in range(1, min(side, most) + 1) if side % one == 0]
    return max([one for one in divisors if one % step == 0] or divisors)

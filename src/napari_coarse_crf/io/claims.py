"""Whether what a file says that it holds fits into memory, before any of it is unpacked: anybody may write a header."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from napari_coarse_crf.compute.room import free_memory, in_words
from napari_coarse_crf.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_PLANES = 10**7
_PLANES = re.compile(r'\bSize[ZCT]\s*=\s*["\'](\d{1,20})')


def check_claim(shape: Sequence[int], itemsize: int, what: str = "It") -> None:
    """Raise if an array has no room in the memory that is free.

    Parameters
    ----------
    shape : sequence of int
        Of the array.
    itemsize : int
        Bytes of each of its numbers.
    what : str
        What says that it holds such an array, as the beginning of a sentence.

    Raises
    ------
    InputError
        If it takes more than there is.

    Examples
    --------
    >>> check_claim((1000, 1000), 3)
    """
    size, free = math.prod(map(int, shape)) * itemsize, free_memory()
    if size > free:
        raise InputError(
            f"{what} says that it holds {' x '.join(map(str, shape))} numbers at once, which take {in_words(size)} of "
            f"memory, and {in_words(free)} are free. If that is right, crop it, or save it as OME-Zarr or as a tiled "
            "TIFF, which are read part by part."
        )


def check_planes(description: str) -> None:
    """Raise if an OME description names more planes than anybody has.

    Raises
    ------
    InputError
        If it does.

    Examples
    --------
    >>> check_planes('<OME><Pixels SizeX="9" SizeY="9" SizeZ="3" SizeC="2" SizeT="1"/></OME>')
    """
    for pixels in description.split("<Pixels")[1:]:
        count = math.prod(int(size) for size in _PLANES.findall(pixels.partition(">")[0]))
        if count > _MOST_PLANES:
            raise InputError(f"It says that it holds {count} planes, more than can be read. Save it again, in parts.")

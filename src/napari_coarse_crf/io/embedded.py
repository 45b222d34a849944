"""Pictures within a TIFF file: each tile that is packed as JPEG, JPEG 2000 or PNG says itself how large it is.

It may say that it is larger than any memory, and decoders believe it. What says no size is unpacked into a buffer of
that of a tile; WebP is at most 1 GB. JPEG XL, JPEG XR and LERC are left to their decoders.
"""

from __future__ import annotations

import math
import struct
from functools import partial
from typing import TYPE_CHECKING, Any

from napari_coarse_crf.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    import tifffile

_ROOM = 4  # times the pixels of a tile: what is a little larger the decoder may cut
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # markers of JPEG that are followed by a size
_ALONE = {0x00, 0x01, *range(0xD0, 0xDA)}  # markers of JPEG that are followed by nothing
_SIZE_OF_JPEG2000 = b"\xff\x4f\xff\x51"


def bound_pictures(series: tifffile.TiffPageSeries) -> None:
    """Make a picture's tiles raise where they say that they are larger than a tile, before they are unpacked."""
    measure = _SIZES.get(series.keyframe.compression)
    if measure is None:
        return
    frames: dict[int, Any] = {id(page.keyframe): page.keyframe for page in series.pages if page is not None}
    for frame in frames.values():
        frame.decode = partial(_decode, frame.decode, measure, frame.chunks)


def _decode(
    decode: Any, measure: Callable[[bytes], int], tile: tuple[int, ...], data: Any, *more: Any, **how: Any
) -> Any:
    """Unpack a tile.

    Raises
    ------
    InputError
        If it says that it is larger than it may be.
    """
    if data is not None and measure(bytes(data)) > _ROOM * math.prod(tile):
        raise InputError(
            "One of its tiles says that it holds more pixels than a tile has: it is damaged, or made to fill the "
            "memory. Save it again."
        )
    return decode(data, *more, **how)


def _of_jpeg(data: bytes) -> int:
    """Return how many pixels the first frame has; what lies between markers is passed over, as decoders do."""
    place = 0
    while 0 <= (place := data.find(b"\xff", place)) <= len(data) - 9:
        kind = data[place + 1]
        if kind in _FRAMES:
            height, width = struct.unpack_from(">HH", data, place + 5)
            return int(height * width)
        if kind == 0xFF:  # fills
            place += 1
        else:
            place += 2 if kind in _ALONE else 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return 0


def _of_jpeg2000(data: bytes) -> int:
    """Return the most numbers of any code stream there is: pixels times channels."""
    most, place = 0, 0
    while 0 <= (place := data.find(_SIZE_OF_JPEG2000, place)) <= len(data) - 42:
        right, bottom, left, top, channels = struct.unpack_from(">4I16xH", data, place + 8)
        most = max(most, (right - left) * (bottom - top) * channels)
        place += 1
    return most


def _of_png(data: bytes) -> int:
    return int.from_bytes(data[16:20], "big") * int.from_bytes(data[20:24], "big")


_SIZES: dict[int, Callable[[bytes], int]] = {
    **dict.fromkeys((6, 7, 99, 33007, 34892), _of_jpeg),
    **dict.fromkeys((33003, 33004, 33005, 34712), _of_jpeg2000),
    34933: _of_png,
}
"""What tells how many numbers a tile says that it holds, by the number of its compression in TIFF."""

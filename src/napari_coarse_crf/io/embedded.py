"""Pictures within a TIFF file: each tile that is packed as one, as JPEG, PNG or LERC, says itself how large it is.

It may say that it is larger than any memory, and decoders believe it. What says no size is unpacked into a buffer of
that of a tile.
"""

from __future__ import annotations

import math
import struct
import zlib
from functools import partial
from typing import TYPE_CHECKING, Any

import imagecodecs

from napari_coarse_crf.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    import tifffile

_ROOM = 4  # times the pixels of a tile: what is a little larger the decoder may cut
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # markers of JPEG that are followed by a size
_ALONE = {0x00, 0x01, *range(0xD0, 0xDA)}  # markers of JPEG that are followed by nothing
_SIZE_OF_JPEG2000 = b"\xff\x4f\xff\x51"
_WIDEST = 8  # bytes of a number in LERC
_ADDED = 1024  # bytes, of its headers


def bound_pictures(series: tifffile.TiffPageSeries) -> None:
    """Make a picture's tiles raise where they say that they are larger than a tile, before they are unpacked."""
    measure = _SIZES.get(series.keyframe.compression)
    if measure is None:
        return
    frames: dict[int, Any] = {id(page.keyframe): page.keyframe for page in series.pages if page is not None}
    for frame in frames.values():
        frame.decode = partial(_decode, frame.decode, measure, frame.chunks)


def _decode(
    decode: Any, measure: Callable[[bytes, int], int], tile: tuple[int, ...], data: Any, *more: Any, **how: Any
) -> Any:
    """Unpack a tile.

    Raises
    ------
    InputError
        If it says that it is larger than it may be.
    """
    most = _ROOM * math.prod(tile)
    if data is not None and measure(bytes(data), most) > most:
        raise InputError(
            "One of its tiles says that it holds more pixels than a tile has: it is damaged, or made to fill the "
            "memory. Save it again."
        )
    return decode(data, *more, **how)


def _of_jpeg(data: bytes, _most: int) -> int:
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


def _of_jpeg2000(data: bytes, _most: int) -> int:
    """Return the most numbers of any code stream there is: pixels times channels."""
    most, place = 0, 0
    while 0 <= (place := data.find(_SIZE_OF_JPEG2000, place)) <= len(data) - 42:
        right, bottom, left, top, channels = struct.unpack_from(">4I16xH", data, place + 8)
        most = max(most, (right - left) * (bottom - top) * channels)
        place += 1
    return most


def _of_png(data: bytes, _most: int) -> int:
    return int.from_bytes(data[16:20], "big") * int.from_bytes(data[20:24], "big")


def _of_webp(data: bytes, _most: int) -> int:
    kind, said = data[12:16], data[20:]
    if kind == b"VP8X":  # less one, in 24 bits each
        return (int.from_bytes(said[4:7], "little") + 1) * (int.from_bytes(said[7:10], "little") + 1)
    if kind == b"VP8L":  # less one, in 14 bits each
        bits = int.from_bytes(said[1:5], "little")
        return ((bits & 0x3FFF) + 1) * ((bits >> 14 & 0x3FFF) + 1)
    width, height = int.from_bytes(said[6:8], "little"), int.from_bytes(said[8:10], "little")
    return (width & 0x3FFF) * (height & 0x3FFF)


def _of_jpegxr(data: bytes, _most: int) -> int:
    """Return how many pixels the code stream has: sides less one, in 16 or 32 bits each."""
    place = data.find(b"WMPHOTO\0")
    if place < 0 or len(data) < place + 20:
        return 0
    sides = struct.unpack_from(">HH" if data[place + 10] & 0x80 else ">II", data, place + 12)
    return int((sides[0] + 1) * (sides[1] + 1))


def _of_jpegxl(data: bytes, _most: int) -> int:
    """Return how many pixels the code stream has, which may lie in boxes: bits are read from the lowest on."""
    bits = int.from_bytes(_stream_of_jpegxl(data)[2:32], "little")

    def take(count: int) -> int:
        nonlocal bits
        value, bits = bits & ((1 << count) - 1), bits >> count
        return value

    def side(*, small: int) -> int:
        return 8 * (take(5) + 1) if small else take((9, 13, 18, 30)[take(2)]) + 1

    small = take(1)
    height, ratio = side(small=small), take(3)
    wide, high = ((0, 1), (1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))[ratio]
    return height * (height * wide // high if ratio else side(small=small))


def _stream_of_jpegxl(data: bytes) -> bytes:
    place = 0
    while data[:1] != b"\xff" and place + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        begin = place + 8
        if length == 1:  # it is said in 64 bits
            length, begin = int.from_bytes(data[begin : begin + 8], "big"), begin + 8
        if kind in {b"jxlc", b"jxlp"}:
            return data[begin + 4 * (kind == b"jxlp") :]
        place += max(length, 8)
    return data


def _of_lerc(data: bytes, most: int) -> int:
    """Return how many numbers all bands have: what is packed once more is unpacked as far as a tile may go."""
    room = most * _WIDEST + _ADDED
    if data[:4] == b"\x28\xb5\x2f\xfd":
        try:
            data = bytes(imagecodecs.zstd_decode(data, out=room))
        except imagecodecs.ZstdError:
            return most + 1  # or it is damaged
    elif data[:1] == b"\x78":
        try:
            data = zlib.decompressobj().decompress(data, room + 1)
        except zlib.error:
            return most + 1
        if len(data) > room:
            return most + 1
    numbers, place = 0, 0
    while 0 <= (place := data.find(b"Lerc2 ", place)) <= len(data) - 26:
        (version,) = struct.unpack_from("<i", data, place + 6)
        height, width, depth = struct.unpack_from("<3I", data, place + (14 if version > 2 else 10))
        numbers += height * width * (depth if version > 3 else 1)
        place += 1
    return numbers


_SIZES: dict[int, Callable[[bytes, int], int]] = {
    **dict.fromkeys((6, 7, 99, 33007, 34892), _of_jpeg),
    **dict.fromkeys((33003, 33004, 33005, 34712), _of_jpeg2000),
    34887: _of_lerc,
    34933: _of_png,
    **dict.fromkeys((22610, 34934), _of_jpegxr),
    **dict.fromkeys((34927, 50001), _of_webp),
    **dict.fromkeys((50002, 52546), _of_jpegxl),
}
"""What tells how many numbers a tile says that it holds, by the number of its compression in TIFF."""

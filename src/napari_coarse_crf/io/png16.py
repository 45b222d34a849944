"""Colour PNG files with 16 bits a channel.

Pillow, which reads every other PNG here, cuts their channels to 8 bits without a word; a dim microscope image loses
nearly everything that way.

References
----------
W3C, *Portable Network Graphics (PNG) Specification (Third Edition)*, sections 5 (chunks) and 9 (filters).
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.compute.compiling import compiled
from napari_coarse_crf.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {2: 3, 4: 2, 6: 4}  # by colour type: RGB, grey with alpha, RGBA


def is_deep_colour(content: bytes) -> bool:
    """Return whether the content of a file is a PNG with several channels of 16 bits."""
    return content.startswith(_SIGNATURE) and content[24:25] == b"\x10" and content[25] in _CHANNELS


def read_deep_colour(content: bytes) -> NDArray[np.uint16]:
    """Return the (Y, X, C) pixels of a PNG for which `is_deep_colour` holds, alpha channel included.

    Raises
    ------
    InputError
        If the file is damaged or interlaced.
    """
    width, height, _, colour_type, *_, interlaced = struct.unpack(">IIBBBBB", content[16:29])
    if interlaced:
        raise InputError(
            "It is an interlaced 16-bit PNG, which is not supported. Save it without interlacing, or as TIFF."
        )
    step = 2 * _CHANNELS[colour_type]  # bytes of a pixel: what the filters call the pixel to the left
    try:
        packed = zlib.decompress(b"".join(data for name, data in _chunks(content) if name == b"IDAT"))
        rows = np.frombuffer(packed, dtype=np.uint8).reshape(height, 1 + width * step)
    except (zlib.error, struct.error, ValueError) as error:
        raise InputError("The PNG is damaged: its pixels cannot be unpacked. Save it again.") from error
    pixels = np.zeros((height + 1, (width + 1) * step), dtype=np.uint8)  # a row above and a pixel to the left, all 0
    _unfilter_kernel(rows, step, pixels)
    values = np.ascontiguousarray(pixels[1:, step:]).view(">u2").astype(np.uint16)
    return values.reshape(height, width, -1)


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    start = len(_SIGNATURE)
    while start < len(content):
        length, name = struct.unpack(">I4s", content[start : start + 8])
        yield name, content[start + 8 : start + 8 + length]
        start += 12 + length  # length, name, data, check sum


@compiled
def _unfilter_kernel(rows: NDArray[np.uint8], step: int, out: NDArray[np.uint8]) -> Any:
    # Every byte was stored as its difference from a guess; a row names its guess: none, left, up, their mean, Paeth.
    for y in range(rows.shape[0]):
        kind = rows[y, 0]
        for k in range(rows.shape[1] - 1):
            # int() would make them unsigned, and differences would wrap around.
            left, up, corner = np.int64(out[y + 1, k]), np.int64(out[y, k + step]), np.int64(out[y, k])
            guess = np.int64(0)
            if kind == 1:
                guess = left
            elif kind == 2:
                guess = up
            elif kind == 3:
                guess = (left + up) // 2
            elif kind == 4:  # whichever of the three is nearest to left + up - corner
                to_left, to_up, to_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
                if to_left <= to_up and to_left <= to_corner:
                    guess = left
                elif to_up <= to_corner:
                    guess = up
                else:
                    guess = corner
            out[y + 1, k + step] = (np.int64(rows[y, k + 1]) + guess) & 255

"""16-bit colour PNG, which Pillow cuts to 8 bits: every filter, every channel count, damage."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_coarse_crf import InputError
from napari_coarse_crf.io.png16 import is_deep_colour, read_deep_colour

if TYPE_CHECKING:
    from numpy.typing import NDArray

COLOUR_TYPE = {2: 4, 3: 2, 4: 6}  # by number of channels


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def encode(pixels: NDArray[np.uint16], filters: list[int], interlaced: int = 0) -> bytes:
    """Return a PNG whose row y is stored with filter `filters[y]`, after section 9.2 of the specification."""
    height, width, channels = pixels.shape
    step = 2 * channels
    raw = pixels.astype(">u2").tobytes()
    rows = [list(raw[y * width * step : (y + 1) * width * step]) for y in range(height)]
    stored = bytearray()
    for y, row in enumerate(rows):
        above = rows[y - 1] if y else [0] * len(row)
        stored.append(filters[y])
        for k, value in enumerate(row):
            left, corner = (row[k - step], above[k - step]) if k >= step else (0, 0)
            up = above[k]
            nearest = min((left, up, corner), key=lambda guess: abs(left + up - corner - guess))
            guess = [0, left, up, (left + up) // 2, nearest][filters[y]]
            stored.append((value - guess) % 256)
    header = struct.pack(">IIBBBBB", width, height, 16, COLOUR_TYPE[channels], 0, 0, interlaced)
    packed = zlib.compress(bytes(stored))
    parts = [(b"IHDR", header), (b"IDAT", packed[:7]), (b"IDAT", packed[7:]), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


@pytest.mark.parametrize("channels", [2, 3, 4])
@pytest.mark.parametrize("kind", range(5))
def test_every_filter_gives_the_pixels_back(channels: int, kind: int) -> None:
    pixels = np.random.default_rng(kind).integers(0, 2**16, (5, 7, channels), dtype=np.uint16)
    content = encode(pixels, [kind] * 5)
    assert is_deep_colour(content)
    read = read_deep_colour(content)
    assert read.dtype == np.uint16
    assert np.array_equal(read, pixels)


def test_rows_may_mix_filters() -> None:
    pixels = np.random.default_rng(9).integers(0, 900, (5, 4, 3), dtype=np.uint16)
    assert np.array_equal(read_deep_colour(encode(pixels, [4, 1, 3, 2, 0])), pixels)


def test_other_files_are_left_to_other_readers() -> None:
    deep = encode(np.zeros((2, 2, 3), np.uint16), [0, 0])
    assert not is_deep_colour(deep.replace(b"\x10\x02", b"\x08\x02", 1))  # 8 bits
    assert not is_deep_colour(deep.replace(b"\x10\x02", b"\x10\x00", 1))  # grey
    assert not is_deep_colour(b"II*\x00")


def test_an_interlaced_file_is_refused_in_words() -> None:
    with pytest.raises(InputError, match="interlaced 16-bit PNG"):
        read_deep_colour(encode(np.zeros((2, 2, 3), np.uint16), [0, 0], interlaced=1))


@pytest.mark.parametrize("kept", [0.5, 0.8])
def test_a_file_cut_short_is_refused_in_words(kept: float) -> None:
    content = encode(np.random.default_rng(0).integers(0, 2**16, (9, 9, 3), dtype=np.uint16), [0] * 9)
    with pytest.raises(InputError, match="damaged"):
        read_deep_colour(content[: int(kept * len(content))])

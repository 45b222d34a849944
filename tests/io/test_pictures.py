"""PNG of every depth and kind; of other pictures, those that Pillow gives whole."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from napari_coarse_crf import InputError
from napari_coarse_crf.io import files

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

RNG = np.random.default_rng(4)
GREY = RNG.integers(0, 256, (19, 26), dtype=np.uint8)
RGB = RNG.integers(0, 256, (19, 26, 3), dtype=np.uint8)
STARTS_AND_STEPS = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(pixels: NDArray[Any], bits: int, *extra: bytes, interlaced: bool = False) -> bytes:
    """Return a PNG of (Y, X) or (Y, X, C) numbers with unfiltered rows, by sections 7 and 8 of the specification."""
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    rows = bytearray()
    for y, x, step_y, step_x in STARTS_AND_STEPS if interlaced else [(0, 0, 1, 1)]:
        for row in pixels[y::step_y, x::step_x].reshape(len(pixels[y::step_y]), -1):
            if row.size:
                written = "".join(f"{number:0{bits}b}" for number in row.tolist())
                rows += b"\0" + int(written.ljust(-(-len(written) // 8) * 8, "0"), 2).to_bytes(-(-len(written) // 8))
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], bits, kind, 0, 0, interlaced)
    body = b"".join(extra) + chunk(b"IDAT", zlib.compress(bytes(rows)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_sixteen_bits_are_kept_in_every_channel(tmp_path: Path, channels: int, interlaced: bool) -> None:
    deep = RNG.integers(0, 2**16, (19, 26, channels), dtype=np.uint16)
    if channels % 2 == 0:
        deep[..., -1] = np.where(GREY > 100, 60000, 0)
    (tmp_path / "a.png").write_bytes(png(deep, 16, interlaced=interlaced))
    read = files.read_image(tmp_path / "a.png")
    colours = deep[..., :-1] if channels % 2 == 0 else deep
    assert np.array_equal(read.image, colours[..., 0] if colours.shape[-1] == 1 else colours)
    assert (read.mask is None) == (channels % 2 == 1)
    assert read.mask is None or np.array_equal(read.mask, GREY > 100)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_few_bits_are_ids_in_labels_and_reach_from_black_to_white_in_an_image(tmp_path: Path, bits: int) -> None:
    numbers = GREY % 2**bits
    (tmp_path / "a.png").write_bytes(png(numbers, bits))
    assert np.array_equal(files.read_labels(tmp_path / "a.png").ids, numbers)
    assert np.array_equal(files.read_image(tmp_path / "a.png").image, np.round(numbers * (255 / (2**bits - 1))))


@pytest.mark.parametrize("bits", [2, 8, 16])
def test_a_grey_that_stands_for_transparent_becomes_the_mask(tmp_path: Path, bits: int) -> None:
    numbers = (GREY.astype(np.int64) % 2**bits).astype(np.uint16)
    (tmp_path / "a.png").write_bytes(png(numbers, bits, chunk(b"tRNS", struct.pack(">H", 3))))
    read = files.read_image(tmp_path / "a.png")
    assert np.array_equal(read.image, numbers * 85 if bits == 2 else numbers)
    assert read.mask is not None
    assert np.array_equal(read.mask, numbers != 3)


def test_a_transparent_colour_of_a_palette_becomes_the_mask(tmp_path: Path) -> None:
    colours = RNG.integers(0, 256, (4, 3), dtype=np.uint8)
    picture = Image.fromarray(GREY // 64)
    picture.putpalette(colours.tobytes())
    picture.save(tmp_path / "a.png", transparency=2)
    read = files.read_image(tmp_path / "a.png")
    assert np.array_equal(read.image, colours[GREY // 64])
    assert read.mask is not None
    assert np.array_equal(read.mask, GREY // 64 != 2)
    assert np.array_equal(files.read_labels(tmp_path / "a.png").ids, GREY // 64)


@pytest.mark.parametrize("ending", [".bmp", ".gif", ".webp", ".jpg"])
def test_other_pictures_of_eight_bits_are_read(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a{ending}"
    grey = np.broadcast_to(np.mgrid[:19, :26][1].astype(np.uint8) * 9, (19, 26))
    Image.fromarray(grey).save(path, lossless=True)  # which only WebP understands
    read = files.read_image(path).image
    assert np.abs(read.reshape(19, 26, -1).astype(int) - grey[..., np.newaxis]).max() <= (3 if ending == ".jpg" else 0)


def test_a_picture_whose_bits_would_be_cut_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.ppm").write_bytes(b"P6 2 1 65535\n" + bytes(12))
    with pytest.raises(InputError, match=r"a.ppm cannot be used. It is a PPM file, which is not read here. Save it as"):
        files.read_image(tmp_path / "a.ppm")


def test_pixels_that_are_not_square_are_told(tmp_path: Path) -> None:
    for unit in (0, 1):  # none, and the metre
        (tmp_path / "a.png").write_bytes(png(GREY, 8, chunk(b"pHYs", struct.pack(">IIB", 1000, 2000, unit))))
        spacing, _ = files.read_image(tmp_path / "a.png").grid.spacing("YX")
        assert spacing is not None
        assert spacing[1] / spacing[0] == pytest.approx(2)
    for ending in (".jpg", ".png"):
        Image.fromarray(GREY).save(tmp_path / f"b{ending}", dpi=(72, 72))
        assert files.read_image(tmp_path / f"b{ending}").grid.spacing("YX")[0] is None


def test_a_name_does_not_decide_what_a_file_is(tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.tif", format="PNG")
    Image.fromarray(RGB).save(tmp_path / "a.png", format="TIFF")
    for name in ("a.tif", "a.png"):
        assert np.array_equal(files.read_image(tmp_path / name).image, RGB)
    Image.fromarray(GREY).save(tmp_path / "labels.png", format="JPEG")
    with pytest.raises(InputError, match="JPEG blurs"):
        files.read_labels(tmp_path / "labels.png")


def test_a_damaged_png_is_refused(tmp_path: Path) -> None:
    content = bytearray(imagecodecs.png_encode(RNG.integers(0, 2**16, (19, 26, 3), dtype=np.uint16)))
    for damaged in (content[: len(content) // 2], content[:200] + b"\x55" * 20 + content[220:]):
        (tmp_path / "a.png").write_bytes(damaged)
        with pytest.raises(InputError, match=r"a.png cannot be read: .* Save it as PNG or TIFF"):
            files.read_image(tmp_path / "a.png")

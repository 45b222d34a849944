"""Headers that claim the world: refused in a sentence before anything is unpacked."""

from __future__ import annotations

import gzip
import json
import struct
import tracemalloc
import zlib
from typing import TYPE_CHECKING, Any

import numcodecs
import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image
from zarr.codecs import GzipCodec

from napari_coarse_crf import InputError
from napari_coarse_crf.io.files import read_image, read_labels, read_mask
from napari_coarse_crf.io.lazy.opening import open_image, open_labels
from napari_coarse_crf.io.lazy.places import is_lazy
from napari_coarse_crf.io.reading import explained

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 10**6  # pixels: as bytes, a thousand gigabytes


@pytest.fixture(autouse=True)
def no_limit_of_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on the command line."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)


def png(bits: int, colour_type: int, side: int = SIDE) -> bytes:
    """Return a PNG that holds next to nothing of what it claims."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", side, side, bits, colour_type, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"0")),
    ]
    if colour_type == 3:
        chunks.insert(1, (b"PLTE", bytes(12)))
    chunks.append((b"IEND", b""))
    packed = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def tiff(compression: int, tile: int | None = None) -> bytes:
    """Return a TIFF file of one strip or tile of ten bytes."""
    tags = [(256, SIDE), (257, SIDE), (258, 8), (259, compression), (262, 1), (277, 1)]
    tags += [(273, 8), (278, SIDE), (279, 10)] if tile is None else [(322, tile), (323, tile), (324, 8), (325, 10)]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<I", 18) + bytes(10) + struct.pack("<H", len(tags)) + entries + bytes(4)


def bmp(folder: Path) -> bytes:
    Image.fromarray(np.ones((4, 4), np.uint8)).save(folder / "small.bmp")
    content = (folder / "small.bmp").read_bytes()
    return content[:18] + struct.pack("<ii", SIDE, SIDE) + content[26:]


@pytest.mark.parametrize(
    "content",
    [
        *(png(8, 0), png(1, 0), png(16, 2), png(8, 3), png(8, 4), png(8, 0, 2**31 - 1)),
        *(tiff(1), tiff(8), tiff(8, SIDE // 16 * 16)),
    ],
)
def test_a_header_that_claims_more_than_the_memory_is_refused_unread(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    for read in (read_image, read_labels, read_mask):
        with pytest.raises(
            InputError, match=r"a\.png cannot be used\. .* says that it holds \d+ x \d+ numbers at once"
        ):
            read(path)
    if is_lazy(path):
        with pytest.raises(InputError, match="One of its tiles says that it holds"):
            open_image(path)


def test_other_formats_are_asked_first_too(tmp_path: Path) -> None:
    path = tmp_path / "a.bmp"
    path.write_bytes(bmp(tmp_path))
    with pytest.raises(InputError, match="says that it holds 1000000 x 1000000 numbers"):
        read_image(path)


def test_planes_without_number_are_not_counted(tmp_path: Path) -> None:
    sizes = 'SizeX="9" SizeY="9" SizeZ="1000000000" SizeC="1000" SizeT="1"'
    pixels = f'<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" {sizes}><TiffData/></Pixels>'
    schema = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
    described = f'<?xml version="1.0"?><OME xmlns="{schema}"><Image ID="Image:0">{pixels}</Image></OME>'
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.ones((9, 9), np.uint8), description=described, metadata=None)
    assert not is_lazy(path)
    with pytest.raises(InputError, match="says that it holds 1000000000000 planes, more than can be read"):
        read_labels(path)


def test_chunks_of_a_store_are_asked_first(tmp_path: Path) -> None:
    store = tmp_path / "a.zarr"
    store.mkdir()
    grid = {"name": "regular", "configuration": {"chunk_shape": [SIDE, SIDE]}}
    said = {"zarr_format": 3, "node_type": "array", "shape": [SIDE, SIDE], "data_type": "uint8", "chunk_grid": grid}
    more = {"chunk_key_encoding": {"name": "default"}, "fill_value": 0, "codecs": [{"name": "bytes"}], "attributes": {}}
    (store / "zarr.json").write_text(json.dumps(said | more))
    for read in (open_image, open_labels):
        with pytest.raises(InputError, match="One of its chunks says that it holds 1000000 x 1000000 numbers"):
            read(store)


@pytest.mark.parametrize(
    ("packing", "chunk"),
    [
        *((numcodecs.get_codec({"id": name}), "1.1") for name in ("zlib", "gzip", "bz2", "lzma")),
        (GzipCodec(), "c/1/1"),
    ],
)
def test_a_chunk_that_unpacks_to_more_than_a_chunk_is_refused_before_it_fills_the_memory(
    tmp_path: Path, packing: Any, chunk: str
) -> None:
    store, version = tmp_path / "a.zarr", 3 if isinstance(packing, GzipCodec) else 2
    kind: dict[str, Any] = {"dtype": "u2", "zarr_format": version, "compressors": packing}
    array = zarr.create_array(store, shape=(40, 60), chunks=(20, 30), **kind)
    array[:] = pixels = np.arange(2400, dtype=np.uint16).reshape(40, 60)
    assert np.array_equal(open_image(store).image[:], pixels)
    encode = gzip.compress if version == 3 else packing.encode
    (store / chunk).write_bytes(encode(bytes(2**26)))
    opened = open_image(store).image
    assert np.array_equal(opened[:20], pixels[:20])
    tracemalloc.start()
    with pytest.raises(InputError, match="One of its chunks unpacks to more than a chunk of it holds"):
        opened[:]
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 2**24


def test_shards_are_read_with_each_of_their_chunks_bounded(tmp_path: Path) -> None:
    store, pixels = tmp_path / "a.zarr", np.arange(2400, dtype=np.uint16).reshape(40, 60)
    zarr.create_array(store, data=pixels, chunks=(10, 10), shards=(20, 30), compressors=GzipCodec())
    assert np.array_equal(open_image(store).image[:], pixels)
    shard = store / "c" / "1" / "1"
    chunks, index = shard.read_bytes()[:-100], shard.read_bytes()[-100:-4]  # where each of six lies; a checksum
    places, packed = np.frombuffer(index, "<u8").reshape(6, 2).copy(), gzip.compress(bytes(2**26))
    places[0] = len(chunks), len(packed)
    shard.write_bytes(chunks + packed + bytes(numcodecs.get_codec({"id": "crc32c"}).encode(places.tobytes())))
    with pytest.raises(InputError, match="One of its chunks unpacks to more than a chunk of it holds"):
        open_image(store).image[:]


@pytest.mark.parametrize("error", [MemoryError(), Image.DecompressionBombError("an attack.")])
def test_what_is_too_large_all_the_same_gets_a_sentence(error: Any) -> None:
    sentence = r"^a\.png (cannot be read: the memory does not suffice|has more pixels than)"
    with pytest.raises(InputError, match=sentence), explained("a.png"):
        raise error

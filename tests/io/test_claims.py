"""Headers that claim the world: refused in a sentence before anything is unpacked."""

from __future__ import annotations

import gzip
import json
import lzma
import pickle
import struct
import tracemalloc
import warnings
import zlib
from functools import partial
from typing import TYPE_CHECKING, Any

import imagecodecs
import numcodecs
import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image
from zarr.codecs import GzipCodec
from zarr.errors import ZarrUserWarning

from napari_coarse_crf import InputError
from napari_coarse_crf.io import embedded
from napari_coarse_crf.io.files import read_image, read_labels, read_mask
from napari_coarse_crf.io.lazy.opening import open_image, open_labels, open_mask
from napari_coarse_crf.io.lazy.places import is_lazy
from napari_coarse_crf.io.reading import explained

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

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


def tiff_of_one_tile(compression: int, packed: bytes, side: int = 64, channels: int = 1) -> bytes:
    """Return a TIFF file of one tile of grey or colour pixels."""
    tags = [(256, side), (257, side), (258, 8), (259, compression), (262, 1 if channels == 1 else 2), (277, channels)]
    tags += [(322, side), (323, side), (324, 8), (325, len(packed))]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<I", 8 + len(packed)) + packed + struct.pack("<H", len(tags)) + entries + bytes(4)


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


BOMB = 2**26  # bytes
WEBP = 50001  # in TIFF
TOO_MUCH = "One of its chunks unpacks to more than a chunk of it holds"
V2 = {name: numcodecs.get_codec({"id": name}) for name in ("blosc", "bz2", "gzip", "lz4", "lzma", "zlib", "zstd")} | {
    "raw lzma": numcodecs.LZMA(format=lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2}])
}
V3: dict[str, dict[str, Any]] = {
    name: {"name": name, "configuration": said}
    for name, said in [
        ("gzip", {"level": 1}),
        ("zstd", {"level": 1, "checksum": False}),
        ("blosc", {"cname": "lz4", "clevel": 1, "shuffle": "noshuffle", "typesize": 1, "blocksize": 0}),
        *((f"numcodecs.{name}", {}) for name in ("blosc", "bz2", "gzip", "lz4", "lzma", "zlib", "zstd")),
    ]
}


def sizeless(packed: bytes) -> bytes:
    """Return a frame of zstd of 64 kB and more without the 4 bytes that say how much it is.

    It begins with a magic number of 4 bytes and a byte of flags, two bits of which are for the size and one for a frame
    that is one piece; another has a byte that says how far it looks back. The size comes next.
    """
    flags = packed[4]
    assert flags >> 6 == 2
    start = 9 if flags & 0b100000 else 10
    return packed[:4] + bytes([flags & 0b11111, 0x58]) + packed[start:]


def packed_in(name: str, content: bytes) -> bytes:
    return bytes(V2[name.removeprefix("numcodecs.")].encode(content))


def store_of(store: Path, pixels: NDArray[Any], packing: Any) -> Path:
    """Write an array of four chunks, and return the last of them: of zarr 3 if the packing is in its words."""
    version: Any = 2 if isinstance(packing, numcodecs.abc.Codec) else 3
    chunks: Any = tuple(side // 2 for side in pixels.shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ZarrUserWarning)  # not every packing is in the specification of zarr 3
        zarr.create_array(store, data=pixels, chunks=chunks, compressors=packing, zarr_format=version)
    return store / ("1.1" if version == 2 else "c/1/1")


def check_refused(read: Callable[[], Any], sentence: str = TOO_MUCH) -> None:
    """Look that one chunk is refused before it has filled the memory.

    No other thread may unpack meanwhile: where counting ends while one does, CPython 3.11 ends in a segmentation fault.
    """
    tracemalloc.start()
    with pytest.raises(InputError, match=sentence):
        read()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < BOMB // 4


@pytest.mark.parametrize(("name", "packing"), [*V2.items(), *V3.items()])
def test_a_chunk_that_unpacks_to_more_than_a_chunk_is_refused_before_it_fills_the_memory(
    tmp_path: Path, name: str, packing: Any
) -> None:
    pixels = np.arange(2400, dtype=np.uint16).reshape(40, 60)
    chunk = store_of(tmp_path / "a.zarr", pixels, packing)
    opened = open_image(tmp_path / "a.zarr").image
    assert np.array_equal(opened[:], pixels)
    chunk.write_bytes(packed_in(name, bytes(BOMB)))
    assert np.array_equal(opened[:20], pixels[:20])
    check_refused(lambda: opened[20:, 30:])


@pytest.mark.parametrize("name", ["zstd", "blosc", "lz4"])
def test_a_header_that_says_less_than_there_is_fills_no_memory(tmp_path: Path, name: str) -> None:
    chunk = store_of(tmp_path / "a.zarr", np.ones((40, 60), np.uint16), V2[name])
    bomb, said = packed_in(name, bytes(BOMB)), {"zstd": 6, "blosc": 4, "lz4": 0}[name]
    assert int.from_bytes(bomb[said : said + 4], "little") == BOMB
    chunk.write_bytes(bomb[:said] + (1200).to_bytes(4, "little") + bomb[said + 4 :])
    opened = open_image(tmp_path / "a.zarr").image
    check_refused(lambda: opened[20:, 30:], "unpacks to more than|error during blosc|LZ4 decom")


@pytest.mark.parametrize("packing", [V2["zstd"], V3["zstd"]])
def test_zstd_that_does_not_say_how_much_it_is_is_read_and_is_bounded(tmp_path: Path, packing: Any) -> None:
    pixels = np.arange(400 * 600, dtype=np.uint16).reshape(400, 600)
    chunk = store_of(tmp_path / "a.zarr", pixels, packing)
    opened = open_image(tmp_path / "a.zarr").image
    chunk.write_bytes(sizeless(chunk.read_bytes()))
    assert np.array_equal(opened[:], pixels)
    chunk.write_bytes(sizeless(packed_in("zstd", bytes(BOMB))))
    check_refused(lambda: opened[200:, 300:])


@pytest.mark.parametrize("packing", [*V2.values(), *V3.values()])
def test_a_chunk_that_is_cut_off_gets_a_sentence(tmp_path: Path, packing: Any) -> None:
    pixels = np.random.default_rng(0).integers(0, 2**16, (40, 60)).astype(np.uint16)
    chunk = store_of(tmp_path / "a.zarr", pixels, packing)
    opened, whole = open_image(tmp_path / "a.zarr").image, chunk.read_bytes()
    for length in (0, 2, 10, 100, len(whole) - 9):
        chunk.write_bytes(whole[:length])
        with pytest.raises(InputError, match="It is damaged or incomplete: make it anew"):
            opened[:]


def test_packings_within_packings_are_read(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 2**16, (40, 60)).astype(np.uint16)  # no packing makes it smaller
    shuffled = {"name": "numcodecs.shuffle", "configuration": {"elementsize": 2}}
    store_of(tmp_path / "a.zarr", pixels, [shuffled, V3["blosc"], V3["numcodecs.bz2"], V3["gzip"], V3["zstd"]])
    assert np.array_equal(open_image(tmp_path / "a.zarr").image[:], pixels)
    filters: Any = [numcodecs.Delta("u2"), V2["bz2"], V2["lz4"]]
    zarr.create_array(tmp_path / "b.zarr", data=pixels, filters=filters, compressors=V2["zlib"], zarr_format=2)
    assert np.array_equal(open_image(tmp_path / "b.zarr").image[:], pixels)


@pytest.mark.parametrize("filters", [[numcodecs.Zlib()], [numcodecs.AsType(encode_dtype="u1", decode_dtype="c16")] * 6])
def test_filters_that_make_more_than_a_chunk_are_bounded_too(tmp_path: Path, filters: Any) -> None:
    store = tmp_path / "a.zarr"
    chunk = store_of(store, np.ones((40, 60), np.uint8), V2["zlib"])
    said = json.loads((store / ".zarray").read_text())
    (store / ".zarray").write_text(json.dumps(said | {"filters": [one.get_config() for one in filters]}))
    content = bytes(600) if len(filters) > 1 else packed_in("zlib", bytes(BOMB))
    chunk.write_bytes(packed_in("zlib", content))
    check_refused(lambda: open_image(store).image[20:, 30:])


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


def test_shards_that_are_packed_as_a_whole_are_asked_first(tmp_path: Path) -> None:
    store = tmp_path / "a.zarr"
    codecs = {"codecs": [{"name": "bytes"}], "index_codecs": [{"name": "bytes"}]}
    shard = {"name": "sharding_indexed", "configuration": {"chunk_shape": [100, 100], **codecs}}
    zarr.create_array(store, shape=(40, 60), chunks=(20, 30), dtype="u1")
    said = json.loads((store / "zarr.json").read_text())
    grid = {"name": "regular", "configuration": {"chunk_shape": [SIDE, SIDE]}}
    said |= {"shape": [SIDE, SIDE], "chunk_grid": grid, "codecs": [shard, V3["gzip"]]}
    (store / "zarr.json").write_text(json.dumps(said))
    with pytest.raises(InputError, match="One of its chunks says that it holds 1000000 x 1000000 numbers"):
        open_image(store)
    (store / "zarr.json").write_text(json.dumps(said | {"codecs": [shard]}))
    assert open_image(store).image.shape == (SIDE, SIDE)


@pytest.mark.parametrize(
    ("compression", "encode"),
    [
        (7, imagecodecs.jpeg8_encode),
        (34712, imagecodecs.jpeg2k_encode),
        (34887, imagecodecs.lerc_encode),
        (34887, lambda pixels: zlib.compress(imagecodecs.lerc_encode(pixels))),
        (34887, lambda pixels: imagecodecs.zstd_encode(imagecodecs.lerc_encode(pixels))),
        (34933, imagecodecs.png_encode),
        (34934, imagecodecs.jpegxr_encode),
        (WEBP, partial(imagecodecs.webp_encode, lossless=True)),
        (WEBP, partial(imagecodecs.webp_encode, lossless=False)),
        (50002, imagecodecs.jpegxl_encode),
        (50002, partial(imagecodecs.jpegxl_encode, usecontainer=True)),
    ],
)
def test_a_picture_in_a_tile_of_tiff_that_is_larger_than_the_tile_is_refused_before_it_is_unpacked(
    tmp_path: Path, compression: int, encode: Any
) -> None:
    channels = 3 if compression == WEBP else 1  # which knows no grey
    path, form = tmp_path / "a.tif", () if channels == 1 else (channels,)
    pixels = np.broadcast_to(np.arange(64, dtype=np.uint8).reshape(64, *(1 for _ in form)), (64, 64, *form)).copy()
    path.write_bytes(tiff_of_one_tile(compression, bytes(encode(pixels)), channels=channels))
    assert read_image(path).image.shape == open_image(path).image[:].shape == pixels.shape
    large = np.zeros((2**12, 2**12, *form), np.uint8)  # as much as is too much
    path.write_bytes(tiff_of_one_tile(compression, bytes(encode(large)), channels=channels))
    opened = open_image(path).image
    for read in (lambda: read_image(path), lambda: opened[:]):
        check_refused(read, "One of its tiles says that it holds more pixels than a tile has")


@pytest.mark.parametrize("compression", sorted(embedded._SIZES))
@pytest.mark.parametrize(
    "begin", [b"", b"\xff\xd8\xff\xc0", b"x\x9c", b"(\xb5/\xfd", b"Lerc2 ", b"RIFF....WEBPVP8X", b"\xff\n"]
)
def test_a_tile_that_is_damaged_says_some_size_or_none(compression: int, begin: bytes) -> None:
    damaged = np.random.default_rng(0).integers(0, 256, 60, np.uint8).tobytes()
    for length in range(len(damaged)):
        assert embedded._SIZES[compression](begin + damaged[:length], 100) >= 0


@pytest.mark.parametrize(
    ("filters", "sentence"), [(["vlen-utf8", "pickle"], "It holds text or objects"), (["pickle"], "cannot be read")]
)
def test_what_a_store_says_runs_no_code(tmp_path: Path, filters: list[str], sentence: str) -> None:
    store, ran = tmp_path / "a.zarr", tmp_path / "ran"
    chunk = store_of(store, np.ones((40, 60), np.uint8), V2["zlib"])
    said = json.loads((store / ".zarray").read_text())
    said |= {"dtype": "|O", "fill_value": "", "compressor": None, "filters": [{"id": name} for name in filters]}
    (store / ".zarray").write_text(json.dumps(said))
    chunk.write_bytes(f"cos\nmkdir\n(V{ran}\ntR.".encode())
    for read in (open_image, open_labels, open_mask):
        with pytest.raises(InputError, match=sentence):
            read(store)
    assert not ran.exists()
    pickle.loads(chunk.read_bytes())
    assert ran.exists()


@pytest.mark.parametrize("error", [MemoryError(), Image.DecompressionBombError("an attack.")])
def test_what_is_too_large_all_the_same_gets_a_sentence(error: Any) -> None:
    sentence = r"^a\.png (cannot be read: the memory does not suffice|has more pixels than)"
    with pytest.raises(InputError, match=sentence), explained("a.png"):
        raise error

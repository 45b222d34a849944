"""What a chunk of zarr may unpack to: what a chunk holds. A few bytes may unpack to more than any memory.

A header that says less than there is only makes unpacking fail, as what unpacks knows how much room it has.
"""

from __future__ import annotations

import asyncio
import bz2
import gzip
import lzma
import math
import zlib
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any

import imagecodecs
import numpy as np
import zarr
from numcodecs import blosc, lz4
from numcodecs.abc import Codec
from zarr.abc.codec import BytesBytesCodec
from zarr.codecs import ShardingCodec

from napari_coarse_crf.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from zarr.core.array_spec import ArraySpec
    from zarr.core.buffer import Buffer

_WIDEST = 16  # bytes: a filter of zarr 2 may have made each number as wide
_ADDED = 1024  # bytes: a packing within another may have added so much, and a 32nd of all
_HEADER = 16  # bytes, of blosc
_TOO_MUCH = (
    "One of its chunks unpacks to more than a chunk of it holds: it is damaged, or made to fill the memory. Make it "
    "anew."
)


def bounded(array: zarr.Array[Any]) -> zarr.Array[Any]:
    """Return an array that is read as this one, but for chunks that unpack to more than a chunk holds: an error.

    That is known before they fill the memory for blosc, bz2, gzip, lz4, lzma, zlib and zstd; of another packing the
    unpacked chunk is looked at.
    """
    metadata: Any = array.metadata
    if metadata.zarr_format != 2:
        limited = replace(metadata, codecs=_limited(metadata.codecs))
    else:
        width = _WIDEST if metadata.filters else metadata.dtype.to_native_dtype().itemsize
        limit = partial(_Bounded, most=_most(metadata.chunks, width))
        limited = replace(
            metadata,
            filters=metadata.filters and tuple(map(limit, metadata.filters)),
            compressor=metadata.compressor and limit(metadata.compressor),
        )
    return zarr.Array(zarr.AsyncArray(limited, array.store_path))


def _most(shape: tuple[int, ...], width: int) -> int:
    size = math.prod(shape) * width
    return size + size // 32 + _ADDED


class _Bounded(Codec):  # type: ignore[misc]  # it has no types
    """A packing or a filter of zarr 2 that refuses what unpacks to more than so many bytes."""

    codec_id = "bounded"

    def __init__(self, codec: Any, most: int) -> None:
        self._codec, self._most = codec, most

    def encode(self, buf: Any) -> Any:
        """Pack."""
        return self._codec.encode(buf)

    def decode(self, buf: Any, out: Any = None) -> Any:
        """Unpack.

        Raises
        ------
        InputError
            If there is more than may be.
        """
        said = dict(self._codec.get_config())
        name = said.pop("id")
        if name in _UNPACKED:
            return _unpacked(name, said, bytes(buf), self._most)
        unpacked = self._codec.decode(buf, out)
        _check(np.asarray(unpacked).nbytes, self._most)
        return unpacked


@dataclass(frozen=True)
class _BoundedBytes(BytesBytesCodec):
    """A packing of zarr 3, which knows how much a chunk holds."""

    name: str
    said: dict[str, Any]
    is_fixed_size = False

    async def _decode_single(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> Buffer:
        most = _most(chunk_spec.shape, chunk_spec.dtype.to_native_dtype().itemsize)
        unpacked = await asyncio.to_thread(_unpacked, self.name, self.said, chunk_bytes.to_bytes(), most)
        return chunk_spec.prototype.buffer.from_bytes(unpacked)

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: ArraySpec) -> int:
        """Nobody knows it."""
        raise NotImplementedError


def _limited(codecs: Iterable[Any]) -> tuple[Any, ...]:
    """Return the codecs of zarr 3 with their packings bounded, in shards too."""
    return tuple(map(_limit, codecs))


def _limit(codec: Any) -> Any:
    if isinstance(codec, ShardingCodec):
        return replace(codec, codecs=_limited(codec.codecs))
    said = codec.to_dict()
    name = said["name"].removeprefix("numcodecs.")
    return _BoundedBytes(name, said.get("configuration", {})) if name in _UNPACKED else codec


def _unpacked(name: str, said: dict[str, Any], packed: bytes, most: int) -> bytes:
    """Return what a packing makes of bytes, at most so many.

    Raises
    ------
    InputError
        If there are more.
    """
    unpacked = _UNPACKED[name](packed, most, said)
    _check(len(unpacked), most)
    return unpacked


def _check(size: int, most: int) -> None:
    if size > most:
        raise InputError(_TOO_MUCH)


def _of_zlib(packed: bytes, most: int, _said: dict[str, Any]) -> bytes:
    stream = zlib.decompressobj()
    unpacked = stream.decompress(packed, most + 1)
    if len(unpacked) <= most and not stream.eof:
        raise zlib.error("one of its chunks is cut off")
    return unpacked


def _of_gzip(packed: bytes, most: int, _said: dict[str, Any]) -> bytes:
    with gzip.open(BytesIO(packed)) as file:
        return file.read(most + 1)


def _of_bz2(packed: bytes, most: int, _said: dict[str, Any]) -> bytes:
    with bz2.open(BytesIO(packed)) as file:
        return file.read(most + 1)


def _of_lzma(packed: bytes, most: int, said: dict[str, Any]) -> bytes:
    kind = said.get("format", lzma.FORMAT_XZ)
    with lzma.open(BytesIO(packed), format=kind, filters=said.get("filters")) as file:
        return file.read(most + 1)


def _of_zstd(packed: bytes, most: int, _said: dict[str, Any]) -> bytes:
    """Unpack into a buffer of that size, as the header need not say how much there is."""
    try:
        return bytes(imagecodecs.zstd_decode(packed, out=most))
    except imagecodecs.ZstdError as error:
        if "too small" in str(error):
            raise InputError(_TOO_MUCH) from error
        raise


def _of_blosc(packed: bytes, most: int, _said: dict[str, Any]) -> bytes:
    """Unpack as much as the header says.

    It says how long all is, too, and of what is cut off blosc would read beyond the end.
    """
    size, length = (int.from_bytes(packed[place : place + 4], "little") for place in (4, 12))
    if len(packed) < max(length, _HEADER):
        raise ValueError("one of its chunks is cut off")
    _check(size, most)
    return bytes(blosc.decompress(packed))


def _of_lz4(packed: bytes, most: int, _said: dict[str, Any]) -> bytes:
    """Unpack as much as the 4 bytes say that numcodecs puts in front."""
    _check(int.from_bytes(packed[:4], "little"), most)
    return bytes(lz4.decompress(packed))


_UNPACKED: dict[str, Callable[[bytes, int, dict[str, Any]], bytes]] = {
    "blosc": _of_blosc,
    "bz2": _of_bz2,
    "gzip": _of_gzip,
    "lz4": _of_lz4,
    "lzma": _of_lzma,
    "zlib": _of_zlib,
    "zstd": _of_zstd,
}
"""What unpacks at most so many bytes, or one more to say that there are more, by the names of numcodecs."""

"""What a chunk of zarr may unpack to: what a chunk holds. A few bytes of zlib may unpack to more than any memory.

So it is for gzip, and in zarr 2 for zlib, bz2 and lzma as well. Other packings, such as zstd and blosc, are left to
zarr, which refuses what does not fit into a chunk only once it is unpacked.
"""

from __future__ import annotations

import asyncio
import bz2
import lzma
import math
import zlib
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import zarr
from numcodecs.abc import Codec
from zarr.codecs import GzipCodec, ShardingCodec

from napari_coarse_crf.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_STREAMS: dict[str, Callable[[], Any]] = {
    "zlib": zlib.decompressobj,
    "gzip": partial(zlib.decompressobj, 16 + zlib.MAX_WBITS),
    "bz2": bz2.BZ2Decompressor,
    "lzma": lzma.LZMADecompressor,
}
"""What unpacks so much and no more, by the names of numcodecs."""
_WIDEST, _CHECKSUM = 16, 64  # bytes: a filter may have made each number as wide, and have added to them


def bounded(array: zarr.Array[Any]) -> zarr.Array[Any]:
    """Return an array that is read as this one, but for chunks that unpack to more than a chunk holds: an error."""
    metadata: Any = array.metadata
    if metadata.zarr_format != 2:
        limited = replace(metadata, codecs=_limited(metadata.codecs))
    elif getattr(metadata.compressor, "codec_id", None) in _STREAMS:
        width = _WIDEST if metadata.filters else metadata.dtype.to_native_dtype().itemsize
        limited = replace(metadata, compressor=_Bounded(metadata.compressor, _most(metadata.chunks, width)))
    else:
        return array
    return zarr.Array(zarr.AsyncArray(limited, array.store_path))


def _most(shape: tuple[int, ...], width: int) -> int:
    return math.prod(shape) * width + _CHECKSUM


class _Bounded(Codec):  # type: ignore[misc]  # it has no types
    """A packing that refuses what unpacks to more than so many bytes."""

    codec_id = "bounded"

    def __init__(self, packing: Any, most: int) -> None:
        self._packing, self._most = packing, most

    def encode(self, buf: Any) -> Any:
        """Pack."""
        return self._packing.encode(buf)

    def decode(self, buf: Any, out: Any = None) -> Any:
        """Unpack.

        Raises
        ------
        InputError
            If there is more than may be.
        """
        _check(self._packing.codec_id, bytes(buf), self._most)
        return self._packing.decode(buf, out)


class _BoundedGzip(GzipCodec):
    """That of zarr 3, which knows how much a chunk holds."""

    async def _decode_single(self, chunk_bytes: Any, chunk_spec: Any) -> Any:
        most = _most(chunk_spec.shape, chunk_spec.dtype.to_native_dtype().itemsize)
        await asyncio.to_thread(_check, "gzip", chunk_bytes.to_bytes(), most)
        return await super()._decode_single(chunk_bytes, chunk_spec)


def _limited(codecs: Iterable[Any]) -> tuple[Any, ...]:
    """Return the packings of zarr 3, with gzip bounded, in shards too."""
    limited: list[Any] = []
    for codec in codecs:
        if isinstance(codec, ShardingCodec):
            limited.append(replace(codec, codecs=_limited(codec.codecs)))
        else:
            limited.append(_BoundedGzip(level=codec.level) if isinstance(codec, GzipCodec) else codec)
    return tuple(limited)


def _check(packing: str, packed: bytes, most: int) -> None:
    """Raise if bytes unpack to more than so many.

    Raises
    ------
    InputError
        If they do.
    """
    if _exceeds(_STREAMS[packing], packed, most):
        raise InputError(
            "One of its chunks unpacks to more than a chunk of it holds: it is damaged, or made to fill the memory. "
            "Make it anew."
        )


def _exceeds(open_stream: Callable[[], Any], packed: bytes, most: int) -> bool:
    """Whether bytes unpack to more than so many; what is damaged, the packing itself will say."""
    left = most
    try:
        while packed:  # several streams may stand one after the other
            stream = open_stream()
            left -= len(stream.decompress(packed, left + 1))
            if left < 0:
                return True
            packed = stream.unused_data
    except (zlib.error, OSError, EOFError, lzma.LZMAError):
        pass
    return False

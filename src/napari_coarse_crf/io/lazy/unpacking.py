"""What a chunk of zarr 2 may unpack to: what a chunk holds. A few bytes of zlib may unpack to more than any memory."""

from __future__ import annotations

import bz2
import lzma
import math
import zlib
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import zarr
from numcodecs.abc import Codec

from napari_coarse_crf.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

_STREAMS: dict[str, Callable[[], Any]] = {
    "zlib": zlib.decompressobj,
    "gzip": partial(zlib.decompressobj, 16 + zlib.MAX_WBITS),
    "bz2": bz2.BZ2Decompressor,
    "lzma": lzma.LZMADecompressor,
}
"""What unpacks so much and no more, by the names of numcodecs; other packings say first how much it will be."""
_WIDEST, _CHECKSUM = 16, 64  # bytes: a filter may have made each number as wide, and have added to them


def bounded(array: zarr.Array[Any]) -> zarr.Array[Any]:
    """Return an array that is read as this one, but for chunks that unpack to more than a chunk holds: an error."""
    metadata: Any = array.metadata
    if metadata.zarr_format != 2 or metadata.compressor is None or metadata.compressor.codec_id not in _STREAMS:
        return array
    width = metadata.dtype.to_native_dtype().itemsize
    most = math.prod(metadata.chunks) * (_WIDEST if metadata.filters else width) + _CHECKSUM
    limited = replace(metadata, compressor=_Bounded(metadata.compressor, most))
    return zarr.Array(zarr.AsyncArray(limited, array.store_path))


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
        if _exceeds(_STREAMS[self._packing.codec_id], bytes(buf), self._most):
            raise InputError(
                "One of its chunks unpacks to more than a chunk of it holds: it is damaged, or made to fill the "
                "memory. Make it anew."
            )
        return self._packing.decode(buf, out)


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

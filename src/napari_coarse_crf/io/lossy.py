"""Whether what a TIFF file holds was blurred by its compression: then numbers at edges are no ids that anybody gave.

Some compressions always blur, some do if they are told to, and say so in their own header.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import imagecodecs
from tifffile import COMPRESSION

if TYPE_CHECKING:
    from collections.abc import Callable

_ALWAYS = dict.fromkeys(
    (*(COMPRESSION.OJPEG, COMPRESSION.JPEG, COMPRESSION.JPEG_99, COMPRESSION.ALT_JPEG, COMPRESSION.JPEG_LOSSY),),
    "JPEG",
)
_UNSAID = {  # whether they blurred stands deep in their content
    **dict.fromkeys((COMPRESSION.JPEGXL, COMPRESSION.JPEGXL_DNG), "JPEG XL"),
    **dict.fromkeys((COMPRESSION.JPEGXR, COMPRESSION.JPEGXR_NDPI), "JPEG XR"),
}
_JPEG2000 = (
    *(COMPRESSION.JPEG2000, COMPRESSION.JPEG_2000_LOSSY),
    *(COMPRESSION.APERIO_JP2000_RGB, COMPRESSION.APERIO_JP2000_YCBC),
)
_LERC_PARAMETERS = 50674  # a tag: version, and how the content is packed once more
_UNPACK_LERC: dict[int, Callable[[bytes], bytes]] = {
    0: bytes,
    1: lambda content: bytes(imagecodecs.zlib_decode(content)),
    2: lambda content: bytes(imagecodecs.zstd_decode(content)),
}
_EXACT_IN_WHOLE_NUMBERS = 0.5  # an error of as much is rounded away


def blurred_by(page: Any) -> str:
    """Return the name of the compression that keeps the numbers of a page only roughly; "" where they are exact."""
    if page.compression in _ALWAYS:
        return _ALWAYS[page.compression]
    if page.compression in _UNSAID:
        return _UNSAID[page.compression]
    for compressions, name, is_blurred in (
        (_JPEG2000, "JPEG 2000", _jpeg2000_blurs),
        ((COMPRESSION.LERC,), "LERC", _lerc_blurs),
        ((COMPRESSION.WEBP, COMPRESSION.WEBP_DEPRECATED), "WebP", _webp_blurs),
    ):
        if page.compression in compressions:
            return name if any(is_blurred(content, page) for content in _segments(page)) else ""
    return ""


def _segments(page: Any) -> list[bytes]:
    """Return the packed content of the first strip or tile that there is."""
    for offset, size in zip(page.dataoffsets, page.databytecounts, strict=True):
        if size:
            page.parent.filehandle.seek(offset)
            return [page.parent.filehandle.read(size)]
    return []


def _jpeg2000_blurs(content: bytes, _: Any) -> bool:
    """Whether the wavelets are those that cannot be undone."""
    marker = content.find(b"\xff\x52")  # how it is coded; the last byte of the part that all files have: the wavelet
    return marker < 0 or content[marker + 13 : marker + 14] != b"\x01"


def _lerc_blurs(content: bytes, page: Any) -> bool:
    """Whether numbers may be off by more than rounding undoes."""
    packed = page.tags[_LERC_PARAMETERS].value[1] if _LERC_PARAMETERS in page.tags else 0
    plain = _UNPACK_LERC[packed](content) if packed in _UNPACK_LERC else b""
    if plain[:6] != b"Lerc2 ":
        return True
    version = struct.unpack_from("<i", plain, 6)[0]
    # After the version: a checksum, rows, columns, depth, valid pixels, size of blocks, size, type; then the error.
    integers = 6 + (version >= 3) + (version >= 4) + (version >= 6)
    error: float = struct.unpack_from("<d", plain, 10 + 4 * integers + 4 * (version >= 6))[0]
    return error > (0 if page.dtype.kind == "f" else _EXACT_IN_WHOLE_NUMBERS)


def _webp_blurs(content: bytes, _: Any) -> bool:
    """Whether the picture is in the part that blurs."""
    return b"VP8L" not in content[:64]

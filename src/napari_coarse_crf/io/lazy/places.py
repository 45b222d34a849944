"""Where large images lie: in folders that are zarr stores, in large TIFF files, and behind URLs.

What is asked here needs no library for any of them, so everybody may ask.
"""

from __future__ import annotations

from pathlib import Path

import tifffile

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.io.places import is_file, is_folder
from napari_coarse_crf.io.reading import read_bytes
from napari_coarse_crf.io.tiff import SIGNATURES, all_series, complaints_of_tifffile

Place = str | Path
"""A path, or a URL as text: `Path` would drop one of its slashes."""

_METADATA = ("zarr.json", ".zgroup", ".zarray", ".zattrs")
_ENDINGS = (".zarr", ".ozx")
_LARGE = 2**28  # bytes of a picture, unpacked: what is smaller is read at once


def is_url(place: Place) -> bool:
    """Whether a place is a URL.

    Examples
    --------
    >>> is_url("s3://bucket/image.zarr"), is_url("folder/image.zarr")
    (True, False)
    """
    return "://" in str(place)


def is_lazy(place: Place) -> bool:
    """Whether a place is one to be read part by part: a URL, a zarr store, or a TIFF file with a large picture.

    Small TIFF files are read at once, by `read_pair`; `open_pair` reads them too.
    """
    return is_url(place) or is_zarr(place) or _is_large_tiff(Path(place))


def is_zarr(place: Place) -> bool:
    """Whether there is a zarr store, or the name says that there is to be one; a URL that is no TIFF file is one."""
    if is_url(place):
        return not is_tiff(place)
    path = Path(place)
    if is_folder(path):
        return path.suffix.lower() in _ENDINGS or any(is_file(path / name) for name in _METADATA)
    return path.suffix.lower() in _ENDINGS or any(one.suffix.lower() in _ENDINGS for one in path.parents)


def is_tiff(place: Place) -> bool:
    """Whether a URL ends as TIFF files do, or a file begins so."""
    if is_url(place):
        return str(place).partition("?")[0].lower().endswith((".tif", ".tiff", ".svs", ".ndpi", ".scn", ".bif"))
    try:
        return read_bytes(Path(place), len(SIGNATURES[0])) in SIGNATURES
    except InputError:
        return False


def below(place: Place, *names: str) -> str:
    """Return a place within another.

    Examples
    --------
    >>> below("memory://image.zarr/", "labels", "coarse")
    'memory://image.zarr/labels/coarse'
    """
    return "/".join([str(place).rstrip("/"), *names])


def above(place: Place) -> tuple[str, str]:
    """Return in what a place lies, and its name there.

    Examples
    --------
    >>> above("memory://image.zarr/labels/coarse/")
    ('memory://image.zarr/labels', 'coarse')
    """
    folder, _, name = str(place).replace("\\", "/").rstrip("/").rpartition("/")
    return folder, name


def check_is_there(place: Place) -> None:
    """Raise if a path, which is no URL, leads nowhere.

    Raises
    ------
    InputError
        If there is neither a file nor a folder.
    """
    if not is_url(place) and not is_file(Path(place)) and not is_folder(Path(place)):
        raise InputError(f"There is no file or folder {place}. Check its name and where it lies.")


def _is_large_tiff(path: Path) -> bool:
    if not is_tiff(path):
        return False
    try:
        with complaints_of_tifffile(), tifffile.TiffFile(path) as file:
            return any(one.nbytes > _LARGE for one in all_series(file)[:1])
    except Exception:  # noqa: BLE001  # readers raise whatever a damaged file leads them to; reading it says so
        return False

"""Compile kernels, and keep what was compiled on disk where that can be.

numba keeps it beside the source or in the person's cache folder, and refuses to import a module whose kernels it can
keep nowhere: in a container without a writable home, say. Here keeping is a help, never a condition. Where numba finds
no place, a folder of the person's own among the temporary files serves; a full disk or a damaged file costs the time to
compile, and nothing else.

Machine code that is not what its caller takes it for ends the process, so two more things are made sure of. Workers
that start at once on a new machine compile side by side: numba numbers its files, and two of them may give one number
to kernels for different arguments (strips of another length, say); here a file is called after what it holds. And
numba sees that a kernel's own file has changed, but not the file of a kernel or a constant that was compiled into it;
here that is a part of what it is kept under.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
import warnings
from contextlib import suppress
from hashlib import sha256
from numbers import Number
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import config, njit
from numba.core.caching import FunctionCache, IndexDataCacheFile

from napari_coarse_crf.errors import CoarseCRFWarning

if TYPE_CHECKING:
    from collections.abc import Callable


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a kernel that releases the GIL, and keep it on disk if there is a place.

    With `NUMBA_DISABLE_JIT=1` it stays what it is in Python, where a debugger and coverage see it.
    """
    settings: Any = config
    if settings.DISABLE_JIT:
        return np.errstate(all="ignore")(function)  # compiled code says nothing of an overflow, and hashing lives on it
    kernel: Any = njit(nogil=True)(function)
    for find_place in (_Cache, _in_temporary_folder):
        try:
            kernel._cache = find_place(function)
            break
        except (RuntimeError, OSError):  # numba finds no folder that it may write to
            continue
    return kernel


class _Cache(FunctionCache):
    """Keeps what was compiled where it can; what cannot be read is compiled, what cannot be written is not kept."""

    _has_warned = False

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        numbas_own: Any = self._cache_file
        self.stamp = _digest(numbas_own._source_stamp, *_stamps_of_what_it_uses(function))
        self._cache_file = _Files(self._cache_path, self._impl.filename_base, self.stamp)

    def load_overload(self, *arguments: Any) -> Any:
        """Return what is kept, or None."""
        try:
            return super().load_overload(*arguments)
        except Exception:  # noqa: BLE001  # unpickling a damaged file raises anything
            self._forget()
            return None

    def save_overload(self, *arguments: Any) -> None:
        """Keep what was compiled."""
        try:
            super().save_overload(*arguments)
        except OSError as error:
            self.disable()
            if not _Cache._has_warned:
                _Cache._has_warned = True
                warnings.warn(
                    f"What was compiled cannot be kept in {self.cache_path} ({error.strerror}): every start will take "
                    "some seconds for it. Make room there, or set NUMBA_CACHE_DIR to another folder.",
                    CoarseCRFWarning,
                    stacklevel=2,
                )

    def _forget(self) -> None:
        """Begin with an empty file, so that the next start finds what is compiled now."""
        try:
            self.flush()
        except OSError:
            self.disable()


class _Files(IndexDataCacheFile):
    """An index and the files it names; whoever writes at the same time, a name stands for one content."""

    def save(self, key: Any, data: Any) -> None:
        """Keep what was compiled. An entry of the index that another process overwrites is compiled again one day."""
        base = self._index_name.removesuffix(".nbi")
        current = f"{base}.{_digest(self._source_stamp, self._version)}"
        name = f"{current}-{_digest(key)}.nbc"
        self._save_data(name, data)
        overloads = self._load_index()
        if not overloads:
            self._remove_older(base, current)
        overloads[key] = name
        self._save_index(overloads)

    def _remove_older(self, base: str, current: str) -> None:
        """Remove what another source or version left."""
        for path in Path(self._cache_path).glob(f"{base}.*.nbc"):
            if not path.name.startswith(current):
                with suppress(OSError):  # on Windows, another process may just be reading it
                    path.unlink()


def _digest(*parts: Any) -> str:
    return sha256(repr(parts).encode()).hexdigest()[:16]


def _stamps_of_what_it_uses(function: Callable[..., Any]) -> list[Any]:
    """Return what changes when the kernels, intrinsics or numbers change that a kernel takes from its module."""
    stamps: list[Any] = []
    names, globals_ = function.__code__.co_names, function.__globals__
    for value in (globals_[name] for name in names if name in globals_):
        if isinstance(value, Number | np.generic):
            stamps.append(repr(value))
        elif isinstance(cache := getattr(value, "_cache", None), _Cache):
            stamps.append(cache.stamp)
        elif (source := getattr(sys.modules.get(getattr(value, "__module__", "")), "__file__", None)) is not None:
            status = Path(source).stat()
            stamps.append((status.st_mtime, status.st_size))
    return stamps


def _in_temporary_folder(function: Callable[..., Any]) -> _Cache:
    settings: Any = config
    before = settings.CACHE_DIR
    settings.CACHE_DIR = str(_own_temporary_folder())
    try:
        return _Cache(function)
    finally:
        settings.CACHE_DIR = before


def _own_temporary_folder() -> Path:
    """Return a folder among the temporary files that nobody else may write to: what lies in it is run.

    Raises
    ------
    OSError
        If there is none.
    """
    if not hasattr(os, "getuid"):  # on Windows, everybody has temporary files of their own
        folder = Path(tempfile.gettempdir()) / "napari-coarse-crf"
        folder.mkdir(exist_ok=True)
        return folder
    folder = Path(tempfile.gettempdir()) / f"napari-coarse-crf-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_mode & 0o022 or status.st_uid != os.getuid():
        raise PermissionError(f"{folder} may be written to by others")
    return folder

"""Compile kernels, and keep what was compiled on disk where that can be.

numba keeps it beside the source or in the person's cache folder, and refuses to import a module whose kernels it can
keep nowhere: in a container without a writable home, say. Here keeping is a help, never a condition. Where numba finds
no place, a folder of the person's own among the temporary files serves; a full disk or a damaged file costs the time to
compile, and nothing else.
"""

from __future__ import annotations

import os
import stat
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import config, njit
from numba.core.caching import FunctionCache

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

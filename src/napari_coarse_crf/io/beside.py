"""Where a file is written before it is moved to its place, and what a killed process leaves there.

    .o.png.1f03ab-4711-9c0d2e51.part    what was to become o.png
    .o.png.1f03ab-4711-9c0d2e51.old     what was o.png, until all files that belong together are in their places

Each name says which process of which computer wrote it, so whoever comes next knows what nobody writes any more.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
import time
from hashlib import sha256
from typing import TYPE_CHECKING

import psutil

from napari_coarse_crf.io.places import exists

if TYPE_CHECKING:
    from pathlib import Path

PART, OLD = ".part", ".old"

_KEPT_OF_NAME = 40  # letters, of at most four bytes each
_LONGEST = 200  # bytes of a name, of which most systems allow 255
_NAMED = re.compile(r"\.(?P<of>.+)\.((?P<host>[0-9a-f]{6})-(?P<process>\d{1,10})-)?[0-9a-f]{8}(?P<kind>\.part|\.old)")
_DAY = 24 * 3600.0  # seconds, after which nobody writes any more, on whichever computer


def name_beside(target: Path) -> Path:
    """Return where a file is written before it is moved to its place: a name that is no longer than any may be."""
    token = f"{_this_host()}-{os.getpid()}-{secrets.token_hex(4)}"
    return target.with_name(f".{target.name[:_KEPT_OF_NAME]}.{token}{PART}")


def hidden_name(name: str, ending: str) -> str:
    """Return what something is called that is kept beside a file until that is finished, cut where it is too long.

    Examples
    --------
    >>> hidden_name("o.tif", ".unfinished")
    '.o.tif.unfinished'
    """
    if len(os.fsencode(name)) > _LONGEST:
        name = f"{name[:_KEPT_OF_NAME]}.{sha256(os.fsencode(name)).hexdigest()[:8]}"
    return f".{name}{ending}"


def clear_left(folder: Path) -> None:
    """Remove from a folder what killed processes were writing, and put back what they were about to replace."""
    try:
        names = [name for name in os.listdir(folder) if name[0] == "." and name.endswith((PART, OLD))]
        for name in names:
            if (found := _NAMED.fullmatch(name)) and _is_given_up(folder / name, found):
                target = folder / found["of"]
                if found["kind"] == PART or exists(target):
                    (folder / name).unlink(missing_ok=True)
                elif len(found["of"]) < _KEPT_OF_NAME:  # a file system without hard links, between two moves
                    (folder / name).rename(target)
    except OSError:
        return  # another has cleared it, or what hinders says so where it matters


def _is_given_up(path: Path, found: re.Match[str]) -> bool:
    """Whether no process writes a file any more."""
    if found["host"] == _this_host():
        return not psutil.pid_exists(int(found["process"]))
    return found["kind"] == PART and time.time() - path.lstat().st_mtime > _DAY


def _this_host() -> str:
    return sha256(socket.gethostname().encode()).hexdigest()[:6]

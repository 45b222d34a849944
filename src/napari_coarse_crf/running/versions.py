"""Which code made a result: between releases, the version of the package tells too little."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

import napari_coarse_crf


def code_without(left_out: frozenset[str]) -> dict[str, Path]:
    """Return the files of this package by their names below it, sorted, but for some rooms and modules.

    Parameters
    ----------
    left_out : frozenset of str
        Names of folders and files.
    """
    package = Path(napari_coarse_crf.__file__).parent
    names = {path.relative_to(package): path for path in package.rglob("*.py")}
    return {name.as_posix(): names[name] for name in sorted(names) if not left_out & set(name.parts)}


@cache
def digest_code(left_out: frozenset[str]) -> str:
    """Return a hash of those files."""
    digest = hashlib.sha256()
    for name, path in code_without(left_out).items():
        digest.update(name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def versions_of(*packages: str) -> dict[str, str]:
    """Return the versions of installed packages, ours first.

    Examples
    --------
    >>> list(versions_of("numpy"))
    ['napari-coarse-crf', 'numpy']
    """
    return {name: version(name) for name in ("napari-coarse-crf", *packages)}

"""Where a path leads, whatever it is: too long, a link to itself, or from a folder that is gone.

Those of pathlib raise what nobody expects of a question. Here such a path leads nowhere, and reading or writing it says
why.
"""

from __future__ import annotations

import os
from pathlib import Path

from napari_coarse_crf.errors import InputError


def is_folder(path: Path) -> bool:
    """Whether there is a folder."""
    return os.path.isdir(path)


def is_file(path: Path) -> bool:
    """Whether there is a file with content of its own."""
    return os.path.isfile(path)


def exists(path: Path) -> bool:
    """Whether there is anything."""
    return os.path.exists(path)


def real_path(path: Path) -> Path:
    """Return where a path leads through all links.

    Raises
    ------
    InputError
        If it begins in the working folder, and that is gone.
    """
    try:
        return Path(os.path.realpath(path))
    except FileNotFoundError as error:
        raise InputError(f"{path} is nowhere: the folder that you are in is gone. Change to another one.") from error


def in_words(error: OSError) -> str:
    """Return why the system refuses."""
    return error.strerror or str(error) or type(error).__name__

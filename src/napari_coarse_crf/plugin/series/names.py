"""What the files beside images are called."""

from __future__ import annotations

import os
from collections import Counter
from hashlib import blake2b
from typing import TYPE_CHECKING, Final
from unicodedata import normalize

from napari_coarse_crf.io.matching import shared_name

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

_MOST_BYTES: Final = 220
"""Of a name, of 255 that a file system has: the rest is for endings."""


def names_beside(images: Sequence[Path], written: Mapping[str, Collection[str]]) -> list[str]:
    """Return what the files beside each image are called: as the image without its type, where no other image is.

    No two are alike, also where letters count as the same in both cases, as some file systems have it. Images keep the
    names of files that were written, also if another image comes that would be called so.

    Parameters
    ----------
    images : sequence of Path
        All images of a folder.
    written : mapping of str to collection of str
        By the name of an image: the names of files that were written for it.
    """
    options = [_options(image) for image in images]
    chosen: list[int] = []
    kept: dict[str, int] = {}
    for row, image in enumerate(images):
        before = written.get(image.name, ())
        known = next((number for number, name in enumerate(options[row]) if name in before), None)
        chosen.append(known or 0)
        if known is not None:
            kept.setdefault(_key(options[row][known]), row)
    while True:
        names = [each[number] for each, number in zip(options, chosen, strict=True)]
        keys = [_key(name) for name in names]
        shared = Counter(keys)
        last = len(options[0]) - 1 if options else 0
        clashing = [
            row for row, key in enumerate(keys) if shared[key] > 1 and kept.get(key) != row and chosen[row] < last
        ]
        if not clashing:
            return names
        for row in clashing:
            chosen[row] += 1


def _options(image: Path) -> tuple[str, str, str]:
    """Return what the files of an image may be called, the last as no other's."""
    return _short(shared_name(image)), _short(image.name), _with_digest(image.name)


def _key(name: str) -> str:
    """Return what two names have in common that some file system takes for one."""
    return normalize("NFC", name.casefold())


def _short(name: str) -> str:
    """Return a name with room for what is added to it."""
    return name if len(os.fsencode(name)) <= _MOST_BYTES else _with_digest(name)


def _with_digest(name: str) -> str:
    """Return a name with a digest of all of it, in place of what is cut off where it is long."""
    digest = blake2b(os.fsencode(name), digest_size=4).hexdigest()
    kept = name
    while len(os.fsencode(kept)) > _MOST_BYTES - len(digest) - 1:
        kept = kept[:-1]
    return f"{kept}-{digest}"

"""How much memory there is, and a size of it in words."""

from __future__ import annotations

import psutil

_GIGABYTE = 1e9


def free_memory() -> int:
    """Return the bytes that the system can give without swapping.

    Examples
    --------
    >>> free_memory() > 10**6
    True
    """
    return int(psutil.virtual_memory().available)


def in_words(size: int) -> str:
    """Return a number of bytes as a person reads it.

    Examples
    --------
    >>> in_words(20_400_000_000), in_words(61_000_000)
    ('20.4 GB', '61 MB')
    """
    return f"{size / 1e9:.1f} GB" if size >= _GIGABYTE else f"{size / 1e6:.0f} MB"

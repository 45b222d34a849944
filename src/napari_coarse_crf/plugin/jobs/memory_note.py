"""Whether a run may need more memory than there is: a sentence, never a refusal."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_MEMINFO: Final = Path("/proc/meminfo")
_SHARE: Final = 0.9
"""Of what is available: the rest is for napari to draw the result."""


def available_bytes() -> int | None:
    """Return the memory that the system can give without swapping, or None where it does not say.

    Linux tells what is available; other systems with `sysconf` how much there is in all.
    """
    if _MEMINFO.exists():
        for line in _MEMINFO.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf, others not these names
        return None


def memory_warning(needed: int, available: int | None) -> str:
    """Return one sentence if `needed` bytes are more than is safe, else "".

    Examples
    --------
    >>> memory_warning(3_000_000_000, 2_000_000_000)[:56]
    'This run needs about 3.0 GB of memory and 2.0 GB are fre'
    >>> memory_warning(1_000_000_000, 2_000_000_000)
    ''
    """
    if available is None or needed <= _SHARE * available:
        return ""
    return (
        f"This run needs about {needed / 1e9:.1f} GB of memory and {available / 1e9:.1f} GB are free: it may become "
        "very slow. Cancel and choose a smaller scope, or close other programs."
    )

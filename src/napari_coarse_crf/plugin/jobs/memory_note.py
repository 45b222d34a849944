"""Whether a run may need more memory than there is: a sentence, never a refusal."""

from __future__ import annotations

from typing import Final

_SHARE: Final = 0.9
"""Of what is free: the rest is for napari to draw the result."""


def memory_warning(needed: int, free: int) -> str:
    """Return one sentence if a run that needs so many bytes may not find them among the free ones, else "".

    Examples
    --------
    >>> memory_warning(3_000_000_000, 2_000_000_000)[:56]
    'This run needs about 3.0 GB of memory and 2.0 GB are fre'
    >>> memory_warning(1_000_000_000, 2_000_000_000)
    ''
    """
    if needed <= _SHARE * free:
        return ""
    return (
        f"This run needs about {needed / 1e9:.1f} GB of memory and {free / 1e9:.1f} GB are free: it may become "
        "very slow. Cancel and choose a smaller scope, or close other programs."
    )

"""Which ids a label map holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BLOCK_PIXELS: Final = 2**22


def find_ids(labels: Any) -> NDArray[Any]:
    """Return the ids that occur but 0, in order. Takes a second for a large stack: call it off the main thread."""
    rows = max(1, _BLOCK_PIXELS * len(labels) // max(1, labels.size))
    found = [_ids_of(np.asarray(labels[start : start + rows])) for start in range(0, max(1, len(labels)), rows)]
    ids: NDArray[Any] = np.unique(np.concatenate(found))
    return ids


def range_of(labels: Any) -> tuple[int, int]:
    """Return the lowest and the highest id that a label map can hold."""
    info = np.iinfo(getattr(labels.dtype, "numpy_dtype", labels.dtype))  # tensorstore has types of its own
    return int(info.min), int(info.max)


def _ids_of(block: NDArray[Any]) -> NDArray[Any]:
    """Return the ids of a block, which hold for many pixels on end: only where they begin is sorted."""
    flat = block.ravel()
    begins = np.ones(flat.size, bool)
    np.not_equal(flat[1:], flat[:-1], out=begins[1:])
    ids: NDArray[Any] = np.unique(flat[begins])
    labelled: NDArray[Any] = ids[ids != 0]
    return labelled

"""The Morton curve: one number for several coordinates, so that near numbers are mostly near places."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_BITS = 62
"""Of all coordinates together."""


def morton_codes(coordinates: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return numbers whose bits are those of the (N, D) coordinates in turn, the highest first.

    The coordinates are at least 0 and have `MOST_BITS` // D bits at most.

    Examples
    --------
    >>> morton_codes(np.array([[0, 0], [0, 1], [1, 0], [1, 1], [0, 2]]))
    array([0, 1, 2, 3, 4])
    """
    d = coordinates.shape[1]
    codes = np.zeros(len(coordinates), np.int64)
    for bit in range(int(coordinates.max(initial=0)).bit_length()):
        for axis in range(d):
            codes |= ((coordinates[:, axis].astype(np.int64) >> bit) & 1) << (d * bit + d - 1 - axis)
    return codes

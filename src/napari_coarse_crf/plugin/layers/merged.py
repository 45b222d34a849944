"""Two label maps of the same pixels, read as one; nothing is computed before a part is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.compute.by_parts import ByParts

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Merged(ByParts):
    """What one label map holds, and where it holds nothing, another.

    Attributes
    ----------
    upper : array
        May be lazy. Its type of numbers counts.
    lower : ndarray
        Of the same shape.
    """

    upper: Any
    lower: NDArray[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of both."""
        return self.lower.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """As numpy reads it."""
        return self[(slice(0, 1),) * self.ndim].dtype

    def __getitem__(self, part: Any) -> NDArray[Any]:
        """Return a part in memory."""
        upper, lower = np.asarray(self.upper[part]), self.lower[part]
        return np.where(upper != 0, upper, lower.astype(upper.dtype, copy=False))

"""Two label maps of the same pixels, read as one; nothing is computed before a part is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Merged:
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
    def ndim(self) -> int:
        """Number of axes."""
        return self.lower.ndim

    @property
    def size(self) -> int:
        """Number of pixels."""
        return self.lower.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """As numpy reads it."""
        return self[(slice(0, 1),) * self.ndim].dtype

    def __len__(self) -> int:
        """Return the length of the first axis."""
        return len(self.lower)

    def __getitem__(self, part: Any) -> NDArray[Any]:
        """Return a part in memory."""
        upper, lower = np.asarray(self.upper[part]), self.lower[part]
        return np.where(upper != 0, upper, lower.astype(upper.dtype, copy=False))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return all of it in memory."""
        return np.asarray(self[(slice(None),) * self.ndim], dtype)

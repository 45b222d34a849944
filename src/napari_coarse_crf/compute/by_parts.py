"""What every array has that is read by slices when these are asked for, whatever it reads from."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class _Sliced(Protocol):
    """What it takes."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    def __getitem__(self, key: Any) -> NDArray[Any]: ...


class ByParts:
    """Gives what has a shape and takes slices the rest of what numpy and napari ask of an array."""

    __slots__ = ()

    @property
    def ndim(self: _Sliced) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self: _Sliced) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    def __len__(self: _Sliced) -> int:
        """Return the length of the first axis."""
        return self.shape[0]

    def __array__(self: _Sliced, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Read all of it."""
        return np.asarray(self[(slice(None),) * len(self.shape)], dtype)

"""A label map that keeps what is no label of the one it is made from: what stands for no data, and ignored ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_coarse_crf.io.lazy.left_out import Void
    from napari_coarse_crf.io.lazy.writing import Written


@dataclass(frozen=True, slots=True, eq=False)
class Restored:
    """An array that is written with what is void as it was stored.

    Attributes
    ----------
    data : Written
        Where it goes.
    void : Void
        What is no label.
    """

    data: Written
    void: Void

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the labels."""
        return self.data.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the ids."""
        return self.data.dtype

    @property
    def chunks(self) -> tuple[int, ...]:
        """The sides of its chunks."""
        return self.data.chunks

    def __getitem__(self, key: tuple[slice, ...]) -> NDArray[Any]:
        """Read a part."""
        return self.data[key]

    def __setitem__(self, key: tuple[slice, ...], values: Any) -> None:
        """Write a part."""
        self.data[key] = self.void.restored(key, np.asarray(values))

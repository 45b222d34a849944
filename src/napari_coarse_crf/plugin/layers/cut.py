"""A window of an array, of which nothing is read before a part of it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np

from napari_coarse_crf.compute.by_parts import ByParts
from napari_coarse_crf.compute.laid import Laid
from napari_coarse_crf.plugin.layers.merged import Merged
from napari_coarse_crf.tiles.parts import part_shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_coarse_crf.tiles.parts import Part


@dataclass(frozen=True, slots=True, eq=False)
class Cut(ByParts):
    """A window of an array that reads when it is sliced, as those of zarr. Read by slices and numbers.

    Attributes
    ----------
    data : array
        All of it.
    window : tuple of slice
        Where.
    """

    data: Any
    window: tuple[slice, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the window."""
        return part_shape(self.window)

    @property
    def dtype(self) -> Any:
        """As the array itself has it."""
        return self.data.dtype

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read a part."""
        given = key if isinstance(key, tuple) else (key,)
        return np.asarray(self.data[inside(self.window, given)])


def cut(data: Any, window: tuple[slice, ...]) -> Any:
    """Return a window of an array: a view where that is one, else what reads it later."""
    if isinstance(data, Laid):
        return data.cut(window)
    if isinstance(data, Merged):
        return Merged(cut(data.upper, window), data.lower[window])
    return data[window] if isinstance(data, np.ndarray | da.Array) else Cut(data, window)


def inside(part: Part, within: Sequence[int | slice]) -> Part:
    """Return where what lies within a part lies in the whole; what is not said is all of an axis.

    Examples
    --------
    >>> inside((7, slice(10, 90)), (slice(5, 20),)), inside((slice(10, 90), slice(3, 9)), (2,))
    ((7, slice(15, 30, None)), (12, slice(3, 9, None)))
    """
    given = iter(within)
    return tuple(_one_inside(one, next(given, slice(None))) if isinstance(one, slice) else one for one in part)


def _one_inside(outer: slice, one: int | slice) -> int | slice:
    if not isinstance(one, slice):
        return int(outer.start + one)
    start, stop, step = one.indices(outer.stop - outer.start)
    return slice(outer.start + start, outer.start + stop, None if step == 1 else step)

"""Labels in a zarr store, at several sizes as napari draws large layers: what a run writes tile by tile.

napari reads all of a plane that has one size, whatever is in view, and 12 000 x 12 000 labels hold the window for a
second whenever a tile is added; of several sizes it reads what is seen, in 40 ms.
"""

from __future__ import annotations

import math
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary, finalize

import numpy as np

from napari_coarse_crf.tiles.cutting import cut_boxes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from napari.layers import Labels

    from napari_coarse_crf.compute.arrays import LabelArray
    from napari_coarse_crf.tiles.parts import Part
    from napari_coarse_crf.tiles.source import Box

_LEAST_PIXELS: Final = 2**22
"""Pixels of a plane up to which there is no smaller size of it."""
_CHUNK: Final = 512
_CHUNK_PIXELS: Final = 2**20
_CHUNKS_AT_ONCE: Final = 4
_REDUCED: Final = 2
"""How many of the last axes are reduced: the plane that napari draws."""
_NAME: Final = "labels.zarr"


class LabelStore:
    """Labels on disk, in a temporary folder that goes when nobody refers to the store any more, or Python ends.

    Parameters
    ----------
    shape : sequence of int
        Of the labels.
    dtype : dtype
        Theirs.
    drawn : bool, optional
        Whether napari is to draw it: else one size is enough.

    Attributes
    ----------
    levels : list of zarr array
        The labels, and every second, fourth, eighth pixel of each plane, as far as planes are large.
    """

    def __init__(self, shape: Sequence[int], dtype: Any, *, drawn: bool = True) -> None:
        import zarr  # takes a third of a second, which the dock need not wait for

        folder = Path(tempfile.mkdtemp(prefix="napari-coarse-crf-"))
        finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self.path = folder / _NAME
        group = zarr.create_group(store=str(self.path))
        plain = np.dtype(dtype).newbyteorder("=")
        self.levels: list[Any] = []
        for one in _shapes(shape)[: None if drawn else 1]:
            name = str(len(self.levels))
            self.levels.append(group.create_array(name, shape=one, chunks=_chunks(one), dtype=plain, fill_value=0))

    @property
    def data(self) -> Any:
        """What napari takes: an array, or several."""
        return self.levels[0] if len(self.levels) == 1 else self.levels

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the labels."""
        return tuple(self.levels[0].shape)

    def __getitem__(self, place: Part) -> LabelArray:
        """Read a part of the labels."""
        return np.asarray(self.levels[0][place])

    def write(self, place: Part, labels: LabelArray) -> None:
        """Put labels in their place, at every size. May be called in any thread, one at a time."""
        for number, level in enumerate(self.levels):
            step = 2**number
            steps = [step if axis >= len(place) - _REDUCED else 1 for axis in range(len(place))]
            if any(isinstance(one, int) and one % by for one, by in zip(place, steps, strict=True)):
                continue  # a plane that this size has not
            within = [(one, by) for one, by in zip(place, steps, strict=True) if isinstance(one, slice)]
            cut = labels[tuple(slice(-one.start % by, None, by) for one, by in within)]
            if cut.size:
                level[tuple(_reduced(one, by) for one, by in zip(place, steps, strict=True))] = cut

    def take(self, labels: Any) -> Iterator[tuple[int, int]]:
        """Copy labels of the same shape, which may be lazy, a few chunks at a time; yields how many and of how many."""
        boxes = boxes_of(self.shape)
        for number, box in enumerate(boxes):
            yield number, len(boxes)
            block = np.asarray(labels[box])
            if block.any():
                self.write(box, block)

    def copy_to(self, path: Path, described: Mapping[str, Any]) -> None:
        """Copy the store to a folder that is not there yet, with attributes that describe it."""
        import zarr

        shutil.copytree(self.path, path)
        zarr.open_group(store=str(path), mode="r+").attrs.update(described)


_stores: WeakKeyDictionary[Labels, LabelStore] = WeakKeyDictionary()


def keep_store(layer: Labels, store: LabelStore) -> None:
    """Keep a store as long as the layer that shows it."""
    _stores[layer] = store


def store_of(layer: Labels | None) -> LabelStore | None:
    """Return the store that a layer shows; None if it was not made tile by tile in this session."""
    return None if layer is None else _stores.get(layer)


def boxes_of(shape: Sequence[int]) -> list[Box]:
    """Return boxes of a few chunks each that cover labels of this shape: to look at them, or write them, in turn."""
    chunks = _chunks(shape)
    return cut_boxes(shape, [*chunks[:-_REDUCED], *(_CHUNKS_AT_ONCE * side for side in chunks[-_REDUCED:])])


def _shapes(shape: Sequence[int]) -> list[tuple[int, ...]]:
    """Return the shape of each size, the largest first."""
    shapes = [tuple(shape)]
    while math.prod(shapes[-1][-_REDUCED:]) > _LEAST_PIXELS:
        step = 2 ** len(shapes)
        planes, sides = shape[:-_REDUCED], shape[-_REDUCED:]
        shapes.append((*planes, *(-(-side // step) for side in sides)))
    return shapes


def _chunks(shape: Sequence[int]) -> tuple[int, ...]:
    """Return what is stored together: a square of the planes that are drawn, and as many of these as make a chunk."""
    sides = [min(size, _CHUNK) for size in shape[-_REDUCED:]]
    deep = [1] * (len(shape) - len(sides))
    if deep:
        deep[-1] = max(1, min(shape[-_REDUCED - 1], _CHUNK_PIXELS // math.prod(sides)))
    return (*deep, *sides)


def _reduced(one: int | slice, step: int) -> int | slice:
    """Return where a place lies among every `step`-th pixel."""
    return slice(-(-one.start // step), -(-one.stop // step)) if isinstance(one, slice) else one // step

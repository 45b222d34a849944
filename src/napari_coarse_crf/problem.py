"""The problem that labels pose on an image: scaled, flat, float32 and int32.

Pixels that take part are flattened in tile order: pixels near each other in the image stay near each other in memory,
and so do the lattice vertices they touch. The tiles follow the Morton curve, so a part of the pixels is a compact area,
which shares few vertices with the other parts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.colours import scale_colours
from napari_coarse_crf.compute.morton import morton_codes
from napari_coarse_crf.compute.parallel import blocks
from napari_coarse_crf.inputs import UNLABELLED, Picture, read_spacing, say_nan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import FeatureArray, IndexArray, LabelArray, PixelArray

OPEN = -1
"""The compact label of unlabelled pixels in a `Problem`."""

_TILE_PIXELS = 4096  # 64 x 64, 16 x 16 x 16: the vertices a tile touches stay in a core's cache
_BLOCK = 2**15


@dataclass(frozen=True)  # without slots, as these have no room for what is cached
class Problem:
    """One image and its coarse labels, N pixels that take part, in tile order.

    Attributes
    ----------
    features : (D + C, N) float32 or uint16
        Position of each pixel, last axis first (x, y, z) as pydensecrf has them, in pixels of the finest axis; then
        its colour, 0..255.
    labels : (N,) int32
        Compact label 0..L-1 of each pixel, `OPEN` where it has none.
    label_ids : (L,) int
        The person's ids, sorted; dtype of the label map.
    pixels : (N,) int32 or int64
        Where each pixel stands in the flattened image.
    shape : tuple of int
        Spatial shape of the image.
    spacing : (D,) float
        Size of a pixel along each axis, 1 along the finest.
    notes : tuple of str
        What a person should know of the image, one sentence each.
    kind : int or None
        The compact label that stands for many objects, where one does: see `things`.
    """

    features: FeatureArray
    labels: IndexArray
    label_ids: LabelArray
    pixels: PixelArray
    shape: tuple[int, ...]
    spacing: tuple[float, ...]
    notes: tuple[str, ...] = ()
    kind: int | None = None

    @cached_property
    def n_open(self) -> int:
        """How many of the N pixels are unlabelled."""
        return int(np.count_nonzero(self.labels == OPEN))

    @property
    def open_pixels(self) -> PixelArray:
        """The unlabelled ones among the N pixels. Found anew each time: to keep them would take as much as `labels`."""
        return np.flatnonzero(self.labels == OPEN).astype(self.pixels.dtype)

    @property
    def positions(self) -> FeatureArray:
        """(D, N) the spatial part of the features."""
        return self.features[: len(self.shape)]

    @property
    def colours(self) -> FeatureArray:
        """(C, N) the colour part of the features."""
        return self.features[len(self.shape) :]

    def subset(self, chosen: NDArray[np.integer[Any]]) -> Problem:
        """Return the problem on some of the N pixels alone."""
        return replace(self, features=self.features[:, chosen], labels=self.labels[chosen], pixels=self.pixels[chosen])

    def with_labels(self, label_map: LabelArray, label_ids: LabelArray | None = None) -> Problem:
        """Return the same problem with another label map of the same shape; `label_ids` as in `read_problem`."""
        labels, label_ids = _compact(label_map, self.pixels, label_ids)
        return replace(self, labels=labels, label_ids=label_ids)


def read_problem(
    picture: Picture, label_map: LabelArray, origin: Sequence[int] | None = None, label_ids: LabelArray | None = None
) -> Problem:
    """Check everything and return the problem that `label_map` (from `read_labels`) poses on `picture`.

    Parameters
    ----------
    picture : Picture
        The image.
    label_map : array of int
        Its labels.
    origin : sequence of int, optional
        Where the first pixel stands in the image that this is a part of: positions are counted there.
    label_ids : array of int, optional
        The ids of the problem, sorted, those of the label map among them; by default these alone.

    Raises
    ------
    InputError
        With one sentence on what is wrong and what to do.
    """
    given, picture = picture.mask, picture.fitted(label_map.shape)
    pixels = _tile_order(label_map.shape)
    if picture.mask is not None:
        pixels = pixels[picture.mask.reshape(-1)[pixels]]
    sizes = read_spacing(picture.spacing, label_map.shape)
    ndim, channels = label_map.ndim, picture.image.shape[-1]
    # Bytes and pixel numbers need no float32: half the memory, the same values.
    first = (0,) * ndim if origin is None else tuple(origin)
    last = max(start + size for start, size in zip(first, label_map.shape, strict=True))
    whole = picture.image.dtype == np.uint8 and set(sizes) == {1.0} and last <= 2**16
    features = np.empty((ndim + channels, len(pixels)), np.uint16 if whole else np.float32)
    for start, stop in blocks(len(pixels), _BLOCK):
        axes = np.unravel_index(pixels[start:stop], label_map.shape)
        for row, axis in zip(features, reversed(range(ndim)), strict=False):
            row[start:stop] = (axes[axis] + first[axis]) * sizes[axis]
    values = gather(picture.image.reshape(-1, channels), pixels)
    said = scale_colours(values, picture.contrast_limits, picture.by_channel, features[ndim:])
    labels, label_ids = _compact(label_map, pixels, label_ids)
    without_nan = (label_map.size if given is None else int(np.count_nonzero(given))) - len(pixels)
    notes = (*say_nan(without_nan), *said)
    return Problem(features, labels, label_ids, pixels, label_map.shape, sizes, notes)


def gather(values: NDArray[Any], index: NDArray[np.signedinteger[Any]]) -> NDArray[Any]:
    """Return values[index], block by block, as numpy turns all indices into 64 bits at once."""
    gathered = np.empty((len(index), *values.shape[1:]), values.dtype)
    for start, stop in blocks(len(index), _BLOCK):
        gathered[start:stop] = values[index[start:stop]]
    return gathered


def _compact(label_map: LabelArray, pixels: PixelArray, ids: LabelArray | None = None) -> tuple[IndexArray, LabelArray]:
    """Return the pixels' labels numbered 0..L-1 (`OPEN` where unlabelled) and the sorted ids they stand for."""
    labels = gather(label_map.reshape(-1), pixels)
    if ids is None:
        ids = np.unique(labels)
        ids = ids[ids != UNLABELLED]
    compact = np.empty(len(labels), np.int32)
    for start, stop in blocks(len(labels), _BLOCK):
        part = labels[start:stop]
        compact[start:stop] = np.where(part == UNLABELLED, OPEN, np.searchsorted(ids, part))
    return compact, ids


def _tile_order(shape: tuple[int, ...]) -> PixelArray:
    """Return the flat index of every pixel, tile after tile along the Morton curve."""
    side = max(1, round(_TILE_PIXELS ** (1 / len(shape))))
    counts = [-(-size // side) for size in shape]
    where = np.stack(np.unravel_index(np.arange(math.prod(counts)), counts), axis=1)
    n_pixels = math.prod(shape)
    dtype = np.int32 if n_pixels < 2**31 else np.int64  # half the memory for all but the largest
    strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    # What each tile along an axis adds to the flat index; the last one may be smaller.
    steps = [
        [stride * np.arange(start, stop, dtype=dtype) for start, stop in blocks(size, side)]
        for size, stride in zip(shape, strides, strict=True)
    ]
    order: PixelArray = np.empty(n_pixels, dtype)
    start = 0
    for tile in where[np.argsort(morton_codes(where))]:
        pixels = reduce(np.add.outer, [along[number] for along, number in zip(steps, tile, strict=True)])
        order[start : start + pixels.size] = pixels.reshape(-1)
        start += pixels.size
    return order

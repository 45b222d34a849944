"""From a class to an id for each of its objects, and a table of them.

The pixels of a class fall into connected *parts*; pixels that touch at a corner are connected, as in `cleaning`.
Objects that touch are one part, which is narrow where they meet. So a part is split along its necks: a *middle* is a
place that lies farther from the rim than all around it, and pixels go to the middle that they lie uphill to (watershed
of the distance to the rim). Every outline is a little rough, so of two middles the lower one counts only if the way
between them comes nearer to the rim by more than `neck` (the h-maxima of the distance).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage
from skimage.measure import label
from skimage.morphology import local_maxima, reconstruction
from skimage.segmentation import watershed

from napari_coarse_crf.compute.arrays import is_whole_number, real_numbers
from napari_coarse_crf.errors import InputError, in_short
from napari_coarse_crf.inputs import read_labels, read_numbers, read_spacing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

    from napari_coarse_crf.compute.arrays import IndexArray, MaskArray

    Depths = NDArray[np.float64]
    Box = tuple[slice, ...]

NECK = 1.0
"""px; the rim of a smooth object, cut into pixels, makes middles that are less deep."""

NECK_HELP = (
    "How deep a neck must be to split, in pixels of the finest axis: its half width is smaller by more than this than "
    "that of the thinner object beside it. Larger: fewer are split."
)
SMALLEST_HELP = (
    "Pixels that an object has at least. Smaller parts are left out, and none is split off that would be smaller."
)


def split_objects(
    labels: ArrayLike,
    label_id: int,
    *,
    spacing: Sequence[float] | None = None,
    neck: float = NECK,
    smallest: int = 0,
    apart: Sequence[int] = (),
) -> IndexArray:
    """Return an id for each object of a class: its connected parts, split where they are narrow.

    Parameters
    ----------
    labels : array of int
        A label map in 2-D or 3-D, such as `refine_labels` returns it.
    label_id : int
        The class.
    spacing : sequence of float, optional
        Size of a pixel along each axis, in any unit; without, the same along all.
    neck : float, default 1.0
        How deep a neck must be to split, in pixels of the finest axis: its half width is smaller by more than this than
        that of the thinner object beside it. Larger: fewer are split; `math.inf`: none.
    smallest : int, default 0
        Pixels that an object has at least. Smaller parts are left out, and none is split off that would be smaller.
    apart : sequence of int, optional
        The axes along which each index holds objects of its own, such as time. Ids go on from one to the next.

    Returns
    -------
    ndarray of int32
        1, 2, 3... in the order in which a scan meets them; 0 elsewhere.

    Raises
    ------
    InputError
        If an argument cannot be used.

    Examples
    --------
    >>> y, x = np.indices((30, 50))
    >>> touching = np.minimum(np.hypot(y - 15, x - 15), np.hypot(y - 15, x - 34)) < 10
    >>> int(split_objects(np.where(touching, 2, 1), 2).max())
    2
    """
    label_map = read_labels(labels)
    sizes = read_spacing(spacing, label_map.shape)
    if not is_whole_number(label_id):
        raise InputError(f"label_id is {in_short(label_id)}; pass the id of a class, a whole number.")
    deep = _from_zero("neck", neck, "how deep a neck must be, 0 px or more")
    large = _from_zero("smallest", smallest, "how many pixels an object has at least, 0 or more")
    alone = _axes(apart, label_map.ndim)
    together = [size for axis, size in enumerate(sizes) if axis not in alone]
    sampling = tuple(size / min(together) for size in together)
    ids = np.zeros(label_map.shape, np.int32)
    count = 0
    for place in _places(label_map.shape, alone):
        found = _split(label_map[place] == label_id, sampling, deep, large)
        ids[place] = np.where(found, found + count, 0)
        count += int(found.max())
    return ids


def measure_objects(
    ids: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    confidence: ArrayLike | None = None,
    spacing: Sequence[float] | None = None,
) -> dict[str, NDArray[Any]]:
    """Return a table of objects: a column for each name, a row for each object.

    Parameters
    ----------
    ids : array of int
        An id for each object, from `split_objects`.
    labels : array of int, optional
        The label map they are from: gives the column `class`.
    confidence : array of float, optional
        How sure each pixel is, NaN where nobody knows: gives the column `mean_confidence`.
    spacing : sequence of float, optional
        Size of a pixel along each axis; without, 1.

    Returns
    -------
    dict of str to ndarray
        `id`; `class`; `pixels`; `size`, the area or volume in units of the spacing; `centroid-0`, `centroid-1`... and
        the box around each object, from `bbox-0`, `bbox-1`... up to and without the second half of these, in pixels
        along each axis and named as `skimage.measure.regionprops_table` does; `mean_confidence`.

    Raises
    ------
    InputError
        If arrays differ in shape, or one cannot be used.

    Examples
    --------
    >>> table = measure_objects([[1, 1, 0], [0, 0, 2]], spacing=(0.5, 2))
    >>> table["pixels"], table["size"], table["centroid-1"]
    (array([2, 1]), array([2., 1.]), array([0.5, 2. ]))
    """
    numbered = read_labels(ids)
    unit = _pixel_size(spacing, numbered.shape)
    places = np.nonzero(numbered)
    found, first, of = np.unique(numbered[places], return_index=True, return_inverse=True)
    pixels = np.bincount(of, minlength=len(found))
    table: dict[str, NDArray[Any]] = {"id": found}
    if labels is not None:
        table["class"] = _alike("labels", read_labels(labels), numbered.shape)[places][first]
    table["pixels"] = pixels
    table["size"] = pixels * unit
    for axis, place in enumerate(places):
        table[f"centroid-{axis}"] = np.bincount(of, weights=place, minlength=len(found)) / pixels
    boxes = ndimage.find_objects(_numbered(numbered.shape, places, of)) if len(found) else []
    for axis in range(numbered.ndim):
        table[f"bbox-{axis}"] = np.array([box[axis].start for box in boxes], np.int64)
    for axis in range(numbered.ndim):
        table[f"bbox-{numbered.ndim + axis}"] = np.array([box[axis].stop for box in boxes], np.int64)
    if confidence is not None:
        sure = _alike("confidence", read_numbers("confidence", confidence), numbered.shape)
        known = sure[places].astype(np.float64)
        table["mean_confidence"] = _means(known, of, len(found))
    return table


def _from_zero(name: str, value: Any, needed: str) -> float:
    """Return a number from 0 up."""
    number = real_numbers(value)
    if number.shape != () or not number >= 0:
        raise InputError(f"{name} is {in_short(value)}; pass {needed}.")
    return float(number)


def _pixel_size(spacing: Sequence[float] | None, shape: tuple[int, ...]) -> float:
    """Return the area or volume of a pixel."""
    if spacing is None:
        return 1.0
    read_spacing(spacing, shape)
    size = math.prod(map(float, real_numbers(spacing)))
    if not 0 < size * math.prod(shape) < math.inf:
        raise InputError(
            f"spacing is {in_short(spacing)}, with areas or volumes that no number holds; give it in another unit."
        )
    return size


def _axes(apart: Sequence[int], ndim: int) -> set[int]:
    """Return axes, counted from the first."""
    if not isinstance(apart, Sequence) or not all(map(is_whole_number, apart)):
        raise InputError(f"apart is {in_short(apart)}; pass a list of the axes that hold objects apart, such as [0].")
    for axis in apart:
        if not -ndim <= axis < ndim:
            raise InputError(f"The labels have {ndim} axes, and none is {axis}, which was to hold objects apart.")
    alone = {axis % ndim for axis in apart}
    if len(alone) == ndim:
        raise InputError("All axes of the labels hold objects apart, so none is left for the objects. Leave one out.")
    return alone


def _places(shape: tuple[int, ...], alone: set[int]) -> Iterator[tuple[int | slice, ...]]:
    """Yield where each image stands whose objects are its own."""
    for index in np.ndindex(*(size for axis, size in enumerate(shape) if axis in alone)):
        left = iter(index)
        yield tuple(next(left) if axis in alone else slice(None) for axis in range(len(shape)))


def _split(mask: MaskArray, sampling: tuple[float, ...], neck: float, smallest: float) -> IndexArray:
    """Return the objects of a mask, numbered in the order of a scan."""
    parts: IndexArray = label(mask, connectivity=mask.ndim).astype(np.int32)
    sizes = np.bincount(parts.ravel())
    parts[(sizes < smallest)[parts]] = 0
    boxes = ndimage.find_objects(parts)
    if mask.all() or not any(boxes):  # without a rim, or without an object
        return parts
    depths: Depths = ndimage.distance_transform_edt(mask, sampling)
    deepest = ndimage.maximum(depths, parts, np.arange(len(boxes) + 1))
    count = len(boxes)
    for part, box in enumerate(boxes, 1):
        if box is None or deepest[part] <= neck + 1:  # a neck is 1 px deep at least
            continue
        inside = parts[box] == part
        pieces = _pieces(inside, depths[box], neck, smallest)
        others = inside & (pieces > 1)
        parts[box][others] = pieces[others] + (count - 1)
        count += max(int(pieces.max()) - 1, 0)
    return _in_order(parts)


def _pieces(inside: MaskArray, depths: Depths, neck: float, smallest: float) -> IndexArray:
    """Return the pieces of a part, numbered from 1: one for each middle."""
    middles = label(_middles(inside, depths, neck), connectivity=inside.ndim)
    pieces: IndexArray = _grown(inside, depths, middles)
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    stays = sizes >= smallest
    stays[sizes.argmax()] = True
    if not stays[1:].all():
        pieces = _grown(inside, depths, np.where(stays[middles], middles, 0))
    return _in_order(pieces)


def _middles(inside: MaskArray, depths: Depths, neck: float) -> MaskArray:
    """Return the places that lie deeper than all around them by more than `neck`."""
    below = np.where(inside, depths, -np.inf)
    filled = reconstruction(below - neck, below, footprint=_around(inside.ndim))
    found: MaskArray = local_maxima(filled, connectivity=inside.ndim) & inside
    return found


def _grown(inside: MaskArray, depths: Depths, middles: IndexArray) -> IndexArray:
    grown: IndexArray = watershed(-depths, middles, mask=inside, connectivity=_around(inside.ndim))
    return grown


def _around(ndim: int) -> MaskArray:
    """Return the neighbourhood in which corners touch."""
    return np.ones((3,) * ndim, np.bool_)


def _in_order(ids: IndexArray) -> IndexArray:
    """Return ids as 1, 2, 3... in the order in which a scan meets them."""
    found, first, number = np.unique(ids, return_index=True, return_inverse=True)
    order = np.zeros(len(found), np.int32)
    objects = np.flatnonzero(found)
    order[objects[first[objects].argsort()]] = np.arange(1, len(objects) + 1)
    return order[number].reshape(ids.shape)


def _alike(name: str, array: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    if array.shape != shape:
        raise InputError(f"The {name} has shape {array.shape}, but the ids {shape}. Pass arrays of one image.")
    return array


def _numbered(shape: tuple[int, ...], places: tuple[NDArray[np.intp], ...], of: NDArray[np.intp]) -> IndexArray:
    """Return ids without gaps: what looks for boxes would make one for each number in between."""
    dense = np.zeros(shape, np.int32)
    dense[places] = of + 1
    return dense


def _means(values: NDArray[np.float64], of: NDArray[np.intp], count: int) -> NDArray[np.float64]:
    """Return the mean over the values of each object that are known, NaN where none is."""
    known = ~np.isnan(values)
    sums = np.bincount(of[known], weights=values[known], minlength=count)
    counts = np.bincount(of[known], minlength=count)
    means = np.full(count, math.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means

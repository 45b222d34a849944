"""Where a person's next stroke would help most, without any truth.

Mean field ends near 0 and 1, so its own probabilities tell little. What the heatmap says against a refined label tells
more. A pixel's *doubt* is q' / (q + q'), q the heatmap's probability of the label that the pixel got and q' that of the
best other one: a half where both are even, more where the CRF overruled the heatmap. The place is where most doubt lies
within reach of one stroke, so a large doubtful area comes before a narrow outline.

Large images are looked at in reduced size: a stroke is small beside what it decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage as ndi

from napari_coarse_crf.inputs import UNLABELLED, Picture, read_labels
from napari_coarse_crf.parameters import Parameters
from napari_coarse_crf.refiner import Refiner
from napari_coarse_crf.tiles.reduced import reduce_parameters, reduce_picture, step_within, thin_out_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import FloatArray, IndexArray, LabelArray, MaskArray

_MOST_PIXELS = 2**18  # larger images are looked at in reduced size
_REACH = 0.03  # of the image: how far around a place doubt counts, as the sigma of a Gaussian
_APART = 3.0  # times the reach: how far from the places shown before the next one lies at least
_IN_DOUBT = 0.1  # pixels of less are no part of the area, and no place to paint


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stroke would help.

    Attributes
    ----------
    position : tuple of int
        The pixel, unlabelled as yet.
    label, other : int
        What it got, and what the heatmap would rather, or nearly as well, have had there.
    doubt : float
        A half where both are even, more where the heatmap would rather have had the other.
    size : int
        Pixels of the connected area in doubt around it; about right where the image was looked at in reduced size.
    reach : float
        Px of the finest axis: how far around it doubt was counted.
    """

    position: tuple[int, ...]
    label: int
    other: int
    doubt: float
    size: int
    reach: float


def suggest_place(
    image: Any,
    labels: Any,
    parameters: Parameters | None = None,
    *,
    shown: Sequence[Sequence[int]] = (),
    mask: Any = None,
    channel_axis: int = -1,
    spacing: Sequence[float] | None = None,
    contrast_limits: Any = None,
) -> Place | None:
    """Find the place where a stroke would help most.

    Parameters
    ----------
    image, labels, parameters
        As for `refine_labels`.
    shown : sequence of positions
        Places that were shown already: the next one keeps away from them.
    mask, channel_axis, spacing, contrast_limits
        As for `refine_labels`.

    Returns
    -------
    Place or None
        None if nothing is in doubt, or only what was shown.

    Raises
    ------
    InputError
        If the image or the labels cannot be used.

    Examples
    --------
    Between two strokes on a flat image nobody knows:

    >>> labels = np.zeros((60, 90), np.uint8)
    >>> labels[:, 20], labels[:, 70] = 3, 7
    >>> place = suggest_place(np.zeros((60, 90), np.uint8), labels)
    >>> 35 < place.position[1] < 55, sorted([place.label, place.other])
    (True, [3, 7])
    """
    return find_place(Picture(image, mask, channel_axis, spacing, contrast_limits), labels, parameters, shown)


def find_place(
    picture: Picture, labels: Any, parameters: Parameters | None = None, shown: Sequence[Sequence[int]] = ()
) -> Place | None:
    """Do what `suggest_place` does for a picture."""
    label_map = read_labels(labels)
    step = step_within(label_map.shape, _MOST_PIXELS)
    small = reduce_picture(picture.fitted(label_map.shape), step, label_map.ndim)
    refiner = Refiner.of(small, thin_out_labels(label_map, step))
    reduced = reduce_parameters((parameters or Parameters()).replace(min_confidence=0.0), step, label_map.ndim)
    refined, heatmap = refiner.run(reduced).labels, refiner.heatmap(reduced)
    doubt, other = doubt_about(refined, heatmap, refiner.label_ids)
    doubt[thin_out_labels(label_map, step) != UNLABELLED] = 0.0
    sizes = _pixel_sizes(picture.spacing, doubt.ndim)
    reach = _REACH * float(np.prod(sizes * doubt.shape)) ** (1 / doubt.ndim)
    found = _most_doubtful(doubt, sizes, reach, [np.asarray(one) / step for one in shown])
    if found is None:
        return None
    area = _area_around(doubt, found)
    others, counts = np.unique(other[area & (refined == refined[found])], return_counts=True)
    return Place(
        position=tuple(one * step for one in found),
        label=int(refined[found]),
        other=int(others[counts.argmax()]),
        doubt=float(doubt[found]),
        size=int(area.sum()) * step**label_map.ndim,
        reach=reach * step,
    )


def doubt_about(
    refined: LabelArray, heatmap: FloatArray, label_ids: LabelArray
) -> tuple[NDArray[np.float32], LabelArray]:
    """Return how much the heatmap says against each refined label, 0 to 1, and for which other label.

    Parameters
    ----------
    refined : (*shape) int
        Refined labels.
    heatmap : (L, *shape) float32
        From the same labels.
    label_ids : (L,) int
        In ascending order.
    """
    own = np.searchsorted(label_ids, refined).clip(max=len(label_ids) - 1)[np.newaxis]
    rest = heatmap.copy()
    np.put_along_axis(rest, own, -1.0, axis=0)
    best: IndexArray = rest.argmax(axis=0)
    for_own, against = (np.take_along_axis(heatmap, one, axis=0)[0] for one in (own, best[np.newaxis]))
    doubt = against / np.maximum(for_own + against, np.finfo(np.float32).tiny)
    return doubt, label_ids[best]


def _pixel_sizes(spacing: Sequence[float] | None, ndim: int) -> NDArray[np.float64]:
    """Return the size of a pixel along each axis, in pixels of the finest."""
    return np.ones(ndim) if spacing is None else np.asarray(spacing, np.float64) / min(spacing)


def _most_doubtful(
    doubt: NDArray[np.float32], sizes: NDArray[np.float64], reach: float, shown: Sequence[NDArray[np.float64]]
) -> tuple[int, ...] | None:
    """Return the pixel in doubt that has most doubt around it, away from places shown; None if there is none."""
    around = ndi.gaussian_filter(doubt, reach / sizes)
    around[doubt < _IN_DOUBT] = 0.0
    grid = np.ogrid[tuple(slice(size) for size in doubt.shape)]
    for place in shown:
        squares = (((axis - at) * size) ** 2 for axis, at, size in zip(grid, place, sizes, strict=True))
        around[sum(squares) < (_APART * reach) ** 2] = 0.0
    found = tuple(int(one) for one in np.unravel_index(around.argmax(), doubt.shape))
    return found if around[found] > 0 else None


def _area_around(doubt: NDArray[np.float32], place: tuple[int, ...]) -> MaskArray:
    """Return the connected pixels in doubt around one of them."""
    areas, _ = ndi.label(doubt >= _IN_DOUBT)
    area: MaskArray = areas == areas[place]
    return area

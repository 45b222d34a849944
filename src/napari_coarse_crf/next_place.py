"""Where a person's next stroke would help most, without any truth.

Mean field ends near 0 and 1, so the result is nearly everywhere sure of itself; the heatmap that it begins with is
not. A pixel's *doubt* is 2 r / (1 + r), r the K-th root of the heatmap's odds of its second best label to the best
one, K the number of terms of that, as for the `confidence`: 1 where both are even. The place is where most doubt lies
within reach of one stroke, so a large area in doubt comes before a narrow outline. No refinement is needed.

Other measures were tried with a simulated annotator (`benchmarks/next_place.py`). The plain difference of the two
probabilities takes the heatmap at its word, which is too sure: .011 of mean IoU less after five strokes on the
samples, .013 less on 17 other images. What the heatmap says against the refined label is as good on the whole, better
on photographs and worse on nuclei, but takes a refinement; where both differ, the largest connected area, and
distance from strokes are worse.

Large images are looked at in reduced size: a stroke is small beside what it decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage as ndi

from napari_coarse_crf.compute.arrays import real_numbers
from napari_coarse_crf.errors import InputError
from napari_coarse_crf.heatmap import n_voices
from napari_coarse_crf.inputs import UNLABELLED, Picture, read_labels, read_spacing
from napari_coarse_crf.parameters import Parameters, read_parameters, reduce_parameters
from napari_coarse_crf.refiner import Refiner
from napari_coarse_crf.tiles.reduced import reduce_picture, step_within, thin_out_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import FloatArray, MaskArray

_MOST_PIXELS = 2**18  # larger images are looked at in reduced size
_REACH = 0.025  # of the image: how far around a place doubt counts, as the sigma of a Gaussian
_APART = 6.0  # times the reach: how far from the places shown before the next one lies at least
_BEYOND = 2.0**63  # px; no place lies as far out
_IN_DOUBT = 0.3  # pixels of less are no part of the area, and no place to paint: they are .85 sure


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stroke would help.

    Attributes
    ----------
    position : tuple of int
        The pixel, unlabelled as yet.
    labels : tuple of int
        The two best labels there, the better one first.
    doubt : float
        1 where they are even, 0 where the first is certain.
    size : int
        Pixels of the connected area in doubt around it; about right where the image was looked at in reduced size.
    reach : float
        Px of the finest axis: how far around it doubt was counted.
    """

    position: tuple[int, ...]
    labels: tuple[int, int]
    doubt: float
    size: int
    reach: float


def suggest_place(
    image: Any,
    labels: Any,
    parameters: Parameters | str | None = None,
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
    shown : sequence of sequence of int
        The `position` of places that were shown already: the next one keeps away from them.
    mask, channel_axis, spacing, contrast_limits
        As for `refine_labels`.

    Returns
    -------
    Place or None
        None if nothing is in doubt, or only what was shown.

    Raises
    ------
    InputError
        If the image or the labels cannot be used, or a position in `shown` has too few or too many numbers.

    Examples
    --------
    Between two strokes on a flat image nobody knows:

    >>> import numpy as np
    >>> labels = np.zeros((60, 90), np.uint8)
    >>> labels[:, 20], labels[:, 70] = 3, 7
    >>> place = suggest_place(np.zeros((60, 90), np.uint8), labels)
    >>> 35 < place.position[1] < 55, sorted(place.labels)
    (True, [3, 7])
    """
    return find_place(Picture(image, mask, channel_axis, spacing, contrast_limits), labels, parameters, shown)


def find_place(
    picture: Picture, labels: Any, parameters: Parameters | str | None = None, shown: Sequence[Sequence[int]] = ()
) -> Place | None:
    """Do what `suggest_place` does for a picture."""
    chosen = Parameters() if parameters is None else read_parameters(parameters)
    label_map = read_labels(labels)
    places = _read_places(shown, label_map.ndim)
    step = step_within(label_map.shape, _MOST_PIXELS)
    small = thin_out_labels(label_map, step)
    refiner = Refiner.of(reduce_picture(picture.fitted(label_map.shape), step, label_map.ndim), small)
    if len(refiner.label_ids) < 2:  # all have the one label there is
        return None
    chosen = reduce_parameters(chosen, step, label_map.ndim)
    heatmap = refiner.heatmap(chosen)
    doubt = doubt_in(heatmap, n_voices(chosen))
    doubt[small != UNLABELLED] = 0.0
    sizes = np.array(read_spacing(picture.spacing, doubt.shape))
    reach = _REACH * float(np.prod(sizes * doubt.shape)) ** (1 / doubt.ndim)
    found = _most_doubtful(doubt, sizes, reach, [place / step for place in places])
    if found is None:
        return None
    here = [float(of_label[found]) for of_label in heatmap]
    second, first = refiner.label_ids[np.argsort(here)[-2:]]
    return Place(
        position=tuple(one * step for one in found),
        labels=(int(first), int(second)),
        doubt=float(doubt[found]),
        size=int(_area_around(doubt, found).sum()) * step**label_map.ndim,
        reach=reach * step,
    )


def _read_places(shown: Any, ndim: int) -> list[NDArray[np.float64]]:
    """Return places that were shown as points.

    Raises
    ------
    InputError
        If they are none, or of another number of axes.
    """
    try:
        given = [tuple(one) for one in shown]
        places = [real_numbers(one) for one in given]
        usable = all(
            place.shape == (len(one),) and (np.abs(place) < _BEYOND).all()
            for one, place in zip(given, places, strict=True)
        )
    except TypeError:
        usable = False
    if not usable:
        raise InputError("shown must be a list of places, each as its `position` says it, such as [(10, 25)].")
    for one in given:
        if len(one) != ndim:
            raise InputError(
                f"The place {one} in shown has {len(one)} numbers, but the labels have {ndim} axes. "
                "Give what `position` of a place says."
            )
    return places


def doubt_in(heatmap: FloatArray, n_terms: int) -> NDArray[np.float32]:
    """Return how near the two best of (L, *shape) probabilities are: 1 if even, 0 if one is certain or none known."""
    second, first = np.partition(heatmap, len(heatmap) - 2, axis=0)[-2:]
    root = np.divide(second, first, out=np.zeros_like(first), where=first > 0) ** np.float32(1 / n_terms)
    doubt: NDArray[np.float32] = 2 * root / (1 + root)
    return doubt


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

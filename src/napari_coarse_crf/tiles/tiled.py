"""The front door of what does not fit into memory."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.compute.parallel import finish
from napari_coarse_crf.errors import CoarseCRFWarning
from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.tiles.plan import plan_tiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_coarse_crf.parameters import Parameters


def refine_tiles(
    image: Any,
    labels: Any,
    parameters: Parameters | None = None,
    *,
    out: Any = None,
    tile: int | Sequence[int] | None = None,
    workers: int | None = None,
    mask: Any = None,
    channel_axis: int = -1,
    spacing: Sequence[float] | None = None,
    contrast_limits: Any = None,
) -> Any:
    """Label the unlabelled pixels of an image that does not fit into memory, tile by tile.

    Parameters
    ----------
    image, labels, mask : arrays
        As for `refine_labels`, but read part by part: arrays of numpy, zarr, dask, or anything with a shape of which
        numpy can read slices.
    parameters : Parameters, optional
        By default `Parameters()`.
    out : array, optional
        Where the result goes, by slices: an array of the shape of `labels`; by default a new one of numpy.
    tile : int or sequence of int, optional
        How long a tile is along all axes or each, in pixels. More: more memory, less time. By default about four
        million pixels.
    channel_axis, spacing, contrast_limits, workers
        As for `refine_labels`.

    Returns
    -------
    array
        `out`: nearly what `refine_labels` gives, the same for any order of tiles.

    Raises
    ------
    InputError
        If the image, the labels or what comes with them cannot be used.
    ParameterError
        If a parameter asks for what cannot be done in tiles.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((40, 60), np.uint8)
    >>> image[:, 30:] = 200
    >>> labels = np.zeros((40, 60), np.uint8)
    >>> labels[20, 6], labels[20, 52] = 3, 7
    >>> refined = refine_tiles(image, labels, tile=20)
    >>> np.unique(refined[:, :30]), np.unique(refined[:, 30:])
    (array([3], dtype=uint8), array([7], dtype=uint8))
    """
    picture = Picture(image, mask, channel_axis, spacing, contrast_limits)
    plan = finish(plan_tiles(picture, labels, parameters, tile=tile, workers=workers))
    written = np.zeros(plan.source.shape, plan.source.dtype) if out is None else out
    gained = np.zeros(len(plan.label_ids), np.int64)
    for one in plan.tiles:
        refinement = plan.refine(one, workers)
        written[one.core] = refinement.labels
        gained += refinement.gained
    for sentence in plan.warnings(gained):
        warnings.warn(sentence, CoarseCRFWarning, stacklevel=2)
    return written

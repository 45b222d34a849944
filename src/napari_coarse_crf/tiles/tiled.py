"""An image refined tile by tile, at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.compute.parallel import finish
from napari_coarse_crf.tiles.plan import plan_tiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_coarse_crf.inputs import Picture
    from napari_coarse_crf.parameters import Parameters


def refine_tiles(
    picture: Picture,
    labels: Any,
    parameters: Parameters | None = None,
    *,
    out: Any = None,
    tile: int | Sequence[int] | None = None,
    workers: int | None = None,
) -> tuple[Any, tuple[str, ...]]:
    """Label the unlabelled pixels of an image that does not fit into memory, tile by tile.

    Parameters
    ----------
    picture, labels, parameters, tile, workers
        As for `plan_tiles`.
    out : array, optional
        Where the result goes, by slices: an array of the shape of `labels`; by default a new one of numpy.

    Returns
    -------
    labels : array
        `out`: nearly what `refine_labels` gives at once, the same for any order of tiles.
    warnings : tuple of str
        What a person should look at, one sentence each.

    Raises
    ------
    InputError, ParameterError
        As by `plan_tiles`.
    """
    plan = finish(plan_tiles(picture, labels, parameters, tile=tile, workers=workers))
    written = np.zeros(plan.source.shape, plan.source.dtype) if out is None else out
    gained = np.zeros(len(plan.label_ids), np.int64)
    for one in plan.tiles:
        refinement = plan.refine(one, workers)
        written[one.core] = refinement.labels
        gained += refinement.gained
    return written, plan.warnings(gained)

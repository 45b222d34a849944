"""Whether a run over everything fits into memory, and how large tiles may be: by sizes alone, reading nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_coarse_crf.compute.simd import row_width
from napari_coarse_crf.tiles.choice import pixels_within, read_limit
from napari_coarse_crf.tiles.sides import sides_within, tile_sides

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_coarse_crf import Parameters

_BYTES_OF_PIXEL: Final = 172
_BYTES_OF_LABEL: Final = 4
"""Of a pixel, for each label: 204 bytes with up to eight labels, 62 of them features of texture, as
`memory.estimate_memory` says of photographs."""
_FEW_LABELS: Final = 8
_SAMPLE_PIXELS: Final = 2**18


def fits_into_memory(shape: Sequence[int], labels: Any, limit: int | None = None) -> bool:
    """Return whether a run over all pixels probably fits.

    Parameters
    ----------
    shape : sequence of int
        Of what is refined.
    labels : array
        The coarse labels: those in memory tell how many there are, of others few are assumed.
    limit : int, optional
        In bytes; by default half of what is free.

    Examples
    --------
    >>> strokes = np.zeros((40, 60), np.uint8)
    >>> fits_into_memory((40, 60), strokes), fits_into_memory((40, 60), strokes, limit=300_000)
    (True, False)
    """
    width = row_width(max(_FEW_LABELS, _count_ids(labels)))
    return math.prod(shape) * (_BYTES_OF_PIXEL + _BYTES_OF_LABEL * width) <= read_limit(limit)


def sides_that_fit(
    shape: Sequence[int], spacing: Sequence[float] | None, parameters: Parameters, limit: int | None = None
) -> tuple[int, ...]:
    """Return how long tiles are along each axis: as usual, but smaller where these would not fit into memory.

    Parameters
    ----------
    shape, spacing, parameters
        As for `tile_sides`.
    limit : int, optional
        In bytes; by default half of what is free.
    """
    usual = tile_sides(None, tuple(shape), spacing, parameters)
    return min(usual, sides_within(pixels_within(read_limit(limit)), shape, spacing, parameters), key=math.prod)


def _count_ids(labels: Any) -> int:
    """Return how many ids a few pixels of labels in memory have; 0 of labels elsewhere."""
    if not isinstance(labels, np.ndarray):
        return 0
    step = math.ceil((labels.size / _SAMPLE_PIXELS) ** (1 / max(1, labels.ndim))) or 1
    return len(np.unique(labels[(slice(None, None, step),) * labels.ndim]))

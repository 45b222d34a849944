"""Whether the edges in a label map were smoothed, which makes ids that nobody painted.

Drawing programs and resizing mix neighbouring numbers: between 0 and 200 stand 13, 57 and 128, each on a pixel or two.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from napari_coarse_crf.compute.arrays import LabelArray, MaskArray

_LARGE, _SMALL = 0.02, 0.01  # of the labelled pixels
_MOST_LARGE = 30  # ids: where there are more, the map is one of objects
_FEWEST_SMALL = 8  # ids: a person may have painted less of some
_FEW = 2  # of the eight neighbours with the same id: a smoothed edge is thinner than any stroke


def say_smoothed_edges(labels: LabelArray) -> tuple[str, ...]:
    """Return a sentence if there are many ids with few pixels each, most of them on the edge of few large ones."""
    ids, counts = np.unique(labels, return_counts=True)
    ids, counts = ids[ids != 0], counts[ids != 0]
    large, small = ids[counts >= _LARGE * counts.sum()], ids[counts < _SMALL * counts.sum()]
    if len(small) < _FEWEST_SMALL or not 0 < len(large) <= _MOST_LARGE:
        return ()
    on_edge, thin = _surroundings(labels, large, small)
    if np.mean(on_edge & thin) < 0.5:
        return ()
    beside = ", ".join(map(str, large[:5].tolist()))
    sentence = (
        f"{len(small)} ids have few pixels each, at the edges of {beside}: the labels look as if they were drawn or "
        "resized with smooth edges, which makes ids that nobody painted. Draw them without anti-aliasing, and resize "
        "with the nearest neighbour."
    )
    return (sentence,)


def _surroundings(labels: LabelArray, large: LabelArray, small: LabelArray) -> tuple[MaskArray, MaskArray]:
    """Return for each pixel of small ids whether a large one touches it, and whether few neighbours have its id."""
    padded = np.pad(labels, [(0, 0)] * (labels.ndim - 2) + [(1, 1)] * 2)
    places = np.nonzero(np.isin(padded, small))
    own = padded[places]
    touched, alike = np.zeros(len(own), np.bool_), np.zeros(len(own), np.int64)
    for down, right in product((-1, 0, 1), repeat=2):
        if down or right:
            neighbour = padded[(*places[:-2], places[-2] + down, places[-1] + right)]
            touched |= np.isin(neighbour, large)
            alike += neighbour == own
    return touched, alike <= _FEW

"""Whether the edges in a label map were smoothed, which makes ids that nobody painted.

Drawing programs and resizing mix neighbouring numbers: between 0 and 200 stand 13, 57 and 128, each on a pixel or two,
and each beside another. Numbered objects are many and small as well, but hold together; clicks stand alone.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from napari_coarse_crf.compute.arrays import LabelArray, MaskArray

_SMALL = 0.02  # of the labelled pixels
_FEWEST_SMALL = 8  # ids: a person may have painted less of some
_MOST_LARGE = 30  # ids: where there are more, the map is one of objects
_FEW = 2  # of the eight neighbours with the same id: a smoothed edge is thinner than what anyone paints
_MOST = 0.5  # of the pixels of small ids
_MOST_NAMED = 5


def say_smoothed_edges(labels: LabelArray) -> tuple[str, ...]:
    """Return a sentence if beside few large ids there are many with few pixels each, most of them thin and mixed."""
    ids, counts = np.unique(labels[labels != 0], return_counts=True)
    is_small = counts < _SMALL * counts.sum()
    large, small = ids[~is_small], ids[is_small]
    if len(small) < _FEWEST_SMALL or not 0 < len(large) <= _MOST_LARGE or _mixed(labels, small).mean() < _MOST:
        return ()
    largest = large[np.argsort(-counts[~is_small])][:_MOST_NAMED]
    sentence = (
        f"{len(small)} ids have few pixels each, beside {', '.join(map(str, sorted(largest.tolist())))}: the labels "
        "look as if they were drawn or resized with smooth edges, which makes ids that nobody painted. Draw them "
        "without anti-aliasing, and resize with the nearest neighbour."
    )
    return (sentence,)


def _mixed(labels: LabelArray, small: LabelArray) -> MaskArray:
    """Return for each pixel of small ids whether it touches another id and few neighbours in its plane have its own."""
    padded = np.pad(labels, [(0, 0)] * (labels.ndim - 2) + [(1, 1)] * 2)
    places = np.nonzero(np.isin(padded, small))
    own = padded[places]
    touches, alike = np.zeros(len(own), np.bool_), np.zeros(len(own), np.int64)
    for down, right in product((-1, 0, 1), repeat=2):
        if down or right:
            neighbour = padded[(*places[:-2], places[-2] + down, places[-1] + right)]
            touches |= (neighbour != 0) & (neighbour != own)
            alike += neighbour == own
    mixed: MaskArray = touches & (alike <= _FEW)
    return mixed

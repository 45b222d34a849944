"""What the heatmap must know that is not in its problem: the rest of an image of which it is a part, or other images.

A label is as probable in a part as it is in the whole: the sizes of the labels, their colours and the contrast are
those of the whole image, what texture says was learnt from all of it, and paths come in over the rim. So a part without
any stroke is filled as well. Of other images (`borrowed`) colours alone count, and there is no rim.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from napari_coarse_crf.compute.arrays import FloatArray, IndexArray, PixelArray
    from napari_coarse_crf.compute.discriminant import Discriminant


@dataclass(frozen=True, slots=True, eq=False)
class Elsewhere:
    """The whole image, for a part of it with L labels.

    Attributes
    ----------
    gain : float
        What turns I into I'.
    labelled_share : float
        How much of the image is labelled.
    painted_share : float
        How much of those of its planes is labelled that hold a label: the same, but for a volume.
    sizes : (L,) float32
        How many pixels of the image each label has.
    colours : (C, M) float32
        Colours of the whole image.
    labels : (M,) int32
        The labels of these colours; L stands for any other, `OPEN` for none.
    weights : (M,) float32
        What each counts in the mean of its label.
    outermost : (B,) int
        The pixels of the part that have neighbours beyond it. How steep colours are there it cannot know, so no path
        leads along them.
    rim : (R,) int
        Those next to them, over which paths come in.
    lengths : (R, L) float32
        How long the paths to each label are from there.
    discriminant : Discriminant or None
        What the surroundings of pixels say of the labels, learnt from the whole image; None: nothing was.
    """

    gain: float
    labelled_share: float
    painted_share: float
    sizes: FloatArray
    colours: FloatArray
    labels: IndexArray
    weights: FloatArray
    outermost: PixelArray = field(default_factory=lambda: np.zeros(0, np.int32))
    rim: PixelArray = field(default_factory=lambda: np.zeros(0, np.int32))
    lengths: FloatArray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    discriminant: Discriminant | None = None

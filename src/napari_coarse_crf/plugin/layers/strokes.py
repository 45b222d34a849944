"""Strokes put into labels. What each covers is remembered: one that is added or moved is all that is drawn anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from napari_coarse_crf.tiles.covers import cover_outline, cover_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Layer
    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import LabelArray
    from napari_coarse_crf.tiles.covers import Cover
    from napari_coarse_crf.tiles.parts import Part


@dataclass(frozen=True, slots=True, eq=False)
class Stroke:
    """One shape or point, in pixels of a grid.

    Attributes
    ----------
    corners : (N, ndim) array
        In order; one for a point.
    width : float
        Of the line, or of the point.
    is_filled : bool
        Whether what lies inside counts, rather than the line.
    """

    corners: NDArray[np.float64]
    width: float
    is_filled: bool

    @property
    def key(self) -> object:
        """Equal for strokes that cover the same."""
        return self.corners.tobytes(), self.width, self.is_filled


@dataclass(frozen=True, slots=True, eq=False)
class _Covered:
    """What a stroke covers of an array: pixels of one plane."""

    plane: Part
    covers: tuple[Cover, ...]

    @classmethod
    def by(cls, stroke: Stroke, shape: Sequence[int]) -> _Covered:
        """Return what lies in the plane along which the stroke extends most."""
        axes = sorted(np.argsort(np.ptp(stroke.corners, axis=0), kind="stable")[-2:].tolist())
        place = [round(float(one)) for one in stroke.corners.mean(axis=0)]
        if any(not 0 <= place[axis] < size for axis, size in enumerate(shape) if axis not in axes):
            return cls((), ())
        plane = tuple(slice(None) if axis in axes else one for axis, one in enumerate(place))
        corners, flat = stroke.corners[:, axes], [shape[axis] for axis in axes]
        return cls(plane, cover_outline(corners, flat) if stroke.is_filled else cover_path(corners, stroke.width, flat))

    def draw(self, labels: LabelArray, label_id: int) -> None:
        flat = labels[self.plane]
        for cover in self.covers:
            cover.draw(flat, label_id)


class _Canvas:
    """What was drawn last."""

    def __init__(self) -> None:
        self._shape: tuple[int, ...] = ()
        self._covered: dict[object, _Covered] = {}
        self._key: object = None
        self._labels: LabelArray = np.zeros(0, np.uint8)

    def draw(
        self, strokes: Sequence[Stroke], label_ids: Sequence[int], shape: tuple[int, ...], dtype: Any
    ) -> LabelArray:
        keys = [stroke.key for stroke in strokes]
        key = shape, dtype, tuple(keys), tuple(label_ids)
        if key == self._key:
            return self._labels
        known = self._covered if shape == self._shape else {}
        covered = {one: known.get(one) or _Covered.by(stroke, shape) for one, stroke in zip(keys, strokes, strict=True)}
        labels: LabelArray = np.zeros(shape, dtype)
        for one, label_id in zip(keys, label_ids, strict=True):
            covered[one].draw(labels, label_id)
        self._shape, self._covered, self._key, self._labels = shape, covered, key, labels
        return labels


_canvases: WeakKeyDictionary[Layer, _Canvas] = WeakKeyDictionary()


def draw_strokes(
    layer: Layer, strokes: Sequence[Stroke], label_ids: Sequence[int], shape: tuple[int, ...], dtype: Any
) -> LabelArray:
    """Return labels with the strokes of a layer, later ones above earlier ones. Nobody may write into them.

    Parameters
    ----------
    layer : napari.layers.Layer
        Whose strokes they are.
    strokes, label_ids : sequence
        What is drawn, in order, each with its label.
    shape, dtype
        Of the labels.
    """
    return _canvases.setdefault(layer, _Canvas()).draw(strokes, label_ids, shape, dtype)

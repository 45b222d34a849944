"""How large the pixels of a label map are, along which axes objects lie, and in which unit they are measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_coarse_crf.io.axes import Layout, axes_apart, name_axes
from napari_coarse_crf.io.pairs import file_spacing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_coarse_crf.io.reading import LabelFile


@dataclass(frozen=True, slots=True)
class Scale:
    """What a label file, and a person on top, say of the size of its pixels.

    Attributes
    ----------
    axes : str
        What each axis is, see `Raster`.
    apart : tuple of int
        The axes along which each index holds objects of its own.
    spacing : tuple of float or None
        Size along each axis as shapes need it, guessed where nobody knows; None: the same along all.
    sizes : tuple of float or None
        Size along each axis, 1 along those apart; None where one is not known.
    size_unit : str
        Of areas or volumes; "" where nobody says.
    said : tuple of str
        What was taken how, one sentence each.
    """

    axes: str
    apart: tuple[int, ...]
    spacing: tuple[float, ...] | None
    sizes: tuple[float, ...] | None
    size_unit: str
    said: tuple[str, ...] = ()


def read_scale(labels: LabelFile, spacing: Sequence[float] | None = None, *, each_slice: bool | None = None) -> Scale:
    """Return the scale of a label file; a spacing that is given overrules what the file says."""
    layout = Layout(labels.ids.shape, labels.axes, labels.names_axes)
    axes = name_axes(layout, layout, None)
    apart = axes_apart(axes, each_slice=each_slice)
    if spacing is not None:
        sizes = tuple(1.0 if axis in apart else size for axis, size in enumerate(spacing))
        return Scale(axes, apart, tuple(spacing), sizes, "")
    guessed, said = file_spacing(labels.grid, axes, apart)
    known = [1.0 if axis in apart else labels.grid.size_along(letter) for axis, letter in enumerate(axes)]
    sure = tuple(size for size in known if size is not None)
    if len(sure) < len(known):
        return Scale(axes, apart, guessed, None, "", tuple(said))
    unit = labels.grid.unit
    return Scale(axes, apart, guessed, sure, unit and f"{unit}^{len(axes) - len(apart)}", tuple(said))

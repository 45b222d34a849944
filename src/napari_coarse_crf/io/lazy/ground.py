"""What results lie on: the pixels of an image, with the axes of length 1 that it is stored with, at several sizes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from napari_coarse_crf.io.axes import TIME
from napari_coarse_crf.io.grid import UNKNOWN, Grid
from napari_coarse_crf.io.lazy.ome import Multiscale, unit_in_ome
from napari_coarse_crf.io.raster import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_coarse_crf.io.lazy.opening import LazyImage

_SMALLEST = 512  # pixels: a level that is smaller along Y and X is the last
_IN_OME = (*("", TIME, CHANNELS), "Z", "Y", "X")  # the order of the specification


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """The pixels that labels, confidence or a mask of an image have.

    Attributes
    ----------
    shape : tuple of int
        How many along each axis.
    axes : str
        What each axis is, see `Raster`.
    grid : Grid
        Where they lie.
    stored : tuple of int
        The same as `shape`, with the axes of length 1 that the image is stored with.
    kept : tuple of bool
        Which axes of `stored` are those of `shape`.
    multiscale : Multiscale or None
        The axes of `stored` and their sizes at each level in the words of OME-Zarr; None: these lack words for them.
    levels : tuple of tuple of int
        The shape of each level; the first is `stored`.
    """

    shape: tuple[int, ...]
    axes: str
    grid: Grid
    stored: tuple[int, ...]
    kept: tuple[bool, ...]
    multiscale: Multiscale | None
    levels: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, shape: Sequence[int], axes: str = "", grid: Grid | None = None) -> Ground:
        """Return that of an array in memory, or of a file that is no OME-Zarr image; Y and X halved level by level.

        Parameters
        ----------
        shape : sequence of int
            Of the labels.
        axes : str, optional
            What each axis is, see `Raster`.
        grid : Grid, optional
            Where the pixels lie.
        """
        own = tuple(shape)
        letters = axes or (UNKNOWN * len(own) + "YX")[-len(own) :]
        known = grid or Grid()
        factors = [tuple(float(2**step) if letter in "YX" else 1.0 for letter in letters) for step in range(32)]
        levels = [tuple(-(-size // int(one)) for size, one in zip(own, factor, strict=True)) for factor in factors]
        plane = [max(size for size, letter in zip(level, letters, strict=True) if letter in "YX") for level in levels]
        count = 1 + next(number for number, longest in enumerate(plane) if longest <= _SMALLEST)
        multiscale = _described(letters, known, factors[:count])
        return cls(own, letters, known, own, (True,) * len(own), multiscale, tuple(levels[:count]))

    @classmethod
    def of_image(cls, image: LazyImage, shape: Sequence[int], axes: str, channel_axis: int | None) -> Ground:
        """Return that of labels of an image, which lack the axis of its channels.

        Parameters
        ----------
        image : LazyImage
            The image.
        shape, axes : sequence of int, str
            Of the labels.
        channel_axis : int or None
            Which axis of the image holds its channels; None: the labels have all its axes.
        """
        own, said = tuple(shape), image.multiscale
        if said is None:
            return cls.of(own, axes, image.grid)
        gone = _left_out(image, channel_axis)
        kept = tuple(keep for number, keep in enumerate(image.kept) if number not in gone)
        multiscale = replace(said.without(gone), paths=tuple(str(number) for number in range(len(said.paths))))
        levels = tuple(
            tuple(size for number, size in enumerate(level) if number not in gone) for level in image.stored_levels
        )
        if tuple(size for size, keep in zip(levels[0], kept, strict=True) if keep) != own:
            return cls.of(own, axes, image.grid)
        return cls(own, axes, image.grid, levels[0], kept, multiscale, levels)


def _left_out(image: LazyImage, channel_axis: int | None) -> set[int]:
    """Return which axes of an image, as it is stored, are none of its labels: its channels."""
    assert image.multiscale is not None  # noqa: S101
    letters = image.multiscale.letters
    places = [number for number, keep in enumerate(image.kept) if keep]
    gone = {number for number, letter in enumerate(letters) if letter == CHANNELS and not image.kept[number]}
    if channel_axis is not None:
        of_samples = image.axes[channel_axis] == "S"
        gone.add(letters.index(CHANNELS) if of_samples else places[channel_axis])
    return gone


def _described(letters: str, grid: Grid, factors: Sequence[tuple[float, ...]]) -> Multiscale | None:
    """Return the words of OME-Zarr for axes in its order; a single unknown one is depth."""
    named = letters.replace(UNKNOWN, "Z") if letters.count(UNKNOWN) == 1 and "Z" not in letters else letters
    in_order = [_IN_OME.index(letter) if letter in _IN_OME else -1 for letter in named]
    if in_order != sorted(set(in_order)) or -1 in in_order or not {"Y", "X"} <= set(named):
        return None
    axes: list[dict[str, Any]] = []
    for letter in named:
        kind = {TIME: "time", CHANNELS: "channel"}.get(letter, "space")
        unit = unit_in_ome(grid.unit) if kind == "space" else None
        axes.append({"name": letter.lower(), "type": kind} | ({"unit": unit} if unit else {}))
    sizes = [grid.size_along(letter) or 1.0 if letter in "XYZ" else 1.0 for letter in named]
    scales = tuple(tuple(size * one for size, one in zip(sizes, factor, strict=True)) for factor in factors)
    paths = tuple(str(number) for number in range(len(factors)))
    return Multiscale("0.5", axes, paths, scales, ((0.0,) * len(named),) * len(factors))

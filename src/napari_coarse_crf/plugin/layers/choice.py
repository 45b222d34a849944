"""What a person chose beyond an image and its labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from napari_coarse_crf.tiles.parts import Scope

if TYPE_CHECKING:
    from napari.layers import Image, Labels, Layer

NO_AXIS: Final = "none"
"""Said of channels: they have no axis."""


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """What a person chose beyond the two layers.

    Attributes
    ----------
    scope : Scope
        Everything at once, slices, or what is in view. Where it does not say which axes lie `apart`, those that the
        layers call time do.
    channels : tuple of napari.layers.Image
        Further channels: images of one channel that lie on the image.
    region : napari.layers.Shapes, Labels or Image, or None
        Only pixels inside the drawn shapes, or where the layer is not 0, take part.
    channel_axis : int, "none" or None
        The axis of the image that holds its channels; None: the one that the layers call so, else the first that the
        labels lack.
    plane : int or None
        Where the labels have the axis of the channels, too: the plane of them to take, if it holds any; None: the only
        one that does.
    accepted : napari.layers.Labels or None
        What was accepted of earlier results: labels that count where the person's own layer holds none.
    by_tiles : bool
        Refine tile by tile, into a layer on disk; neither image nor labels need to fit into memory. Not for several
        slices or frames, each refined on its own.
    tile_side : int or None
        How long a tile is along each axis, in pixels; None: what half of the free memory holds,
        and no more than about 2 GB.
    """

    scope: Scope = field(default_factory=Scope)
    channels: tuple[Image, ...] = ()
    region: Layer | None = None
    channel_axis: int | Literal["none"] | None = None
    plane: int | None = None
    accepted: Labels | None = None
    by_tiles: bool = False
    tile_side: int | None = None


EVERYTHING = Choice()
"""All of the two layers, at once."""

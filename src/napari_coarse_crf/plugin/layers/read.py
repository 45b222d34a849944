"""From layers to plain arrays.

napari's layers may only be touched on the main thread, and a person goes on painting, renaming and deleting while a
job runs. So everything a job needs is read here before it starts, and nothing refers to a layer afterwards. Only what
will be refined is copied: of a stack whose current slice is refined, that slice.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
from napari.layers import Shapes

from napari_coarse_crf.compute.laid import Laid
from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.plugin.layers.choice import EVERYTHING
from napari_coarse_crf.plugin.layers.cut import Cut, cut
from napari_coarse_crf.plugin.layers.grid import finest
from napari_coarse_crf.plugin.layers.key import Key, key_of_whole
from napari_coarse_crf.plugin.layers.levels import Levels
from napari_coarse_crf.plugin.layers.match import Match
from napari_coarse_crf.plugin.layers.merged import Merged
from napari_coarse_crf.tiles.outlines import ellipse_outline, fill_outlines
from napari_coarse_crf.tiles.parts import copy_labels, cut_out, is_whole, of_axes_left, part_shape, within

if TYPE_CHECKING:
    from napari.layers import Image, Labels
    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import LabelArray, MaskArray
    from napari_coarse_crf.plugin.layers.choice import Choice
    from napari_coarse_crf.plugin.layers.grid import Grid
    from napari_coarse_crf.plugin.layers.key import Read
    from napari_coarse_crf.tiles.parts import Part, Scope

_REACH = 1
"""Pixels by which a further channel goes on at its border: every fourth pixel of an image ends before the image."""


@dataclass(frozen=True, slots=True, eq=False)
class Channels:
    """One image layer among those that make up the image.

    Attributes
    ----------
    data : array
        At full resolution; may be lazy (dask, zarr).
    axis : int or None
        The axis of its channels; None where it has but one.
    contrast_limits : tuple of float
        The values that are shown darkest and brightest.
    """

    data: Any
    axis: int | None
    contrast_limits: tuple[float, float]

    def cut(self, window: tuple[slice, ...]) -> Channels:
        """Return a window of it, of which nothing is read."""
        axis = self.axis
        own = window if axis is None else (*window[:axis], slice(0, self.data.shape[axis]), *window[axis:])
        return replace(self, data=cut(self.data, own))


@dataclass(frozen=True, slots=True, eq=False)
class Excerpt:
    """The part of a layer's array that a job may read: a copy, as a person may paint on while the job runs.

    What is stored elsewhere (zarr, tensorstore) is not read on the main thread, so a job may see later strokes on it.

    Attributes
    ----------
    data : array
        A copy of the window, or a lazy array.
    window : tuple of slice or None
        Where in the layer `data` lies; None: it is the whole.
    """

    data: Any
    window: tuple[slice, ...] | None

    @classmethod
    def of(cls, data: Any, window: tuple[slice, ...]) -> Excerpt:
        """Return the excerpt of a layer's data."""
        if isinstance(data, Merged):
            upper = cls.of(data.upper, window)
            lower = data.lower if upper.window is None else data.lower[window]
            return cls(Merged(upper.data, copy_labels(lower)), upper.window)
        if not isinstance(stored(data), np.ndarray):
            return cls(_copied(data), None)
        if isinstance(data, Laid):
            return cls(_copied(data.narrowed(window)), window)
        return cls(_copied(data[window]), window)

    def alone(self, window: tuple[slice, ...]) -> Excerpt:
        """Return the same of a window, counted from where that begins."""
        own = window[len(window) - self.data.ndim :]
        return Excerpt(cut(self.data, own) if self.window is None else self.data, None)

    def load(self, part: Part) -> NDArray[Any]:
        """Return a part of the layer in memory."""
        own = part if self.window is None else within(part, self.window)
        # Lazy arrays may have a quicker way to give everything.
        return np.asarray(self.data if is_whole(own, self.data.shape) else self.data[own])


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """What a run reads from the layers.

    Attributes
    ----------
    image : Channels
        The image.
    more : tuple of Channels
        Further layers that are channels of the same image.
    has_alpha : bool
        Whether the last channel of `image` is its alpha channel.
    labels : Excerpt
        The coarse labels.
    all_labels : array
        Those of the whole layer, not copied: what a result shows where nothing is refined.
    spacing : tuple of float
        Size of a pixel along each axis.
    scope : Scope
        What of it is refined.
    outlines : tuple of array
        Drawn around the pixels that take part; empty: no such limit.
    region : Excerpt or None
        Not 0 where pixels take part; may lack leading axes.
    """

    image: Channels
    more: tuple[Channels, ...]
    has_alpha: bool
    labels: Excerpt
    all_labels: Any
    spacing: tuple[float, ...]
    scope: Scope
    outlines: tuple[NDArray[Any], ...]
    region: Excerpt | None
    _keys: dict[str, Key] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the whole label map."""
        return tuple(self.all_labels.shape)

    @property
    def contrast_limits(self) -> Any:
        """One pair for all channels, or one for each where they come from several layers."""
        if not self.more:
            return self.image.contrast_limits
        axis = self.image.axis
        of_first = 1 if axis is None else self.image.data.shape[axis] - self.has_alpha
        return (*[self.image.contrast_limits] * of_first, *(channel.contrast_limits for channel in self.more))

    @property
    def channel_count(self) -> int:
        """How many channels there are, alpha not counted."""
        axis = self.image.axis
        of_first = 1 if axis is None else self.image.data.shape[axis] - self.has_alpha
        return int(of_first) + len(self.more)

    @property
    def image_leaves_out(self) -> bool:
        """Whether some pixels may take no part as the image says so: by alpha, or as a channel ends before it."""
        return self.has_alpha or any(
            isinstance(one.data, Laid) and not one.data.reaches_everywhere for one in self.more
        )

    @property
    def may_leave_out(self) -> bool:
        """Whether some pixels may take no part."""
        return self.image_leaves_out or bool(self.outlines) or self.region is not None

    @property
    def is_in_memory(self) -> bool:
        """Whether nothing has to be read from elsewhere."""
        arrays = [self.image.data, *(channel.data for channel in self.more), self.labels.data]
        arrays += [] if self.region is None else [self.region.data]
        return all(isinstance(stored(array), np.ndarray) for array in arrays)

    @property
    def takes_all(self) -> bool:
        """Whether everything is refined at once."""
        parts = self.parts()
        return len(parts) == 1 and is_whole(parts[0], self.shape)

    def parts(self) -> list[Part]:
        """Return the parts to refine."""
        return self.scope.parts(self.shape)

    def alone(self) -> Inputs:
        """Return what is refined as if it were all there is: what lies around is neither read nor put together."""
        scope = self.scope
        window = scope.window(self.shape)
        start = [one.start for one in window]
        return replace(
            self,
            image=self.image.cut(window),
            more=tuple(one.cut(window) for one in self.more),
            labels=self.labels.alone(window),
            all_labels=cut(self.all_labels, window),
            scope=replace(scope, index=None if scope.index is None else 0, box=None),
            outlines=tuple(outline - start for outline in self.outlines),
            region=None if self.region is None else self.region.alone(window),
            _keys={},
        )

    def load_labels(self, part: Part) -> LabelArray:
        """Return the labels of a part in memory. Lazy ones are read here: call it off the main thread."""
        return self.labels.load(part)

    def load(self, part: Part) -> tuple[Picture, LabelArray]:
        """Return image and labels of a part in memory. Lazy data is read here: call it off the main thread."""
        return self.load_picture(part), self.load_labels(part)

    def load_picture(self, part: Part) -> Picture:
        """Return the image of a part in memory. Lazy data is read here: call it off the main thread."""
        whole = None if is_whole(part, self.shape) else part  # lazy arrays may have a quicker way to give everything
        image, mask = cut_out(self.image.data, whole, self.image.axis), self.mask(part)
        if self.has_alpha:
            image, opaque = image[..., :3], image[..., 3] != 0
            mask = opaque if mask is None else mask & opaque
        if self.more:
            pieces = [image if self.image.axis is not None else image[..., np.newaxis]]
            pieces += [cut_out(channel.data, whole, None)[..., np.newaxis] for channel in self.more]
            image = np.concatenate(pieces, axis=-1)
        for channel in self.more:
            if isinstance(channel.data, Laid) and not channel.data.reaches_everywhere:
                mask = channel.data.inside(part) if mask is None else mask & channel.data.inside(part)
        if mask is not None and mask.all():
            mask = None  # the same as none, and none is what a script would pass
        return Picture(image, mask, spacing=of_axes_left(self.spacing, part), contrast_limits=self.contrast_limits)

    def key(self, part: Part, picture: Picture, labels: LabelArray) -> Key:
        """Return the key of what `load` gave; what is in memory is looked at once."""
        if not self.is_in_memory:
            return Key.of(picture, labels)  # it may have been painted on between two reads
        name = str(part)
        if name not in self._keys:
            self._keys[name] = Key.of(picture, labels)
        return self._keys[name]

    def read(self) -> Read:
        """Return what a job that reads all this would have read, where everything is in memory."""
        around = [] if self.takes_all else [(None, key_of_whole(self.all_labels))]
        return (*around, *((part, self.key(part, *self.load(part))) for part in self.parts()))

    def mask(self, part: Part) -> MaskArray | None:
        """Return which pixels of a part lie in the region that was chosen; None: all of them."""
        if self.outlines:
            return fill_outlines(self.outlines, self.shape, part)
        if self.region is None:
            return None
        own = part[len(part) - self.region.data.ndim :]
        return np.broadcast_to(self.region.load(own) != 0, part_shape(part))


def read_layers(image_layer: Image, labels_layer: Labels, choice: Choice = EVERYTHING) -> Inputs:
    """Return what a run needs of layers that `find_problem` accepts."""
    return read_match(Match.of(image_layer, labels_layer, choice))


def read_match(match: Match) -> Inputs:
    """Return what a run needs of layers that belong together."""
    region, labels, grid = match.region, match.labels_data, match.grid
    window = match.scope.window(grid.shape)
    image = _read_channels(match.image_layer, finest(match.image_layer), match.channel_axis)
    shapes = match.choice.region
    return Inputs(
        image=image,
        more=tuple(_read_channels(one.own.layer, one.lay(reach=_REACH), None) for one in match.more),
        has_alpha=bool(match.image_layer.rgb) and image.data.shape[-1] == 4,
        labels=Excerpt.of(labels, window),
        all_labels=labels,
        spacing=grid.spacing,
        scope=match.scope,
        outlines=read_outlines(shapes, grid) if isinstance(shapes, Shapes) else (),
        region=None if region is None else _read_region(region.lay(), window),
    )


def read_outlines(shapes_layer: Shapes, grid: Grid) -> tuple[NDArray[Any], ...]:
    """Return the shapes that enclose pixels as outlines in pixels of the grid, wherever both lie.

    Parameters
    ----------
    shapes_layer : napari.layers.Shapes
        Rectangles, ellipses, polygons and closed paths; a line encloses nothing.
    grid : Grid
        Whose pixels.
    """
    outlines = []
    for corners, kind in zip(shapes_layer.data, shapes_layer.shape_type, strict=True):
        outline = ellipse_outline(corners) if kind == "ellipse" else np.asarray(corners)
        if kind != "line" and len(outline) > 2:
            outlines.append(grid.pixels_at(shapes_layer, outline))
    return tuple(outlines)


def stored(data: Any) -> Any:
    """Return the array of a layer itself."""
    if isinstance(data, Merged):
        return stored(data.upper)
    if isinstance(data, Levels):
        return data.levels[0]
    return stored(data.data) if isinstance(data, Laid | Cut) else data


def _copied(data: Any) -> Any:
    """Return a copy that no stroke reaches; what is stored elsewhere is not read for it."""
    if isinstance(data, Laid):
        return data.over(_copied(data.data))
    if isinstance(data, Levels):
        return Levels([_copied(one) for one in data.levels])
    if isinstance(data, np.ndarray):
        return copy_labels(data)  # a stack of few strokes in a fiftieth of the time of copy()
    # dask arrays are painted on in place, too; a copy shares all chunks.
    return data.copy() if isinstance(data, da.Array) else data


def _read_region(data: Any, window: tuple[slice, ...]) -> Excerpt:
    return Excerpt.of(data, window[len(window) - data.ndim :])


def _read_channels(layer: Image, data: Any, axis: int | None) -> Channels:
    low, high = layer.contrast_limits
    return Channels(data, axis, (float(low), float(high)))

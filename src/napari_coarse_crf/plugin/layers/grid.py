"""The pixels that are refined, and where other layers lie on them.

Layers are compared where they lie in the viewer, in one unit. Those that differ by position and size of a pixel are
read at the grid's pixels, by nearest neighbour; what is turned or sheared is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from napari.layers import Labels
from napari.utils.transforms import Affine

from napari_coarse_crf import InputError
from napari_coarse_crf.compute.laid import OUTSIDE, Laid, nearest
from napari_coarse_crf.plugin.layers.levels import Levels
from napari_coarse_crf.plugin.layers.look import place_of
from napari_coarse_crf.tiles.outlines import visible_box

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Image, Layer
    from numpy.typing import NDArray

_APART = 0.01
"""Of a pixel: how far layers may lie apart and still count as lying on each other."""
_ALIKE = 1e-3
"""Of a pixel: how far its size may differ and still be called the same."""
_IN_WORDS = {2.0: "twice as large", 0.5: "half as large"}

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """The pixels of a layer, without the axis of its channels.

    Attributes
    ----------
    layer : napari.layers.Image or Labels
        Whose pixels.
    without : int or None
        The axis that is none of the grid.
    """

    layer: Image | Labels
    without: int | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of pixels along each axis."""
        whole = [int(size) for size in finest(self.layer).shape[: self.layer.ndim]]
        return tuple(leave_out(whole, self.without))

    @property
    def spacing(self) -> tuple[float, ...]:
        """Size of a pixel along each axis, in one unit."""
        unit = leave_out(self.layer.units, self.without)[0]
        return tuple(leave_out(pixel_size(self.layer, unit), self.without))

    @property
    def place(self) -> dict[str, Any]:
        """What lays a layer of the grid's shape exactly on it."""
        return place_of(self.layer, self.without)

    def place_from(self, start: Sequence[int]) -> dict[str, Any]:
        """Return what lays a layer that begins at one of the pixels exactly on the grid."""
        place = self.place
        own = Affine(**{name: place[name] for name in ("scale", "translate", "rotate", "shear")})
        return {**place, "translate": np.asarray(own(np.asarray(start, np.float64)), np.float64)}

    def pixel_at(self, world: Sequence[float]) -> list[float]:
        """Return where a point of the viewer lies, in pixels; napari lines layers up by their last axes."""
        return leave_out([float(one) for one in self.layer.world_to_data(self._in_full(world))], self.without)

    def pixels_at(self, layer: Layer, points: NDArray[Any]) -> NDArray[np.float64]:
        """Return where (N, ndim) points of a layer lie, in pixels of the grid; both in units of their own.

        A layer that has as many axes as the grid lacks the axis that the grid lacks.
        """
        wanted = list(self.layer.units) if layer.ndim > len(self.shape) else leave_out(self.layer.units, self.without)
        pairs = list(zip(reversed(wanted), reversed(layer.units), strict=False))  # of the last axes
        factors = np.ones(layer.ndim)
        factors[layer.ndim - len(pairs) :] = [in_unit(one, [unit])[0] for one, unit in reversed(pairs)]
        # The way is affine: the origin and a step along each axis tell it, and napari need not be asked for each point.
        corners = np.vstack([np.zeros(layer.ndim), np.eye(layer.ndim)])
        world = np.array([layer.data_to_world(corner) for corner in corners]) * factors
        if self.without is not None and self.without < self.layer.ndim and layer.ndim == len(self.shape):
            world = np.insert(world, self.without, 0.0, axis=1)
        origin, *ends = np.array([self.pixel_at(one) for one in world])
        pixels: NDArray[np.float64] = origin + np.asarray(points, np.float64) @ (np.array(ends) - origin)
        return pixels

    def point_at(self, pixel: Sequence[float], world: Sequence[float]) -> list[float]:
        """Return where a pixel lies in the viewer, whose sliders stand at `world`: those of other axes stay."""
        point = self._in_full(world)
        place = np.asarray(self.layer.world_to_data(point))
        place[leave_out(range(self.layer.ndim), self.without)] = pixel
        return [*point[: len(point) - self.layer.ndim].tolist(), *map(float, self.layer.data_to_world(place))]

    def _in_full(self, world: Sequence[float]) -> NDArray[np.float64]:
        """Return a point of the viewer with a number for each axis of the layer at least."""
        missing = max(0, self.layer.ndim - len(world))
        return np.concatenate([np.zeros(missing), np.asarray(world, np.float64)])

    def box_in_view(self, displayed: Sequence[int]) -> tuple[tuple[int, int], ...]:
        """Return the range in view along each axis; `displayed` are the axes of the layer on the screen."""
        layer, corners = self.layer, self.layer.corner_pixels
        if layer.multiscale:  # counted in pixels of the level that is drawn
            factor = np.asarray(layer.downsample_factors)[layer.data_level]
            corners = np.array([np.floor(corners[0] * factor), np.ceil((corners[1] + 1) * factor) - 1]).astype(int)
        box = visible_box(corners, displayed, finest(layer).shape[: layer.ndim])
        return tuple(leave_out(box, self.without))

    def lookup(self, layer: Layer, without: int | None = None) -> Lookup:
        """Return where a layer lies on the grid; it may lack leading axes.

        Raises
        ------
        InputError
            If it is turned or sheared against the grid, its units are no lengths of the grid, or it has more axes.
        """
        own = Grid(layer, without)
        count = len(own.shape)
        if count > len(self.shape):
            raise InputError(self.say_sizes(own))
        steps, origin, units = _frame(own)
        of_grid, origin_of_grid, wanted = _frame(self)
        of_grid, origin_of_grid, wanted = of_grid[-count:, -count:], origin_of_grid[-count:], wanted[-count:]
        factors = np.array([in_unit(one, [unit])[0] for one, unit in zip(wanted, units, strict=True)])
        try:
            turned = np.linalg.solve(steps * factors[:, np.newaxis], of_grid)
            start = np.linalg.solve(steps * factors[:, np.newaxis], origin_of_grid - origin * factors)
        except np.linalg.LinAlgError:
            turned, start = np.full((count, count), np.inf), np.zeros(count)
        step = np.diagonal(turned).copy()
        shape = self.shape[-count:]
        if np.abs(turned - np.diag(step)).max(initial=0) * max(shape) > _APART or not step.all():
            raise InputError(
                f"'{layer.name}' is turned or sheared against '{self.layer.name}'. Give both layers the same rotation "
                "and shear: only position and size of a pixel may differ."
            )
        found = Lookup(own, step, start, shape)
        if not found.is_here:
            self._check_units(own, units, wanted, found)
        return found

    def say_sizes(self, other: Grid) -> str:
        """Say that two layers do not fit by their axes."""
        return (
            f"'{other.layer.name}' is {in_words(other.shape)} pixels but '{self.layer.name}' is "
            f"{in_words(self.shape)}. Choose a Labels layer drawn on this image, or crop both to the same region."
        )

    def _check_units(self, own: Grid, units: Sequence[Any], wanted: Sequence[Any], found: Lookup) -> None:
        """Raise if numbers of different kinds would be compared, as pixels and metres."""
        for axis, (unit, one) in enumerate(zip(units, wanted, strict=True)):
            if not unit.is_compatible_with(one) and not found.agrees_along(axis):
                raise InputError(
                    f"'{own.layer.name}' is measured in {unit} and '{self.layer.name}' in {one}, so nobody knows how "
                    "they lie on each other. Give both layers the same units and scale."
                )


@dataclass(frozen=True, slots=True, eq=False)
class Lookup:
    """Where a layer lies on a grid.

    Attributes
    ----------
    own : Grid
        The pixels of the layer.
    step, start : (ndim,) array
        The pixel i of the grid is start + step * i of the layer, along each axis.
    shape : tuple of int
        Of the grid, along the axes that the layer has.
    """

    own: Grid
    step: NDArray[np.float64]
    start: NDArray[np.float64]
    shape: tuple[int, ...]

    @property
    def is_here(self) -> bool:
        """Whether both have the same pixels at the same places."""
        return self.own.shape == self.shape and all(self.agrees_along(axis) for axis in range(len(self.shape)))

    @property
    def overlaps(self) -> bool:
        """Whether the layer covers any pixel of the grid."""
        return self.is_here or all((one != OUTSIDE).any() for one in self._index())

    def agrees_along(self, axis: int) -> bool:
        """Whether the same numbers stand for the same places along an axis."""
        ends = self.start[axis] + (self.step[axis] - 1) * np.array([0, self.shape[axis] - 1])
        return bool(np.abs(ends).max() <= _APART)

    def lay(self, plane: int | None = None, reach: int = 0) -> Any:
        """Return the data of the layer as they stand at the grid's pixels; its own array where these are its own.

        Parameters
        ----------
        plane : int, optional
            Which one to take along the axis that the grid has not.
        reach : int, optional
            By how many pixels the outermost reach farther.
        """
        data, without = painted(self.own.layer), self.own.without
        if self.is_here and (plane is None or without is None):
            return data
        index: list[Any] = self._index(reach)
        if plane is not None and without is not None:
            index.insert(without, plane)
        return Laid(data, tuple(index))

    def narrow(self, box: Sequence[tuple[int, int]], displayed: Sequence[int]) -> tuple[tuple[int, int], ...]:
        """Return a range in view, no larger than the layer says that lies there, along the displayed axes of the grid.

        For a grid of several resolutions: napari keeps more in view than is seen, so that it need not load again. What
        is seen of a layer ends at its border, which says nothing of the grid.
        """
        if self.own.layer.multiscale:
            return tuple(box)  # what is seen of it is counted in pixels of the level that is drawn
        corners = leave_out(self.own.layer.corner_pixels.T.tolist(), self.own.without)
        seen = list(box)
        for axis in displayed:
            (first, last), (start, stop) = corners[axis], box[axis]
            edges = np.array([first - 0.5 if first > 0 else -np.inf, last + 0.5])
            edges[1] = edges[1] if last < self.own.shape[axis] - 1 else np.inf
            low, high = sorted((edges - self.start[axis]) / self.step[axis])
            inner = max(start, np.floor(low)), min(stop, np.ceil(high) + 1)
            seen[axis] = (int(inner[0]), int(inner[1])) if inner[0] < inner[1] else box[axis]
        return tuple(seen)

    def describe(self, of_grid: str) -> str:
        """Say how the layer differs from the grid, and how it is read; "" if it does not."""
        if self.is_here:
            return ""
        name, sizes = self.own.layer.name, 1 / np.abs(self.step)
        if (np.abs(sizes - sizes[0]) > _ALIKE * sizes[0]).any():
            times = " x ".join(_rounded(size) for size in sizes)
            how = f"'{name}' has pixels {times} times as large as '{of_grid}'"
        elif abs(sizes[0] - 1) > _ALIKE:
            known = next((words for size, words in _IN_WORDS.items() if abs(sizes[0] / size - 1) < _ALIKE), "")
            how = f"'{name}' has pixels " + (known or f"{_rounded(sizes[0])} times as large as '{of_grid}'")
        elif self.own.shape == self.shape:
            how = f"'{name}' is shifted against '{of_grid}'"
        else:
            how = f"'{name}' covers another area than '{of_grid}'"
        return f"{how}: it is read at the image's pixels."

    @property
    def in_plain_values(self) -> dict[str, list[float]]:
        """Step and start as they stand in the metadata of a result."""
        return {name: [round(float(one), 6) for one in getattr(self, name)] for name in ("step", "start")}

    def _index(self, reach: int = 0) -> list[NDArray[np.intp]]:
        along = zip(self.own.shape, self.step, self.start, self.shape, strict=True)
        return [nearest(count, step, start, length, reach) for count, step, start, length in along]


def pixel_size(layer: Image | Labels, unit: Any = None) -> tuple[float, ...]:
    """Return how long a pixel is along each axis of the data, in one unit: by default that of the first axis.

    Scale, affine, rotation and shear of a layer all have their part in it: a step along an axis of the data is a column
    of the matrix that leads to the world.
    """
    _, steps = _way_to_world(layer)
    lengths = np.linalg.norm(steps * in_unit(layer.units[0] if unit is None else unit, layer.units), axis=1)
    return tuple(float(length) for length in lengths)


def in_unit(wanted: Any, units: Sequence[Any]) -> NDArray[np.float64]:
    """Return what one of each unit is in the wanted one; 1 where they cannot be compared, as pixels and metres."""
    return np.array([(1 * unit).to(wanted).magnitude if unit.is_compatible_with(wanted) else 1.0 for unit in units])


def finest(layer: Any) -> Any:
    """Return the data of a layer at full resolution."""
    return layer.data[0] if layer.multiscale else layer.data


def painted(layer: Image | Labels) -> Any:
    """Return the data of a layer at full resolution, of labels with what is painted on any level."""
    return Levels(layer.data) if layer.multiscale and isinstance(layer, Labels) else finest(layer)


def leave_out(values: Sequence[T], axis: int | None) -> list[T]:
    """Return the values, one for each axis, without that of one axis."""
    return [value for place, value in enumerate(values) if place != axis]


def in_words(shape: Sequence[int]) -> str:
    """Return a shape as "40 x 60"."""
    return " x ".join(str(size) for size in shape)


def _rounded(number: float) -> str:
    return f"{round(number, 3):g}"


def _frame(grid: Grid) -> tuple[NDArray[np.float64], NDArray[np.float64], list[Any]]:
    """Return the step along each axis (a column), the place of the first pixel, and the units of its numbers."""
    layer = grid.layer
    origin, steps = _way_to_world(layer)
    kept = leave_out(range(layer.ndim), grid.without)
    return steps.T[np.ix_(kept, kept)], origin[kept], [layer.units[axis] for axis in kept]


def _way_to_world(layer: Layer) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where the first pixel lies in the viewer, and the step along each axis of the data (a row)."""
    origin = np.asarray(layer.data_to_world(np.zeros(layer.ndim)), np.float64)
    return origin, np.array([layer.data_to_world(one) for one in np.eye(layer.ndim)]) - origin

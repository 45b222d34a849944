"""Where the pixels of an image lie: how large they are, and what else its file says of their place.

Microscopes say it in the words of OME, ImageJ or LSM, aircraft and satellites in those of GeoTIFF, scanners in dots per
inch. Refinement needs ratios of sizes alone; the result says all of it again, so that it lies where the image does.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import tifffile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_coarse_crf.compute.arrays import AnyArray

UNKNOWN = "?"
"""An axis of which the file does not say what it is."""

Style = Literal["plain", "OME", "ImageJ"]

_MICROMETRES = {
    **dict.fromkeys(("µm", "μm", "um", "micron", "microns", "micrometer", "micrometre"), 1.0),
    "pm": 1e-6,
    "Å": 1e-4,
    "nm": 1e-3,
    "mm": 1e3,
    "cm": 1e4,
    "dm": 1e5,
    "m": 1e6,
    "meter": 1e6,
    "metre": 1e6,
    "km": 1e9,
    "inch": 25400.0,
    "in": 25400.0,
    "ft": 304800.0,
}
_RESOLUTION_UNITS = {2: "inch", 3: "cm", 4: "mm", 5: "µm"}  # the last two by agreement of some programs
_ORIENTATION = 274
_UPSIDE_DOWN, _MIRRORED = (3, 4, 7, 8), (2, 3, 6, 7)  # orientations, after Y and X have changed places from 5 on
_GEOREFERENCE = (33550, 33922, 34264, 34735, 34736, 34737)  # scale, tie points, matrix, and the three tags of keys
_OF_IMAGEJ = ("finterval", "fps", "loop", "tunit", "xorigin", "yorigin", "zorigin", "Info")  # no values: these are ids
_OF_OME = ("TimeIncrement", "TimeIncrementUnit")
_IN_IMAGEJ, _ORDER_OF_IMAGEJ, _MOST_OF_IMAGEJ = ("uint8", "uint16", "float32"), "TZCYX", 2**31  # types, axes, bytes
_IN_OME = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64")
_ALIKE = 1.001  # sizes that differ by less are the same, rounded to a fraction of whole numbers


@dataclass(frozen=True, slots=True)
class Grid:
    """What a file says of the place of its pixels.

    Attributes
    ----------
    sizes : mapping of str to float
        How large a pixel is along the axes X, Y and Z, as far as it is known; all in one unit.
    unit : str
        Of the sizes; "" where nobody says.
    style : {"plain", "OME", "ImageJ"}
        In whose words.
    georeference : tuple of (code, type, count, value)
        The tags of a GeoTIFF.
    more : mapping
        What else is said in these words, of time for example.
    orientation : int
        How a camera was held, 1 to 8 as TIFF and EXIF number it: 1 is upright.
    doubt : str
        What was not understood, in a sentence; "" where all was.
    """

    sizes: Mapping[str, float] = field(default_factory=dict)
    unit: str = ""
    style: Style = "plain"
    georeference: tuple[tuple[int, int, int, Any], ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)
    orientation: int = 1
    doubt: str = ""

    def upright(self) -> Grid:
        """Return the same of the picture turned upright, which lies at another place on the ground."""
        places = {"X": "Y", "Y": "X"} if self.orientation >= 5 else {}
        sizes = {places.get(axis, axis): size for axis, size in self.sizes.items()}
        return replace(self, sizes=sizes, orientation=1, georeference=() if self.orientation > 1 else self.georeference)

    def size_along(self, letter: str) -> float | None:
        """Return the size along an axis; one that the file does not name is depth."""
        return self.sizes.get("Z" if letter == UNKNOWN else letter)

    def spacing(self, axes: str) -> tuple[tuple[float, ...] | None, str]:
        """Return the size of a pixel along each axis, None if all are alike, and the axes of which nobody knows it.

        Along these it is the finest of the others.

        Examples
        --------
        >>> Grid({"Z": 2.0, "Y": 0.5, "X": 0.5}).spacing("ZYX"), Grid({"Y": 0.5, "X": 0.5}).spacing("ZYX")
        (((2.0, 0.5, 0.5), ''), (None, 'Z'))
        """
        known = [self.size_along(letter) for letter in axes]
        sizes = [size for size in known if size is not None]
        unknown = "".join(letter for letter, size in zip(axes, known, strict=True) if size is None)
        if not sizes or max(sizes) < min(sizes) * _ALIKE:
            return None, unknown
        return tuple(min(sizes) if size is None else size for size in known), unknown


def turned(pixels: AnyArray, orientation: int, y: int, x: int) -> AnyArray:
    """Return pixels, whose axes Y and X are named, turned from how they are stored to how they are shown."""
    shown: AnyArray = np.swapaxes(pixels, y, x) if orientation >= 5 else pixels
    return np.flip(shown, tuple(axis for axis, which in ((y, _UPSIDE_DOWN), (x, _MIRRORED)) if orientation in which))


def read_orientation(number: Any) -> int:
    """Return an orientation, upright where the number is none."""
    return int(number) if number in range(1, 9) else 1


def read_grid(file: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> Grid:
    """Return what a TIFF file says of the place of the pixels of a series."""
    tag = series.keyframe.tags.get(_ORIENTATION)
    return replace(_grid_of(file, series), orientation=read_orientation(1 if tag is None else tag.value))


def _grid_of(file: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> Grid:
    page = series.keyframe
    if series.kind == "ome":
        return _grid_of_ome(file.ome_metadata or "", file.series.index(series))
    if series.kind == "imagej":
        return _grid_of_imagej(file.imagej_metadata or {}, _resolution(page))
    if series.kind == "lsm":
        metres = file.lsm_metadata or {}
        return Grid(_positive({axis: 1e6 * metres.get(f"VoxelSize{axis}", 0) for axis in "XYZ"}), "µm", "OME")
    if series.kind == "svs":
        size = tifffile.tifffile.svs_description_metadata(page.description).get("MPP", 0)  # micrometres per pixel
        return Grid(_positive({"X": size, "Y": size}), "µm")
    tags = [page.tags[code] for code in _GEOREFERENCE if code in page.tags]
    georeference = tuple((tag.code, int(tag.dtype), tag.count, _in_bytes(tag.value)) for tag in tags)
    sizes, unit, doubt = _resolution(page), _RESOLUTION_UNITS.get(int(page.resolutionunit or 1), ""), ""
    if not unit and set(sizes.values()) == {1.0}:  # what is written where nobody knows
        sizes = {}
    try:
        if on_the_ground := _sizes_on_the_ground(page):
            sizes, unit = on_the_ground, ""
    except (TypeError, ValueError, IndexError):
        doubt = "How large its pixels are on the ground was not understood. Give it with --spacing."
    said = (file.shaped_metadata or [{}])[0] if series.kind == "shaped" else {}
    if "spacing" in said:  # the words of `describe` where neither OME nor ImageJ has any
        sizes, unit = sizes | _positive({"Z": said["spacing"]}), str(said.get("unit", ""))
    return Grid(sizes, unit if sizes else "", georeference=georeference, doubt=doubt)


def describe(grid: Grid, axes: str, values: AnyArray) -> dict[str, Any]:
    """Return how tifffile is told to say this of an array with these axes, in the words of the file it comes from.

    ImageJ knows three types of numbers and one order of axes. OME says the same for others, and plain words for those
    that OME lacks.
    """
    if axes.count(UNKNOWN) == 1 and "Z" not in axes and grid.style != "plain":
        axes = axes.replace(UNKNOWN, "Z")
    extra = [(*tag, True) for tag in grid.georeference]
    if grid.orientation > 1:
        extra.append((_ORIENTATION, 3, 1, grid.orientation, True))
    tags = {"extratags": extra}
    if grid.style == "plain" or UNKNOWN in axes or values.dtype.name not in _IN_OME:
        return tags | _say_plainly(grid, axes)
    in_order = axes == "".join(letter for letter in _ORDER_OF_IMAGEJ if letter in axes)
    if grid.style == "ImageJ" and values.dtype.name in _IN_IMAGEJ and in_order and values.nbytes < _MOST_OF_IMAGEJ:
        return tags | _say_as_imagej(grid, axes)
    return tags | _say_as_ome(grid, axes)


def _say_plainly(grid: Grid, axes: str) -> dict[str, Any]:
    depth = grid.sizes.get("Z") if "Z" in axes else None
    words = _some(axes=axes, spacing=depth, unit=grid.unit if depth else None)
    return _in_dots(grid) | ({} if axes == "YX" or UNKNOWN in axes else {"metadata": words})


def _say_as_imagej(grid: Grid, axes: str) -> dict[str, Any]:
    depth = grid.sizes.get("Z") if "Z" in axes else None
    words = _some(axes=axes, spacing=depth, unit=_escaped(grid.unit) or None)
    more = {
        name: _escaped(word) if isinstance(word, str) and name != "Info" else word for name, word in grid.more.items()
    }
    return _in_dots(grid) | {"imagej": True, "metadata": words | more, "resolutionunit": 1}


def _say_as_ome(grid: Grid, axes: str) -> dict[str, Any]:
    factor = _MICROMETRES.get(grid.unit)
    unit = "µm" if factor else "pixel"
    words: dict[str, Any] = {"axes": axes} | (dict(grid.more) if grid.style == "OME" else {})
    for axis, size in grid.sizes.items():
        if axis in axes:
            words |= {f"PhysicalSize{axis}": size * (factor or 1.0), f"PhysicalSize{axis}Unit": unit}
    return {"ome": True, "metadata": words}


def _in_dots(grid: Grid) -> dict[str, Any]:
    """Return the sizes as a resolution, pixels in a unit."""
    if not {"X", "Y"} <= set(grid.sizes):
        return {}
    unit = next((code for code, name in _RESOLUTION_UNITS.items() if name == grid.unit), 1)
    return {"resolution": (1 / grid.sizes["X"], 1 / grid.sizes["Y"]), "resolutionunit": unit}


def _grid_of_ome(xml: str, number: int) -> Grid:
    images = tifffile.xml2dict(xml).get("OME", {}).get("Image", [])
    image = dict(enumerate(images if isinstance(images, list) else [images])).get(number, {})
    pixels = image.get("Pixels", {})
    said = {axis: (pixels.get(f"PhysicalSize{axis}"), pixels.get(f"PhysicalSize{axis}Unit", "µm")) for axis in "XYZ"}
    sizes, unit, doubt = in_one_unit({axis: one for axis, one in said.items() if one[0] is not None})
    return Grid(sizes, unit, "OME", more={name: pixels[name] for name in _OF_OME if name in pixels}, doubt=doubt)


def _grid_of_imagej(said: Mapping[str, Any], sizes: Mapping[str, float]) -> Grid:
    unit = _unescaped(str(said.get("unit", "")))
    is_measured = unit not in ("", "pixel", "pixels")
    # Where it writes a unit, ImageJ leaves out a spacing of 1.
    depth = said.get("spacing", 1.0 if is_measured else 0.0)
    both = dict(sizes) | _positive({"Z": abs(depth) if isinstance(depth, int | float) else 0.0})
    units = {"X": unit, "Y": said.get("yunit", unit), "Z": said.get("zunit", unit)}
    measured = {axis: (size, _unescaped(str(units[axis]))) for axis, size in both.items()}
    in_one, unit, doubt = in_one_unit(measured)
    more = {name: said[name] for name in _OF_IMAGEJ if name in said}
    return Grid(in_one, unit, "ImageJ", more=more, doubt=doubt)


def _resolution(page: Any) -> dict[str, float]:
    """Return the sizes that the resolution of a page says."""
    dots = {axis: page.tags.get(f"{axis}Resolution") for axis in "YX"}
    said = {axis: tag.value for axis, tag in dots.items() if tag is not None}
    sizes = {axis: value[1] / value[0] for axis, value in said.items() if isinstance(value, tuple) and value[0]}
    return _positive(sizes) if len(sizes) == 2 else {}


def _sizes_on_the_ground(page: Any) -> dict[str, float]:
    """Return the sizes that a GeoTIFF says: by a scale, or by the matrix from pixels to places."""
    if 33550 in page.tags:
        scale = page.tags[33550].value
        return _positive({"X": abs(scale[0]), "Y": abs(scale[1])})  # some say by their sign which way it goes
    if 34264 in page.tags:
        matrix = np.reshape(page.tags[34264].value, (4, 4))
        lengths = np.linalg.norm(matrix[:3, :2], axis=0)
        return _positive({"X": float(lengths[0]), "Y": float(lengths[1])})
    return {}


def in_one_unit(said: Mapping[str, tuple[float, str]]) -> tuple[dict[str, float], str, str]:
    """Return sizes, each with its unit, in the first of these; none, but a doubt, if one of several is no length."""
    units = [unit for _, unit in said.values()]
    if len(set(units)) > 1:
        if any(unit not in _MICROMETRES for unit in units):
            named = ", ".join(dict.fromkeys(unit or "none" for unit in units))
            return {}, "", f"Its pixel sizes are in units that were not understood ({named}). Give them with --spacing."
        said = {axis: (size * _MICROMETRES[unit] / _MICROMETRES[units[0]], unit) for axis, (size, unit) in said.items()}
    return _positive({axis: size for axis, (size, _) in said.items()}), units[0] if units else "", ""


def _positive(sizes: Mapping[str, Any]) -> dict[str, float]:
    """Return the sizes that are any; some programs write 0 for one they do not know."""
    numbers = {axis: float(size) for axis, size in sizes.items() if isinstance(size, int | float)}
    return {axis: size for axis, size in numbers.items() if math.isfinite(size) and size > 0}


def _in_bytes(value: Any) -> Any:
    """Return text as it may be written in any alphabet, other values as they are."""
    return value.encode() if isinstance(value, str) else value


def _some(**words: Any) -> dict[str, Any]:
    return {name: word for name, word in words.items() if word is not None}


def _escaped(unit: Any) -> str:
    """Return a unit as ImageJ writes it, in ASCII."""
    return "".join(letter if ord(letter) < 128 else f"\\u{ord(letter):04X}" for letter in str(unit))


def _unescaped(unit: str) -> str:
    return re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), unit)

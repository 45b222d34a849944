"""What an OME-Zarr group says of its image, in versions 0.4 and 0.5, and what is said of labels in the same words.

yaozarrs checks it against the specification: its models are of pydantic alone, which napari has too, while ome-zarr
brings clients of S3 and HTTP and ngff-zarr compiled filters. zarr reads and writes.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import ValidationError

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.io.grid import UNKNOWN, Grid, in_one_unit
from napari_coarse_crf.io.raster import CHANNELS, SAMPLES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

Version = Literal["0.4", "0.5"]

_UNITS = {
    "angstrom": "Å",
    "picometer": "pm",
    "nanometer": "nm",
    "micrometer": "µm",
    "millimeter": "mm",
    "centimeter": "cm",
    "decimeter": "dm",
    "meter": "m",
    "kilometer": "km",
    "inch": "inch",
    "foot": "ft",
}
_SECONDS = {"second": "s", "millisecond": "ms", "minute": "min", "hour": "h", "day": "d"}
_SPACE = ("Z", "Y", "X")
_COLOURS = ("FF0000", "00FF00", "0000FF")


@dataclass(frozen=True, slots=True)
class Multiscale:
    """The pyramid of an image as an OME-Zarr group describes it.

    Attributes
    ----------
    version : {"0.4", "0.5"}
        Of OME-Zarr: zarr 2 and 3.
    axes : list of dict
        Name, type and unit of each axis, as they are stored.
    paths : tuple of str
        Where the levels lie in the group, the largest first.
    scales, translations : tuple of tuple of float
        Size of a pixel along each axis and where the first one lies, level by level.
    channels : tuple of str
        The colour of each channel in hexadecimal digits; empty where nobody says.
    colours : mapping of int to (R, G, B, A)
        Of the ids of a label map, 0..255; empty where nobody says.
    """

    version: Version
    axes: list[dict[str, Any]]
    paths: tuple[str, ...]
    scales: tuple[tuple[float, ...], ...]
    translations: tuple[tuple[float, ...], ...]
    channels: tuple[str, ...] = ()
    colours: Mapping[int, tuple[int, ...]] = field(default_factory=dict)

    @property
    def letters(self) -> str:
        """What each axis is, see `Raster`."""
        return "".join(_letters(self.axes))

    def letters_of(self, dtype: np.dtype[Any], shape: Sequence[int]) -> str:
        """Return what each axis of an array is: three channels of bytes in red, green and blue are colours."""
        letters = self.letters
        if CHANNELS not in letters or dtype != np.uint8 or shape[letters.index(CHANNELS)] != len(_COLOURS):
            return letters
        return letters.replace(CHANNELS, SAMPLES) if self.channels == _COLOURS else letters

    def place(self, letter: str) -> tuple[float, float]:
        """Return the size of a pixel along an axis, and where the first one lies."""
        axis = self.letters.index(letter)
        return self.scales[0][axis], self.translations[0][axis]

    def without(self, gone: Collection[int]) -> Multiscale:
        """Return the same without some of its axes."""

        def rest(values: Sequence[float]) -> tuple[float, ...]:
            return tuple(value for axis, value in enumerate(values) if axis not in gone)

        return replace(
            self,
            axes=[axis for number, axis in enumerate(self.axes) if number not in gone],
            scales=tuple(rest(scale) for scale in self.scales),
            translations=tuple(rest(translation) for translation in self.translations),
            channels=(),
            colours={},
        )

    @property
    def grid(self) -> Grid:
        """Where the pixels of the largest level lie."""
        said, more = {}, {}
        for letter, axis, size in zip(self.letters, self.axes, self.scales[0], strict=True):
            unit = axis.get("unit") or ""
            if letter in "XYZ":
                said[letter] = (size, _UNITS.get(unit, unit))
            elif letter == "T" and unit in _SECONDS:
                more = {"TimeIncrement": size, "TimeIncrementUnit": _SECONDS[unit]}
        sizes, unit, doubt = in_one_unit(said)
        if not unit and set(sizes.values()) <= {1.0}:  # what is written where nobody knows
            sizes = {}
        return Grid(sizes, unit, "OME", more=more, doubt=doubt)


def _model_of(version: Version) -> Any:
    from yaozarrs import v04, v05  # here: a fifth of a second, for which who refines a PNG shall not wait

    return {"0.4": v04.Multiscale, "0.5": v05.Multiscale}[version]


def read_multiscale(attributes: Mapping[str, Any]) -> Multiscale | None:
    """Return the pyramid that the attributes of a group describe; None if they describe none.

    Raises
    ------
    InputError
        If they do not keep to the specification, or to another version of it.
    """
    said = ome_attributes(attributes)
    if "multiscales" not in said:
        return None
    version = said_version(attributes)
    try:
        first = dict(said["multiscales"][0])
        if version == "0.4":
            first["version"] = version
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # yaozarrs tells programmers of units that the specification lacks
            known = _model_of(version).model_validate(first)
    except ValidationError as error:
        told = error.errors()[0]
        place = ".".join(str(step) for step in ("multiscales", 0, *told["loc"]))
        raise InputError(
            f"What it says of its axes and levels is not OME-Zarr {version}: {place}: "
            f"{told['msg'].partition(chr(10))[0].rstrip('.')}. Correct its metadata, or give one of its arrays."
        ) from error
    except (LookupError, TypeError, ValueError) as error:
        raise InputError(
            "Its list of pyramids (multiscales) holds none. Correct its metadata, or give one of its arrays."
        ) from error
    places = [_transformed(known, level) for level in known.datasets]
    if not all(math.isfinite(size) and size for scale, _ in places for size in scale):
        raise InputError("It gives its pixels the size 0, or none that is a number. Correct its metadata.")
    return Multiscale(
        version,
        [axis.model_dump(exclude_none=True) for axis in known.axes],
        tuple(level.path for level in known.datasets),
        tuple(scale for scale, _ in places),
        tuple(translation for _, translation in places),
        _channels(said),
        _colours_of_ids(said),
    )


def ome_attributes(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what is said in the words of OME among the attributes of a group."""
    said = attributes.get("ome", attributes)
    return said if isinstance(said, dict) else {}


def said_version(attributes: Mapping[str, Any]) -> Version:
    """Return the version of OME-Zarr that the attributes of a group are written in.

    Raises
    ------
    InputError
        If it is another than 0.4 and 0.5.
    """
    said = ome_attributes(attributes)
    pyramids = said.get("multiscales")
    first = pyramids[0] if isinstance(pyramids, list) and pyramids and isinstance(pyramids[0], dict) else {}
    default = "0.5" if "ome" in attributes else "0.4"
    version = str(said.get("version", first.get("version", default)))
    if version == "0.4":
        return "0.4"
    if version == "0.5":
        return "0.5"
    raise InputError(f"It is OME-Zarr {version}, and 0.4 and 0.5 are read here. Convert it to one of them.")


def unit_in_ome(unit: str) -> str | None:
    """Return what OME-Zarr calls a unit; None where it has no word for it."""
    if unit in _UNITS:
        return unit
    return next((word for word, short in _UNITS.items() if short == unit), None)


def describe_pyramid(
    like: Multiscale,
    name: str,
    *,
    are_labels: bool,
    shown: Mapping[int, Sequence[int]] | None = None,
    source: str | None = None,
) -> dict[str, Any]:
    """Return the attributes of a group with the axes, levels and places of a pyramid.

    Parameters
    ----------
    like : Multiscale
        The pyramid.
    name : str
        Of what the group holds.
    are_labels : bool
        Whether that is a label map.
    shown : mapping of int to (R, G, B, A), optional
        The colour of each id, 0..255.
    source : str, optional
        Where the image lies, seen from the group.
    """
    levels = [
        {"path": path, "coordinateTransformations": _transformations(scale, translation)}
        for path, scale, translation in zip(like.paths, like.scales, like.translations, strict=True)
    ]
    pyramid: dict[str, Any] = {"name": name, "axes": like.axes, "datasets": levels, "type": "nearest"}
    label: dict[str, Any] = {} if like.version == "0.5" else {"version": "0.4"}
    if shown:
        label["colors"] = [{"label-value": label_id, "rgba": list(rgba)} for label_id, rgba in sorted(shown.items())]
    if source is not None:
        label["source"] = {"image": source}
    words: dict[str, Any] = {"image-label": label} if are_labels else {}
    if like.version == "0.5":
        return {"ome": {"version": "0.5", "multiscales": [pyramid], **words}}
    return {"multiscales": [pyramid | {"version": "0.4"}], **words}


def _letters(axes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what each axis is: by its type, those of space by their names, or by their places if these are others."""
    kinds = {"time": "T", "channel": CHANNELS}
    places = iter("ZYX"[-sum(axis.get("type") == "space" for axis in axes) :])
    letters = []
    for axis in axes:
        kind = axis.get("type")
        letters.append(next(places) if kind == "space" else kinds.get(str(kind), UNKNOWN))
    names = [str(axis["name"]).upper() for axis in axes]
    named = [
        name if name in _SPACE and axis.get("type") == "space" else letter
        for name, letter, axis in zip(names, letters, axes, strict=True)
    ]
    return named if len(set(named)) == len(named) else letters


def _transformed(known: Any, level: Any) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the scale and the translation of a level, after those of the whole pyramid."""
    scale, translation = np.ones(known.ndim), np.zeros(known.ndim)
    for step in (*level.coordinateTransformations, *(known.coordinateTransformations or ())):
        if step.type == "scale":
            scale, translation = scale * step.scale, translation * step.scale
        else:
            translation = translation + step.translation
    return tuple(scale.tolist()), tuple(translation.tolist())


def _transformations(scale: Sequence[float], translation: Sequence[float]) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = [{"type": "scale", "scale": list(scale)}]
    return [*steps, {"type": "translation", "translation": list(translation)}] if any(translation) else steps


def _channels(said: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the colours of the channels; what else is said of them, and by whom, does not matter here."""
    try:
        return tuple(str(channel["color"]).lstrip("#").upper() for channel in said["omero"]["channels"])
    except (LookupError, TypeError):
        return ()


def _colours_of_ids(said: Mapping[str, Any]) -> dict[int, tuple[int, ...]]:
    """Return the colours of a label map, as far as they are understood: nothing but looks depends on them."""
    try:
        listed = said["image-label"]["colors"]
        return {int(one["label-value"]): tuple(int(part) for part in one["rgba"]) for one in listed if "rgba" in one}
    except (LookupError, TypeError, ValueError):
        return {}

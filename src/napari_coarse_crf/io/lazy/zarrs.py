"""Images in zarr stores: OME-Zarr groups with their pyramids and label maps, and arrays on their own."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr
from zarr.errors import ZarrUserWarning

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.io.claims import check_claim
from napari_coarse_crf.io.grid import UNKNOWN, Grid
from napari_coarse_crf.io.lazy.ome import Multiscale, ome_attributes, read_multiscale
from napari_coarse_crf.io.lazy.places import Place, below, check_is_there
from napari_coarse_crf.io.lazy.stored import Pyramid, ratios, stand_in
from napari_coarse_crf.io.lazy.unpacking import bounded
from napari_coarse_crf.io.raster import CHANNELS, Raster

if TYPE_CHECKING:
    from collections.abc import Iterator

LABELS = "labels"
"""The group of an OME-Zarr image that holds its label maps."""

_LAYOUT = "bioformats2raw.layout"
_KNOWN = {"x": "X", "y": "Y", "z": "Z", "t": "T", "time": "T", "c": CHANNELS, "channel": CHANNELS}
_NUMBERS = "biufc"  # kinds of numpy
_NAMED = 5  # arrays or maps of a group, in a sentence


def open_zarr(place: Place) -> Pyramid:
    """Look at what a zarr store holds without reading its pixels.

    Raises
    ------
    InputError
        If it holds no image, or one that is not understood.
    """
    node = open_node(place)
    if UNFINISHED in node.attrs:
        raise InputError("It is not finished: the run that writes it goes on, or was stopped. Start that again.")
    if isinstance(node, zarr.Array):
        axes, names_axes = _axes_of(node)
        with quiet():
            level = bounded(node)
        return Pyramid((level,), ((1.0,) * node.ndim,), _raster(node, axes, names_axes, Grid()))
    image, pictures = _image_in(node)
    multiscale = read_multiscale(image.attrs.asdict())
    if multiscale is None:
        raise InputError(_say_without_image(image, place))
    levels = tuple(_level(image, path, len(multiscale.axes)) for path in multiscale.paths)
    first = levels[0]
    raster = _raster(first, multiscale.letters_of(first.dtype, first.shape), True, multiscale.grid, pictures)
    return Pyramid(levels, _scales(multiscale, levels), raster, multiscale)


def open_label_map(place: Place) -> tuple[Pyramid, Place]:
    """Look at a label map in a zarr store, and say where it lies: in an image with but one, that is meant.

    Raises
    ------
    InputError
        If it holds none, several, or one that is not understood.
    """
    check_is_there(place)
    node = open_node(place)
    if isinstance(node, zarr.Group):
        said = ome_attributes(node.attrs.asdict())
        names, where = said.get(LABELS), str(place)
        if "multiscales" in said and "image-label" not in said and LABELS in node:
            inner = node[LABELS]
            names = ome_attributes(inner.attrs.asdict()).get(LABELS)
            where = below(place, LABELS)
        if isinstance(names, list):
            if not names:
                raise InputError("It holds no label map.")
            if len(names) > 1:
                listed, first = ", ".join(map(str, names[:_NAMED])), below(where, str(names[0]))
                raise InputError(f"It holds {len(names)} label maps ({listed}). Give one of them, such as {first}.")
            place = below(where, str(names[0]))
    return open_zarr(place), place


UNFINISHED = "coarse_crf_unfinished"
"""The attribute that a store of ours bears until it is finished, with what the run that writes it is known by."""


@contextmanager
def quiet() -> Iterator[None]:
    """Keep zarr from warning of what lies beside, and of what other programs do not know yet."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ZarrUserWarning)
        yield


def open_node(place: Place, mode: Any = "r") -> zarr.Group | zarr.Array[Any]:
    """Open the group or array at a place: as it is, whatever an older summary of its metadata says.

    Raises
    ------
    InputError
        If there is none.
    """
    with quiet():
        try:
            node = zarr.open(str(place), mode=mode)
            return (
                node
                if isinstance(node, zarr.Array)
                else zarr.open_group(node.store_path, mode=mode, use_consolidated=False)
            )
        except zarr.errors.NodeNotFoundError as error:
            raise InputError("It holds no zarr array or group. Give one that does, or an image file.") from error


def _image_in(group: zarr.Group) -> tuple[zarr.Group, int]:
    """Return the group of the first image that a group holds, and how many it holds."""
    said = ome_attributes(group.attrs.asdict())
    if "multiscales" in said:
        return group, 1
    if "plate" in said or "well" in said:
        kind = "plate" if "plate" in said else "well"
        raise InputError(f"It is a {kind} of many images. Give the place of one of them, which ends like /A/1/0.")
    if _LAYOUT in said and "0" in group:  # bioformats2raw writes its images into one store, by their numbers
        count = 1
        while str(count) in group:
            count += 1
        first = group["0"]
        if isinstance(first, zarr.Group):
            return first, count
    return group, 1


def _say_without_image(group: zarr.Group, place: Place) -> str:
    """Say what a group holds instead of an image."""
    arrays = [name for name, _ in group.arrays()]
    if not arrays:
        return "It is a group of zarr that describes no image (it has no multiscales). Give one that does."
    more = " and others" if len(arrays) > _NAMED else ""
    return (
        "It is a group of zarr that describes no image (it has no multiscales), with the arrays "
        f"{', '.join(sorted(arrays)[:_NAMED])}{more}. Give one of them, such as {below(place, min(arrays))}."
    )


def _level(group: zarr.Group, path: str, ndim: int) -> zarr.Array[Any]:
    with quiet():
        try:
            level = group[path]
        except KeyError as error:
            raise InputError(f"Its level {path} is missing: it is incomplete. Copy or convert it again.") from error
    if not isinstance(level, zarr.Array):
        raise InputError(f"Its level {path} is a group, where an array is due. Convert it again.")
    if level.ndim != ndim:
        raise InputError(
            f"Its level {path} has {level.ndim} axes, and its metadata name {ndim}. Correct them, or give the array."
        )
    with quiet():
        return bounded(level)


def _scales(multiscale: Multiscale, levels: tuple[Any, ...]) -> tuple[tuple[float, ...], ...]:
    """Return how many pixels of the full size one of each level is: by the metadata, else by the shapes."""
    first = np.array(multiscale.scales[0])
    by_shape = ratios(levels)
    said = [tuple((np.array(scale) / first).tolist()) for scale in multiscale.scales]
    is_bare = [np.allclose(one, 1) for one in said]
    return tuple(shape if bare else one for one, bare, shape in zip(said, is_bare, by_shape, strict=True))


def _raster(array: Any, axes: str, names_axes: bool, grid: Grid, pictures: int = 1) -> Raster:
    if array.dtype.kind not in _NUMBERS:
        raise InputError("It holds text or objects, not numbers. Give an array that is an image.")
    pixels = stand_in(array)
    check_claim(_read_at_once(array), pixels.dtype.itemsize, "One of its chunks")
    notes = (grid.doubt,) if grid.doubt else ()
    bits = 8 * pixels.dtype.itemsize
    return Raster(pixels, axes, bits, names_axes=names_axes, grid=grid, pictures=pictures, notes=notes)


def _read_at_once(array: zarr.Array[Any]) -> tuple[int, ...]:
    """Return the shape of the smallest part that can be read: a chunk, but of a shard that is packed all of it."""
    is_packed = array.shards is not None and len(array.metadata.codecs) > 1  # type: ignore[union-attr]  # zarr 3
    return (array.shards if is_packed else None) or array.chunks


def _axes_of(array: zarr.Array[Any]) -> tuple[str, bool]:
    """Return what the axes of an array are, and whether it says so: as zarr 3 names them, or xarray in zarr 2."""
    names = getattr(array.metadata, "dimension_names", None) or array.attrs.get("_ARRAY_DIMENSIONS")
    guess = (UNKNOWN * array.ndim + "YX")[-array.ndim :]
    if not isinstance(names, list | tuple) or len(names) != array.ndim:
        return guess, False
    letters = [_KNOWN.get(str(name).lower(), UNKNOWN) for name in names]
    is_clear = len({*letters} - {UNKNOWN}) == len([one for one in letters if one != UNKNOWN]) and {"X", "Y"} <= {
        *letters
    }
    return ("".join(letters), True) if is_clear else (guess, False)

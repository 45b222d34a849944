"""Where a result is written, what is there already, and the list of label maps that an OME-Zarr image keeps."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec
import zarr

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.io.beside import hidden_name
from napari_coarse_crf.io.files import TIFF, check_folder, check_free
from napari_coarse_crf.io.lazy.ome import ome_attributes, said_version
from napari_coarse_crf.io.lazy.places import Place, above, below, is_url, is_zarr
from napari_coarse_crf.io.lazy.remote import reached
from napari_coarse_crf.io.lazy.zarrs import LABELS, UNFINISHED, open_node, quiet
from napari_coarse_crf.io.places import exists, is_folder, real_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

ZARR_OF: dict[str, Any] = {"0.4": 2, "0.5": 3}
"""The version of zarr in which each version of OME-Zarr is stored."""


def is_tiff_name(place: Place) -> bool:
    """Whether a result is to be a TIFF file."""
    return str(place).lower().endswith(TIFF)


def store_of(place: Place) -> str:
    """Return where a result is written: at its place, or beside a TIFF file.

    Examples
    --------
    >>> store_of("memory://refined.zarr"), store_of("refined.tif")
    ('memory://refined.zarr', '.refined.tif.unfinished.zarr')
    """
    if not is_tiff_name(place):
        return str(place).rstrip("/")
    path = Path(place)
    return str(path.with_name(hidden_name(path.name, ".unfinished.zarr")))


def image_around(place: Place) -> str | None:
    """Return the OME-Zarr image of whose label maps a place is one; None if it is none."""
    folder, _ = above(place)
    image, name = above(folder)
    if name != LABELS or not (is_url(place) or is_zarr(image)):
        return None
    try:
        with reached(image):
            said = ome_attributes(open_node(image).attrs.asdict())
    except InputError:
        return None
    return image if "multiscales" in said else None


def unfinished_run(place: Place) -> dict[str, Any] | None:
    """Return what the run is known by that has begun to write to a place; None where nothing unfinished is."""
    store = store_of(place)
    if not is_url(store) and not is_folder(Path(store)):
        return None
    try:
        with reached(place):
            said = open_node(store).attrs.asdict().get(UNFINISHED)
    except InputError:
        return None
    return dict(said) if isinstance(said, dict) else None


def check_place(place: Place, *, overwrite: bool = False, inputs: Sequence[Place] = ()) -> None:
    """Find out before any work whether a result may go to a place. What is unfinished there is no bar.

    Parameters
    ----------
    place : str or Path
        A zarr store, or a TIFF file.
    overwrite : bool
        Whether what is there may be replaced.
    inputs : sequence of str or Path
        What is read besides: a label map may lie in an image that is read.

    Raises
    ------
    InputError
        If the place is read, something is there that may not be replaced, or its folder is missing.
    """
    _check_is_not_read(place, inputs)
    if above(place)[1] == LABELS and image_around(below(place, "name")):
        raise InputError(f"{place} holds label maps. Give this one a name: {below(place, 'NAME')}.")
    if unfinished_run(place) is not None:
        return
    if is_tiff_name(place):
        if is_url(place):
            raise InputError(
                f"{place} cannot be written: TIFF files are written to folders. Give a path, or a zarr store."
            )
        check_free(Path(place), overwrite=overwrite)
    elif _is_taken(place):
        if not overwrite:
            raise InputError(f"{place} exists. Add --overwrite to replace it, or choose another name.")
        if not is_url(place) and not (is_zarr(place) and is_folder(Path(place))):
            raise InputError(f"{place} is no zarr store, and is not replaced by one. Choose another name.")
    elif not is_url(place) and Path(place).is_symlink():
        raise InputError(f"{place} is a link that leads nowhere. Remove it, or choose another name.")
    elif not is_url(place) and image_around(place) is None:
        check_folder(Path(place))


def _check_is_not_read(place: Place, inputs: Sequence[Place]) -> None:
    """Raise if a result would lie in what is read, other than among its label maps, or the other way round."""
    target = _whole(place)
    for taken in map(_whole, inputs):
        among_labels = f"{target}/".startswith(f"{taken}/{LABELS}/")
        if target == taken or taken.startswith(f"{target}/") or (target.startswith(f"{taken}/") and not among_labels):
            raise InputError(f"{place} is read by this command. Choose another place for the result.")


def remove(store: str) -> None:
    """Remove a store, if there is one, and its name from the list of label maps that it is in."""
    image, name = image_around(store), above(store)[1]
    if image is not None and name in _listed(image):
        _change_list(image, [one for one in _listed(image) if one != name])
    if not is_url(store):
        shutil.rmtree(store, ignore_errors=not exists(Path(store)))
        return
    with reached(store):
        files, path = fsspec.core.url_to_fs(store)
        if files.exists(path):
            files.rm(path, recursive=True)


def list_label_map(image: str, name: str) -> None:
    """Write the name of a label map into the list that an image keeps."""
    if name not in (names := _listed(image)):
        _change_list(image, [*names, name])


def renew_summary(image: str) -> None:
    """Renew the summary of its metadata that an image may keep, in which readers find no label map that is new."""
    with quiet():
        if zarr.open_group(image, mode="r").metadata.consolidated_metadata is not None:
            zarr.consolidate_metadata(image)


def zarr_format_at(place: Place, version: str) -> Any:
    """Return the version of zarr for a place: that of the image whose label map it is, else as is asked for."""
    image = image_around(place)
    return ZARR_OF[version if image is None else said_version(open_node(image).attrs.asdict())]


def new_level(
    group: Any, name: str, shape: Sequence[int], dtype: np.dtype[Any], chunks: Sequence[int], names: Sequence[str]
) -> Any:
    """Make an array in a group, in the place of what an unfinished run may have left."""
    options: dict[str, Any] = {"chunk_key_encoding": {"name": "v2", "separator": "/"}}
    if group.metadata.zarr_format == ZARR_OF["0.5"]:
        options = {"dimension_names": list(names)}
    sides = tuple(min(chunk, size) for chunk, size in zip(chunks, shape, strict=True))
    return group.create_array(
        name, shape=tuple(shape), dtype=dtype, chunks=sides, fill_value=0, overwrite=True, **options
    )


def _listed(image: str) -> list[str]:
    """Return the names in the list of label maps that an image keeps."""
    try:
        said = ome_attributes(open_node(below(image, LABELS)).attrs.asdict())
    except (InputError, FileNotFoundError):
        return []
    return [str(name) for name in said.get(LABELS, [])]


def _change_list(image: str, names: list[str]) -> None:
    """Write the list of label maps of an image, in the words of its version."""
    version = said_version(open_node(image).attrs.asdict())
    group = zarr.open_group(below(image, LABELS), mode="a", zarr_format=ZARR_OF[version], use_consolidated=False)
    said = group.attrs.asdict()
    words = dict(ome_attributes(said)) | {LABELS: names}
    group.attrs.put(words if version == "0.4" else said | {"ome": {"version": version} | words})


def _is_taken(place: Place) -> bool:
    if not is_url(place):
        return exists(Path(place))
    with reached(place):
        files, path = fsspec.core.url_to_fs(str(place))
        return bool(files.exists(path))


def _whole(place: Place) -> str:
    return str(place).rstrip("/") if is_url(place) else str(real_path(Path(place)))

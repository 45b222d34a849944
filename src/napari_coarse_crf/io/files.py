"""Files a person has to arrays, and back, without changing a label id on the way: what other rooms call.

`reading` reads; what is written here is written whole or not at all.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from napari_coarse_crf.errors import InputError, ParameterError
from napari_coarse_crf.io.beside import OLD, clear_left, name_beside
from napari_coarse_crf.io.places import exists, in_words, is_file, is_folder, real_path
from napari_coarse_crf.io.reading import read_bytes, read_image, read_labels, read_mask
from napari_coarse_crf.io.tiff import encode_tiff
from napari_coarse_crf.parameters import Parameters

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import AnyArray
    from napari_coarse_crf.io.grid import Grid
    from napari_coarse_crf.io.reading import LabelFile

__all__ = [
    "TIFF",
    "WRITABLE",
    "check_free",
    "check_labels_fit",
    "check_plane_fits",
    "check_writable",
    "encode_confidence",
    "encode_labels",
    "encode_png",
    "make_folder",
    "read_confidence",
    "read_image",
    "read_labels",
    "read_mask",
    "read_preset",
    "write_files",
]

TIFF = (".tif", ".tiff")
WRITABLE = (".png", *TIFF)


def read_preset(path: Path) -> Parameters:
    """Read parameters from a JSON file.

    Raises
    ------
    InputError
        If there is no such file, or it is no text.
    ParameterError
        If it holds anything but known parameters within their ranges.
    """
    try:
        return Parameters.from_json(read_bytes(path).decode("utf-8-sig"))  # Windows editors begin with a mark
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no text file. Give a JSON file saved by this plugin.") from error
    except ParameterError as error:
        raise ParameterError(f"{path} cannot be used. {error}") from error


def read_confidence(path: Path, labels: LabelFile) -> NDArray[np.float64]:
    """Read a confidence file as `encode_confidence` writes it, for labels of its shape.

    Raises
    ------
    InputError
        If it cannot be read, or is of another shape.
    """
    values = read_image(path, labels=labels).image
    if values.shape != labels.ids.shape:
        raise InputError(
            f"{path} has shape {values.shape}, but the labels {labels.ids.shape}. Give the confidence of these labels."
        )
    most = float(np.iinfo(values.dtype).max) if values.dtype.kind in "iu" else 1.0
    return values.astype(np.float64) / most


def check_writable(path: Path, *, overwrite: bool, inputs: tuple[Path, ...] = ()) -> None:
    """Find out before any work whether an array can be written to `path`.

    Raises
    ------
    InputError
        If its kind is unknown, it is an input, it exists and may not be replaced, or its folder cannot be written to.
    """
    if path.suffix.lower() not in WRITABLE:
        raise InputError(f"{path} should end in .png, .tif or .tiff: these formats keep every value exactly.")
    check_free(path, overwrite=overwrite, inputs=inputs)


def check_folder(target: Path) -> None:
    """Find out whether there is the folder in which something is to be written.

    Raises
    ------
    InputError
        If there is none.
    """
    if is_folder(target.parent):
        return
    if (above := next(filter(is_file, target.parents), None)) is not None:
        raise InputError(f"{above} is no folder. Choose another place for {target.name}.")
    raise InputError(f"The folder {target.parent} does not exist. Create it first, or choose another one.")


def check_free(path: Path, *, overwrite: bool, inputs: tuple[Path, ...] = ()) -> None:
    """Find out before any work whether a file of any kind can be written to `path`.

    Raises
    ------
    InputError
        If it is an input, it exists and may not be replaced, or the system does not let it be written.
    """
    target = real_path(path)
    check_folder(target)
    if any(target == real_path(taken) for taken in inputs):
        raise InputError(f"{path} is read by this command. Choose another file for the result.")
    if is_folder(target):
        raise InputError(f"{path} is a folder. Give the file in it a name.")
    try:
        if _is_there(target):
            if not is_file(target):
                raise InputError(f"{path} is a device or a pipe, which is not replaced. Choose a file.")
            if not overwrite:
                raise InputError(f"{path} exists. Add --overwrite to replace it, or choose another file.")
        clear_left(target.parent)
        beside = name_beside(target)
        beside.touch(exist_ok=False)
        beside.unlink()
    except OSError as error:
        raise InputError(f"{path} cannot be written: {in_words(error)}. Choose another folder or name.") from error


def make_folder(folder: Path) -> None:
    """Make a folder, and those it lies in, where they are missing; what a killed process left in it is cleared.

    Raises
    ------
    InputError
        If the system refuses, or a file has the name.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be made: {in_words(error)}. Choose another one.") from error
    clear_left(folder)


def check_labels_fit(labels: AnyArray, path: Path) -> None:
    """Find out before any work whether a file of this kind can hold these label ids, and so those of the result.

    TIFF keeps them all. PNG holds ids up to 65535 of one plane.

    Raises
    ------
    InputError
        If the ids or the shape do not fit into a PNG.
    """
    if path.suffix.lower() in TIFF:
        return
    check_plane_fits(labels.shape, path)
    highest, lowest = int(labels.max(initial=0)), int(labels.min(initial=0))
    if lowest < 0:
        raise InputError(f"The number {lowest} does not fit into a PNG (at least 0). Write a TIFF: name it .tif.")
    if highest > 65535:
        raise InputError(f"The label id {highest} does not fit into a PNG (at most 65535). Write a TIFF: name it .tif.")


def check_plane_fits(shape: tuple[int, ...], path: Path) -> None:
    """Find out before any work whether a file of this kind can hold an array of this shape.

    Raises
    ------
    InputError
        If it is a PNG and the shape is not that of one plane.
    """
    if path.suffix.lower() not in TIFF and len(shape) != 2:
        raise InputError(f"{path} holds one plane, but the labels have shape {shape}. Write a TIFF: name it .tif.")


def encode_labels(
    labels: AnyArray,
    path: Path,
    palette: bytes | None = None,
    *,
    axes: str = "",
    grid: Grid | None = None,
    dtype: Any = None,
) -> bytes:
    """Return the content of a label file; its kind follows from the name.

    A TIFF keeps the type of the labels unless another is asked for, and says where they lie. A PNG has 8 or 16 bits:
    those of the labels, or as many as their ids need. What fits is said by `check_labels_fit`.

    Parameters
    ----------
    labels : array of int
        The label ids.
    path : Path
        Where they go.
    palette : bytes, optional
        The colours in which a PNG of 8 bits shows them.
    axes : str, optional
        What each axis is, see `Raster`.
    grid : Grid, optional
        Where the pixels lie.
    dtype : numpy dtype, optional
        The type of a TIFF.
    """
    if path.suffix.lower() in TIFF:
        return encode_tiff(labels, axes, grid, dtype)
    small = labels.dtype == np.uint8 or (labels.dtype != np.uint16 and labels.max(initial=0) <= 255)
    picture = Image.fromarray(labels.astype(np.uint8 if small else np.uint16))
    if small and palette is not None:
        picture.putpalette(palette)
    return encode_png(picture)


def encode_confidence(
    confidence: NDArray[np.float32], path: Path, *, axes: str = "", grid: Grid | None = None
) -> bytes:
    """Return the content of a confidence file: 0..1 as float32 in a TIFF, 0..65535 in a PNG."""
    if path.suffix.lower() in TIFF:
        return encode_tiff(confidence, axes, grid)
    return encode_png(Image.fromarray(np.round(confidence * 65535.0).astype(np.uint16)))


def encode_png(picture: Image.Image) -> bytes:
    """Return the content of a PNG file."""
    content = BytesIO()
    picture.save(content, format="PNG")
    return content.getvalue()


def write_files(contents: Mapping[Path, bytes], *, overwrite: bool = True) -> None:
    """Write several files, all or none, each whole or not at all.

    Each is written beside its place and moved there at the end, so a stop at any moment leaves no half file. What was
    there before is kept beside too, and put back if a later one cannot be moved.

    Parameters
    ----------
    contents : mapping of Path to bytes
        What goes where.
    overwrite : bool
        Whether files that are there by then are replaced.

    Raises
    ------
    InputError
        If the system refuses, for example because the disk is full, or there is a file that is not to be replaced.
    """
    waiting: dict[Path, Path] = {}
    try:
        for path, content in contents.items():
            target = real_path(path)  # through a link, which stays a link
            beside = name_beside(target)
            waiting[beside] = target
            with beside.open("xb") as file:  # unlike tempfile, with the permissions of any new file
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        with ExitStack() as undo:
            for beside, target in waiting.items():
                if overwrite:
                    _keep(target, beside.with_suffix(OLD), undo)
                    beside.replace(target)
                else:
                    _put_new(beside, target, undo)
            undo.pop_all()
        for beside in waiting:
            beside.with_suffix(OLD).unlink(missing_ok=True)
    except FileExistsError as error:
        raise InputError(
            f"{target} exists: something else has written it meanwhile. No file was changed. Choose another file."
        ) from error
    except OSError as error:
        raise InputError(
            f"{target} could not be written: {in_words(error)}. No file was changed. Choose another folder or name."
        ) from error
    finally:
        for beside in waiting:
            beside.unlink(missing_ok=True)


def _is_there(path: Path) -> bool:
    """Whether anything has this name; what the system says of a name that cannot be is raised."""
    try:
        path.stat()
    except FileNotFoundError:
        return False
    return True


def _put_new(beside: Path, target: Path, undo: ExitStack) -> None:
    """Move a file to a name that nothing has, and raise if something has it by now: a link never replaces."""
    try:
        os.link(beside, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links: for a moment the file is empty
        target.touch(exist_ok=False)
        undo.callback(target.unlink, missing_ok=True)
        beside.replace(target)
    else:
        undo.callback(target.unlink, missing_ok=True)


def _keep(target: Path, old: Path, undo: ExitStack) -> None:
    """Keep what a file holds under a second name, and let `undo` put it back, or remove a file that was not there."""
    if is_file(target):
        undo.callback(_put_back, old, target)
        try:
            os.link(target, old)
        except OSError:  # a file system without hard links: for a moment nothing has the name
            target.replace(old)
    elif not exists(target):
        undo.callback(target.unlink, missing_ok=True)


def _put_back(old: Path, target: Path) -> None:
    if old.exists():
        old.replace(target)
        old.unlink(missing_ok=True)  # two names of one file: replacing does nothing

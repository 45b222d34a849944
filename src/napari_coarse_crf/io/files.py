"""Files a person has to arrays, and back, without changing a label id on the way.

Image readers are made for pictures: they turn a palette's indices into colours, cut 16 bits to 8 and take an alpha
channel for a colour. Here each of these is done on purpose or refused in words. `tiff` and `pictures` know the formats.
"""

from __future__ import annotations

import os
import secrets
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, UnidentifiedImageError

from napari_coarse_crf.errors import InputError, ParameterError
from napari_coarse_crf.io.pictures import read_picture
from napari_coarse_crf.io.raster import CHANNELS, SAMPLES
from napari_coarse_crf.io.tiff import SIGNATURES, encode_tiff, read_tiff
from napari_coarse_crf.parameters import Parameters

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import AnyArray, MaskArray
    from napari_coarse_crf.io.grid import Grid
    from napari_coarse_crf.io.raster import Raster

TIFF = (".tif", ".tiff")
WRITABLE = (".png", *TIFF)
_WHOLE = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64")

_COLOURS = (
    "It holds colours, not label ids. Save the label map with one channel whose values are the ids: as a PNG with a "
    "palette, or as a grey PNG or TIFF (in napari: save the Labels layer)."
)


@dataclass(frozen=True, slots=True, eq=False)
class ImageFile:
    """An image as it was read.

    Attributes
    ----------
    image : ndarray
        Without opacity and without axes of length 1; the samples of a pixel last.
    mask : ndarray of bool or None
        False where the image is fully transparent, in its shape without samples; None: nowhere.
    axes : str
        A letter for each axis, see `Raster`.
    names_axes : bool
        Whether the file says so.
    grid : Grid
        Where the pixels lie.
    missing : ndarray of bool or None
        Like `mask`, True where the number stands for no data.
    notes : tuple of str
        What a person should know of the file, one sentence each.
    """

    image: AnyArray
    mask: MaskArray | None
    axes: str
    names_axes: bool
    grid: Grid
    missing: MaskArray | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class LabelFile:
    """A label map as it was read.

    Attributes
    ----------
    ids : ndarray of int
        The label ids in the type of the file, floats as whole numbers; without axes of length 1.
    palette : bytes or None
        The colours a PNG shows its ids in, to be written back with the result.
    axes : str
        A letter for each axis, see `Raster`.
    names_axes : bool
        Whether the file says so.
    grid : Grid
        Where the pixels lie.
    missing : ndarray of bool or None
        True where the number stands for no data, which is no id; None: nowhere.
    """

    ids: AnyArray
    palette: bytes | None
    axes: str
    names_axes: bool
    grid: Grid
    missing: MaskArray | None


@dataclass(frozen=True, slots=True, eq=False)
class MaskFile:
    """A mask as it was read.

    Attributes
    ----------
    mask : ndarray of bool
        True where pixels take part.
    notes : tuple of str
        What a person should know of the file, one sentence each.
    """

    mask: MaskArray
    notes: tuple[str, ...] = ()


def read_image(path: Path, channel_axis: int | None = None, labels_shape: tuple[int, ...] | None = None) -> ImageFile:
    """Read an image; where its alpha channel says that it is fully transparent, there is nothing to label.

    Parameters
    ----------
    path : Path
        The file.
    channel_axis : int, optional
        Which axis of what is stored holds the channels, whatever the file says.
    labels_shape : tuple of int, optional
        The shape of its labels, which decides where the file leaves open whether it holds colours or a stack.

    Raises
    ------
    InputError
        If the file cannot be read as an image.
    """
    with _raster(path) as raster:
        named = (raster if channel_axis is None else raster.with_channels(channel_axis)).squeezed()
        fitted = named if labels_shape is None else named.fitted(labels_shape)
        shown, opaque = fitted.as_shown().without_alpha()
        if CHANNELS in shown.axes and SAMPLES in shown.axes:
            raise InputError("Its channels are colour pictures of their own. Save one of them, or grey channels.")
    notes = [f"{path} holds {raster.pictures} images; the first one is taken."] if raster.pictures > 1 else []
    return ImageFile(shown.pixels, opaque, shown.axes, shown.names_axes, raster.grid, fitted.missing(), tuple(notes))


def read_labels(path: Path) -> LabelFile:
    """Read a label map: the ids themselves, never the colours they are shown in.

    Raises
    ------
    InputError
        If the file cannot be read, loses ids by its nature (JPEG), holds colours or several label maps.
    """
    with _raster(path) as raster:
        _check_exact(raster)
        planes = (raster.as_planes() if raster.samples_are_guessed else raster).squeezed()
        plain, opaque = planes.without_alpha()
        if plain.has_samples:
            raise InputError(_COLOURS)
        ids, missing = _ids(plain)
        if opaque is not None and planes.alpha is None:  # a mask that is stored beside
            missing = ~opaque if missing is None else missing | ~opaque
        elif opaque is not None and ids[~opaque].any():
            raise InputError("Some of its labelled pixels are transparent. Save the label map without opacity.")
    palette = None if raster.palette is None else raster.palette[:, :3].tobytes()
    return LabelFile(ids, palette, plain.axes, plain.names_axes, raster.grid, missing)


def read_mask(path: Path, labels_shape: tuple[int, ...] | None = None) -> MaskFile:
    """Read a mask: True where a picture is not black, however it stores that.

    Parameters
    ----------
    path : Path
        The file: of one number for each pixel, or colours that are black and white.
    labels_shape : tuple of int, optional
        As for `read_image`.

    Raises
    ------
    InputError
        If the file cannot be read, or does not say what is black.
    """
    with _raster(path) as raster:
        _check_exact(raster)
        planes = raster.squeezed() if labels_shape is None else raster.squeezed().fitted(labels_shape)
        shown, opaque = planes.as_shown().without_alpha()
        mask = np.nan_to_num(shown.pixels) != 0
        if shown.has_samples:
            mask = mask.any(axis=-1)
            _check_black_and_white(shown.pixels, mask, has_palette=planes.palette is not None)
    for hidden in (None if opaque is None else ~opaque, planes.missing()):
        mask = mask if hidden is None else mask & ~hidden
    notes = (f"White is zero in {path}: pixels that are 0 there take part.",) if planes.white_is_zero else ()
    return MaskFile(mask, notes)


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
        return Parameters.from_json(_read(path).decode("utf-8-sig"))  # Windows editors begin with a mark
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no text file. Give a JSON file saved by this plugin.") from error
    except ParameterError as error:
        raise ParameterError(f"{path} cannot be used. {error}") from error


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


def check_free(path: Path, *, overwrite: bool, inputs: tuple[Path, ...] = ()) -> None:
    """Find out before any work whether a file of any kind can be written to `path`.

    Raises
    ------
    InputError
        If it is an input, it exists and may not be replaced, or its folder cannot be written to.
    """
    folder = path.resolve().parent
    if not folder.is_dir():
        raise InputError(f"The folder {folder} does not exist. Create it first, or choose another one.")
    if any(path.resolve() == taken.resolve() for taken in inputs):
        raise InputError(f"{path} is read by this command. Choose another file for the result.")
    if path.is_dir():
        raise InputError(f"{path} is a folder. Give the file in it a name.")
    if path.exists() and not overwrite:
        raise InputError(f"{path} exists. Add --overwrite to replace it, or choose another file.")
    if not os.access(folder, os.W_OK):
        raise InputError(f"You may not write to the folder {folder}. Choose another one.")


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
    labels: AnyArray, path: Path, palette: bytes | None = None, *, axes: str = "", grid: Grid | None = None
) -> bytes:
    """Return the content of a label file; its kind follows from the name.

    A TIFF keeps the type of the labels, and says where they lie. A PNG has 8 or 16 bits: those of the labels, or as
    many as their ids need. What fits is said by `check_labels_fit`.

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
    """
    if path.suffix.lower() in TIFF:
        return encode_tiff(labels, axes, grid)
    small = labels.dtype == np.uint8 or (labels.dtype != np.uint16 and labels.max(initial=0) <= 255)
    picture = Image.fromarray(labels.astype(np.uint8 if small else np.uint16))
    if small and palette is not None:
        picture.putpalette(palette)
    return _png(picture)


def encode_confidence(
    confidence: NDArray[np.float32], path: Path, *, axes: str = "", grid: Grid | None = None
) -> bytes:
    """Return the content of a confidence file: 0..1 as float32 in a TIFF, 0..65535 in a PNG."""
    if path.suffix.lower() in TIFF:
        return encode_tiff(confidence, axes, grid)
    return _png(Image.fromarray(np.round(confidence * 65535.0).astype(np.uint16)))


def write_files(contents: Mapping[Path, bytes]) -> None:
    """Write several files, all or none, each whole or not at all.

    Each is written beside its place and moved there at the end, so a stop at any moment leaves no half file. What was
    there before is kept beside too, and put back if a later one cannot be moved.

    Raises
    ------
    InputError
        If the system refuses, for example because the disk is full.
    """
    mark = secrets.token_hex(4)  # of this call: two threads may write to one place
    waiting: dict[Path, Path] = {}
    try:
        for path, content in contents.items():
            target = path.resolve()  # through a link, which stays a link
            beside = target.with_name(f".{target.name}.{mark}.part")
            waiting[beside] = target
            with beside.open("xb") as file:  # unlike tempfile, with the permissions of any new file
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        with ExitStack() as undo:
            for beside, target in waiting.items():
                _keep(target, beside.with_suffix(".old"), undo)
                beside.replace(target)
            undo.pop_all()
        for beside in waiting:
            beside.with_suffix(".old").unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"{target} could not be written: {error.strerror}. No file was changed. Choose another folder or name."
        ) from error
    finally:
        for beside in waiting:
            beside.unlink(missing_ok=True)


def _keep(target: Path, old: Path, undo: ExitStack) -> None:
    """Keep what a file holds under a second name, and let `undo` put it back, or remove a file that was not there."""
    if target.is_file():
        undo.callback(_put_back, old, target)
        try:
            os.link(target, old)
        except OSError:  # a file system without hard links: for a moment nothing has the name
            target.replace(old)
    elif not target.exists():
        undo.callback(target.unlink, missing_ok=True)


def _put_back(old: Path, target: Path) -> None:
    if old.exists():
        old.replace(target)
        old.unlink(missing_ok=True)  # two names of one file: replacing does nothing


def _read(path: Path, size: int = -1) -> bytes:
    """Return so many first bytes of a file, or all."""
    try:
        with path.open("rb") as file:
            return file.read(size)
    except FileNotFoundError:
        raise InputError(f"There is no file {path}. Check its name and folder.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error


def _check_exact(raster: Raster) -> None:
    """Raise if the numbers of a file are not those of its one picture."""
    if raster.blurred_by:
        raise InputError(
            f"{raster.blurred_by} blurs what it keeps, so that other ids appear at every edge; only PNG and TIFF "
            "keep them exactly. Save it as one."
        )
    if raster.pictures > 1:
        raise InputError(f"It holds {raster.pictures} images of different kinds. Save the one that is meant alone.")


def _check_black_and_white(colours: AnyArray, mask: MaskArray, *, has_palette: bool) -> None:
    """Raise if colours leave open which of them are black."""
    if has_palette:
        if mask.all() and np.ptp(colours, axis=tuple(range(mask.ndim))).any():
            raise InputError("None of its colours is black, where pixels take no part. Save it in black and white.")
    elif np.ptp(colours, axis=-1).any():
        raise InputError("It holds colours, not a mask. Save it in black and white.")


def _ids(raster: Raster) -> tuple[AnyArray, MaskArray | None]:
    """Return the numbers of a label map as whole ones, and where they stand for no data.

    Programs that know floats alone, or no large whole numbers, write ids as floats.
    """
    numbers, missing = raster.pixels, raster.missing() if raster.nodata else None  # 0 is no label, not no data
    if numbers.dtype.kind == "b":
        return numbers.astype(np.uint8), missing
    if numbers.dtype.kind != "f":
        return numbers, missing
    nan = np.isnan(numbers)
    if nan.any():
        missing = nan if missing is None else missing | nan
        numbers = np.where(nan, 0, numbers)
    with np.errstate(invalid="ignore"):
        fractions = np.mod(numbers, 1) != 0  # of infinity it is NaN
    low, high = numbers.min(initial=0), numbers.max(initial=0)
    fitting = (kind for kind in _WHOLE if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max)
    smallest = next(fitting, None)
    if fractions.any() or smallest is None:
        first = numbers[fractions][0] if fractions.any() else high
        raise InputError(f"It holds numbers that are no ids, such as {first:g}. Save a label map of whole numbers.")
    return numbers.astype(smallest), missing


@contextmanager
def _raster(path: Path) -> Iterator[Raster]:
    """Read a file, and put its name before what is wrong with it, then and in what is made of it."""
    first = _read(path, len(SIGNATURES[0]))
    try:
        yield read_tiff(path) if first in SIGNATURES else read_picture(_read(path))
    except InputError as error:
        raise InputError(f"{path} cannot be used. {error}") from error
    except MemoryError:
        raise
    except Exception as error:  # readers raise whatever a damaged file leads them to
        reason = "it is no image that can be read here" if isinstance(error, UnidentifiedImageError) else str(error)
        raise InputError(f"{path} cannot be read: {reason}. Save it as PNG or TIFF.") from error


def _png(picture: Image.Image) -> bytes:
    content = BytesIO()
    picture.save(content, format="PNG")
    return content.getvalue()

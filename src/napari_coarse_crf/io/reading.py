"""Files to arrays: images in their colours, label maps as ids, masks as what is not black.

Image readers are made for pictures: they turn a palette's indices into colours, cut 16 bits to 8 and take an alpha
channel for a colour. Here each of these is done on purpose or refused in words. `tiff` and `pictures` know the formats.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, UnidentifiedImageError

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.io.pictures import read_picture
from napari_coarse_crf.io.places import exists, in_words, is_file, is_folder
from napari_coarse_crf.io.raster import CHANNELS, SAMPLES
from napari_coarse_crf.io.tiff import SIGNATURES, read_tiff

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_coarse_crf.compute.arrays import AnyArray, MaskArray
    from napari_coarse_crf.io.grid import Grid
    from napari_coarse_crf.io.raster import Raster

_BEYOND = 2.0**64
_WHOLE = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64")
COLOURS = (
    "It holds colours, not label ids. Save the label map with one channel whose values are the ids: as a PNG with a "
    "palette, or as a grey PNG or TIFF (in napari: save the Labels layer)."
)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Read:
    """What is known of any file that was read.

    Attributes
    ----------
    axes : str
        A letter for each axis, see `Raster`.
    names_axes : bool
        Whether the file says so.
    grid : Grid
        Where the pixels lie.
    missing : ndarray of bool or None
        True where the number stands for no data; None: nowhere.
    notes : tuple of str
        What a person should look at, one sentence each.
    """

    axes: str
    names_axes: bool
    grid: Grid
    missing: MaskArray | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ImageFile(_Read):
    """An image as it was read.

    Attributes
    ----------
    image : ndarray
        Without opacity and without axes of length 1; the samples of a pixel last.
    mask : ndarray of bool or None
        False where the image is fully transparent, in its shape without samples; None: nowhere.
    said : tuple of str
        How it was taken, one sentence each.
    """

    image: AnyArray
    mask: MaskArray | None
    said: tuple[str, ...] = ()

    @property
    def channel_axis(self) -> int | None:
        """The axis of channels or samples, which labels lack; None if it has none."""
        return next((axis for axis, letter in enumerate(self.axes) if letter in (CHANNELS, SAMPLES)), None)

    def has_own_ranges(self, channel_axis: int | None) -> bool:
        """Whether the channels along an axis say different things, unlike colours: the file calls them channels."""
        return self.names_axes and channel_axis is not None and self.axes[channel_axis] == CHANNELS


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LabelFile(_Read):
    """A label map as it was read.

    Attributes
    ----------
    ids : ndarray of int
        The label ids in the type of the file, floats as whole numbers; without axes of length 1.
    palette : bytes or None
        The colours a PNG shows its ids in, to be written back with the result.
    """

    ids: AnyArray
    palette: bytes | None


@dataclass(frozen=True, slots=True, eq=False)
class MaskFile:
    """A mask as it was read.

    Attributes
    ----------
    mask : ndarray of bool
        True where pixels take part.
    said : tuple of str
        How it was taken, one sentence each.
    """

    mask: MaskArray
    said: tuple[str, ...] = ()


def read_image(path: Path, channel_axis: int | None = None, labels: LabelFile | None = None) -> ImageFile:
    """Read an image; where its alpha channel says that it is fully transparent, there is nothing to label.

    Parameters
    ----------
    path : Path
        The file.
    channel_axis : int, optional
        Which axis of what is stored holds the channels, whatever the file says.
    labels : LabelFile, optional
        Its labels, whose shape decides where the file leaves open whether it holds colours or a stack, and whether it
        is to be turned upright.

    Raises
    ------
    InputError
        If the file cannot be read as an image.
    """
    with _raster(path) as raster:
        fitted = (raster if channel_axis is None else raster.with_channels(channel_axis)).squeezed()
        said, doubt = "", ""
        if labels is not None:
            fitted, said, doubt = _turned_to_fit(fitted.fitted(labels.ids.shape), labels)
        shown, opaque = fitted.as_shown().without_alpha()
        if CHANNELS in shown.axes and SAMPLES in shown.axes:
            raise InputError("Its channels are colour pictures of their own. Save one of them, or grey channels.")
    several = f"It holds {raster.pictures} images; the first one is taken." if raster.pictures > 1 else ""
    return ImageFile(
        image=shown.pixels,
        mask=opaque,
        axes=shown.axes,
        names_axes=shown.names_axes,
        grid=fitted.grid,
        missing=fitted.missing(),
        said=(f"{path}: {said}",) if said else (),
        notes=tuple(f"{path}: {note}" for note in (*raster.notes, several, doubt) if note),
    )


def read_labels(path: Path) -> LabelFile:
    """Read a label map: the ids themselves, never the colours they are shown in.

    Raises
    ------
    InputError
        If the file cannot be read, loses ids by its nature (JPEG), holds colours or several label maps.
    """
    with _raster(path) as raster:
        check_exact(raster)
        planes = (raster.as_planes() if raster.samples_are_guessed else raster).squeezed()
        plain, opaque = planes.without_alpha()
        if plain.has_samples:
            raise InputError(COLOURS)
        ids, missing = whole_ids(plain)
        if opaque is not None and planes.alpha is None:  # a mask that is stored beside
            missing = ~opaque if missing is None else missing | ~opaque
        else:
            check_opaque(ids, opaque)
    palette = None if raster.palette is None else raster.palette[:, :3].tobytes()
    notes = tuple(f"{path}: {note}" for note in raster.notes)
    return LabelFile(
        ids=ids,
        palette=palette,
        axes=plain.axes,
        names_axes=plain.names_axes,
        grid=raster.grid,
        missing=missing,
        notes=notes,
    )


def read_mask(path: Path, labels: LabelFile | None = None) -> MaskFile:
    """Read a mask: True where a picture is not black, however it stores that.

    Parameters
    ----------
    path : Path
        The file: of one number for each pixel, or colours that are black and white.
    labels : LabelFile, optional
        The labels of the pixels.

    Raises
    ------
    InputError
        If the file cannot be read, does not say what is black, or is stored turned and the labels are not.
    """
    with _raster(path) as raster:
        check_exact(raster)
        planes = raster.squeezed() if labels is None else raster.squeezed().fitted(labels.ids.shape)
        if labels is not None and planes.grid.orientation != labels.grid.orientation:
            raise InputError("It is stored turned in another way than the labels (its orientation). Save both upright.")
        shown, opaque = planes.as_shown().without_alpha()
        mask = np.nan_to_num(shown.pixels) != 0
        if shown.has_samples:
            mask = mask.any(axis=-1)
            check_black_and_white(shown.pixels, mask, has_palette=planes.palette is not None)
    for hidden in (None if opaque is None else ~opaque, planes.missing()):
        mask = mask if hidden is None else mask & ~hidden
    said = [f"{path}: {note}" for note in raster.notes]
    if planes.white_is_zero:
        said.append(f"White is zero in {path}: pixels that are 0 there take part.")
    return MaskFile(mask, tuple(said))


def read_bytes(path: Path, size: int = -1) -> bytes:
    """Return so many first bytes of a file, or all.

    Raises
    ------
    InputError
        If there is no such file, it is a pipe, which would be waited for, or the system refuses.
    """
    if exists(path) and not is_file(path) and not is_folder(path):
        raise InputError(f"{path} is a device or a pipe, which cannot be read twice. Save it as a file.")
    try:
        with path.open("rb") as file:
            return file.read(size)
    except FileNotFoundError:
        raise InputError(f"There is no file {path}. Check its name and folder.") from None
    except MemoryError as error:
        raise InputError(f"{path} cannot be read: the memory does not suffice.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {in_words(error)}.") from error


def check_exact(raster: Raster) -> None:
    """Raise if the numbers of a file are not those of its one picture."""
    if raster.blurred_by:
        raise InputError(
            f"{raster.blurred_by} blurs what it keeps, so that other ids appear at every edge; only PNG and TIFF "
            "keep them exactly, packed without it. Save it as one."
        )
    if raster.pictures > 1:
        raise InputError(f"It holds {raster.pictures} images. Save the one that is meant alone.")


def check_opaque(ids: AnyArray, opaque: MaskArray | None) -> None:
    """Raise if labelled pixels are transparent: nobody knows whether they are meant."""
    if opaque is not None and ids[~opaque].any():
        raise InputError("Some of its labelled pixels are transparent. Save the label map without opacity.")


def check_black_and_white(colours: AnyArray, mask: MaskArray, *, has_palette: bool) -> None:
    """Raise if colours leave open which of them are black."""
    if has_palette:
        if mask.all() and np.ptp(colours, axis=tuple(range(mask.ndim))).any():
            raise InputError("None of its colours is black, where pixels take no part. Save it in black and white.")
    elif np.ptp(colours, axis=-1).any():
        raise InputError("It holds colours, not a mask. Save it in black and white.")


def whole_ids(raster: Raster) -> tuple[AnyArray, MaskArray | None]:
    """Return the numbers of a label map as whole ones, and where they stand for no data.

    Programs that know floats alone, or no large whole numbers, write ids as floats.
    """
    numbers, missing = raster.pixels, raster.missing() if raster.nodata else None  # 0 is no label, not no data
    if numbers.dtype.kind == "b":
        return numbers.astype(np.uint8), missing
    if numbers.dtype.kind != "f":
        return numbers, missing
    gone = np.isnan(numbers)
    if gone.any():
        missing = gone if missing is None else missing | gone
    if missing is not None:  # what stands for no data and is no whole number becomes no label
        numbers = np.where(missing & ~_whole(numbers), 0, numbers)
    odd = numbers[~_whole(numbers)]
    low, high = numbers.min(initial=0), numbers.max(initial=0)
    fitting = (kind for kind in _WHOLE if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max)
    smallest = next(fitting, None)
    if odd.size or smallest is None:
        first = odd[0] if odd.size else high
        raise InputError(f"It holds numbers that are no ids, such as {first:g}. Save a label map of whole numbers.")
    return numbers.astype(smallest), missing


@contextmanager
def explained(place: Path | str, way_out: str = "Save it as PNG or TIFF.") -> Iterator[None]:
    """Put the name of what is read before what is wrong with it, and make a sentence of what libraries raise.

    Raises
    ------
    InputError
        Whatever is wrong.
    """
    try:
        yield
    except InputError as error:
        raise InputError(f"{place} cannot be used. {error}") from error
    except MemoryError as error:
        raise InputError(
            f"{place} cannot be read: the memory does not suffice. Crop it, or close other programs."
        ) from error
    except Image.DecompressionBombError as error:
        raise InputError(f"{place} has more pixels than are read of its format here. Save it as TIFF.") from error
    except Exception as error:  # readers raise whatever a damaged file leads them to
        is_unknown = isinstance(error, UnidentifiedImageError)
        reason = (
            "it is no image that can be read here" if is_unknown else str(error).rstrip(".") or type(error).__name__
        )
        raise InputError(f"{place} cannot be read: {reason}. {way_out}") from error


def _turned_to_fit(raster: Raster, labels: LabelFile) -> tuple[Raster, str, str]:
    """Return an image turned upright if only so it fits its labels, what is to be said of it, and what looked at."""
    held, of_labels = raster.grid.orientation, labels.grid.orientation
    if held == of_labels:
        return raster, "", ""
    if of_labels > 1:
        raise InputError(
            f"Its labels are stored turned (orientation {of_labels}), and the image otherwise ({held}). Save both "
            "upright."
        )
    upright = raster.upright()
    as_stored, as_shown = (one.fits(labels.ids.shape) for one in (raster, upright))
    if as_shown and not as_stored:
        return upright, f"The picture is turned upright (orientation {held}): only so it fits its labels.", ""
    if as_shown:
        doubt = (
            f"The picture is stored turned (orientation {held}). The labels fit it as it is stored, which is taken, "
            "and upright too. If they were drawn on the upright picture, save that first."
        )
        return raster, "", doubt
    return raster, "", ""


def _whole(numbers: AnyArray) -> MaskArray:
    """Return where floats are whole numbers that 64 bits hold."""
    with np.errstate(invalid="ignore"):  # of infinity the rest is NaN
        whole: MaskArray = (np.mod(numbers, 1) == 0) & (np.abs(numbers.astype(np.float64)) < _BEYOND)
    return whole


@contextmanager
def _raster(path: Path) -> Iterator[Raster]:
    """Read a file, and put its name before what is wrong with it, then and in what is made of it."""
    if is_folder(path):
        raise InputError(f"{path} is a folder, where a file is due, such as PNG or TIFF. Give a file.")
    first = read_bytes(path, len(SIGNATURES[0]))
    with explained(path):
        yield read_tiff(path) if first in SIGNATURES else read_picture(read_bytes(path))

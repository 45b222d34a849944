"""An image and its labels, of which one at least does not fit into memory, fitted to each other as `io.pairs` does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.compute.laid import Laid, nearest
from napari_coarse_crf.errors import InputError
from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.io.edges import say_smoothed_edges
from napari_coarse_crf.io.lazy.ground import Ground
from napari_coarse_crf.io.lazy.left_out import TakingPart, Void, WithoutVoid
from napari_coarse_crf.io.lazy.opening import LazyImage, LazyLabels, LazyMask, open_image, open_labels, open_mask
from napari_coarse_crf.io.lazy.places import Place, is_lazy
from napari_coarse_crf.io.pairs import Reading, fit_files
from napari_coarse_crf.io.raster import CHANNELS, SAMPLES
from napari_coarse_crf.io.reading import read_image, read_labels, read_mask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_coarse_crf.compute.arrays import LabelArray
    from napari_coarse_crf.io.grid import Grid
    from napari_coarse_crf.io.reading import ImageFile, LabelFile, MaskFile


@dataclass(frozen=True, slots=True, eq=False)
class LazyPair:
    """An image and its labels, read part by part where they lie so: as a `Pair`, and what results lie on.

    Attributes
    ----------
    picture : Picture
        The image and how it is to be read; image and mask may be lazy: have `shape` and `dtype`, take slices and
        numbers, and may be pickled.
    labels : array of int
        The label ids, 0 where the label file holds none; may be lazy.
    stored : array of int
        The label map as it is in the file; may be lazy.
    palette : bytes or None
        The colours in which the label file shows them.
    axes : str
        What each axis of the labels is, see `Raster`.
    grid : Grid
        Where the pixels lie, as the file says that says more of it.
    apart : tuple of int
        The axes of the labels along which each index is refined on its own.
    said : tuple of str
        What was taken how, one sentence each.
    warnings : tuple of str
        What a person should look at.
    ground : Ground
        What `create_labels` and `create_confidence` are told of the pixels.
    void : Void
        Where the label map holds what is no label.
    colours : mapping of int to (R, G, B, A)
        In which the label map shows its ids, 0..255, as far as it says: for `create_labels`.
    image : ImageFile
        The image as it was opened; a `LazyImage` has its levels too.
    """

    picture: Picture
    labels: Any
    stored: Any
    palette: bytes | None
    axes: str
    grid: Grid
    apart: tuple[int, ...]
    said: tuple[str, ...]
    warnings: tuple[str, ...]
    ground: Ground
    void: Void
    image: ImageFile
    colours: Mapping[int, tuple[int, ...]]

    def finished(self, refined: LabelArray, box: tuple[slice, ...]) -> LabelArray:
        """Return the refined labels of a part with what is no id as it is stored."""
        if not self.void.is_anywhere:
            return refined
        return self.void.restored(box, refined)


def open_pair(image: Place, labels: Place, reading: Reading | None = None, *, mask: Place | None = None) -> LazyPair:
    """Open an image and its labels: lazily what `is_lazy` says of, other files as `read_pair` reads them.

    Parameters
    ----------
    image, labels : str or Path
        Paths or URLs.
    reading : Reading, optional
        What a person says of them.
    mask : str or Path, optional
        As the mask of `reading`, but it may be a URL too.

    Raises
    ------
    InputError
        If one cannot be read, or they do not fit each other.
    """
    chosen = reading or Reading()
    painted: LabelFile = open_labels(labels) if is_lazy(labels) else read_labels(Path(labels))
    pictured = _open_image(image, chosen, painted)
    if isinstance(painted, LazyLabels):
        painted = _laid_on(painted, pictured)
    shape = tuple(painted.ids.shape)
    fit = fit_files(pictured, painted, chosen)
    void = Void.of(painted, chosen.ignore)
    given, said_of_mask = _read_mask(chosen.mask if mask is None else mask, painted)
    taking_part = TakingPart(shape, pictured, fit.channel_axis, void, given)
    left_out = taking_part.named() if _fits(pictured, shape, fit.channel_axis) else []
    picture = Picture(
        pictured.image,
        taking_part if left_out else given,
        -1 if fit.channel_axis is None else fit.channel_axis,
        fit.spacing,
        chosen.contrast_limits,
        by_channel=pictured.has_own_ranges(fit.channel_axis),
    )
    ground = (
        Ground.of_image(pictured, shape, fit.axes, fit.channel_axis)
        if isinstance(pictured, LazyImage)
        else Ground.of(shape, fit.axes, fit.grid)
    )
    return LazyPair(
        picture=picture,
        labels=WithoutVoid(void) if void.is_anywhere else painted.ids,
        stored=painted.ids,
        palette=painted.palette,
        axes=fit.axes,
        grid=fit.grid,
        apart=fit.apart,
        said=(
            *fit.said,
            *pictured.said,
            *(painted.said if isinstance(painted, LazyLabels) else ()),
            *said_of_mask,
            *((f"Left out, and left as they are: {', '.join(left_out)}.",) if left_out else ()),
        ),
        warnings=(*pictured.notes, *painted.notes, *_say_edges(painted)),
        ground=replace(ground, grid=fit.grid),
        void=void,
        image=pictured,
        colours=painted.colours if isinstance(painted, LazyLabels) else _colours(painted.palette),
    )


def _open_image(place: Place, chosen: Reading, labels: LabelFile) -> ImageFile:
    if not is_lazy(place):
        return read_image(Path(place), chosen.channel_axis, labels)
    image = open_image(place, chosen.channel_axis, tuple(labels.ids.shape))
    turned, of_labels = image.grid.orientation, labels.grid.orientation
    if turned != of_labels and max(turned, of_labels) > 1:
        raise InputError(
            f"{place} cannot be used. It is stored turned (orientation {turned}), and its labels otherwise "
            f"({of_labels}); nothing is turned part by part. Save both upright."
        )
    return image


def _read_mask(place: Place | None, labels: LabelFile) -> tuple[Any, tuple[str, ...]]:
    if place is None:
        return None, ()
    shape = tuple(labels.ids.shape)
    read: MaskFile | LazyMask = open_mask(place, shape) if is_lazy(place) else read_mask(Path(place), labels)
    if tuple(read.mask.shape) != shape:
        raise InputError(f"The mask has shape {read.mask.shape} but the labels are {shape}; give both the same shape.")
    return read.mask, read.said


def _fits(image: ImageFile, shape: tuple[int, ...], channel_axis: int | None) -> bool:
    """Whether labels of a shape are those of an image; what does not fit is left to the core, which says so."""
    return shape == tuple(size for axis, size in enumerate(image.image.shape) if axis != channel_axis)


def _say_edges(labels: LabelFile) -> tuple[str, ...]:
    """Return a doubt in labels that were read whole; lazy ones are not read for it."""
    return tuple(say_smoothed_edges(labels.ids)) if isinstance(labels.ids, np.ndarray) else ()


def _colours(palette: bytes | None) -> dict[int, tuple[int, ...]]:
    """Return the colours that a PNG shows its ids in; 0 is no label and has none."""
    numbers = np.frombuffer(palette or b"", np.uint8).reshape(-1, 3).tolist()
    return {label_id: (*colour, 255) for label_id, colour in enumerate(numbers) if label_id}


def _laid_on(labels: LazyLabels, image: ImageFile) -> LazyLabels:
    """Return labels of another size at the pixels of their image, by nearest neighbour, where both say how they lie."""
    letters = "".join(letter for letter in image.axes if letter not in (CHANNELS, SAMPLES))
    shape = tuple(size for letter, size in zip(image.axes, image.image.shape, strict=True) if letter in letters)
    if not isinstance(image, LazyImage) or labels.axes != letters or labels.ids.shape == shape:
        return labels
    said, own = image.multiscale, labels.multiscale
    if said is None or own is None or labels.grid.unit != image.grid.unit:
        return labels
    index = []
    for letter, count, length in zip(letters, labels.ids.shape, shape, strict=True):
        (size, start), (own_size, own_start) = said.place(letter), own.place(letter)
        if start == own_start:  # their corners lie together, as nearly all programs mean it
            places = np.floor((np.arange(length) + 0.5) * size / own_size).astype(np.intp)
            index.append(np.where(places < count, places, -1))
        else:
            index.append(nearest(count, size / own_size, (start - own_start) / own_size, length))
    sentence = (
        f"{labels.place} has {' x '.join(map(str, labels.ids.shape))} pixels of another size than the image's: each of "
        "these takes the label of the nearest."
    )
    laid = Laid(labels.ids, tuple(index))
    missing = None if labels.missing is None else Laid(labels.missing, tuple(index))
    return replace(labels, ids=laid, missing=missing, said=(*labels.said, sentence))

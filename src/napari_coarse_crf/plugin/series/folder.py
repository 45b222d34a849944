"""A folder of images, one after the other."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.io import files
from napari_coarse_crf.io.matching import find_images
from napari_coarse_crf.io.places import exists
from napari_coarse_crf.plugin.result.saving import Saving
from napari_coarse_crf.plugin.series.source import State
from napari_coarse_crf.plugin.series.stored import Stored

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from napari.layers import Labels

    from napari_coarse_crf.io.reading import ImageFile
    from napari_coarse_crf.plugin.layers.saved import LayerData
    from napari_coarse_crf.plugin.series.stored import Kind


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """An image and what was stored for it.

    Attributes
    ----------
    image : ImageFile
        As the command line reads it.
    layers : mapping of kind to layer data
        What there is beside it, as napari takes it.
    said : tuple of str
        What could not be used and why, one sentence each.
    """

    image: ImageFile
    layers: Mapping[Kind, LayerData]
    said: tuple[str, ...]


class Folder:
    """The images of a folder, in the order of their names and numbers.

    Parameters
    ----------
    path : Path
        Where they lie. It is read at once: make this object off the main thread.

    Raises
    ------
    InputError
        If the folder holds no image, cannot be read, or was last written by a newer version.

    Attributes
    ----------
    images : tuple of Path
        The files.
    names : tuple of str
        What they are called.
    last : int
        The row that was written last; the first that is not done where there is none.
    """

    one = "image"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.images = tuple(sorted(find_images(path), key=_in_order))
        if not self.images:
            raise InputError(f"There are no images in {path} that can be read (PNG, TIFF, JPEG, BMP or WebP).")
        self.names = tuple(image.name for image in self.images)
        self._stored = Stored(path)
        self._names = self._stored.names_of(self.images)
        record = self._stored.read_record()
        said = record["images"]
        self._done = {row for row, image in enumerate(self.images) if said.get(image.name, {}).get("done") is True}
        self._labelled = self._stored.labelled(self._names)
        self._unreadable: set[int] = set()
        self.last = self._first_row(record["last"])

    # What is shown of it.

    @property
    def title(self) -> str:
        """The path."""
        return str(self.path)

    @property
    def done_count(self) -> int:
        """How many images are done."""
        return len(self._done)

    def state(self, row: int) -> State:
        """Return how far an image is."""
        if row in self._unreadable:
            return State.UNREADABLE
        if row in self._done:
            return State.DONE
        return State.LABELLED if row in self._labelled else State.UNTOUCHED

    def mark_done(self, row: int, done: bool) -> None:
        """Say whether an image is done; it is stored by the next `write`."""
        (self._done.add if done else self._done.discard)(row)

    def mark_unreadable(self, row: int) -> None:
        """Remember that an image cannot be read."""
        self._unreadable.add(row)

    def name(self, row: int) -> str:
        """Return what an image is called, and its files; no other image is called so."""
        return self._names[row]

    def labels_path(self, kind: Kind, row: int) -> Path:
        """Return where labels of an image are stored."""
        return self._stored.labels_path(kind, self._names[row])

    def labelled_before(self, row: int) -> list[int]:
        """Return the images before one that have labels, the nearest first."""
        return [other for other in reversed(range(row)) if other in self._labelled]

    # Reading and writing, off the main thread.

    def load(self, row: int) -> Loaded:
        """Read an image and what was stored for it.

        Raises
        ------
        InputError
            If the image itself cannot be read.
        """
        image = files.read_image(self.images[row])
        if image.image.dtype.kind not in "biuf":
            raise InputError(f"{self.images[row]} holds {image.image.dtype} values. Save it with real numbers.")
        layers, _, said = self._stored.load(self.names[row], self._names[row], labels_shape(image))
        return Loaded(image, layers, (*image.notes, *said))

    def read_look(self, row: int) -> Mapping[str, Any]:
        """Return what the classes of another image are called and look like, as napari takes it."""
        return self._stored.read_look(self._names[row])

    def at(self, row: int) -> FolderImage:
        """Return where an image is stored."""
        return FolderImage(self, row, self._stored)

    def write(self, row: int, savings: Sequence[Saving], number: int) -> tuple[str, ...]:
        """Write what has changed of an image, with its state: see `Stored.write`."""
        said = self._stored.write(self.names[row], savings, number, {"done": row in self._done})
        if exists(self.labels_path("coarse", row)):
            self._labelled.add(row)
        return said

    def _first_row(self, last: str) -> int:
        if last in self.names:
            return self.names.index(last)
        return next((row for row in range(len(self.names)) if row not in self._done), 0)


@dataclass(frozen=True, slots=True, eq=False)
class FolderImage:
    """Where an image of a folder is stored, as `Autosave` asks for it."""

    folder: Folder
    row: int
    stored: Stored

    def read(self, kind: Kind, layer: Labels) -> Saving:
        """Return what is to be stored of a layer: its confidence and parameters would be two files more."""
        saving = Saving.of(layer, self.folder.labels_path(kind, self.row))
        return replace(saving, confidence=None, parameters=None)

    def note_held(self, savings: Sequence[Saving]) -> None:
        """Take note that these are what the files hold: they were just opened."""
        self.stored.note_held(savings)

    def write(self, savings: Sequence[Saving], number: int) -> tuple[str, ...]:
        """Write what has changed."""
        return self.folder.write(self.row, savings, number)


def labels_shape(image: ImageFile) -> tuple[int, ...]:
    """Return the shape of labels for an image: that of its pixels."""
    return tuple(size for axis, size in enumerate(image.image.shape) if axis != image.channel_axis)


def _in_order(path: Path) -> tuple[list[tuple[int, str]], str]:
    """Return what orders names as a person counts: a2 before a10."""
    parts = re.split(r"(\d+)", path.name.casefold())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], path.name

"""A folder of images and what is stored beside them: labels, what was accepted, results, and which images are done.

    images/a.png
    images/coarse-labels/a.tif, a.coarse-crf.json      what a person painted
    images/accepted-labels/a.tif, a.coarse-crf.json    what they accepted of results
    images/refined-labels/a.tif, a.coarse-crf.json     the newest result
    images/coarse-labels/series.json                   which images are done, and what was written

So `napari-coarse-crf refine images/ images/coarse-labels/` finds them, and napari opens each as the layer it was. Every
file is written whole or not at all. A file that was not written here, or has changed since, is kept under another name
before another takes its place.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections import Counter
from dataclasses import dataclass
from enum import Enum
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.io import files
from napari_coarse_crf.io.matching import find_images, shared_name
from napari_coarse_crf.io.places import exists, in_words, is_file
from napari_coarse_crf.io.raster import CHANNELS, SAMPLES
from napari_coarse_crf.io.reading import read_bytes
from napari_coarse_crf.plugin.layers.saved import description_path, open_saved

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from napari_coarse_crf.io.reading import ImageFile
    from napari_coarse_crf.plugin.layers.saved import LayerData
    from napari_coarse_crf.plugin.result.saving import Saving

Kind = Literal["coarse", "accepted", "refined"]

_FOLDERS: Final[dict[Kind, str]] = {
    "coarse": "coarse-labels",
    "accepted": "accepted-labels",
    "refined": "refined-labels",
}
_RECORD: Final = "series.json"
_FORMAT: Final = "napari-coarse-crf series"
_VERSION: Final = 1


class State(Enum):
    """How far an image is; the value says so to a person."""

    UNTOUCHED = "nothing is painted yet"
    LABELLED = "has labels"
    DONE = "done"
    UNREADABLE = "cannot be read"


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
    last : int
        The row that was open last; the first that is not done where nobody knows.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.images = tuple(sorted(find_images(path), key=_in_order))
        if not self.images:
            raise InputError(f"There are no images in {path} that can be read (PNG, TIFF, JPEG, BMP or WebP).")
        shared = Counter(map(shared_name, self.images))
        names = ((shared_name(image), image.name) for image in self.images)
        self._names = [stem if shared[stem] == 1 else name for stem, name in names]  # of a.png and a.jpg
        record = self._read_record()
        said = record["images"]
        stored = _names_in(path / _FOLDERS["coarse"])
        self._done = {row for row, image in enumerate(self.images) if said.get(image.name, {}).get("done") is True}
        self._labelled = {row for row, name in enumerate(self._names) if f"{name}.tif" in stored}
        self._unreadable: set[int] = set()
        self.last = self._first_row(record["last"])
        self._lock = Lock()
        self._newest = 0
        self._known: dict[Path, str] = {}  # digests of files that were written or opened here
        self._held: dict[Path, str] = {}  # digests of the labels that they hold, with their descriptions

    # What is shown of it.

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
        return self.path / _FOLDERS[kind] / f"{self._names[row]}.tif"

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
        shape = labels_shape(image)
        layers: dict[Kind, LayerData] = {}
        said = list(image.notes)
        with self._lock:
            written = self._read_record()["images"].get(self.images[row].name, {}).get("written", {})
            for kind in _FOLDERS:
                path = self.labels_path(kind, row)
                if not exists(path):
                    continue
                try:
                    layers[kind] = self._open(path, shape)
                except InputError as error:
                    said.append(f"{error} It is kept under another name once there are other labels to save.")
                    continue
                for part in (path, description_path(path)):
                    if is_file(part) and _digest_of(part) == written.get(self._key(part)):
                        self._known[part] = written[self._key(part)]
        return Loaded(image, layers, tuple(said))

    def open_look(self, row: int) -> LayerData | None:
        """Return the coarse labels of another image, for what their classes are called and look like."""
        path = self.labels_path("coarse", row)
        try:
            return open_saved(description_path(path)) if exists(path) else None
        except InputError:
            return None

    def note_held(self, savings: Sequence[Saving]) -> None:
        """Take note that these are what the files hold: they were just opened."""
        with self._lock:
            self._held.update({saving.labels_path: _digest_held(saving) for saving in savings})

    def write(self, row: int, savings: Sequence[Saving], number: int) -> tuple[str, ...]:
        """Write what has changed of an image, with its state, all or nothing.

        Parameters
        ----------
        row : int
            The image.
        savings : sequence of Saving
            Its layers.
        number : int
            Grows from call to call: one that comes late is left out.

        Returns
        -------
        tuple of str
            What a person should know, one sentence each.

        Raises
        ------
        InputError
            If the system refuses.
        """
        with self._lock:
            if number < self._newest:
                return ()
            held = {saving.labels_path: _digest_held(saving) for saving in savings}
            contents: dict[Path, bytes] = {}
            for saving in savings:
                if held[saving.labels_path] != self._held.get(saving.labels_path) or not exists(saving.labels_path):
                    contents |= saving.contents()
            digests = {path: _digest(content) for path, content in contents.items()}
            record = self._record_with(row, digests)
            if not contents and record is None:
                return ()
            for folder in {path.parent for path in (*contents, self._record_path)}:
                files.make_folder(folder)
            said = [sentence for path in contents if (sentence := self._keep_other(path))]
            files.write_files(contents if record is None else {**contents, self._record_path: record})
            self._newest = number
            self._known |= digests
            self._held |= held
            if exists(self.labels_path("coarse", row)):
                self._labelled.add(row)
            return tuple(said)

    def _open(self, path: Path, shape: tuple[int, ...]) -> LayerData:
        """Return a stored layer: with its description where there is one, else the labels alone."""
        described = description_path(path)
        data: LayerData = open_saved(described) if is_file(described) else (files.read_labels(path).ids, {}, "labels")
        if data[0].shape != shape:
            raise InputError(f"{path} has the shape {data[0].shape}, but its image {shape}, so it is not shown.")
        return data

    def _keep_other(self, path: Path) -> str:
        """Keep a file that somebody else has written, or changed since, under another name, and say so."""
        if not is_file(path) or (found := _digest_of(path)) == self._known.get(path):
            return ""
        kept = next(name for name in _other_names(path) if not exists(name))
        try:
            os.link(path, kept)
        except OSError:  # a file system without hard links
            try:
                shutil.copy2(path, kept)
            except OSError as error:
                raise InputError(
                    f"{path} was changed by something else and cannot be kept: {in_words(error)}."
                ) from error
        self._known[path] = found  # kept, whatever comes next
        return f"{path.name} was written by something else: it is kept as '{kept.name}'."

    # Which images are done, and what was written.

    @property
    def _record_path(self) -> Path:
        return self.path / _FOLDERS["coarse"] / _RECORD

    def _read_record(self) -> dict[str, Any]:
        """Return what is stored: read anew each time, as a second window may write it, too."""
        path = self._record_path
        if not is_file(path):
            return {"format": _FORMAT, "version": _VERSION, "last": "", "images": {}}
        try:
            said = json.loads(read_bytes(path))
            if said["format"] != _FORMAT or not all(isinstance(one, dict) for one in said["images"].values()):
                raise ValueError  # as whatever else is wrong with it
            version, last = int(said["version"]), said["last"]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path} does not say which images are done. Move it away to begin anew.") from error
        if version > _VERSION:
            raise InputError(
                f"{path} was written by a newer version of this plugin. Update it, and open the folder again."
            )
        return {**said, "last": last if isinstance(last, str) else ""}

    def _record_with(self, row: int, digests: Mapping[Path, str]) -> bytes | None:
        """Return the record with what is known of an image now; None if it says so already."""
        record = self._read_record()
        name = self.images[row].name
        before = record["images"].get(name, {})
        written = {**before.get("written", {}), **{self._key(path): digest for path, digest in digests.items()}}
        now = {**before, "done": row in self._done, "written": written}
        if now == before or not (before or digests or now["done"]):
            return None
        record["last"] = name
        record["images"][name] = now
        return (json.dumps(record, indent=1) + "\n").encode()

    def _key(self, path: Path) -> str:
        return path.relative_to(self.path).as_posix()

    def _first_row(self, last: str) -> int:
        names = [image.name for image in self.images]
        if last in names:
            return names.index(last)
        return next((row for row in range(len(names)) if row not in self._done), 0)


def labels_shape(image: ImageFile) -> tuple[int, ...]:
    """Return the shape of labels for an image: that of its pixels."""
    return tuple(
        size for size, axis in zip(image.image.shape, image.axes, strict=True) if axis not in (CHANNELS, SAMPLES)
    )


def _in_order(path: Path) -> tuple[list[tuple[int, str]], str]:
    """Return what orders names as a person counts: a2 before a10."""
    parts = re.split(r"(\d+)", path.name.casefold())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], path.name


def _names_in(folder: Path) -> set[str]:
    try:
        return set(os.listdir(folder))
    except OSError:
        return set()


def _other_names(path: Path) -> Any:
    number = 1
    while True:
        yield path.with_name(f"{path.stem} (kept {number}){path.suffix}")
        number += 1


def _digest_of(path: Path) -> str:
    return _digest(read_bytes(path))


def _digest(content: Any) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _digest_held(saving: Saving) -> str:
    """Return what tells two contents apart: an OME-TIFF of the same labels has other bytes each time."""
    labels = np.ascontiguousarray(saving.labels)
    return f"{_digest(labels.data)} {labels.shape} {labels.dtype} {_digest(saving.description)}"

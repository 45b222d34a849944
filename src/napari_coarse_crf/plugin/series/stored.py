"""What is stored beside images: labels, what was accepted, results, and which of them are done.

    images/a.png
    images/coarse-labels/a.tif, a.coarse-crf.json      what a person painted
    images/accepted-labels/a.tif, a.coarse-crf.json    what they accepted of results
    images/refined-labels/a.tif, a.coarse-crf.json     the newest result
    images/coarse-labels/series.json                   which images or frames are done, and what was written

So `napari-coarse-crf refine images/ images/coarse-labels/` finds them, and napari opens each as the layer it was. Every
file is written whole or not at all. A file that was not written here, or has changed since, is kept under another name
before another takes its place.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import PurePosixPath
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Literal
from unicodedata import normalize

import numpy as np

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.io import files
from napari_coarse_crf.io.places import exists, in_words, is_file
from napari_coarse_crf.io.reading import read_bytes
from napari_coarse_crf.json_text import read_json
from napari_coarse_crf.plugin.layers.saved import description_path, read_look_of
from napari_coarse_crf.plugin.series.names import names_beside
from napari_coarse_crf.schema import Schema, only_unnumbered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

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
_SCHEMA: Final = Schema("The record of the series", (only_unnumbered,), key="version")


class _NotUnderstoodError(InputError):
    """The record is none."""


class Stored:
    """The files beside the images of a folder.

    Parameters
    ----------
    path : Path
        The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._newest = 0
        self._known: dict[Path, str] = {}  # digests of files that were written or opened here
        self._held: dict[Path, str] = {}  # digests of the labels that they hold, with their descriptions
        self._unsaid: list[str] = []  # of files that were kept before a write that was refused
        self._record = b""  # as it was understood last

    def labels_path(self, kind: Kind, name: str) -> Path:
        """Return where labels of an image are stored."""
        return self.path / _FOLDERS[kind] / f"{name}.tif"

    def names_of(self, images: Sequence[Path]) -> list[str]:
        """Return what the files of all images of the folder are called, without ending; see `names_beside`.

        Raises
        ------
        InputError
            If the record is not understood, or was written by a newer version.
        """
        said = self.read_record()["images"]
        return names_beside(images, {image: _coarse_names(entry) for image, entry in said.items()})

    def labelled(self, names: Sequence[str]) -> set[int]:
        """Return which of these have coarse labels."""
        try:
            found = {normalize("NFC", name) for name in os.listdir(self._record_path.parent)}  # a Mac splits letters
        except OSError:
            return set()
        return {row for row, name in enumerate(names) if normalize("NFC", f"{name}.tif") in found}

    def load(
        self, image: str, name: str, shape: tuple[int, ...]
    ) -> tuple[dict[Kind, LayerData], dict[str, Any], tuple[str, ...]]:
        """Read what was stored for an image.

        Parameters
        ----------
        image, name : str
            The name of its file, and that of its labels without ending.
        shape : tuple of int
            Of its labels.

        Returns
        -------
        layers : dict
            As napari takes them.
        entry : dict
            What the record says of it.
        said : tuple of str
            What could not be used and why, one sentence each.
        """
        layers: dict[Kind, LayerData] = {}
        said: list[str] = []
        with self._lock:
            entry = self.read_record()["images"].get(image, {})
            written, replaced = entry.get("written", {}), entry.get("replaced", {})
            for kind in _FOLDERS:
                path = self.labels_path(kind, name)
                if not exists(path):
                    continue
                try:
                    layers[kind] = _open(path, shape, said)
                except InputError as error:
                    said.append(f"{error} It is kept under another name once there are other labels to save.")
                    continue
                for part in (path, description_path(path)):
                    known = (written.get(self._key(part)), replaced.get(self._key(part)))
                    if is_file(part) and (found := _digest_of(part)) in known:
                        self._known[part] = found
        return layers, entry, tuple(said)

    def read_look(self, name: str) -> Mapping[str, Any]:
        """Return what the classes of an image are called and look like, as napari takes it."""
        try:
            return read_look_of(description_path(self.labels_path("coarse", name)))
        except InputError:
            return {}

    def note_held(self, savings: Sequence[Saving]) -> None:
        """Take note that these are what the files hold: they were just opened."""
        with self._lock:
            self._held.update({saving.labels_path: _digest_held(saving) for saving in savings})

    def write(self, image: str, savings: Sequence[Saving], number: int, about: Mapping[str, Any]) -> tuple[str, ...]:
        """Write what has changed of an image, with what is said about it, all or nothing.

        Parameters
        ----------
        image : str
            The name of its file.
        savings : sequence of Saving
            Its layers.
        number : int
            Grows from call to call: one that comes late is left out.
        about : mapping
            For the record, such as whether it is done.

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
            for folder in {path.parent for path in contents}:
                files.make_folder(folder)
            self._unsaid += [sentence for path in contents if (sentence := self._keep_other(path))]
            record = self._record_with(image, digests, about, self._unsaid)
            if not contents and record is None:
                return ()
            files.make_folder(self._record_path.parent)
            # The record first: it knows a file whether or not a kill comes before that is in its place.
            files.write_files({**({} if record is None else {self._record_path: record}), **contents})
            self._record = record or self._record
            self._newest = number
            self._known |= digests
            self._held |= held
            said, self._unsaid = tuple(self._unsaid), []
            return said

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

    def read_record(self) -> dict[str, Any]:
        """Return what is stored: read anew each time, as a second window may write it, too.

        Raises
        ------
        InputError
            If it is not understood, or was written by a newer version.
        """
        path = self._record_path
        if not is_file(path):
            return _empty_record()
        content = read_bytes(path)
        said = _understood(content, path)
        self._record = content
        return said

    def _record_with(
        self, name: str, digests: Mapping[Path, str], about: Mapping[str, Any], said: list[str]
    ) -> bytes | None:
        """Return the record with what is known of an image now; None if it says so already."""
        try:
            record = self.read_record()
        except _NotUnderstoodError:  # it was when the folder was opened: strokes are worth more than what spoilt it
            said.append(self._keep_other(self._record_path))
            record = _understood(self._record, self._record_path) if self._record else _empty_record()
        before = record["images"].get(name, {})
        written = {**before.get("written", {}), **{self._key(path): digest for path, digest in digests.items()}}
        there = {self._key(path): self._known[path] for path in digests if path in self._known}
        replaced = {**before.get("replaced", {}), **there}
        now = {**before, **about, "written": written, **({"replaced": replaced} if replaced else {})}
        if now == before or not (before or digests or any(about.values())):
            return None
        record["last"] = name
        record["images"][name] = now
        return (json.dumps(_SCHEMA.stamped(record), indent=1) + "\n").encode()

    def _key(self, path: Path) -> str:
        return path.relative_to(self.path).as_posix()


def _empty_record() -> dict[str, Any]:
    return {"format": _FORMAT, "last": "", "images": {}}


def _understood(content: bytes, path: Path) -> dict[str, Any]:
    """Return what a record says, in today's form."""
    try:
        said = read_json(content)
        if said["format"] != _FORMAT or not all(_holds_digests(one) for one in _entries(said)):
            raise ValueError  # as whatever else is wrong with it
        said[_SCHEMA.key], last = int(said.get(_SCHEMA.key, 0)), said["last"]
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise _NotUnderstoodError(f"{path} does not say which images are done. Move it away to begin anew.") from error
    return {**_SCHEMA.todays_in(path, said), "last": last if isinstance(last, str) else ""}


def _entries(said: Any) -> Any:
    """Return what a record says of each image; raises something where it is none."""
    return said["images"].values()


def _holds_digests(entry: Any) -> bool:
    """Whether what a record says of an image has the form of a record; raises something where it has none at all."""
    return all(isinstance(entry.get(key, {}), dict) for key in ("written", "replaced"))


def _coarse_names(entry: Mapping[str, Any]) -> set[str]:
    """Return what the coarse labels that were written for an image are called."""
    paths = [PurePosixPath(key) for key in entry.get("written", {})]
    return {path.stem for path in paths if path.parent.name == _FOLDERS["coarse"] and path.suffix == ".tif"}


def _open(path: Path, shape: tuple[int, ...], said: list[str]) -> LayerData:
    """Return a stored layer: with its description where there is one of use, else the labels alone.

    The labels are those beside it, whatever the description calls them: both may have been renamed.
    """
    labels, described = files.read_labels(path).ids, description_path(path)
    if _without_ones(labels.shape) != _without_ones(shape):
        raise InputError(f"{path} has the shape {labels.shape}, but its image {shape}, so it is not shown.")
    labels = labels.reshape(shape)
    try:
        return labels, read_look_of(described) if is_file(described) else {}, "labels"
    except InputError:
        said.append(f"{described} is not understood, so names and colours of these labels are not known.")
        return labels, {}, "labels"


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size > 1)


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

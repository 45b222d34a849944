"""What of a run is done, in a folder beside its result: a run that was stopped or killed goes on from there.

The folder holds the plan, before it is found what is known of it already, and one line for each finished tile, written
after its pixels. A line has a hash of these, so that nothing depends on what the system wrote first: a tile counts as
finished if the result still holds what the line says. A line that was cut off in the middle counts as none.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_coarse_crf.errors import CoarseCRFWarning, InputError
from napari_coarse_crf.io.files import write_files
from napari_coarse_crf.io.places import in_words, is_file
from napari_coarse_crf.json_text import read_json
from napari_coarse_crf.running.unfinished import read_about, remove_run, write_about

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_TILES = "tiles.jsonl"


@dataclass(frozen=True, slots=True)
class Record:
    """A finished tile.

    Attributes
    ----------
    tile : int
        Its number in the plan.
    gained : dict of int to int
        How many pixels each label got in it, by its number in the plan; those that got none are left out.
    written : tuple of str
        A hash of what was written into each result.
    """

    tile: int
    gained: dict[int, int]
    written: tuple[str, ...]


class Journal:
    """The folder of one run.

    Parameters
    ----------
    folder : Path
        Made if missing. What it holds of a run of other inputs is removed.
    digest : str
        Of the inputs, from `digest_run`.

    Attributes
    ----------
    done : dict of int to Record
        The tiles that were finished before, by their numbers.

    Raises
    ------
    InputError
        If the folder holds something else, or the system refuses.
    """

    def __init__(self, folder: Path, digest: str) -> None:
        self._folder, self._digest = folder, digest
        if read_about(folder).get("digest") != digest:
            remove_run(folder)
        write_about(folder, {"digest": digest})
        self.done = self._read_records()

    def load(self, name: str) -> Any:
        """Return what was kept under a name, None if nothing was.

        Warns
        -----
        CoarseCRFWarning
            If it is damaged: it is to be made again.
        """
        path = self._folder / name
        if not is_file(path):
            return None
        head, _, content = path.read_bytes().partition(b"\n")
        if head == self._head(name, content) and _is_own(path):
            return pickle.loads(content)  # noqa: S301  # ours: of this run, whole, and nobody else's file
        warnings.warn(f"{path} is damaged; what it holds is made again.", CoarseCRFWarning, stacklevel=2)
        return None

    def store(self, name: str, value: Any) -> None:
        """Keep something under a name."""
        content = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
        write_files({self._folder / name: self._head(name, content) + b"\n" + content})

    def drop(self, *names: str) -> None:
        """Forget what was kept under some names."""
        for name in names:
            (self._folder / name).unlink(missing_ok=True)

    def keep(self, record: Record) -> None:
        """Add a finished tile.

        Raises
        ------
        InputError
            If the system refuses, for example because the disk is full.
        """
        line = {"tile": record.tile, "gained": list(record.gained.items()), "written": record.written}
        path = self._folder / _TILES
        try:
            with path.open("ab") as file:
                file.write(_line(line))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise InputError(f"{path} could not be written: {in_words(error)}. Run again.") from error
        self.done[record.tile] = record

    def forget(self, numbers: set[int]) -> None:
        """Take back that these tiles are finished."""
        if numbers:
            self.done = {number: record for number, record in self.done.items() if number not in numbers}

    def _head(self, name: str, content: bytes) -> bytes:
        return f"{name} {self._digest} {hashlib.blake2b(content).hexdigest()}".encode()

    def _read_records(self) -> dict[int, Record]:
        """Return the finished tiles, and cut off what follows the last whole line: the next one begins there."""
        path = self._folder / _TILES
        if not is_file(path):
            return {}
        records, whole = {}, 0
        content = path.read_bytes()
        for line in content.splitlines(keepends=True):
            try:
                if not line.endswith(b"\n"):
                    break
                found = read_json(line)
                gained = {int(label): int(pixels) for label, pixels in found["gained"]}
                record = Record(int(found["tile"]), gained, tuple(map(str, found["written"])))
            except (ValueError, KeyError, TypeError, OverflowError):
                break
            records[record.tile] = record
            whole += len(line)
        if whole < len(content):
            os.truncate(path, whole)
        return records


def _is_own(path: Path) -> bool:
    """Whether the file is this person's; Windows does not say."""
    return not hasattr(os, "getuid") or path.stat().st_uid == os.getuid()


def _line(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content) + "\n").encode()

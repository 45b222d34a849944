"""What of a run is done, in a folder beside its result: a run that was stopped or killed goes on from there.

The folder holds `run.json`, which says what it is for; the plan; and one line for each finished tile, written after its
pixels. A line has a hash of these, so that nothing depends on what the system wrote first: a tile counts as finished
if the result still holds what the line says. A line that was cut off in the middle counts as none.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
import socket
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil

from napari_coarse_crf.errors import CoarseCRFWarning, InputError
from napari_coarse_crf.io.files import make_folder, write_files
from napari_coarse_crf.io.places import exists, in_words, is_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_ABOUT, _PLAN, _TILES = "run.json", "plan", "tiles.jsonl"
_NOTE = "An unfinished run of napari-coarse-crf: the same command goes on with it; this folder may be removed."


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
        If another process has this run under way, or the folder is not ours or cannot be written.
    """

    def __init__(self, folder: Path, digest: str) -> None:
        self._folder, self._digest = folder, digest
        about = _read_about(folder)
        _check_alone(folder, about)
        if about.get("digest") != digest:
            remove_run(folder)
        make_folder(folder)
        write_files({folder / _ABOUT: _line({"about": _NOTE, "digest": digest, **_this_process()})})
        self.done = self._read_records()

    def read_plan(self) -> Any:
        """Return the plan, None if none was kept.

        Warns
        -----
        CoarseCRFWarning
            If it is damaged: it is to be made again.
        """
        path = self._folder / _PLAN
        if not is_file(path):
            return None
        head, _, content = path.read_bytes().partition(b"\n")
        if head == self._head(content) and _is_own(path):
            return pickle.loads(content)  # noqa: S301  # ours: of this run, whole, and nobody else's file
        warnings.warn(f"{path} is damaged; the plan of the tiles is made again.", CoarseCRFWarning, stacklevel=2)
        return None

    def keep_plan(self, plan: Any) -> None:
        """Write the plan."""
        content = pickle.dumps(plan, protocol=pickle.HIGHEST_PROTOCOL)
        write_files({self._folder / _PLAN: self._head(content) + b"\n" + content})

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

    def remove(self) -> None:
        """Remove the folder: the run is finished."""
        remove_run(self._folder)

    def _head(self, content: bytes) -> bytes:
        return f"plan {self._digest} {hashlib.blake2b(content).hexdigest()}".encode()

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
                found = json.loads(line)
                record = Record(int(found["tile"]), dict(found["gained"]), tuple(found["written"]))
            except (ValueError, KeyError, TypeError):
                break
            records[record.tile] = record
            whole += len(line)
        if whole < len(content):
            os.truncate(path, whole)
        return records


def _read_about(folder: Path) -> dict[str, Any]:
    """Return what the folder says of itself; nothing if it is not there."""
    if not exists(folder) or (folder.is_dir() and not any(folder.iterdir())):
        return {}
    try:
        about = json.loads((folder / _ABOUT).read_bytes())
        if about["about"] == _NOTE:
            return dict(about)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise InputError(
        f"{folder} is where an unfinished run is kept, but holds something else. Move it away, or choose another name "
        "for the result."
    )


def _check_alone(folder: Path, about: Mapping[str, Any]) -> None:
    """Raise if the process that began the run is alive."""
    here = _this_process()
    if about.get("host") != here["host"] or about.get("process") == here["process"]:
        return
    try:
        alive = psutil.Process(about["process"]).create_time() == about["started"]
    except psutil.Error:
        return
    if alive:
        raise InputError(
            f"Another run writes the same result (process {about['process']}, see {folder}). Wait until it is "
            "finished, or stop it first."
        )


def _this_process() -> dict[str, Any]:
    return {"host": socket.gethostname(), "process": os.getpid(), "started": psutil.Process().create_time()}


def _is_own(path: Path) -> bool:
    """Whether the file is this person's; Windows does not say."""
    return not hasattr(os, "getuid") or path.stat().st_uid == os.getuid()


def remove_run(folder: Path) -> None:
    """Remove the folder of a run with all it holds, `run.json` last: what is left of it stays known for one.

    Raises
    ------
    InputError
        If the system refuses.
    """
    if not exists(folder):
        return
    try:
        for path in folder.iterdir():
            if path.name == _ABOUT:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        (folder / _ABOUT).unlink(missing_ok=True)
        folder.rmdir()
    except OSError as error:
        raise InputError(f"{folder} cannot be removed: {in_words(error)}. Remove it by hand.") from error


def _line(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content) + "\n").encode()

"""The folder in which an unfinished run is kept: whose it is, what was asked for, and which tiles that gave."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.io.beside import hidden_name
from napari_coarse_crf.io.files import make_folder, write_files
from napari_coarse_crf.io.lazy.places import Place, above, is_url
from napari_coarse_crf.io.places import exists, in_words, is_file, is_folder
from napari_coarse_crf.json_text import read_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_ABOUT = "run.json"
_NOTE = "An unfinished run of napari-coarse-crf: the same command goes on with it; this folder may be removed."


def unfinished_folder(out: Place) -> Path:
    """Return where an unfinished run is kept: beside its result, or the store that this lies in; for URLs, here.

    Examples
    --------
    >>> unfinished_folder("a/image.zarr/labels/fine").as_posix(), unfinished_folder("fine.tif").as_posix()
    ('a/.image.zarr.labels.fine.unfinished', '.fine.tif.unfinished')
    >>> unfinished_folder("s3://bucket/fine.zarr").as_posix()
    '.fine.zarr.b06d8872.unfinished'
    """
    if is_url(out):
        return Path(hidden_name(f"{above(out)[1]}.{sha256(str(out).encode()).hexdigest()[:8]}", ".unfinished"))
    path = Path(out)
    stores = [one for one in (path, *path.parents) if one.suffix.lower() == ".zarr"]
    outermost = stores[-1] if stores else path
    return outermost.with_name(hidden_name(".".join(path.relative_to(outermost.parent).parts), ".unfinished"))


def begin(folder: Path, wanted: Mapping[str, Any], sides: Sequence[int] | None) -> None:
    """Make the folder of an unfinished run, and keep the sides of its tiles: free memory may decide these anew.

    Of several processes that begin the same at once, one does: a name is taken once, and so is what a run that is gone
    says of itself.

    Parameters
    ----------
    folder : Path
        From `unfinished_folder`.
    wanted : mapping
        What a person asked for; of plain values.
    sides : sequence of int or None
        Of a tile; None: all is written at once.

    Raises
    ------
    InputError
        If another process is at it, the folder holds something else, or the system refuses.
    """
    about = read_about(folder)
    _check_alone(folder, about)
    make_folder(folder)
    given_up = folder / f"{_ABOUT}.{secrets.token_hex(4)}.part"
    here = {"wanted": _plain(wanted), "sides": None if sides is None else list(sides), **_this_process()}
    try:
        for said in _all_about(sorted(folder.iterdir())):
            if said.name == _ABOUT and _read_about(said) != about:  # another has begun since: what it says stays there
                raise FileNotFoundError(said)
            said.rename(given_up)
            if _read_about(given_up) != about:  # another has begun since
                given_up.rename(folder / _ABOUT)
        write_files({folder / _ABOUT: _encoded(here)}, overwrite=False)
    except (FileNotFoundError, InputError) as error:
        if isinstance(error, InputError) and not is_file(folder / _ABOUT):
            raise  # the disk is full, say
        raise InputError(
            f"Another run begins the same result (see {folder}). Wait until it is finished, or stop it first."
        ) from error
    given_up.unlink(missing_ok=True)


@contextmanager
def begun(folder: Path, wanted: Mapping[str, Any]) -> Iterator[None]:
    """Begin a run that writes all at once. Where it fails, the folder says what it said before, or is gone.

    Parameters
    ----------
    folder, wanted
        As for `begin`.
    """
    before = read_about(folder)
    begin(folder, wanted, None)
    try:
        yield
    except BaseException:
        if before:
            write_about(folder, before)
        else:
            remove_run(folder)
        raise


def kept_sides(folder: Path, wanted: Mapping[str, Any]) -> tuple[int, ...] | None:
    """Return the sides of the tiles of an unfinished run for which the same was asked; None if there is none."""
    about = read_about(folder)
    sides = about.get("sides")
    if not isinstance(sides, list) or not all(isinstance(side, int) and side > 0 for side in sides):
        return None
    return tuple(sides) if about.get("wanted") == _plain(wanted) else None


def read_about(folder: Path) -> dict[str, Any]:
    """Return what the folder of an unfinished run says of itself; nothing if there is none.

    Raises
    ------
    InputError
        If the folder holds something else.
    """
    if not exists(folder):
        return {}
    try:
        names = sorted(folder.iterdir())
    except FileNotFoundError:  # removed just now
        return {}
    except OSError as error:
        raise InputError(f"{folder} cannot be read: {in_words(error)}. Choose another name for the result.") from error
    if said := _all_about(names):
        if about := _read_about(said[0]):
            return about
        if not exists(said[0]):  # taken over just now
            return read_about(folder)
    elif all(path.suffix == ".part" for path in names):  # killed as it began
        return {}
    raise InputError(
        f"{folder} is where an unfinished run is kept, but holds something else. Move it away, or choose another name "
        "for the result."
    )


def write_about(folder: Path, about: Mapping[str, Any]) -> None:
    """Make a folder of an unfinished run, or say something else of it.

    Raises
    ------
    InputError
        If the system refuses.
    """
    make_folder(folder)
    write_files({folder / _ABOUT: _encoded(about)})


def remove_run(folder: Path) -> None:
    """Remove a folder of an unfinished run with all it holds, last what it says of itself: so its rest stays known.

    Raises
    ------
    InputError
        If the system refuses.
    """
    if not exists(folder):
        return
    try:
        for path in folder.iterdir():
            if is_folder(path):
                shutil.rmtree(path)
            elif path.name != _ABOUT:
                path.unlink()
        (folder / _ABOUT).unlink(missing_ok=True)
        folder.rmdir()
    except OSError as error:
        raise InputError(f"{folder} cannot be removed: {in_words(error)}. Remove it by hand.") from error


def _check_alone(folder: Path, about: Mapping[str, Any]) -> None:
    """Raise if the process that began the run is alive."""
    here = _this_process()
    if about.get("host") != here["host"] or about.get("process") == here["process"]:
        return
    try:
        alive = psutil.Process(about["process"]).create_time() == about["started"]
    except (psutil.Error, KeyError, TypeError, ValueError, OverflowError):
        return  # no such process, or nothing that names one
    if alive:
        raise InputError(
            f"Another run writes the same result (process {about['process']}, see {folder}). Wait until it is "
            "finished, or stop it first."
        )


def _read_about(path: Path) -> dict[str, Any]:
    """Return what the folder of an unfinished run says of itself; nothing if that is none."""
    try:
        about = read_json(path.read_bytes())
        return dict(about) if about["about"] == _NOTE else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _all_about(names: Sequence[Path]) -> list[Path]:
    """Return what says what a folder is: one file, or that of a run that is gone, put aside by one killed just then."""
    told = [path for path in names if path.name == _ABOUT]
    return told or [path for path in names if path.match(f"{_ABOUT}.*.part")]


def _encoded(about: Mapping[str, Any]) -> bytes:
    return (json.dumps({"about": _NOTE, **about}) + "\n").encode()


def _this_process() -> dict[str, Any]:
    return {"host": socket.gethostname(), "process": os.getpid(), "started": psutil.Process().create_time()}


def _plain(wanted: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps(dict(wanted)))


def remove_partial(store: str) -> None:
    """Remove what a killed process has written in part: zarr writes beside a chunk, and then moves it to its place."""
    if not is_url(store):
        for path in Path(store).rglob("*.partial"):
            path.unlink(missing_ok=True)

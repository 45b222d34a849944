"""Where an unfinished run is kept, and the sides of its tiles: by then, free memory may have decided others."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.io.files import make_folder, write_files
from napari_coarse_crf.io.lazy.places import Place, above, is_url
from napari_coarse_crf.io.places import exists, is_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SIDES = "sides.json"


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
        return Path(f".{above(out)[1]}.{sha256(str(out).encode()).hexdigest()[:8]}.unfinished")
    path = Path(out)
    stores = [one for one in (path, *path.parents) if one.suffix.lower() == ".zarr"]
    outermost = stores[-1] if stores else path
    return outermost.with_name(f".{'.'.join(path.relative_to(outermost.parent).parts)}.unfinished")


def is_unfinished(folder: Path) -> bool:
    """Whether there is a run to go on with, perhaps of other inputs."""
    return is_file(folder / _SIDES)


def begin(folder: Path, wanted: Mapping[str, Any], sides: Sequence[int]) -> None:
    """Make the folder of an unfinished run, and keep the sides of its tiles: free memory may decide these anew.

    Parameters
    ----------
    folder : Path
        From `unfinished_folder`.
    wanted : mapping
        What a person asked for; of plain values.
    sides : sequence of int
        Of a tile.

    Raises
    ------
    InputError
        If the folder holds something else, or the system refuses.
    """
    if exists(folder) and not is_unfinished(folder) and any(folder.iterdir()):
        raise InputError(f"{folder} is where an unfinished run is kept, but holds something else. Move it away.")
    make_folder(folder)
    write_files({folder / _SIDES: json.dumps({"wanted": _plain(wanted), "sides": list(sides)}).encode()})


def kept_sides(folder: Path, wanted: Mapping[str, Any]) -> tuple[int, ...] | None:
    """Return the sides of the tiles of an unfinished run for which the same was asked; None if there is none."""
    try:
        kept = json.loads((folder / _SIDES).read_bytes())
        return tuple(kept["sides"]) if kept["wanted"] == _plain(wanted) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _plain(wanted: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps(dict(wanted)))


def remove_partial(store: str) -> None:
    """Remove what a killed process has written in part: zarr writes beside a chunk, and then moves it to its place."""
    if not is_url(store):
        for path in Path(store).rglob("*.partial"):
            path.unlink(missing_ok=True)

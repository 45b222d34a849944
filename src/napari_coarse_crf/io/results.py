"""The results of a refinement as files: where those of many pairs go, and what they hold."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.io.files import WRITABLE, encode_confidence, encode_labels
from napari_coarse_crf.io.places import exists, is_folder, real_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    from napari_coarse_crf.io.matching import Role
    from napari_coarse_crf.io.pairs import Pair
    from napari_coarse_crf.refinement import Refinement


@dataclass(frozen=True, slots=True)
class Task:
    """A pair of files and where its results go.

    Attributes
    ----------
    image, coarse : Path
        What is read.
    labels : Path
        Where the refined labels go.
    confidence : Path or None
        Where the confidence goes, if anybody asked for it.
    """

    image: Path
    coarse: Path
    labels: Path
    confidence: Path | None

    @property
    def results(self) -> tuple[Path, ...]:
        """Where anything goes."""
        return (self.labels,) if self.confidence is None else (self.labels, self.confidence)

    @property
    def is_done(self) -> bool:
        """Whether all results exist."""
        return all(exists(path) for path in self.results)


def plan_tasks(
    pairs: Iterable[Mapping[Role, Path]], out: Path, confidence_out: Path | None = None, mask: Path | None = None
) -> list[Task]:
    """Name the results of many pairs as their coarse label files, in a folder for labels and one for confidence.

    Parameters
    ----------
    pairs : iterable of mapping of role to Path
        Image and coarse labels, from `match_files`.
    out, confidence_out : Path
        The folders; they need not exist.
    mask : Path, optional
        What is read besides.

    Raises
    ------
    InputError
        If a folder is named like a file, both are the same, one holds files that are read, or two results have one
        name.
    """
    folders = [out] if confidence_out is None else [out, confidence_out]
    for folder in folders:
        if folder.suffix.lower() in WRITABLE and not is_folder(folder):
            raise InputError(f"{folder} is the name of a file, but the results of many go into a folder. Name one.")
    if len({real_path(folder) for folder in folders}) < len(folders):
        raise InputError("--out and --confidence-out name the same folder. Give each a name of its own.")
    tasks: dict[Path, Task] = {}
    for pair in pairs:
        image, coarse = pair["image"], pair["coarse"]
        task = Task(image, coarse, out / coarse.name, None if confidence_out is None else confidence_out / coarse.name)
        other = tasks.setdefault(task.labels, task)
        if other is not task:
            raise InputError(f"{coarse} belongs to {other.image} as well as to {image}. Rename one of the images.")
    _check_inputs_stay([path for task in tasks.values() for path in (task.image, task.coarse)], mask, folders)
    return list(tasks.values())


def _check_inputs_stay(read: Iterable[Path], mask: Path | None, folders: Iterable[Path]) -> None:
    """Raise if results would lie among the files that are read: they would replace them, or be read the next time."""
    homes = {path.parent for path in read} | (set() if mask is None else {mask.parent})
    taken = {real_path(home) for home in homes}
    for folder in folders:
        if real_path(folder) in taken:
            raise InputError(f"{folder} holds files that this command reads. Choose another folder for the results.")


def encode_results(
    pair: Pair, refinement: Refinement, labels: Path, confidence: Path | None = None
) -> dict[Path, bytes]:
    """Return the contents of the files that hold a refinement of a pair, for `write_files`."""
    contents = {labels: encode_labels(refinement.labels, labels, pair.palette, axes=pair.axes, grid=pair.grid)}
    if confidence is not None:
        contents[confidence] = encode_confidence(refinement.confidence, confidence, axes=pair.axes, grid=pair.grid)
    return contents


def encode_objects(table: Mapping[str, NDArray[Any]], size_unit: str = "") -> bytes:
    """Return the table of `measure_objects` as CSV, a line for each object; empty where a number is not known.

    Examples
    --------
    >>> import numpy as np
    >>> encode_objects({"id": np.array([1, 2]), "size": np.array([0.25, np.nan])}, "µm^2").decode().splitlines()
    ['id,size (µm^2)', '1,0.25', '2,']
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(object_headings(table, size_unit).values())
    writer.writerows(zip(*([_cell(value) for value in column.tolist()] for column in table.values()), strict=True))
    return text.getvalue().encode()


def object_headings(table: Iterable[str], size_unit: str) -> dict[str, str]:
    """Return what the columns of a table of objects are called, by their names in it."""
    return {name: f"{name} ({size_unit})" if name == "size" and size_unit else name for name in table}


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6g}"
    return str(value)

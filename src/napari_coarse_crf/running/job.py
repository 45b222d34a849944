"""Everything that is to be refined tile by tile of one pair of files: a single image, or frames each on their own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.io.places import is_folder
from napari_coarse_crf.running.planes import Plane, plane_of
from napari_coarse_crf.running.results import Results
from napari_coarse_crf.running.run import Run
from napari_coarse_crf.running.unfinished import remove_run
from napari_coarse_crf.tiles.apart import parts_apart
from napari_coarse_crf.tiles.parts import NO_SLICE, has_two_labels, sum_counts
from napari_coarse_crf.tiles.source import Source

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from pathlib import Path

    import zarr
    from numpy.typing import DTypeLike

    from napari_coarse_crf.inputs import Picture
    from napari_coarse_crf.parameters import Parameters
    from napari_coarse_crf.refinement import Progress
    from napari_coarse_crf.tiles.parts import Part


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """An image or a series that is refined tile by tile.

    Attributes
    ----------
    picture : Picture
        The image, which may be lazy.
    labels : array of int
        Its labels, which may be lazy.
    apart : tuple of int
        The axes of the labels along which each index is refined on its own.
    parameters : Parameters
        As asked for.
    results : Results
        Arrays of the shape of the labels.
    folder : Path
        Where an unfinished run is kept, from `unfinished_folder`.
    sides : tuple of int
        Of a tile, for each axis of a part.
    wanted : mapping
        What a person asked for that changes the result; of plain values.
    runs : list of Run
        Those that were prepared.
    """

    picture: Picture
    labels: Any
    apart: tuple[int, ...]
    parameters: Parameters
    results: Results
    folder: Path
    sides: tuple[int, ...]
    wanted: Mapping[str, Any]
    runs: list[Run] = field(default_factory=list)

    @property
    def parts(self) -> list[Part]:
        """What is refined each on its own."""
        return parts_apart(self.labels.shape, self.apart)

    def prepare(
        self, number: int, workers: int | None = None, client: Any = None
    ) -> Generator[Progress, None, Run | None]:
        """Return the run of one part, None if that has fewer than two labels and stays as it is."""
        part = self.parts[number]
        picture, labels, results = self._cut(part) if self.apart else (self.picture, self.labels, self.results)
        if self.apart and not _is_refined(picture, labels):
            _copy(labels, results)
            return None
        run = yield from Run.prepare(
            *(picture, labels, self.parameters, self.folder / str(number), results),
            wanted={**self.wanted, "confidence": results.confidence is not None},
            tile=self.sides,
            workers=workers,
            client=client,
        )
        self.runs.append(run)
        return run

    @property
    def counts(self) -> dict[int, tuple[int, int]]:
        """How many pixels each label had and has, among those that take part."""
        return sum_counts(run.counts for run in self.runs)

    @property
    def chosen(self) -> Parameters:
        """What the last of the parts was refined with: each one's labels may choose its own weights."""
        return self.runs[-1].plan.parameters if self.runs else self.parameters

    @property
    def tiles(self) -> int:
        """How many tiles there are in all."""
        return sum(len(run.plan.tiles) for run in self.runs)

    @property
    def warnings(self) -> list[str]:
        """What a person should look at, one sentence each."""
        return [sentence for run in self.runs for sentence in run.warnings]

    @property
    def has_finished_tiles(self) -> bool:
        """Whether there is anything to go on with."""
        return any(run.journal.done for run in self.runs)

    def finish(self) -> None:
        """Forget the run: its results are where they belong, or nobody wants them."""
        remove_run(self.folder)

    def _cut(self, part: Part) -> tuple[Picture, Plane, Results]:
        confidence = None if self.results.confidence is None else Plane(self.results.confidence, part)
        picture = plane_of(self.picture, len(self.labels.shape), part)
        return picture, Plane(self.labels, part), Results(Plane(self.results.labels, part), confidence)


def first_part(picture: Picture, labels: Any, apart: Sequence[int]) -> Source:
    """Return the first part of a series that can be refined, or the whole where nothing lies apart.

    Raises
    ------
    InputError
        If no part holds two labels.
    """
    if not apart:
        return Source.of(picture, labels)
    for part in parts_apart(labels.shape, apart):
        frame, of_frame = plane_of(picture, len(labels.shape), part), Plane(labels, part)
        if _is_refined(frame, of_frame):
            return Source.of(frame, of_frame)
    raise InputError(NO_SLICE)


def shape_of_part(shape: Sequence[int], apart: Sequence[int]) -> tuple[int, ...]:
    """Return the shape of what is refined on its own.

    Examples
    --------
    >>> shape_of_part((9, 64, 32), (0,))
    (64, 32)
    """
    return tuple(size for axis, size in enumerate(shape) if axis not in apart)


def sides_of_all(sides: Sequence[int], ndim: int, apart: Sequence[int]) -> tuple[int, ...]:
    """Return the sides of a tile of a part along all axes of the whole.

    Examples
    --------
    >>> sides_of_all((64, 32), 3, (0,))
    (1, 64, 32)
    """
    along = iter(sides)
    return tuple(1 if axis in apart else next(along) for axis in range(ndim))


def scratch_results(
    folder: Path, shape: tuple[int, ...], dtype: DTypeLike, sides: Sequence[int], *, confidence: bool
) -> Results:
    """Return arrays in the folder of an unfinished run, of which files are made at the end."""
    place, chunks = folder.absolute(), tuple(sides)  # also for the workers of a cluster
    kinds: dict[str, Any] = {"labels": dtype} | ({"confidence": np.float32} if confidence else {})
    return Results(*(_array(place / f"{name}.zarr", shape, chunks, np.dtype(kind)) for name, kind in kinds.items()))


def _array(place: Path, shape: tuple[int, ...], chunks: tuple[int, ...], dtype: np.dtype[Any]) -> zarr.Array[Any]:
    """Return the array at a place if it is like this, else a new one."""
    import zarr  # here: what is refined at once has no use for it

    if is_folder(place):
        found = zarr.open_array(place, mode="r+")
        if (found.shape, found.chunks, found.dtype) == (shape, chunks, dtype):
            return found
    return zarr.create_array(place, shape=shape, chunks=chunks, dtype=dtype, overwrite=True)


def _is_refined(picture: Picture, labels: Plane) -> bool:
    everything = tuple(slice(0, size) for size in labels.shape)
    return has_two_labels(labels[everything], None if picture.mask is None else picture.mask[everything])


def _copy(labels: Plane, results: Results) -> None:
    everything = tuple(slice(0, size) for size in labels.shape)
    results.labels[everything] = painted = labels[everything]
    if results.confidence is not None:
        results.confidence[everything] = painted != 0

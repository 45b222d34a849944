"""Label maps and confidence that are written part by part, in any order, by any number of processes.

A store is there at once. Until it is finished it bears a mark and lacks the words that make it an image, so every
reader leaves it alone, and another run may go on with it. What ends as a TIFF file is a store beside until then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.io.lazy.bigtiff import write_bigtiff
from napari_coarse_crf.io.lazy.chunks import chunks_for
from napari_coarse_crf.io.lazy.ome import describe_pyramid
from napari_coarse_crf.io.lazy.places import Place, above
from napari_coarse_crf.io.lazy.pyramids import fill_level
from napari_coarse_crf.io.lazy.remote import reached
from napari_coarse_crf.io.lazy.stored import Lazy
from napari_coarse_crf.io.lazy.stores import (
    ZARR_OF,
    check_place,
    image_around,
    is_tiff_name,
    list_label_map,
    new_level,
    remove,
    renew_summary,
    store_of,
    unfinished_run,
    zarr_format_at,
)
from napari_coarse_crf.io.lazy.zarrs import LABELS, UNFINISHED, open_node, quiet
from napari_coarse_crf.refinement import Progress

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from numpy.typing import DTypeLike, NDArray

    from napari_coarse_crf.io.lazy.ground import Ground
    from napari_coarse_crf.io.lazy.ome import Version

_FULL = "0"  # the largest level


@dataclass(frozen=True, eq=False)
class Written(Lazy):
    """An array that is written and read by slices in the axes of the labels. May be pickled.

    No two processes may write into one chunk at a time: see `chunks`.

    Attributes
    ----------
    place : str or Path
        Where the result is to be.
    store : str
        Where it is written: the same, or beside a TIFF file.
    ground : Ground
        The pixels it lies on.
    are_labels : bool
        Whether it holds ids; else confidence.
    colours : mapping of int to (R, G, B, A), or None
        Of the ids, 0..255.
    data : array of zarr
        The full size as it is stored.
    chunks : tuple of int
        The sides of its chunks, in the axes of the labels.
    """

    place: Place
    store: str
    ground: Ground
    are_labels: bool
    colours: Mapping[int, Sequence[int]] | None
    data: Any
    chunks: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]  # an attribute of others
        """Shape of the labels."""
        return self.ground.shape

    @property
    def dtype(self) -> np.dtype[Any]:  # type: ignore[override]
        """As it is stored."""
        kind: np.dtype[Any] = np.dtype(self.data.dtype)
        return kind

    def __setitem__(self, key: tuple[slice, ...], values: Any) -> None:
        """Write a part: ids, or confidence of 0..1."""
        along = iter(key)
        box = tuple(next(along) if keep else slice(0, 1) for keep in self.ground.kept)
        sides = [len(range(*one.indices(size))) for one, size in zip(key, self.shape, strict=True)]
        part = np.broadcast_to(values, sides)
        if not self.are_labels and self.dtype.kind == "u":
            part = np.round(part * np.iinfo(self.dtype).max)
        lengths = iter(sides)
        self.data[box] = part.astype(self.dtype).reshape([next(lengths) if keep else 1 for keep in self.ground.kept])

    def _read(self, box: tuple[slice, ...]) -> NDArray[Any]:
        along = iter(box)
        block = np.asarray(self.data[tuple(next(along) if keep else slice(0, 1) for keep in self.ground.kept)])
        return block.reshape([size for size, keep in zip(block.shape, self.ground.kept, strict=True) if keep])

    def finishing(self) -> Generator[Progress, None, None]:
        """Build the smaller sizes, or the TIFF file, and take away the mark; step by step.

        Raises
        ------
        InputError
            If the system refuses. The store stays unfinished.
        """
        with reached(self.place):
            levels, group = [self], open_node(self.store, "r+")
            if _has_levels(self.place, self.ground):
                for number, shape in enumerate(self.ground.levels[1:], 1):
                    level = new_level(group, str(number), shape, self.dtype, self.data.chunks, _names(self.ground))
                    yield from fill_level(levels[-1].data, level, Progress("pyramid", 0, 1))
                    levels.append(replace(self, data=level, ground=replace(self.ground, shape=self._seen(shape))))
            if is_tiff_name(self.place):
                yield from write_bigtiff(levels, Path(self.place), self.ground.axes, self.ground.grid)
                remove(self.store)
                return
            image, name = image_around(self.place), above(self.place)[1]
            said = self._described(name, is_inside=image is not None)
            if image is not None:  # a run that is stopped here leaves it unfinished, so that another lists it
                group.attrs.put(said | {UNFINISHED: group.attrs[UNFINISHED]})
                list_label_map(image, name)
            group.attrs.put(said)
            if image is not None:
                renew_summary(image)

    def finish(self) -> None:
        """Do what `finishing` does, at once."""
        for _ in self.finishing():
            pass

    def discard(self) -> None:
        """Remove what has been written."""
        with reached(self.place):
            remove(self.store)

    def _seen(self, shape: Sequence[int]) -> tuple[int, ...]:
        return tuple(size for size, keep in zip(shape, self.ground.kept, strict=True) if keep)

    def _described(self, name: str, *, is_inside: bool) -> dict[str, Any]:
        """Return the attributes that make the store an image, in the version that it is stored in."""
        if self.ground.multiscale is None:
            return {}
        version: Version = "0.4" if self.data.metadata.zarr_format == ZARR_OF["0.4"] else "0.5"
        return describe_pyramid(
            replace(self.ground.multiscale, version=version),
            name,
            are_labels=self.are_labels,
            shown=self.colours,
            source="../../" if is_inside else None,
        )


def create_labels(
    place: Place,
    ground: Ground,
    dtype: DTypeLike,
    *,
    tile: Sequence[int],
    colours: Mapping[int, Sequence[int]] | None = None,
    overwrite: bool = False,
    run: Mapping[str, Any] | None = None,
) -> Written:
    """Make a store of labels that is written part by part; it is there at once, and unfinished.

    Parameters
    ----------
    place : str or Path
        `image.zarr/labels/NAME`: in an OME-Zarr image, in its version, listed among its label maps once it is finished.
        Another path or URL: a store of its own, as OME-Zarr where that has words for its axes. A name that ends in
        .tif or .tiff: a tiled BigTIFF file.
    ground : Ground
        The pixels that the labels lie on.
    dtype : dtype
        Of the ids.
    tile : sequence of int
        How long the tiles are that are written: chunks divide them. `align` makes tiles of which they are large.
    colours : mapping of int to (R, G, B, A), optional
        Of the ids, 0..255.
    overwrite : bool
        Whether what is there is removed.
    run : mapping, optional
        What the run is known by, in words of JSON: given back by `unfinished_run`.

    Raises
    ------
    InputError
        If something is there already, or the system refuses.
    """
    return _create(place, ground, np.dtype(dtype), tile, colours, overwrite, run, are_labels=True)


def create_confidence(
    place: Place,
    ground: Ground,
    dtype: DTypeLike = np.float32,
    *,
    tile: Sequence[int],
    overwrite: bool = False,
    run: Mapping[str, Any] | None = None,
) -> Written:
    """Make a store of confidence, 0..1, as float32, or as whole numbers up to the largest of uint8 or uint16.

    Parameters
    ----------
    place, ground, tile, overwrite, run
        As for `create_labels`; not among the label maps of an image.
    dtype : dtype
        float32, uint8 or uint16.

    Raises
    ------
    InputError
        If something is there already, the place is among label maps, or the system refuses.
    """
    if np.dtype(dtype) not in (np.float32, np.uint8, np.uint16):
        raise InputError(f"Confidence is stored as float32, uint8 or uint16, not as {np.dtype(dtype)}. Choose one.")
    if above(above(place)[0])[1] == LABELS:
        raise InputError(f"{place} lies among label maps, and confidence is none. Give it a place of its own.")
    return _create(place, ground, np.dtype(dtype), tile, None, overwrite, run, are_labels=False)


def reopen(
    place: Place,
    ground: Ground,
    *,
    tile: Sequence[int] | None = None,
    colours: Mapping[int, Sequence[int]] | None = None,
    are_labels: bool = True,
) -> Written:
    """Open an unfinished store again, to go on writing.

    Parameters
    ----------
    place, ground, colours
        As it was made with.
    tile : sequence of int, optional
        How long the tiles are that are to be written: its chunks have to divide them.
    are_labels : bool
        Whether it holds labels; else confidence.

    Raises
    ------
    InputError
        If nothing unfinished is there, or it was begun for another image or in other tiles.
    """
    with reached(place):
        if unfinished_run(place) is None:
            raise InputError("Nothing unfinished is there to go on with. Start anew.")
        store = store_of(place)
        node = open_node(store, "r+")
        data = node if isinstance(node, zarr.Array) else node[_FULL]
        if not isinstance(data, zarr.Array) or data.shape != ground.stored:
            raise InputError("It was begun for an image of another shape. Remove it, or choose another place.")
        written = _written(place, store, ground, data, colours, are_labels=are_labels)
        sides = zip(tile or ground.shape, written.chunks, ground.shape, strict=True)
        if any(side < size and side % chunk for side, chunk, size in sides):
            raise InputError("It was begun in tiles of other sides. Take the same, or add --overwrite to begin anew.")
        return written


def _create(
    place: Place,
    ground: Ground,
    dtype: np.dtype[Any],
    tile: Sequence[int],
    colours: Mapping[int, Sequence[int]] | None,
    overwrite: bool,
    run: Mapping[str, Any] | None,
    *,
    are_labels: bool,
) -> Written:
    check_place(place, overwrite=overwrite)
    with reached(place), quiet():
        if not overwrite and unfinished_run(place) is not None:
            raise InputError("An unfinished result is there. Go on with it, or add --overwrite to begin anew.")
        store = store_of(place)
        remove(store)
        chunks = iter(chunks_for(ground.shape, tile))
        sides = tuple(next(chunks) if keep else 1 for keep in ground.kept)
        if not _has_levels(place, ground):
            mark = {UNFINISHED: dict(run or {})}
            options: dict[str, Any] = {"attributes": mark, "fill_value": 0, "zarr_format": 3}
            data = zarr.create_array(store, shape=ground.stored, dtype=dtype, chunks=sides, **options)
        else:
            zarr_format = zarr_format_at(place, "0.5" if ground.multiscale is None else ground.multiscale.version)
            group = zarr.create_group(store, zarr_format=zarr_format, attributes={UNFINISHED: dict(run or {})})
            data = new_level(group, _FULL, ground.stored, dtype, sides, _names(ground))
        return _written(place, store, ground, data, colours, are_labels=are_labels)


def _written(
    place: Place,
    store: str,
    ground: Ground,
    data: Any,
    colours: Mapping[int, Sequence[int]] | None,
    *,
    are_labels: bool,
) -> Written:
    chunks = tuple(side for side, keep in zip(data.chunks, ground.kept, strict=True) if keep)
    return Written(place, store, ground, are_labels, colours, data, chunks)


def _has_levels(place: Place, ground: Ground) -> bool:
    """Whether smaller sizes belong to a result; an array for whose axes OME-Zarr has no words stays on its own."""
    return is_tiff_name(place) or ground.multiscale is not None


def _names(ground: Ground) -> list[str]:
    """Return what OME-Zarr calls the axes that are stored."""
    if ground.multiscale is None:
        return list(ground.axes.lower())
    return [str(axis["name"]) for axis in ground.multiscale.axes]

"""Arrays that a run writes its tiles into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.running.inputs import digest_arrays
from napari_coarse_crf.running.planes import stored

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_coarse_crf.compute.arrays import FloatArray, LabelArray
    from napari_coarse_crf.tiles.cutting import Tile
    from napari_coarse_crf.tiles.one import TileRefinement
    from napari_coarse_crf.tiles.source import Box


@dataclass(frozen=True, slots=True, eq=False)
class Results:
    """Where the results go: anything that takes slices, such as arrays of zarr.

    Attributes
    ----------
    labels : array
        The refined labels.
    confidence : array or None
        Their confidence, if anybody wants it.
    """

    labels: Any
    confidence: Any = None

    def write(self, core: Box, refinement: TileRefinement) -> tuple[str, ...]:
        """Write a tile, and return a hash of what each array then holds of it."""
        self.put(refinement.labels, refinement.confidence, core)
        return self.digests(core)

    def put(self, labels: LabelArray, confidence: FloatArray, place: Box | None = None) -> None:
        """Write a part, or the whole."""
        where = tuple(slice(0, size) for size in self.labels.shape) if place is None else place
        self.labels[where] = labels
        if self.confidence is not None:
            self.confidence[where] = confidence

    def digests(self, core: Box) -> tuple[str, ...]:
        """Return the hashes of what is there now."""
        arrays = [self.labels] if self.confidence is None else [self.labels, self.confidence]
        return tuple(digest_arrays(np.asarray(array[core])) for array in arrays)

    def check_side_by_side(self, tiles: Iterable[Tile]) -> None:
        """Find out before any work whether processes may write tiles at the same time.

        Raises
        ------
        InputError
            If an array lies in the memory of this process, or two tiles share a chunk, which one of them would lose.
        """
        for array in (self.labels, self.confidence):
            if isinstance(stored(array), np.ndarray):
                raise InputError(
                    "The result lies in the memory of this process, where others cannot write it. Pass an array of "
                    "zarr, or refine without processes and scheduler."
                )
            chunks = None if array is None else getattr(array, "shards", None) or getattr(array, "chunks", None)
            if chunks is None:
                continue
            for tile in tiles:
                if any(one.start % chunk for one, chunk in zip(tile.core, chunks, strict=True)):
                    raise InputError(
                        f"Chunks of the result are {' x '.join(map(str, chunks))} pixels, which tiles would share, and "
                        "processes overwrite each other. Give sides of tiles (--tile) that are multiples of these."
                    )

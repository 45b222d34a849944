"""What a run is made from, in one hash: only a run of the same image, labels and settings may be gone on with."""

from __future__ import annotations

import hashlib
import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.refinement import Progress
from napari_coarse_crf.running.versions import digest_code, versions_of
from napari_coarse_crf.tiles.cutting import cut_boxes

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from napari_coarse_crf.parameters import Parameters
    from napari_coarse_crf.tiles.source import Source

_BLOCK_BYTES = 2**26
_CHANGES_NOTHING = frozenset({"cli", "plugin", "samples", "evaluation", "next_place.py", "words.py", "io"})
"""Rooms and modules by which neither a plan nor a tile changes: what they read is in the hash itself."""


def digest_run(source: Source, parameters: Parameters, wanted: Mapping[str, Any]) -> Generator[Progress, None, str]:
    """Read the image, its labels and its mask once, and return a hash of all that decides the result.

    Parameters
    ----------
    source : Source
        What is read.
    parameters : Parameters
        What it is refined with.
    wanted : mapping
        What else a person asked for that changes the result, such as sides of tiles; of plain values.

    Yields
    ------
    Progress
        Before each block.
    """
    picture = source.picture
    settings = {
        "parameters": parameters.to_dict(),
        "channel_axis": picture.channel_axis,
        "spacing": _plain(picture.spacing),
        "contrast_limits": _plain(picture.contrast_limits),
        "by_channel": picture.by_channel,
        "wanted": dict(wanted),
        "versions": versions_of("numpy", "numba"),
        "code": digest_code(_CHANGES_NOTHING),
    }
    digest = hashlib.blake2b(json.dumps(settings, sort_keys=True).encode(), digest_size=16)
    boxes = cut_boxes(source.shape, [_side(source)] * len(source.shape))
    for number, box in enumerate(boxes):
        yield Progress("looking for changes", number, len(boxes))
        picture, labels = source.read(box)
        for array in (picture.image, labels, picture.mask):
            digest.update(digest_arrays(array).encode())
    return digest.hexdigest()


def _side(source: Source) -> int:
    """Return how long a block is: a power of two, as chunks mostly are."""
    picture, labels = source.read(tuple(slice(0, 1) for _ in source.shape))
    pixels = _BLOCK_BYTES / (picture.image.nbytes + labels.nbytes)
    return 1 << max(0, math.floor(math.log2(max(1.0, pixels)) / len(source.shape)))


def digest_arrays(*arrays: Any) -> str:
    """Return a hash of arrays, their shapes and types; of None too.

    Examples
    --------
    >>> digest_arrays(np.zeros(3)) == digest_arrays(np.zeros(3)), digest_arrays(np.zeros(3)) == digest_arrays(None)
    (True, False)
    """
    digest = hashlib.blake2b(digest_size=16)
    for array in arrays:
        values = np.zeros(0) if array is None else np.ascontiguousarray(array)
        digest.update(f"{None if array is None else (values.shape, values.dtype.str)}".encode())
        digest.update(values.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _plain(values: Any) -> Any:
    """Return numbers as lists, None as it is."""
    return None if values is None else np.asarray(values, np.float64).tolist()

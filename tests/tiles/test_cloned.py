"""Arrays of dask, however they were made, have the same values under other names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import pytest
from dask.base import optimize
from dask.delayed import delayed
from distributed import Client

from napari_coarse_crf import refine_labels
from napari_coarse_crf.tiles.cloned import clone

if TYPE_CHECKING:
    from collections.abc import Callable

_VALUES = np.arange(60 * 70, dtype=np.int32).reshape(60, 70)
_CHUNKED = da.from_array(_VALUES, chunks=(10, 35))
MADE: dict[str, Callable[[], da.Array]] = {
    "numpy": lambda: _CHUNKED,
    "rechunked": lambda: _CHUNKED.rechunk((33, 44)),
    "stacked": lambda: da.stack([_CHUNKED[:30], da.from_array(_VALUES[30:], chunks=(7, 9))], axis=-1),
    "joined": lambda: da.concatenate([_CHUNKED, _CHUNKED.rechunk(8)], axis=0),
    "delayed": lambda: da.from_delayed(delayed(lambda: _VALUES)(), _VALUES.shape, _VALUES.dtype),
    "computed": lambda: (_CHUNKED.rechunk(13)[::2, 3:] + 1).map_blocks(np.negative),
    "optimised": lambda: optimize(_CHUNKED.rechunk(13) * 2)[0],
    "persisted": lambda: (_CHUNKED.rechunk(13) * 2).persist(),
    "padded": lambda: da.pad(_CHUNKED, 3, mode="edge"),
    "overlapping": lambda: da.overlap.overlap(_CHUNKED, 2, "reflect"),
    "turned": lambda: np.moveaxis(_CHUNKED[..., np.newaxis].rechunk(20), 2, 0),
}


@pytest.mark.parametrize("made", MADE)
def test_a_clone_has_the_same_values_and_chunks_under_other_names(made: str) -> None:
    array = MADE[made]()
    twin = clone(array)
    np.testing.assert_array_equal(twin.compute(scheduler="synchronous"), array.compute(scheduler="synchronous"))
    assert (twin.chunks, twin.dtype) == (array.chunks, array.dtype)
    assert not set(twin.dask) & set(array.dask)


@pytest.mark.parametrize("made", ["rechunked", "delayed", "persisted"])
def test_arrays_are_refined_however_they_were_made(made: str) -> None:
    shade = MADE[made]() % 251
    labels = np.zeros(shade.shape, np.uint8)
    labels[2, :9], labels[-3, -9:] = 1, 2
    lazy: Any = refine_labels(shade, da.from_array(labels).rechunk(17), tile=40)
    np.testing.assert_array_equal(lazy.compute(), refine_labels(np.asarray(shade), labels, tile=40))


def test_what_a_cluster_holds_is_not_made_again() -> None:
    with Client(processes=False, dashboard_address="localhost:0") as client:
        held = client.persist(_CHUNKED + 1)
        for array in (held, held.rechunk(30), da.concatenate([held, _CHUNKED])):
            np.testing.assert_array_equal(clone(array).compute(), array.compute())

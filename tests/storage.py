"""Arrays as people have them who do not hold them in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask.array as da
import tensorstore
import zarr

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def stored(array: NDArray[Any], storage: str, folder: Path) -> Any:
    """Return the array in one of "memory", "dask", "zarr" and "tensorstore", in chunks that do not divide it."""
    chunks = tuple(min(size, 3 if axis < array.ndim - 2 else 16) for axis, size in enumerate(array.shape))
    if storage == "dask":
        return da.from_array(array, chunks=chunks)
    if storage == "zarr":
        place = str(folder / "array.zarr")
        lazy = zarr.create_array(store=place, shape=array.shape, dtype=array.dtype, chunks=chunks)
        lazy[:] = array
        return lazy
    if storage == "tensorstore":
        spec = {"driver": "n5", "kvstore": {"driver": "file", "path": str(folder / "array.n5")}}
        store = tensorstore.open(spec, create=True, dtype=array.dtype.name, shape=array.shape).result()
        store.write(array).result()
        return store
    return array

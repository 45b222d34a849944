"""What the intrinsics of `simd` do, in numpy: for debuggers and coverage, with `NUMBA_DISABLE_JIT=1`.

Each function is as its namesake there; a strip is an array of float32. For tiny images, as all kernels run in Python
then, and the same to rounding: LLVM may join a product and a sum.
"""

# ruff: noqa: D103

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import FloatArray

_LANES = 8


def load(array: NDArray[Any], index: int) -> FloatArray:
    return array.reshape(-1)[index : index + _LANES].astype(np.float32)


def load_strip(array: NDArray[Any], index: int, strip: Any) -> FloatArray:
    return array.reshape(-1)[index : index + _LANES * len(strip.vectors)].astype(np.float32)


def store(array: NDArray[Any], index: int, value: FloatArray) -> None:
    rounded = value + np.float32(0.5) if array.dtype == np.uint16 else value
    array.reshape(-1)[index : index + len(value)] = rounded


def prefetch(array: NDArray[Any], index: int) -> None:
    pass


def broadcast(value: np.float32) -> FloatArray:
    return np.full(_LANES, value, np.float32)


def multiply_add(a: Any, b: Any, c: Any) -> Any:
    return a * b + c


def where_less(a: Any, b: Any, then: Any, otherwise: Any) -> Any:
    return np.where(a < b, then, otherwise)


def where_equal(a: Any, b: Any, then: Any, otherwise: Any) -> Any:
    return np.where(a == b, then, otherwise)


def power_of_two(a: FloatArray) -> FloatArray:
    return np.ldexp(np.float32(1), a.astype(np.int32))


def add_vectors(one: FloatArray, strip: FloatArray) -> FloatArray:
    for vector in strip.reshape(-1, _LANES):
        one = one + vector
    return one


def larger_of_vectors(one: FloatArray, strip: FloatArray) -> Any:
    return np.maximum(one, strip.reshape(-1, _LANES).max(axis=0))


def lane(a: FloatArray, index: int) -> Any:
    return a[index]

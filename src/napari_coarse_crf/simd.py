"""Eight float32 at once inside numba kernels.

A loop over a run-time number of labels is not vectorised by numba. These intrinsics say in LLVM's own vector type what
is meant: the slice of a permutohedral lattice runs 8 times faster with them than as a plain loop (1 M pixels,
24 labels, 6 corners: 13 ms against 112 ms on one core). LLVM splits the vectors where the processor has narrower ones,
so there is one path for all machines. They do not check bounds: the wrappers that call the kernels do.

Labels are therefore padded to a multiple of `LANES`, see `padded`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

LANES = 8

_intrinsic: Any = intrinsic  # numba passes the typing context itself, which its types do not say
_declare: Any = cgutils.get_or_insert_function  # numba is only partly typed

_FLOATS = ir.VectorType(ir.FloatType(), LANES)
_INTEGERS = ir.VectorType(ir.IntType(32), LANES)


def padded(count: int) -> int:
    """Return `count` rounded up to whole vectors.

    Examples
    --------
    >>> padded(19)
    24
    """
    return -(-count // LANES) * LANES


class Float8(types.Type):
    """The numba type of a vector of eight float32."""

    def __init__(self) -> None:
        super().__init__(name="Float8")


_float8: Any = Float8()


@register_model(Float8)
class _Float8Model(models.PrimitiveModel):
    def __init__(self, manager: Any, fe_type: Float8) -> None:
        super().__init__(manager, fe_type, _FLOATS)  # type: ignore[no-untyped-call]  # numba is only partly typed


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _FLOATS.as_pointer())


def _call(builder: Any, name: str, *values: Any) -> Any:
    """Call one of LLVM's own vector functions, such as floor."""
    signature = ir.FunctionType(_FLOATS, [_FLOATS] * len(values))
    function = _declare(builder.module, signature, f"llvm.{name}.v{LANES}f32")
    return builder.call(function, values)


@_intrinsic
def load(typing: Any, array: Any, index: Any) -> Any:
    """Return elements `index` to `index + 7` of a C-contiguous float32 array, counted over all its axes."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_pointer(context, builder, signature.args[0], args[0], args[1]), align=4)

    return _float8(array, types.intp), generate


@_intrinsic
def store(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """Write `value` to elements `index` to `index + 7` of a C-contiguous float32 array."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[2], _pointer(context, builder, signature.args[0], args[0], args[1]), align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, _float8), generate


@_intrinsic
def prefetch(typing: Any, array: Any, index: Any) -> Any:
    """Bring element `index` of a C-contiguous float32 array into the cache, for reading and writing soon."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        flag = ir.IntType(32)
        pointer = _pointer(context, builder, signature.args[0], args[0], args[1])
        shape = ir.FunctionType(ir.VoidType(), [_FLOATS.as_pointer(), flag, flag, flag])
        builder.call(_declare(builder.module, shape, "llvm.prefetch.p0"), [pointer, flag(0), flag(1), flag(1)])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


@_intrinsic
def broadcast(typing: Any, value: Any) -> Any:
    """Return a vector of eight times `value`."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        undefined = ir.Constant(_FLOATS, ir.Undefined)
        first = builder.insert_element(undefined, args[0], ir.Constant(ir.IntType(32), 0))
        return builder.shuffle_vector(first, undefined, ir.Constant(_INTEGERS, [0] * LANES))

    return _float8(types.float32), generate


@_intrinsic
def add(typing: Any, a: Any, b: Any) -> Any:
    """Return a + b."""
    return _float8(_float8, _float8), lambda context, builder, signature, args: builder.fadd(*args)


@_intrinsic
def subtract(typing: Any, a: Any, b: Any) -> Any:
    """Return a - b."""
    return _float8(_float8, _float8), lambda context, builder, signature, args: builder.fsub(*args)


@_intrinsic
def multiply(typing: Any, a: Any, b: Any) -> Any:
    """Return a * b."""
    return _float8(_float8, _float8), lambda context, builder, signature, args: builder.fmul(*args)


@_intrinsic
def multiply_add(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a * b + c."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _call(builder, "fmuladd", *args)

    return _float8(_float8, _float8, _float8), generate


@_intrinsic
def smaller(typing: Any, a: Any, b: Any) -> Any:
    """Return the smaller of a and b, lane by lane; neither may be NaN."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered("<", args[0], args[1]), args[0], args[1])

    return _float8(_float8, _float8), generate


@_intrinsic
def larger(typing: Any, a: Any, b: Any) -> Any:
    """Return the larger of a and b, lane by lane; neither may be NaN."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", args[0], args[1]), args[0], args[1])

    return _float8(_float8, _float8), generate


@_intrinsic
def magnitude(typing: Any, a: Any) -> Any:
    """Return |a|."""
    return _float8(_float8), lambda context, builder, signature, args: _call(builder, "fabs", *args)


@_intrinsic
def lane(typing: Any, a: Any, index: Any) -> Any:
    """Return one element of `a`."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.extract_element(args[0], builder.trunc(args[1], ir.IntType(32)))

    return types.float32(_float8, types.intp), generate


@_intrinsic
def where_less(typing: Any, a: Any, b: Any, then: Any, otherwise: Any) -> Any:
    """Return `then` where a < b, else `otherwise`, lane by lane."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered("<", args[0], args[1]), args[2], args[3])

    return _float8(_float8, _float8, _float8, _float8), generate


@_intrinsic
def where_equal(typing: Any, a: Any, b: Any, then: Any, otherwise: Any) -> Any:
    """Return `then` where a == b, else `otherwise`, lane by lane."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered("==", args[0], args[1]), args[2], args[3])

    return _float8(_float8, _float8, _float8, _float8), generate


@_intrinsic
def floor(typing: Any, a: Any) -> Any:
    """Return the largest whole number <= a, lane by lane."""
    return _float8(_float8), lambda context, builder, signature, args: _call(builder, "floor", *args)


@_intrinsic
def _power_of_two(typing: Any, a: Any) -> Any:
    """Return 2**a for whole a in -126..127: the exponent's bits of a float32."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        exponent = builder.add(builder.fptosi(args[0], _INTEGERS), ir.Constant(_INTEGERS, [127] * LANES))
        return builder.bitcast(builder.shl(exponent, ir.Constant(_INTEGERS, [23] * LANES)), _FLOATS)

    return _float8(_float8), generate


@njit(nogil=True, forceinline=True)
def total(a):  # type: ignore[no-untyped-def]  # Float8 -> float32
    """Return the sum of the eight elements."""
    low = (lane(a, 0) + lane(a, 4)) + (lane(a, 2) + lane(a, 6))
    return low + ((lane(a, 1) + lane(a, 5)) + (lane(a, 3) + lane(a, 7)))


@njit(nogil=True, forceinline=True)
def largest(a):  # type: ignore[no-untyped-def]  # Float8 -> float32
    """Return the largest of the eight elements."""
    low = max(max(lane(a, 0), lane(a, 4)), max(lane(a, 2), lane(a, 6)))
    return max(low, max(max(lane(a, 1), lane(a, 5)), max(lane(a, 3), lane(a, 7))))


@njit(nogil=True, forceinline=True)
def exponential(a):  # type: ignore[no-untyped-def]  # Float8 -> Float8
    """Return e**a for a <= 0.

    The relative error is below 2e-7 near 0 and grows with |a| as float32 does; below 1e-37 it stays at about 1e-37.
    a = (k + f) ln 2 with whole k and f in 0..1; 2**f by a polynomial of degree 6 interpolated at Chebyshev nodes.
    """
    scaled = larger(multiply(a, broadcast(np.float32(1.4426950408889634))), broadcast(np.float32(-123.0)))
    whole = floor(scaled)
    part = subtract(scaled, whole)
    power = broadcast(np.float32(2.1865785e-04))
    power = multiply_add(power, part, broadcast(np.float32(1.2391332e-03)))
    power = multiply_add(power, part, broadcast(np.float32(9.6841864e-03)))
    power = multiply_add(power, part, broadcast(np.float32(5.5480629e-02)))
    power = multiply_add(power, part, broadcast(np.float32(2.4023046e-01)))
    power = multiply_add(power, part, broadcast(np.float32(6.9314694e-01)))
    power = multiply_add(power, part, broadcast(np.float32(1.0000000e00)))
    return multiply(power, _power_of_two(whole))

"""Float32 numbers by eights inside numba kernels.

A loop over a run-time number of labels is not vectorised by numba. These intrinsics say in LLVM's own vector type what
is meant: the slice of a permutohedral lattice runs 8 times faster with them than as a plain loop (1 M pixels,
24 labels, 6 corners: 13 ms against 112 ms on one core). LLVM splits the vectors where the processor has narrower ones,
so there is one path for all machines. They do not check bounds: the wrappers that call the kernels do.

Labels are padded to whole vectors, see `row_width`. Kernels take a row in *strips* of up to eight vectors: a row of up
to 64 labels is one strip, a longer one is 2, 4, 8, ... strips of five to eight vectors. One value is all numbers of a
strip, which stays in registers. Kernels are compiled for each length of strip, alone and among others: twelve times at
most, whatever the number of labels, as how many strips a long row has is known at run time only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import config, njit, types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

from napari_coarse_crf.compute import plain

if TYPE_CHECKING:
    from collections.abc import Callable

LANES = 8
_LONGEST_STRIP = 8  # vectors
_LINE = 16  # float32 in a line of the cache

_declare: Any = cgutils.get_or_insert_function  # numba is only partly typed

_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_INTEGERS = ir.VectorType(ir.IntType(32), LANES)
_SHORTS = ir.VectorType(ir.IntType(16), LANES)


def _intrinsic(stand_in: Callable[..., Any]) -> Callable[..., Any]:
    """Make an intrinsic of what returns signature and code, or take what does the same where nothing is compiled."""
    make: Any = intrinsic  # numba passes the typing context itself, which its types do not say
    settings: Any = config
    return (lambda _: stand_in) if settings.DISABLE_JIT else make


def padded(count: int) -> int:
    """Return `count` rounded up to whole vectors.

    Examples
    --------
    >>> padded(19)
    24
    """
    return -(-count // LANES) * LANES


def row_width(n_labels: int) -> int:
    """Return how many numbers a row has for that many labels: whole vectors, and beyond 64 labels whole strips.

    Examples
    --------
    >>> row_width(3), row_width(19), row_width(65), row_width(300)
    (8, 24, 80, 320)
    """
    step = LANES
    while n_labels > _LONGEST_STRIP * step:
        step *= 2
    return -(-n_labels // step) * step


class Strip(NamedTuple):
    """What tells a kernel how it takes rows: numba knows the lengths of tuples when it compiles.

    Attributes
    ----------
    vectors : tuple
        As many elements as a strip has vectors.
    alone : tuple
        One element where a strip is a whole row, else none. Loops over strips then vanish: left in, they made mean
        field over 19 labels 9 % slower.
    """

    vectors: tuple[int, ...]
    alone: tuple[int, ...]


def strip_of(width: int) -> Strip:
    """Return how kernels take rows of `width` padded labels, see `row_width`.

    Examples
    --------
    >>> strip_of(24)
    Strip(vectors=(0, 0, 0), alone=(0,))
    >>> strip_of(80) == strip_of(5120)
    True
    """
    count = n_vectors = width // LANES
    while count > _LONGEST_STRIP:
        count //= 2
    return Strip((0,) * count, (0,) * (count == n_vectors))


class Floats(types.Type):
    """The numba type of a strip: `count` vectors of eight float32."""

    def __init__(self, count: int) -> None:
        super().__init__(name=f"Floats({count})")
        self.count = count


@register_model(Floats)
class _FloatsModel(models.PrimitiveModel):
    def __init__(self, manager: Any, fe_type: Floats) -> None:
        super().__init__(manager, fe_type, ir.ArrayType(_VECTOR, fe_type.count))  # type: ignore[no-untyped-call]  # numba is only partly typed


_one: Any = Floats(1)


def _pack(builder: Any, parts: list[Any]) -> Any:
    strip = ir.Constant(ir.ArrayType(_VECTOR, len(parts)), ir.Undefined)
    for i, part in enumerate(parts):
        strip = builder.insert_value(strip, part, i)
    return strip


def _unpack(builder: Any, kind: Any, value: Any, count: int) -> list[Any]:
    """Return the vectors of a strip, or as many vectors of one number."""
    if isinstance(kind, Floats):
        return [builder.extract_value(value, i) for i in range(count)]
    undefined = ir.Constant(_VECTOR, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
    return [builder.shuffle_vector(first, undefined, ir.Constant(_INTEGERS, [0] * LANES))] * count


def _on_vectors(operation: Callable[..., Any], *kinds: Any) -> Any:
    """Return signature and code of an operation on strips of one length; a float32 stands for a strip of it."""
    counts = {kind.count for kind in kinds if isinstance(kind, Floats)}
    if len(counts) != 1 or not all(isinstance(kind, Floats) or kind == types.float32 for kind in kinds):
        return None  # numba then says which types it cannot match
    (count,) = counts
    result: Any = Floats(count)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        columns = [_unpack(builder, *typed, count) for typed in zip(signature.args, args, strict=True)]
        return _pack(builder, [operation(builder, *parts) for parts in zip(*columns, strict=True)])

    return result(*kinds), generate


def _folded(operation: Callable[..., Any], one: Any, kind: Any) -> Any:
    """Return signature and code of joining the vectors of a strip to one vector, in turn."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        (joined,) = _unpack(builder, _one, args[0], 1)
        for vector in _unpack(builder, kind, args[1], kind.count):
            joined = operation(builder, joined, vector)
        return _pack(builder, [joined])

    return _one(one, kind), generate


def _call(builder: Any, name: str, *values: Any) -> Any:
    """Call one of LLVM's own vector functions, such as floor."""
    signature = ir.FunctionType(_VECTOR, [_VECTOR] * len(values))
    function = _declare(builder.module, signature, f"llvm.{name}.v{LANES}f32")
    return builder.call(function, values)


def _pick(builder: Any, comparison: str, a: Any, b: Any, then: Any, otherwise: Any) -> Any:
    return builder.select(builder.fcmp_ordered(comparison, a, b), then, otherwise)


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any, part: int = 0) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    at = builder.add(index, ir.Constant(index.type, part * LANES))
    kind = _SHORTS if array_type.dtype == types.uint16 else _VECTOR
    return builder.bitcast(builder.gep(data, [at]), kind.as_pointer())


def _loading(count: int, *kinds: Any) -> Any:
    result: Any = Floats(count)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointers = [_pointer(context, builder, signature.args[0], args[0], args[1], i) for i in range(count)]
        parts = [builder.load(pointer, align=2) for pointer in pointers]
        if signature.args[0].dtype == types.uint16:
            parts = [builder.sitofp(builder.zext(part, _INTEGERS), _VECTOR) for part in parts]
        return _pack(builder, parts)

    return result(*kinds), generate


@_intrinsic(plain.load)
def load(typing: Any, array: Any, index: Any) -> Any:
    """Return elements `index` to `index + 7`, over all axes, of a C-contiguous array of float32 or uint16."""
    return _loading(1, array, types.intp)


@_intrinsic(plain.load_strip)
def load_strip(typing: Any, array: Any, index: Any, strip: Any) -> Any:
    """Return a strip from element `index` on; `strip`: a `Strip`."""
    return _loading(strip.types[0].count, array, types.intp, strip)


@_intrinsic(plain.store)
def store(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """Write a strip from element `index` on to a C-contiguous array of float32, or of uint16 (rounded)."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        for i, part in enumerate(_unpack(builder, value, args[2], value.count)):
            if array.dtype == types.uint16:
                half = ir.Constant(_VECTOR, [0.5] * LANES)
                part = builder.trunc(builder.fptosi(builder.fadd(part, half), _INTEGERS), _SHORTS)
            builder.store(part, _pointer(context, builder, array, args[0], args[1], i), align=2)
        return context.get_dummy_value()

    return types.void(array, types.intp, value), generate


@_intrinsic(plain.prefetch)
def prefetch(typing: Any, array: Any, index: Any) -> Any:
    """Bring the line of element `index` of a C-contiguous array into the cache, for soon."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        flag = ir.IntType(32)
        pointer = _pointer(context, builder, signature.args[0], args[0], args[1])
        shape = ir.FunctionType(ir.VoidType(), [_VECTOR.as_pointer(), flag, flag, flag])
        to_read, for_long, data = flag(0), flag(3), flag(1)
        builder.call(_declare(builder.module, shape, "llvm.prefetch.p0"), [pointer, to_read, for_long, data])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


@_intrinsic(plain.broadcast)
def broadcast(typing: Any, value: Any) -> Any:
    """Return a vector of eight times `value`."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _pack(builder, _unpack(builder, types.float32, args[0], 1))

    return _one(types.float32), generate


@_intrinsic(np.add)
def add(typing: Any, a: Any, b: Any) -> Any:
    """Return a + b."""
    return _on_vectors(lambda builder, *parts: builder.fadd(*parts), a, b)


@_intrinsic(np.subtract)
def subtract(typing: Any, a: Any, b: Any) -> Any:
    """Return a - b."""
    return _on_vectors(lambda builder, *parts: builder.fsub(*parts), a, b)


@_intrinsic(np.multiply)
def multiply(typing: Any, a: Any, b: Any) -> Any:
    """Return a * b."""
    return _on_vectors(lambda builder, *parts: builder.fmul(*parts), a, b)


@_intrinsic(plain.multiply_add)
def multiply_add(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a * b + c."""
    return _on_vectors(lambda builder, *parts: _call(builder, "fmuladd", *parts), a, b, c)


@_intrinsic(np.minimum)
def smaller(typing: Any, a: Any, b: Any) -> Any:
    """Return the smaller of a and b, lane by lane; neither may be NaN."""
    return _on_vectors(lambda builder, x, y: _pick(builder, "<", x, y, x, y), a, b)


@_intrinsic(np.maximum)
def larger(typing: Any, a: Any, b: Any) -> Any:
    """Return the larger of a and b, lane by lane; neither may be NaN."""
    return _on_vectors(lambda builder, x, y: _pick(builder, ">", x, y, x, y), a, b)


@_intrinsic(np.abs)
def magnitude(typing: Any, a: Any) -> Any:
    """Return |a|."""
    return _on_vectors(lambda builder, x: _call(builder, "fabs", x), a)


@_intrinsic(plain.where_less)
def where_less(typing: Any, a: Any, b: Any, then: Any, otherwise: Any) -> Any:
    """Return `then` where a < b, else `otherwise`, lane by lane."""
    return _on_vectors(lambda builder, *parts: _pick(builder, "<", *parts), a, b, then, otherwise)


@_intrinsic(plain.where_equal)
def where_equal(typing: Any, a: Any, b: Any, then: Any, otherwise: Any) -> Any:
    """Return `then` where a == b, else `otherwise`, lane by lane."""
    return _on_vectors(lambda builder, *parts: _pick(builder, "==", *parts), a, b, then, otherwise)


@_intrinsic(np.floor)
def floor(typing: Any, a: Any) -> Any:
    """Return the largest whole number <= a, lane by lane."""
    return _on_vectors(lambda builder, x: _call(builder, "floor", x), a)


@_intrinsic(plain.power_of_two)
def _power_of_two(typing: Any, a: Any) -> Any:
    """Return 2**a for whole a in -126..127: the exponent's bits of a float32."""

    def shift(builder: Any, x: Any) -> Any:
        exponent = builder.add(builder.fptosi(x, _INTEGERS), ir.Constant(_INTEGERS, [127] * LANES))
        return builder.bitcast(builder.shl(exponent, ir.Constant(_INTEGERS, [23] * LANES)), _VECTOR)

    return _on_vectors(shift, a)


@_intrinsic(plain.add_vectors)
def add_vectors(typing: Any, one: Any, strip: Any) -> Any:
    """Return the vector `one` plus each vector of a strip."""
    return _folded(lambda builder, x, y: builder.fadd(x, y), one, strip)


@_intrinsic(plain.larger_of_vectors)
def larger_of_vectors(typing: Any, one: Any, strip: Any) -> Any:
    """Return the largest, lane by lane, of the vector `one` and each vector of a strip."""
    return _folded(lambda builder, x, y: _pick(builder, ">", x, y, x, y), one, strip)


@_intrinsic(plain.lane)
def _lane(typing: Any, a: Any, index: Any) -> Any:
    """Return one element of one vector."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.extract_element(builder.extract_value(args[0], 0), builder.trunc(args[1], ir.IntType(32)))

    return types.float32(a, types.intp), generate


@njit(nogil=True, forceinline=True)
def width_of(strip, array):  # type: ignore[no-untyped-def]
    """Return the length of the rows of an array."""
    return LANES * len(strip.vectors) if len(strip.alone) > 0 else array.shape[-1]


@njit(nogil=True, forceinline=True)
def columns(strip, width):  # type: ignore[no-untyped-def]
    """Return where in a row each strip begins."""
    return range(0, width, LANES * len(strip.vectors))


@njit(nogil=True, forceinline=True)
def prefetch_strip(array, index, strip):  # type: ignore[no-untyped-def]
    """Bring a strip of float32 into the cache, for soon."""
    for line in range(0, LANES * len(strip.vectors), _LINE):
        prefetch(array, index + line)


@njit(nogil=True, forceinline=True)
def total(one):  # type: ignore[no-untyped-def]  # Floats(1) -> float32
    """Return the sum of the elements of a vector."""
    low = (_lane(one, 0) + _lane(one, 4)) + (_lane(one, 2) + _lane(one, 6))
    return low + ((_lane(one, 1) + _lane(one, 5)) + (_lane(one, 3) + _lane(one, 7)))


@njit(nogil=True, forceinline=True)
def largest(one):  # type: ignore[no-untyped-def]  # Floats(1) -> float32
    """Return the largest element of a vector."""
    low = max(max(_lane(one, 0), _lane(one, 4)), max(_lane(one, 2), _lane(one, 6)))
    return max(low, max(max(_lane(one, 1), _lane(one, 5)), max(_lane(one, 3), _lane(one, 7))))


@njit(nogil=True, forceinline=True)
def exponential(a):  # type: ignore[no-untyped-def]  # Floats -> Floats
    """Return e**a for a <= 0.

    The relative error is below 2e-7 near 0 and grows with |a| as float32 does; below 1e-37 it stays at about 1e-37.
    a = (k + f) ln 2 with whole k and f in 0..1; 2**f by a polynomial of degree 6 interpolated at Chebyshev nodes.
    """
    scaled = larger(multiply(a, np.float32(1.4426950408889634)), np.float32(-123.0))
    whole = floor(scaled)
    part = subtract(scaled, whole)
    power = multiply_add(part, np.float32(2.1865785e-04), np.float32(1.2391332e-03))
    power = multiply_add(power, part, np.float32(9.6841864e-03))
    power = multiply_add(power, part, np.float32(5.5480629e-02))
    power = multiply_add(power, part, np.float32(2.4023046e-01))
    power = multiply_add(power, part, np.float32(6.9314694e-01))
    power = multiply_add(power, part, np.float32(1.0000000e00))
    return multiply(power, _power_of_two(whole))


@njit(nogil=True, forceinline=True)
def log_sum_exp(strip, values, start, width):  # type: ignore[no-untyped-def]
    """Return log of the sum of e**value over a row that begins at `start` in a flattened array."""
    highest, sums = broadcast(np.float32(-np.inf)), broadcast(np.float32(-0.0))
    for column in columns(strip, width):
        highest = larger_of_vectors(highest, load_strip(values, start + column, strip))
    most = largest(highest)
    for column in columns(strip, width):
        sums = add_vectors(sums, exponential(subtract(load_strip(values, start + column, strip), most)))
    return most + np.float32(np.log(total(sums)))

"""Anything that a person can pass: arrays of every kind, and what goes with them.

Arrays are drawn as a seed and a few words on what is special, so that an example that fails prints in a line. What is
drawn is mostly usable, and has one or two things wrong at most: else the first check would be all that is ever tried.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import zarr
from hypothesis import strategies as st

from napari_coarse_crf import Parameters

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[Any]

MOST_PIXELS = 2000


# --- Arrays ----------------------------------------------------------------------------------------------------------


def _every_other(array: Array) -> Array:
    wide = np.repeat(array, 2, axis=-1)
    return wide[..., ::2]


def _reversed(array: Array) -> Array:
    turned = tuple(slice(None, None, -1) for _ in array.shape)
    return array[turned].copy()[turned]


def _read_only(array: Array) -> Array:
    array.flags.writeable = False
    return array


def _between_bytes(array: Array) -> Array:
    place = np.empty(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
    place[...] = array
    return place


def _mapped(array: Array) -> Array:
    if not array.nbytes:
        return array
    with tempfile.TemporaryFile() as file:
        mapped = np.memmap(file, array.dtype, "w+", shape=array.shape)
    mapped[...] = array
    return mapped


def _masked(array: Array) -> Array:
    return np.ma.array(array, mask=np.zeros(array.shape, bool))


def _in_zarr(array: Array) -> Any:
    knows = array.dtype.char not in "gG"  # long doubles have no name there
    return zarr.array(array) if array.ndim and array.size and knows else array


class _Subclass(np.ndarray):
    """As `astropy` and others have them."""


LAYOUTS: dict[str, Callable[[Array], Any]] = {
    "plain": lambda array: array,
    "Fortran": np.asfortranarray,
    "every other": _every_other,
    "reversed": _reversed,
    "read-only": _read_only,
    "between bytes": _between_bytes,
    "big-endian": lambda array: array.astype(array.dtype.newbyteorder(">")),
    "memory-mapped": _mapped,
    "subclass": lambda array: array.view(_Subclass),
    "a list": lambda array: array.tolist(),
    "zarr": _in_zarr,
    "dask": da.from_array,
    "masked": _masked,
}
layouts = st.sampled_from([name for name in LAYOUTS if name not in {"dask", "zarr", "masked"}])
any_layout = st.sampled_from(list(LAYOUTS))


@dataclass
class Given:
    """An array as a person passes it, and the plain one that it is made of."""

    plain: Array
    layout: str = "plain"
    passed: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.plain = np.asarray(self.plain)
        if self.plain.dtype.kind not in "biufc" or not self.plain.ndim:
            self.layout = "plain"
        self.passed = LAYOUTS[self.layout](self.plain.copy())

    @property
    def is_unchanged(self) -> bool:
        return np.asarray(self.passed).tobytes() == np.asarray(LAYOUTS[self.layout](self.plain.copy())).tobytes()


def shapes(least: int = 1, most: int = 5, pixels: int = 400) -> st.SearchStrategy[tuple[int, ...]]:
    """Return shapes: one pixel wide often enough, small enough for thousands of them."""
    sides = st.one_of(st.integers(1, 12), st.integers(1, 40))
    return (
        st.lists(sides, min_size=least, max_size=most)
        .map(tuple)
        .map(lambda shape: _within(shape, pixels))  # cut, as most of them would be thrown away
    )


def _within(shape: tuple[int, ...], pixels: int) -> tuple[int, ...]:
    sides = list(shape)
    while np.prod(sides) > pixels:
        longest = int(np.argmax(sides))
        sides[longest] = (sides[longest] + 1) // 2
    return tuple(sides)


seeds = st.integers(0, 2**32 - 1)

NUMBERS = ("?", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8", "g")
STRANGE = ("c8", "O", "M8[s]", "m8[ms]", "U3", "S2", "V4", "u1,f4")
PATTERNS = ("noise", "step", "flat", "few values", "the ends", "gradient")


@st.composite
def values(draw: st.DrawFn, shape: tuple[int, ...], dtype: str) -> Array:
    """Return an array of numbers of one dtype, tame or at its ends."""
    rng, pattern = np.random.default_rng(draw(seeds)), draw(st.sampled_from(PATTERNS))
    real = {
        "noise": rng.random(shape),
        "step": (np.indices(shape)[0] * 2 >= shape[0]) * 0.6 + rng.random(shape) * 0.2 if shape else rng.random(shape),
        "flat": np.full(shape, rng.random()),
        "few values": rng.integers(0, 3, shape) / 2,
        "the ends": rng.integers(0, 2, shape) * 1.0,
        "gradient": np.linspace(0, 1, int(np.prod(shape))).reshape(shape),
    }[pattern]
    kind: Any = np.dtype(dtype)
    if kind.kind == "b":
        return np.asarray(real > 0.5)
    if kind.kind in "iu":
        low, high = np.iinfo(kind).min, np.iinfo(kind).max
        if pattern == "the ends":
            return np.where(real > 0.5, np.array(high, kind), np.array(low, kind))
        return (real * min(high, draw(st.sampled_from([3, 255, 60_000])))).astype(kind)
    most = float(np.finfo(kind).max if kind.itemsize <= 8 else np.finfo(np.float64).max)
    scale = draw(st.sampled_from([1.0, 255.0, 1e4, most, 1e-300, -1.0]))
    return np.asarray(real * kind.type(min(scale, most)), kind)


@st.composite
def strange(draw: st.DrawFn, shape: tuple[int, ...]) -> Any:
    """Return what is no array of real numbers."""
    kind = draw(st.sampled_from([*STRANGE, "thing"]))
    if kind == "thing":
        return draw(st.sampled_from([None, 3, 2.5, "image.png", b"\x00", [[1, 2], [3]], {}, object(), [], range(4)]))
    return np.zeros(shape, kind)


@st.composite
def images(draw: st.DrawFn, shape: tuple[int, ...], *, wild: bool) -> tuple[Any, Given | None, int]:
    """Return an image for labels of this shape, its plain array where it has one, and the axis of its channels."""
    if wild and draw(st.booleans()):
        return draw(strange(shape)), None, -1
    dtype = draw(st.sampled_from(("u1", "u1", "f4", *NUMBERS)))
    channels = draw(st.sampled_from([0, 0, 1, 3, 3, 2, 5, 17]))
    if int(np.prod(shape)) * channels > 4 * MOST_PIXELS:
        channels = 1
    array = draw(values((*shape, channels) if channels else shape, dtype))
    if array.dtype.kind == "f" and array.size and draw(st.integers(0, 5)) == 0:
        array = array.copy()
        spoilt = [np.nan, np.nan, np.inf, -np.inf][draw(st.integers(0, 3))]
        array.reshape(-1)[:: draw(st.integers(1, 7))] = spoilt
    axis = -1
    if channels and draw(st.booleans()):
        axis = draw(st.integers(-len(shape) - 1, len(shape)))
        array = np.moveaxis(array, -1, axis)
    if wild:
        array = draw(st.sampled_from([array[:-1], array[None], array.T, array[..., :0], array.reshape(-1)]))
    given = Given(array, draw(any_layout if wild else layouts))
    return given.passed, given, axis


IDS = (1, 2, 3, 7, 255, 70_000, 2**31 - 1, 2**40, 2**53 + 1, 2**63 + 5, 2**64 - 1)


@st.composite
def labels(draw: st.DrawFn, shape: tuple[int, ...], *, wild: bool) -> Any:
    """Return labels of this shape: a few strokes or many, of two ids or hundreds; `Given`, or what cannot be labels."""
    if wild and draw(st.booleans()):
        return draw(st.one_of(strange(shape), values(shape, "f4"), values(shape, "i1"), values((), "u1")))
    dtype: Any = np.dtype(draw(st.sampled_from(["u1", "i4", "u2", "i8", "u8", "i1", "u4", "i2"])))
    rng = np.random.default_rng(draw(seeds))
    fitting = [one for one in IDS if one <= np.iinfo(dtype).max]
    count = draw(st.sampled_from([2, 2, 3, 4, 9, 70]))
    if count <= len(fitting):
        ids = rng.choice(np.array(fitting, np.uint64), count, replace=False).astype(dtype)
    else:
        ids = np.arange(1, min(count, np.iinfo(dtype).max) + 1).astype(dtype)
    share = draw(st.sampled_from([0.02, 0.1, 0.5, 0.95]))
    drawn = np.where(rng.random(shape) < share, rng.choice(ids, shape), dtype.type(0)).astype(dtype)
    if drawn.size > 2:
        drawn.reshape(-1)[rng.choice(drawn.size, 3, replace=False)] = ids[0], ids[1], 0
    if wild:
        drawn = draw(st.sampled_from([drawn[:-1], drawn[None], drawn * 0, drawn * 0 + 1, drawn[..., :0], -drawn]))
    return Given(drawn, draw(any_layout if wild else layouts))


@st.composite
def masks(draw: st.DrawFn, shape: tuple[int, ...], *, wild: bool) -> Any:
    if wild:
        return draw(
            st.one_of(
                strange(shape),
                values(shape, "u1"),
                values((*shape, 2), "?"),
                st.just(np.zeros(shape, bool)),
                st.just(np.ma.ones(shape, bool)),
            )
        )
    if draw(st.integers(0, 2)):
        return None
    rng = np.random.default_rng(draw(seeds))
    return Given(rng.random(shape) < draw(st.sampled_from([0.5, 0.9, 1.0])), draw(layouts)).passed


# --- Numbers and words -----------------------------------------------------------------------------------------------

NO_NUMBERS: tuple[Any, ...] = (
    *(None, "2", b"2", "", True, np.True_, 2j, np.complex64(1), np.datetime64("2020"), [1.0], (), {}, object()),
    *(np.array([2.0]), np.array("2"), np.ma.masked, [[1, 2], [3]], float("nan"), 10**400, -(10**400)),
    *(float("inf"), -float("inf"), 5e-324, 1e308, np.float16("inf"), Fraction(1, 3), -1, 0, 2**63, 1e-30, range(2)),
)
no_numbers = st.sampled_from(NO_NUMBERS)


def spacings(ndim: int, *, wild: bool) -> st.SearchStrategy[Any]:
    """Return the size of a pixel."""
    if wild:
        each = st.one_of(no_numbers, st.floats())
        return st.one_of(no_numbers, st.lists(each, max_size=6), st.lists(each, min_size=ndim, max_size=ndim))
    sizes = st.lists(st.sampled_from([1, 0.5, 3.0, 20, 1e-3]), min_size=ndim, max_size=ndim)
    return st.one_of(st.none(), st.none(), sizes, sizes.map(tuple), sizes.map(np.array))


def contrasts(*, wild: bool) -> st.SearchStrategy[Any]:
    """Return contrast limits."""
    if wild:
        each = st.one_of(no_numbers, st.floats())
        return st.one_of(no_numbers, st.tuples(each, each), st.lists(st.tuples(each, each), max_size=4))
    tame = [None, None, None, (0, 255), (0, 1), (-3.5, 1e4), (0, 5e-324), (-1.7e308, 1.7e308), np.array([0, 9])]
    return st.sampled_from(tame)


@st.composite
def parameters(draw: st.DrawFn, *, wild: bool = False) -> Any:
    """Return parameters, mostly at the ends of their ranges, or a preset."""
    if wild:
        return draw(st.one_of(no_numbers, st.sampled_from(["Paper", "auto ", "{}", b"paper", {"theta_alpha": 3}])))
    if draw(st.booleans()):
        return draw(st.sampled_from([None, "auto", "default", "paper"]))
    changes: dict[str, Any] = {}
    described = Parameters.describe()
    for name in draw(st.sets(st.sampled_from(list(described)), max_size=8)):
        about, default = described[name], getattr(Parameters(), name)
        middle = type(default)((about.low + about.high) / 3) if not about.choices else default
        changes[name] = draw(st.sampled_from(about.choices or (about.low, about.high, middle)))
    if changes.get("iterations", 0) > 30 and draw(st.integers(0, 9)):
        changes["iterations"] = 3  # a hundred are tried seldom, as they take long
    return Parameters(**changes)

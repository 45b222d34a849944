"""What the arrays are called in annotations, said once.

Shape letters: N pixels that take part, L labels, D axes, C channels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_coarse_crf.parameters import real_number

AnyArray = NDArray[Any]
FloatArray = NDArray[np.float32]
FeatureArray = NDArray[np.float32] | NDArray[np.uint16]
"""Positions and colours of pixels."""
IndexArray = NDArray[np.int32]
PixelArray = NDArray[np.signedinteger[Any]]
"""Places of pixels: int32, or int64 from 2**31 pixels on."""
LabelArray = NDArray[np.integer[Any]]
"""Label ids as a person has them, in any whole-numbered type."""
MaskArray = NDArray[np.bool_]
UnaryArray = NDArray[np.uint16]
"""Unary potentials in steps, see `napari_coarse_crf.unary`."""


_FEW = 1009  # every so many numbers of a row are looked at first: most rows differ among them


def rows_that_vary(rows: FeatureArray) -> MaskArray:
    """Return which of (D, N) rows do not hold the same number throughout.

    Examples
    --------
    >>> rows_that_vary(np.float32([[1, 1, 2], [5, 5, 5]])).tolist()
    [True, False]
    """
    return np.array([(row[::_FEW] != row[0]).any() or (row != row[0]).any() for row in rows], np.bool_)


def is_whole_number(value: Any) -> bool:
    """Whether a value is a whole number of Python or numpy: no float, and neither text nor True.

    Examples
    --------
    >>> is_whole_number(np.uint8(3)), is_whole_number(3.0), is_whole_number(True)
    (True, False, False)
    """
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def real_numbers(value: Any) -> NDArray[np.float64]:
    """Return a few real numbers as floats; NaN for each that is none, as text, True and complex numbers.

    Examples
    --------
    >>> real_numbers((2, 0.5)), real_numbers((2, "0.5"))
    (array([2. , 0.5]), array([ 2., nan]))
    """
    try:
        things = np.asarray(np.nan if isinstance(value, np.ma.MaskedArray) else value, np.object_)
    except (TypeError, ValueError):  # rows of unlike length
        return np.full((), np.nan)
    return np.array([real_number(thing) for thing in things.flat], np.float64).reshape(things.shape)

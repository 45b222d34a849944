"""The Morton curve."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_coarse_crf.compute.morton import MOST_BITS, morton_codes

COORDINATES = st.integers(0, 2 ** (MOST_BITS // 3) - 1)
PLACES = hnp.arrays(np.int64, st.tuples(st.integers(1, 9), st.just(3)), elements=COORDINATES)


@given(PLACES)
def test_a_code_holds_the_bits_of_all_coordinates(coordinates: np.ndarray) -> None:
    for code, place in zip(morton_codes(coordinates).tolist(), coordinates.tolist(), strict=True):
        bits = f"{code:063b}"
        assert [int(bits[axis::3], 2) for axis in range(3)] == place


def test_each_quarter_of_a_square_is_a_square() -> None:
    places = np.stack([*np.indices((8, 8))], axis=-1).reshape(-1, 2)
    for quarter in np.split(places[np.argsort(morton_codes(places))], 4):
        assert (np.ptp(quarter, axis=0) == 3).all()

"""The unary potential in 16 bits: what is lost, and what must not be."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_coarse_crf.unary import MOST_UNARY, UNARY_STEP, pack_unary, unpack_unary
from tests import oracles

POTENTIALS = hnp.arrays(
    np.float32, st.tuples(st.integers(1, 6), st.integers(1, 20)), elements=st.floats(-40, 40, width=32)
)


@given(POTENTIALS)
def test_probabilities_survive_but_for_half_a_step(unary: np.ndarray) -> None:
    bounded = np.minimum(unary - unary.min(axis=1, keepdims=True), MOST_UNARY)
    unpacked = unpack_unary(pack_unary(unary), unary.shape[1])
    assert np.abs(unpacked - bounded).max() <= UNARY_STEP * 0.51
    np.testing.assert_allclose(oracles.softmax(-unpacked), oracles.softmax(-bounded), rtol=3e-4)


def test_rows_are_padded_to_whole_vectors() -> None:
    assert pack_unary(np.zeros((3, 9))).shape == (3, 16)


def test_no_label_is_ruled_out() -> None:
    least = oracles.softmax(-unpack_unary(pack_unary(np.array([[0.0, 1e9]])), 2))[0, 1]
    assert 0.9e-8 < least < 1.1e-8

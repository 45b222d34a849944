"""Presets from strangers: parameters within their ranges, or a sentence."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from napari_coarse_crf import Parameters
from tests.fuzz.anything import no_numbers
from tests.fuzz.effort import REFUSED, answer, tries

_DESCRIBED = Parameters.describe()
names = st.one_of(
    st.sampled_from([*_DESCRIBED, "self", "", "cls", "theta-alpha", "__class__", "THETA_ALPHA"]), st.text(max_size=5)
)
words = st.one_of(st.sampled_from([one for about in _DESCRIBED.values() for one in about.choices]), st.text(max_size=5))
stored = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), words),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)),
    max_leaves=5,
)


def _can_be_key(value: Any) -> bool:
    return not isinstance(value, list | dict) and getattr(value, "__hash__", None) is not None


def _check(parameters: Any) -> None:
    if parameters is REFUSED:
        return
    for name, about in _DESCRIBED.items():
        value = getattr(parameters, name)
        assert value in about.choices if about.choices else about.low <= value <= about.high
    assert Parameters.from_json(parameters.to_json()) == parameters


@tries(40)
@given(st.one_of(stored, st.dictionaries(names, stored, max_size=4)), st.integers(0, 3))
def test_a_stored_preset_is_read_or_refused(values: Any, cut: int) -> None:
    text = json.dumps(values)
    _check(answer(Parameters.from_json, text[: len(text) - cut]))
    _check(answer(Parameters.from_dict, values))


@tries(40)
@given(
    st.one_of(
        st.dictionaries(st.one_of(names, no_numbers.filter(_can_be_key)), st.one_of(no_numbers, words), max_size=3),
        no_numbers,
    ),
    st.one_of(names, no_numbers),
    st.one_of(st.text(max_size=20), st.sampled_from(["[" * 10**5, '{"a":' * 10**5, "1" * 5000, "\ud800", "NaN", "{}"])),
)
def test_parameters_of_anything_are_within_their_ranges_or_refused(values: Any, name: Any, text: str) -> None:
    _check(answer(Parameters.from_dict, values))
    if isinstance(values, dict) and all(isinstance(key, str) for key in values):
        _check(answer(lambda: Parameters().replace(**values)))
    _check(answer(Parameters.preset, name))
    _check(answer(Parameters.from_json, text))

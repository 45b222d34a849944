"""JSON that others wrote."""

from __future__ import annotations

from typing import Any

import pytest

from napari_coarse_crf import InputError
from napari_coarse_crf.json_text import read_json


@pytest.mark.parametrize("text", ['{"a": [1, 2.5, null]}', b'\xef\xbb\xbf{"a": [1, 2.5, null]}'])
def test_what_json_says_is_returned(text: Any) -> None:
    assert read_json(text) == {"a": [1, 2.5, None]}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("theta: 80", "Expecting value: line 1"),
        ("", "Expecting value"),
        (b"\xff\xfe\xff", "can't decode"),
        (3, "must be str, bytes"),
        ("[" * 100_000, "brackets within brackets"),
        ('{"a":' * 100_000, "brackets within brackets"),
        ("5" * 5000, "numbers of thousands of digits"),
    ],
)
def test_what_is_none_is_refused_with_the_reason(text: Any, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read_json(text)

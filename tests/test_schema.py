"""Stored files of every form are read; those of a newer version are refused in a sentence."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from napari_coarse_crf import InputError, ParameterError, Parameters
from napari_coarse_crf.errors import in_short
from napari_coarse_crf.io.files import read_preset
from napari_coarse_crf.parameters import SCHEMA
from napari_coarse_crf.schema import Schema

STORED = Path(__file__).parent / "data" / "stored"

LENGTH = Schema(
    "The ruler",
    (
        lambda said: {"length": said["inches"] * 25.4},
        lambda said: {"length": said["length"], "unit": "mm"},
    ),
)


@pytest.mark.parametrize(
    "said", [{"inches": 2}, {"schema": 0, "inches": 2}, {"schema": 1, "length": 50.8}, {"length": 50.8, "unit": "mm"}]
)
def test_each_form_becomes_todays_by_the_steps_that_follow_it(said: dict[str, Any]) -> None:
    before = dict(said)
    if "unit" in said:
        said = before = LENGTH.stamped(said)
        assert said["schema"] == 2
    assert LENGTH.todays(said) == {"length": 50.8, "unit": "mm"}
    assert said == before


@pytest.mark.parametrize("number", [3, 10**20, 10**5000], ids=in_short)
def test_a_newer_form_is_refused_with_what_to_do(number: int) -> None:
    with pytest.raises(InputError, match=r"^The ruler was written by a newer version.* up to 2\. Update the package"):
        LENGTH.todays({"schema": number, "length": 1})


@pytest.mark.parametrize("number", [-1, "1", 1.0, True, None, [1], float("inf")])
def test_what_is_no_number_of_a_form_is_refused(number: Any) -> None:
    with pytest.raises(InputError, match=re.escape(f"The ruler says {number!r} for 'schema'")):
        LENGTH.todays({"schema": number})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("preset-0-first", {"similarity": "kernel", "theta_beta": 7.5, "appearance_weight": 4, "iterations": 10}),
        ("preset-0", {"similarity": "joint", "weights": "auto", "theta_beta": 7.5, "iterations": 3, "fill_holes": 20}),
    ],
)
def test_presets_of_every_form_are_read(name: str, expected: dict[str, Any]) -> None:
    read = read_preset(STORED / f"{name}.json").to_dict()
    assert {one: read[one] for one in expected} == expected


def test_there_are_stored_presets_of_every_form_before_todays() -> None:
    """Who takes a step from one form to the next keeps a file of the form before."""
    assert {int(path.stem.split("-")[1]) for path in STORED.glob("preset-*.json")} >= set(range(SCHEMA.number))


def test_a_preset_says_its_form_and_one_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    said = json.loads(Parameters(theta_beta=5).to_json())
    assert said["schema"] == SCHEMA.number
    (tmp_path / "new.json").write_text(json.dumps({**said, "schema": SCHEMA.number + 1, "unheard_of": 1}))
    with pytest.raises(ParameterError, match=r"new\.json cannot be used\. .*newer version.*Update the package"):
        read_preset(tmp_path / "new.json")

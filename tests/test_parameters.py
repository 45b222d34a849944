"""What a person may turn: defaults, ranges, words, and the way to a file and back."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import numpy as np
import pytest

from napari_coarse_crf import CoarseCRFError, ParameterError, Parameters

NUMBERS = {name: about for name, about in Parameters.describe().items() if not about.choices}
DESCRIBED = {name: about.section for name, about in Parameters.describe().items()}
numbers = pytest.mark.parametrize("name", NUMBERS)


def made_with(name: str, value: Any) -> Parameters:
    """Return the defaults but for one value, of whatever type."""
    values: dict[str, Any] = {name: value}
    return Parameters(**values)


def test_the_defaults_are_those_of_the_documentation() -> None:
    assert Parameters().to_dict() == {
        "similarity": "combined",
        "weights": "fixed",
        "heatmap_distance": 40.0,
        "heatmap_colour": 5.0,
        "geodesic_colour_weight": 2.0,
        "geodesic_scale": 5.0,
        "geodesic_exponent": 4.0,
        "prior_weight": 0.8,
        "texture_weight": 0.0,
        "instances": "auto",
        "appearance_weight": 2.0,
        "theta_alpha": 160.0,
        "theta_beta": 8.0,
        "smoothness_weight": 3.0,
        "theta_gamma": 3.0,
        "iterations": 10,
        "tolerance": 0.0,
        "label_confidence": 1.0,
        "min_confidence": 0.0,
        "keep_parts": "all",
        "smallest_part": 0,
        "fill_holes": 0,
    }


@numbers
def test_both_ends_of_a_range_belong_to_it(name: str) -> None:
    for end in (NUMBERS[name].low, NUMBERS[name].high):
        assert getattr(made_with(name, end), name) == end


@numbers
def test_beyond_its_range_a_parameter_is_refused_with_name_value_and_range(name: str) -> None:
    about = NUMBERS[name]
    for value in (about.low - 0.25, about.high * 1.5 + 1, -math.inf, math.inf, 10**400):
        with pytest.raises(ParameterError) as caught:
            made_with(name, value)
        for part in (name, repr(value)[:90], f"{about.low:g} to {about.high:g}", about.unit):
            assert part in str(caught.value)


@numbers
@pytest.mark.parametrize(
    "value",
    [
        *(math.nan, None, "5", True, 2j, [1.0], np.array([1.0, 2.0]), object(), 10**5000),
        *(b"5", bytearray(b"5"), np.True_, np.complex128(5), np.str_("5"), np.ma.masked),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_number_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ParameterError, match=rf"^{name} is .*; it must be a (whole )?number from"):
        made_with(name, value)


@pytest.mark.parametrize("value", ["nearest", "", None, 3, np.array(["joint", "colour"]), ["joint"]])
def test_an_unknown_similarity_is_refused_with_the_known_ones(value: Any) -> None:
    with pytest.raises(ParameterError, match="must be one of: combined, joint, kernel, geodesic, colour"):
        Parameters(similarity=value)


def test_iterations_are_whole() -> None:
    assert type(made_with("iterations", 7.0).iterations) is int  # as a slider or a JSON file may give it
    with pytest.raises(ParameterError, match=r"iterations is 7.5; it must be a whole number from 1 to 100 \(steps\)"):
        made_with("iterations", 7.5)


def test_numbers_of_any_type_become_plain_ones() -> None:
    given: dict[str, Any] = {"theta_alpha": np.float32(80), "iterations": np.int64(3), "tolerance": 0}
    parameters = Parameters(**given)
    assert [type(getattr(parameters, name)) for name in ("theta_alpha", "iterations", "tolerance")] == [
        float,
        int,
        float,
    ]
    assert json.loads(parameters.to_json())["theta_alpha"] == 80


def test_parameters_cannot_be_changed_in_place() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Parameters().theta_alpha = 3  # type: ignore[misc]  # frozen


def test_every_parameter_is_described_for_people() -> None:
    described = Parameters.describe()
    assert list(described) == [field.name for field in dataclasses.fields(Parameters)]
    for name, about in described.items():
        assert about.label, name
        assert about.help_text.endswith("."), name
        assert about.choices or about.low <= getattr(Parameters(), name) <= about.high, name
        assert about.low >= 0 or not about.logarithmic, name  # below 0 there is no place on a logarithmic slider


def test_the_paper_preset_is_the_documented_one() -> None:
    changed = {
        name: value
        for name, value in Parameters.preset("paper").to_dict().items()
        if value != getattr(Parameters(), name)
    }
    assert changed == {
        "similarity": "joint",
        "heatmap_distance": 60.0,
        "heatmap_colour": 15.0,
        "appearance_weight": 10.0,
        "theta_alpha": 80.0,
        "theta_beta": 13.0,
        "label_confidence": 0.9,
    }
    assert Parameters.preset("default") == Parameters()


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ParameterError, match=r"no preset 'fast'.*default, paper"):
        Parameters.preset("fast")


def test_replace_changes_a_copy() -> None:
    before = Parameters()
    assert before.replace(theta_beta=5).theta_beta == 5
    assert before == Parameters()
    with pytest.raises(ParameterError, match=r"no parameter 'theta_delta'.*theta_alpha"):
        before.replace(theta_delta=5)
    with pytest.raises(ParameterError, match="theta_beta is 0"):
        before.replace(theta_beta=0)
    with pytest.raises(ParameterError, match="no parameter 'self'"):
        before.replace(self=5)


def test_parameters_survive_the_way_through_json() -> None:
    chosen = Parameters(similarity="kernel", theta_alpha=123.456, iterations=3, min_confidence=0.1)
    assert Parameters.from_json(chosen.to_json()) == chosen
    assert Parameters.from_dict(chosen.to_dict()) == chosen
    assert Parameters.from_json('{"theta_alpha": 80}') == Parameters(theta_alpha=80)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("theta_alpha: 80", "not valid JSON.*to_json"),
        ("[80, 13]", "must be a JSON object"),
        ('{"theta": 80}', "no parameter 'theta'"),
        ('{"theta_alpha": NaN}', "theta_alpha is nan"),
        ('{"theta_alpha": null}', "theta_alpha is None"),
        ('{"iterations": true}', "iterations is True"),
        ('{"self": 1}', "no parameter 'self'"),
        ("[" * 100_000, "brackets within brackets"),
        ('{"theta_alpha": ' + "9" * 5000 + "}", "thousands of digits"),
        ('{"theta_alpha": ' + "9" * 400 + "}", r"theta_alpha is 9{100}\.\.\.; it must be"),
    ],
)
def test_a_preset_file_that_cannot_be_used_is_refused(text: str, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        Parameters.from_json(text)


def test_parameters_saved_before_there_was_cleaning_are_read_and_clean_nothing() -> None:
    old = {name: value for name, value in Parameters(theta_beta=5).to_dict().items() if DESCRIBED[name] != "cleaning"}
    assert len(old) == len(DESCRIBED) - 3
    assert Parameters.from_dict(old) == Parameters.from_json(json.dumps(old)) == Parameters(theta_beta=5)


def test_the_values_of_a_section_replace_those_of_another_set() -> None:
    cleaning = Parameters(theta_beta=5, smallest_part=50, keep_parts="labelled").of_section("cleaning")
    assert Parameters.preset("paper").replace(**cleaning) == Parameters.preset("paper").replace(
        smallest_part=50, keep_parts="labelled"
    )


@pytest.mark.parametrize("values", [None, [("theta_alpha", 80)], "theta_alpha", {1: 2}, {"self": 1}])
def test_what_names_no_parameters_is_refused(values: Any) -> None:
    with pytest.raises(ParameterError, match=r"pass values by name|There is no parameter"):
        Parameters.from_dict(values)


def test_a_parameter_error_is_one_of_ours_and_a_value_error() -> None:
    assert issubclass(ParameterError, CoarseCRFError)
    assert issubclass(CoarseCRFError, ValueError)

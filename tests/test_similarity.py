"""The table of the heatmap's forms, against the names and the parameters that there are."""

from __future__ import annotations

from typing import get_args

import pytest

from napari_coarse_crf import Parameters
from napari_coarse_crf.heatmap import heatmap_key
from napari_coarse_crf.similarity import FORMS, Similarity, readers

OF_HEATMAP = [
    name for name, about in Parameters.describe().items() if about.section == "heatmap" and name != "similarity"
]


def test_every_name_of_a_similarity_has_a_form_in_the_same_order() -> None:
    assert tuple(FORMS) == get_args(Similarity) == Parameters.describe()["similarity"].choices
    assert next(iter(FORMS)) == Parameters().similarity


def test_the_forms_read_the_heatmaps_parameters_and_no_others() -> None:
    assert {name for form in FORMS.values() for name in form.reads} == set(OF_HEATMAP)


@pytest.mark.parametrize("name", OF_HEATMAP)
@pytest.mark.parametrize("similarity", FORMS)
def test_a_heatmap_depends_on_what_its_form_reads(similarity: Similarity, name: str) -> None:
    about = Parameters.describe()[name]
    ends = (about.choices[0], about.choices[-1]) if about.choices else (about.low, about.high)
    low, high = (Parameters.from_dict({"similarity": similarity, name: value}) for value in ends)
    assert (heatmap_key(low) != heatmap_key(high)) == (name in FORMS[similarity].reads) == (similarity in readers(name))


@pytest.mark.parametrize("name", OF_HEATMAP)
def test_the_help_of_a_parameter_names_the_forms_that_read_it(name: str) -> None:
    assert f"({', '.join(readers(name))})" in Parameters.describe()[name].help_text
    assert readers(name)


def test_the_help_of_the_choice_says_what_each_form_does() -> None:
    for name, form in FORMS.items():
        assert f"'{name}' {form.in_words}" in Parameters.describe()["similarity"].help_text

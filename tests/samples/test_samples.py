"""The bundled samples: complete, small, honest about their source, and drawn by the committed script."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_coarse_crf import InputError
from napari_coarse_crf.samples import SAMPLE_NAMES, load_sample

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "src" / "napari_coarse_crf" / "samples"


@pytest.fixture(scope="module")
def make_samples() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_samples", ROOT / "scripts" / "make_samples.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_samples"] = module  # dataclasses look their module up by name
    spec.loader.exec_module(module)
    return module


def test_there_are_an_aerial_tile_and_nuclei_in_grey_and_colour() -> None:
    channels = {name: load_sample(name).image.ndim for name in SAMPLE_NAMES}
    assert channels == {"aerial": 3, "tissue": 3, "nuclei": 2, "dim_nuclei": 2}


@pytest.mark.parametrize("name", SAMPLE_NAMES)
def test_image_and_labels_of_a_sample_fit_together(name: str) -> None:
    sample = load_sample(name)
    assert sample.image.shape[:2] == sample.coarse.shape == sample.fine.shape
    assert {array.dtype for array in (sample.image, sample.coarse, sample.fine)} == {np.dtype(np.uint8)}
    assert sample.title
    assert sample.source
    assert sample.licence == "CC0-1.0"


@pytest.mark.parametrize("name", SAMPLE_NAMES)
def test_every_class_has_a_name_and_is_painted(name: str) -> None:
    sample = load_sample(name)
    named = set(sample.class_names)
    assert set(np.unique(sample.coarse)) == {0, *named}
    assert set(np.unique(sample.fine)) - {0} == named


@pytest.mark.parametrize("name", SAMPLE_NAMES)
def test_coarse_labels_are_sparse_and_nearly_always_right(name: str) -> None:
    sample = load_sample(name)
    painted = (sample.coarse > 0) & (sample.fine > 0)
    assert 0.05 < painted.mean() < 0.6
    assert (sample.coarse == sample.fine)[painted].mean() > 0.995


@pytest.mark.parametrize("name", SAMPLE_NAMES)
def test_the_committed_script_draws_the_stored_coarse_map(name: str, make_samples: ModuleType) -> None:
    sample = load_sample(name)
    drawn = make_samples.draw_coarse(sample.fine, make_samples.RECIPES[name])
    # Other versions of the drawing libraries may round a corner to the next pixel.
    assert (drawn != sample.coarse).mean() < 0.002
    assert np.array_equal(drawn, make_samples.draw_coarse(sample.fine, make_samples.RECIPES[name]))


def test_another_seed_draws_another_map(make_samples: ModuleType) -> None:
    sample = load_sample("nuclei")
    other = make_samples.draw_coarse(sample.fine, replace(make_samples.RECIPES["nuclei"], seed=99))
    assert not np.array_equal(other, sample.coarse)


def test_the_samples_take_less_than_two_megabytes() -> None:
    assert sum(path.stat().st_size for path in SAMPLES.iterdir() if path.is_file()) < 2e6


def test_the_readme_of_the_samples_names_each_with_its_licence() -> None:
    text = (SAMPLES / "README.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in text for name in SAMPLE_NAMES)
    assert text.count("CC0 1.0") >= 2


def test_an_unknown_sample_is_named_with_those_there_are() -> None:
    with pytest.raises(InputError, match=r"no sample 'moon'.*aerial, tissue, nuclei, dim_nuclei"):
        load_sample("moon")

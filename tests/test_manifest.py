"""The manifest, beyond what npe2 checks: a misspelt menu or command validates there and is dropped without a word."""

from __future__ import annotations

import importlib
import subprocess
import sys
from typing import Any

import pytest
from napari._app_model.constants import MenuId
from npe2 import PluginManifest

from napari_coarse_crf.plugin.layers.saved import SUFFIX
from napari_coarse_crf.samples import SAMPLE_NAMES, load_sample


@pytest.fixture(scope="module")
def manifest() -> PluginManifest:
    return PluginManifest.from_distribution("napari-coarse-crf")


@pytest.fixture
def contributions(manifest: PluginManifest) -> Any:
    """Return what the plugin adds to napari; npe2 types every kind of it as optional."""
    return manifest.contributions


def test_npe2_accepts_the_manifest_and_its_imports() -> None:
    command = [sys.executable, "-m", "npe2", "validate", "--imports", "napari-coarse-crf"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_menu_can_be_contributed_to(contributions: Any) -> None:
    menus = set(contributions.menus)
    assert menus == {"napari/layers/segment", "napari/layers/annotate"}
    assert menus <= {str(menu) for menu in MenuId.contributables()}


def test_every_command_that_is_used_is_declared_and_every_declared_one_is_used(contributions: Any) -> None:
    used = {item.command for items in contributions.menus.values() for item in items}
    used |= {widget.command for widget in contributions.widgets}
    used |= {sample.command for sample in contributions.sample_data}
    used |= {reader.command for reader in contributions.readers}
    assert used == {command.id for command in contributions.commands}


def test_every_python_name_can_be_imported(contributions: Any) -> None:
    for command in contributions.commands:
        module, _, name = command.python_name.partition(":")
        assert callable(getattr(importlib.import_module(module), name))


def test_the_names_are_those_of_the_package(manifest: PluginManifest, contributions: Any) -> None:
    assert manifest.name == "napari-coarse-crf"
    assert all(command.id.startswith("napari-coarse-crf.") for command in contributions.commands)
    assert [widget.display_name for widget in contributions.widgets] == ["Refine labels", "Annotate a series"]


def test_no_file_of_other_people_is_matched(contributions: Any) -> None:
    """napari asks which plugin shall open a file whenever two of them match its name."""
    (reader,) = contributions.readers
    assert reader.filename_patterns == [f"*{SUFFIX}"]
    assert not reader.accepts_directories


def test_every_bundled_sample_is_offered_under_its_title(contributions: Any) -> None:
    offered = {sample.key: sample.display_name for sample in contributions.sample_data}
    assert offered == {name: load_sample(name).title for name in SAMPLE_NAMES}

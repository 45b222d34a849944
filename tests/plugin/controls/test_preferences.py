"""The defaults that napari's Preferences hold; collected only where napari has settings for plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from napari.settings import get_plugin_settings
from npe2 import PluginManifest

from napari_coarse_crf import Parameters
from napari_coarse_crf.plugin.controls.defaults import CATEGORY, PLUGIN, read_defaults

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_coarse_crf.plugin import RefineWidget

    Dock = Callable[..., tuple[Any, RefineWidget]]

PAPER = Parameters.preset("paper")


def test_preferences_decide_where_the_sliders_start_and_return_to(
    plugin_settings: None, npe2pm: Any, dock: Dock
) -> None:
    npe2pm.register(PluginManifest.from_distribution(PLUGIN))
    settings = getattr(get_plugin_settings(PLUGIN), CATEGORY)
    assert read_defaults() == Parameters.preset("auto")
    for name, value in PAPER.to_dict().items():
        setattr(settings, name, value)
    with pytest.raises(ValueError, match="less than or equal"):
        settings.theta_alpha = 1e9
    assert read_defaults() == PAPER
    _, widget = dock()
    assert widget.parameters == PAPER
    widget.parameters = Parameters()
    widget.controls.restore_button.click()
    assert widget.parameters == PAPER


def test_without_settings_of_the_plugin_the_sliders_start_at_the_usual_defaults(plugin_settings: None) -> None:
    assert read_defaults() == Parameters.preset("auto")  # the plugin is not registered in this test

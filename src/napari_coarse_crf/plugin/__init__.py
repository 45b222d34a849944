"""The napari plugin: the same way as `refine_labels`, driven by layers and sliders.

Names are loaded on first use, as in the package above, so that looking at the manifest starts no Qt.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_coarse_crf.plugin.jobs.refine_layer import refine_layer
    from napari_coarse_crf.plugin.layers.choice import Choice
    from napari_coarse_crf.plugin.series.widget import SeriesWidget
    from napari_coarse_crf.plugin.widget import RefineWidget
    from napari_coarse_crf.tiles.parts import Scope

__all__ = ["Choice", "RefineWidget", "Scope", "SeriesWidget", "refine_layer"]

_HOME = {
    "Choice": "napari_coarse_crf.plugin.layers.choice",
    "RefineWidget": "napari_coarse_crf.plugin.widget",
    "Scope": "napari_coarse_crf.tiles.parts",
    "SeriesWidget": "napari_coarse_crf.plugin.series.widget",
    "refine_layer": "napari_coarse_crf.plugin.jobs.refine_layer",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)

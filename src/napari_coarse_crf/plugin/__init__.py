"""The napari plugin: the same way as `refine_labels`, driven by layers and sliders.

Names are loaded on first use, as in the package above, so that looking at the manifest starts no Qt.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_coarse_crf.plugin.job import refine_layer
    from napari_coarse_crf.plugin.layers import Choice
    from napari_coarse_crf.plugin.scope import Scope
    from napari_coarse_crf.plugin.widget import RefineWidget

__all__ = ["Choice", "RefineWidget", "Scope", "refine_layer"]

_HOME = {"Choice": "layers", "RefineWidget": "widget", "Scope": "scope", "refine_layer": "job"}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f".{_HOME[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)

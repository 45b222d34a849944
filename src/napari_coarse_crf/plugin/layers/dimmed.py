"""How opaque a layer is for its person, also while it is dimmed for a correction: what is saved is not dimmed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari.layers import Layer

_before: WeakKeyDictionary[Layer, tuple[float, float]] = WeakKeyDictionary()
"""Of dimmed layers, the opacity that each had, and the one it was given."""


def note_dimmed(layer: Layer, before: float, dimmed: float) -> None:
    """Keep what the opacity of a layer is before it is dimmed."""
    _before[layer] = before, dimmed


def forget_dimmed(layers: Iterable[Layer]) -> None:
    """Take these layers as they are: none is dimmed any more."""
    for layer in layers:
        _before.pop(layer, None)


def opacity_of(layer: Layer) -> float:
    """Return the opacity of a layer; while it is dimmed, the one it had, and will have."""
    before, dimmed = _before.get(layer, (layer.opacity, layer.opacity))
    return before if layer.opacity == dimmed else float(layer.opacity)

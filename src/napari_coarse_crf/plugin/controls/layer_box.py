"""A box that offers layers and keeps the chosen one, whatever it is called.

magicgui knows choices by their text alone: it would take another layer for the chosen one that was renamed, and leave
out one of two of the same name, which napari allows for a moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox

from napari_coarse_crf.plugin.controls.boxes import fit_into_dock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from napari.layers import Layer


class LayerBox(ComboBox):
    """A box of layers, by their names.

    Parameters
    ----------
    layers : callable
        Returns the layers to offer now.
    **keywords
        As for `ComboBox`.
    """

    def __init__(self, layers: Callable[[], Iterable[Layer]], **keywords: Any) -> None:
        super().__init__(choices=lambda _box: told_apart(layers()), **keywords)
        fit_into_dock(self)

    def reset_choices(self, *_: Any) -> None:
        """Offer the layers there are now; another is chosen only if the chosen one is gone."""
        chosen = self.value
        with self.changed.blocked():
            super().reset_choices()
            if chosen in self.choices:
                self.value = chosen
        if self.value is not chosen:
            self.changed.emit(self.value)


def told_apart(layers: Iterable[Layer]) -> list[tuple[str, Layer]]:
    """Return layers and their names, those of the same name told apart."""
    named: dict[str, Layer] = {}
    for layer in layers:
        name = layer.name
        while name in named:
            name += " "
        named[name] = layer
    return list(named.items())

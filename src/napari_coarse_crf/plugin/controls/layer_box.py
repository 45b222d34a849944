"""Boxes and a list that keep what was chosen, whatever it is called.

magicgui knows choices by their text alone: it would take another layer for the chosen one that was renamed, and leave
out one of two of the same name, which napari allows for a moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox, Select

from napari_coarse_crf.plugin.controls.boxes import fit_into_dock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from napari.layers import Layer


_NOT_CHOSEN = "none yet"


class SteadyBox(ComboBox):
    """A box, as narrow as the dock, whose choice stays as long as it is offered.

    Parameters
    ----------
    **keywords
        As for `ComboBox`.
    """

    def __init__(self, **keywords: Any) -> None:
        super().__init__(**keywords)
        fit_into_dock(self)

    def reset_choices(self, *_: Any) -> None:
        """Offer what there is now; another is chosen only if the chosen one is gone."""
        chosen = self.value
        with self.changed.blocked():
            super().reset_choices()
            if chosen in self.choices:
                self.value = chosen
        if self.value != chosen:
            self.changed.emit(self.value)


class LayerBox(SteadyBox):
    """A box of layers, by their names.

    Parameters
    ----------
    layers : callable
        Returns the layers to offer now.
    nothing : str, optional
        What the choice of no layer is called, whose value is None; by default it is not offered.
    **keywords
        As for `ComboBox`.
    """

    def __init__(self, layers: Callable[[], Iterable[Layer]], nothing: str = "", **keywords: Any) -> None:
        self.null_string = nothing
        super().__init__(choices=lambda _box: told_apart(layers(), nothing), nullable=bool(nothing), **keywords)


class LabelsBox(SteadyBox):
    """A box of Labels layers, and of others that may stand for labels: these are chosen by a person alone.

    Parameters
    ----------
    labels, others : callable
        Return the layers to offer now.
    **keywords
        As for `ComboBox`.
    """

    def __init__(
        self, labels: Callable[[], Iterable[Layer]], others: Callable[[], Iterable[Layer]], **keywords: Any
    ) -> None:
        def choices(_box: Any) -> list[tuple[str, Layer | None]]:
            own, more = list(labels()), list(others())
            nothing: list[tuple[str, Layer | None]] = [(_NOT_CHOSEN, None)] if more and not own else []
            return [*nothing, *told_apart([*own, *more], _NOT_CHOSEN)]

        super().__init__(choices=choices, **keywords)


class LayerRows(Select):
    """A list of layers, by their names, to choose any number of.

    Parameters
    ----------
    layers : callable
        Returns the layers to offer now.
    **keywords
        As for `Select`.
    """

    def __init__(self, layers: Callable[[], Iterable[Layer]], **keywords: Any) -> None:
        super().__init__(choices=lambda _rows: told_apart(layers()), value=[], **keywords)

    def get_value(self) -> list[Layer]:
        """Return the chosen layers in the order of the rows; Qt has one of its own."""
        chosen = super().get_value()
        return [layer for layer in self.choices if layer in chosen]

    def reset_choices(self, *_: Any) -> None:
        """Offer the layers there are now; those that were chosen stay so."""
        chosen = self.value
        with self.changed.blocked():
            self.choices = ()  # else a renamed one would come last
            super().reset_choices()
            self.value = [layer for layer in chosen if layer in self.choices]
        if self.value != chosen:
            self.changed.emit(self.value)


def told_apart(layers: Iterable[Layer], taken: str = "") -> list[tuple[str, Layer]]:
    """Return layers and their names, those of the same name told apart, and from one that is taken."""
    named: dict[str, Layer] = {}
    for layer in layers:
        name = layer.name
        while name in named or name == taken:
            name += " "
        named[name] = layer
    return list(named.items())

"""Word of changes of the layers that are used, and of the list they are in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_coarse_crf.plugin.layers.drawn import EVENTS
from napari_coarse_crf.plugin.layers.look import PLACE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import napari
    from napari.layers import Layer


class LayerWatch:
    """Tells that one of some layers may have become fit or unfit to be refined.

    Parameters
    ----------
    tell : callable
        Called after each change.
    """

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell
        self._layers: list[Layer] = []

    def watch(self, layers: Iterable[Layer | None]) -> None:
        """Hear of changes of these, and of no others any more."""
        self.stop()
        self._layers = [layer for layer in layers if layer is not None]
        for layer in self._layers:
            for event in _events(layer):
                event.connect(self._tell)

    def stop(self) -> None:
        """Leave no callback on their events: napari disconnects none of them."""
        for layer in self._layers:
            for event in _events(layer):
                event.disconnect(self._tell)
        self._layers = []


def events_of_list(viewer: napari.viewer.Viewer) -> list[Any]:
    """Return the events after which other layers are to be offered: those by which napari calls `reset_choices`."""
    events = viewer.layers.events
    return [events.inserted, events.removed, events.reordered, events.renamed]


def _events(layer: Layer) -> list[Any]:
    names = ("data", "set_data", "paint", "labels_update", "contrast_limits", *PLACE, *EVENTS)
    return [getattr(layer.events, name) for name in names if hasattr(layer.events, name)]

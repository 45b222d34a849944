"""Word of changes of the layers that are used, and of the list they are in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from napari_coarse_crf.plugin.layers.drawn import EVENTS
from napari_coarse_crf.plugin.layers.look import PLACE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import napari
    from napari.layers import Layer

_OF_PIXELS: Final = ("set_data", "paint", "labels_update", "contrast_limits", *EVENTS)


class LayerWatch:
    """Tells that one of some layers may have become fit or unfit to be refined.

    Parameters
    ----------
    placed : callable
        Called after a change of what a layer says of its axes and its place, too.
    painted : callable
        Called after a change of pixels alone.
    """

    def __init__(self, placed: Callable[[], None], painted: Callable[[], None]) -> None:
        self._names = [(name, placed) for name in ("data", *PLACE)] + [(name, painted) for name in _OF_PIXELS]
        self._layers: list[Layer] = []

    def watch(self, layers: Iterable[Layer | None]) -> None:
        """Hear of changes of these, and of no others any more."""
        self.stop()
        self._layers = [layer for layer in layers if layer is not None]
        for event, tell in self._events():
            event.connect(tell)

    def stop(self) -> None:
        """Leave no callback on their events: napari disconnects none of them."""
        for event, tell in self._events():
            event.disconnect(tell)
        self._layers = []

    def _events(self) -> list[tuple[Any, Callable[[], None]]]:
        """Return the events of the layers, and what is called after each."""
        events = ((getattr(layer.events, name, None), tell) for layer in self._layers for name, tell in self._names)
        return [(event, tell) for event, tell in events if event is not None]


def events_of_list(viewer: napari.viewer.Viewer) -> list[Any]:
    """Return the events after which other layers are to be offered: those by which napari calls `reset_choices`."""
    events = viewer.layers.events
    return [events.inserted, events.removed, events.reordered, events.renamed]

"""A correction is seen while it is made: results are dimmed while the person's own labels are painted on or drawn.

Of what was looked at (results as outlines, the own layer on top, results dimmed), only this shows image, strokes and
result at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from napari_coarse_crf.plugin.layers.dimmed import forget_dimmed, note_dimmed, opacity_of
from napari_coarse_crf.plugin.layers.provenance import is_preview, is_result
from napari_coarse_crf.plugin.result.views import Borrowed

if TYPE_CHECKING:
    import napari
    from napari.layers import Layer

_DIMMED: Final = 0.3
_PAINTING: Final = frozenset({"paint", "erase", "fill", "polygon", "direct", "vertex_insert", "vertex_remove"})
"""The tools of layers of labels and shapes; those that add shapes or points besides."""
_ADDING: Final = "add"


class Dimming:
    """Dims the results of a viewer while a layer is selected and a tool for painting or drawing is in hand.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose results.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        self._borrowed = Borrowed()
        self._own: Layer | None = None
        self._is_paused = False

    def pause(self, on: bool) -> None:
        """Leave results as they are while layers are compared with each other, brush in hand or not."""
        self._is_paused = on
        self._look()

    def follow(self, own: Layer | None) -> None:
        """Watch this layer, and no other any more; None: put everything back and hold nothing of the viewer."""
        if own is not self._own:
            self._watch(False)
            self._own = own
            self._watch(True)
        self._look()

    def _watch(self, on: bool) -> None:
        if self._own is None:
            return
        layers = self._viewer.layers
        for event in (self._own.events.mode, layers.selection.events.active, layers.events.inserted):
            (event.connect if on else event.disconnect)(self._look)
        (layers.events.removed.connect if on else layers.events.removed.disconnect)(self._on_removed)

    def _look(self, _event: Any = None) -> None:
        own = self._own
        # Equal, not the same: napari may give a plugin a proxy of the active layer.
        is_painted = own is not None and self._viewer.layers.selection.active == own and _is_painted(own)
        if self._is_paused or not is_painted:
            self._borrowed.put_back()
            forget_dimmed(self._viewer.layers)
            return
        for layer in self._viewer.layers:
            if layer is not own and (is_result(layer) or is_preview(layer)) and layer.opacity > _DIMMED:
                before = opacity_of(layer)
                note_dimmed(layer, before, _DIMMED)  # first: what saves by itself hears of the change
                self._borrowed.set(layer, "opacity", _DIMMED)

    def _on_removed(self, event: Any) -> None:
        self._borrowed.forget(event.value)


def _is_painted(layer: Layer) -> bool:
    mode = str(layer.mode)
    return mode in _PAINTING or mode.startswith(_ADDING)

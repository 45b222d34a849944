"""Results keep the names and colours of the labels they were made of, also when these change afterwards.

Of several results the newest follows, with Live's preview and what was accepted: an earlier one stays what it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Labels

from napari_coarse_crf.plugin.layers.accepted import find_accepted
from napari_coarse_crf.plugin.layers.classes import class_names_of, name_class
from napari_coarse_crf.plugin.layers.colours import take_colours
from napari_coarse_crf.plugin.layers.provenance import is_preview, is_result, source_name
from napari_coarse_crf.plugin.layers.record import source_of

if TYPE_CHECKING:
    import napari
    from napari.layers import Layer


class Following:
    """Passes changes of names and colours on, from a person's own labels to what was made of them.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where the layers are.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        self._own: Labels | None = None
        self._names: dict[int, str] = {}

    def follow(self, own: Layer | None) -> None:
        """Hear of changes of this layer, and of no other any more. What is drawn says new names with the next run."""
        if own is self._own:
            return
        if self._own is not None:
            self._own.events.features.disconnect(self._on_features)
            self._own.events.colormap.disconnect(self._on_colours)
        self._own = own if isinstance(own, Labels) else None
        if self._own is not None:
            self._names = class_names_of(self._own)
            self._own.events.features.connect(self._on_features)
            self._own.events.colormap.connect(self._on_colours)

    def _on_features(self) -> None:
        if self._own is None:
            return
        before, self._names = self._names, class_names_of(self._own)
        changed = {
            label_id: self._names.get(label_id, "")
            for label_id in before | self._names
            if before.get(label_id) != self._names.get(label_id)
        }
        for layer in made_of(self._viewer, self._own) if changed else ():
            for label_id, name in changed.items():
                name_class(layer, label_id, name)

    def _on_colours(self) -> None:
        if self._own is not None:
            for layer in made_of(self._viewer, self._own):
                take_colours(layer, self._own.colormap)


def made_of(viewer: napari.viewer.Viewer, own: Labels) -> list[Labels]:
    """Return what was made of a person's own labels: the newest result, Live's preview, what was accepted."""
    layers = [layer for layer in viewer.layers if isinstance(layer, Labels) and layer is not own]
    newest = [layer for layer in layers if is_result(layer) and source_of(layer) is own][-1:]
    previews = [layer for layer in layers if is_preview(layer) and source_name(layer) == own.name]
    accepted = find_accepted(viewer, own)
    return [*newest, *previews, *([accepted] if accepted is not None else [])]

"""What a dock that was closed may leave in a viewer: nothing."""

from __future__ import annotations

from typing import Any

from napari_coarse_crf.plugin.layers.camera import camera_of


def callbacks(viewer: Any) -> int:
    """Return how many callbacks there are on the events and keys of a viewer, of its parts and of its layers."""
    parts = (viewer, viewer.layers, viewer.layers.selection, viewer.dims, viewer.cursor, camera_of(viewer))
    emitters = [emitter for model in (*parts, *viewer.layers) for emitter in model.events.emitters.values()]
    on_events = sum(len(emitter.callbacks) for emitter in emitters if hasattr(emitter, "callbacks"))
    on_keys = sum(len(model.keymap) for model in (viewer, *viewer.layers))
    return on_events + on_keys

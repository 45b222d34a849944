"""Where a viewer looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import napari


def camera_of(viewer: napari.viewer.Viewer) -> Any:
    """Return the camera of a viewer; napari 0.9 moved it to the scene and warns about its old place."""
    return viewer.scene.camera if hasattr(viewer, "scene") else viewer.camera

"""A folder of images, and the dock opened on it as a person would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from napari_coarse_crf.plugin.series import autosave

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_coarse_crf.plugin import SeriesWidget


@pytest.fixture(autouse=True)
def nobody_waits_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Store a tenth of a second after a change, say so after a fifth: most of these tests wait for one or the other."""
    for name in ("_SOON_MS", "_SLOW_MS", "_AGAIN_MS"):
        monkeypatch.setattr(autosave, name, getattr(autosave, name) // 15)


@pytest.fixture
def folder(tmp_path: Path, image: NDArray[np.uint8]) -> Path:
    """Return a folder of three images; the names are in order as a person counts."""
    images = tmp_path / "images"
    images.mkdir()
    for name, brighter in (("a2", 0), ("a10", 10), ("b1", 20)):
        Image.fromarray(image + np.uint8(brighter)).save(images / f"{name}.png")
    return images


@pytest.fixture
def open_series(make_napari_viewer: Callable[..., Any], qtbot: Any) -> Callable[[Path], tuple[Any, SeriesWidget]]:
    """Return a function that opens a viewer and the dock, and chooses a folder."""

    def open_dock(path: Path) -> tuple[Any, SeriesWidget]:
        viewer = make_napari_viewer()
        _, widget = viewer.window.add_plugin_dock_widget("napari-coarse-crf", "Annotate a series")
        widget.open_folder(path)
        qtbot.waitUntil(lambda: widget.source is not None and widget.is_settled)
        return viewer, widget

    return open_dock

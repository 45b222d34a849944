#!/usr/bin/env python
"""Open napari with the plugin docked and a sample loaded: `make napari`."""

from __future__ import annotations

import napari


def main() -> None:
    """Open the viewer and wait until it is closed."""
    viewer = napari.Viewer()
    viewer.open_sample("napari-coarse-crf", "tissue")
    viewer.window.add_plugin_dock_widget("napari-coarse-crf", "Refine labels")
    napari.run()


if __name__ == "__main__":
    main()

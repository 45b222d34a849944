#!/usr/bin/env python
"""
Refine in a napari session
==========================

A script prepares the session: the dock, and the same without it::

    python examples/napari_session.py            # leaves the viewer open
    python examples/napari_session.py --close    # closes it when both results are there
"""

from __future__ import annotations

import sys

import napari

from napari_coarse_crf import Parameters
from napari_coarse_crf.plugin import refine_layer


def main() -> None:
    """Open a sample, refine it by the widget and by a function, and compare."""
    viewer = napari.Viewer()
    viewer.open_sample("napari-coarse-crf", "nuclei")
    image, labels = viewer.layers["nuclei"], viewer.layers["nuclei coarse"]

    # Without the dock, in this thread: returns the new layer.
    refined = refine_layer(viewer, image, labels, Parameters(theta_alpha=80))
    print(f"{refined.name}: {refined.metadata['napari_coarse_crf']['label_counts']}")

    # With the dock, in a thread of its own: `refined` tells when the new layer is there.
    _, widget = viewer.window.add_plugin_dock_widget("napari-coarse-crf", "Refine labels")
    widget.image_layer.value, widget.labels_layer.value = image, labels
    widget.parameters = Parameters(theta_alpha=80)

    def on_refined(layer: napari.layers.Labels) -> None:
        print(f"{layer.name}: equal to the one before: {bool((layer.data == refined.data).all())}")
        if "--close" in sys.argv:
            viewer.close()

    widget.refined.connect(on_refined)
    widget.run()
    napari.run()


if __name__ == "__main__":
    main()

"""File > Open Sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_coarse_crf.plugin import refine_layer
from napari_coarse_crf.samples import SAMPLE_NAMES, load_sample

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("name", SAMPLE_NAMES)
def test_a_sample_opens_as_image_hidden_fine_and_selected_coarse_labels(
    make_napari_viewer: Callable[..., Any], name: str
) -> None:
    viewer = make_napari_viewer()
    viewer.open_sample("napari-coarse-crf", name)
    sample = load_sample(name)
    image, fine, coarse = viewer.layers
    assert image.rgb == (sample.image.ndim == 3)
    for layer, wanted in ((image, sample.image), (coarse, sample.coarse), (fine, sample.fine)):
        np.testing.assert_array_equal(layer.data, wanted)
    assert [layer.visible for layer in viewer.layers] == [True, False, True]
    assert viewer.layers.selection.active is coarse
    assert dict(zip(coarse.features["index"], coarse.features["class"], strict=True)) == dict(sample.class_names)


@pytest.mark.parametrize("comes_first", ["sample", "dock"])
def test_a_sample_is_ready_to_run(make_napari_viewer: Callable[..., Any], comes_first: str) -> None:
    viewer = make_napari_viewer()
    if comes_first == "sample":
        viewer.open_sample("napari-coarse-crf", "nuclei")
    _, widget = viewer.window.add_plugin_dock_widget("napari-coarse-crf", "Refine labels")
    if comes_first == "dock":
        viewer.open_sample("napari-coarse-crf", "nuclei")
    assert widget.labels_layer.value.name == "nuclei coarse"
    assert widget.run_bar.button.isEnabled()


def test_after_a_run_the_next_stroke_goes_to_the_coarse_labels(make_napari_viewer: Callable[..., Any]) -> None:
    viewer = make_napari_viewer()
    viewer.open_sample("napari-coarse-crf", "nuclei")
    refine_layer(viewer, viewer.layers["nuclei"], viewer.layers["nuclei coarse"])
    assert viewer.layers.selection.active is viewer.layers["nuclei coarse"]

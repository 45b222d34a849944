"""The same as the widget, from a script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_coarse_crf import CoarseCRFWarning, InputError, Parameters, Refiner, refine_labels
from napari_coarse_crf.plugin import refine_layer

if TYPE_CHECKING:
    from numpy.typing import NDArray


def test_a_script_gets_the_pixels_of_refine_labels(image: NDArray[Any], labels: NDArray[Any]) -> None:
    viewer = ViewerModel()
    photo = viewer.add_image(image, rgb=True)
    strokes = viewer.add_labels(labels, scale=(1, 1))
    parameters = Parameters(similarity="joint", iterations=2)
    layer = refine_layer(viewer, photo, strokes, parameters)
    assert layer in viewer.layers
    np.testing.assert_array_equal(layer.data, refine_labels(image, labels, parameters))
    assert layer.metadata["napari_coarse_crf"]["parameters"] == parameters.to_dict()


def test_the_defaults_are_those_of_refine_labels(image: NDArray[Any], labels: NDArray[Any]) -> None:
    viewer = ViewerModel()
    layer = refine_layer(viewer, viewer.add_image(image, rgb=True), viewer.add_labels(labels))
    assert layer.metadata["napari_coarse_crf"]["parameters"] == Refiner(image, labels).run().parameters.to_dict()
    np.testing.assert_array_equal(layer.data, refine_labels(image, labels))


def test_warnings_are_raised_at_the_line_of_the_script(image: NDArray[Any]) -> None:
    viewer = ViewerModel()
    full = np.ones((40, 60), np.uint8)
    full[:, 35:] = 2
    layers = viewer.add_image(image, rgb=True), viewer.add_labels(full)
    with pytest.warns(CoarseCRFWarning, match="has a label already") as caught:
        refine_layer(viewer, *layers)
    assert caught[0].filename == __file__


def test_layers_that_cannot_be_refined_raise_the_widgets_sentence(image: NDArray[Any], labels: NDArray[Any]) -> None:
    viewer = ViewerModel()
    layers = viewer.add_image(image, rgb=True), viewer.add_labels(np.zeros_like(labels))
    with pytest.raises(InputError, match="still empty"):
        refine_layer(viewer, *layers)
    assert len(viewer.layers) == 2

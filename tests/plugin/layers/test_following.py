"""What was made of labels gets their new names and colours, and keeps what is its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_coarse_crf import Parameters
from napari_coarse_crf.plugin import refine_layer
from napari_coarse_crf.plugin.layers.accepted import accept
from napari_coarse_crf.plugin.layers.classes import class_names_of, name_class
from napari_coarse_crf.plugin.layers.colours import colours_of, set_colour
from napari_coarse_crf.plugin.layers.following import Following

if TYPE_CHECKING:
    from numpy.typing import NDArray

GREEN = (0.0, 1.0, 0.0, 1.0)
IDS = [3, 70_000]


@pytest.fixture
def made(image: NDArray[Any], labels: NDArray[Any]) -> tuple[Any, Following]:
    """Return a viewer with two results, what was accepted of the second, and other labels; and what follows."""
    viewer = ViewerModel()
    photo = viewer.add_image(image, rgb=True, name="photo")
    strokes = viewer.add_labels(labels, name="strokes", features={"index": [3], "class": ["field"]})
    for _ in range(2):
        refined = refine_layer(viewer, photo, strokes, Parameters(iterations=1))
    accept(viewer, strokes, refined, None)
    viewer.add_labels(labels, name="others")
    following = Following(viewer)  # which the events of a layer do not keep
    following.follow(strokes)
    return viewer, following


def test_newest_result_and_what_was_accepted_follow_and_no_others(made: tuple[Any, Following]) -> None:
    viewer, _ = made
    before = {layer.name: colours_of(layer, IDS) for layer in viewer.layers if layer.name != "photo"}
    name_class(viewer.layers["strokes"], 70_000, "sea")
    set_colour(viewer.layers["strokes"], 70_000, GREEN)
    for name in ("strokes refined [1]", "strokes accepted"):
        assert class_names_of(viewer.layers[name]) == {3: "field", 70_000: "sea"}
        np.testing.assert_allclose(colours_of(viewer.layers[name], IDS), [before[name][0], GREEN], atol=1e-6)
    for name in ("strokes refined", "others"):
        assert 70_000 not in class_names_of(viewer.layers[name])
        np.testing.assert_array_equal(colours_of(viewer.layers[name], IDS), before[name])


def test_what_a_person_has_written_on_a_result_stays(made: tuple[Any, Following]) -> None:
    viewer, _ = made
    refined = viewer.layers["strokes refined [1]"]
    refined.features = {"index": [3, 70_000], "class": ["field", "lake"], "area": [1.5, 2.5]}
    name_class(viewer.layers["strokes"], 3, "meadow")
    assert class_names_of(refined) == {3: "meadow", 70_000: "lake"}
    assert list(refined.features["area"]) == [1.5, 2.5]
    name_class(viewer.layers["strokes"], 3, "")
    assert class_names_of(refined) == {70_000: "lake"}


def test_who_follows_no_more_hears_nothing(made: tuple[Any, Following]) -> None:
    viewer, following = made
    following.follow(None)
    name_class(viewer.layers["strokes"], 70_000, "sea")
    assert class_names_of(viewer.layers["strokes refined [1]"]) == {3: "field"}

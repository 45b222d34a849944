"""Ways to look at several layers, and everything put back, without a window."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_coarse_crf.plugin.layers.camera import grid_of
from napari_coarse_crf.plugin.result.views import Contours, Views

PIXELS = np.array([[3, 0, 0, 70_000]])


@pytest.fixture
def looking() -> tuple[Any, Views]:
    """Return a viewer with an image, three compared layers and one that covers them, and its views."""
    viewer = ViewerModel()
    viewer.add_image(PIXELS.astype(float), name="photo")
    layers = [viewer.add_labels(PIXELS, name=name) for name in ("coarse", "refined", "truth")]
    viewer.layers["truth"].visible = False
    viewer.add_image(PIXELS.astype(float), name="cover")
    views = Views(viewer)
    views.choose(layers)
    return viewer, views


def shown(viewer: Any) -> list[str]:
    return [layer.name for layer in viewer.layers if layer.visible]


def test_flipping_shows_each_layer_alone_and_begins_again(looking: tuple[Any, Views]) -> None:
    viewer, views = looking
    seen = []
    for _ in range(4):
        views.flip()
        seen.append(shown(viewer))
    assert seen == [["photo", name] for name in ("coarse", "refined", "truth", "coarse")]
    views.put_back()
    assert shown(viewer) == ["photo", "coarse", "refined", "cover"]
    assert not views.is_changed


def test_what_a_person_changes_meanwhile_is_not_put_back(looking: tuple[Any, Views]) -> None:
    viewer, views = looking
    views.flip()
    viewer.layers["truth"].visible = True
    views.put_back()
    assert shown(viewer) == ["photo", "coarse", "refined", "truth", "cover"]


def test_contours_and_grid_are_put_back_each_on_its_own(looking: tuple[Any, Views]) -> None:
    viewer, views = looking
    viewer.layers["coarse"].contour = 5
    views.show_contours(Contours(tuple(views.layers), 2))
    views.show_grid(True)
    assert grid_of(viewer).enabled
    assert shown(viewer) == ["photo", "coarse", "refined", "truth"]
    assert all(viewer.layers[name].contour == 2 for name in ("coarse", "refined", "truth"))
    views.show_grid(False)
    assert not grid_of(viewer).enabled
    assert shown(viewer) == ["photo", "coarse", "refined", "truth", "cover"]
    assert viewer.layers["refined"].contour == 2
    views.show_contours(None)
    assert [viewer.layers[name].contour for name in ("coarse", "refined", "truth")] == [5, 0, 0]
    assert shown(viewer) == ["photo", "coarse", "refined", "cover"]
    assert not views.is_changed


def test_what_is_outlined_is_seen_and_the_truth_is_white(looking: tuple[Any, Views]) -> None:
    viewer, views = looking
    coarse, refined, truth = views.layers
    before = truth.colormap
    views.show_contours(Contours((refined, truth), 3, truth))
    assert [layer.contour for layer in views.layers] == [0, 3, 3]
    assert truth.visible
    np.testing.assert_array_equal(truth.colormap.map(PIXELS)[0, [0, 3]], np.ones((2, 4)))
    assert not truth.colormap.map(PIXELS)[0, 1].any()
    views.show_contours(Contours((coarse,), 1))
    assert [layer.contour for layer in views.layers] == [1, 0, 0]
    assert truth.colormap is before
    assert not truth.visible
    views.show_contours(Contours((truth,), 1, truth))
    views.flip()
    views.show_contours(None)
    assert shown(viewer) == ["photo", "coarse"]  # flipping says what is seen
    views.put_back()
    assert shown(viewer) == ["photo", "coarse", "refined", "cover"]
    assert truth.colormap is before


def test_who_looks_at_contours_keeps_the_brush_in_hand(looking: tuple[Any, Views]) -> None:
    viewer, views = looking
    viewer.layers["coarse"].mode = "paint"
    views.show_contours(Contours(tuple(views.layers), 2))
    assert str(viewer.layers["coarse"].mode) == "paint"
    views.put_back()
    assert str(viewer.layers["coarse"].mode) == "paint"


def test_a_grid_that_a_person_had_on_stays_on(looking: tuple[Any, Views]) -> None:
    viewer, views = looking
    grid_of(viewer).enabled, grid_of(viewer).stride = True, 2
    views.show_grid(True)
    views.show_grid(False)
    assert (grid_of(viewer).enabled, grid_of(viewer).stride) == (True, 2)


def test_choosing_other_layers_puts_back_what_the_last_ones_changed(looking: tuple[Any, Views]) -> None:
    viewer, views = looking
    views.flip()
    assert not views.choose(list(views.layers))
    assert views.choose([viewer.layers["coarse"], viewer.layers["refined"]])
    assert shown(viewer) == ["photo", "coarse", "refined", "cover"]


def test_a_deleted_layer_is_forgotten(looking: tuple[Any, Views]) -> None:
    viewer, views = looking
    views.flip()
    gone = viewer.layers.pop("refined")
    views.forget(gone)
    views.put_back()
    assert shown(viewer) == ["photo", "coarse", "cover"]
    assert not gone.visible

"""Results are dimmed while the own labels are painted on or drawn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_coarse_crf.plugin.layers.saved import describe_layer
from tests.plugin.result.using import close_dock

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tests.plugin.result.using import Dock, PressRun


def test_a_result_is_dimmed_while_the_own_labels_are_painted_on(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    strokes, refined = viewer.layers["strokes"], press_run(widget)
    before = refined.opacity
    strokes.mode = "paint"
    assert refined.opacity < before / 2
    newer = press_run(widget)
    assert newer.opacity == refined.opacity
    widget.commit()
    assert viewer.layers["strokes accepted"].opacity == strokes.opacity == before
    viewer.layers.selection.active = viewer.layers["photo"]
    assert (refined.opacity, newer.opacity) == (before, before)
    viewer.layers.selection.active = strokes
    assert newer.opacity < before
    strokes.mode = "pan_zoom"
    assert newer.opacity == before


def test_what_is_saved_while_it_is_dimmed_is_as_opaque_as_before(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    strokes, refined = viewer.layers["strokes"], press_run(widget)
    before = refined.opacity

    def saved() -> float:
        return float(json.loads(describe_layer(refined, Path("labels.tif")))["opacity"])

    strokes.mode = "paint"
    assert refined.opacity < before / 2
    assert saved() == before
    refined.opacity = 0.9  # by a person
    assert saved() == 0.9
    strokes.mode = "pan_zoom"
    refined.opacity = 0.3  # by a person
    assert saved() == 0.3


def test_a_result_is_dimmed_while_shapes_or_points_are_drawn(
    dock: Dock, press_run: PressRun, image: NDArray[Any]
) -> None:
    viewer, widget = dock(image, rgb=True)
    lines, classes = [[[20, 3], [20, 15]], [[20, 45], [20, 57]]], {"class": ["sea", "sky"]}
    shapes = viewer.add_shapes(lines, shape_type="line", features=classes, name="shapes")
    points = viewer.add_points([[20, 9], [20, 50]], features=classes, name="points")
    for own, tools in (
        (shapes, ("add_polygon", "add_path", "add_polygon_lasso", "direct", "vertex_remove")),
        (points, ("add",)),
    ):
        widget.labels_layer.value = own
        refined = press_run(widget)
        before = refined.opacity
        viewer.layers.selection.active = own
        for tool in tools:
            own.mode = tool
            assert refined.opacity < before / 2
            own.mode = "pan_zoom"
            assert refined.opacity == before
        own.mode = "select"
        assert refined.opacity == before


def test_an_opacity_that_a_person_chose_meanwhile_stays(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    refined, strokes = press_run(widget), viewer.layers["strokes"]
    strokes.mode = "erase"
    refined.opacity = 0.5
    strokes.mode = "pan_zoom"
    assert refined.opacity == 0.5


def test_a_result_is_not_dimmed_while_it_is_compared(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    strokes, refined = viewer.layers["strokes"], press_run(widget)
    before = refined.opacity
    strokes.mode = "paint"
    assert refined.opacity < before
    for button in (widget.result.panel.flip_button, widget.result.panel.grid_button):
        button.click()
        assert refined.opacity == strokes.opacity == before
        widget.result.panel.back_button.click()
        assert refined.opacity < before
        assert strokes.mode == "paint"
    strokes.mode = "pan_zoom"
    assert refined.opacity == before


def test_a_closed_dock_dims_nothing(dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any]) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    refined, strokes = press_run(widget), viewer.layers["strokes"]
    strokes.mode = "paint"
    close_dock(widget)
    assert refined.opacity == strokes.opacity
    strokes.mode = "pan_zoom"
    strokes.mode = "paint"
    assert refined.opacity == strokes.opacity

"""What is refined: slices, the visible area, regions and channels, chosen in the widget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_coarse_crf import InputError, Parameters, refine_labels
from napari_coarse_crf.plugin import Choice, Scope, refine_layer
from napari_coarse_crf.plugin.result.views import camera_of
from tests.plugin.result.using import add_difference
from tests.plugin.waiting import TIMEOUT
from tests.storage import stored

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_coarse_crf.plugin import RefineWidget

    Dock = Callable[..., tuple[Any, RefineWidget]]
    PressRun = Callable[[RefineWidget], Any]

QUICK = Parameters(iterations=2)


@pytest.fixture
def stack(image: NDArray[Any]) -> NDArray[Any]:
    return np.stack([image[..., 0], 255 - image[..., 0], image[..., 1]])


@pytest.fixture
def strokes(labels: NDArray[Any]) -> NDArray[Any]:
    """Return strokes on the first two of three slices."""
    return np.stack([labels, labels[:, ::-1], np.zeros_like(labels)])


def test_a_plane_has_no_slices_to_choose(dock: Dock, image: NDArray[Any], labels: NDArray[Any]) -> None:
    _, widget = dock(image, labels, rgb=True)
    assert widget.scope.mode.native.isHidden()
    assert widget.scope.axis.native.isHidden()
    assert widget.scope.channels.native.isHidden()


def test_each_slice_is_refined_on_its_own(
    dock: Dock, press_run: PressRun, stack: NDArray[Any], strokes: NDArray[Any]
) -> None:
    _, widget = dock(stack, strokes)
    widget.parameters = QUICK
    widget.scope.mode.value = "each"
    assert not widget.scope.axis.native.isHidden()
    layer = press_run(widget)
    for number in (0, 1):
        np.testing.assert_array_equal(layer.data[number], refine_labels(stack[number], strokes[number], QUICK))
    assert not layer.data[2].any()
    assert "fewer than two labels: slice 2." in widget.status
    assert layer.metadata["napari_coarse_crf"]["scope"] == {"slice_axis": 0, "index": None, "box": None}


def test_the_current_slice_is_the_one_the_viewer_shows(
    dock: Dock, press_run: PressRun, qtbot: Any, stack: NDArray[Any], strokes: NDArray[Any]
) -> None:
    viewer, widget = dock(stack, strokes)
    widget.parameters = QUICK
    widget.scope.mode.value = "current"
    viewer.dims.set_current_step(0, 2)
    qtbot.waitUntil(lambda: "in the chosen part" in widget.status)
    assert not widget.run_bar.button.isEnabled()
    viewer.dims.set_current_step(0, 1)
    qtbot.waitUntil(widget.run_bar.button.isEnabled)
    layer = press_run(widget)
    np.testing.assert_array_equal(layer.data[1], refine_labels(stack[1], strokes[1], QUICK))
    np.testing.assert_array_equal(layer.data[[0, 2]], strokes[[0, 2]])


@pytest.mark.parametrize("storage", ["dask", "zarr", "tensorstore"])
@pytest.mark.parametrize("mode", ["current", "each"])
def test_slices_of_a_stack_that_is_stored_elsewhere_are_refined(
    dock: Dock, press_run: PressRun, stack: NDArray[Any], strokes: NDArray[Any], mode: str, storage: str, tmp_path: Path
) -> None:
    viewer, widget = dock(stack, stored(strokes, storage, tmp_path))
    widget.parameters = QUICK
    widget.scope.mode.value = mode
    viewer.dims.set_current_step(0, 1)
    layer = press_run(widget)
    np.testing.assert_array_equal(layer.data[1], refine_labels(stack[1], strokes[1], QUICK))
    assert layer.data.dtype == strokes.dtype
    if mode == "current":
        np.testing.assert_array_equal(layer.data[[0, 2]], strokes[[0, 2]])


def test_in_3d_all_that_is_displayed_is_in_view(dock: Dock, stack: NDArray[Any], strokes: NDArray[Any]) -> None:
    viewer, widget = dock(stack, strokes)
    widget.scope.in_view.value = True
    camera_of(viewer).zoom = 50
    viewer.dims.ndisplay = 3
    assert widget.scope.choice().scope == Scope()


def test_the_axis_of_the_slices_is_chosen_by_its_label(
    dock: Dock, press_run: PressRun, stack: NDArray[Any], strokes: NDArray[Any]
) -> None:
    viewer, widget = dock(np.moveaxis(stack, 0, -1), np.moveaxis(strokes, 0, -1), rgb=False)
    viewer.layers["strokes"].axis_labels = ("row", "column", "time")
    widget.reset_choices()
    widget.parameters = QUICK
    widget.scope.mode.value = "each"
    box = widget.scope.axis.native
    assert [box.itemText(row) for row in range(3)] == ["row (40)", "column (60)", "time (3)"]
    box.setCurrentIndex(2)
    layer = press_run(widget)
    np.testing.assert_array_equal(layer.data[..., 1], refine_labels(stack[1], strokes[1], QUICK))


def test_only_the_visible_area_is_refined(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    widget.parameters = QUICK
    viewer.layers["strokes"].corner_pixels = np.array([[10, 0], [29, 59]])
    widget.scope.in_view.value = True
    layer = press_run(widget)
    np.testing.assert_array_equal(layer.data[10:30], refine_labels(image[10:30], labels[10:30], QUICK))
    np.testing.assert_array_equal(layer.data[:10], labels[:10])
    np.testing.assert_array_equal(layer.data[30:], labels[30:])


def test_a_drawn_region_limits_the_run(
    dock: Dock, press_run: PressRun, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    widget.parameters = QUICK
    shapes = viewer.add_shapes(name="region")
    widget.scope.region.value = shapes
    qtbot.waitUntil(lambda: "'region' holds no area" in widget.status)
    assert not widget.run_bar.button.isEnabled()
    shapes.add_rectangles([[5, 0], [5, 59], [34, 59], [34, 0]])
    qtbot.waitUntil(widget.run_bar.button.isEnabled)
    layer = press_run(widget)
    mask = np.zeros((40, 60), bool)
    mask[5:35] = True
    np.testing.assert_array_equal(layer.data, refine_labels(image, labels, QUICK, mask=mask))
    assert layer.metadata["napari_coarse_crf"]["region"] == "region"


def test_a_region_whose_layer_is_deleted_is_everywhere_again(
    dock: Dock, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    valid = viewer.add_labels(np.ones((40, 60), np.uint8), name="valid")
    widget.scope.region.value = valid
    assert widget.scope.choice().region is valid
    viewer.layers.remove(valid)
    assert widget.scope.choice().region is None


def test_another_layer_is_a_channel_of_the_image(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image[..., 0], labels)
    widget.parameters = QUICK
    other = viewer.add_image(image[..., 1], name="other")
    assert not widget.scope.channels.native.isHidden()
    widget.scope.channels.value = [other]
    layer = press_run(widget)
    np.testing.assert_array_equal(layer.data, refine_labels(image[..., :2], labels, QUICK))
    assert layer.metadata["napari_coarse_crf"]["channels"] == ["other"]
    assert layer.metadata["napari_coarse_crf"]["image"] == "photo"


def test_renaming_leaves_region_and_channels_as_they_were_chosen(
    dock: Dock, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image[..., 0], labels)
    further = [viewer.add_image(image[..., channel], name=f"channel {channel}") for channel in (1, 2)]
    region = viewer.add_labels(np.ones((40, 60), np.uint8), name="valid")
    widget.scope.region.value, widget.scope.channels.value = region, further
    for layer in (region, *further):
        layer.name = f"{layer.name} of Monday"
    choice = widget.scope.choice()
    assert choice.region is region
    assert choice.channels == tuple(further)
    assert widget.scope.region.native.currentText() == "valid of Monday"


def test_what_the_dock_made_to_look_at_is_nothing_to_refine_with(
    dock: Dock, press_run: PressRun, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image[..., 0], labels)
    widget.parameters = QUICK
    press_run(widget)
    widget.result.panel.confidence_button.click()
    add_difference(qtbot, widget.result, 0)
    widget.live = True
    qtbot.waitUntil(lambda: widget._live.switch.is_settled, timeout=TIMEOUT)
    assert [layer.name for layer in viewer.layers] == [
        *("photo", "strokes", "strokes refined", "strokes preview"),
        *("strokes refined: confidence", "strokes refined: what was filled"),
    ]
    assert list(widget.scope.channels.choices) == []
    assert [layer for layer in widget.scope.region.choices if layer] == [viewer.layers["strokes refined"]]
    assert list(widget.image_layer.choices) == [viewer.layers["photo"]]
    assert list(widget.labels_layer.choices) == [viewer.layers["strokes"], viewer.layers["strokes refined"]]


def test_channels_on_an_axis_of_their_own_are_used(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    _, widget = dock(np.moveaxis(image, -1, 0), labels, rgb=False)
    widget.parameters = QUICK
    layer = press_run(widget)
    np.testing.assert_array_equal(layer.data, refine_labels(image, labels, QUICK))
    assert "are taken as channels" in widget.status


def test_the_axis_of_the_channels_is_chosen_where_several_could_be_it(
    dock: Dock, press_run: PressRun, image: NDArray[Any], strokes: NDArray[Any]
) -> None:
    channels_first = np.stack([np.stack([image[..., channel]] * 3) for channel in range(3)])  # (C, Z, Y, X)
    viewer, widget = dock(np.moveaxis(channels_first, 0, 1), strokes)
    viewer.layers["photo"].axis_labels = ("z", "c", "y", "x")
    widget.reset_choices()
    widget.parameters = QUICK
    box = widget.scope.channel_axis.native
    assert not box.isHidden()
    assert [box.itemText(row) for row in range(box.count())] == ["z (3)", "c (3)"]
    box.setCurrentIndex(1)
    layer = press_run(widget)
    wanted = refine_labels(channels_first, strokes, QUICK, channel_axis=0, contrast_limits=(0, 255))
    np.testing.assert_array_equal(layer.data, wanted)
    assert layer.metadata["napari_coarse_crf"]["channel_axis"] == 1
    assert "along axis 1 are taken as channels" in widget.status


def rows(box: Any) -> list[str]:
    return [box.native.itemText(row) for row in range(box.native.count())]


def test_the_axes_follow_layers_whose_data_change(
    dock: Dock, qtbot: Any, stack: NDArray[Any], strokes: NDArray[Any]
) -> None:
    viewer, widget = dock(np.moveaxis(stack, 0, -1), np.moveaxis(strokes, 0, -1), rgb=False)
    photo, painted, scope = viewer.layers["photo"], viewer.layers["strokes"], widget.scope
    scope.mode.value, scope.axis.value = "each", 2
    photo.data, painted.data = (np.concatenate([layer.data] * 2, axis=2) for layer in (photo, painted))
    assert rows(scope.axis) == ["axis 0 (40)", "axis 1 (60)", "axis 2 (6)"]
    assert scope.axis.value == 2
    painted.axis_labels = ("row", "column", "time")
    assert rows(scope.axis)[2] == "time (6)"
    photo.data = np.stack([photo.data] * 6, axis=2)
    assert rows(scope.channel_axis) == ["axis 2 (6)", "axis 3 (6)"]
    photo.data, painted.data = stack[0], strokes[0]
    assert scope.axis.native.isHidden()
    assert scope.channel_axis.native.isHidden()
    qtbot.waitUntil(widget.run_bar.button.isEnabled)


def test_no_axis_is_offered_where_there_is_no_choice(dock: Dock, image: NDArray[Any], labels: NDArray[Any]) -> None:
    viewer, widget = dock(np.moveaxis(image, -1, 0), labels, rgb=False)
    assert widget.scope.channel_axis.native.isHidden()
    assert widget.scope.choice().channel_axis is None
    # Another image with channels of its own is no further channel.
    viewer.add_image(np.moveaxis(image, -1, 0), name="other", rgb=False)
    assert widget.scope.channels.native.isHidden()
    viewer.add_image(image[..., 0], name="grey")
    assert [layer.name for layer in widget.scope.channels.choices] == ["grey"]


def test_an_axis_that_cannot_hold_the_channels_is_refused_in_words(image: NDArray[Any], labels: NDArray[Any]) -> None:
    viewer = ViewerModel()
    layers = viewer.add_image(np.moveaxis(image, -1, 0), rgb=False), viewer.add_labels(labels)
    with pytest.raises(InputError, match="cannot be that of its channels"):
        refine_layer(viewer, *layers, QUICK, Choice(channel_axis=1))


def test_a_script_chooses_the_same(stack: NDArray[Any], strokes: NDArray[Any]) -> None:
    viewer = ViewerModel()
    layers = viewer.add_image(stack), viewer.add_labels(strokes)
    layer = refine_layer(viewer, *layers, QUICK, Choice(scope=Scope(slice_axis=0, index=0)))
    np.testing.assert_array_equal(layer.data[0], refine_labels(stack[0], strokes[0], QUICK))
    np.testing.assert_array_equal(layer.data[1:], strokes[1:])
    with pytest.raises(InputError, match="fewer than two labels in the chosen part"):
        refine_layer(viewer, *layers, QUICK, Choice(scope=Scope(slice_axis=0, index=2)))

"""What is refined: slices, the visible area, regions and channels, chosen in the widget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_coarse_crf import InputError, Parameters, refine_labels
from napari_coarse_crf.plugin import Choice, Scope, refine_layer
from napari_coarse_crf.plugin.controls import scope
from napari_coarse_crf.plugin.layers.camera import camera_of
from napari_coarse_crf.plugin.layers.match import find_grid
from tests.helpers import halved
from tests.plugin.result.using import add_difference
from tests.plugin.waiting import wait_until_settled
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


def test_what_is_offered_and_chosen_asks_once_how_the_layers_lie(
    dock: Dock, image: NDArray[Any], labels: NDArray[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    asked = []

    def counted(*about: Any) -> Any:
        asked.append(about)
        return find_grid(*about)

    monkeypatch.setattr(scope, "find_grid", counted)
    for offset in (0, 5):
        viewer.layers["strokes"].translate = (0, offset)
        del asked[:]
        widget.scope.choice()
        assert len(asked) == 1  # not the answer of before
        del asked[:]
        viewer.add_points(np.zeros((1, 2)))  # all that could be chosen is looked for again
        assert 1 <= len(asked) <= 10


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
    wait_until_settled(qtbot, widget)
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


def test_an_image_that_loses_its_axis_of_channels_is_followed(
    dock: Dock, qtbot: Any, stack: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(stack, labels)
    photo = viewer.layers["photo"]
    photo.data = np.moveaxis(stack, 0, -1)
    assert widget.scope.channel_axis.value == 2
    photo.data = stack[0]
    assert widget.scope.choice().plane is None
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


def test_labels_of_another_size_are_told_before_the_run_and_read_as_they_lie(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, None, rgb=True)
    widget.parameters = QUICK
    small = halved(labels)
    strokes = viewer.add_labels(small.copy(), name="strokes", scale=(2, 2), translate=(0.5, 0.5))
    assert widget.status.startswith("'strokes' has pixels twice as large: it is read at the image's pixels. Ready.")
    layer = press_run(widget)
    whole = small.repeat(2, 0).repeat(2, 1)
    np.testing.assert_array_equal(layer.data, refine_labels(image, whole, QUICK))
    np.testing.assert_array_equal(strokes.data, small)
    assert list(viewer.layers).index(layer) == list(viewer.layers).index(strokes) + 1


def test_the_visible_area_is_that_of_the_image(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, None, rgb=True)
    widget.parameters = QUICK
    part = labels[10:30]
    viewer.add_labels(part, name="strokes", translate=(10, 0))
    viewer.layers["photo"].corner_pixels = np.array([[5, 0], [34, 59]])
    widget.scope.in_view.value = True
    whole = np.zeros_like(labels)
    whole[10:30] = part
    layer = press_run(widget)
    whole[5:35] = refine_labels(image[5:35], whole[5:35], QUICK)
    np.testing.assert_array_equal(layer.data, whole)


def test_of_an_image_of_several_resolutions_no_more_is_in_view_than_of_the_labels(
    dock: Dock, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock([image, image[::2, ::2]], None, rgb=True, multiscale=True)
    strokes = viewer.add_labels(labels[:20, :30], name="strokes", scale=(2, 2), translate=(0.5, 0.5))
    viewer.layers["photo"].corner_pixels = np.array([[0, 0], [39, 59]])
    strokes.corner_pixels = np.array([[4, 0], [9, 29]])  # in the middle, and to both borders
    widget.scope.in_view.value = True
    box = widget.scope.choice().scope.box
    assert box is not None
    assert box[0][0] <= 8
    assert 20 <= box[0][1] < 24
    assert box[1] == (0, 60)


def test_live_follows_strokes_and_moves_of_labels_of_another_size(
    dock: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, None, rgb=True)
    widget.parameters = QUICK
    small = halved(labels)
    strokes = viewer.add_labels(small, name="strokes", scale=(2, 2))

    def shows(wanted: NDArray[Any]) -> bool:
        layers = [layer for layer in viewer.layers if layer.name == "strokes preview"]
        return widget.run_bar.keep.isEnabled() and np.array_equal(layers[0].data, wanted)

    def refined(shift: int) -> NDArray[Any]:
        whole = strokes.data.repeat(2, 0).repeat(2, 1)
        moved = np.zeros_like(whole)
        moved[:, shift:] = whole[:, : whole.shape[1] - shift]
        return refine_labels(image, moved, QUICK)

    widget.live = True
    qtbot.waitUntil(lambda: shows(refined(0)))
    strokes.paint((4, 4), 9)
    qtbot.waitUntil(lambda: shows(refined(0)))
    strokes.translate = (0, 4)
    qtbot.waitUntil(lambda: shows(refined(4)))
    widget.live = False
    assert widget.keep() is not None


@pytest.fixture
def bands(image: NDArray[Any]) -> NDArray[Any]:
    """Return four channels first."""
    return np.stack([*np.moveaxis(image, -1, 0), image[..., 0] // 2])


def test_new_labels_of_a_multiband_image_count_for_all_channels_once_their_axis_is_chosen(
    dock: Dock, press_run: PressRun, qtbot: Any, bands: NDArray[Any], labels: NDArray[Any]
) -> None:
    strokes = np.zeros(bands.shape, np.int32)  # as the button makes them
    strokes[2] = labels
    viewer, widget = dock(bands, strokes, contrast_limits=(0, 255))
    widget.parameters = QUICK
    assert "If 'axis 0 (4)' holds channels, choose it as Channel axis" in widget.status
    box = widget.scope.channel_axis
    assert not box.native.isHidden()
    assert [box.native.itemText(row) for row in range(2)] == ["none", "axis 0 (4)"]
    box.value = 0
    qtbot.waitUntil(lambda: "The labels are plane 2 of 'strokes'" in widget.status)
    assert widget.scope.mode.native.isHidden()  # what is refined is a plane
    wanted = refine_labels(bands, labels, QUICK, channel_axis=0)
    np.testing.assert_array_equal(press_run(widget).data, wanted)
    viewer.layers["strokes"].data[0] = labels[:, ::-1]
    viewer.dims.set_current_step(0, 0)
    qtbot.waitUntil(lambda: "The labels are plane 0 of 'strokes'" in widget.setting.snapshot.misfit)
    wanted = refine_labels(bands, labels[:, ::-1], QUICK, channel_axis=0)
    np.testing.assert_array_equal(press_run(widget).data, wanted)


def test_the_axis_of_time_is_guessed_shown_and_may_be_called_depth(
    dock: Dock, press_run: PressRun, qtbot: Any, stack: NDArray[Any], strokes: NDArray[Any]
) -> None:
    viewer, widget = dock(stack, strokes, contrast_limits=(0, 255))
    widget.parameters = QUICK
    scope = widget.scope
    assert not scope.time_axis.native.isHidden()
    assert scope.time_axis.value == "none"
    assert scope.mode.native.currentText() == "Everything at once (3-D)"
    viewer.layers["photo"].axis_labels = ("time", "y", "x")
    qtbot.waitUntil(lambda: scope.time_axis.value == 0)
    assert scope.time_axis.native.currentText() == "time (3)"
    assert scope.mode.native.currentText() == "Everything, frame by frame"
    widget.reset_choices()  # as after every change of the list of layers
    shown = [scope.mode.native.itemText(number) for number in range(scope.mode.native.count())]
    assert shown == ["Everything, frame by frame", "Current slice", "Each slice on its own"]
    assert scope.mode.native.currentIndex() == 0
    assert "refined each on its own" in widget.setting.snapshot.misfit
    layer = press_run(widget)
    for number in (0, 1):
        np.testing.assert_array_equal(layer.data[number], refine_labels(stack[number], strokes[number], QUICK))
    scope.time_axis.value = "none"
    viewer.layers["photo"].translate = viewer.layers["strokes"].translate = (0, 5, 5)
    qtbot.waitUntil(lambda: "refined each" not in widget.setting.snapshot.misfit)
    assert scope.time_axis.value == "none"  # a moved layer says nothing new of its axes
    assert scope.mode.native.currentText() == "Everything at once (3-D)"
    np.testing.assert_array_equal(press_run(widget).data, refine_labels(stack, strokes, QUICK))


def test_the_axes_offered_are_those_left_by_the_guessed_channel_axis_and_by_another(dock: Dock) -> None:
    volume = np.zeros((2, 3, 40, 60), np.uint8)
    _, widget = dock(volume, volume.astype(np.int32), axis_labels=("z", "c", "y", "x"))
    scope = widget.scope
    assert scope.channel_axis.value == 1
    for box in (scope.axis, scope.time_axis):
        assert [box.native.itemText(row) for row in range(box.native.count())][-3:] == ["z (2)", "y (40)", "x (60)"]
    assert len(scope.axis.choices) == 3
    scope.channel_axis.value = "none"
    scope.mode.value, scope.axis.value = "current", 3
    scope.channel_axis.value = 0
    assert len(scope.axis.choices) == 3
    assert scope.choice().scope.slice_axis in (0, 1, 2)


def test_a_chosen_time_axis_stays_when_layers_come_and_are_renamed(
    dock: Dock, stack: NDArray[Any], strokes: NDArray[Any]
) -> None:
    viewer, widget = dock(stack, strokes, contrast_limits=(0, 255), axis_labels=("t", "y", "x"))
    widget.scope.time_axis.value = "none"
    half = viewer.add_labels(np.ones((3, 20, 30), np.uint8), name="half", scale=(1, 2, 2))
    widget.scope.region.value = half
    viewer.layers["photo"].name = half.name = "other"
    choice = widget.scope.choice()
    assert choice.region is half
    assert choice.scope.apart == ()


def test_a_slice_of_a_film_of_volumes_is_that_of_the_current_frame(
    dock: Dock, press_run: PressRun, stack: NDArray[Any], strokes: NDArray[Any]
) -> None:
    film, labels = np.stack([stack, 255 - stack]), np.stack([strokes, strokes[:, ::-1]])
    viewer, widget = dock(film, labels, contrast_limits=(0, 255), axis_labels=("t", "z", "y", "x"))
    widget.parameters = QUICK
    assert widget.scope.time_axis.value == 0
    widget.scope.mode.value = "current"
    widget.scope.axis.value = 1
    viewer.dims.set_current_step(0, 1)
    viewer.dims.set_current_step(1, 0)
    wanted = labels.copy()
    wanted[1, 0] = refine_labels(film[1, 0], labels[1, 0], QUICK)
    np.testing.assert_array_equal(press_run(widget).data, wanted)
    assert widget.setting.look_scope.box is not None


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

"""Shapes and points as coarse labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from napari.layers import Image, Labels, Points, Shapes

from napari_coarse_crf.plugin import Choice, refine_layer
from napari_coarse_crf.plugin.layers import strokes
from napari_coarse_crf.plugin.layers.classes import class_names_of
from napari_coarse_crf.plugin.layers.drawn import Ground, as_labels
from napari_coarse_crf.plugin.layers.look import place_of, same_place
from napari_coarse_crf.plugin.layers.provenance import provenance
from napari_coarse_crf.plugin.layers.snapshot import Snapshot
from napari_coarse_crf.tiles.covers import cover_path
from napari_coarse_crf.tiles.parts import Scope

if TYPE_CHECKING:
    from collections.abc import Callable

SQUARE = np.array([[2, 2], [2, 6], [6, 6], [6, 2]])
LINE = np.array([[12, 3], [12, 17]])


def read(layer: Any, image: Image) -> Labels:
    labels = as_labels(layer, image)
    assert labels is not None
    return labels


def two_shapes(**keywords: Any) -> Shapes:
    return Shapes([SQUARE, LINE], shape_type=["polygon", "line"], edge_width=1, **keywords)


def test_a_polygon_is_filled_and_a_line_is_as_wide_as_it_is_drawn() -> None:
    image = Image(np.zeros((16, 20)))
    wanted = np.zeros((16, 20), np.uint8)
    wanted[2:7, 2:7], wanted[12, 3:18] = 1, 2
    np.testing.assert_array_equal(read(two_shapes(features={"class": ["a", "b"]}), image).data, wanted)
    wide = Shapes([SQUARE, LINE], shape_type=["polygon", "path"], edge_width=[1, 5], features={"class": ["a", "b"]})
    wanted[10:15, 3:18] = 2
    labels = read(wide, image).data
    np.testing.assert_array_equal(labels[:, 3:18], wanted[:, 3:18])
    assert labels[12, 1] == 2  # the pen is round
    assert labels[12, 0] == 0


def test_points_are_discs_of_their_size_and_no_smaller_than_a_pixel() -> None:
    points = Points([[4, 4], [10.4, 15.3]], size=[5, 0.1], features={"class": ["cell", "gap"]})
    labels = read(points, Image(np.zeros((16, 20)))).data
    assert np.count_nonzero(labels == 1) == 21
    assert np.argwhere(labels == 2).tolist() == [[10, 15]]


@pytest.mark.parametrize(
    ("features", "names"),
    [
        ({"class": ["b", "a", "b"]}, {1: "a", 2: "b"}),
        ({"Name": ["b", "a", "b"]}, {1: "a", 2: "b"}),
        ({"what": ["b", "a", "b"]}, {1: "a", 2: "b"}),
        ({"label": [7, 3, 7], "area": [1.0, 2.0, 3.0]}, {3: "3", 7: "7"}),
        ({"label": [7, np.nan, 3]}, {3: "3", 7: "7"}),
        ({"label": [0, 300, 3]}, {3: "3", 300: "300"}),
        ({}, {1: "1", 2: "2", 3: "3"}),
    ],
)
def test_a_feature_says_the_class_and_numbers_are_ids(features: dict[str, Any], names: dict[int, str]) -> None:
    points = Points([[2, 2], [8, 8], [2, 14]], size=3, features=features)
    labels = read(points, Image(np.zeros((16, 20))))
    assert class_names_of(labels) == names
    assert set(np.unique(labels.data)) == {0, *names}


def test_without_a_feature_colours_tell_the_classes_apart_and_the_result_has_them() -> None:
    points = Points([[2, 2], [8, 8], [2, 14]], size=3, face_color=["red", "blue", "red"])
    labels = read(points, Image(np.zeros((16, 20))))
    assert labels.data[2, 2] == labels.data[2, 14] != labels.data[8, 8]
    for place, colour in (((2, 2), (1, 0, 0, 1)), ((8, 8), (0, 0, 1, 1))):
        np.testing.assert_allclose(labels.colormap.map(labels.data[place]), colour)


def test_they_are_read_at_the_pixels_of_the_image_wherever_both_lie() -> None:
    image = Image(np.zeros((32, 40)), scale=(0.5, 0.5), translate=(1, 1), units=("um", "um"))
    shapes = two_shapes(features={"class": ["a", "b"]}, scale=(1000, 1000), units=("nm", "nm"))
    labels = read(shapes, image)
    assert same_place(place_of(labels), place_of(image))
    np.testing.assert_array_equal(labels.data[2:11, 2:11], 1)  # 2 to 6 µm
    np.testing.assert_array_equal(labels.data[22, 4:33], 2)
    assert np.count_nonzero((labels.data == 2).any(axis=1)) == 3  # 1 µm wide, with both edges


def test_in_a_stack_they_lie_on_their_slice() -> None:
    image = Image(np.zeros((4, 16, 20)), scale=(5, 1, 1))
    corners = [np.insert(one, 0, place, axis=1) for one, place in ((SQUARE, 1), (LINE, 3), (LINE, 9))]
    shapes = Shapes(
        corners,
        shape_type=["polygon", "line", "line"],
        edge_width=1,
        scale=(5, 1, 1),
        features={"class": ["a", "b", "b"]},
    )
    labels = read(shapes, image).data
    assert [np.unique(plane).tolist() for plane in labels] == [[0], [0, 1], [0], [0, 2]]


@pytest.mark.parametrize(
    ("image", "choice"),
    [
        (Image(np.zeros((3, 16, 20))), Choice()),
        (Image(np.zeros((16, 20, 3))), Choice()),
        (Image(np.zeros((16, 16, 20)), axis_labels=("y", "c", "x")), Choice()),
        (Image(np.zeros((16, 16, 20))), Choice(channel_axis=1)),
        (Image(np.zeros((33, 34, 3)), rgb=True), Choice()),
    ],
)
def test_the_axis_of_channels_is_left_out(image: Image, choice: Choice) -> None:
    snapshot = Snapshot.take(image, two_shapes(features={"class": ["a", "b"]}), choice)
    assert snapshot.problem == ""
    assert snapshot.labels_layer is not None
    assert snapshot.labels_layer.data[4, 4] == 1


def test_shapes_that_are_seen_on_all_slices_count_on_the_one_that_is_refined() -> None:
    image = Image(np.zeros((4, 32, 40)), scale=(5, 0.5, 0.5), axis_labels=("z", "y", "x"))
    shapes = two_shapes(features={"class": ["a", "b"]})
    for choice in (Choice(Scope(0, 2)), Choice(Scope(0, 2), channel_axis="none")):
        snapshot = Snapshot.take(image, shapes, choice)
        assert snapshot.problem == ""
        assert snapshot.labels_layer is not None
        labels = snapshot.labels_layer.data
        assert [np.unique(plane).tolist() for plane in labels] == [[0], [0], [0, 1, 2], [0]]
        np.testing.assert_array_equal(labels[2, 4:13, 4:13], 1)


def test_a_person_draws_once_and_refines_the_slice_that_is_seen(
    make_napari_viewer: Callable[..., Any],
) -> None:
    viewer = make_napari_viewer()
    stack = np.zeros((4, 40, 60))
    stack[:, 20:] = 1
    viewer.add_image(stack, name="photo", axis_labels=("z", "y", "x"))
    lines = [np.array([[5, 3], [5, 57]]), np.array([[35, 3], [35, 57]])]
    shapes = viewer.add_shapes(lines, shape_type="line", features={"class": ["sky", "sea"]}, name="drawn")
    _, widget = viewer.window.add_plugin_dock_widget("napari-coarse-crf", "Refine labels")
    widget.labels_layer.value = shapes
    assert "Choose the scope 'Current slice'" in widget.status
    widget.scope.mode.value = "current"
    for index in (3, 1):
        viewer.dims.set_current_step(0, index)
        assert widget.setting.snapshot.problem == ""
        assert widget.setting.snapshot.inputs.parts()[0][0] == index
        labels = widget.setting.snapshot.labels_layer.data
        assert [bool(plane.any()) for plane in labels] == [one == index for one in range(4)]


@pytest.mark.parametrize(
    ("layer", "image", "sentence"),
    [
        (Shapes(name="mine"), Image(np.zeros((16, 20))), "'mine' holds no shapes of any class"),
        (Points([[1, 2]], name="mine"), Image(np.zeros((16, 20))), "points of one class only"),
        (two_shapes(name="mine"), Image(np.zeros((4, 5, 16, 20))), "'mine' has 2 axes and 'Image' has 3"),
        (
            two_shapes(name="mine"),
            Image(np.zeros((5, 16, 20)), axis_labels=("z", "y", "x")),
            "Choose the scope 'Current slice'",
        ),
        (two_shapes(name="mine"), Image(np.zeros((30, 40, 40))), "Choose the scope 'Current slice'"),
        (
            Shapes([SQUARE + 99, LINE], shape_type=["polygon", "line"], name="mine"),
            Image(np.zeros((16, 20))),
            "holds one label only, 2.",
        ),
    ],
)
def test_what_cannot_be_refined_is_said_in_a_sentence(layer: Any, image: Image, sentence: str) -> None:
    assert sentence in Snapshot.take(image, layer).problem


def test_other_layers_are_taken_as_they_are() -> None:
    image, labels = Image(np.zeros((16, 20))), Labels(np.zeros((16, 20), int))
    assert as_labels(labels, image) is labels
    assert as_labels(image, image) is None
    assert as_labels(two_shapes(), None) is None


def test_the_ground_stays_one_layer_while_the_image_moves() -> None:
    image, shapes, ground = Image(np.zeros((16, 20))), two_shapes(), Ground()
    labels = ground.below(shapes, image)
    image.scale = (3, 2)
    assert ground.below(shapes, image) is labels
    assert labels is not None
    np.testing.assert_array_equal(labels.scale, (3, 2))
    image.data = np.zeros((9, 9))
    assert ground.below(shapes, image) is not labels


def test_a_run_on_shapes_gives_a_new_labels_layer_above_them_and_leaves_them(
    make_napari_viewer: Callable[..., Any],
) -> None:
    viewer = make_napari_viewer()
    picture = np.zeros((16, 20))
    picture[9:] = 1
    image = viewer.add_image(picture, name="photo")
    shapes = viewer.add_layer(two_shapes(name="drawn", features={"class": ["sky", "sea"]}))
    viewer.add_points(name="on top")
    before = [corners.copy() for corners in shapes.data]
    result = refine_layer(viewer, image, shapes)
    assert [layer.name for layer in viewer.layers] == ["photo", "drawn", "drawn refined", "on top"]
    assert viewer.layers.selection.active is shapes
    assert class_names_of(result) == {1: "sea", 2: "sky"}
    assert result.data[0, 19] == 2
    assert result.data[15, 19] == 1
    assert provenance(result)["labels"] == "drawn"
    for corners, wanted in zip(shapes.data, before, strict=True):
        np.testing.assert_array_equal(corners, wanted)
    refine_layer(viewer, image, shapes)
    assert [layer.name for layer in viewer.layers][2:4] == ["drawn refined", "drawn refined [1]"]


def moved(points: Points) -> None:
    points.data = np.vstack([points.data[:1] + 3, points.data[1:]])


def added(points: Points) -> None:
    points.add([[9, 2]])


def removed(points: Points) -> None:
    points.selected_data = {1}
    points.remove_selected()


def of_another_class(points: Points) -> None:
    points.features = {"class": ["b", "b", "a", "c"]}


def larger(points: Points) -> None:
    points.size = 7


@pytest.mark.parametrize(
    ("change", "count"), [(moved, 1), (added, 1), (removed, 0), (of_another_class, 0), (larger, 4)]
)
def test_only_what_has_changed_is_drawn_anew(
    change: Callable[[Points], None], count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = Image(np.zeros((16, 20)))
    features = {"class": ["a", "b", "a", "c"]}
    points = Points([[2, 2], [8, 8], [3, 3], [2, 14]], size=3, features=features)
    before = read(points, image).data
    assert read(points, image).data is before
    calls = []

    def counted(*arguments: Any) -> Any:
        calls.append(arguments)
        return cover_path(*arguments)

    monkeypatch.setattr(strokes, "cover_path", counted)
    change(points)
    after = read(points, image)
    assert len(calls) == count
    fresh = Points(points.data, size=points.size, features=points.features)
    np.testing.assert_array_equal(after.data, read(fresh, image).data)
    assert not np.array_equal(after.data, before)


def test_a_gap_of_pandas_is_no_class() -> None:
    lines = [[[2, 2], [2, 20]], [[8, 2], [8, 20]], [[14, 2], [14, 20]]]
    features = pd.DataFrame({"class": pd.array(["road", pd.NA, "sky"], "string")})
    shapes = Shapes(lines, shape_type="line", features=features)
    assert list(as_labels(shapes, Image(np.zeros((20, 30), np.uint8))).features["class"]) == ["road", "sky"]

"""What each axis is: as the file says, else by what the labels lack."""

from __future__ import annotations

import pytest

from napari_coarse_crf import InputError
from napari_coarse_crf.io.axes import Layout, axes_apart, find_channel_axis, name_axes


def said(axes: str, *shape: int) -> Layout:
    return Layout(shape, axes, True)


def silent(*shape: int) -> Layout:
    return Layout(shape, ("?" * len(shape) + "YX")[-len(shape) :], False)


@pytest.mark.parametrize(
    ("image", "labels", "expected"),
    [
        (silent(40, 60), silent(40, 60), None),
        (silent(3, 40, 60), silent(40, 60), 0),
        (silent(40, 60, 5), silent(40, 60), 2),
        (silent(4, 4, 40, 60), silent(4, 40, 60), 0),  # the first that fits, as in the dock
        (said("CZYX", 4, 4, 40, 60), silent(4, 40, 60), 0),
        (said("ZCYX", 4, 4, 40, 60), silent(4, 40, 60), 1),
        (said("TCYX", 4, 4, 40, 60), silent(4, 40, 60), 1),
        (said("ZYXS", 3, 3, 60, 3), silent(3, 3, 60), 3),
        (Layout((3, 3, 60, 3), "?YXS", False), silent(3, 3, 60), 3),
        (said("CYX", 2, 40, 60), silent(2, 40, 60), None),  # labels for each channel
    ],
)
def test_the_channels_are_where_the_file_says_else_on_the_first_axis_the_labels_lack(
    image: Layout, labels: Layout, expected: int | None
) -> None:
    assert find_channel_axis(image, labels) == expected


def test_depth_and_time_are_no_channels() -> None:
    for letter, word in (("Z", "depth"), ("T", "time")):
        with pytest.raises(InputError, match=rf"lack {letter} \({word}\), which holds no channels.*--channel-axis 0"):
            find_channel_axis(said(f"{letter}YX", 5, 40, 60), silent(40, 60))


def test_labels_with_a_plane_for_each_colour_are_refused() -> None:
    with pytest.raises(InputError, match="one map for all colours"):
        find_channel_axis(said("YXS", 40, 60, 3), silent(40, 60, 3))


@pytest.mark.parametrize(
    ("image", "labels", "channel_axis", "expected"),
    [
        (said("TCYX", 5, 2, 40, 60), silent(5, 40, 60), 1, "TYX"),
        (silent(5, 40, 60), said("TYX", 5, 40, 60), None, "TYX"),
        (said("ZYX", 5, 40, 60), said("TYX", 5, 40, 60), None, "ZYX"),
        (silent(5, 40, 60), silent(40, 60), 0, "YX"),
        (silent(40, 60, 5), silent(40, 60), 2, "YX"),
        (silent(5, 40, 60), silent(5, 40, 60), None, "?YX"),
    ],
)
def test_axes_are_named_as_the_image_says_else_as_the_labels_do(
    image: Layout, labels: Layout, channel_axis: int | None, expected: str
) -> None:
    assert name_axes(image, labels, channel_axis) == expected


def test_time_is_apart_and_depth_only_on_request() -> None:
    assert axes_apart("ZYX") == axes_apart("?YX") == axes_apart("YX", each_slice=True) == ()
    assert axes_apart("TZYX") == axes_apart("CZYX") == (0,)
    assert axes_apart("TZYX", each_slice=True) == (0, 1)
    assert axes_apart("TZYX", each_slice=False) == ()

"""One frame of a series is read and written as an array of its own."""

from __future__ import annotations

import numpy as np

from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.running.planes import Plane, plane_of


def test_a_frame_is_read_and_written_where_it_lies() -> None:
    series = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    frame = Plane(series, (slice(0, 2), 1, slice(0, 4), slice(0, 5)))
    assert frame.shape == (2, 4, 5)
    place = slice(0, 1), slice(2, 4), slice(1, 5)
    np.testing.assert_array_equal(frame[place], series[0:1, 1, 2:4, 1:5])
    frame[place] = np.full((1, 2, 4), -1)
    assert (series[0, 1, 2:4, 1:5] == -1).all()
    assert (series == -1).sum() == 8


def test_a_frame_of_a_picture_keeps_its_channels_its_mask_and_its_pixel_size() -> None:
    image = np.arange(4 * 2 * 3 * 5).reshape(4, 2, 3, 5)  # frames, channels, rows, columns
    mask = image[:, 0] % 2 == 0
    picture = plane_of(Picture(image, mask, 1, (9.0, 2.0, 1.0)), 3, (2, slice(0, 3), slice(0, 5)))
    assert picture.channel_axis == 0
    assert picture.spacing == (2.0, 1.0)
    everything = slice(None), slice(0, 3), slice(0, 5)
    np.testing.assert_array_equal(picture.image[everything], image[2])
    np.testing.assert_array_equal(picture.mask[everything[1:]], mask[2])
    grey = plane_of(Picture(image[:, 0]), 3, (2, slice(0, 3), slice(0, 5)))
    np.testing.assert_array_equal(grey.image[everything[1:]], image[2, 0])

"""A few parts stand for an image that does not fit into memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_coarse_crf import InputError
from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.running.sample import sample_boxes


def test_a_small_image_stands_for_itself() -> None:
    image, labels = np.arange(60, dtype=np.uint8).reshape(6, 10), np.eye(6, 10, dtype=np.uint8)
    labels[0, 5] = 2
    ((picture, found),) = sample_boxes(Picture(image), labels, ())
    np.testing.assert_array_equal(found, labels)
    np.testing.assert_array_equal(picture.image[..., 0], image)


def test_parts_with_two_labels_are_found_wherever_they_are_and_scaled_as_the_whole() -> None:
    image = np.zeros((9000, 3000), np.uint16)
    image[4500:] = np.arange(4500)[:, np.newaxis]
    labels = np.zeros(image.shape, np.uint8)
    labels[8000, 2500], labels[8001, 2400] = 1, 2
    labels[100, 100] = 3  # alone in its part
    ((picture, found),) = sample_boxes(Picture(image), labels, ())
    assert set(np.unique(found)) == {0, 1, 2}
    assert found.size < 2**21
    low, high = np.broadcast_to(picture.contrast_limits, (1, 2))[0]
    assert (low, high) == (0, pytest.approx(4490, abs=100))


def test_frames_are_parts_of_their_own() -> None:
    labels = np.zeros((3, 20, 20), np.uint8)
    labels[1:, 0, 0], labels[2, 9, 9] = 1, 2
    image: Any = np.random.default_rng(0).integers(0, 255, labels.shape, np.uint8)
    ((picture, found),) = sample_boxes(Picture(image), labels, (0,))
    np.testing.assert_array_equal(found, labels[2])
    np.testing.assert_array_equal(picture.image[..., 0], image[2])


def test_no_part_with_two_labels_is_said() -> None:
    with pytest.raises(InputError, match=r"No part of .* holds two labels"):
        sample_boxes(Picture(np.zeros((8, 9), np.uint8)), np.eye(8, 9, dtype=np.uint8), ())

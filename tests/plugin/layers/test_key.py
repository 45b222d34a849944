"""Whether two inputs are the same, by content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.plugin.layers.key import Key, key_of_whole

if TYPE_CHECKING:
    from numpy.typing import NDArray


def test_copies_have_the_key_of_their_original(image: NDArray[Any], labels: NDArray[Any]) -> None:
    mask = labels == 0
    first = Key.of(Picture(image, mask, spacing=(1, 2), contrast_limits=(0, 9)), labels)
    fortran = np.asfortranarray(image)
    assert Key.of(Picture(fortran, mask.copy(), spacing=(1, 2), contrast_limits=(0, 9)), labels.copy()) == first


@pytest.mark.parametrize("dtype", [">u2", np.float16, np.bool_, np.int64])
def test_arrays_of_any_type_have_a_key(dtype: Any, labels: NDArray[Any]) -> None:
    image = np.arange(2400).reshape(40, 60).astype(dtype)
    other = image.copy()
    other[5, 6] = not other[5, 6] if dtype is np.bool_ else 3
    assert Key.of(Picture(image), labels).picture != Key.of(Picture(other), labels).picture


@pytest.mark.parametrize("change", ["flipped", "reshaped", "type", "mask", "spacing", "limits", "by channel"])
def test_what_changes_the_result_changes_the_picture(image: NDArray[Any], labels: NDArray[Any], change: str) -> None:
    first = Key.of(Picture(image), labels)
    others = {
        "flipped": Picture(image[:, ::-1]),
        "reshaped": Picture(image.reshape(60, 40, 3)),
        "type": Picture(image.view(np.int8)),
        "mask": Picture(image, labels == 0),
        "spacing": Picture(image, spacing=(1, 2)),
        "limits": Picture(image, contrast_limits=(0, 9)),
        "by channel": Picture(image, by_channel=True),
    }
    other = Key.of(others[change], labels)
    assert other.picture != first.picture
    assert other.labels == first.labels


def test_a_stroke_changes_the_labels_only(image: NDArray[Any], labels: NDArray[Any]) -> None:
    painted = labels.copy()
    painted[3, 4] = 9
    first, second = (Key.of(Picture(image), each) for each in (labels, painted))
    assert second.labels != first.labels
    assert second.picture == first.picture


def test_the_labels_of_a_whole_are_told_by_what_its_planes_hold_and_where(labels: NDArray[Any]) -> None:
    stack = np.stack([np.zeros_like(labels), labels, np.zeros_like(labels)])
    others = [stack[..., ::-1], stack[[1, 0, 2]], stack[:2], stack.astype(np.int64), np.zeros_like(stack)]
    assert key_of_whole(stack) == key_of_whole(stack.copy())
    assert all(key_of_whole(stack) != key_of_whole(other) for other in others)
    assert key_of_whole(labels) == key_of_whole(labels.copy()) != key_of_whole(labels[:, ::-1])

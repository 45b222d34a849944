"""Keeping the Refiner of the last run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_coarse_crf import InputError, Refiner, refine_labels
from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.plugin.jobs.refiner_cache import RefinerCache
from napari_coarse_crf.plugin.layers.key import Key

if TYPE_CHECKING:
    from numpy.typing import NDArray


def get(cache: RefinerCache, picture: Picture, labels: NDArray[Any], step: int = 1) -> Refiner:
    return cache.get(picture, labels, Key.of(picture, labels), step)


def test_the_same_arrays_give_the_same_refiner_and_painting_keeps_it(image: NDArray[Any], labels: NDArray[Any]) -> None:
    cache = RefinerCache()
    first = get(cache, Picture(image, spacing=(1, 1)), labels)
    again = Picture(image.copy(), spacing=(1, 1))
    assert get(cache, again, labels.copy()) is first
    painted = labels.copy()
    painted[2, :9] = 9
    assert get(cache, again, painted) is first
    np.testing.assert_array_equal(first.run().labels, refine_labels(image, painted))


@pytest.mark.parametrize("change", ["image in place", "mask", "spacing", "contrast limits", "step", "cleared"])
def test_what_the_kernels_depend_on_makes_a_new_one(image: NDArray[Any], labels: NDArray[Any], change: str) -> None:
    cache = RefinerCache()
    image = image.astype(np.float32)
    mask, spacing, limits, step = np.ones((40, 60), bool), (1, 1), (0, 255), 1
    first = get(cache, Picture(image, mask, spacing=spacing, contrast_limits=limits), labels)
    if change == "image in place":
        image[5, 5] = 0
    elif change == "mask":
        mask[0] = False
    elif change == "spacing":
        spacing = (1, 2)
    elif change == "contrast limits":
        limits = (0, 200)
    elif change == "step":
        step = 2
    else:
        cache.clear()
    second = get(cache, Picture(image, mask, spacing=spacing, contrast_limits=limits), labels, step)
    assert second is not first
    wanted = refine_labels(image, labels, mask=mask, spacing=spacing, contrast_limits=limits)
    np.testing.assert_array_equal(second.run().labels, wanted)


def test_labels_that_cannot_be_used_leave_it_as_it_was(image: NDArray[Any], labels: NDArray[Any]) -> None:
    cache, picture = RefinerCache(), Picture(image)
    first = get(cache, picture, labels)
    with pytest.raises(InputError, match="only one label"):
        get(cache, picture, np.minimum(labels, 3))
    assert get(cache, picture, labels) is first
    np.testing.assert_array_equal(first.run().labels, refine_labels(image, labels))

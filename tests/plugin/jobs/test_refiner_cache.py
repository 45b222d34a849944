"""Keeping the Refiner of the last run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_coarse_crf import InputError, refine_labels
from napari_coarse_crf.plugin.jobs.refiner_cache import RefinerCache

if TYPE_CHECKING:
    from numpy.typing import NDArray


def test_the_same_arrays_give_the_same_refiner_and_painting_keeps_it(image: NDArray[Any], labels: NDArray[Any]) -> None:
    cache = RefinerCache()
    first = cache.get(image, labels, None, spacing=(1, 1))
    assert cache.get(image.copy(), labels.copy(), None, spacing=(1, 1)) is first
    painted = labels.copy()
    painted[2, :9] = 9
    assert cache.get(image, painted, None, spacing=(1, 1)) is first
    np.testing.assert_array_equal(first.run().labels, refine_labels(image, painted))


@pytest.mark.parametrize("change", ["image in place", "mask", "spacing", "cleared"])
def test_what_the_kernels_depend_on_makes_a_new_one(image: NDArray[Any], labels: NDArray[Any], change: str) -> None:
    cache = RefinerCache()
    mask, spacing = np.ones((40, 60), bool), (1, 1)
    first = cache.get(image, labels, mask, spacing=spacing)
    if change == "image in place":
        image[5, 5] = 0
    elif change == "mask":
        mask[0] = False
    elif change == "spacing":
        spacing = (1, 2)
    else:
        cache.clear()
    second = cache.get(image, labels, mask, spacing=spacing)
    assert second is not first
    np.testing.assert_array_equal(second.run().labels, refine_labels(image, labels, mask=mask, spacing=spacing))


def test_labels_that_cannot_be_used_leave_it_as_it_was(image: NDArray[Any], labels: NDArray[Any]) -> None:
    cache = RefinerCache()
    first = cache.get(image, labels, None)
    with pytest.raises(InputError, match="only one label"):
        cache.get(image, np.minimum(labels, 3), None)
    assert cache.get(image, labels, None) is first
    np.testing.assert_array_equal(first.run().labels, refine_labels(image, labels))

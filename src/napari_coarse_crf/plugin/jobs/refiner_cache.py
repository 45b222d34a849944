"""The Refiner of the last run, kept so that the next one computes only what changed.

What is the same is told by the content of the arrays, not by the layers: a script may write into a layer's array
without anybody hearing of it.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf import Refiner

if TYPE_CHECKING:
    from numpy.typing import NDArray


class RefinerCache:
    """Holds one Refiner. Only one job at a time may use it, in whichever thread."""

    def __init__(self) -> None:
        self._refiner: Refiner | None = None
        self._image_key: object = None
        self._labels_key: object = None

    def get(self, image: NDArray[Any], labels: NDArray[Any], mask: NDArray[Any] | None, **keywords: Any) -> Refiner:
        """Return a Refiner of these arrays: the one of the last call where image and mask are the same.

        Raises
        ------
        InputError
            If the arrays cannot be used; what was kept stays usable.
        """
        image_key = _digest(image), None if mask is None else _digest(mask), labels.shape, sorted(keywords.items())
        labels_key = _digest(labels)
        if self._refiner is None or image_key != self._image_key:
            self.clear()  # frees its memory before the new one is made
            self._refiner = Refiner(image, labels, mask=mask, **keywords)
            self._image_key = image_key
        elif labels_key != self._labels_key:
            self._refiner.update_labels(labels)
        self._labels_key = labels_key
        return self._refiner

    def clear(self) -> None:
        """Forget the Refiner."""
        self._refiner = self._image_key = self._labels_key = None


def _digest(array: NDArray[Any]) -> tuple[bytes, str, tuple[int, ...]]:
    content = np.ascontiguousarray(array)
    # As bytes: memoryviews know neither big-endian numbers nor float16.
    as_bytes = content.reshape(-1).view(np.uint8).data
    return blake2b(as_bytes, digest_size=16).digest(), content.dtype.str, content.shape

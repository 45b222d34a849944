"""The Refiner of the last run, kept so that the next one computes only what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_coarse_crf import Refiner

if TYPE_CHECKING:
    from napari_coarse_crf.compute.arrays import LabelArray
    from napari_coarse_crf.inputs import Picture
    from napari_coarse_crf.plugin.layers.key import Key


class RefinerCache:
    """Holds one Refiner. Only one job at a time may use it, in whichever thread."""

    def __init__(self) -> None:
        self._refiner: Refiner | None = None
        self._key: Key | None = None
        self._step = 1

    def get(self, picture: Picture, labels: LabelArray, key: Key, step: int = 1) -> Refiner:
        """Return a Refiner of these arrays: the one of the last call where the picture is the same.

        Parameters
        ----------
        picture : Picture
            The image, perhaps at reduced size.
        labels : array of int
            The coarse labels, at the same size.
        key : Key
            Of what both were before they were reduced.
        step : int, optional
            By how much they were reduced.

        Raises
        ------
        InputError
            If the arrays cannot be used; what was kept stays usable.
        """
        if self._refiner is None or self._key is None or (key.picture, step) != (self._key.picture, self._step):
            self.clear()  # frees its memory before the new one is made
            self._refiner = Refiner.of(picture, labels)
        elif key.labels != self._key.labels:
            self._refiner.update_labels(labels)
        self._key, self._step = key, step
        return self._refiner

    def clear(self) -> None:
        """Forget the Refiner."""
        self._refiner = self._key = None

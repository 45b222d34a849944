"""What the table is counted from, read from layers at once: they may change while it is counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.plugin.layers.read import Excerpt
from napari_coarse_crf.plugin.layers.record import recall
from napari_coarse_crf.plugin.layers.store import boxes_of, store_of
from napari_coarse_crf.plugin.result.compared import labels_on
from napari_coarse_crf.plugin.result.numbers import compare_labels, compare_parts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.layers import Labels
    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import LabelArray
    from napari_coarse_crf.plugin.layers.record import Record
    from napari_coarse_crf.plugin.result.numbers import Comparison
    from napari_coarse_crf.tiles.source import Box


@dataclass(frozen=True, slots=True, eq=False)
class Measuring:
    """Labels to compare, as they are now.

    Attributes
    ----------
    coarse, refined : array
        Copies, or lazy.
    truth : array or None
        Likewise; None where there is none.
    record : Record or None
        What is known of the refined labels.
    class_names : mapping of int to str
        What the ids stand for, where the layers say it.
    is_large : bool
        Whether they are looked at piece by piece, as they were refined.
    """

    coarse: Any
    refined: Any
    truth: Any
    record: Record | None
    class_names: Mapping[int, str]
    is_large: bool

    @classmethod
    def prepare(
        cls, coarse: Labels, refined: Labels, truth: Labels | None, class_names: Mapping[int, str]
    ) -> Measuring:
        """Read the layers, on the main thread."""
        return cls(
            labels_now(coarse, refined),
            labels_now(refined, refined),
            None if truth is None else labels_now(truth, refined),
            recall(refined),
            class_names,
            store_of(refined) is not None,
        )

    def measure(self) -> Comparison:
        """Count and score. Call it off the main thread."""
        if self.is_large:
            return compare_parts((self._part(box) for box in boxes_of(self.refined.shape)), self.class_names)
        coarse, refined = np.asarray(self.coarse), np.asarray(self.refined)
        truth = None if self.truth is None else np.asarray(self.truth)
        sure = None if self.record is None else confidence_of(refined, self.record)
        return compare_labels(coarse, refined, sure, truth, self.class_names)

    def _part(self, box: Box) -> tuple[LabelArray, LabelArray, LabelArray | None]:
        truth = None if self.truth is None else np.asarray(self.truth[box])
        return np.asarray(self.coarse[box]), np.asarray(self.refined[box]), truth


def confidence_of(refined: NDArray[Any], record: Record) -> NDArray[np.float32]:
    """Return the confidence of refined labels, NaN where they were painted on since the run."""
    return np.where(refined == record.labels, record.confidence, np.float32(np.nan))


def labels_now(layer: Labels, refined: Labels) -> Any:
    """Return labels as they are now, at the pixels of the refined ones, on the main thread; lazy ones stay lazy."""
    labels = labels_on(layer, refined)
    return Excerpt.of(labels, (slice(None),) * labels.ndim).data

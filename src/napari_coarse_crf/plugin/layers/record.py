"""What a job found beyond the labels, kept as long as the layer it added.

A layer's metadata stays JSON-like, so the confidence and what the heatmap is made of are held here instead: by weak
reference, so that deleting the layer frees them. They are gone after a restart, unlike the metadata.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from napari_coarse_crf import InputError, Refiner
from napari_coarse_crf.plugin.layers.provenance import provenance, set_provenance
from napari_coarse_crf.tiles.parts import has_two_labels

if TYPE_CHECKING:
    from napari.layers import Labels

    from napari_coarse_crf import Parameters, Refinement
    from napari_coarse_crf.compute.arrays import FloatArray, LabelArray
    from napari_coarse_crf.plugin.layers.read import Inputs


@dataclass(slots=True, eq=False)
class Record:
    """What is known about a refined layer of this session.

    Attributes
    ----------
    labels, confidence : ndarray
        As the run returned them; the layer itself may have been painted on since.
    parameters : Parameters
        Those of the run.
    inputs : Inputs
        What the run read.
    min_confidence : float
        The confidence below which the layer is left unlabelled now.
    """

    labels: LabelArray
    confidence: FloatArray
    parameters: Parameters
    inputs: Inputs
    min_confidence: float

    def labels_above(self, min_confidence: float) -> LabelArray:
        """Return what a run with this `min_confidence` would have returned; not less than the run itself had."""
        unsure = (self.confidence < min_confidence) & (np.asarray(self.inputs.labels) == 0)
        return np.where(unsure, 0, self.labels).astype(self.labels.dtype, copy=False)

    def heatmap(self, label_id: int) -> FloatArray:
        """Return the label heatmap of one label, 0 where pixels took no part.

        Takes seconds for a large image: call it off the main thread.

        Raises
        ------
        InputError
            If the label is not among the coarse labels that were refined.
        """
        heatmap, found = np.zeros(self.labels.shape, np.float32), False
        for part in self.inputs.parts():
            image, labels, mask = self.inputs.load(part)
            if not has_two_labels(labels, mask):
                continue  # the run left this slice as it is
            spacing, limits = self.inputs.spacing_of(part), self.inputs.contrast_limits
            refiner = Refiner(image, labels, mask=mask, spacing=spacing, contrast_limits=limits)
            (places,) = np.nonzero(refiner.label_ids == label_id)
            if len(places):
                heatmap[part], found = refiner.heatmap(self.parameters)[places[0]], True
        if not found:
            raise InputError(
                f"Label {label_id} was not among the coarse labels, so it has no heatmap. Click another row."
            )
        return heatmap


_records: WeakKeyDictionary[Labels, Record] = WeakKeyDictionary()


def remember(layer: Labels, refinement: Refinement, inputs: Inputs) -> None:
    """Keep what is known about `layer` until it is deleted."""
    parameters = refinement.parameters
    # The layer shares its array with the refinement, and a person may paint on it.
    labels = refinement.labels.copy()
    _records[layer] = Record(labels, refinement.confidence, parameters, inputs, parameters.min_confidence)


def recall(layer: Labels | None) -> Record | None:
    """Return what is known about `layer`; None if no run of this session made it, or it was replaced since."""
    record = None if layer is None else _records.get(layer)
    return record if record is not None and layer is not None and _fits(layer, record) else None


def cut_below(layer: Labels, min_confidence: float) -> None:
    """Leave the pixels of `layer` unlabelled that are less sure than `min_confidence`, without another run.

    Works both ways: what was cut away comes back when the number falls. Pixels that a person painted on the refined
    layer stay as they are.
    """
    record = recall(layer)
    if record is None:
        return
    before, after = record.labels_above(record.min_confidence), record.labels_above(min_confidence)
    layer.data = np.where(layer.data == before, after, layer.data)
    record.min_confidence = min_confidence
    _note(layer, record.parameters.replace(min_confidence=min_confidence))


def _note(layer: Labels, parameters: Parameters) -> None:
    """Say in the metadata what the layer shows now, as if a run had made it."""
    about = provenance(layer)
    counts = about.get("label_counts", {})
    about["parameters"] = parameters.to_dict()
    about["label_counts"] = {i: (before, int(np.count_nonzero(layer.data == i))) for i, (before, _) in counts.items()}
    set_provenance(layer, about)


def _fits(layer: Labels, record: Record) -> bool:
    return not layer.multiscale and tuple(layer.data.shape) == record.labels.shape

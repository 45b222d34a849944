"""What is known of a refined layer beyond its labels, kept as long as the layer.

A layer's metadata stays JSON-like, so the confidence and what the heatmap is made of are held here instead: by weak
reference, so that deleting the layer frees them. They are gone after a restart, unlike the metadata.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, ref

import numpy as np

from napari_coarse_crf import InputError, Refiner
from napari_coarse_crf.plugin.layers.provenance import describe_parameters, provenance, set_provenance
from napari_coarse_crf.tiles.parts import copy_labels, has_two_labels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.layers import Labels, Layer

    from napari_coarse_crf import Parameters, Refinement
    from napari_coarse_crf.compute.arrays import FloatArray, LabelArray, MaskArray
    from napari_coarse_crf.plugin.layers.read import Inputs
    from napari_coarse_crf.tiles.parts import Part

_PERCENT = 100


@dataclass(frozen=True, slots=True, eq=False)
class MadeBy:
    """One run that a layer was made by.

    Attributes
    ----------
    parameters : Parameters
        Those of the run.
    inputs : Inputs
        What the run read.
    label_counts : mapping
        Pixels of each label before and after.
    """

    parameters: Parameters
    inputs: Inputs
    label_counts: Mapping[int, tuple[int, int]]

    @property
    def parts(self) -> list[Part]:
        """What was refined."""
        return self.inputs.parts()


@dataclass(slots=True, eq=False, weakref_slot=True)
class Record:
    """What is known of a refined layer of this session.

    Attributes
    ----------
    labels, confidence : ndarray
        As the runs returned them; the layer itself may have been painted on since.
    runs : tuple of MadeBy
        One, or one for each slice that was refined into this layer; the newest is the last.
    min_confidence : float
        The confidence below which the layer is left unlabelled now.
    percent : int
        How many per cent of what the runs filled are to be left unlabelled so.
    """

    labels: LabelArray
    confidence: FloatArray
    runs: tuple[MadeBy, ...]
    min_confidence: float
    percent: int = 0
    _limits: FloatArray | None = None

    @classmethod
    def of(cls, refinement: Refinement, inputs: Inputs) -> Record:
        """Return the record of a refinement; its labels are copied, as a person may paint on the layer."""
        run = MadeBy(refinement.parameters, inputs, refinement.label_counts)
        labels = copy_labels(refinement.labels)
        return cls(labels, refinement.confidence, (run,), refinement.parameters.min_confidence)

    @property
    def parameters(self) -> Parameters:
        """Those of the newest run."""
        return self.runs[-1].parameters

    @property
    def inputs(self) -> Inputs:
        """What the newest run read."""
        return self.runs[-1].inputs

    @property
    def filled(self) -> int:
        """How many pixels the runs gave a label."""
        return sum(after - before for run in self.runs for before, after in run.label_counts.values())

    @property
    def lowest_cut(self) -> float:
        """The lowest `min_confidence` of the runs: what they left unlabelled themselves is not known any more."""
        return min(run.parameters.min_confidence for run in self.runs)

    def parts(self) -> list[tuple[MadeBy, Part]]:
        """Return what was refined, and by which run."""
        return [(run, part) for run in self.runs for part in run.parts]

    def labels_above(self, min_confidence: float, part: Part, run: MadeBy) -> LabelArray:
        """Return what a run with this `min_confidence` would have returned; not less than the run itself had."""
        unsure, labels = self.confidence[part] < min_confidence, self.labels[part]
        return np.where(unsure & _may_be_cut(part, run), 0, labels).astype(labels.dtype, copy=False)

    def without_cut(self, shown: LabelArray, part: Part, run: MadeBy) -> LabelArray:
        """Return what a part of the layer would show if nothing had been cut by hand."""
        is_as_cut = shown == self.labels_above(self.min_confidence, part, run)
        return np.where(is_as_cut, self.labels[part], shown).astype(shown.dtype, copy=False)

    def limit_of(self, percent: int) -> float:
        """Return the confidence below which the least sure of the filled pixels lie, so many per cent of them.

        Fewer where many are equally sure. For 0 it is what the runs themselves had, for 100 it is 1.
        """
        if percent == 0:
            return self.lowest_cut
        if self._limits is None:
            self._limits = self._find_limits()
        return float(self._limits[percent])

    def take_over(self, other: Record, runs: tuple[MadeBy, ...]) -> None:
        """Hold what these runs of another record have refined, too."""
        for run in runs:
            for part in run.parts:
                self.labels[part], self.confidence[part] = other.labels[part], other.confidence[part]
        self._limits = None

    def _find_limits(self) -> FloatArray:
        """Return the limits of 0 to 100 per cent. The person's own labels, certain, come after all that is less."""
        labelled = [
            self.confidence[part][(self.labels[part] != 0) & _may_be_cut(part, run)] for run, part in self.parts()
        ]
        confidence = np.append(np.concatenate(labelled), np.float32(1.0))
        places = np.round(np.linspace(0, self.filled, _PERCENT + 1)).astype(np.intp).clip(max=len(confidence) - 1)
        limits: FloatArray = np.partition(confidence, np.unique(places))[places]
        return limits

    def heatmap(self, label_id: int) -> FloatArray:
        """Return the label heatmap of one label, 0 where pixels took no part.

        Takes seconds for a large image: call it off the main thread.

        Raises
        ------
        InputError
            If the label is not among the coarse labels that were refined.
        """
        heatmap, found = np.zeros(self.labels.shape, np.float32), False
        for run, part in self.parts():
            picture, labels = run.inputs.load(part)
            if not has_two_labels(labels, picture.mask):
                continue  # the run left this slice as it is
            refiner = Refiner.of(picture, labels)
            (places,) = np.nonzero(refiner.label_ids == label_id)
            if len(places):
                heatmap[part], found = refiner.heatmap(run.parameters)[places[0]], True
        if not found:
            raise InputError(
                f"Label {label_id} was not among the coarse labels, so it has no heatmap. Click another row."
            )
        return heatmap


_records: WeakKeyDictionary[Labels, Record] = WeakKeyDictionary()
_sources: WeakKeyDictionary[Labels, ref[Layer]] = WeakKeyDictionary()


def remember(layer: Labels, record: Record, source: Layer) -> None:
    """Keep what is known about `layer`, and which labels it was made of, until it is deleted."""
    _records[layer] = record
    remember_source(layer, source)


def remember_source(layer: Labels, source: Layer) -> None:
    """Keep which labels `layer` was made of, until it is deleted."""
    _sources[layer] = ref(source)


def source_of(layer: Labels) -> Layer | None:
    """Return the labels that a run of this session made a layer of, whatever they are called now."""
    found = _sources.get(layer)
    return None if found is None else found()


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
    gained: Counter[int] = Counter()
    for run, part in record.parts():
        shown = layer.data[part]
        before, after = (record.labels_above(limit, part, run) for limit in (record.min_confidence, min_confidence))
        moved = (before != after) & (shown == before)
        layer.data[part] = np.where(moved, after, shown)
        gained.update(_sizes(after[moved]))
        gained.subtract(_sizes(before[moved]))
    layer.data = layer.data  # shows it, and tells whoever listens
    record.min_confidence = min_confidence
    _note(layer, record.parameters.replace(min_confidence=min_confidence), gained)


def cut_least_sure(layer: Labels, percent: int) -> None:
    """Leave the least sure of the pixels unlabelled that the run filled, so many per cent of them, as `cut_below`.

    What the metadata say is the confidence below which they lie: a run with this `min_confidence` gives the same.
    """
    record = recall(layer)
    if record is not None:
        cut_below(layer, record.limit_of(percent))
        record.percent = percent


def _may_be_cut(part: Part, run: MadeBy) -> MaskArray | bool:
    """Return which pixels are not the person's own, as far as their confidence does not tell."""
    if run.parameters.label_confidence == 1:  # theirs are certain, and lazy ones need not be read
        return True
    own: MaskArray = run.inputs.load_labels(part) != 0
    return ~own


def _sizes(labels: LabelArray) -> dict[int, int]:
    """Return how many pixels each label has."""
    ids, sizes = np.unique(labels, return_counts=True)
    return dict(zip(ids.tolist(), sizes.tolist(), strict=True))


def _note(layer: Labels, parameters: Parameters, gained: Counter[int]) -> None:
    """Say in the metadata what the layer shows now, as if a run had made it."""
    about = provenance(layer)
    about |= describe_parameters(parameters)
    counts = about.get("label_counts", {})
    about["label_counts"] = {i: (before, after + gained[i]) for i, (before, after) in counts.items()}
    set_provenance(layer, about)


def _fits(layer: Labels, record: Record) -> bool:
    return not layer.multiscale and tuple(layer.data.shape) == record.labels.shape

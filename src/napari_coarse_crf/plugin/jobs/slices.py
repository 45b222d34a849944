"""One layer for many slices: a run of the current slice, or a preview of it that is kept, goes on from the last one.

So stepping through a stack leaves one layer with all slices that were refined. A slice that is refined again is to be
compared with what it was, so that begins a new layer, with the other slices of the old one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
from napari.layers import Labels

from napari_coarse_crf.plugin.layers.look import place_of, same_place
from napari_coarse_crf.plugin.layers.newest import show_alone
from napari_coarse_crf.plugin.layers.provenance import is_result, provenance, set_provenance, source_name
from napari_coarse_crf.plugin.layers.record import Record, cut_below, recall
from napari_coarse_crf.tiles.parts import sum_counts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import napari
    from napari.layers import Layer

    from napari_coarse_crf.plugin.jobs.job import Job
    from napari_coarse_crf.plugin.jobs.outcome import Outcome
    from napari_coarse_crf.tiles.parts import Scope

EARLIER = "earlier_runs"
"""Under which the metadata of a layer of several runs say what the earlier ones were."""


class SliceBySlice:
    """Adds results to a viewer; those of one slice after another in one layer.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where the layers are.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        self._layer: Callable[[], Labels | None] = _none
        self._source: Callable[[], Layer | None] = _none

    def add(self, job: Job, outcome: Outcome) -> Labels:
        """Show a result in a new layer, or in the one that it goes on with, and return that."""
        last, record = self._last(job)
        if last is not None and record is not None and _is_next(job, record):
            layer = last
            self._go_on(layer, record, job, outcome, job.describe(outcome))
        else:
            last = last or self._restored(job)
            layer = job.add_layer(self._viewer, outcome)
            if last is not None:
                _begin_with(layer, last, record)
        self._layer, self._source = ref(layer), ref(job.source)
        return layer

    def gather(self, layer: Labels, job: Job, outcome: Outcome) -> Labels:
        """Take a layer that Live has shown, and that is kept, into the one that it goes on with, and return that."""
        last, record = self._last(job)
        if last is not None and record is not None and _is_next(job, record):
            self._viewer.layers.remove(layer)
            self._go_on(last, record, job, outcome, provenance(layer))
            layer = last
        elif (last := last or self._restored(job)) is not None:
            _begin_with(layer, last, record)
        self._layer, self._source = ref(layer), ref(job.source)
        return layer

    def _last(self, job: Job) -> tuple[Labels | None, Record | None]:
        """Return the layer that a result of one slice goes on from, and what is known of it, or None."""
        layer, record = self._layer(), recall(self._layer())
        if layer is None or record is None or layer not in self._viewer.layers or self._source() is not job.source:
            return None, None
        scope, before = job.inputs.scope, record.inputs
        is_next = scope.index is not None and _any_slice(scope) == _any_slice(before.scope)
        same_image = before.image.data is job.inputs.image.data and before.shape == job.inputs.shape
        fits = layer.data.dtype == job.inputs.all_labels.dtype and same_place(place_of(layer), job.look.place)
        return (layer, record) if is_next and same_image and fits else (None, None)

    def _restored(self, job: Job) -> Labels | None:
        """Return the newest result of another session that slices are to be added to, or None."""
        if job.inputs.scope.index is None or job.inputs.scope.box is not None:
            return None
        found = [
            layer
            for layer in self._viewer.layers
            if isinstance(layer, Labels)
            and is_result(layer)
            and recall(layer) is None
            and source_name(layer) == job.source.name
            and not layer.multiscale
            and layer.data.shape == job.inputs.shape
            and same_place(place_of(layer), job.look.place)
            and np.can_cast(layer.data.dtype, job.inputs.all_labels.dtype, "safe")
        ]
        seen = [layer for layer in found if layer.visible]
        return next(reversed(seen or found), None)

    def _go_on(self, layer: Labels, record: Record, job: Job, outcome: Outcome, about: Mapping[str, Any]) -> None:
        """Take the new slice into the layer."""
        newer = Record.of(outcome.refinement, job.inputs)
        percent, limit = record.percent, record.min_confidence
        is_cut = limit > record.lowest_cut
        if is_cut:
            cut_below(layer, record.lowest_cut)
        for run, part in newer.parts():
            layer.data[part] = newer.labels_above(newer.min_confidence, part, run)
        record.take_over(newer, newer.runs)
        record.runs = (*record.runs, *newer.runs)
        record.min_confidence = record.lowest_cut
        layer.data = layer.data  # shows it, and tells whoever listens
        _tell(layer, about, provenance(layer), (run.label_counts for run in record.runs))
        if is_cut:  # by hand: a cut is one of the whole layer
            cut_below(layer, record.limit_of(percent) if percent else max(limit, record.lowest_cut))
        show_alone(self._viewer, layer)


def _is_next(job: Job, record: Record) -> bool:
    """Whether the slice of a job is none that was refined before."""
    return all(run.inputs.scope.index != job.inputs.scope.index for run in record.runs)


def was_refined(layer: Labels, axis: int, index: int) -> bool:
    """Whether a slice of a result was refined, as its metadata say."""
    about = provenance(layer)
    scopes = [run.get("scope") or {} for run in (about, *about.get(EARLIER, []))]
    along = [(scope.get("slice_axis"), scope.get("index")) for scope in scopes]
    return any(one is None or (one == axis and at in (index, None)) for one, at in along)


def _begin_with(layer: Labels, last: Labels, before: Record | None) -> None:
    """Take the other slices of the last layer into a new one, uncut, with what a person has painted on them.

    Of slices that another session has refined, no more is known than their labels.
    """
    record = recall(layer)
    assert record is not None  # noqa: S101  # a run has just made it
    axis, index = record.inputs.scope.slice_axis, record.inputs.scope.index
    assert axis is not None  # noqa: S101  # it was one of a slice
    kept = () if before is None else tuple(run for run in before.runs if run.inputs.scope.index != index)
    known = {run.inputs.scope.index for run in kept}
    for other in set(range(last.data.shape[axis])) - known - {index}:
        if was_refined(last, axis, other):
            place = (slice(None),) * axis + (other,)
            layer.data[place] = last.data[place]
    for run in kept:
        for part in run.parts:
            assert before is not None  # noqa: S101
            layer.data[part] = before.without_cut(last.data[part], part, run)
    if before is not None:
        record.take_over(before, kept)
    record.runs = (*kept, *record.runs)
    record.min_confidence = record.lowest_cut
    layer.data = layer.data
    _tell(layer, provenance(layer), provenance(last), (run.label_counts for run in record.runs))


def _tell(
    layer: Labels,
    about: Mapping[str, Any],
    before: Mapping[str, Any],
    counts: Iterable[Mapping[int, tuple[int, int]]],
) -> None:
    """Say in the metadata what the newest run was, and the earlier ones."""
    earlier = [*before.get(EARLIER, []), {name: value for name, value in before.items() if name != EARLIER}]
    scopes = [about.get("scope"), *(one.get("scope") for one in earlier)]
    earlier = [one for one, scope in zip(earlier, scopes[1:], strict=True) if scope != scopes[0]]
    set_provenance(layer, {**about, "label_counts": sum_counts(counts), EARLIER: earlier})


def _any_slice(scope: Scope) -> Scope:
    """Return a scope without what tells one slice from another."""
    return replace(scope, index=None, box=None)


def _none() -> None:
    """Stand in for a layer that there is none of."""

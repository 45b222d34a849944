"""The one layer that Live shows its results in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary, ref

from napari_coarse_crf.plugin.layers.look import add_result, move_to, renewed
from napari_coarse_crf.plugin.layers.newest import show_alone, was_hidden_for_another
from napari_coarse_crf.plugin.layers.provenance import provenance, set_provenance
from napari_coarse_crf.plugin.layers.record import Record, remember

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import napari
    from napari.layers import Labels, Layer

    from napari_coarse_crf.plugin.jobs.job import Job
    from napari_coarse_crf.plugin.jobs.outcome import Outcome

    Kept = tuple[Labels, Job, Outcome]

_ONLY_PREVIEW: Final = ("preview", "step")
"""What the metadata of a preview say besides."""


class PreviewLayer:
    """The layer that Live shows its results in. It belongs to the viewer: a person may delete it at any time.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where it is shown.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        self._layer: Callable[[], Labels | None] = _none
        self._source: Callable[[], Layer | None] = _none
        # What a kept layer remembers; it goes with the layer.
        self._full: WeakKeyDictionary[Labels, tuple[Job, Outcome]] = WeakKeyDictionary()

    @property
    def layer(self) -> Labels | None:
        """The layer, as long as it is in the viewer."""
        layer = self._layer()
        return layer if layer is not None and layer in self._viewer.layers else None

    def show(self, job: Job, outcome: Outcome, *, full: bool) -> Labels:
        """Show a result: in the same layer, as long as it is about the same labels."""
        about = {**job.describe(outcome), "preview": True, "step": job.step}
        labels, layer, look = outcome.refinement.labels, self.layer, renewed(job.look, job.source)
        if layer is None or self._source() is not job.source or layer.ndim != labels.ndim:
            self.remove()
            named = replace(look, name=f"{job.about['labels']} preview")
            layer = add_result(self._viewer, labels, named, about, job.source)
            self._layer, self._source = ref(layer), ref(job.source)
            show_alone(self._viewer, layer)
        else:
            layer.data = labels
            move_to(layer, look.place)
            if not layer.features.equals(features := look.keywords["features"]):  # the ids stand for other classes
                layer.features, layer.colormap = features, look.keywords["colormap"]
            set_provenance(layer, about)
            if was_hidden_for_another(layer):  # else a person has hidden it, or looks at another beside it
                show_alone(self._viewer, layer)
        layer.editable = False  # the next result would paint over; napari forgets this with every new array
        self._full.clear()
        if full:
            self._full[layer] = job, outcome
        return layer

    def keep(self, about: Mapping[str, Any]) -> Kept | None:
        """Make the layer one of its own, which the next result leaves alone; None if it shows no full result.

        Parameters
        ----------
        about : mapping
            What it was made of, under the names of now.
        """
        layer = self.layer
        if layer is None or layer not in self._full:
            return None
        job, outcome = self._full.pop(layer)
        self._layer = self._source = _none
        kept = {name: value for name, value in provenance(layer).items() if name not in _ONLY_PREVIEW}
        layer.name = f"{about['labels']} refined"
        set_provenance(layer, {**kept, **about})
        layer.editable = True
        remember(layer, Record.of(outcome.refinement, job.inputs), job.source)
        return layer, job, outcome

    @property
    def full(self) -> tuple[Layer, Labels, Record | None] | None:
        """Source, layer and record, where a full result is shown."""
        layer = self.layer
        if layer is None or layer not in self._full:
            return None
        job, outcome = self._full[layer]
        return job.source, layer, Record.of(outcome.refinement, job.inputs)

    def remove(self) -> None:
        """Take the layer away, if it is still there."""
        if self.layer is not None:
            self._viewer.layers.remove(self.layer)
        self._layer = self._source = _none


def _none() -> None:
    """Stand in for a layer that there is none of."""

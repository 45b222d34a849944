"""What a person has accepted of results: a layer that later runs keep as they keep strokes.

The person's own layer is never changed. Where both hold a label, the person's own counts. What was accepted is taken
back in steps; each remembers a bit for a pixel, where napari's own history would hold 32 bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary, ref

import numpy as np
from napari.layers import Labels

from napari_coarse_crf.plugin.layers.look import insert_unselected, place_of, read_look, same_place
from napari_coarse_crf.plugin.layers.provenance import KEY, is_result, provenance, source_name
from napari_coarse_crf.plugin.layers.record import recall, source_of

if TYPE_CHECKING:
    import napari
    from napari.layers import Layer
    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import LabelArray
    from napari_coarse_crf.plugin.layers.choice import Choice
    from napari_coarse_crf.plugin.layers.record import Record
    from napari_coarse_crf.tiles.parts import Part

_CONTOUR: Final = 2
"""As outlines: filled, it would mix its colours with those of the result above it."""


@dataclass(frozen=True, slots=True, eq=False)
class _Step:
    """What one part of the layer was before: a bit for each pixel that changed, and what those held that held any."""

    part: Part
    changed: NDArray[np.uint8]
    before: LabelArray

    @classmethod
    def of(cls, part: Part, changed: NDArray[np.bool_], before: LabelArray) -> _Step:
        held = before[changed]
        return cls(part, np.packbits(changed), held if held.any() else held[:0])

    def undo(self, data: LabelArray) -> None:
        shown = data[self.part].copy()
        changed = np.unpackbits(self.changed, count=shown.size).astype(bool).reshape(shown.shape)
        shown[changed] = self.before if len(self.before) else 0
        data[self.part] = shown


_sources: WeakKeyDictionary[Labels, ref[Layer]] = WeakKeyDictionary()
"""By accepted layer: whose labels they are, whatever these are called now."""
_commits: WeakKeyDictionary[Labels, list[list[_Step]]] = WeakKeyDictionary()


def find_accepted(viewer: napari.viewer.Viewer, source: Layer | None) -> Labels | None:
    """Return the layer of what was accepted for these labels, or None."""
    found = [layer for layer in viewer.layers if isinstance(layer, Labels) and _is_accepted_for(layer, source)]
    return found[-1] if found else None


def keeping_accepted(viewer: napari.viewer.Viewer, source: Layer | None, choice: Choice) -> Choice:
    """Return the choice with what was accepted for these labels."""
    return choice if choice.accepted is not None else replace(choice, accepted=find_accepted(viewer, source))


def find_result(viewer: napari.viewer.Viewer, result: Labels | None) -> tuple[Layer, Labels, Record | None] | None:
    """Return the labels that a result was made of, the result, and what is known of it; None if no result is seen."""
    if result is None or not is_result(result) or not result.visible:
        return None
    layers = [layer for layer in viewer.layers if layer is not result]
    sources = [layer for layer in layers if layer is source_of(result)]
    sources = sources or [layer for layer in layers if layer.name == source_name(result)]
    return (sources[-1], result, recall(result)) if sources else None


def seen_part(viewer: napari.viewer.Viewer, layer: Labels) -> Part:
    """Return the slice of a layer that is seen, as a part of it: all of it in 3-D."""
    dims, count = viewer.dims, layer.ndim
    places = np.rint(layer.world_to_data(dims.point[-count:])).astype(int)
    displayed = {axis - (dims.ndim - count) for axis in dims.displayed}
    return tuple(
        slice(0, size) if axis in displayed else min(max(int(place), 0), size - 1)
        for axis, (place, size) in enumerate(zip(places, layer.data.shape, strict=True))
    )


def accept(
    viewer: napari.viewer.Viewer, source: Layer, result: Labels, record: Record | None, seen: Part | None = None
) -> tuple[Labels, int]:
    """Accept what a run has refined: its pixels go into the layer of what was accepted, and stay in later runs.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where the layers are.
    source : napari.layers.Layer
        The person's labels, painted or drawn.
    result : napari.layers.Labels
        What was made of them.
    record : Record or None
        What of the layer was refined; all of it, where nobody knows.
    seen : tuple of int and slice, optional
        Accept no more than this.

    Returns
    -------
    layer : napari.layers.Labels
        The layer of what was accepted.
    count : int
        How many pixels of it have changed.
    """
    layer = find_accepted(viewer, source)
    if layer is None or layer.data.shape != result.data.shape or not same_place(place_of(layer), place_of(result)):
        layer = _new_layer(viewer, source, result)
    steps, count = [], 0
    for part, mask in _accepted_parts(result, record, seen):
        before, after = layer.data[part], np.asarray(result.data[part])
        changed = (after != 0) & (after != before)
        if mask is not None:
            changed &= mask
        if pixels := int(np.count_nonzero(changed)):
            steps.append(_Step.of(part, changed, before))
            layer.data[part] = np.where(changed, after, before)
            count += pixels
    if steps:
        _commits.setdefault(layer, []).append(steps)
    _show(layer)
    return layer, count


def can_be_taken_back(layer: Labels | None) -> bool:
    """Whether anything was accepted in this session that can be taken back."""
    return layer is not None and bool(_commits.get(layer))


def take_back(layer: Labels) -> None:
    """Make the layer what it was before the last acceptance; what else was painted on it since stays."""
    if can_be_taken_back(layer):
        for step in reversed(_commits[layer].pop()):
            step.undo(layer.data)
        _show(layer)


def _accepted_parts(
    result: Labels, record: Record | None, seen: Part | None
) -> list[tuple[Part, NDArray[np.bool_] | None]]:
    """Return what there is to accept, with the pixels that took part."""
    whole: Part = tuple(slice(0, size) for size in result.data.shape)
    if record is None:
        return [(seen or whole, None)]
    found = []
    for run, part in record.parts():
        inside = _common(part, seen or whole)
        if inside is not None:
            found.append((inside, run.inputs.mask(inside)))
    return found


def _common(part: Part, seen: Part) -> Part | None:
    """Return what two parts have in common, where `seen` takes all of an axis or one place of it; None if nothing."""
    found: list[Any] = []
    for one, other in zip(part, seen, strict=True):
        if isinstance(other, slice):
            found.append(one)
        elif one == other or (isinstance(one, slice) and one.start <= other < one.stop):
            found.append(other)
        else:
            return None
    return tuple(found)


def _new_layer(viewer: napari.viewer.Viewer, source: Layer, result: Labels) -> Labels:
    """Add an empty layer above the person's own."""
    look = read_look(source if isinstance(source, Labels) else result, place_of(result))
    about = {KEY: {"accepted_for": source.name}}
    empty = np.zeros(result.data.shape, result.data.dtype)
    layer = Labels(empty, name=f"{source.name} accepted", metadata=about, **look.place, **look.keywords)
    layer.contour = _CONTOUR
    _sources[layer] = ref(source)
    index = list(viewer.layers).index(source) + 1 if source in viewer.layers else len(viewer.layers)
    insert_unselected(viewer, index, layer)
    return layer


def _is_accepted_for(layer: Labels, source: Layer | None) -> bool:
    about = provenance(layer)
    if source is None or "accepted_for" not in about:
        return False
    known = _sources.get(layer)
    return known() is source if known else about["accepted_for"] == source.name


def _show(layer: Labels) -> None:
    layer.data = layer.data  # tells whoever listens, too

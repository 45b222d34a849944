"""What a person has accepted of results: a layer that later runs keep as they keep strokes.

The person's own layer is never changed. Where both hold a label, the person's own counts. What was accepted is taken
back in steps; each remembers a bit for a pixel, where napari's own history would hold 32 bytes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary, ref

import numpy as np
from napari.layers import Labels, Points, Shapes

from napari_coarse_crf.plugin.layers.cut import inside
from napari_coarse_crf.plugin.layers.grid import Grid
from napari_coarse_crf.plugin.layers.ids import range_of
from napari_coarse_crf.plugin.layers.look import insert_unselected, place_of, read_look
from napari_coarse_crf.plugin.layers.match import lies_on
from napari_coarse_crf.plugin.layers.provenance import (
    BOX,
    KEY,
    OF_SHAPE,
    is_result,
    provenance,
    set_provenance,
    source_name,
)
from napari_coarse_crf.plugin.layers.record import recall, source_of
from napari_coarse_crf.plugin.layers.store import store_of

if TYPE_CHECKING:
    import napari
    from napari.layers import Layer
    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import LabelArray
    from napari_coarse_crf.plugin.layers.choice import Choice
    from napari_coarse_crf.plugin.layers.record import Record
    from napari_coarse_crf.tiles.parts import Part

_ACCEPTED_FOR: Final = "accepted_for"
_SUFFIX: Final = " accepted"
"""Of the name, after that of the person's own layer."""
_CONTOUR: Final = 2
"""As outlines: filled, it would mix its colours with those of the result above it."""
_MOST_OUTLINED: Final = 2**20
"""Pixels of a plane. napari finds the outlines anew whenever it draws the layer, 60 ms a megapixel, and nothing else
moves meanwhile; so larger ones are filled."""
_MOST_ACCEPTED: Final = 2**28
"""Pixels of an image."""
_FAINT: Final = 0.3
"""The opacity of what is filled."""


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


def link_accepted(viewer: napari.viewer.Viewer) -> None:
    """Tell what holds accepted results, and for which labels: after a restart, names are all that is known of it.

    What napari itself saved does not even say what it was. From then on it belongs to these labels, whatever they are
    called.
    """
    for layer in viewer.layers:
        if not isinstance(layer, Labels):
            continue
        source = _linked_source(viewer, layer)
        if source is None:
            source = _source_by_name(viewer, layer)
            if source is None:
                continue
            _sources[layer] = ref(source)
            if not layer.contour:
                draw_discreetly(layer)
        if provenance(layer).get(_ACCEPTED_FOR) != source.name:
            set_provenance(layer, {**provenance(layer), _ACCEPTED_FOR: source.name})


def find_accepted(viewer: napari.viewer.Viewer, source: Layer | None) -> Labels | None:
    """Return the layer of what was accepted for these labels, or None."""
    found = [layer for layer in viewer.layers if isinstance(layer, Labels) and _is_accepted_for(viewer, layer, source)]
    return found[-1] if found else None


def keeping_accepted(viewer: napari.viewer.Viewer, source: Layer | None, choice: Choice) -> Choice:
    """Return the choice with what was accepted for these labels."""
    return choice if choice.accepted is not None else replace(choice, accepted=find_accepted(viewer, source))


def find_result(viewer: napari.viewer.Viewer, result: Labels | None) -> tuple[Layer, Labels, Record | None] | None:
    """Return the labels that a result was made of, the result, and what is known of it; None if no result is seen."""
    if result is None or result.multiscale or not is_result(result) or not result.visible:
        return None
    layers = [layer for layer in viewer.layers if layer is not result]
    sources = [layer for layer in layers if layer is source_of(result)]
    sources = sources or [layer for layer in layers if layer.name == source_name(result)]
    return (sources[-1], result, recall(result)) if sources else None


def cannot_be_accepted(result: Labels | None) -> str:
    """Return one sentence on what keeps a result from being accepted, or ""."""
    if result is None:
        return ""
    if store_of(result) is not None:
        return f"'{result.name}' is on disk and cannot be accepted. Tick Live to accept what is in view."
    if math.prod(_whole_of(result).shape) > _MOST_ACCEPTED:
        return f"The image of '{result.name}' is too large: what is accepted of all of it is held in memory."
    return ""


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
    layer, whole = find_accepted(viewer, source), _whole_of(result)
    if layer is None or layer.multiscale or not lies_on(Grid(whole.layer), layer):
        layer = _new_layer(viewer, source, result, whole.layer, above=layer or source)
    steps, count = [], 0
    for part, mask in _accepted_parts(result, record, seen):
        after, part = np.asarray(result.data[part]), inside(whole.window, part)
        before = layer.data[part]
        changed = (after != 0) & (after != before)
        if mask is not None:
            changed &= mask
        if pixels := int(np.count_nonzero(changed)):
            steps.append(_Step.of(part, changed, before))
            _make_room(layer, after)
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


def _make_room(layer: Labels, labels: LabelArray) -> None:
    """Let a layer hold the ids of these labels, and be written to."""
    data = layer.data
    lowest, highest = range_of(data)
    fits = lowest <= labels.min(initial=0) and labels.max(initial=0) <= highest
    if not fits or (isinstance(data, np.ndarray) and not data.flags.writeable):
        layer.data = np.array(data, data.dtype if fits else labels.dtype)


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


@dataclass(frozen=True, slots=True, eq=False)
class _Whole:
    """What a result is of: itself, or where it shows a part of the image alone, that.

    Attributes
    ----------
    layer : Labels
        Empty, where that is, in no memory.
    window : tuple of slice
        Where in it the result lies.
    """

    layer: Labels
    window: tuple[slice, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of all of it."""
        return tuple(self.layer.data.shape)


def _whole_of(result: Labels) -> _Whole:
    box, shape = provenance(result).get(BOX), provenance(result).get(OF_SHAPE)
    if box is None or shape is None or len(shape) != result.ndim:
        return _Whole(result, tuple(slice(0, size) for size in result.data.shape))
    place = Grid(result).place_from([-start for start, _ in box])
    nothing = np.broadcast_to(np.zeros((), result.data.dtype), shape)
    return _Whole(Labels(nothing, **place), tuple(slice(start, stop) for start, stop in box))


def _new_layer(viewer: napari.viewer.Viewer, source: Layer, result: Labels, whole: Labels, above: Layer) -> Labels:
    """Add an empty layer above the person's own, or above one that lies elsewhere: the upper one counts."""
    look = read_look(source if isinstance(source, Labels) else result, place_of(whole))
    about = {KEY: {_ACCEPTED_FOR: source.name}}
    empty = np.zeros(whole.data.shape, result.data.dtype)
    layer = Labels(empty, name=f"{source.name}{_SUFFIX}", metadata=about, **look.place, **look.keywords)
    draw_discreetly(layer)
    _sources[layer] = ref(source)
    index = list(viewer.layers).index(above) + 1 if above in viewer.layers else len(viewer.layers)
    insert_unselected(viewer, index, layer)
    return layer


def draw_discreetly(layer: Labels) -> None:
    """Draw a layer so that result and image are seen, too."""
    if math.prod(layer.data.shape[-2:]) > _MOST_OUTLINED:
        layer.opacity = _FAINT
    else:
        layer.contour = _CONTOUR


def _is_accepted_for(viewer: napari.viewer.Viewer, layer: Labels, source: Layer | None) -> bool:
    if source is None or _ACCEPTED_FOR not in provenance(layer):
        return False
    known = _linked_source(viewer, layer)
    return known is source if known is not None else provenance(layer)[_ACCEPTED_FOR] == source.name


def _linked_source(viewer: napari.viewer.Viewer, layer: Labels) -> Layer | None:
    """Return the labels that an accepted layer is known to belong to, if they are still there."""
    known = _sources.get(layer)
    source = None if known is None else known()
    return source if source is not None and source in viewer.layers else None


def _source_by_name(viewer: napari.viewer.Viewer, layer: Labels) -> Layer | None:
    """Return the labels that an accepted layer says it belongs to, or None if it says it of none that are there."""
    about = provenance(layer)
    named = about.get(_ACCEPTED_FOR)
    if not about and layer.name.endswith(_SUFFIX):
        named = layer.name.removesuffix(_SUFFIX)
    kinds = (Labels, Shapes, Points)
    found = [one for one in viewer.layers if isinstance(one, kinds) and one is not layer and one.name == named]
    return found[-1] if found else None


def _show(layer: Labels) -> None:
    layer.data = layer.data  # tells whoever listens, too

"""One result at a time is seen: two label layers on each other mix their colours, and nobody can read either.

Earlier results and what was made of them are hidden, never removed: a click on the eye brings them back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard
from weakref import WeakSet

from napari.layers import Image, Labels

from napari_coarse_crf.plugin.layers.look import place_of, same_place
from napari_coarse_crf.plugin.layers.provenance import (
    is_accepted,
    is_preview,
    is_result,
    is_to_look_at,
    provenance,
    source_name,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    import napari
    from napari.layers import Layer

_hidden: WeakSet[Layer] = WeakSet()
"""What was hidden for another layer of ours, and not by a person."""


def show_alone(viewer: napari.viewer.Viewer, result: Labels) -> None:
    """Show a result, and hide the others that lie where it lies, with what was made of them."""
    _show(result, [layer for layer in viewer.layers if _covers(layer, result)])


def show_only(viewer: napari.viewer.Viewer, shown: Image | Labels) -> None:
    """Show a layer of ours, and hide all others of ours that lie where it lies: through a map no colour can be read."""
    ours = [layer for layer in viewer.layers if _is_of_a_run(layer)]
    _show(shown, [layer for layer in ours if layer is not shown and _lies_on(layer, shown)])


def _show(shown: Image | Labels, others: Sequence[Layer]) -> None:
    """Show a layer, and hide others for it."""
    for layer in others:
        if layer.visible:
            layer.visible = False
            _hidden.add(layer)
    if not shown.visible:  # napari draws it anew even if it is seen already
        shown.visible = True
    _hidden.discard(shown)


def was_hidden_for_another(layer: Layer) -> bool:
    """Whether a layer is hidden as another of ours came, and nobody has shown it since."""
    return layer in _hidden and not layer.visible


def hide_results(viewer: napari.viewer.Viewer) -> Generator[None, None, None]:
    """Hide all of ours that are seen until it goes on: while a key is held."""
    hidden = [layer for layer in viewer.layers if layer.visible and _is_ours(layer)]
    for layer in hidden:
        layer.visible = False
    yield
    for layer in hidden:
        layer.visible = True


def _is_ours(layer: Layer) -> bool:
    return _is_of_a_run(layer) or is_accepted(layer)


def _is_of_a_run(layer: Layer) -> TypeGuard[Image | Labels]:
    """Whether a layer is a result, shows one, or something of one."""
    return isinstance(layer, Image | Labels) and (is_result(layer) or is_preview(layer) or is_to_look_at(layer))


def _covers(layer: Layer, result: Labels) -> bool:
    """Whether a layer is of ours, lies where the result lies, and is not about it."""
    if layer is result or not isinstance(layer, Image | Labels):
        return False
    if is_to_look_at(layer):
        return provenance(layer).get("of") != result.name and _lies_on(layer, result)
    is_of_a_run = is_result(layer) or is_preview(layer)
    return is_of_a_run and (source_name(layer) == source_name(result) or _lies_on(layer, result))


def _lies_on(layer: Image | Labels, other: Image | Labels) -> bool:
    same = not layer.multiscale and tuple(layer.data.shape) == tuple(other.data.shape)
    return same and same_place(place_of(layer), place_of(other))

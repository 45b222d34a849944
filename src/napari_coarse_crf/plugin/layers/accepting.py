"""Commit and Take back, as a person asks for them: each returns a sentence on what was done, or why nothing was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from napari_coarse_crf.plugin.layers.accepted import (
    accept,
    can_be_taken_back,
    cannot_be_accepted,
    find_accepted,
    find_result,
    seen_part,
    take_back,
)

if TYPE_CHECKING:
    import napari
    from napari.layers import Labels, Layer

    from napari_coarse_crf.plugin.layers.record import Record

    Result = tuple[Layer, Labels, Record | None]

_NO_RESULT: Final = "No result is shown to accept. Press Run, show one by its eye, or wait for Live's full result."
_NOTHING: Final = "There is nothing to take back."


def commit(
    viewer: napari.viewer.Viewer,
    own: Layer | None,
    of_live: Result | None,
    compared: Labels | None,
    *,
    slice_only: bool,
) -> tuple[Labels | None, str]:
    """Accept what Live shows, else the result that is compared, or the slice of it that is seen.

    It must be one of `own`, the labels that are chosen: what is accepted could not be taken back otherwise.

    Returns
    -------
    layer : napari.layers.Labels or None
        The layer of what was accepted; None if there is no result.
    sentence : str
        What was done.
    """
    found = of_live or find_result(viewer, compared)
    if why_not := cannot_be_accepted(found[1] if found else compared):
        return None, why_not
    if found is None:
        return None, _NO_RESULT
    source, result, _ = found
    if own is not None and source is not own:
        return None, (
            f"'{result.name}' was made of '{source.name}', but '{own.name}' is chosen. Choose '{source.name}' as "
            "Labels to accept it, or press Run."
        )
    layer, count = accept(viewer, *found, seen_part(viewer, found[1]) if slice_only else None)
    done = f"{count:,} pixels accepted into '{layer.name}'; the next runs keep them. Take back undoes it."
    return layer, done if count else f"All of it is in '{layer.name}' already."


def take_back_last(viewer: napari.viewer.Viewer, own: Layer | None) -> str:
    """Undo the last commit for these labels, and say so; a layer that holds nothing any more goes."""
    layer = find_accepted(viewer, own)
    if layer is None or not can_be_taken_back(layer):
        return _NOTHING
    take_back(layer)
    if can_be_taken_back(layer) or np.any(layer.data):
        return f"'{layer.name}' is as it was before the last Commit."
    viewer.layers.remove(layer)
    return f"All that was accepted is taken back; '{layer.name}' was empty and is gone."

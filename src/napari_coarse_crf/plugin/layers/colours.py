"""The colours of labels: copied, read, and one of them changed while all others stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from napari.utils.colormaps import CyclicLabelColormap, DirectLabelColormap, label_colormap

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from napari.layers import Labels
    from numpy.typing import NDArray

_MOST_COLOURS: Final = 2**16
"""That napari takes in turn."""


def same_colours(colormap: Any) -> Any:
    """Return a new colormap of the same colours that shows every label.

    A shared one would hide labels of the result when "show selected" is ticked on the source. A deep copy would be
    born with that tick, and napari 0.6 cannot copy the colours it has drawn with.
    """
    if isinstance(colormap, DirectLabelColormap):
        colours = {label_id: np.array(colour) for label_id, colour in colormap.color_dict.items()}
        return DirectLabelColormap(color_dict=colours, background_value=colormap.background_value, name=colormap.name)
    return CyclicLabelColormap(
        colors=np.array(colormap.colors),
        controls=np.array(colormap.controls),
        seed=colormap.seed,
        background_value=colormap.background_value,
        name=colormap.name,
    )


def colours_of(layer: Labels, label_ids: Sequence[int]) -> NDArray[np.float64]:
    """Return the colours, (N, 4), that a layer has for these ids, also while it shows the selected one alone."""
    is_signed = max(label_ids, default=0) <= np.iinfo(np.int64).max
    ids = np.array(label_ids, np.int64 if is_signed else np.uint64)
    return np.asarray(same_colours(layer.colormap).map(ids), np.float64).reshape(-1, 4)


def take_colours(layer: Labels, colormap: Any) -> None:
    """Give a layer the colours of another one's colormap; whether it shows the selected label alone stays."""
    colours = same_colours(colormap)
    colours.use_selection, colours.selection = layer.show_selected_label, layer.selected_label
    layer.colormap = colours


def set_colour(layer: Labels, label_id: int, colour: Sequence[float], others: Iterable[int] = ()) -> None:
    """Show a label in another colour.

    Parameters
    ----------
    layer : napari.layers.Labels
        Whose label. Colours for each id stay such, colours in turn stay in turn.
    label_id : int
        Which label.
    colour : (4,) sequence of float
        Red, green, blue and alpha, 0 to 1.
    others : iterable of int, optional
        Labels whose colours stay even if they had the same turn, as 3 and 52 have.
    """
    colormap = layer.colormap
    if isinstance(colormap, DirectLabelColormap):
        each: Any = {**colormap.color_dict, label_id: np.array(colour, np.float32)}
        changed: Any = DirectLabelColormap(color_dict=each, background_value=colormap.background_value)
    else:
        background, turns = np.array(colormap.colors[:1]), np.array(colormap.colors[1:])
        turns = np.tile(turns, (_rounds(len(turns), label_id, others), 1))
        turns[(label_id - 1) % len(turns)] = colour
        colours = np.concatenate([background, turns])
        changed = CyclicLabelColormap(
            colors=colours, seed=colormap.seed, background_value=colormap.background_value, name=colormap.name
        )
    take_colours(layer, changed)


def make_seen(layer: Labels, label_id: int) -> None:
    """Give a label a colour if it has none, as one that colours for each id leave out."""
    if colours_of(layer, [label_id])[0, 3] == 0:
        set_colour(layer, label_id, label_colormap().map(label_id))


def _rounds(length: int, label_id: int, others: Iterable[int]) -> int:
    """Return how often all colours are to be repeated until no other label has the turn of this one."""
    apart = {abs(other - label_id) for other in others if other != label_id}
    apart = {one // length for one in apart if one % length == 0}
    free = (rounds for rounds in range(1, _MOST_COLOURS // (length + 1)) if all(one % rounds for one in apart))
    return next(free, 1)

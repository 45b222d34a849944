"""New layers from compared ones: differences, errors, confidence, heatmaps; and how they look."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from napari.utils.colormaps import DirectLabelColormap

from napari_coarse_crf.plugin.layers.look import place_of
from napari_coarse_crf.plugin.layers.provenance import KEY
from napari_coarse_crf.plugin.layers.store import LabelStore, boxes_of, store_of
from napari_coarse_crf.plugin.result.measuring import labels_now
from napari_coarse_crf.plugin.result.numbers import COLOURS, DIFFERENCES, ERRORS, find_difference, find_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from napari.layers import Labels
    from numpy.typing import NDArray

    from napari_coarse_crf.plugin.result.compared import Compared


_COLOUR_NAMES: Final = {1: "green", 2: "orange", 3: "pink"}


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """In what two label maps differ.

    Attributes
    ----------
    ids : array of uint8, or several
        The kind of each pixel, 0 where there is none, as napari takes it.
    meaning : str
        The colours that occur, with pixels.
    store : LabelStore or None
        Where they are, if they are not in memory.
    """

    ids: Any
    meaning: str
    store: LabelStore | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """A layer that shows in what two others differ.

    Attributes
    ----------
    title : str
        What it shows, in words.
    before, after : Labels
        The two layers.
    find : callable
        Gives its ids from theirs.
    kinds : mapping of int to str
        What its ids stand for.
    """

    title: str
    before: Labels
    after: Labels
    find: Callable[[NDArray[Any], NDArray[Any]], NDArray[np.uint8]]
    kinds: Mapping[int, str]

    def prepare(self, refined: Labels) -> Callable[[], Found]:
        """Read both layers, on the main thread, and return what finds ids at the pixels of the refined one, off it."""
        before, after = (labels_now(layer, refined) for layer in (self.before, self.after))
        find = _find if store_of(refined) is None else _find_in_parts
        return partial(find, self.find, self.kinds, before, after)

    def look(self, refined: Labels) -> dict[str, Any]:
        """Return name, place and colours of the new layer; the features say what its ids stand for."""
        colours: dict[int | None, Any] = {None: (0, 0, 0, 0), 0: (0, 0, 0, 0), **dict(COLOURS)}
        return {
            **place_of(refined),
            **_named(refined, self.title),
            "colormap": DirectLabelColormap(color_dict=colours),
            # napari shows the features of the label under the cursor.
            "features": {"index": list(self.kinds), "class": list(self.kinds.values())},
        }


def differences(compared: Compared) -> list[Difference]:
    """Return the differences that can be shown."""
    coarse, refined, truth = compared.coarse, compared.refined, compared.truth
    if coarse is None or refined is None or compared.problem:
        return []
    befores = [("what was filled", coarse), *((f"changes from {other.name}", other) for other in compared.others)]
    offered = [Difference(title, before, refined, find_difference, DIFFERENCES) for title, before in befores]
    if truth is not None:
        offered.append(Difference("errors", refined, truth, find_errors, ERRORS))
    return offered


def map_look(refined: Labels, title: str, colormap: str) -> dict[str, Any]:
    """Return name, place and colours for an image of probabilities."""
    return {
        **place_of(refined),
        **_named(refined, title),
        "colormap": colormap,
        "contrast_limits": (0.0, 1.0),
        "opacity": 0.8,  # so that a person sees where in the image they are
    }


def _named(refined: Labels, title: str) -> dict[str, Any]:
    """Return the name of a layer that shows something of a result, and the metadata by which it is known."""
    return {"name": f"{refined.name}: {title}", "metadata": {KEY: {"shows": title, "of": refined.name}}}


def _find(
    find: Callable[[NDArray[Any], NDArray[Any]], NDArray[np.uint8]], kinds: Mapping[int, str], before: Any, after: Any
) -> Found:
    ids = find(np.asarray(before), np.asarray(after))
    return Found(ids, _in_words(kinds, {kind: int(np.count_nonzero(ids == kind)) for kind in kinds}))


def _find_in_parts(
    find: Callable[[NDArray[Any], NDArray[Any]], NDArray[np.uint8]], kinds: Mapping[int, str], before: Any, after: Any
) -> Found:
    """Find the same of labels that need not fit into memory, and put it on disk."""
    store, counts = LabelStore(after.shape, np.uint8), dict.fromkeys(kinds, 0)
    for box in boxes_of(after.shape):
        ids = find(np.asarray(before[box]), np.asarray(after[box]))
        for kind in kinds:
            counts[kind] += int(np.count_nonzero(ids == kind))
        if ids.any():
            store.write(box, ids)
    return Found(store.data, _in_words(kinds, counts), store)


def _in_words(kinds: Mapping[int, str], counts: Mapping[int, int]) -> str:
    found = [f"{_COLOUR_NAMES[kind]} = {kinds[kind]} ({count:,} pixels)" for kind, count in counts.items() if count]
    return ", ".join(found) or "the layers are equal"

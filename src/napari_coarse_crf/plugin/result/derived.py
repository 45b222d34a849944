"""New layers from compared ones: differences, errors, confidence, heatmaps; and how they look."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.colormaps import DirectLabelColormap

from napari_coarse_crf.plugin.layers.record import recall
from napari_coarse_crf.plugin.result.numbers import COLOURS, DIFFERENCES, ERRORS, find_difference, find_errors, place_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Labels
    from numpy.typing import NDArray

    from napari_coarse_crf.plugin.result.boxes import ComparedBoxes

    Make = Callable[[Labels, Labels], NDArray[np.uint8]]

_ERRORS_TITLE = "errors"


def differences(boxes: ComparedBoxes) -> list[tuple[str, Make, Labels, Labels]]:
    """Return the differences that can be shown: title, how to make it, and of which two layers."""
    coarse, refined, truth = boxes.coarse, boxes.refined, boxes.truth
    if coarse is None or refined is None:
        return []
    offered: list[tuple[str, Make, Labels, Labels]] = [("what was filled", _difference, coarse, refined)]
    for other in boxes.ticked:
        offered.append((f"changes from {other.name}", _difference, other, refined))
    if truth is not None:
        offered.append((_ERRORS_TITLE, _errors, refined, truth))
    return offered


def difference_look(refined: Labels, title: str) -> dict[str, Any]:
    """Return name, place and colours for a layer of differences; the features say what its ids stand for."""
    kinds = ERRORS if title == _ERRORS_TITLE else DIFFERENCES
    colours: dict[int | None, Any] = {None: (0, 0, 0, 0), 0: (0, 0, 0, 0), **dict(COLOURS)}
    return {
        **place_of(refined),
        "name": f"{refined.name}: {title}",
        "colormap": DirectLabelColormap(color_dict=colours),
        # napari shows the features of the label under the cursor.
        "features": {"index": list(kinds), "class": list(kinds.values())},
    }


def meanings(layer: Labels) -> list[str]:
    """Return what a difference layer shows: the colours that occur, with pixels."""
    colour_names = {1: "green", 2: "orange", 3: "pink"}
    counts = np.bincount(np.asarray(layer.data).reshape(-1), minlength=4)
    kinds = dict(zip(layer.features["index"], layer.features["class"], strict=True))
    found = [f"{colour_names[i]} = {kinds[i]} ({counts[i]:,} pixels)" for i in kinds if counts[i]]
    return found or ["the layers are equal"]


def map_look(refined: Labels, title: str, colormap: str) -> dict[str, Any]:
    """Return name, place and colours for an image of probabilities."""
    return {
        **place_of(refined),
        "name": f"{refined.name}: {title}",
        "colormap": colormap,
        "contrast_limits": (0.0, 1.0),
        "opacity": 0.8,  # so that a person sees where in the image they are
    }


def known_confidence(refined: Labels) -> Callable[[NDArray[Any]], NDArray[np.float32] | None]:
    """Return a function that gives the confidence of these labels, NaN where they were painted on since the run."""
    record = recall(refined)
    if record is None:
        return _unknown
    return partial(_confidence, record.labels, record.confidence)


def _difference(before: Labels, after: Labels) -> NDArray[np.uint8]:
    return find_difference(np.asarray(before.data), np.asarray(after.data))


def _errors(refined: Labels, truth: Labels) -> NDArray[np.uint8]:
    return find_errors(np.asarray(refined.data), np.asarray(truth.data))


def _unknown(_labels: NDArray[Any]) -> None:
    """Say that nothing is known about layers of another session."""


def _confidence(returned: NDArray[Any], confidence: NDArray[np.float32], labels: NDArray[Any]) -> NDArray[np.float32]:
    return np.where(labels == returned, confidence, np.float32(np.nan))

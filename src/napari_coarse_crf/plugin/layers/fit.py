"""Whether layers can be refined together: one sentence on what is missing.

Quick enough for every change of a layer; what takes longer to find out, the core says when it runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Shapes

from napari_coarse_crf import InputError
from napari_coarse_crf.compute.laid import Laid
from napari_coarse_crf.plugin.layers.choice import EVERYTHING
from napari_coarse_crf.plugin.layers.classes import class_names_of, in_words
from napari_coarse_crf.plugin.layers.match import Match
from napari_coarse_crf.plugin.layers.read import read_outlines, stored
from napari_coarse_crf.tiles.parts import has_two_labels, is_whole

if TYPE_CHECKING:
    from napari.layers import Image, Labels

    from napari_coarse_crf.compute.arrays import LabelArray
    from napari_coarse_crf.plugin.layers.choice import Choice
    from napari_coarse_crf.plugin.layers.merged import Merged

_BLOCK_PIXELS = 2**16


def find_problem(image_layer: Image | None, labels_layer: Labels | None, choice: Choice = EVERYTHING) -> str:
    """Return one sentence on what keeps these layers from being refined, or "" if nothing does.

    Parameters
    ----------
    image_layer : napari.layers.Image or None
        The image; None if none is chosen.
    labels_layer : napari.layers.Labels or None
        The coarse labels; None if none is chosen.
    choice : Choice, optional
        What else was chosen.
    """
    if image_layer is None:
        return "Open an image first, your own or one of File > Open Sample > Coarse CRF."
    if labels_layer is None:
        return "Add a Labels layer and paint a few strokes of every class on the image."
    try:
        match = Match.of(image_layer, labels_layer, choice)
    except InputError as error:
        return str(error)
    return _problem_of_region(match) or find_problem_of_scope(match)


def find_problem_of_classes(drawn_labels: Labels, accepted: Labels | None) -> str:
    """Return one sentence if ids of classes that are drawn stand for others in what was accepted, or "".

    They follow the order of the names, so a further class may move them.
    """
    if accepted is None:
        return ""
    now, before = class_names_of(drawn_labels), class_names_of(accepted)
    moved = [label_id for label_id in now if before.get(label_id, now[label_id]) != now[label_id]]
    if not moved:
        return ""
    label_id = moved[0]
    return (
        f"Label {label_id} is '{before[label_id]}' in '{accepted.name}' and '{now[label_id]}' in "
        f"'{drawn_labels.name}': the classes were others. Remove '{accepted.name}', or name the classes by numbers."
    )


def find_problem_of_scope(match: Match) -> str:
    """Return one sentence if the labels in the scope are too few, or ""."""
    data, name = match.labels_data, match.labels_layer.name
    if not isinstance(stored(data), np.ndarray):
        return ""  # reading lazy labels may take long: the job finds out
    parts = match.scope.parts(data.shape)
    only = parts[0] if len(parts) == 1 and not is_whole(parts[0], data.shape) else None
    if only is not None and has_two_labels(data[only]):
        return ""  # without a look at the other slices
    problem = _problem_of_labels(match.labels_layer, data.once if isinstance(data, Laid) else data)
    if problem or only is None:
        # Labels that lie elsewhere may hold more than is read of them.
        return " ".join(filter(None, [match.labels.describe(match.image_layer.name), problem])) if problem else ""
    where, way = ("view", "zoom out") if match.scope.box else ("the chosen part", "choose a larger scope")
    return f"'{name}' holds fewer than two labels in {where}. Paint at least two classes there, or {way}."


def _problem_of_region(match: Match) -> str:
    region = match.choice.region
    if isinstance(region, Shapes) and not read_outlines(region, match.grid):
        return f"'{region.name}' holds no area. Draw a rectangle, an ellipse or a polygon around what to refine."
    return ""


def _problem_of_labels(layer: Labels, labels: LabelArray | Laid | Merged) -> str:
    label_ids = _first_label_ids(labels)
    if not label_ids:
        return f"'{layer.name}' is still empty. Paint a few strokes of at least two classes."
    if len(label_ids) == 1:
        only = in_words(label_ids[0], class_names_of(layer))
        return (
            f"'{layer.name}' holds one label only, {only}. Paint a second class; the background has an id of its own, "
            "too: 0 is unlabelled here."
        )
    return ""


def _first_label_ids(labels: LabelArray | Laid | Merged) -> list[int]:
    """Return up to two ids that occur. Block by block: it mostly ends in the first one."""
    found: list[int] = []
    rows = max(1, _BLOCK_PIXELS * len(labels) // max(1, labels.size))
    for start in range(0, len(labels), rows):
        block = labels[start : start + rows]
        labelled = block[block != 0]  # few in a stack of strokes: the rest of the work is on these alone
        while labelled.size and len(found) < 2:
            labelled = labelled[~np.isin(labelled, found)]
            found += [int(labelled[0])] if labelled.size else []
        if len(found) == 2:
            break
    return found

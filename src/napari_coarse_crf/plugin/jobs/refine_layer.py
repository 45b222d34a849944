"""What the button of the widget does, for scripts: in the calling thread."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from napari_coarse_crf import CoarseCRFWarning, Parameters
from napari_coarse_crf.compute.parallel import finish
from napari_coarse_crf.plugin.jobs.job import Job
from napari_coarse_crf.plugin.jobs.tiled import refine_by_tiles
from napari_coarse_crf.plugin.layers.accepted import keeping_accepted, link_accepted
from napari_coarse_crf.plugin.layers.choice import EVERYTHING
from napari_coarse_crf.plugin.layers.snapshot import Snapshot

if TYPE_CHECKING:
    import napari
    from napari.layers import Image, Labels, Layer

    from napari_coarse_crf.plugin.layers.choice import Choice


def refine_layer(
    viewer: napari.viewer.Viewer,
    image_layer: Image,
    labels_layer: Layer,
    parameters: Parameters | None = None,
    choice: Choice | None = None,
) -> Labels:
    """Refine coarse labels and add the result as a new layer above it.

    What the button of the widget does, in the calling thread.

    Parameters
    ----------
    viewer : napari.Viewer
        Where the new layer goes.
    image_layer : napari.layers.Image
        The image, ([Z,] Y, X), RGB(A), or with one axis more for channels. Its contrast limits scale everything but
        uint8; where alpha is 0, pixels take no part. Its scale is the size of a pixel.
    labels_layer : napari.layers.Labels, Shapes or Points
        The coarse labels, 0 = unlabelled, read at the image's pixels where both lie in the viewer. Never changed. What
        shapes and points stand for, their features or colours say.
    parameters : Parameters, optional
        The preset "auto" if left out: the labels choose the weights, and specks go.
    choice : napari_coarse_crf.plugin.Choice, optional
        Only some slices, further channels, or a region; by default all of the two layers.

    Returns
    -------
    napari.layers.Labels
        The new layer, which lies on the image; `metadata["napari_coarse_crf"]` says how it was made.

    Raises
    ------
    InputError
        If the layers cannot be refined, with one sentence on what to do.

    Warns
    -----
    CoarseCRFWarning
        For each thing about the result that a person should look at.
    """
    link_accepted(viewer)
    used = Parameters.preset("auto") if parameters is None else parameters
    chosen = keeping_accepted(viewer, labels_layer, choice or EVERYTHING)
    snapshot = Snapshot.take(image_layer, labels_layer, chosen)
    if chosen.by_tiles:
        return refine_by_tiles(viewer, snapshot, used)
    job = Job.prepare(snapshot, used)
    outcome = finish(job.steps())
    assert outcome is not None  # noqa: S101  # a job that knows nothing ends with one
    for sentence in outcome.warnings:
        warnings.warn(sentence, CoarseCRFWarning, stacklevel=2)
    return job.add_layer(viewer, outcome)

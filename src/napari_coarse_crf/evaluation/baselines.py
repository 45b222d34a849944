"""What else turns coarse labels into dense ones without training: the rivals that people have at hand.

Each takes a `Problem`, so all of them see the same pixels, colours and labels as the refinement; none uses our engine
or heatmap. As in the refinement, labelled pixels keep their label and pixels that take no part stay as they are.
"""

from __future__ import annotations

from importlib.util import find_spec
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from napari_coarse_crf.inputs import UNLABELLED, check_number_of_labels
from napari_coarse_crf.problem import OPEN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from napari_coarse_crf.compute.arrays import LabelArray
    from napari_coarse_crf.problem import Problem

Compact = NDArray[np.integer[Any]]
"""A map of compact labels: 1..L, 0 where a pixel has none or takes no part."""


def label_by_distance(coarse: LabelArray) -> LabelArray:
    """Return the map in which every pixel has the label of the nearest labelled one: the rival that sees no image."""
    nearest = ndi.distance_transform_edt(coarse == UNLABELLED, return_distances=False, return_indices=True)
    filled: LabelArray = coarse[tuple(nearest)]
    return filled


def fill_labels(method: str, problem: Problem, coarse: LabelArray) -> LabelArray:
    """Label the unlabelled pixels with one of `BASELINES`.

    Parameters
    ----------
    method : str
        A name of `BASELINES`.
    problem : Problem
        What `read_problem` made of the image and `coarse`.
    coarse : array of int ([Z,] Y, X)
        The person's labels; returned with the unlabelled pixels that take part filled.

    Raises
    ------
    InputError
        If there are fewer than two labels.
    """
    filled = coarse.copy()
    where = problem.pixels[problem.open_pixels]
    if not len(where):
        return filled
    check_number_of_labels(problem.label_ids)
    compact = BASELINES[method](problem).reshape(-1)[where]
    ids = np.concatenate([np.zeros(1, problem.label_ids.dtype), problem.label_ids])
    filled.reshape(-1)[where] = ids[np.maximum(compact, 0)]  # the random walker gives -1 to what it cannot reach
    return filled


def missing_baselines() -> tuple[str, ...]:
    """Return the names of the baselines whose package is not installed."""
    return () if find_spec("pydensecrf") else ("pydensecrf",)


def _nearest(problem: Problem) -> Compact:
    return label_by_distance(_compact_map(problem))


def _watershed(problem: Problem) -> Compact:
    """Flood the gradient (Sobel) of the grey image from the labels."""
    from skimage import color, filters, segmentation

    image = _colour_image(problem) / 255.0
    grey = color.rgb2gray(image) if image.shape[-1] == 3 else image.mean(axis=-1)
    flooded: Compact = segmentation.watershed(filters.sobel(grey), _compact_map(problem), mask=_takes_part(problem))
    return flooded


def _random_walker(problem: Problem) -> Compact:
    from skimage import segmentation

    labels = np.where(_takes_part(problem), _compact_map(problem), -1)  # -1: no part of the graph
    image = _colour_image(problem) / 255.0
    # Probabilities somewhat outside 0..1 are no reason for a warning here: only the largest counts.
    walked: Compact = segmentation.random_walker(
        image, labels, beta=1000, mode="cg_j", tol=1e-4, prob_tol=np.inf, channel_axis=-1
    )
    return walked


def _dense_crf(problem: Problem) -> Compact:
    """Run Krähenbühl and Koltun's code as its users do: labels trusted to 0.9, every other pixel undecided.

    Kernels of its example: w 10, 80 px, 13 grey levels and w 3, 3 px; 10 iterations.
    """
    from pydensecrf import densecrf

    n_labels, n_pixels, ndim = len(problem.label_ids), len(problem.pixels), len(problem.shape)
    unary = np.full((n_labels, n_pixels), np.log(n_labels), np.float32)
    labelled = np.flatnonzero(problem.labels != OPEN)
    unary[:, labelled] = -np.log(0.1 / (n_labels - 1))
    unary[problem.labels[labelled], labelled] = -np.log(0.9)
    field = densecrf.DenseCRF(n_pixels, n_labels)
    field.setUnaryEnergy(unary)
    thetas = np.array([80.0] * ndim + [13.0] * len(problem.colours), np.float32)
    for weight, features in (
        (10.0, problem.features / thetas[:, np.newaxis]),
        (3.0, problem.positions / np.float32(3)),
    ):
        field.addPairwiseEnergy(
            np.ascontiguousarray(features), weight, densecrf.DIAG_KERNEL, densecrf.NORMALIZE_SYMMETRIC
        )
    q = np.array(field.inference(10))
    return _whole(problem, q.argmax(axis=0) + 1)


BASELINES: Mapping[str, Callable[[Problem], Compact]] = MappingProxyType(
    {
        "nearest label": _nearest,
        "watershed": _watershed,
        "random walker": _random_walker,
        "pydensecrf": _dense_crf,
    }
)
"""The rivals by name."""


def _compact_map(problem: Problem) -> Compact:
    return _whole(problem, problem.labels + 1)


def _takes_part(problem: Problem) -> NDArray[np.bool_]:
    return _whole(problem, np.ones(len(problem.pixels), dtype=bool))


def _colour_image(problem: Problem) -> NDArray[Any]:
    """Return ([Z,] Y, X, C) colours of 0..255, 0 where a pixel takes no part."""
    return _whole(problem, problem.colours.T)


def _whole(problem: Problem, values: NDArray[Any]) -> NDArray[Any]:
    """Return ([Z,] Y, X[, C]) values of the (N[, C]) that the pixels of the problem have, 0 where one takes no part."""
    whole = np.zeros((int(np.prod(problem.shape)), *values.shape[1:]), values.dtype)
    whole[problem.pixels] = values
    return whole.reshape(*problem.shape, *values.shape[1:])

"""Strokes of other images, for an image without any: colours are borrowed, and nothing else.

The labelled pixels of the examples join those of the image in the colour term of the heatmap, eq. (2) with the form
"colour", and leave again: the CRF sees the image alone. For that, image and examples must be scaled alike, so where
nobody says what becomes 0 and 255, it is found in all of them together. Where labels lie and how common they are in the
examples was tried as well: it helps with frames of a film and misleads elsewhere.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.colours import find_contrast_limits
from napari_coarse_crf.elsewhere import Elsewhere
from napari_coarse_crf.errors import InputError
from napari_coarse_crf.inputs import UNLABELLED, read_labels, read_mask
from napari_coarse_crf.logits import contrast_gain
from napari_coarse_crf.problem import OPEN, Problem, read_problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import LabelArray
    from napari_coarse_crf.inputs import Picture

_MOST_PIXELS = 2**15
"""Of each label, from all examples together: more say nothing new."""
_SAMPLE = 2**17
"""Pixels of each image that the contrast limits are found in."""


@dataclass(frozen=True, slots=True, eq=False)
class Borrowed:
    """An image without strokes, and what it borrows.

    Attributes
    ----------
    problem : Problem
        Of the image alone: all open, with the labels of the examples.
    elsewhere : Elsewhere
        The colours of the labelled pixels of the examples.
    note : str
        Where the colours come from, in a sentence.
    """

    problem: Problem
    elsewhere: Elsewhere
    note: str


def borrow(picture: Picture, label_map: LabelArray, examples: Sequence[tuple[Any, Any]]) -> Borrowed:
    """Return the problem of an image without labels, and what it borrows from other images.

    Parameters
    ----------
    picture : Picture
        The image.
    label_map : array of int
        Its labels, all 0: their shape and type are those of the result.
    examples : sequence of (image, labels)
        Read as the image is: the same axis of channels, the same contrast limits.

    Raises
    ------
    InputError
        If an example cannot be used, does not fit the image, or there are fewer than two labels in all of them.
    """
    pairs, fitted = [], [picture.fitted(label_map.shape)]
    for number, (image, ids) in enumerate(examples, start=1):
        with _said_of(number):
            labels = read_labels(ids)
            pairs.append((replace(picture, image=image, mask=None, spacing=None), labels))
            fitted.append(pairs[-1][0].fitted(labels.shape))
    _check_alike(fitted)
    limits = picture.contrast_limits
    if limits is None and fitted[0].image.dtype != np.uint8:
        limits = find_contrast_limits(np.concatenate([_sample(one) for one in fitted]), picture.by_channel)
    problem = read_problem(replace(picture, contrast_limits=limits), label_map)
    others = []
    for number, (each, ids) in enumerate(pairs, start=1):
        with _said_of(number):
            others.append(read_problem(replace(each, contrast_limits=limits), ids))
    label_ids = np.unique(np.concatenate([other.label_ids.astype(np.uint64) for other in others]))  # none is negative
    if len(label_ids) < 2:
        raise InputError("The examples hold fewer than two labels: give images with strokes of every class.")
    if label_ids[-1] > np.iinfo(label_map.dtype).max:
        raise InputError(
            f"The examples hold the label {label_ids[-1]}, which labels of type {label_map.dtype} cannot; pass "
            f"labels.astype(np.{np.min_scalar_type(label_ids[-1])})."
        )
    colours, labels = _labelled(others, label_ids)
    used = sum(bool(len(other.label_ids)) for other in others)
    posed = replace(problem, label_ids=label_ids.astype(label_map.dtype))
    sizes = np.bincount(labels, minlength=len(label_ids)).astype(np.float32)
    elsewhere = Elsewhere(
        gain=contrast_gain(np.concatenate([problem.colours, colours], axis=1)),
        labelled_share=0.0,
        painted_share=0.0,
        sizes=sizes,
        colours=colours.astype(np.float32, copy=False),
        labels=labels,
        weights=1.0 / sizes[labels],
    )
    whose = "another image" if used == 1 else f"{used} other images"
    note = f"This image has no strokes of its own: the colours of its labels are those of the strokes in {whose}."
    return Borrowed(posed, elsewhere, note)


def read_examples(examples: Any) -> list[tuple[Any, Any]]:
    """Return examples as pairs of an image and its labels.

    Raises
    ------
    InputError
        If they are none.
    """
    try:
        return [(image, ids) for image, ids in examples]
    except (TypeError, ValueError) as error:
        raise InputError("examples must be a list of pairs (image, labels), such as [(image, labels)].") from error


def has_labels(picture: Picture, label_map: LabelArray) -> bool:
    """Whether an image has strokes of its own, where it takes part: then it borrows nothing."""
    mask = read_mask(picture.mask, label_map.shape)
    return bool(((label_map if mask is None else label_map[mask]) != UNLABELLED).any())


@contextmanager
def _said_of(number: int) -> Iterator[None]:
    """Say which example cannot be used."""
    try:
        yield
    except InputError as error:
        raise InputError(f"Example {number} cannot be used. {error}") from error


def _check_alike(fitted: Sequence[Picture]) -> None:
    """Raise if an example cannot be scaled as the image is."""
    image = fitted[0].image
    for number, example in enumerate(fitted[1:], start=1):
        if example.image.shape[-1] != image.shape[-1]:
            raise InputError(
                f"Example {number} has {_channels(example.image)} but the image {_channels(image)}; give examples with "
                "as many, in the same order."
            )
        if (example.image.dtype == np.uint8) != (image.dtype == np.uint8):
            raise InputError(
                f"Example {number} has values of type {example.image.dtype} but the image {image.dtype}, so their "
                "colours cannot be compared; give examples of the same type."
            )


def _channels(image: NDArray[Any]) -> str:
    count = image.shape[-1]
    return f"{count} channel{'s' * (count > 1)}"


def _sample(picture: Picture) -> NDArray[Any]:
    """Return some of the values of an image, (N, C), where it takes part and they are finite."""
    values: NDArray[Any] = picture.image.reshape(-1, picture.image.shape[-1])
    if picture.mask is not None:
        values = values[picture.mask.reshape(-1)]
    values = values[:: -(-len(values) // _SAMPLE)]
    return values[np.isfinite(values).all(axis=1)] if values.dtype.kind == "f" else values


def _labelled(others: Sequence[Problem], label_ids: NDArray[np.uint64]) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """Return colours (C, M) and compact labels (M,) of the labelled pixels, not too many of each label."""
    found = []
    for other in others:
        (places,) = np.nonzero(other.labels != OPEN)
        numbers = np.searchsorted(label_ids, other.label_ids[other.labels[places]].astype(np.uint64))
        found.append((other.colours[:, places], numbers.astype(np.int32)))
    colours = np.concatenate([colours for colours, _ in found], axis=1)
    labels = np.concatenate([labels for _, labels in found])
    kept = []
    for label in range(len(label_ids)):
        (places,) = np.nonzero(labels == label)
        kept.append(places[:: -(-len(places) // _MOST_PIXELS)])
    chosen = np.sort(np.concatenate(kept))
    return colours[:, chosen], labels[chosen]

"""Which pixels take no part because of what the files say of them, or a person of an id, counted by what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.inputs import UNLABELLED
from napari_coarse_crf.io.raster import together

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_coarse_crf.compute.arrays import LabelArray, MaskArray
    from napari_coarse_crf.io.reading import ImageFile, LabelFile

LeftOut = dict[str, "MaskArray"]
"""Where pixels are left out, by what they are; none twice."""


def check_ignored(ignore: Sequence[int]) -> None:
    """Raise if 0 is to be ignored: those pixels are what is to be labelled."""
    if UNLABELLED in ignore:
        raise InputError("0 cannot be ignored: it stands for the pixels that are to be labelled. Give another id.")


def find_void(labels: LabelFile, ignore: Sequence[int]) -> LeftOut:
    """Return where the numbers of a label file are no labels.

    Raises
    ------
    InputError
        If 0 is to be ignored: those pixels are what is to be labelled.
    """
    check_ignored(ignore)
    found = {"pixels whose label stands for no data": labels.missing}
    found |= {f"pixels of the id {label_id}": labels.ids == label_id for label_id in ignore}
    return _apart(found, labels.ids.shape)


def find_left_out(image: ImageFile, channel_axis: int | None, void: LeftOut, shape: tuple[int, ...]) -> LeftOut:
    """Return where pixels of an image show nothing, and what of its labels is void.

    Parameters
    ----------
    image : ImageFile
        The image.
    channel_axis : int or None
        The axis of its channels.
    void : mapping
        What `find_void` returned.
    shape : tuple of int
        That of the labels.
    """
    pixels = image.image
    found: dict[str, MaskArray | None] = {
        "transparent pixels": None if image.mask is None else ~image.mask,
        "pixels of no data": image.missing,
        "pixels of NaN": np.isnan(pixels) if pixels.dtype.kind == "f" else None,
    }
    if channel_axis is not None:
        for name, where in found.items():
            if where is not None and where.ndim == pixels.ndim:
                found[name] = together(where, pixels.dtype, channel_axis)
    return _apart(found | void, shape)


def mask_without(left_out: LeftOut, given: MaskArray | None) -> MaskArray | None:
    """Return where pixels take part: where nothing leaves them out, and a person's mask does not either.

    Raises
    ------
    InputError
        If none does.
    """
    if not left_out:
        return given
    mask: MaskArray = ~np.logical_or.reduce(list(left_out.values()))
    if not mask.any():
        raise InputError(f"No pixel takes part: all are {' or '.join(left_out)}. Give an image that shows something.")
    if given is None:
        return mask
    return mask & given if given.shape == mask.shape else given  # shapes that differ are left to the core


def without_void(ids: LabelArray, void: LeftOut) -> LabelArray:
    """Return the labels, none where they are void."""
    return np.where(np.logical_or.reduce(list(void.values())), UNLABELLED, ids).astype(ids.dtype) if void else ids


def say_left_out(left_out: LeftOut) -> tuple[str, ...]:
    """Say how many pixels are left out."""
    counts = [f"{np.count_nonzero(where)} {name}" for name, where in left_out.items()]
    return (f"Left out, and left as they are: {', '.join(counts)}.",) if counts else ()


def _apart(found: Mapping[str, Any], shape: tuple[int, ...]) -> LeftOut:
    """Return what is anywhere, each pixel once. Shapes that differ are left to the core, which says so in words."""
    taken, apart = np.zeros(shape, np.bool_), {}
    for name, where in found.items():
        if where is not None and where.shape == shape and (where & ~taken).any():
            apart[name] = where & ~taken
            taken |= where
    return apart

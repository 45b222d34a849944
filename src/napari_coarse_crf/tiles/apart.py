"""A picture refined part by part: each frame of a film, each plane of a stack on its own, and put together again."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.refinement import Progress
from napari_coarse_crf.refiner import Refiner
from napari_coarse_crf.tiles.parts import NO_SLICE, Assembly, has_two_labels, of_axes_left

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari_coarse_crf.compute.arrays import LabelArray
    from napari_coarse_crf.inputs import Picture
    from napari_coarse_crf.parameters import Parameters
    from napari_coarse_crf.refinement import Refinement
    from napari_coarse_crf.refiner import EngineName
    from napari_coarse_crf.tiles.parts import Part

_PART_STEPS = 100
"""Steps that each part is reported as: how many it really takes is known only once it has begun."""

T = TypeVar("T")


def parts_apart(shape: Sequence[int], axes: Sequence[int]) -> list[Part]:
    """Return the parts of an array of this shape that have one number along each of these axes.

    Examples
    --------
    >>> parts_apart((2, 40, 60), (0,))
    [(0, slice(0, 40, None), slice(0, 60, None)), (1, slice(0, 40, None), slice(0, 60, None))]
    """
    along = [range(size) if axis in axes else [slice(0, size)] for axis, size in enumerate(shape)]
    return list(product(*along))


def cut_picture(picture: Picture, part: Part) -> Picture:
    """Return one part of a picture that was fitted to its labels (`Picture.fitted`)."""
    spacing = None if picture.spacing is None else of_axes_left(picture.spacing, part)
    mask = None if picture.mask is None else picture.mask[part]
    return replace(picture, image=picture.image[part], mask=mask, spacing=spacing)


def make_refiner(
    picture: Picture,
    labels: LabelArray,
    apart: Sequence[int],
    *,
    engine: EngineName = "lattice",
    workers: int | None = None,
) -> Refiner | PartRefiner:
    """Return what refines everything at once, or, where axes are named, each index along them on its own."""
    if apart:
        return PartRefiner(picture, labels, apart, engine=engine, workers=workers)
    return Refiner.of(picture, labels, engine=engine, workers=workers)


def spread(parts: Sequence[T], most: int) -> list[T]:
    """Return a few parts that stand for all, from the first to the last and evenly apart.

    Examples
    --------
    >>> spread("abcdefghi", 3), spread("ab", 3)
    (['a', 'e', 'i'], ['a', 'b'])
    """
    places = np.linspace(0, len(parts) - 1, min(len(parts), most)).round().astype(int)
    return [parts[place] for place in places]


def step_among(number: int, count: int, progress: Progress) -> Progress:
    """Return a step of one of several parts as one of all of them.

    Examples
    --------
    >>> step_among(1, 4, Progress("mean field", 3, 6))
    Progress(stage='slice 2 of 4, mean field', step=150, total=400, refinement=None)
    """
    done = number * _PART_STEPS + progress.step * _PART_STEPS // max(1, progress.total)
    stage = f"slice {number + 1} of {count}, {progress.stage}"
    return replace(progress, stage=stage, step=done, total=count * _PART_STEPS, refinement=None)


class PartRefiner:
    """Refine parts of one picture, each as if it were all there is; offers the `steps` of a `Refiner`.

    Parameters
    ----------
    picture, labels : Picture, array of int
        As for `Refiner.of`.
    axes : sequence of int
        The axes along which parts lie apart: each index there is a part of its own.
    engine, workers
        As for `Refiner`.

    Raises
    ------
    InputError
        If no part holds two labels, or the first that does cannot be refined.
    """

    def __init__(
        self,
        picture: Picture,
        labels: LabelArray,
        axes: Sequence[int],
        *,
        engine: EngineName = "lattice",
        workers: int | None = None,
    ) -> None:
        self._picture, self._labels = picture.fitted(labels.shape), labels
        self._engine, self._workers = engine, workers
        self._parts = parts_apart(labels.shape, axes)
        first = next((part for part in self._parts if self._can_be_refined(part)), None)
        if first is None:
            raise InputError(NO_SLICE)
        self._first = first
        self._refiner(first)  # made for its checks

    def run(self, parameters: Parameters | None = None) -> Refinement:
        """Refine part by part."""
        *_, last = self.steps(parameters)
        assert last.refinement is not None  # noqa: S101  # the last step always carries it
        return last.refinement

    def steps(self, parameters: Parameters | None = None) -> Iterator[Progress]:
        """Refine part by part; the last step carries the refinement of all."""
        assembly, total = Assembly(self._labels), len(self._parts) * _PART_STEPS
        chosen, reason = parameters, ""
        for number, part in enumerate(self._parts):
            if not self._can_be_refined(part):
                assembly.skip(part)
                continue
            for progress in self._refiner(part).steps(chosen):  # the first that is refined chooses the weights of all
                if (refinement := progress.refinement) is not None:
                    assembly.put(part, refinement)
                    chosen, reason = refinement.parameters, reason or refinement.reason
                yield step_among(number, len(self._parts), progress)
        assert chosen is not None  # noqa: S101  # one part at least was refined, see __init__
        yield Progress("mean field", total, total, replace(assembly.result(chosen), reason=reason))

    def estimate_memory(self, parameters: Parameters | None = None) -> int:
        """Estimate the memory that a run takes at its peak: that of the first part to be refined, and the whole result.

        See `Refiner.estimate_memory`.
        """
        result = self._labels.nbytes + self._labels.size * np.dtype(np.float32).itemsize
        return self._refiner(self._first).estimate_memory(parameters) + result

    def _can_be_refined(self, part: Part) -> bool:
        mask = self._picture.mask
        return has_two_labels(self._labels[part], None if mask is None else mask[part])

    def _refiner(self, part: Part) -> Refiner:
        picture = cut_picture(self._picture, part)
        return Refiner.of(picture, self._labels[part], engine=self._engine, workers=self._workers)

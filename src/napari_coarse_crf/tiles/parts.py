"""Which pixels a run is about: the whole array, slices of it, what is in view, or inside drawn outlines.

Plain arithmetic on shapes and arrays, without a window. A `Scope` names parts of the label array; each part is refined
on its own and put back, so pixels outside keep the person's labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.compute.parallel import blocks
from napari_coarse_crf.errors import InputError
from napari_coarse_crf.refinement import Refinement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import LabelArray, MaskArray
    from napari_coarse_crf.parameters import Parameters

Part = tuple[int | slice, ...]
"""Where one part lies in the label array: a number for an axis that it has only one slice of."""

NO_SLICE = "No slice holds two labels. Paint at least two classes on a slice that is to be refined."

_AT_ONCE = 2**22  # pixels
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Scope:
    """What of the label array is refined.

    Attributes
    ----------
    slice_axis : int or None
        The axis whose slices are refined each on its own; None: everything at once, true 3-D for a volume.
    index : int or None
        The only slice to refine; None: all of them.
    box : tuple of (start, stop) or None
        The only range to refine along each axis.
    apart : tuple of int or None
        Further axes along which each index is refined on its own, as time; None: nobody said.
    """

    slice_axis: int | None = None
    index: int | None = None
    box: tuple[tuple[int, int], ...] | None = None
    apart: tuple[int, ...] | None = None

    def parts(self, shape: Sequence[int]) -> list[Part]:
        """Return the parts of an array of this shape.

        Examples
        --------
        >>> Scope(slice_axis=0).parts((2, 40, 60))
        [(0, slice(0, 40, None), slice(0, 60, None)), (1, slice(0, 40, None), slice(0, 60, None))]
        """
        ranges = self.box or tuple((0, size) for size in shape)
        along: list[Sequence[int | slice]] = [[slice(start, stop)] for start, stop in ranges]
        for axis in self.apart or ():
            along[axis] = range(*ranges[axis])
        if self.slice_axis is not None:
            along[self.slice_axis] = range(*ranges[self.slice_axis]) if self.index is None else [self.index]
        return list(product(*along))

    def window(self, shape: Sequence[int]) -> tuple[slice, ...]:
        """Return the smallest range along each axis of an array of this shape that holds all parts.

        Examples
        --------
        >>> Scope(slice_axis=0, index=7).window((9, 40, 60))
        (slice(7, 8, None), slice(0, 40, None), slice(0, 60, None))
        """
        ranges = list(self.box or ((0, size) for size in shape))
        if self.slice_axis is not None and self.index is not None:
            ranges[self.slice_axis] = (self.index, self.index + 1)
        return tuple(slice(start, stop) for start, stop in ranges)


def is_whole(part: Part, shape: Sequence[int]) -> bool:
    """Whether a part is all of the array."""
    return all(isinstance(one, slice) and one == slice(0, size) for one, size in zip(part, shape, strict=True))


def of_axes_left(values: Sequence[float], part: Part) -> tuple[float, ...]:
    """Return the values, one for each axis, of the axes that the part still has."""
    return tuple(value for value, one in zip(values, part, strict=True) if isinstance(one, slice))


def part_shape(part: Part) -> tuple[int, ...]:
    """Return the shape of a part."""
    return tuple(one.stop - one.start for one in part if isinstance(one, slice))


def within(part: Part, window: Sequence[slice]) -> Part:
    """Return where a part lies in a window that holds it.

    Examples
    --------
    >>> within((7, slice(10, 20)), (slice(7, 8), slice(5, 50)))
    (0, slice(5, 15, None))
    """
    return tuple(
        slice(one.start - outer.start, one.stop - outer.start) if isinstance(one, slice) else one - outer.start
        for one, outer in zip(part, window, strict=True)
    )


def cut_out(data: Any, part: Part | None, channel_axis: int | None) -> NDArray[Any]:
    """Read one part of an image (None: all of it), its channels last. Lazy data is read here.

    Parameters
    ----------
    data : array
        With one axis more than `part` if it has channels.
    part : tuple of int and slice, or None
        Where in space.
    channel_axis : int or None
        The axis of the channels, not negative; None for one channel without an axis of its own.
    """
    if part is None:
        array, dropped = np.asarray(data), 0
    elif channel_axis is None:
        return np.asarray(data[part])
    else:
        array = np.asarray(data[(*part[:channel_axis], slice(None), *part[channel_axis:])])
        dropped = sum(not isinstance(one, slice) for one in part[:channel_axis])
    return array if channel_axis is None else np.moveaxis(array, channel_axis - dropped, -1)


def has_two_labels(labels: LabelArray, mask: MaskArray | None = None) -> bool:
    """Whether there is anything to tell apart among the pixels that take part."""
    taking_part = labels if mask is None else labels[mask]
    labelled = taking_part[taking_part != 0]
    return bool(labelled.size) and bool((labelled != labelled[0]).any())


def copy_labels(labels: Any) -> LabelArray:
    """Return a copy in memory, which of a stack takes that of the planes with labels: the system gives what is written.

    Parameters
    ----------
    labels : array
        0 = unlabelled, or left out where it is a mask. May be lazy.
    """
    # Asked of what numpy makes of them: tensorstore has types of its own.
    copied = np.zeros(labels.shape, np.asarray(labels[(slice(0, 1),) * labels.ndim]).dtype)
    for place, plane in labelled_planes(labels):
        copied[place] = plane
    return copied


def labelled_planes(labels: Any) -> Iterator[tuple[int | slice, LabelArray]]:
    """Yield the planes of a stack that hold labels, and their places. Few are in memory at once."""
    return ((place, plane) for place, plane in _planes(labels) if plane.any())


def sum_counts(counts: Iterable[Mapping[int, tuple[int, int]]]) -> dict[int, tuple[int, int]]:
    """Return the pixels of each label before and after, in all of several parts.

    Examples
    --------
    >>> sum_counts([{7: (1, 5)}, {3: (2, 2), 7: (0, 4)}])
    {3: (2, 2), 7: (1, 9)}
    """
    found: dict[int, tuple[int, int]] = {}
    for one in counts:
        for label_id, (before, after) in one.items():
            sum_before, sum_after = found.get(label_id, (0, 0))
            found[label_id] = sum_before + before, sum_after + after
    return dict(sorted(found.items()))


class Assembly:
    """Puts refined parts back into the whole.

    Of a stack of which one slice is refined, it takes the memory of the slices that hold labels, as `copy_labels`.

    Parameters
    ----------
    labels : array of int
        The person's labels: what stays wherever no part is put. May be lazy.

    Attributes
    ----------
    labels : array of int
        The whole as it is now; at first a copy of the person's labels.
    """

    def __init__(self, labels: Any) -> None:
        self.labels = copy_labels(labels)
        self._confidence = np.zeros(labels.shape, np.float32)
        for place, plane in labelled_planes(self.labels):
            self._confidence[place] = plane != 0
        self._counts: list[Mapping[int, tuple[int, int]]] = []
        self._iterations = 0
        self._warnings: list[str] = []
        self._skipped: list[int] = []

    def put(self, part: Part, refinement: Refinement) -> None:
        """Take over one part."""
        self.labels[part] = refinement.labels
        self._confidence[part] = refinement.confidence
        self._counts.append(refinement.label_counts)
        self._iterations = max(self._iterations, refinement.iterations)
        self._warnings += [f"{_place(part)}{sentence}" for sentence in refinement.warnings]

    def skip(self, part: Part) -> None:
        """Leave a slice as it is, as it holds fewer than two labels."""
        self._skipped += [one for one in part if not isinstance(one, slice)]

    def result(self, parameters: Parameters) -> Refinement:
        """Return the whole.

        Raises
        ------
        InputError
            If no part was put.
        """
        if not self._counts:
            raise InputError(NO_SLICE)
        warnings = self._warnings
        if self._skipped:
            named = ", ".join(map(str, self._skipped[:_MOST_NAMED]))
            more = ", ..." if len(self._skipped) > _MOST_NAMED else ""
            slices = "slice" if len(self._skipped) == 1 else "slices"
            warnings = [f"Left as they are, with fewer than two labels: {slices} {named}{more}.", *warnings]
        counts = sum_counts(self._counts)
        return Refinement(self.labels, self._confidence, parameters, self._iterations, counts, tuple(warnings))


def _planes(labels: Any) -> Iterator[tuple[int | slice, LabelArray]]:
    """Yield each plane of a stack and its place; as many are read at once as are stored together, else few."""
    if labels.ndim < 3:
        yield slice(None), np.asarray(labels)
        return
    chunks = getattr(labels, "chunks", None)
    step = int(np.max(chunks[0])) if chunks else max(1, _AT_ONCE // int(np.prod(labels.shape[1:])))
    for start, stop in blocks(labels.shape[0], step):
        yield from enumerate(np.asarray(labels[start:stop]), start)


def _place(part: Part) -> str:
    return "".join(f"Slice {one}: " for one in part if not isinstance(one, slice))

"""How good a label map is, in the figures of the source's Table 1.

Everything is counted once into a confusion matrix; every score is a share of those counts, so the counts of many images
can be added before scores are taken (`Scores.pool`). The matrix is sparse: of thousands of ids, few are ever confused.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage as ndi
from scipy import sparse

from napari_coarse_crf.compute.arrays import is_whole_number
from napari_coarse_crf.errors import InputError, in_short
from napari_coarse_crf.inputs import UNLABELLED, read_array

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from napari_coarse_crf.compute.arrays import LabelArray, MaskArray


@dataclass(frozen=True, slots=True)
class Share:
    """How many of a number of pixels are right.

    Attributes
    ----------
    right, total : int
        Pixels.
    """

    right: int
    total: int

    @property
    def value(self) -> float:
        """The share of right pixels; NaN of no pixels."""
        return self.right / self.total if self.total else float("nan")

    def __add__(self, other: Share) -> Share:
        """Return the share over the pixels of both."""
        return Share(self.right + other.right, self.total + other.total)


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """The counts of one or many label maps against the truth, and the scores that follow from them.

    A class of the truth is an id with at least one evaluated pixel; averages run over these. A class that only the
    prediction names has no score of its own, but its pixels are errors of the classes they should have been.

    Attributes
    ----------
    ids : tuple of int
        The ids of truth and prediction, ascending; 0 among them stands for pixels that the prediction left unlabelled.
    counts : (K, K) sparse array of int64
        Evaluated pixels by id of the truth (rows) and of the prediction (columns), in the order of `ids`.
    boundary : Share
        The pixels within a few pixels of a boundary of the truth.
    unlabelled : Share or None
        The pixels that the coarse map left open; None if no coarse map was given.
    """

    ids: tuple[int, ...]
    counts: sparse.csr_array
    boundary: Share
    unlabelled: Share | None = None

    @property
    def confusion(self) -> NDArray[np.int64]:
        """`counts` as a (K, K) ndarray: for classes, as K ids take 8 K x K bytes."""
        dense: NDArray[np.int64] = self.counts.toarray()
        return dense

    @property
    def classes(self) -> tuple[int, ...]:
        """The classes of the truth, ascending."""
        rows = self.counts.sum(axis=1)
        return tuple(label_id for label_id, pixels in zip(self.ids, rows, strict=True) if pixels)

    @property
    def accuracy(self) -> dict[int, float]:
        """By class of the truth: the share of its pixels that the prediction found, ``|P and T| / |T|``."""
        return self._by_class(self.counts.sum(axis=1))

    @property
    def iou(self) -> dict[int, float]:
        """By class of the truth: intersection over union, ``|P and T| / |P or T|``."""
        rows, columns = self.counts.sum(axis=1), self.counts.sum(axis=0)
        return self._by_class(rows + columns - self.counts.diagonal())

    @property
    def mean_accuracy(self) -> float:
        """The average of `accuracy` over the classes of the truth."""
        return float(np.mean(list(self.accuracy.values())))

    @property
    def mean_iou(self) -> float:
        """The average of `iou` over the classes of the truth."""
        return float(np.mean(list(self.iou.values())))

    @property
    def pixel_accuracy(self) -> float:
        """The share of right pixels, whatever their class."""
        return float(self.counts.trace() / self.counts.sum())

    @property
    def unlabelled_accuracy(self) -> float | None:
        """The share of right pixels among those that the coarse map left open; None without a coarse map."""
        return None if self.unlabelled is None else self.unlabelled.value

    @property
    def boundary_accuracy(self) -> float:
        """The share of right pixels near a boundary of the truth; NaN if the truth has no boundary."""
        return self.boundary.value

    @classmethod
    def pool(cls, scores: Iterable[Scores]) -> Scores:
        """Return the scores over the pixels of several label maps together.

        Large images and frequent classes weigh more than in the average of each map's scores.

        Parameters
        ----------
        scores : iterable of Scores
            At least one; the images may have different classes.

        Raises
        ------
        InputError
            If there is nothing to pool, or only some of the scores know a coarse map.

        Examples
        --------
        >>> first = evaluate_labels([[1, 1, 2]], [[1, 1, 1]])
        >>> second = evaluate_labels([[2]], [[2]])
        >>> Scores.pool([first, second]).iou[2]
        0.5
        """
        parts = tuple(scores)
        if not parts:
            raise InputError("There are no scores to pool. Evaluate at least one label map first.")
        known = [part.unlabelled for part in parts if part.unlabelled is not None]
        if known and len(known) < len(parts):
            raise InputError(
                "Some of the scores know a coarse map and some do not. Give `coarse` to every evaluation or to none."
            )
        ids = tuple(sorted({label_id for part in parts for label_id in part.ids}))
        place = {label_id: index for index, label_id in enumerate(ids)}
        counts = sparse.csr_array((len(ids), len(ids)), dtype=np.int64)
        for part in parts:
            places = np.array([place[label_id] for label_id in part.ids])
            own = part.counts.tocoo()
            counts += sparse.csr_array((own.data, (places[own.row], places[own.col])), counts.shape)
        return cls(
            ids,
            counts,
            boundary=sum((part.boundary for part in parts), Share(0, 0)),
            unlabelled=sum(known, Share(0, 0)) if known else None,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as lists and numbers, ready for JSON.

        Examples
        --------
        >>> evaluate_labels([[1, 2, 2]], [[1, 1, 2]]).to_dict()["confusion"]
        [[1, 1, 1], [1, 2, 1], [2, 2, 1]]
        """
        own = self.counts.tocoo()
        entries = zip(own.row.tolist(), own.col.tolist(), own.data.tolist(), strict=True)
        return {
            # By (truth, prediction, pixels): most of a large matrix is 0.
            "confusion": [[self.ids[row], self.ids[column], pixels] for row, column, pixels in entries],
            "boundary": [self.boundary.right, self.boundary.total],
            "unlabelled": None if self.unlabelled is None else [self.unlabelled.right, self.unlabelled.total],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Scores:
        """Return the scores stored by `to_dict`.

        Raises
        ------
        InputError
            If these are no scores.
        """
        try:
            truth, found, pixels = zip(*map(_integers, values["confusion"]), strict=True)
            shares = [Share(*_integers(share)) for share in (values["boundary"], values["unlabelled"] or (0, 0))]
            if min(pixels) < 1 or any(not 0 <= share.right <= share.total for share in shares):
                raise ValueError
            ids, counts = _confusion(truth, found, pixels)
            return cls(ids, counts, shares[0], None if values["unlabelled"] is None else shares[1])
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise InputError("These are no scores. Give what Scores.to_dict() returns.") from error

    def _by_class(self, total: NDArray[np.int64]) -> dict[int, float]:
        """Return right pixels over `total` for the classes of the truth."""
        present = set(self.classes)
        return {
            label_id: int(right) / int(of)
            for label_id, right, of in zip(self.ids, self.counts.diagonal(), total, strict=True)
            if label_id in present
        }


def evaluate_labels(
    predicted: ArrayLike,
    truth: ArrayLike,
    *,
    coarse: ArrayLike | None = None,
    ignore: int | None = 0,
    classes: Sequence[int] | None = None,
    boundary_width: int = 3,
) -> Scores:
    """Compare a label map with the truth.

    Parameters
    ----------
    predicted : ([Z,] Y, X) array of int
        The label map to judge. An unlabelled pixel (0) counts as wrong, unless `ignore` makes 0 a class of the truth.
    truth : ([Z,] Y, X) array of int
        The wanted label ids.
    coarse : ([Z,] Y, X) array of int, optional
        The map that a person painted (0: unlabelled). With it, the accuracy on the pixels it left open is known too,
        and 0 cannot be a class of the truth.
    ignore : int or None
        The id in `truth` of pixels that nobody knows; they are not evaluated. None: evaluate every pixel.
    classes : sequence of int, optional
        Evaluate only the pixels whose truth is one of these; all classes of the truth if not given.
    boundary_width : int
        Pixels this near to a boundary between two evaluated classes count for `Scores.boundary`, counted in steps
        along the axes. 1: only the pixels that touch the boundary.

    Returns
    -------
    Scores
        Accuracy and IoU by class, their averages, and the counts they come from.

    Raises
    ------
    InputError
        If the arrays differ in shape, hold anything but whole numbers, or leave nothing to evaluate.

    Examples
    --------
    >>> scores = evaluate_labels([[1, 1, 2, 0]], [[1, 1, 1, 2]])
    >>> scores.iou[1], scores.iou[2], scores.mean_accuracy
    (0.6666666666666666, 0.0, 0.3333333333333333)
    """
    found, wanted = _label_map(predicted, "predicted labels"), _label_map(truth, "truth")
    _check_shape(found, wanted, "predicted labels")
    width = _whole("boundary_width", boundary_width)
    if width < 1:
        raise InputError(f"boundary_width is {in_short(boundary_width)}; it must be 1 or more pixels.")
    evaluated = _evaluated(wanted, ignore, classes)
    right = evaluated & np.equal(found, wanted)
    ids, counts = _confusion(*_count(wanted[evaluated], found[evaluated]))
    band = evaluated & _near_boundary(wanted, evaluated, width)
    unlabelled = None
    if coarse is not None:
        painted = _label_map(coarse, "coarse labels")
        _check_shape(painted, wanted, "coarse labels")
        if (wanted[evaluated] == UNLABELLED).any():
            raise InputError(
                "0 is a class of the truth here, but in the coarse labels it means unlabelled, so nobody can paint it. "
                "Number the classes of both maps from 1 up, alike."
            )
        unlabelled = _share(right, evaluated & (painted == UNLABELLED))
    return Scores(ids, counts, boundary=_share(right, band), unlabelled=unlabelled)


def _label_map(values: ArrayLike, what: str) -> LabelArray:
    if isinstance(values, np.ma.MaskedArray):
        raise InputError(
            f"A masked array was given for the {what}, and what is masked is neither right nor wrong here: pass its "
            "data, with the id of `ignore` in the truth where a pixel is not to be judged, such as truth.filled(0)."
        )
    labels = read_array(what, values)
    if labels.dtype.kind not in "iu":
        raise InputError(
            f"The {what} are of type {labels.dtype}, but label ids are whole numbers. "
            "Round them and convert them, for example with labels.astype(int)."
        )
    return labels


def _check_shape(labels: LabelArray, truth: LabelArray, what: str) -> None:
    if labels.shape != truth.shape:
        raise InputError(
            f"The {what} have shape {labels.shape} but the truth is {truth.shape}. "
            "Evaluate maps of the same image, or crop both to the same region."
        )


def _evaluated(truth: LabelArray, ignore: int | None, classes: Sequence[int] | None) -> MaskArray:
    """Return where the truth is known and asked for."""
    evaluated = np.ones(truth.shape, dtype=bool) if ignore is None else truth != _whole("ignore", ignore)
    if classes is not None:
        if not isinstance(classes, Iterable) or getattr(classes, "ndim", 1) == 0:
            raise InputError(f"classes is {in_short(classes)}; pass the ids in a list, or None for all.")
        asked = np.zeros(truth.shape, dtype=bool)
        for label_id in classes:
            asked |= truth == _whole("an id of classes", label_id)
        evaluated &= asked
    if not evaluated.any():
        raise InputError(
            f"No pixel is left to evaluate: the truth holds nothing but {ignore} (ignored) or ids that were not asked "
            "for. Check that the truth belongs to this image and that `ignore` and `classes` are ids of it."
        )
    return evaluated


def _whole(name: str, value: Any) -> int:
    """Return a whole number, or say that it is none."""
    if not is_whole_number(value):
        raise InputError(f"{name} is {in_short(value)}; it must be a whole number.")
    return int(value)


def _count(truth: LabelArray, found: LabelArray) -> tuple[list[int], list[int], list[int]]:
    """Return each pair of ids that occurs, (truth, prediction), and its number of pixels."""
    truth_ids, rows = np.unique(truth, return_inverse=True)
    found_ids, columns = np.unique(found, return_inverse=True)
    pairs, pixels = np.unique(rows * len(found_ids) + columns, return_counts=True)
    rows, columns = np.divmod(pairs, len(found_ids))
    # As Python integers: numpy's common type of int64 and uint64 is a float, which merges large ids.
    return truth_ids[rows].tolist(), found_ids[columns].tolist(), pixels.tolist()


def _integers(numbers: Iterable[Any]) -> list[int]:
    return [operator.index(number) for number in numbers]


def _confusion(
    truth: Sequence[int], found: Sequence[int], pixels: Sequence[int]
) -> tuple[tuple[int, ...], sparse.csr_array]:
    """Return the ids and the matrix of pairs that were counted."""
    ids = tuple(sorted({*truth, *found}))
    place = {label_id: index for index, label_id in enumerate(ids)}
    rows, columns = [place[label_id] for label_id in truth], [place[label_id] for label_id in found]
    return ids, sparse.csr_array((np.array(pixels, np.int64), (rows, columns)), (len(ids), len(ids)))


def _near_boundary(truth: LabelArray, evaluated: MaskArray, width: int) -> MaskArray:
    """Return the pixels at most `width` steps from a pixel of another class; ignored pixels make no boundary."""
    near = np.zeros(truth.shape, dtype=bool)
    for axis in range(truth.ndim):
        ids, known, touching = (np.moveaxis(array, axis, 0) for array in (truth, evaluated, near))
        differ = (ids[1:] != ids[:-1]) & known[1:] & known[:-1]  # no filter: those of scipy merge large ids
        touching[1:] |= differ
        touching[:-1] |= differ
    if width == 1 or not near.any():
        return near
    within: MaskArray = ndi.distance_transform_cdt(~near, metric="taxicab") < width
    return within


def _share(right: MaskArray, where: MaskArray) -> Share:
    return Share(int(np.count_nonzero(right & where)), int(np.count_nonzero(where)))

"""Which pixels take no part, and which labels are none, told of each part as it is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.inputs import UNLABELLED
from napari_coarse_crf.io.lazy.stored import Lazy
from napari_coarse_crf.io.left_out import check_ignored
from napari_coarse_crf.io.raster import together

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import LabelArray, MaskArray
    from napari_coarse_crf.io.reading import ImageFile, LabelFile


@dataclass(frozen=True, eq=False)
class Void:
    """Where the numbers of a label map are no labels: what stands for no data, and the ids that a person ignores.

    Attributes
    ----------
    ids : array of int
        The label map; may be lazy.
    missing : array of bool or None
        Where it stands for no data.
    ignore : tuple of int
        The ids that are ignored.
    """

    ids: Any
    missing: Any
    ignore: tuple[int, ...]

    @classmethod
    def of(cls, labels: LabelFile, ignore: tuple[int, ...]) -> Void:
        """Return that of a label map.

        Raises
        ------
        InputError
            If 0 is to be ignored: those pixels are what is to be labelled.
        """
        check_ignored(ignore)
        return cls(labels.ids, labels.missing, tuple(ignore))

    @property
    def is_anywhere(self) -> bool:
        """Whether any pixel may be void."""
        return self.missing is not None or bool(self.ignore)

    def inside(self, box: tuple[slice, ...], ids: LabelArray) -> MaskArray:
        """Return where a part is void.

        Parameters
        ----------
        box : tuple of slice
            The part.
        ids : array of int
            What the label map holds there.
        """
        void = np.isin(ids, self.ignore)
        return void if self.missing is None else void | np.asarray(self.missing[box])

    def restored(self, box: tuple[slice, ...], labels: LabelArray) -> LabelArray:
        """Return labels of a part with what is void there as it is stored; their type stays."""
        stored = np.asarray(self.ids[box])
        return np.where(self.inside(box, stored), stored, labels).astype(labels.dtype, copy=False)

    def named(self) -> list[str]:
        """Return what is void, in words."""
        missing = [] if self.missing is None else ["pixels whose label stands for no data"]
        return missing + [f"pixels of the id {label_id}" for label_id in self.ignore]


@dataclass(frozen=True, eq=False)
class WithoutVoid(Lazy):
    """A label map that holds no label where it is void."""

    void: Void

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]  # an attribute of others
        """Shape of the label map."""
        return tuple(self.void.ids.shape)

    @property
    def dtype(self) -> np.dtype[Any]:  # type: ignore[override]
        """Of the ids."""
        kind: np.dtype[Any] = self.void.ids.dtype
        return kind

    def _read(self, box: tuple[slice, ...]) -> NDArray[Any]:
        ids = np.asarray(self.void.ids[box])
        return np.where(self.void.inside(box, ids), UNLABELLED, ids).astype(ids.dtype)


@dataclass(frozen=True, eq=False)
class TakingPart(Lazy):
    """A mask: True where pixels take part, as far as image, labels and a person's mask say. NaN is not looked for.

    Attributes
    ----------
    shape : tuple of int
        Of the labels.
    image : ImageFile
        Which says where it is transparent, or holds no data.
    channel_axis : int or None
        The axis of its channels.
    void : Void
        Where the labels are none.
    given : array of bool or None
        What a person says.
    """

    shape: tuple[int, ...]
    image: ImageFile
    channel_axis: int | None
    void: Void
    given: Any

    dtype = np.dtype(np.bool_)

    def named(self) -> list[str]:
        """Return what takes no part, in words; not what a person says."""
        transparent = [] if self.image.mask is None else ["transparent pixels"]
        missing = [] if self.image.missing is None else ["pixels of no data"]
        return [*transparent, *missing, *self.void.named()]

    def _read(self, box: tuple[slice, ...]) -> NDArray[Any]:
        part = np.ones([len(range(*one.indices(size))) for one, size in zip(box, self.shape, strict=True)], np.bool_)
        if self.image.mask is not None:
            part &= self._of_image(self.image.mask, box, np.all)
        if self.image.missing is not None:
            part &= ~self._of_image(self.image.missing, box, lambda missing, axis: together(missing, self._kind, axis))
        if self.void.is_anywhere:
            part &= ~self.void.inside(box, np.asarray(self.void.ids[box]))
        if self.given is not None:
            part &= np.asarray(self.given[box])
        return part

    @property
    def _kind(self) -> np.dtype[Any]:
        return np.dtype(self.image.image.dtype)

    def _of_image(self, array: Any, box: tuple[slice, ...], over_channels: Any) -> MaskArray:
        """Return a part of what is said of an image, of its channels together if they are told apart."""
        if len(array.shape) == len(self.shape) or self.channel_axis is None:
            return np.asarray(array[box])
        whole = (*box[: self.channel_axis], slice(None), *box[self.channel_axis :])
        found: MaskArray = over_channels(np.asarray(array[whole]), axis=self.channel_axis)
        return found

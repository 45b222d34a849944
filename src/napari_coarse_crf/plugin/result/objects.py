"""Objects of a class as a layer: the controls that say how they are told apart, and the way from a layer to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtWidgets import QDoubleSpinBox, QFormLayout, QSpinBox, QWidget

from napari_coarse_crf import InputError, measure_objects, split_objects
from napari_coarse_crf.io.axes import axes_apart
from napari_coarse_crf.io.results import encode_objects, object_headings
from napari_coarse_crf.objects import NECK, NECK_HELP, SMALLEST_HELP
from napari_coarse_crf.plugin.controls.wheel import guard_against_wheel
from napari_coarse_crf.plugin.layers.axes import axis_letters
from napari_coarse_crf.plugin.layers.grid import pixel_size
from napari_coarse_crf.plugin.layers.look import place_of
from napari_coarse_crf.plugin.layers.provenance import KEY
from napari_coarse_crf.plugin.layers.record import recall
from napari_coarse_crf.plugin.result.measuring import confidence_of, labels_now

if TYPE_CHECKING:
    from napari.layers import Labels
    from numpy.typing import NDArray

    from napari_coarse_crf.plugin.layers.record import Record

_DEEPEST, _LARGEST = 10_000, 10**9  # px; no neck and no object that anybody has is more


class ObjectsBox(QWidget):
    """Where touching objects are split, and which are left out."""

    def __init__(self) -> None:
        super().__init__()
        self._neck, self._smallest = QDoubleSpinBox(), QSpinBox()
        self._neck.setRange(0, _DEEPEST)
        self._neck.setSingleStep(0.5)
        self._neck.setValue(NECK)
        self._smallest.setRange(0, _LARGEST)
        layout = QFormLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for title, box, tip in (
            ("Split at necks over", self._neck, NECK_HELP),
            ("Smallest object", self._smallest, SMALLEST_HELP),
        ):
            box.setSuffix(" px")
            box.setKeyboardTracking(False)
            box.setToolTip(f"<p>{tip}</p>")
            box.setAccessibleName(title)
            guard_against_wheel(box)
            layout.addRow(title, box)

    @property
    def neck(self) -> float:
        """How deep a neck must be, in pixels."""
        return float(self._neck.value())

    @neck.setter
    def neck(self, value: float) -> None:
        self._neck.setValue(value)

    @property
    def smallest(self) -> int:
        """How many pixels an object has at least."""
        return int(self._smallest.value())

    @smallest.setter
    def smallest(self, value: int) -> None:
        self._smallest.setValue(value)


@dataclass(frozen=True, slots=True, eq=False)
class FoundObjects:
    """The objects of a class.

    Attributes
    ----------
    ids : ndarray of int32
        An id for each, 0 elsewhere.
    features : mapping of str to ndarray
        What there is to say of each, as napari shows it for the label under the cursor.
    csv : str
        The same as a file.
    """

    ids: NDArray[np.int32]
    features: dict[str, NDArray[Any]]
    csv: str


@dataclass(frozen=True, slots=True, eq=False)
class ObjectsTask:
    """A class of a refined layer as it is now, and how its objects are told apart.

    Attributes
    ----------
    labels : array
        A copy, or lazy.
    record : Record or None
        What is known of them beyond the ids.
    label_id, name : int and str
        The class, and what it is called; "" where nobody says.
    spacing : tuple of float
        Size of a pixel along each axis.
    apart : tuple of int
        The axes of time.
    size_unit : str
        Of areas or volumes.
    neck, smallest : float and int
        As `split_objects` takes them.
    """

    labels: Any
    record: Record | None
    label_id: int
    name: str
    spacing: tuple[float, ...]
    apart: tuple[int, ...]
    size_unit: str
    neck: float
    smallest: int

    @classmethod
    def prepare(cls, refined: Labels, label_id: int, name: str, box: ObjectsBox) -> ObjectsTask:
        """Read the layer and the controls, on the main thread."""
        apart = axes_apart(axis_letters(refined)) if refined.ndim > 2 else ()
        together = [axis for axis in range(refined.ndim) if axis not in apart]
        unit = refined.units[together[-1]]
        sizes = tuple(1.0 if axis in apart else size for axis, size in enumerate(pixel_size(refined, unit)))
        return cls(
            labels_now(refined, refined),
            recall(refined),
            label_id,
            name,
            sizes,
            apart,
            f"{unit:~}^{len(together)}",
            box.neck,
            box.smallest,
        )

    def find(self) -> FoundObjects:
        """Find and measure the objects. Call it off the main thread.

        Raises
        ------
        InputError
            If there are none.
        """
        labels = np.asarray(self.labels)
        ids = split_objects(
            labels, self.label_id, spacing=self.spacing, neck=self.neck, smallest=self.smallest, apart=self.apart
        )
        if not ids.any():
            raise InputError(
                f"No part of label {self.label_id} has {max(self.smallest, 1):,} pixels. Click another row."
            )
        sure = None if self.record is None else confidence_of(labels, self.record)
        table = measure_objects(ids, labels=labels, confidence=sure, spacing=self.spacing)
        named = np.full(len(table["id"]), self.name or str(self.label_id))
        features = {"index": table["id"], "class": named}
        headings = object_headings(table, self.size_unit)
        features |= {headings[name]: column for name, column in table.items() if name not in ("id", "class")}
        return FoundObjects(ids, features, encode_objects(table, self.size_unit).decode())

    def look(self, refined: Labels) -> dict[str, Any]:
        """Return name and place of the new layer, and how it was made."""
        about = {
            "shows": f"objects of {self.label_id}",
            "of": refined.name,
            "neck": self.neck,
            "smallest": self.smallest,
        }
        return {**place_of(refined), "name": f"{refined.name} objects", "metadata": {KEY: about}}

"""The frames of a stack and what is stored of them: one file of labels for all, beside that of the image.

A large stack is never read or copied at once on the main thread. The list counts the frames that are seen; the thread
that writes compares the labels with its own copy of them, and copies the planes that have changed since.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.compute.parallel import blocks
from napari_coarse_crf.io.matching import find_images
from napari_coarse_crf.io.places import exists
from napari_coarse_crf.plugin.result.saving import Saving
from napari_coarse_crf.plugin.series.shown import in_few_bits
from napari_coarse_crf.plugin.series.source import State
from napari_coarse_crf.plugin.series.stored import Stored
from napari_coarse_crf.tiles.parts import copy_labels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from napari.layers import Labels

    from napari_coarse_crf.compute.arrays import LabelArray
    from napari_coarse_crf.plugin.layers.saved import LayerData
    from napari_coarse_crf.plugin.series.stack import Stack
    from napari_coarse_crf.plugin.series.stored import Kind

_MARKS = "frames"
"""Under which the record says what is done, by axis."""
_AT_ONCE = 2**22
"""Pixels that are compared at once."""


@dataclass(frozen=True, slots=True, eq=False)
class StackFiles:
    """The files beside that of a stack, and what they held when it was opened.

    Attributes
    ----------
    path : Path
        Of the image.
    name : str
        Of its labels, without ending.
    stored : Stored
        The folder.
    layers : mapping of kind to layer data
        As napari takes them.
    copies : mapping of path to labels
        What the files hold, sharing nothing with the layers.
    marks : mapping
        What is done along which axis, and where a person was last.
    said : tuple of str
        What could not be used and why, one sentence each.
    """

    path: Path
    name: str
    stored: Stored
    layers: Mapping[Kind, LayerData]
    copies: Mapping[Path, LabelArray]
    marks: Mapping[str, Any]
    said: tuple[str, ...]

    @classmethod
    def read(cls, path: Path, shape: tuple[int, ...], dtype: Any) -> StackFiles:
        """Read what there is for labels of this shape, off the main thread.

        Raises
        ------
        InputError
            If the folder cannot be read, or the record is not understood.
        """
        images = sorted({*find_images(path.parent), path})
        stored = Stored(path.parent)
        name = stored.names_of(images)[images.index(path)]
        layers, entry, said = stored.load(path.name, name, shape)
        small: dict[Kind, LayerData] = {
            kind: (in_few_bits(labels, dtype), keywords, layer_type)
            for kind, (labels, keywords, layer_type) in layers.items()
        }
        copies = {stored.labels_path(kind, name): copy_labels(data[0]) for kind, data in small.items()}
        marks = entry.get(_MARKS)
        return cls(path, name, stored, small, copies, marks if isinstance(marks, dict) else {}, said)


class Frames:
    """The frames of a stack, as the list shows them and `Autosave` stores them.

    Parameters
    ----------
    stack : Stack
        The image, and the axis of the frames.
    labels : napari.layers.Labels
        What is painted on all of them.
    files : StackFiles or None
        Where they are stored; None: nowhere.

    Attributes
    ----------
    last : int or None
        The frame that was seen last; kept up to date by whoever moves the slider.
    """

    def __init__(self, stack: Stack, labels: Labels, files: StackFiles | None) -> None:
        self.stack, self.labels, self.files = stack, labels, files
        self.title, self.one = stack.title, stack.one
        count = stack.grid.shape[stack.axis]
        self.names = [f"{stack.one} {row}" for row in range(count)]
        done, last = self._marks().get("done"), self._marks().get("last")
        self._done = frozenset(row for row in done if row in range(count)) if isinstance(done, list) else frozenset()
        self.last: int | None = last if isinstance(last, int) and last in range(count) else None
        self._is_marked = False
        self._has_strokes: dict[int, bool] = {}
        self._lock = Lock()
        self._copies = {} if files is None else dict(files.copies)
        self._descriptions: dict[Path, bytes] = {}  # as they were written
        self._waiting: set[Path] = set()  # files that hold less than their copy

    # What is shown of it.

    @property
    def done_count(self) -> int:
        """How many frames are done."""
        return len(self._done)

    def state(self, row: int) -> State:
        """Return how far a frame is."""
        if row in self._done:
            return State.DONE
        return State.LABELLED if self.has_strokes(row) else State.UNTOUCHED

    def has_strokes(self, row: int) -> bool:
        """Whether anything is painted on a frame: looked at once until it is painted on again."""
        if row not in self._has_strokes:
            before: tuple[Any, ...] = (slice(None),) * self.stack.axis
            self._has_strokes[row] = bool(np.any(self.labels.data[(*before, row)]))
        return self._has_strokes[row]

    def mark_done(self, row: int, done: bool) -> None:
        """Say whether a frame is done; it is stored by the next `write`."""
        self._is_marked = True
        self._done = self._done | {row} if done else self._done - {row}

    def note_edit(self, event: Any) -> None:
        """Take note that the labels were painted on, or changed as a whole: look again at the frames that may have."""
        try:
            # Slices since napari 0.9, before that an array of each axis.
            along = [np.r_[indices[self.stack.axis]] for indices, *_ in event.value]
        except (AttributeError, TypeError, IndexError):  # no stroke, or told otherwise
            self._has_strokes.clear()
            return
        for row in np.unique(np.concatenate([*along, np.zeros(0, np.intp)])).tolist():
            self._has_strokes.pop(row, None)

    # Storing.

    def read(self, kind: Kind, layer: Labels) -> Saving:
        """Return what is to be stored of a layer; its labels are those of the layer itself, copied by `write`."""
        assert self.files is not None  # noqa: S101  # nobody stores what has no place
        path = self.files.stored.labels_path(kind, self.files.name)
        return replace(Saving.of(layer, path, layer.data), confidence=None, parameters=None)

    def note_held(self, savings: Sequence[Saving]) -> None:
        """Take note that these are what the files hold: they were just opened."""
        for saving in savings:
            self._descriptions[saving.labels_path] = saving.description

    def write(self, savings: Sequence[Saving], number: int) -> tuple[str, ...]:
        """Write the layers that have changed, and what is done; off the main thread.

        A stroke may be painted meanwhile: then some of it is written now, and all of it next time.

        Raises
        ------
        InputError
            If the system refuses.
        """
        assert self.files is not None  # noqa: S101
        with self._lock:
            changed = [self._copied(saving) for saving in savings if self._has_changed(saving)]
            said = self.files.stored.write(self.files.path.name, changed, number, self._about(changed))
            for saving in changed:
                self._descriptions[saving.labels_path] = saving.description
                self._waiting.discard(saving.labels_path)
            return said

    def _has_changed(self, saving: Saving) -> bool:
        """Bring the copy of a layer up to date, and return whether its file has to be written."""
        path, labels = saving.labels_path, saving.labels
        copy = self._copies.get(path)
        if copy is None or (copy.shape, copy.dtype) != (labels.shape, labels.dtype):
            copy = self._copies[path] = np.zeros(labels.shape, labels.dtype)
        if take_over(labels, copy) or saving.description != self._descriptions.get(path):
            self._waiting.add(path)
        if not exists(path):
            return bool(copy.any())
        return path in self._waiting

    def _copied(self, saving: Saving) -> Saving:
        return replace(saving, labels=self._copies[saving.labels_path])

    def _marks(self) -> Mapping[str, Any]:
        marks = {} if self.files is None else self.files.marks.get(str(self.stack.axis), {})
        return marks if isinstance(marks, dict) else {}

    def _about(self, changed: Sequence[Saving]) -> dict[str, Any]:
        """Return what the record is to say, of other axes what it said; nothing while nothing was done."""
        assert self.files is not None  # noqa: S101
        if not (changed or self._is_marked or self.files.marks):
            return {}
        now = {"done": sorted(self._done), "last": self.last}
        return {_MARKS: {**self.files.marks, str(self.stack.axis): now}}


def take_over(labels: LabelArray, copy: LabelArray) -> bool:
    """Make a copy hold what the labels hold, plane by plane, and return whether anything was another.

    Planes that hold nothing in either take no memory.
    """
    changed = False
    planes = max(1, _AT_ONCE * len(labels) // max(1, labels.size))
    for start, stop in blocks(len(labels), planes):
        if not np.array_equal(labels[start:stop], copy[start:stop]):
            copy[start:stop] = labels[start:stop]
            changed = True
    return changed

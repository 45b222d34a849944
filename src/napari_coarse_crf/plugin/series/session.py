"""A series that is open in the dock: what a folder of images and the frames of a stack have in common."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final
from weakref import ref

from psygnal import Signal
from qtpy.QtCore import QObject

from napari_coarse_crf.plugin.jobs.background import Background
from napari_coarse_crf.plugin.series.autosave import Autosave
from napari_coarse_crf.plugin.series.source import State, next_waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari

    from napari_coarse_crf.plugin.series.autosave import Target
    from napari_coarse_crf.plugin.series.shown import Shown
    from napari_coarse_crf.plugin.series.source import Source
    from napari_coarse_crf.plugin.widget import RefineWidget

_ALL_DONE: Final = "All {}s are done."
_GONE: Final = "The labels of this image were removed. Click it in the list: they open again, as they were saved."


class Session(QObject):
    """Goes through a series.

    Parameters
    ----------
    parent : QObject
        What it dies with.
    viewer : napari.viewer.Viewer
        Where it is seen.
    dock : callable
        Returns the dock "Refine labels", opened where it is not there.
    wants_colours : callable
        Returns whether one without strokes is to begin with the colours of those before.

    Attributes
    ----------
    source : Source or None
        The series; None until it has been read.
    row : int or None
        Which of it is open, or could not be.
    shown : Shown or None
        Its layers.
    opened : Signal
        Emitted when another source is there.
    changed : Signal
        Emitted when row or states are others.
    said : Signal
        Emitted with a sentence for the person.
    """

    opened = Signal()
    changed = Signal()
    said = Signal(str)

    saved = "Everything is saved by itself, into folders beside the images."
    """What is said once there is nothing else to say."""

    def __init__(
        self,
        parent: QObject,
        viewer: napari.viewer.Viewer,
        dock: Callable[[], RefineWidget],
        wants_colours: Callable[[], bool],
    ) -> None:
        super().__init__(parent)
        self.viewer, self.dock, self.wants_colours = viewer, dock, wants_colours
        self.source: Source | None = None
        self.row: int | None = None
        self.shown: Shown | None = None
        self.background = Background()
        self.autosave = Autosave(self, viewer, self.background, self._on_saved, self.said.emit, self._on_removed)
        self._has_failed = False
        # Not a method of this object, which Qt would not call any more; what is connected must not keep the viewer.
        self.destroyed.connect(partial(_forget, self.background, ref(self.autosave)))

    @property
    def is_settled(self) -> bool:
        """Whether nothing is read or written, and nothing is left to be."""
        return self.autosave.is_settled

    def go(self, row: int) -> None:
        """Open another one."""
        raise NotImplementedError

    def borrow(self) -> None:
        """Begin with a result by the colours of those before, if that is wanted and there is nothing yet."""
        raise NotImplementedError

    def step(self, by: int) -> None:
        """Open one so many rows away."""
        if self.row is not None:
            self.go(self.row + by)

    def mark_done(self, done: bool) -> None:
        """Say whether the open one is done."""
        if self.source is None or self.row is None or self.shown is None:
            return
        self.source.mark_done(self.row, done)
        self.autosave.note_change()
        self.autosave.save()
        self.changed.emit()

    def finish(self) -> None:
        """Mark the open one as done, and open the next that is not."""
        self.mark_done(True)
        if self.source is None or self.row is None:
            return
        if (waiting := next_waiting(self.source, self.row)) is not None:
            self.go(waiting)
        else:
            self.said.emit(_ALL_DONE.format(self.source.one))

    @property
    def is_done(self) -> bool:
        """Whether the open one is done."""
        return self.source is not None and self.row is not None and self.source.state(self.row) is State.DONE

    def flush(self) -> None:
        """Save at once, before everything goes."""
        if said := self.autosave.flush():
            self.said.emit(" ".join(said))

    def release(self) -> None:
        """Save, and hold nothing of the viewer; the layers stay in it."""
        self.flush()
        self.stop_reading()
        self.autosave.leave()

    def stop_reading(self) -> None:
        """Open nothing of what is read now."""
        for task in ("folder", "image", "stack", "guess"):
            self.background.drop(task)

    def end(self) -> None:
        """Tell nothing any more: another series is open."""
        self.background.abandon()
        for signal in (self.opened, self.changed, self.said):
            signal.disconnect()
        self.setParent(None)

    def attach(self) -> None:
        """Go on saving what was open in another dock."""
        if self.shown is not None and (target := self.target()) is not None:
            self.autosave.follow(target, self.shown)
            self.autosave.note_change()

    def target(self) -> Target | None:
        """Return where what is open is stored; None if it is not."""
        raise NotImplementedError

    def stay(self) -> str:
        """Return a sentence on what is not done as saving has failed, or ""."""
        return ""

    def go_on(self) -> None:
        """Do what has waited for a write."""

    @property
    def gone(self) -> str:
        """What is said once a person has removed the labels."""
        return _GONE

    def _on_removed(self, said: tuple[str, ...]) -> None:
        self.said.emit(" ".join((*said, self.gone)))

    def _on_saved(self, said: tuple[str, ...], went_well: bool) -> None:
        if not went_well:
            stays = self.stay()
            said = (f"Not saved, and tried again in a few seconds.{stays}", *said)
        if said or self._has_failed:  # else what was said before is still worth reading
            self.said.emit(" ".join(said) or self.saved)
        self._has_failed = not went_well
        self.changed.emit()
        self.go_on()


def _forget(background: Background, autosave: ref[Autosave]) -> None:
    """Hear of nothing any more: what they worked for is gone, with its window."""
    background.abandon()
    if (alive := autosave()) is not None:
        alive.leave()

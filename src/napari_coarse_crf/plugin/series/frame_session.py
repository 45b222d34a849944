"""A stack that is open: its layers stay, and going on moves the slider."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from napari.layers import Labels
from qtpy.QtCore import QTimer

from napari_coarse_crf import InputError
from napari_coarse_crf.plugin.jobs.worker import Failure
from napari_coarse_crf.plugin.layers.accepted import find_accepted
from napari_coarse_crf.plugin.layers.look import place_of
from napari_coarse_crf.plugin.layers.match import lies_on
from napari_coarse_crf.plugin.layers.provenance import is_result, may_be_own
from napari_coarse_crf.plugin.series.borrowing import FrameGuess
from napari_coarse_crf.plugin.series.frames import Frames, StackFiles
from napari_coarse_crf.plugin.series.session import Session
from napari_coarse_crf.plugin.series.shown import Habit, ShownStack, labels_dtype
from napari_coarse_crf.plugin.series.stack import note_path, noted_path, path_of

if TYPE_CHECKING:
    from pathlib import Path

    from napari_coarse_crf.plugin.jobs.outcome import Outcome
    from napari_coarse_crf.plugin.series.autosave import Target
    from napari_coarse_crf.plugin.series.stack import Stack

_SAVED: Final = "Everything is saved by itself, into folders beside the file."
_NOT_SAVED: Final = (
    "Nothing is saved by itself, as this image has no file. Save it into one (File > Save Selected Layers), open that, "
    "and choose its frames."
)
_GONE: Final = "The labels of these frames were removed. Click one in the list: they open again, as they were saved."
_GONE_UNSAVED: Final = "The labels of these frames were removed. Click one in the list to begin with empty ones."
_REST_MS: Final = 400
"""How long a slider rests before colours are borrowed for the frame it stands at."""


class FrameSession(Session):
    """Goes through the frames of a stack; see `Session`."""

    saved = _SAVED

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._frames: Frames | None = None
        self._layers: ShownStack | None = None
        self._wanted: int | None = None  # the frame to go to once labels that were removed are there again
        self._is_reading = self._follows = False
        self._resting = QTimer(self)
        self._resting.setSingleShot(True)
        self._resting.timeout.connect(self.borrow)
        self.autosave.edited.connect(self._on_edited)

    @property
    def is_settled(self) -> bool:
        """Whether nothing is read or written, and nothing is left to be."""
        return not self._is_reading and super().is_settled

    def open(self, stack: Stack) -> None:
        """List the frames of a stack, and show what was stored for it."""
        path = path_of(stack.image)
        if path is None:
            self._show(stack, None)
            return
        self.said.emit("Looking for labels beside the file.")
        self._is_reading = True
        task = partial(StackFiles.read, path, stack.grid.shape, labels_dtype())
        self.background.start("stack", partial(self._on_read, stack), task)

    def go(self, row: int) -> None:
        """Move the slider to a frame; labels that were removed open again."""
        if self._frames is None or not 0 <= row < len(self._frames.names):
            return
        if self._layers is not None and not self._layers.is_open:
            self._wanted = row
            self.go_on()
            return
        self._frames.stack.show(self.viewer, row)
        self._on_slider()

    def release(self) -> None:
        """Save, and hold nothing of the viewer; the layers stay in it."""
        super().release()
        self._follow_slider(False)
        self._resting.stop()

    def stop_reading(self) -> None:
        """Show nothing of what is read now."""
        super().stop_reading()
        self._is_reading, self._wanted = False, None

    @property
    def gone(self) -> str:
        """What is said once a person has removed the labels."""
        return _GONE_UNSAVED if self.target() is None else _GONE

    def stay(self) -> str:
        """Open nothing again before all is saved."""
        self._wanted = None
        return ""

    def go_on(self) -> None:
        """Open labels again that were removed, once what they held is saved."""
        if self._wanted is None or self._frames is None or self._layers is None or self._is_reading:
            return
        if not self.autosave.is_settled:
            self.autosave.save()  # its end leads here
            return
        stack = self._frames.stack
        if stack.image not in self.viewer.layers:  # removed, too
            self._wanted = None
            return
        self.autosave.leave()
        if self.target() is not None:
            for layer in self._layers.to_save().values():  # they come back from their files
                if layer in self.viewer.layers:
                    self.viewer.layers.remove(layer)
        self.open(stack)

    def attach(self) -> None:
        """Go on with what was open in another dock."""
        super().attach()
        if self._frames is not None:
            self._follow_slider(True)
            self._on_slider()

    def target(self) -> Target | None:
        """Return where the stack is stored."""
        return None if self._frames is None or self._frames.files is None else self._frames

    def _on_read(self, stack: Stack, outcome: StackFiles | Failure) -> None:
        self._is_reading = False
        if isinstance(outcome, Failure):
            self._wanted = None
            self.said.emit(str(outcome.error))
        elif stack.image in self.viewer.layers:
            self._show(stack, outcome)

    def _show(self, stack: Stack, files: StackFiles | None) -> None:
        """Find or add the labels of a stack, and follow them and the slider."""
        dock, said = self.dock(), [] if files is None else list(files.said)
        own = self._labels_in_use(stack, None if files is None else files.path)
        layers = {} if files is None else dict(files.layers)
        if own is not None and files is not None and noted_path(own) == files.path:
            layers = {}  # all of it is here already
        elif own is not None and "coarse" in layers:
            if np.any(own.data):
                said.append(f"'{own.name}' stays as it is: the labels beside the file were opened.")
            own = None
        place = place_of(stack.image, stack.channel_axis)
        shown = ShownStack.beside(self.viewer, stack.image, stack.grid.shape, place, layers, Habit(), own)
        if files is not None:
            note_path(shown.labels, files.path)
        dock.image_layer.value, dock.labels_layer.value = stack.image, shown.labels
        dock.scope.choose_slices(stack.axis)
        self.shown = self._layers = shown
        self.source = self._frames = Frames(stack, shown.labels, files)
        self.autosave.follow(self.target(), shown, is_new=bool(layers))
        if own is not None:
            self.autosave.note_change()  # labels that were there before
        self.opened.emit()
        self._follow_slider(True)
        last = self._frames.last if self._wanted is None else self._wanted
        self._wanted = None
        self.go(stack.row_seen(self.viewer) if last is None else last)
        self._tell(" ".join(said) or self.saved)

    def _tell(self, sentence: str) -> None:
        """Say something, unless nothing is saved, which is worth more."""
        is_saved = self._frames is not None and self._frames.files is not None
        self.said.emit(sentence if is_saved else _NOT_SAVED)

    def _labels_in_use(self, stack: Stack, path: Path | None) -> Labels | None:
        """Return the labels that a person has for this stack: those this session stores, else the chosen ones."""
        fitting = [layer for layer in self.viewer.layers if isinstance(layer, Labels) and _may_be_own(layer, stack)]
        stored = [layer for layer in fitting if path is not None and noted_path(layer) == path]
        chosen = [layer for layer in fitting if layer is self.dock().labels_layer.value]
        return next(iter([*stored, *chosen]), None)

    # Following the slider and the brush.

    def _follow_slider(self, on: bool) -> None:
        if on is not self._follows:
            event = self.viewer.dims.events.current_step
            (event.connect if on else event.disconnect)(self._on_slider)
            self._follows = on

    def _on_slider(self) -> None:
        if self._frames is None:
            return
        row = self._frames.stack.row_seen(self.viewer)
        if row == self.row:
            return
        self.row = self._frames.last = row
        self.background.drop("guess")
        self._resting.start(_REST_MS)
        self.changed.emit()

    def _on_edited(self, event: Any) -> None:
        if self._frames is not None and event.source is self._frames.labels:
            self._frames.note_edit(event)
            self.changed.emit()

    # Colours of frames before.

    def borrow(self) -> None:
        """Begin with a result by the colours of frames before, if that is wanted and there is nothing yet."""
        frames, row, shown = self._frames, self.row, self._layers
        self.background.drop("guess")
        if frames is None or row is None or shown is None or not self.wants_colours():
            return
        if frames.has_strokes(row) or shown.holds_result(frames.stack.axis, row):
            return
        accepted, dock = find_accepted(self.viewer, shown.labels), self.dock()
        if accepted is not None and np.any(np.take(accepted.data, row, frames.stack.axis)):
            return
        try:
            guess = FrameGuess.prepare(frames, row, dock.scope.choice(), dock.setting.shown_parameters)
        except InputError as error:  # a layer was moved away, say
            self._tell(str(error))
            return
        self._tell(f"Looking at the colours of {frames.one}s before.")
        self.background.start("guess", partial(self._on_guessed, guess), guess.run)

    def _on_guessed(self, guess: FrameGuess, outcome: Outcome | Failure | None) -> None:
        frames = self._frames
        if frames is None or frames is not guess.frames or frames.has_strokes(guess.row):  # a stroke was faster
            return
        if outcome is None:
            self._tell(f"No {frames.one} before this one has strokes.")
        elif isinstance(outcome, Failure):
            self._tell(str(outcome.error))
        else:
            dock = self.dock()
            dock.runs.job_returned(guess.job, outcome)  # as a run of the current slice
            dock.runs.job_finished()
            self._tell(" ".join(outcome.warnings))


def _may_be_own(layer: Labels, stack: Stack) -> bool:
    """Whether a person may have painted a layer for this stack, where it can be stored as its labels."""
    if is_result(layer) or not may_be_own(layer) or layer.multiscale:
        return False
    return isinstance(layer.data, np.ndarray) and lies_on(stack.grid, layer)

"""A folder that is open: from one image to the next, each put in the place of the one before once that is saved."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.plugin.jobs.worker import Failure
from napari_coarse_crf.plugin.layers.camera import look_at
from napari_coarse_crf.plugin.series.borrowing import guess
from napari_coarse_crf.plugin.series.folder import Folder
from napari_coarse_crf.plugin.series.session import Session
from napari_coarse_crf.plugin.series.shown import Habit, Shown
from napari_coarse_crf.plugin.series.stack import note_path

if TYPE_CHECKING:
    from napari_coarse_crf.io.reading import ImageFile
    from napari_coarse_crf.plugin.series.autosave import Target
    from napari_coarse_crf.plugin.series.borrowing import Guess
    from napari_coarse_crf.plugin.series.folder import Loaded


class FolderSession(Session):
    """Goes through the images of a folder; see `Session`."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._folder: Folder | None = None
        self._habit = Habit()
        self._target: tuple[Folder, int] | None = None
        self._arrived: tuple[tuple[Folder, int], Loaded | Failure] | None = None
        self._loaded: ImageFile | None = None

    @property
    def is_settled(self) -> bool:
        """Whether nothing is read or written, and nothing is left to be."""
        return self._target is None and super().is_settled

    def open(self, path: str | Path) -> None:
        """List the images of a folder, and open the one where a person left off."""
        self.said.emit("Reading the folder.")
        self.background.start("folder", self._on_folder, partial(Folder, Path(path)))

    def go(self, row: int) -> None:
        """Save, and open another image."""
        if self._folder is None or not 0 <= row < len(self._folder.names):
            return
        if row == self.row and self.shown is not None and self.shown.is_open:
            if self._target is not None:  # another was wanted, but has not opened yet
                self._target = None
                self.said.emit(self.saved)
                self.changed.emit()
            return
        self._target, self._arrived = (self._folder, row), None
        self.go_on()

    def step(self, by: int) -> None:
        """Save, and open the image so many rows away."""
        at = self.row if self._target is None else self._target[1]  # pressed twice before the first has opened
        if at is not None:
            self.go(at + by)

    def stop_reading(self) -> None:
        """Open nothing of what is read now."""
        super().stop_reading()
        self._target = None

    def target(self) -> Target | None:
        """Return where the image is stored."""
        return None if self._folder is None or self.row is None else self._folder.at(self.row)

    def stay(self) -> str:
        """Keep the image that is open."""
        stays = " This image stays open." if self._target is not None else ""
        self._target = None
        return stays

    # From one image to the next: save, read, put in its place. Each step ends in another call of `go_on`.

    def go_on(self) -> None:
        """Do what comes next on the way to the image that is wanted."""
        target = self._target
        if target is None:
            return
        if not self.autosave.is_settled:
            self.autosave.save()  # if a write is under way, its end leads here
        elif self._arrived is None or self._arrived[0] != target:
            folder, row = target
            self.said.emit(f"Opening {folder.names[row]}.")
            self.background.start("image", partial(self._on_loaded, target), partial(folder.load, row))
        else:
            self._open(*target, self._arrived[1])

    def _on_folder(self, outcome: Folder | Failure) -> None:
        if isinstance(outcome, Failure):
            self.said.emit(str(outcome.error))
            return
        self._target = outcome, outcome.last
        self._arrived = None
        self.go_on()

    def _on_loaded(self, target: tuple[Folder, int], outcome: Loaded | Failure) -> None:
        self._arrived = target, outcome
        self.go_on()

    def _open(self, folder: Folder, row: int, outcome: Loaded | Failure) -> None:
        """Put an image in the place of the one before, all of which is saved."""
        self._target = self._arrived = None
        before = self._take_leave()
        if before is not None and (folder is not self._folder or row == self.row):
            before.remove()  # the same image may have been chosen again: its layers keep their names
            before = None
        if folder is not self._folder:
            self.source = self._folder = folder
            self.opened.emit()
        self.row = row
        if isinstance(outcome, Failure):
            folder.mark_unreadable(row)
            if before is not None:
                before.remove()
            self.said.emit(str(outcome.error))
        else:
            self._show(folder, row, outcome, before)
        self.changed.emit()

    def _take_leave(self) -> Shown | None:
        """Follow the open image no more, and remember what is carried on."""
        before, self.shown = self.shown, None
        self._loaded = None
        if before is not None:
            self._habit = Habit.of(before.labels)
            self.dock().cancel()  # else its result would come to an image that is gone
        self.autosave.leave()
        return before

    def _show(self, folder: Folder, row: int, loaded: Loaded, before: Shown | None) -> None:
        if before is None and not self._habit.keywords:
            self._habit = Habit.of_stored(folder.read_look(folder.last))
        dock = self.dock()
        shown = Shown.opened(self.viewer, folder.name(row), loaded, self._habit)
        note_path(shown.image, folder.images[row])
        note_path(shown.labels, folder.images[row])
        dock.image_layer.value, dock.labels_layer.value = shown.image, shown.labels
        if before is None or before.image.data.shape != shown.image.data.shape:
            look_at(self.viewer, shown.image)  # napari does so for the first layer of all only
        if before is not None:
            before.remove()
        self.shown = shown
        self.autosave.follow(folder.at(row), shown, is_new=True)
        self.said.emit(" ".join(loaded.said) or self.saved)
        self._loaded = loaded.image
        self.borrow()

    def borrow(self) -> None:
        """Begin with a result by the colours of images before, if that is wanted and there is nothing yet."""
        folder, row, shown, image = self._folder, self.row, self.shown, self._loaded
        self.background.drop("guess")
        if folder is None or row is None or shown is None or image is None or not self.wants_colours():
            return
        if shown.stored or shown.to_save():
            return
        self.said.emit("Looking at the colours of images before.")
        task = partial(guess, folder, row, image, np.array(shown.labels.data), self.dock().setting.shown_parameters)
        self.background.start("guess", partial(self._on_guessed, shown), task)

    def _on_guessed(self, shown: Shown, outcome: Guess | Failure | None) -> None:
        if shown is not self.shown or shown.to_save():  # a stroke was faster
            return
        if outcome is None:
            self.said.emit("No image before this one has strokes.")
        elif isinstance(outcome, Failure):
            self.said.emit(str(outcome.error))
        else:
            outcome.add_layer(self.viewer, shown)
            self.said.emit(" ".join(outcome.refinement.warnings))

"""The dock widget "Annotate a series": paint, look, accept, go on, and come back tomorrow.

One image is open at a time, as layers of the viewer that the dock "Refine labels" works on. Going on stores what was
painted, reads the next image in a thread, and puts it in the place of the one before.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QDockWidget, QFileDialog, QMainWindow, QSizePolicy, QVBoxLayout, QWidget

from napari_coarse_crf.plugin.controls.keys import ViewerKeys
from napari_coarse_crf.plugin.jobs.background import Background
from napari_coarse_crf.plugin.jobs.worker import Failure
from napari_coarse_crf.plugin.series.autosave import Autosave
from napari_coarse_crf.plugin.series.borrowing import guess
from napari_coarse_crf.plugin.series.folder import Folder, State
from napari_coarse_crf.plugin.series.panel import SeriesPanel
from napari_coarse_crf.plugin.series.shown import Habit, Shown

if TYPE_CHECKING:
    import napari
    from qtpy.QtCore import QModelIndex
    from qtpy.QtGui import QHideEvent, QShowEvent

    from napari_coarse_crf.io.reading import ImageFile
    from napari_coarse_crf.plugin.series.borrowing import Guess
    from napari_coarse_crf.plugin.series.folder import Loaded
    from napari_coarse_crf.plugin.widget import RefineWidget

_NO_FOLDER = "Choose a folder: its images open one by one, and labels are saved by themselves."
_OPEN = "Everything is saved by itself, into folders beside the images."
_ALL_DONE = "All images are done."
_REST = 10_000
"""A height that no window has."""


class SeriesWidget(QWidget):
    """Annotate the images of a folder one after the other.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        Where the images open; napari fills it in because of its name.

    Attributes
    ----------
    folder : Folder or None
        The images; None until `open_folder` has read it.
    row : int or None
        Which of them is open, or could not be.
    shown : Shown or None
        Its layers.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._background = Background()
        self._keys = ViewerKeys(napari_viewer)
        self.folder: Folder | None = None
        self.row: int | None = None
        self.shown: Shown | None = None
        self._habit = Habit()
        self._target: tuple[Folder, int] | None = None
        self._arrived: tuple[tuple[Folder, int], Loaded | Failure] | None = None
        self._loaded: ImageFile | None = None
        self._window: QWidget | None = None
        self._has_shared = self._has_failed = False
        self._autosave = Autosave(self, napari_viewer, self._background, self._on_saved)
        self.panel = SeriesPanel()
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)  # the list takes what there is
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.panel)
        self._connect()
        self._say(_NO_FOLDER)
        self._refresh()

    @property
    def status(self) -> str:
        """The sentence at the end of the dock."""
        return self.panel.status.text()

    @property
    def is_settled(self) -> bool:
        """Whether nothing is read or written, and nothing is left to be."""
        return self._target is None and self._autosave.is_settled

    def open_folder(self, path: str | Path) -> None:
        """List the images of a folder, and open the one where a person left off."""
        self._say("Reading the folder.")
        self._background.start("folder", self._on_folder, partial(Folder, Path(path)))

    def go(self, row: int) -> None:
        """Save, and open another image."""
        if self.folder is not None and 0 <= row < len(self.folder.images) and row != self.row:
            self._target = self.folder, row
            self._advance()

    def previous(self) -> None:
        """Save, and open the image before."""
        self._step(-1)

    def next(self) -> None:
        """Save, and open the next image."""
        self._step(1)

    def mark_done(self, done: bool) -> None:
        """Say whether the open image is done."""
        if self.folder is None or self.row is None or self.shown is None:
            return
        self.folder.mark_done(self.row, done)
        self._autosave.note_change()
        self._autosave.save()
        self._refresh()

    def finish(self) -> None:
        """Mark the open image as done, and open the next one that is not."""
        self.mark_done(True)
        if self.folder is None or self.row is None:
            return
        count = len(self.folder.images)
        others = [row % count for row in range(self.row + 1, self.row + count)]
        waiting = [row for row in others if self.folder.state(row) in (State.UNTOUCHED, State.LABELLED)]
        if waiting:
            self.go(waiting[0])
        else:
            self._say(_ALL_DONE)

    # From one image to the next: save, read, put in its place. Each step ends in another call of `_advance`.

    def _step(self, by: int) -> None:
        at = self.row if self._target is None else self._target[1]  # pressed twice before the first has opened
        if at is not None:
            self.go(at + by)

    def _advance(self) -> None:
        """Do what comes next on the way to the image that is wanted."""
        target = self._target
        if target is None:
            return
        if not self._autosave.is_settled:
            self._autosave.save()  # if a write is under way, its end leads here
        elif self._arrived is None or self._arrived[0] != target:
            folder, row = target
            self._say(f"Opening {folder.images[row].name}.")
            self._background.start("image", partial(self._on_loaded, target), partial(folder.load, row))
        else:
            self._open(*target, self._arrived[1])

    def _on_folder(self, outcome: Folder | Failure) -> None:
        if isinstance(outcome, Failure):
            self._say(str(outcome.error))
            return
        self._target = outcome, outcome.last
        self._arrived = None
        self._advance()

    def _on_loaded(self, target: tuple[Folder, int], outcome: Loaded | Failure) -> None:
        self._arrived = target, outcome
        self._advance()

    def _on_saved(self, said: tuple[str, ...], went_well: bool) -> None:
        if not went_well:
            stays = " This image stays open." if self._target is not None else ""
            self._target = None
            said = (f"Not saved, and tried again in a few seconds.{stays}", *said)
        if said or self._has_failed:  # else what was said before is still worth reading
            self._say(" ".join(said) or _OPEN)
        self._has_failed = not went_well
        self._refresh()
        self._advance()

    def _open(self, folder: Folder, row: int, outcome: Loaded | Failure) -> None:
        """Put an image in the place of the one before, all of which is saved."""
        self._target = self._arrived = None
        self._find_window()
        before = self._take_leave()
        if folder is not self.folder:
            if before is not None:  # the same folder may have been chosen again: its layers keep their names
                before.remove()
                before = None
            self.folder = folder
            self.panel.show_folder(folder.path, folder)
        self.row = row
        if isinstance(outcome, Failure):
            folder.mark_unreadable(row)
            if before is not None:
                before.remove()
            self._say(str(outcome.error))
        else:
            self._show(folder, row, outcome, before)
        self._refresh()

    def _take_leave(self) -> Shown | None:
        """Follow the open image no more, and remember what is carried on."""
        before, self.shown = self.shown, None
        self._loaded = None
        if before is not None:
            self._habit = Habit.of(before.labels)
            self._dock().cancel()  # else its result would come to an image that is gone
        self._autosave.leave()
        return before

    def _show(self, folder: Folder, row: int, loaded: Loaded, before: Shown | None) -> None:
        if before is None and not self._habit.keywords and (data := folder.open_look(folder.last)) is not None:
            self._habit = Habit.of_stored(data)
        dock = self._dock()
        shown = Shown(self._viewer, folder.name(row), loaded, self._habit)
        dock.image_layer.value, dock.labels_layer.value = shown.image, shown.labels
        if before is not None:
            if before.image.data.shape != shown.image.data.shape:
                self._viewer.reset_view()
            before.remove()
        self.shown = shown
        self._autosave.follow(folder, row, shown, is_new=True)
        self._say(" ".join(loaded.said) or _OPEN)
        self._loaded = loaded.image
        self._borrow()

    def _borrow(self) -> None:
        """Begin with a result by the colours of images before, if that is wanted and there is nothing yet."""
        folder, row, shown, image = self.folder, self.row, self.shown, self._loaded
        self._background.drop("guess")
        if folder is None or row is None or shown is None or image is None or not self.panel.borrow.isChecked():
            return
        if shown.stored or shown.to_save():
            return
        self._say("Looking at the colours of images before.")
        task = partial(guess, folder, row, image, np.array(shown.labels.data), self._dock().parameters)
        self._background.start("guess", partial(self._on_guessed, shown), task)

    def _on_guessed(self, shown: Shown, outcome: Guess | Failure | None) -> None:
        if shown is not self.shown or shown.to_save():  # a stroke was faster
            return
        if outcome is None:
            self._say("No image before this one has strokes.")
        elif isinstance(outcome, Failure):
            self._say(str(outcome.error))
        else:
            outcome.add_layer(self._viewer, shown)
            self._say(" ".join(outcome.refinement.warnings))

    def _dock(self) -> RefineWidget:
        """Return the dock "Refine labels", opened where it is not there; the first time, it gets the height."""
        dock, widget = self._viewer.window.add_plugin_dock_widget("napari-coarse-crf", "Refine labels")
        window, own = self.window(), self.parentWidget()
        if not self._has_shared and isinstance(window, QMainWindow) and isinstance(own, QDockWidget):
            self._has_shared = True
            window.resizeDocks([own, dock], [self.sizeHint().height(), _REST], Qt.Orientation.Vertical)
        return cast("RefineWidget", widget)

    # Building, and following dock and window.

    def _connect(self) -> None:
        panel = self.panel
        panel.choose.clicked.connect(self._ask_for_folder)
        panel.list.clicked.connect(self._on_row)
        panel.list.activated.connect(self._on_row)
        panel.previous.clicked.connect(self.previous)
        panel.next.clicked.connect(self.next)
        panel.done.clicked.connect(self.mark_done)
        panel.borrow.toggled.connect(self._borrow)
        panel.done_next.clicked.connect(self.finish)

    def _ask_for_folder(self) -> None:
        dialog = QFileDialog(self, "Choose a folder of images")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.open_folder)
        dialog.open()

    def _on_row(self, index: QModelIndex) -> None:
        self.go(index.row())

    def _say(self, sentence: str) -> None:
        self.panel.status.setText(sentence)

    def _refresh(self) -> None:
        folder, row = self.folder, self.row
        self.panel.show_state(folder, row, opened=self.shown is not None)
        is_done = folder is not None and row is not None and folder.state(row) is State.DONE
        self.panel.done.setChecked(is_done)

    def event(self, event: QEvent | None) -> bool:
        """Follow the dock: napari takes the widget out of it without closing it."""
        if event is not None and event.type() == QEvent.Type.ParentChange:
            if self.parent() is None:
                self._release()
            else:
                self._attach()
        return super().event(event)

    def eventFilter(self, _watched: QObject | None, event: QEvent | None) -> bool:
        """Save before the window closes."""
        if event is not None and event.type() == QEvent.Type.Close:
            self._flush()
        return False

    def showEvent(self, event: QShowEvent | None) -> None:
        """Find the window that the dock is in now."""
        super().showEvent(event)
        self._find_window()

    def _find_window(self) -> None:
        window = self.window()
        if window is not None and window is not self._window:
            if self._window is not None:
                self._window.removeEventFilter(self)
            self._window = window
            window.installEventFilter(self)

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Save before the dock may be gone."""
        super().hideEvent(event)
        self._flush()

    def _flush(self) -> None:
        if said := self._autosave.flush():
            self._say(" ".join(said))

    def _release(self) -> None:
        """Save, and hold nothing of the viewer; the layers stay in it."""
        self._flush()
        self._target = None
        self._autosave.leave()
        self._background.drop("guess")
        self._keys.free()

    def _attach(self) -> None:
        """Take the keys, and go on saving what was open in another dock."""
        self.panel.take_keys(self._keys)
        if self.folder is not None and self.row is not None and self.shown is not None:
            self._autosave.follow(self.folder, self.row, self.shown)
            self._autosave.note_change()

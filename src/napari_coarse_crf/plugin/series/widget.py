"""The dock widget "Annotate a series": paint, look, accept, go on, and come back tomorrow.

A series is a folder, whose images open one at a time as layers of the viewer, or a stack that is open, whose frames the
slider goes along. The dock "Refine labels" works on what is open; what is painted is saved by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from weakref import ref

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QDockWidget, QFileDialog, QMainWindow, QSizePolicy, QVBoxLayout, QWidget

from napari_coarse_crf.plugin.controls.keys import ViewerKeys
from napari_coarse_crf.plugin.controls.scrolling import let_shrink
from napari_coarse_crf.plugin.leaving import go_with_python
from napari_coarse_crf.plugin.series.folder_session import FolderSession
from napari_coarse_crf.plugin.series.frame_session import FrameSession
from napari_coarse_crf.plugin.series.panel import SeriesPanel
from napari_coarse_crf.plugin.series.stack import find_stacks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import napari
    from qtpy.QtCore import QModelIndex
    from qtpy.QtGui import QHideEvent, QShowEvent

    from napari_coarse_crf.plugin.series.session import Session
    from napari_coarse_crf.plugin.series.shown import Shown
    from napari_coarse_crf.plugin.series.source import Source
    from napari_coarse_crf.plugin.series.stack import Stack
    from napari_coarse_crf.plugin.widget import RefineWidget

S = TypeVar("S", FolderSession, FrameSession)

_NOTHING: Final = "Choose a folder of images, or an open stack. What you paint is saved by itself."
_REST = 10_000
"""A height that no window has."""


class SeriesWidget(QWidget):
    """Annotate the images of a folder, or the frames of a stack, one after the other.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        Where the images are; napari fills it in because of its name.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._keys = ViewerKeys(napari_viewer)
        self._session: Session | None = None
        self._stacks: list[Stack] = []
        self._window: Callable[[], QWidget | None] = _no_window
        self._has_shared = False
        self.panel = SeriesPanel()
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)  # the list takes what there is
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.panel)
        self._connect()
        self._say(_NOTHING)
        self._refresh()
        go_with_python(self)

    @property
    def status(self) -> str:
        """The sentence at the end of the dock."""
        return self.panel.status.text()

    @property
    def source(self) -> Source | None:
        """The images or frames; None until they have been read."""
        return None if self._session is None else self._session.source

    @property
    def row(self) -> int | None:
        """Which of them is open, or could not be."""
        return None if self._session is None else self._session.row

    @property
    def shown(self) -> Shown | None:
        """Its layers."""
        return None if self._session is None else self._session.shown

    @property
    def is_settled(self) -> bool:
        """Whether nothing is read or written, and nothing is left to be."""
        return self._session is None or self._session.is_settled

    def open_folder(self, path: str | Path) -> None:
        """List the images of a folder, and open the one where a person left off."""
        session = self._session
        if not isinstance(session, FolderSession):
            session = self._begin(FolderSession)
        session.open(path)

    def open_stack(self, stack: Stack) -> None:
        """List the frames of a stack that is open, see `find_stacks`."""
        self._begin(FrameSession).open(stack)

    def go(self, row: int) -> None:
        """Save, and open another image."""
        if self._session is not None:
            self._session.go(row)

    def previous(self) -> None:
        """Save, and open the image before."""
        if self._session is not None:
            self._session.step(-1)

    def next(self) -> None:
        """Save, and open the next image."""
        if self._session is not None:
            self._session.step(1)

    def mark_done(self, done: bool) -> None:
        """Say whether the open image is done."""
        if self._session is not None:
            self._session.mark_done(done)

    def finish(self) -> None:
        """Mark the open image as done, and open the next one that is not."""
        if self._session is not None:
            self._session.finish()

    def _begin(self, kind: type[S]) -> S:
        """Leave the series that is open, whose layers stay, and begin another."""
        if self._session is not None:
            self._session.release()
            self._session.end()
        session = kind(self, self._viewer, self._dock, self.panel.borrow.isChecked)
        session.said.connect(self._say)
        session.opened.connect(self._on_opened)
        session.changed.connect(self._refresh)
        self._session = session
        self._on_opened()
        return session

    def _on_opened(self) -> None:
        self._find_window()
        self.panel.show_source(self.source)
        self._refresh()

    def _borrow(self) -> None:
        if self._session is not None:
            self._session.borrow()

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
        panel.frames_menu.aboutToShow.connect(self._offer_stacks)
        panel.frames_menu.triggered.connect(self._on_stack)
        panel.done_next.clicked.connect(self.finish)

    def _ask_for_folder(self) -> None:
        dialog = QFileDialog(self, "Choose a folder of images")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.open_folder)
        dialog.open()

    def _offer_stacks(self) -> None:
        self._stacks = find_stacks(self._viewer)
        self.panel.offer_stacks([stack.title for stack in self._stacks])

    def _on_stack(self, action: Any) -> None:
        self.open_stack(self._stacks[self.panel.frames_menu.actions().index(action)])

    def _on_row(self, index: QModelIndex) -> None:
        self.go(index.row())

    def _say(self, sentence: str) -> None:
        self.panel.status.setText(sentence)

    def _refresh(self) -> None:
        self.panel.show_state(self.source, self.row, opened=self.shown is not None)
        self.panel.done.setChecked(self._session is not None and self._session.is_done)

    def event(self, event: QEvent | None) -> bool:
        """Follow the dock: napari takes the widget out of it without closing it."""
        if event is not None and event.type() == QEvent.Type.ParentChange:
            if self.parent() is None:
                self._release()
            else:
                let_shrink(self.parentWidget())
                self._attach()
        return super().event(event)

    def eventFilter(self, _watched: QObject | None, event: QEvent | None) -> bool:
        """Save before the window closes, and open nothing more in it."""
        if event is not None and event.type() == QEvent.Type.Close:
            if self._session is not None:
                self._session.stop_reading()
            self._flush()
        return False

    def showEvent(self, event: QShowEvent | None) -> None:
        """Find the window that the dock is in now."""
        super().showEvent(event)
        self._find_window()

    def _find_window(self) -> None:
        window, before = self.window(), self._window()
        if window is not None and window is not before:
            if before is not None:
                before.removeEventFilter(self)
            # One that is held goes only with the garbage: what is left of it when a session ends, PyQt takes down while
            # it looks through all there is, and each event that is heard meanwhile may break that off.
            self._window = ref(window)
            window.installEventFilter(self)

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Save before the dock may be gone."""
        super().hideEvent(event)
        self._flush()

    def _flush(self) -> None:
        if self._session is not None:
            self._session.flush()

    def _release(self) -> None:
        """Save, and hold nothing of the viewer; the layers stay in it."""
        if self._session is not None:
            self._session.release()
        self._keys.free()

    def _attach(self) -> None:
        """Take the keys, and go on saving what was open in another dock."""
        self.panel.take_keys(self._keys)
        if self._session is not None:
            self._session.attach()


def _no_window() -> None:
    """Stand in for a window before there is one."""

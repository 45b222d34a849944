"""What a person paints is stored by itself: a moment after it, off the main thread."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from qtpy.QtCore import QObject, QTimer

from napari_coarse_crf import CoarseCRFError
from napari_coarse_crf.plugin.jobs.worker import Failure
from napari_coarse_crf.plugin.result.saving import Saving

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari
    from napari.layers import Labels

    from napari_coarse_crf.plugin.jobs.background import Background
    from napari_coarse_crf.plugin.series.folder import Folder
    from napari_coarse_crf.plugin.series.shown import Shown

_SOON_MS: Final = 1500
"""How long after the first change everything is stored: not after the last, which may be long in coming."""
_AGAIN_MS: Final = 5000
"""How long after a failure it is tried again."""
_WATCHED: Final = ("data", "paint", "set_data", "features", "colormap", "opacity", "name")
"""The events of a layer after which another file may have to be stored; of undoing, napari tells by set_data alone."""


class Autosave(QObject):
    """Stores the layers of the image that is open.

    Parameters
    ----------
    parent : QObject
        What the timer dies with.
    viewer : napari.viewer.Viewer
        Where the layers are.
    background : Background
        Where the files are written.
    on_ended : callable
        Called when a write has ended, with sentences for the person and whether it went well.
    """

    def __init__(
        self,
        parent: QObject,
        viewer: napari.viewer.Viewer,
        background: Background,
        on_ended: Callable[[tuple[str, ...], bool], None],
    ) -> None:
        super().__init__(parent)
        self._viewer, self._background, self._on_ended = viewer, background, on_ended
        self._open: tuple[Folder, int, Shown] | None = None
        self._watched: list[Labels] = []
        self._has_changed = self._is_writing = False
        self._number = 0
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self.save)

    @property
    def is_settled(self) -> bool:
        """Whether all is stored."""
        return not self._has_changed and not self._is_writing

    def follow(self, folder: Folder, row: int, shown: Shown, *, is_new: bool = False) -> None:
        """Store this image from now on; of a new one, what was restored is what its files hold."""
        self.leave()
        self._open = folder, row, shown
        self._connect_list()
        self._watch()
        if is_new:
            folder.note_held([self._read(layer, kind) for kind, layer in shown.stored.items()])

    def leave(self) -> None:
        """Store nothing any more."""
        if self._open is not None:
            self._disconnect_list()
        self._open = None
        self._watch()
        self._soon.stop()
        self._has_changed = False

    def note_change(self) -> None:
        """Plan to store."""
        if self._open is None:
            return
        self._has_changed = True
        if not self._soon.isActive():
            self._soon.start(_SOON_MS)

    def save(self) -> None:
        """Store in a thread what has changed, unless a write is under way: then as soon as it has ended."""
        if self._open is None or self._is_writing or not self._has_changed:
            return
        self._soon.stop()
        self._has_changed, self._is_writing = False, True
        self._background.start("saving", self._on_written, self._task())

    def flush(self) -> tuple[str, ...]:
        """Store at once what has changed, on this thread, before everything goes; return sentences for the person."""
        if self._open is None or self.is_settled:
            return ()
        try:
            said: tuple[str, ...] = self._task()()
        except CoarseCRFError as error:
            return (f"Not saved: {error}",)
        self._has_changed = False
        return said

    def _task(self) -> Callable[[], tuple[str, ...]]:
        """Read the layers, and return what writes them."""
        assert self._open is not None  # noqa: S101  # whoever calls has looked
        folder, row, shown = self._open
        self._number += 1
        savings = [self._read(layer, kind) for kind, layer in shown.to_save().items()]
        return partial(folder.write, row, savings, self._number)

    def _read(self, layer: Labels, kind: Any) -> Saving:
        """Return what is to be stored of a layer: its confidence and parameters would be two files more."""
        assert self._open is not None  # noqa: S101
        folder, row, _ = self._open
        return replace(Saving.of(layer, folder.labels_path(kind, row)), confidence=None, parameters=None)

    def _on_written(self, outcome: tuple[str, ...] | Failure) -> None:
        self._is_writing = False
        went_well = not isinstance(outcome, Failure)
        if not went_well:
            self._has_changed = True
            self._soon.start(_AGAIN_MS)
        self._on_ended((str(outcome.error),) if isinstance(outcome, Failure) else outcome, went_well)

    # Hearing of changes.

    def _connect_list(self) -> None:
        for event in self._list_events():
            event.connect(self._on_list)

    def _disconnect_list(self) -> None:
        for event in self._list_events():
            event.disconnect(self._on_list)

    def _list_events(self) -> list[Any]:
        events = self._viewer.layers.events
        return [events.inserted, events.removed]

    def _on_list(self) -> None:
        before = list(self._watched)
        self._watch()
        if before != self._watched:
            self.note_change()
        if self._open is not None and not self._open[2].is_open:
            self.flush()  # with the viewer, or by a person

    def _on_edited(self) -> None:
        self._watch()  # a quick look has become a full result
        self.note_change()

    def _watch(self) -> None:
        """Hear of changes of the layers that are stored, and of no others any more."""
        wanted = [] if self._open is None else self._open[2].painted()
        for layer in self._watched:
            if layer not in wanted:
                for name in _WATCHED:
                    getattr(layer.events, name).disconnect(self._on_edited)
        for layer in wanted:
            if layer not in self._watched:
                for name in _WATCHED:
                    getattr(layer.events, name).connect(self._on_edited)
        self._watched = wanted

"""What a person paints is stored by itself: a moment after it, off the main thread."""

from __future__ import annotations

from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, Protocol

from psygnal import Signal
from qtpy.QtCore import QObject, QTimer

from napari_coarse_crf import CoarseCRFError
from napari_coarse_crf.plugin.jobs.worker import Failure
from napari_coarse_crf.plugin.layers.provenance import is_preview

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import napari
    from napari.layers import Labels

    from napari_coarse_crf.plugin.jobs.background import Background
    from napari_coarse_crf.plugin.result.saving import Saving
    from napari_coarse_crf.plugin.series.shown import Shown
    from napari_coarse_crf.plugin.series.stored import Kind

_SOON_MS: Final = 1500
"""How long after the first change everything is stored: not after the last, which may be long in coming."""
_REST: Final = 5
"""How many times as long as the last write took: a large stack is not written all the time."""
_LATEST_MS: Final = 30_000
"""How long after a change it is written at the latest, however long that takes."""
_SLOW_MS: Final = 3000
"""How long a write goes on without a word."""
_SLOW: Final = "Saving takes a while. You can go on meanwhile."
_AGAIN_MS: Final = 5000
"""How long after a failure it is tried again."""
_WATCHED: Final = ("data", "paint", "set_data", "features", "colormap", "opacity", "name")
"""The events of a layer after which another file may have to be stored; of undoing, napari tells by set_data alone."""


class Target(Protocol):
    """Where an image is stored."""

    def read(self, kind: Kind, layer: Labels) -> Saving:
        """Read what is to be stored of a layer, on the main thread."""

    def note_held(self, savings: Sequence[Saving]) -> None:
        """Take note that these are what the files hold."""

    def write(self, savings: Sequence[Saving], number: int) -> tuple[str, ...]:
        """Write what has changed, off the main thread; return sentences for the person."""


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
    say : callable
        Called with a sentence on a write that takes long, or has kept something else's file.
    on_removed : callable
        Called when a person has removed the labels, with sentences as when a write has ended.

    Attributes
    ----------
    edited : Signal
        Emitted with the event of a layer that was painted on, or changed otherwise.
    """

    edited = Signal(object)

    def __init__(
        self,
        parent: QObject,
        viewer: napari.viewer.Viewer,
        background: Background,
        on_ended: Callable[[tuple[str, ...], bool], None],
        say: Callable[[str], None],
        on_removed: Callable[[tuple[str, ...]], None],
    ) -> None:
        super().__init__(parent)
        self._viewer, self._background = viewer, background
        self._on_ended, self._on_removed = on_ended, on_removed
        self._open: tuple[Target | None, Shown] | None = None
        self._watched: list[Labels] = []
        self._has_changed = self._is_writing = False
        self._number = 0
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self.save)
        self._slow = QTimer(self)
        self._slow.setSingleShot(True)
        self._slow.timeout.connect(self._say_slow)
        self._say = say
        self._took = 0.0
        self._places: dict[Labels, tuple[Any, ...]] = {}  # of each watched layer: what was seen of it last

    @property
    def is_settled(self) -> bool:
        """Whether all is stored."""
        return not self._has_changed and not self._is_writing

    def follow(self, target: Target | None, shown: Shown, *, is_new: bool = False) -> None:
        """Store this image from now on; of a new one, what was restored is what its files hold.

        Without a target nothing is stored, and `edited` tells of changes all the same.
        """
        self.leave()
        self._open = target, shown
        self._took = 0.0
        self._connect_list()
        self._watch()
        if is_new and target is not None:
            target.note_held([target.read(kind, layer) for kind, layer in shown.stored.items()])

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
        if self._open is None or self._open[0] is None:
            return
        self._has_changed = True
        if not self._soon.isActive():
            self._soon.start(min(max(_SOON_MS, round(1e3 * _REST * self._took)), _LATEST_MS))

    def save(self) -> None:
        """Store in a thread what has changed, unless a write is under way: then a while after it has ended."""
        if self._open is None or self._is_writing or not self._has_changed:
            return
        self._soon.stop()
        self._has_changed, self._is_writing = False, True
        self._slow.start(_SLOW_MS)
        self._background.start("saving", partial(self._on_written, perf_counter()), self._task())

    def flush(self) -> tuple[str, ...]:
        """Store at once what has changed, on this thread, before everything goes; return sentences for the person."""
        try:
            return self._store_now()
        except CoarseCRFError as error:
            return (f"Not saved: {error}",)

    def _store_now(self) -> tuple[str, ...]:
        """Store at once what has changed, on this thread; return sentences for the person.

        Raises
        ------
        CoarseCRFError
            If the system refuses.
        """
        if self._open is None or self.is_settled:
            return ()
        said: tuple[str, ...] = self._task()()
        self._note_stored()
        return said

    def _note_stored(self) -> None:
        """Take note that all is stored."""
        self._has_changed = False
        if self._open is not None:
            self._open[1].unsaved.clear()

    def _task(self) -> Callable[[], tuple[str, ...]]:
        """Read the layers, and return what writes them."""
        assert self._open is not None  # noqa: S101  # whoever calls has looked
        target, shown = self._open
        assert target is not None  # noqa: S101
        self._number += 1
        savings = [target.read(kind, layer) for kind, layer in shown.to_save().items()]
        return partial(target.write, savings, self._number)

    def _on_written(self, began: float, outcome: tuple[str, ...] | Failure) -> None:
        self._is_writing, self._took = False, perf_counter() - began
        self._slow.stop()
        went_well = not isinstance(outcome, Failure)
        if not went_well:
            self._try_again()
        elif self._has_changed:
            self.note_change()  # its time came while this was written
        else:
            self._note_stored()
        self._on_ended((str(outcome.error),) if isinstance(outcome, Failure) else outcome, went_well)

    def _try_again(self) -> None:
        """Plan to store after a failure."""
        self._has_changed = True
        self._soon.start(_AGAIN_MS)

    def _say_slow(self) -> None:
        self._say(_SLOW)

    # Hearing of changes.

    def _place(self) -> tuple[Any, ...]:
        """Return what of the layers is seen."""
        dims = self._viewer.dims
        return dims.ndisplay, *dims.order, *dims.point

    def _connect_list(self) -> None:
        self._viewer.layers.events.removing.connect(self._on_removing)
        for event in self._list_events():
            event.connect(self._on_list)

    def _disconnect_list(self) -> None:
        self._viewer.layers.events.removing.disconnect(self._on_removing)
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
        if self._open is not None and not self._open[1].is_open:
            self._on_removed(self.flush())

    def _on_removing(self, event: Any) -> None:
        """Store what a layer holds before it goes: a viewer that closes takes one after the other.

        What cannot be stored now is kept until it is. Else the file would hold what is no longer true: what was
        accepted and then taken back would come back with the next opening.
        """
        going = list(self._viewer.layers)[event.index]
        if self._open is None or going not in self._watched or is_preview(going):
            return
        shown = self._open[1]
        try:
            if said := self._store_now():
                self._say(" ".join(said))
        except CoarseCRFError as error:
            shown.unsaved |= {kind: layer for kind, layer in shown.to_save().items() if layer is going}
            self._try_again()
            self._on_ended((str(error),), False)

    def _on_edited(self, event: Any) -> None:
        layer, place = event.source, self._place()
        if event.type == "set_data" and self._places.get(layer) != place:
            self._places[layer] = place
            return  # a slider has moved: the layer shows another slice, and holds what it held
        self.edited.emit(event)
        self._watch()  # a quick look has become a full result
        self.note_change()

    def _watch(self) -> None:
        """Hear of changes of the layers that are stored, and of no others any more."""
        wanted = [] if self._open is None else self._open[1].painted()
        for layer in self._watched:
            if layer not in wanted:
                for name in _WATCHED:
                    getattr(layer.events, name).disconnect(self._on_edited)
        for layer in wanted:
            if layer not in self._watched:
                for name in _WATCHED:
                    getattr(layer.events, name).connect(self._on_edited)
        self._watched = wanted
        self._places = {layer: self._places.get(layer, self._place()) for layer in wanted}

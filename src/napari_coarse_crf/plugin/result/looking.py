"""The buttons to look with: flip (and its key), blink, contours, side by side, and everything put back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psygnal import Signal
from qtpy.QtCore import QObject, QTimer
from superqt.utils import signals_blocked

from napari_coarse_crf.plugin.controls.keys import ViewerKeys
from napari_coarse_crf.plugin.result.compared import Compared
from napari_coarse_crf.plugin.result.panel import FLIP_KEY
from napari_coarse_crf.plugin.result.views import Views

if TYPE_CHECKING:
    import napari

    from napari_coarse_crf.plugin.result.panel import ResultPanel

_BLINK_MS = 700


class Looking(QObject):
    """Does what the buttons of a panel say to the views of a viewer.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose layers are looked at.
    panel : ResultPanel
        With the buttons.

    Attributes
    ----------
    comparing : psygnal.Signal
        Emitted with whether the layers are shown otherwise than they were, for the sake of looking.
    """

    comparing = Signal(bool)

    def __init__(self, viewer: napari.viewer.Viewer, panel: ResultPanel) -> None:
        super().__init__(panel)
        self._viewer, self._panel = viewer, panel
        self._views = Views(viewer)
        self._compared = Compared()
        self._keys = ViewerKeys(viewer)
        self._blinker = QTimer(self)
        self._blinker.setInterval(_BLINK_MS)
        self._blinker.timeout.connect(self._flip)
        panel.flip_button.clicked.connect(self._on_flip)
        panel.blink_button.toggled.connect(self._on_blink)
        panel.contour_button.toggled.connect(self._on_contour)
        panel.contour_box.changed.connect(self._on_contour)
        panel.grid_button.toggled.connect(self._on_grid)
        panel.back_button.clicked.connect(self._on_back)
        self.attach()
        self._offer_back()

    @property
    def is_blinking(self) -> bool:
        """Whether it flips by itself."""
        return bool(self._blinker.isActive())

    def choose(self, compared: Compared) -> None:
        """Look at these layers, once what was done to the last ones is put back."""
        self._compared = compared
        if self._views.choose([] if compared.problem else compared.layers):
            self._release_buttons()
            self._offer_back()

    def attach(self) -> None:
        """Hear of layers that are removed."""
        self._viewer.layers.events.removed.connect(self._on_removed)

    def take_key(self) -> None:
        """Take the key for flipping, if nobody else has it."""
        button = self._panel.flip_button
        if self._keys.click(FLIP_KEY, button):
            button.setText(f"Flip ({FLIP_KEY})")

    def release(self) -> None:
        """Put everything back, hold no layer, and free the key."""
        self.choose(Compared())
        self._viewer.layers.events.removed.disconnect(self._on_removed)
        self._keys.free()

    def _on_removed(self, event: Any) -> None:
        self._views.forget(event.value)

    def _on_flip(self) -> None:
        self._panel.blink_button.setChecked(False)
        self._flip()

    def _flip(self) -> None:
        """Show the next of the layers alone."""
        if len(self._views.layers) < 2:
            return
        self._panel.grid_button.setChecked(False)
        shown = self._views.flip()
        self._panel.say(self._showing(f"'{shown.name}'"))
        self._offer_back()

    def _on_blink(self, on: bool) -> None:
        if on:
            self._flip()
            self._blinker.start()
        else:
            self._blinker.stop()

    def _on_contour(self) -> None:
        self._show_contour_box()
        contours = self._panel.contour_box.contours(self._compared)
        self._views.show_contours(contours if self._panel.contour_button.isChecked() else None)
        self._say_shown()
        self._offer_back()

    def _on_grid(self, on: bool) -> None:
        if on:
            self._panel.blink_button.setChecked(False)
        self._views.show_grid(on)
        self._say_shown()
        self._offer_back()

    def _on_back(self) -> None:
        self._release_buttons()
        self._views.put_back()
        self._say_shown()
        self._offer_back()

    def _say_shown(self) -> None:
        if self._views.is_changed:
            seen = [layer for layer in self._views.layers if layer.visible]
            what = f"'{seen[0].name}'" if len(seen) == 1 else "the compared layers"
            self._panel.say(self._showing(what, side_by_side=self._panel.grid_button.isChecked()))
        else:
            self._panel.say("The layers are shown as before.")

    def _showing(self, what: str, *, side_by_side: bool = False) -> str:
        """Return in words how layers are shown."""
        how = ["side by side"] if side_by_side else []
        how += ["as outlines"] if self._panel.contour_button.isChecked() else []
        return f"Showing {what} {' and '.join(how)}".strip() + "."

    def _release_buttons(self) -> None:
        """Show by the buttons that everything is put back."""
        self._blinker.stop()
        for button in (self._panel.blink_button, self._panel.contour_button, self._panel.grid_button):
            with signals_blocked(button):
                button.setChecked(False)
        self._show_contour_box()

    def _show_contour_box(self) -> None:
        has_truth = self._compared.truth is not None
        self._panel.show_contours(on=self._panel.contour_button.isChecked(), has_truth=has_truth)

    def _offer_back(self) -> None:
        self._panel.back_button.setEnabled(self._views.is_changed)
        self.comparing.emit(self._views.is_changed)

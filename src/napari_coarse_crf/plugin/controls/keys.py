"""Keys that the dock takes in its viewer, as long as it is open.

napari 0.9 reads no keys from a plugin's manifest. Its Preferences would list actions of its own manager, but they keep
them in the settings from then on, and warn of each at every start before the plugin is there. So keys are the viewer's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari
    from qtpy.QtWidgets import QAbstractButton


class ViewerKeys:
    """Binds keys that nobody else has bound, and frees them.

    Parameters
    ----------
    viewer : napari.Viewer
        Where they count.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        self._taken: dict[str, Callable[..., Any]] = {}

    def click(self, key: str, button: QAbstractButton) -> bool:
        """Let a key press a button; whether it does."""
        weak = ref(button)  # the viewer would keep a closed dock otherwise

        def press(_viewer: Any) -> Callable[[], None]:
            if (living := weak()) is not None:
                living.click()
            return undo_nothing

        return self.call(key, press)

    def call(self, key: str, function: Callable[..., Any]) -> bool:
        """Let a key call a function with the viewer; whether it does. What a generator yields at waits for the key."""
        if key in self._taken:
            return True
        try:
            self._viewer.bind_key(key, function, overwrite=False)
        except ValueError:  # another widget or a person has bound it
            return False
        self._taken[key] = function
        return True

    def free(self) -> None:
        """Free all keys, but for those that somebody has bound anew."""
        for key, function in self._taken.items():
            bound = self._viewer.bind_key(key, None)
            if bound is not None and bound is not function:
                self._viewer.bind_key(key, bound)
        self._taken = {}


def undo_nothing() -> None:
    """Undo nothing when a key is released; what a key calls returns this.

    napari keeps what a release undoes by the key alone, and for good: once 2 has taken the brush, the release of Ctrl+2
    would put it away again.
    """

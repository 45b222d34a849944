"""A key of the viewer that presses a button: taken where it is free, given back afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari
    from qtpy.QtWidgets import QPushButton


class ButtonKey:
    """Binds a key of a viewer to a button, and says so on it.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose key.
    key : str
        Which one, as napari writes it.
    button : QPushButton
        What it presses.
    """

    def __init__(self, viewer: napari.viewer.Viewer, key: str, button: QPushButton) -> None:
        self._viewer, self._key, self._button = viewer, key, button
        self._text = button.text()
        self._function: Callable[..., None] | None = None

    def take(self) -> None:
        """Take the key, if nobody else has it."""
        if self._function is not None:
            return
        weak = ref(self._button)  # the viewer would keep a closed dock otherwise

        def press(_viewer: Any) -> None:
            if (living := weak()) is not None:
                living.click()

        try:
            self._viewer.bind_key(self._key, press, overwrite=False)
        except ValueError:  # another widget or a person has bound it
            return
        self._function = press
        self._button.setText(f"{self._text} ({self._key})")

    def release(self) -> None:
        """Free the key."""
        if self._function is None:
            return
        bound = self._viewer.bind_key(self._key, None)
        if bound is not None and bound is not self._function:  # somebody has bound it anew
            self._viewer.bind_key(self._key, bound)
        self._function = None

"""Ways to look at several Labels layers: one after the other, as contours, side by side; and everything put back.

Works on any viewer model; no Qt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from napari.layers import Image, Labels
from napari.utils.colormaps import DirectLabelColormap

from napari_coarse_crf.plugin.layers.camera import camera_of, grid_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import napari

_TRUE_COLOUR: Final = "white"
"""Of the outlines of the truth: in the colours of its labels nobody could tell them from those of a result."""


@dataclass(slots=True, eq=False)
class _Loan:
    owner: Any
    name: str
    original: Any
    given: Any


class Borrowed:
    """Settings that were changed for a while, with what they were before."""

    def __init__(self) -> None:
        self._loans: list[_Loan] = []

    def __bool__(self) -> bool:
        """Return whether anything is borrowed."""
        return bool(self._loans)

    def set(self, owner: Any, name: str, value: Any) -> None:
        """Change a setting; what it was at first is kept until `put_back`."""
        loan = next((each for each in self._loans if each.owner is owner and each.name == name), None)
        if loan is not None:
            loan.given = value
        original = getattr(owner, name)
        if original == value:
            return  # napari takes the brush out of the hand where a layer that is seen is told to be seen
        if loan is None:
            self._loans.append(_Loan(owner, name, original, value))
        setattr(owner, name, value)

    def note(self, owner: Any, name: str, original: Any) -> None:
        """Keep what a setting was, which something else has changed in the meantime."""
        if getattr(owner, name) != original:
            self._loans.append(_Loan(owner, name, original, getattr(owner, name)))

    def put_back(self, *names: str) -> None:
        """Put the settings of these names back, or all; those that a person changed meanwhile stay as they are."""
        back = [loan for loan in self._loans if not names or loan.name in names]
        self._loans = [loan for loan in self._loans if loan not in back]
        for loan in back:
            if getattr(loan.owner, loan.name) == loan.given:
                setattr(loan.owner, loan.name, loan.original)

    def forget(self, owner: Any) -> None:
        """Keep nothing of an owner that is gone."""
        self._loans = [loan for loan in self._loans if loan.owner is not owner]


@dataclass(frozen=True, slots=True)
class Contours:
    """Which layers are drawn as outlines, and how.

    Attributes
    ----------
    layers : tuple of Labels
        The outlined ones; the others are shown as they were.
    width : int
        Of the outlines, in pixels.
    truth : Labels or None
        The one among them whose outlines are white.
    """

    layers: tuple[Labels, ...]
    width: int
    truth: Labels | None = None


class Views:
    """How the compared layers of a viewer are shown.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose layers and grid are borrowed.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        self._borrowed = Borrowed()
        self._contours: Contours | None = None
        self._is_arranged = False  # by flip or grid, which say what is visible
        self.layers: list[Labels] = []

    @property
    def is_changed(self) -> bool:
        """Whether there is anything to put back."""
        return bool(self._borrowed)

    def choose(self, layers: Sequence[Labels]) -> bool:
        """Compare these layers, in this order; whether that is a change. What was borrowed is put back then."""
        if list(layers) == self.layers:
            return False
        self.put_back()
        self.layers = list(layers)
        return True

    def flip(self) -> Labels:
        """Show one of the layers alone, the next one at each call, and return it. There must be two at least."""
        shown = [layer for layer in self.layers if layer.visible]
        # Several: show the first one, which lies below the others, so that something changes at once.
        place = self.layers.index(shown[0]) + 1 if len(shown) == 1 else 0
        chosen = self.layers[place % len(self.layers)]
        self._is_arranged = True
        self._hide_covers()
        for layer in self.layers:
            self._borrowed.set(layer, "visible", layer is chosen)
        return chosen

    def show_contours(self, contours: Contours | None) -> None:
        """Show layers, and draw them as outlines; None: put back how they were drawn."""
        self._borrowed.put_back("contour", "colormap", *(() if self._is_arranged else ("visible",)))
        self._contours = contours
        if contours is None:
            return
        for layer in contours.layers:
            self._borrowed.set(layer, "contour", contours.width)
            if not self._is_arranged:
                self._borrowed.set(layer, "visible", True)
        if contours.truth is not None:
            self._borrowed.set(contours.truth, "colormap", _in_one_colour(_TRUE_COLOUR))

    def show_grid(self, on: bool) -> None:
        """Lay the layers side by side beside the image, or put the layers back on each other."""
        self._is_arranged = on
        if not on:
            self._borrowed.put_back("enabled", "stride", "visible", "zoom", "center")
            self.show_contours(self._contours)  # what is outlined is visible
            return
        self._hide_covers()
        for layer in self.layers:
            self._borrowed.set(layer, "visible", True)
        grid = grid_of(self._viewer)
        self._borrowed.set(grid, "stride", 1)  # each layer in a place of its own
        self._borrowed.set(grid, "enabled", True)
        camera = camera_of(self._viewer)
        zoom, center = camera.zoom, camera.center
        self._viewer.reset_view()  # each place is smaller than the window: a part of the image would be seen only
        self._borrowed.note(camera, "zoom", zoom)
        self._borrowed.note(camera, "center", center)

    def put_back(self) -> None:
        """Put everything back."""
        self._contours, self._is_arranged = None, False
        self._borrowed.put_back()

    def forget(self, layer: Any) -> None:
        """Keep nothing of a layer that was deleted."""
        self._borrowed.forget(layer)

    def _hide_covers(self) -> None:
        """Hide other labels, and images that cover the compared layers."""
        present = list(self._viewer.layers)
        lowest = min(present.index(layer) for layer in self.layers)
        for place, layer in enumerate(present):
            covers = isinstance(layer, Labels) or (isinstance(layer, Image) and place > lowest)
            if covers and layer not in self.layers and layer.visible:
                self._borrowed.set(layer, "visible", False)


def _in_one_colour(colour: str) -> DirectLabelColormap:
    return DirectLabelColormap(color_dict={None: colour, 0: "transparent"})

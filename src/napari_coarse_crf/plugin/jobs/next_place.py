"""Where to paint next: found in a thread, then the view goes there and a sentence says between which labels.

What is looked at is what the dock is set to, of slices the current one, with the strokes as they are now: it needs no
result, and knows of strokes that no run has seen.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from napari_coarse_crf import InputError
from napari_coarse_crf.next_place import find_place
from napari_coarse_crf.plugin.jobs.background import Background
from napari_coarse_crf.plugin.jobs.worker import Failure
from napari_coarse_crf.plugin.layers import classes
from napari_coarse_crf.plugin.layers.camera import camera_of
from napari_coarse_crf.plugin.layers.grid import pixel_size
from napari_coarse_crf.tiles.parts import NO_SLICE, has_two_labels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import napari
    from napari.layers import Layer

    from napari_coarse_crf import Parameters
    from napari_coarse_crf.next_place import Place
    from napari_coarse_crf.plugin.layers.grid import Grid
    from napari_coarse_crf.plugin.layers.match import Match
    from napari_coarse_crf.plugin.layers.read import Inputs
    from napari_coarse_crf.plugin.layers.snapshot import Snapshot
    from napari_coarse_crf.tiles.parts import Part, Scope

LOOKING: Final = "Looking for the place where a stroke helps most."
_NOTHING: Final = "No area is in doubt: look along the outlines."
_NOTHING_OPEN: Final = "No area is in doubt outside of what was accepted. Take back, or look along the outlines."
_NOTHING_MORE: Final = "No further area is in doubt: the next one is the first again."
_TASK: Final = "next place"
_REACH_ON_SCREEN: Final = 40
"""Points of the screen that the reach of a place takes at least."""
_EVEN: Final = 0.85
"""Of doubt: from here on both labels may be called nearly even."""


class Mark(Protocol):
    """What shows a person where a place is."""

    @property
    def is_shown(self) -> bool:
        """Whether a place is marked."""

    def show(self, centre: Sequence[float], reach: float, until: Iterable[Any] = ()) -> None:
        """Mark a place until something happens, along the displayed axes and in the units of the viewer; no other."""

    def clear(self) -> None:
        """Mark nothing any more."""


class NextPlace:
    """Sends a person from place to place, each of which is marked until it is dealt with, by a stroke or a run.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose view moves.
    say : callable
        Shows a sentence.
    mark : Mark
        Marks the place.
    """

    def __init__(self, viewer: napari.viewer.Viewer, say: Callable[[str], None], mark: Mark) -> None:
        self._viewer, self._say, self._mark = viewer, say, mark
        self._said = ""
        self._background = Background()
        self._shown: list[tuple[int, ...]] = []
        self._went: tuple[Scope, list[float]] | None = None

    def forget(self) -> None:
        """Begin anew: other layers are chosen."""
        self._shown.clear()
        self._went = None
        self._background.drop(_TASK)
        self._mark.clear()

    def standing(self) -> str:
        """Return what is said of the place, as long as it is marked; else ""."""
        return self._said if self._mark.is_shown else ""

    def scope(self, seen: Scope) -> Scope:
        """Return where to look: in what is seen, but where it was looked before while the view is as that left it.

        To come nearer leaves too little in view for a next place.
        """
        if self._went is None:
            return seen
        before, view = self._went
        now = self._view()
        is_still = len(view) == len(now) and np.allclose(view, now)  # drawing rounds it
        return before if is_still and replace(before, box=None) == replace(seen, box=None) else seen

    def go(self, snapshot: Snapshot, parameters: Parameters) -> None:
        """Go to the next place of what a snapshot shows.

        Raises
        ------
        InputError
            If the layers cannot be refined.
        """
        find = partial(find_among, snapshot.inputs, parameters, tuple(self._shown))
        self._mark.clear()
        self._say(LOOKING)
        names = classes.class_names_of(snapshot.match.labels_layer)  # those of what is drawn say no ids
        listener = partial(self._on_found, snapshot.match, snapshot.choice.scope, snapshot.source, names)
        self._background.start(_TASK, listener, find)

    def _on_found(
        self,
        match: Match,
        scope: Scope,
        labels_layer: Layer,
        names: Mapping[int, str],
        place: Place | Failure | None,
    ) -> None:
        if isinstance(place, Failure):
            self._say(str(place.error))
        elif place is None:
            nothing = _NOTHING if match.accepted is None else _NOTHING_OPEN
            self._say(_NOTHING_MORE if self._shown else nothing)
            self._shown.clear()
        else:
            self._shown.append(place.position)
            self._mark.show(*show_place(self._viewer, match.grid, place), until=_strokes_on(labels_layer))
            self._went = scope, self._view()
            if labels_layer in self._viewer.layers:
                self._viewer.layers.selection.active = labels_layer
            self._said = in_words(place, names)
            self._say(self._said)

    def _view(self) -> list[float]:
        """Return where a person looks."""
        camera = camera_of(self._viewer)
        return [*camera.center, camera.zoom, *self._viewer.dims.point]


def find_among(inputs: Inputs, parameters: Parameters, shown: Sequence[tuple[int, ...]]) -> Place | None:
    """Return the place, in pixels of the whole, within the first part that holds two labels.

    Raises
    ------
    InputError
        If none does.
    """
    for part in inputs.parts():
        picture, labels = inputs.load(part)
        if has_two_labels(labels, picture.mask):
            within = [position for position in (_into(part, one) for one in shown) if position is not None]
            place = find_place(picture, labels, parameters, within)
            return None if place is None else replace(place, position=_out_of(part, place.position))
    raise InputError(NO_SLICE)


def show_place(viewer: napari.viewer.Viewer, grid: Grid, place: Place) -> tuple[tuple[float, ...], float]:
    """Move sliders and camera to a place; come nearer if it is too small to be painted on, never farther away.

    Returns
    -------
    centre : tuple of float
        Where it is along the displayed axes, in the units of the viewer.
    reach : float
        How far it reaches, in these units.
    """
    dims = viewer.dims
    point = grid.point_at(place.position, dims.point)
    axes = range(dims.ndim - len(point), dims.ndim)
    at = dict(zip(axes, point, strict=True))
    hidden = [axis for axis in axes if axis >= 0 and axis not in dims.displayed]
    dims.set_point(hidden, [at[axis] for axis in hidden])
    camera = camera_of(viewer)
    camera.center = centre = tuple(at.get(axis, 0.0) for axis in dims.displayed)
    reach = place.reach * min(pixel_size(grid.layer))
    camera.zoom = max(camera.zoom, _REACH_ON_SCREEN / reach)
    return centre, reach


def in_words(place: Place, names: Mapping[int, str]) -> str:
    """Say between which labels a place is in doubt."""
    first, second = (classes.in_words(one, names) for one in place.labels)
    how = "are nearly even" if place.doubt >= _EVEN else "are in doubt"
    return f"In the middle of the view {first} and {second} {how}: paint a stroke there."


def _strokes_on(layer: Layer) -> list[Any]:
    """Return the events of a layer after which there is something else on it."""
    return [getattr(layer.events, name) for name in ("data", "paint", "labels_update") if hasattr(layer.events, name)]


def _into(part: Part, position: Sequence[int]) -> tuple[int, ...] | None:
    """Return a position within a part, None if it lies on another slice."""
    pairs = list(zip(part, position, strict=True))
    if any(one != at for one, at in pairs if not isinstance(one, slice)):
        return None
    return tuple(at - one.start for one, at in pairs if isinstance(one, slice))


def _out_of(part: Part, position: Sequence[int]) -> tuple[int, ...]:
    """Return the position in the whole of one within a part."""
    within = iter(position)
    return tuple(one.start + next(within) if isinstance(one, slice) else one for one in part)

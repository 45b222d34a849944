"""Somebody who knows the truth, at the dock: paints, moves sliders, presses buttons, and notices what is lost."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage as ndi
from strokes import line_through, nearest_known
from window import Ticks, Watchdog, idle

from napari_coarse_crf import evaluate_labels
from napari_coarse_crf.plugin.controls.parameter_control import NumberControl
from napari_coarse_crf.plugin.jobs.next_place import LOOKING
from napari_coarse_crf.plugin.layers.accepted import find_accepted
from napari_coarse_crf.plugin.layers.camera import camera_of
from napari_coarse_crf.plugin.layers.provenance import is_preview, is_result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari.layers import Image, Labels

    from napari_coarse_crf.plugin import RefineWidget

    Array = np.ndarray[Any, Any]
    Pixel = tuple[int, ...]

LENGTH, WIDTH = 20, 3  # px, of a stroke
HAND = 8  # ms from one dab of the brush to the next, as a mouse sends them
DRAG = 30  # ms from one move of a slider to the next
SLIDERS = ("smoothness_weight", "theta_beta", "appearance_weight")


@dataclass
class Diary:
    """What was noticed.

    Attributes
    ----------
    lost : list of str
        What should be there and is not, in a sentence each.
    late : list of array
        Seconds by which the ticks of the window were late.
    looks : list of float
        Seconds from a stroke or a slider to the first look.
    """

    lost: list[str] = field(default_factory=list)
    late: list[Array] = field(default_factory=list)
    looks: list[float] = field(default_factory=list)


class Annotator:
    """Works at one image.

    Parameters
    ----------
    viewer : napari.Viewer
        With the dock.
    widget : RefineWidget
        The dock.
    image : napari.layers.Image
        What is annotated.
    own : napari.layers.Labels
        What is painted on, empty as yet.
    fine : array of int
        The truth, 0 = unknown.
    watchdog : Watchdog
        Looks at the main thread while the window is watched.
    """

    def __init__(
        self, viewer: Any, widget: RefineWidget, image: Image, own: Labels, fine: Array, watchdog: Watchdog
    ) -> None:
        self.viewer, self.widget, self.image, self.own, self.fine = viewer, widget, image, own, fine
        self.diary = Diary()
        self._watchdog = watchdog
        self._painted = own.data.copy()
        self._accepted = np.zeros_like(own.data)
        self._before: list[Array] = []  # what was accepted before each commit
        self._extra: list[Labels] = []  # layers that were kept, or that a run added
        widget.image_layer.value, widget.labels_layer.value = image, own

    # What is seen.

    @property
    def part(self) -> Any:
        """The slice that is seen: an index of all label maps."""
        return tuple(int(one) for one in self.viewer.dims.current_step[: self.own.ndim - 2])

    @property
    def shown(self) -> Array:
        """The result that is seen, of all slices."""
        seen = self._results_seen()
        if len(seen) != 1:
            self._miss(f"not one result is seen but {[layer.name for layer in seen]}; {self.widget.status}")
        shown: Array = seen[-1].data if seen else self.own.data
        return shown

    @property
    def score(self) -> float:
        """Mean IoU of what is shown."""
        return float(evaluate_labels(self.shown[self.part], self.fine[self.part]).mean_iou)

    # What is done.

    def begin(self) -> None:
        """Paint a stroke of each class where there is most room for it."""
        fine = self.fine[self.part]
        for label_id in np.unique(fine[fine > 0]):
            self.stroke(_deepest(fine == label_id))

    def stroke(self, place: Pixel) -> None:
        """Paint the truth through a pixel of the slice that is seen, dab by dab."""
        fine = self.fine[self.part]
        place = nearest_known(fine, place)
        line, label_id = sorted(line_through(fine, place, LENGTH)), int(fine[place])
        room = ndi.distance_transform_edt(fine == label_id)
        own = self.own
        self.viewer.layers.selection.active = own
        own.mode, own.selected_label = "paint", label_id
        own.brush_size = WIDTH if min(room[pixel] for pixel in line) >= WIDTH else 1
        with self._watched(), own.block_history():
            for pixel in line:
                own.paint((*self.part, *pixel), label_id)
                idle(HAND)
        if not all(own.data[(*self.part, *pixel)] == label_id for pixel in line):
            self._miss("a stroke is not in the own layer")
        self._painted = own.data.copy()

    def stroke_and_undo(self) -> None:
        """Paint a stroke, look, and undo it."""
        before = self._painted
        self.stroke(_deepest(self.own.data[self.part] == 0))
        self.look()
        with self._watched():
            self.own.undo()
            idle(HAND)
        self._painted = before

    def correct(self) -> None:
        """Paint a stroke where most is wrong in one place."""
        fine = self.fine[self.part]
        wrong = (self.shown[self.part] != fine) & (fine > 0)
        if wrong.any():
            self.stroke(_deepest(wrong))

    def go_to_next_place(self) -> None:
        """Let the dock propose a place, and paint there."""
        with self._watched():
            self.widget.run_bar.next_place.click()
            while self.widget.status.startswith(LOOKING):
                idle(5)
        if not self.widget.status.startswith("In the middle "):
            return
        centre = self.own.world_to_data((*self.part, *camera_of(self.viewer).center[-2:]))[-2:]
        last = np.subtract(self.own.data.shape[-2:], 1)
        self.stroke(tuple(int(one) for one in np.clip(np.round(centre), 0, last)))

    def drag_slider(self, number: int) -> None:
        """Move a slider there and back, and look at what it does."""
        before = self.widget.parameters
        control = self.widget.controls.by_name[SLIDERS[number % len(SLIDERS)]]
        assert isinstance(control, NumberControl)
        slider, data = control.slider, self._data_shown()
        began = perf_counter()
        with self._watched():
            for place in np.linspace(slider.value(), slider.maximum(), 8).astype(int).tolist():
                slider.setValue(place)
                idle(DRAG)
            self._wait_for_look(data, began)
        self.look()
        self.widget.parameters = before

    def look(self) -> None:
        """Wait until Live shows the full result, and see whether all that must be in it is."""
        data, began = self._data_shown(), perf_counter()
        with self._watched():
            self._wait_for_look(data, began)
            while not self.widget.runs.live.switch.is_settled:
                idle(5)
            idle(300)  # what follows a result: the table
        if not self.widget.run_bar.keep.isEnabled():
            self._miss(f"Live has no full result: {self.widget.status}")
        self._check(self.shown)

    def commit(self, *, everything: bool = True) -> None:
        """Accept what is shown; what is shown then must be the same."""
        result = self.shown.copy()
        with self._watched():
            slice_only = self.own.ndim > 2
            layer = self.widget.commit(slice_only=slice_only)
        if layer is None:
            self._miss(f"nothing could be accepted: {self.widget.status}")
            return
        after = layer.data.copy()
        wanted = self._accepted.copy()
        wanted[self.part] = np.where(result[self.part] != 0, result[self.part], wanted[self.part])
        if everything:
            self._compare(after, wanted, "what was accepted is not what was shown")
        changed = after != self._accepted
        self._compare(after[changed], result[changed], "what was accepted was not shown")
        if changed.any():
            self._before.append(self._accepted)
        self._accepted = after
        self.look()
        self._compare(self.shown[self.part], result[self.part], "the result is another after Commit")

    def take_back(self) -> None:
        """Undo the last commit."""
        with self._watched():
            self.widget.take_back()
        self._accepted = self._before.pop()
        self.look()

    def commit_area(self) -> None:
        """Accept only what is in view, where that can be refined."""
        box = self.widget.scope.in_view
        box.value = True
        if not self.widget.setting.snapshot.problem:
            self.look()
            self.commit(everything=False)
        box.value = False
        self.look()

    def keep(self) -> None:
        """Make the preview a layer, and remove the one before."""
        result = self.shown.copy()
        with self._watched():
            layer = self.widget.keep()
        if layer is None:
            self._miss(f"the result could not be kept: {self.widget.status}")
            return
        self._compare(layer.data, result, "what was kept is not what was shown")
        self._put_aside(layer)

    def run(self) -> None:
        """Press Run, which must give what Live shows."""
        result = self.shown.copy()
        added: list[Labels] = []
        self.widget.refined.connect(added.append)
        with self._watched():
            self.widget.run_bar.button.click()
            while not added or self.widget.runs.runner.is_busy:
                idle(5)
        self.widget.refined.disconnect(added.append)
        self._compare(added[0].data[self.part], result[self.part], "Run gives something else than Live")
        self._put_aside(added[0])

    @property
    def accepted_is_wrong(self) -> bool:
        """Whether more than a hundredth of what was accepted of the slice that is seen is wrong."""
        accepted, fine = self._accepted[self.part], self.fine[self.part]
        known = (accepted != 0) & (fine != 0)
        return bool((accepted != fine)[known].mean() > 0.01) if known.any() else False

    # Noticing.

    def _put_aside(self, layer: Labels) -> None:
        for one in self._extra:
            if one is not layer and one in self.viewer.layers:
                self.viewer.layers.remove(one)
        self._extra = [layer]

    def _check(self, result: Array) -> None:
        """See whether everything is there, after a full result."""
        self._compare(self.own.data, self._painted, "the own layer is not what was painted")
        wanted = np.where(self._painted != 0, self._painted, self._accepted)
        there = wanted != 0
        if self.widget.scope.mode.value == "current":
            there[[place for place in range(len(there)) if (place,) != self.part]] = False
        self._compare(result[there], wanted[there], "own strokes or accepted pixels are not in the result")
        accepted = find_accepted(self.viewer, self.own)
        now = np.zeros_like(self._accepted) if accepted is None else accepted.data
        self._compare(now, self._accepted, "what was accepted has changed")
        layers = list(self.viewer.layers)
        names = [layer.name for layer in layers]
        if len(set(names)) < len(names):
            self._miss(f"layers of the same name: {names}")
        most = 5 + len(self._extra)  # image, truth, own, accepted, preview
        if len(layers) > most:
            self._miss(f"{len(layers)} layers: {names}")
        if self.viewer.layers.selection.active != self.own:
            self._miss(f"the selected layer is {self.viewer.layers.selection.active}")

    def _results_seen(self) -> list[Labels]:
        return [layer for layer in self.viewer.layers if layer.visible and (is_result(layer) or is_preview(layer))]

    def _compare(self, found: Array, wanted: Array, what: str) -> None:
        if count := int(np.count_nonzero(found != wanted)):
            self._miss(f"{what} ({count} pixels)")

    def _miss(self, what: str) -> None:
        self.diary.lost.append(what)

    def _data_shown(self) -> Any:
        layer = self.widget.runs.live.preview.layer
        return None if layer is None else layer.data

    def _wait_for_look(self, data: Any, began: float) -> None:
        """Wait until something else is shown, or nothing will be."""
        while not self.widget.runs.live.switch.is_settled:
            if self._data_shown() is not data:
                self.diary.looks.append(perf_counter() - began)
                return
            idle(5)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Watch how late the window is meanwhile."""
        ticks = Ticks()
        self._watchdog.watch(True)
        idle(0)
        try:
            yield
            idle(30)  # what waits in the event queue
        finally:
            self._watchdog.watch(False)
            _, late = ticks.stop()
            self.diary.late.append(late)


def _deepest(where: Array) -> Pixel:
    """Return the pixel that is farthest from the border of an area."""
    depth = ndi.distance_transform_edt(np.pad(where, 1))[1:-1, 1:-1]
    return tuple(int(one) for one in np.unravel_index(depth.argmax(), depth.shape))

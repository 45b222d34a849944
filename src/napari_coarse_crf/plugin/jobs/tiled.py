"""One refinement tile by tile, of layers that need not fit into memory; its result is on disk and grows as it is seen.

Those tiles come first that are in view, wherever a person looks meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import dask.array as da
import numpy as np

from napari_coarse_crf import InputError, Progress
from napari_coarse_crf.compute.parallel import finish, retold
from napari_coarse_crf.plugin.jobs.aside import take_aside
from napari_coarse_crf.plugin.jobs.explained import explained
from napari_coarse_crf.plugin.jobs.fitting import sides_that_fit
from napari_coarse_crf.plugin.jobs.planning import time_in_words, timed
from napari_coarse_crf.plugin.layers.cut import inside
from napari_coarse_crf.plugin.layers.lazy import LazyLabels, lazy_picture
from napari_coarse_crf.plugin.layers.look import add_result, renewed
from napari_coarse_crf.plugin.layers.newest import show_alone
from napari_coarse_crf.plugin.layers.provenance import describe_run, set_provenance
from napari_coarse_crf.plugin.layers.read import stored
from napari_coarse_crf.plugin.layers.record import remember_source
from napari_coarse_crf.plugin.layers.store import LabelStore, keep_store
from napari_coarse_crf.tiles.one import refining_tile
from napari_coarse_crf.tiles.parts import is_whole
from napari_coarse_crf.tiles.plan import plan_tiles

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    import napari
    from napari.layers import Labels, Layer
    from numpy.typing import NDArray

    from napari_coarse_crf import Parameters
    from napari_coarse_crf.plugin.layers.look import Look
    from napari_coarse_crf.plugin.layers.read import Inputs
    from napari_coarse_crf.plugin.layers.snapshot import Snapshot
    from napari_coarse_crf.tiles.cutting import Tile
    from napari_coarse_crf.tiles.one import TileRefinement
    from napari_coarse_crf.tiles.parts import Part
    from napari_coarse_crf.tiles.plan import TilePlan

_ENGINE: Final = "lattice, tile by tile"
_STEPS: Final = 100
"""That each tile is reported as."""


@dataclass(slots=True, eq=False)
class View:
    """What a person sees: told on the main thread, asked for in the thread of a job.

    Attributes
    ----------
    box : tuple of (start, stop) or None
        Along each axis of what is refined; None: nobody knows.
    """

    box: tuple[tuple[int, int], ...] | None = None

    def distance(self, place: Part) -> tuple[float, float]:
        """Return how far a place lies from what is seen, and from the middle of it; the axes have one scale."""
        if self.box is None:
            return 0.0, 0.0
        apart, away = 0.0, 0.0
        for one, (start, stop) in zip(place, self.box, strict=True):
            if isinstance(one, slice):
                apart += max(0, start - one.stop + 1, one.start - stop + 1) ** 2
                away += ((one.start + one.stop) / 2 - (start + stop) / 2) ** 2
        return apart, away


@dataclass(frozen=True, slots=True)
class TileStep(Progress):
    """A step of a run in tiles.

    Attributes
    ----------
    tiles : int
        How many tiles there are.
    done : int
        How many of them are refined.
    seconds_left : float or None
        How long the others will take; None: nobody knows yet.
    store : LabelStore or None
        What shows them.
    parameters : Parameters or None
        What they are refined with.
    """

    tiles: int = 0
    done: int = 0
    seconds_left: float | None = None
    store: LabelStore | None = None
    parameters: Parameters | None = None

    @property
    def sentence(self) -> str:
        """Where the run stands."""
        left = "" if self.seconds_left is None else f", about {time_in_words(self.seconds_left)} left"
        return f"Tile {min(self.done + 1, self.tiles)} of {self.tiles}{left}."


@dataclass(frozen=True, slots=True, eq=False)
class TiledOutcome:
    """What a run in tiles returns: all tiles are on disk.

    Attributes
    ----------
    store : LabelStore
        What shows them.
    tiles : int
        How many there are.
    seconds : float
        How long it took.
    warnings : tuple of str
        What a person should look at, one sentence each.
    label_counts : mapping
        As of a `Refinement`.
    parameters : Parameters
        What the image was refined with: those that were chosen, where the labels chose the weights.
    reason : str
        Why these weights, in one sentence; "" where they were fixed.
    """

    store: LabelStore
    tiles: int
    seconds: float
    warnings: tuple[str, ...]
    label_counts: Mapping[int, tuple[int, int]]
    parameters: Parameters
    reason: str

    @property
    def sentence(self) -> str:
        """What was done, and how long it took."""
        count = "1 tile" if self.tiles == 1 else f"{self.tiles} tiles"
        return f"Done in {time_in_words(self.seconds)}: {count}"


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class TiledJob:
    """Everything one run in tiles needs, independent of what happens to the layers meanwhile.

    Attributes
    ----------
    inputs, look, parameters, source, about, misfit
        As for `Job`.
    tile_side : int or None
        How long a tile is along each axis, in pixels.
    view : View
        What the person sees.
    """

    inputs: Inputs
    look: Look
    parameters: Parameters
    source: Layer
    about: Mapping[str, Any]
    misfit: str
    tile_side: int | None = None
    view: View = field(default_factory=View)
    is_live: bool = False

    @classmethod
    def prepare(cls, snapshot: Snapshot, parameters: Parameters, view: View | None = None) -> TiledJob:
        """Read the layers, on the main thread.

        Raises
        ------
        InputError
            If the layers cannot be refined.
        """
        if len(snapshot.inputs.parts()) > 1:
            raise InputError("Slices and frames are refined each on its own without tiles: leave 'by_tiles' off.")
        return cls(
            inputs=snapshot.inputs,
            look=snapshot.look,
            parameters=parameters,
            source=snapshot.source,
            about=snapshot.in_plain_values,
            misfit=snapshot.misfit,
            tile_side=snapshot.choice.tile_side,
            view=view or View(),
        )

    def steps(self) -> Generator[Progress, None, TiledOutcome]:
        """Refine tile by tile, yielding after every step. Touches no layer, so any thread may take the steps.

        Raises
        ------
        CoarseCRFError
            If the input cannot be used, or if something went wrong that nobody foresaw.
        """
        with explained("The refinement stopped"):
            began = perf_counter()
            (part,) = self.inputs.parts()
            labels = yield from timed(self._labels_as_they_are(part))
            picture = lazy_picture(self.inputs, part)
            tile = self.tile_side or sides_that_fit(labels.shape, picture.spacing, self.parameters)
            plan = yield from timed(plan_tiles(picture, labels, self.parameters, tile=tile))
            store = yield from timed(self._begin_store(labels, part, plan.source.dtype))
            gained = yield from self._refine(plan, part, store)
            notes = (*plan.warnings(gained), *([self.misfit] if self.misfit else []))
            return TiledOutcome(
                *(store, len(plan.tiles), perf_counter() - began, notes, plan.label_counts(gained)),
                *(plan.parameters, plan.reason),
            )

    def describe(
        self, parameters: Parameters, seconds: float, warnings: Sequence[str], done: int, tiles: int
    ) -> dict[str, Any]:
        """Return where the result comes from: plain values only, so that they can be saved as JSON."""
        about = describe_run(parameters, seconds, warnings)
        return {**about, **self.about, "engine": _ENGINE, "tiles": {"refined": done, "of": tiles}}

    def _labels_as_they_are(self, part: Part) -> Generator[Progress, None, Any]:
        """Return the labels of now, which no stroke reaches: those that are stored elsewhere are copied to disk."""
        labels = LazyLabels(self.inputs, part)
        if isinstance(stored(self.inputs.labels.data), np.ndarray | da.Array):
            return labels
        copy = LabelStore(labels.shape, labels.dtype, drawn=False)
        yield from _take(copy, labels)
        return copy

    def _begin_store(self, labels: Any, part: Part, dtype: Any) -> Generator[Progress, None, LabelStore]:
        """Return a store that shows the person's labels."""
        store = LabelStore(self.inputs.shape, dtype)
        yield from _take(store, labels if is_whole(part, self.inputs.shape) else self.inputs.all_labels)
        return store

    def _refine(self, plan: TilePlan, part: Part, store: LabelStore) -> Generator[Progress, None, NDArray[np.int64]]:
        """Refine one tile after the other, those first that are in view now; returns how many pixels labels gained."""
        left, tiles, began = list(plan.tiles), len(plan.tiles), perf_counter()
        gained = np.zeros(len(plan.label_ids), np.int64)
        while left:
            done = tiles - len(left)
            seconds_left = (perf_counter() - began) / done * len(left) if done else None
            told = (tiles, done, seconds_left, store, plan.parameters)
            step = TileStep("tiles", done * _STEPS, tiles * _STEPS, None, *told)
            yield step
            tile = min(left, key=lambda one: self.view.distance(inside(part, one.core)))
            left.remove(tile)
            refinement = yield from _refine_tile(plan, tile, step)
            store.write(inside(part, tile.core), refinement.labels)
            gained += refinement.gained
        yield TileStep("tiles", tiles * _STEPS, tiles * _STEPS, None, tiles, tiles, None, store, plan.parameters)
        return gained


def refine_by_tiles(viewer: napari.viewer.Viewer, snapshot: Snapshot, parameters: Parameters) -> Labels:
    """Refine tile by tile in the calling thread, and add the result as a layer.

    Raises
    ------
    InputError
        If the layers cannot be refined.
    """
    job = TiledJob.prepare(snapshot, parameters)
    return TiledLayers(viewer).finish(job, finish(job.steps()))


class TiledLayers:
    """Shows what runs in tiles have refined, each in a layer that comes with its first tile.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where the layers are.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        self._layer: Labels | None = None
        self._shown: TileStep | None = None

    def show(self, job: TiledJob, step: TileStep) -> bool:
        """Show the tiles that are refined, if these are more than are shown; whether anybody wants them still."""
        if self._layer is not None and self._layer not in self._viewer.layers:
            return False
        if step.store is None or not step.done or (self._shown is not None and self._shown.done == step.done):
            return True
        about = job.describe(step.parameters or job.parameters, 0.0, (), step.done, step.tiles)
        if self._layer is None:
            self._layer = _add(self._viewer, job, step.store, about)
        else:
            set_provenance(self._layer, about)
            self._layer.refresh()
        self._shown = step
        return True

    def finish(self, job: TiledJob, outcome: TiledOutcome) -> Labels:
        """Say in the layer that all tiles are refined, and return it."""
        about = job.describe(outcome.parameters, outcome.seconds, outcome.warnings, outcome.tiles, outcome.tiles)
        about["label_counts"] = {int(i): (int(a), int(b)) for i, (a, b) in outcome.label_counts.items()}
        if outcome.reason:
            about["reason"] = outcome.reason
        layer = self._layer
        if layer is None or layer not in self._viewer.layers:
            layer = _add(self._viewer, job, outcome.store, about)
        set_provenance(layer, about)
        layer.refresh()
        layer.data = layer.data  # whoever counts its pixels
        self.forget()
        return layer

    def stop(self) -> str:
        """Leave what is there as it is, and say how much that is; "" if there is nothing."""
        layer, shown = self._layer, self._shown
        self.forget()
        if layer is None or shown is None or layer not in self._viewer.layers:
            return ""
        layer.refresh()
        layer.data = layer.data
        return f"{shown.done} of {shown.tiles} tiles are refined, in '{layer.name}'; elsewhere it shows your labels."

    def forget(self) -> None:
        """Begin anew."""
        self._layer = self._shown = None


def _add(viewer: napari.viewer.Viewer, job: TiledJob, store: LabelStore, about: Mapping[str, Any]) -> Labels:
    layer = add_result(viewer, store.data, renewed(job.look, job.source), about, job.source)
    layer.editable = False  # the next tile would paint over
    keep_store(layer, store)
    remember_source(layer, job.source)
    show_alone(viewer, layer)
    if job.source in viewer.layers:
        viewer.layers.selection.active = job.source
    return layer


def _refine_tile(plan: TilePlan, tile: Tile, step: TileStep) -> Generator[Progress, None, TileRefinement]:
    """Refine a tile; what is lazy is read aside, as that may take long."""
    read = yield from take_aside(partial(plan.source.read, tile.region), lambda: step)

    def as_share(progress: Progress) -> TileStep:
        share = progress.step * _STEPS // max(1, progress.total)
        return replace(step, step=step.step + min(share, _STEPS - 1))

    return (yield from retold(refining_tile(plan.whole, plan.part(tile), *read), as_share))


def _take(store: LabelStore, labels: Any) -> Generator[Progress, None, None]:
    """Copy labels into a store."""
    for number, count in store.take(labels):
        yield Progress("copying your labels", number, count)

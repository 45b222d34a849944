"""Runs in tiles: in a real viewer, by the buttons, on small images that are told not to fit into memory."""

from __future__ import annotations

import gc
from threading import Condition, current_thread, main_thread
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_coarse_crf import InputError, Parameters, refine_labels
from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.plugin import Choice, Scope, refine_layer
from napari_coarse_crf.plugin.jobs.planning import PlanStep
from napari_coarse_crf.plugin.jobs.tiled import TiledJob, TileStep, View
from napari_coarse_crf.plugin.layers import snapshot
from napari_coarse_crf.plugin.layers.provenance import provenance
from napari_coarse_crf.plugin.layers.snapshot import Snapshot
from napari_coarse_crf.plugin.layers.store import store_of
from napari_coarse_crf.tiles.tiled import refine_tiles
from tests.plugin.waiting import TIMEOUT, wait_until_ended, wait_until_ready
from tests.storage import stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_coarse_crf.plugin import RefineWidget

    Dock = Callable[..., tuple[Any, RefineWidget]]
    PressRun = Callable[[RefineWidget], Any]

PARAMETERS = Parameters(iterations=2, theta_alpha=10)
SIDE = 16
N_TILES = 12


@pytest.fixture
def in_tiles(dock: Dock) -> Callable[..., tuple[Any, RefineWidget]]:
    """Return a function that opens a dock which holds small images for large ones, and for too large."""

    def open_dock(image: Any, labels: Any, **keywords: Any) -> tuple[Any, RefineWidget]:
        viewer, widget = dock(None, None)
        widget.scope.least_for_tiles, widget.scope.memory_limit, widget.scope.tile_side = 1000, 10_000, SIDE
        viewer.add_image(image, name="photo", **keywords)
        viewer.add_labels(labels, name="strokes")
        widget.parameters = PARAMETERS
        return viewer, widget

    return open_dock


def test_a_small_image_offers_no_tiles(dock: Dock, image: NDArray[Any], labels: NDArray[Any]) -> None:
    _, widget = dock(image, labels, rgb=True)
    assert widget.scope.tiles.native.isHidden()
    assert not widget.scope.choice().by_tiles


def test_a_large_image_offers_them_and_one_that_does_not_fit_takes_them(
    dock: Dock, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(None, None)
    widget.scope.least_for_tiles = 1000
    viewer.add_image(image, rgb=True)
    viewer.add_labels(labels)
    assert not widget.scope.tiles.native.isHidden()
    assert not widget.scope.tiles.value
    widget.scope.memory_limit = 10_000
    widget.scope.guess_tiles()
    assert widget.scope.tiles.value


def test_a_result_says_what_its_labels_chose(image: NDArray[Any], labels: NDArray[Any]) -> None:
    viewer = ViewerModel()
    layers = viewer.add_image(image, rgb=True), viewer.add_labels(labels)
    choice = Choice(Scope(), by_tiles=True, tile_side=SIDE)
    refined = refine_layer(viewer, *layers, PARAMETERS.replace(weights="auto"), choice=choice)
    about = provenance(refined)
    assert about["parameters"]["weights"] == "fixed"
    assert about["reason"]
    again = refine_labels(image, labels, Parameters.from_dict(about["parameters"]), tile=SIDE)
    np.testing.assert_array_equal(np.asarray(refined.data), again)


@pytest.mark.parametrize("storage", ["memory", "dask", "zarr", "tensorstore"])
def test_a_run_gives_what_tiles_give_and_leaves_its_layers_as_they_are(
    in_tiles: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any], storage: str, tmp_path: Path
) -> None:
    viewer, widget = in_tiles(
        stored(image, storage, tmp_path / "image"), stored(labels, storage, tmp_path / "labels"), rgb=True
    )
    layer = press_run(widget)
    wanted, _ = refine_tiles(Picture(image), labels, PARAMETERS, tile=SIDE)
    np.testing.assert_array_equal(np.asarray(layer.data), wanted)
    np.testing.assert_array_equal(np.asarray(viewer.layers["strokes"].data), labels)
    assert [one.name for one in viewer.layers] == ["photo", "strokes", "strokes refined"]
    assert f"{N_TILES} tiles" in widget.status
    assert provenance(layer)["tiles"] == {"refined": N_TILES, "of": N_TILES}
    assert provenance(layer)["label_counts"] == {i: (20, int((wanted == i).sum())) for i in (3, 70_000)}
    assert viewer.layers.selection.active is viewer.layers["strokes"]


class Guarded:
    """An image that is stored elsewhere, which other threads may read as often as they are let."""

    def __init__(self, image: NDArray[Any]) -> None:
        self.shape, self.dtype, self.ndim, self.size = image.shape, image.dtype, image.ndim, image.size
        self._image, self._is_open = image, False
        self._turn, self._n_waiting, self._may_read = Condition(), 0, False

    def __getitem__(self, key: Any) -> NDArray[Any]:
        if current_thread() is not main_thread():
            with self._turn:
                self._n_waiting += 1
                assert self._turn.wait_for(lambda: self._is_open or self._may_read, timeout=TIMEOUT / 1000)
                self._n_waiting, self._may_read = self._n_waiting - 1, False
        return self._image[key]

    def __array__(self, *_: Any, **__: Any) -> NDArray[Any]:
        return self[:]

    def let_one(self) -> None:
        """Let one thread read that waits for it now; a later one waits."""
        with self._turn:
            self._may_read = self._n_waiting > 0
            self._turn.notify()

    def open(self) -> None:
        with self._turn:
            self._is_open = True
            self._turn.notify_all()


Running = tuple[Any, "RefineWidget", Guarded]


@pytest.fixture
def running(in_tiles: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]) -> Iterator[Running]:
    """Return viewer, widget and image of a run that has refined some tiles, and waits."""
    guarded = Guarded(image)
    viewer, widget = in_tiles(guarded, labels, rgb=True)
    assert widget.run() is not None
    let_tiles(qtbot, viewer, guarded, 4)
    yield viewer, widget, guarded
    guarded.open()


def let_tiles(qtbot: Any, viewer: Any, guarded: Guarded, count: int) -> None:
    """Let a run refine so many tiles, and perhaps one more."""

    def are_there() -> bool:
        if "strokes refined" in viewer.layers and refined(viewer) >= count:
            return True
        guarded.let_one()
        return False

    qtbot.waitUntil(are_there)


def refined(viewer: Any) -> int:
    return provenance(viewer.layers["strokes refined"])["tiles"]["refined"]


def close_dock(widget: RefineWidget) -> None:
    """Do what a click on the cross of the dock does."""
    widget.native.parent().destroyOnClose()


def test_tiles_appear_as_they_finish_and_elsewhere_are_the_strokes(
    running: Running, qtbot: Any, labels: NDArray[Any]
) -> None:
    viewer, widget, guarded = running
    layer = viewer.layers["strokes refined"]
    assert 0 < refined(viewer) < N_TILES
    assert f"of {N_TILES}, about" in widget.status
    assert widget.run_bar.progress.maximum() == 100 * N_TILES
    filled = np.asarray(layer.data) != 0
    assert labels.astype(bool).mean() < filled.mean() < 1
    np.testing.assert_array_equal(np.asarray(layer.data)[labels != 0], labels[labels != 0])
    guarded.open()
    wait_until_ready(qtbot, widget)
    assert refined(viewer) == N_TILES
    assert np.asarray(layer.data).all()


def test_cancel_keeps_the_tiles_that_are_there_and_says_so(running: Running, qtbot: Any) -> None:
    viewer, widget, guarded = running
    widget.run_bar.button.click()
    assert widget.run_bar.button.text() == "Run"
    done = refined(viewer)
    assert widget.status == (
        f"Cancelled. {done} of {N_TILES} tiles are refined, in 'strokes refined'; elsewhere it shows your labels."
    )
    guarded.open()
    wait_until_ready(qtbot, widget)
    layer = viewer.layers["strokes refined"]
    assert 0 < (np.asarray(layer.data) != 0).mean() < 1
    with qtbot.waitCallback() as again:
        widget.refined.connect(again)
        widget.run_bar.button.click()
    assert again.args[0].name == "strokes refined [1]"
    assert not layer.visible
    wait_until_ready(qtbot, widget)


def test_what_comes_before_the_first_tile_is_told_and_cancelled_at_once(
    in_tiles: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    guarded = Guarded(image)  # so that nothing can be read yet
    viewer, widget = in_tiles(guarded, labels, rgb=True)
    assert widget.run() is not None
    try:
        widget.runs.job_progressed(PlanStep("reading", 12, 36, None, 80.0))
        assert widget.status.startswith("Preparing, 2 of 4: reading the image, 12 of 36, about 1 min left.")
        widget.run_bar.button.click()
        assert widget.run_bar.button.text() == "Run"
        assert widget.status == "Cancelled."
    finally:
        guarded.open()
    wait_until_ready(qtbot, widget)
    assert [one.name for one in viewer.layers] == ["photo", "strokes"]


def test_every_stage_before_the_first_tile_is_told(image: NDArray[Any], labels: NDArray[Any]) -> None:
    layers = Image(image, rgb=True), Labels(labels)
    job = TiledJob.prepare(Snapshot.take(*layers, Choice(by_tiles=True, tile_side=SIDE)), PARAMETERS)
    told = [step.sentence for step in job.steps() if isinstance(step, PlanStep)]
    numbered = dict.fromkeys(one.split(":")[0] for one in told)
    assert list(numbered) == [*(f"Preparing, {stage} of 4" for stage in (1, 2, 3, 4)), "Preparing"]


def test_strokes_painted_meanwhile_count_for_the_next_run_only(
    running: Running, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget, guarded = running
    before = labels.copy()
    viewer.layers["strokes"].data[:, 20:40] = 9
    guarded.open()
    wait_until_ready(qtbot, widget)
    wanted, _ = refine_tiles(Picture(image), before, PARAMETERS, tile=SIDE)
    np.testing.assert_array_equal(np.asarray(viewer.layers["strokes refined"].data), wanted)


def test_a_run_whose_layer_is_deleted_is_cancelled(running: Running, qtbot: Any) -> None:
    viewer, widget, guarded = running
    viewer.layers.remove("strokes refined")
    guarded.open()
    wait_until_ready(qtbot, widget)
    assert [one.name for one in viewer.layers] == ["photo", "strokes"]
    assert widget.status == "Cancelled."


def test_closing_the_dock_stops_the_run_and_keeps_what_is_there(running: Running, qtbot: Any) -> None:
    viewer, widget, guarded = running
    worker = widget.runs.runner._workers[-1]
    close_dock(widget)
    guarded.open()
    wait_until_ended(qtbot, worker)
    assert worker.abort_requested
    assert refined(viewer) < N_TILES


def test_closing_the_viewer_stops_the_run(running: Running, qtbot: Any) -> None:
    viewer, widget, guarded = running
    worker = widget.runs.runner._workers[-1]
    close_dock(widget)
    viewer.close()
    guarded.open()
    wait_until_ended(qtbot, worker)


def test_the_store_goes_with_its_layer(
    in_tiles: Dock, press_run: PressRun, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = in_tiles(image, labels, rgb=True)
    store = store_of(press_run(widget))
    assert store is not None
    folder = store.path.parent
    del store
    assert folder.is_dir()
    viewer.layers.remove("strokes refined")
    qtbot.wait(0)
    gc.collect()
    assert not folder.exists()


def test_those_tiles_come_first_that_are_in_view() -> None:
    view = View(((0, 10), (0, 10)))
    places = [(slice(row, row + 10), slice(column, column + 10)) for row in (0, 20) for column in (0, 20, 40)]
    assert min(places, key=view.distance) == places[0]
    view.box = (20, 30), (40, 50)
    assert min(places, key=view.distance) == places[5]
    view.box = (0, 30), (20, 30)  # both are in view: that in the middle first
    assert sorted(places, key=view.distance)[:2] in ([places[1], places[4]], [places[4], places[1]])


def test_the_order_follows_the_view_while_the_run_goes_on(running: Running, qtbot: Any, labels: NDArray[Any]) -> None:
    viewer, widget, guarded = running
    layer = viewer.layers["strokes refined"]
    last = np.asarray(layer.data)[32:40, 48:60]
    assert not last[:, 4:].any()
    viewer.layers["photo"].corner_pixels = np.array([[32, 48], [39, 59]])
    viewer.layers["strokes"].corner_pixels = np.array([[32, 48], [39, 59]])
    widget._on_view()
    let_tiles(qtbot, viewer, guarded, refined(viewer) + 2)  # the one under way, and the next
    assert np.asarray(layer.data)[32:40, 48:60].all()


@pytest.mark.parametrize("channels", ["rgba", "grey"])
def test_alpha_and_a_region_leave_pixels_out_as_in_one_run(
    in_tiles: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any], channels: str
) -> None:
    alpha = np.full((*labels.shape, 1), 255, np.uint8)
    alpha[:5] = 0
    given = np.concatenate([image, alpha], axis=-1) if channels == "rgba" else image[..., 0]
    viewer, widget = in_tiles(given, labels, rgb=channels == "rgba")
    viewer.add_labels(np.pad(np.ones((40, 55), np.uint8), ((0, 0), (0, 5))), name="mask")
    widget.scope.region.value = viewer.layers["mask"]
    widget.scope.tile_side = 100
    layer = press_run(widget)
    widget.scope.tiles.value = False
    at_once = press_run(widget)
    assert np.asarray(layer.data)[5:, :55].all()
    np.testing.assert_array_equal(np.asarray(layer.data), at_once.data)


def test_one_slice_of_a_stack_is_refined_in_tiles(
    in_tiles: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    stack, strokes = np.stack([image[..., 0]] * 3), np.stack([labels] * 3)
    viewer, widget = in_tiles(stack, strokes)
    widget.scope.mode.value = "current"
    viewer.dims.set_current_step(0, 1)
    layer = press_run(widget)
    assert np.asarray(layer.data[1]).all()
    np.testing.assert_array_equal(np.asarray(layer.data[0]), labels)
    assert widget.scope.tiles.value
    widget.scope.mode.value = "each"
    assert widget.scope.tiles.native.isHidden()


def test_a_script_may_ask_for_tiles(image: NDArray[Any], labels: NDArray[Any]) -> None:
    viewer, choice = ViewerModel(), Choice(by_tiles=True, tile_side=SIDE)
    layers = viewer.add_image(image, rgb=True), viewer.add_labels(labels)
    layer = refine_layer(viewer, *layers, PARAMETERS, choice)
    assert np.asarray(layer.data).all()


def test_slices_on_their_own_are_refused_in_words(image: NDArray[Any], labels: NDArray[Any]) -> None:
    stack, strokes = Image(np.stack([image[..., 0]] * 3)), Labels(np.stack([labels] * 3))
    choice = Choice(scope=Scope(slice_axis=0), by_tiles=True)
    with pytest.raises(InputError, match="by_tiles"):
        TiledJob.prepare(Snapshot.take(stack, strokes, choice), PARAMETERS)


def test_a_step_says_where_the_run_stands() -> None:
    assert TileStep("tiles", 0, 40, None, 40, 0).sentence == "Tile 1 of 40."
    assert TileStep("tiles", 3, 40, None, 40, 3, 42.3).sentence == "Tile 4 of 40, about 42 s left."
    assert TileStep("tiles", 3, 40, None, 40, 3, 4000.0).sentence == "Tile 4 of 40, about 1 h 7 min left."


def see(widget: RefineWidget, viewer: Any, rows: tuple[int, int], columns: tuple[int, int]) -> None:
    """Look at a part of the image, as far as the widget is told."""
    for layer in viewer.layers:
        layer.corner_pixels = np.array([[rows[0], columns[0]], [rows[1] - 1, columns[1] - 1]])
    widget._on_view()


def test_live_works_on_what_is_in_view(
    in_tiles: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any], tmp_path: Path
) -> None:
    viewer, widget = in_tiles(stored(image, "zarr", tmp_path), labels, rgb=True, scale=(2, 0.5), translate=(7, 3))
    viewer.layers["strokes"].scale, viewer.layers["strokes"].translate = (2, 0.5), (7, 3)
    see(widget, viewer, (10, 30), (5, 55))
    widget.live = True
    qtbot.waitUntil(lambda: widget.runs.live.can_be_kept)
    preview = viewer.layers["strokes preview"]
    wanted = refine_labels(image[10:30, 5:55], labels[10:30, 5:55], PARAMETERS, spacing=(2, 0.5))
    np.testing.assert_array_equal(preview.data, wanted)
    np.testing.assert_allclose(preview.translate, (7 + 10 * 2, 3 + 5 * 0.5))
    see(widget, viewer, (10, 40), (5, 58))
    qtbot.waitUntil(lambda: preview.data.shape == (30, 53) and widget.runs.live.can_be_kept)
    assert viewer.layers["strokes preview"] is preview
    widget.run_bar.keep.click()
    assert preview.name == "strokes refined"
    assert provenance(preview)["box"] == [[10, 40], [5, 58]]
    widget.result.heading.setChecked(True)
    qtbot.waitUntil(lambda: bool(widget.result.panel.table.comparison.rows))
    assert widget.result.panel.table.comparison.rows[-1].before == 40
    kept = preview.data.copy()
    widget.run_bar.commit.click()
    accepted = viewer.layers["strokes accepted"]
    assert accepted.data.shape == labels.shape
    np.testing.assert_allclose(accepted.translate, (7, 3))
    np.testing.assert_array_equal(accepted.data[10:40, 5:58], kept)
    assert not accepted.data[:10].any()
    widget.live = False
    see(widget, viewer, (0, 40), (0, 60))
    widget.live = True
    qtbot.waitUntil(lambda: widget.runs.live.is_up_to_date)
    preview = viewer.layers["strokes preview"]
    np.testing.assert_array_equal(preview.data[10:40, 5:58], kept)  # what was accepted stays
    widget.run_bar.commit.click()
    assert accepted.data.all()
    widget.run_bar.take_back.click()
    assert not accepted.data[:10].any()


def test_what_is_too_large_to_be_looked_at_is_said(
    in_tiles: Dock, image: NDArray[Any], labels: NDArray[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer, widget = in_tiles(image, labels, rgb=True)
    monkeypatch.setattr(snapshot, "MOST_ALONE", 1500)
    see(widget, viewer, (0, 40), (0, 60))
    widget.live = True
    assert widget.status.startswith("Zoom in")
    widget.live = False
    widget.run_bar.next_place.click()
    assert widget.status.startswith("Zoom in")
    assert widget.run_bar.button.isEnabled()


def test_next_place_looks_at_what_is_in_view(
    in_tiles: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = in_tiles(image, labels, rgb=True)
    see(widget, viewer, (10, 30), (0, 20))
    widget.run_bar.next_place.click()
    assert widget.status == (
        "'strokes' holds fewer than two labels in view. Paint at least two classes there, or zoom out."
    )
    see(widget, viewer, (10, 30), (0, 60))
    widget.run_bar.next_place.click()
    qtbot.waitUntil(lambda: "paint a stroke there" in widget.status or "in doubt" in widget.status)

"""Runs that do not go to their end, and what happens to the viewer meanwhile."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import weakref
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.utils import progress
from qtpy.QtCore import QThreadPool

from napari_coarse_crf import CoarseCRFError, Parameters
from napari_coarse_crf.plugin.jobs.job import Job
from napari_coarse_crf.plugin.jobs.worker import JobRunner
from napari_coarse_crf.plugin.layers.snapshot import Snapshot
from tests.plugin.left import callbacks
from tests.plugin.waiting import TIMEOUT, wait_until_ended, wait_until_ready

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_coarse_crf.plugin import RefineWidget

    Busy = tuple[Any, RefineWidget, Any]


class Storage:
    """A lazy image: napari reads what it shows, a run reads everything, and then something happens first."""

    def __init__(self, image: NDArray[Any], on_read: Callable[[], None]) -> None:
        self.shape, self.dtype, self.ndim, self.size = image.shape, image.dtype, image.ndim, image.size
        self._image, self._on_read = image, on_read

    def __getitem__(self, key: Any) -> NDArray[Any]:
        return self._image[key]

    def __array__(self, *_: Any, **__: Any) -> NDArray[Any]:
        self._on_read()
        return self._image


@pytest.fixture
def busy(dock: Callable[..., tuple[Any, RefineWidget]], qtbot: Any) -> Busy:
    """Return viewer, widget and the worker of a run that has begun and has long to go."""
    random = np.random.default_rng(5)
    image = random.integers(0, 255, (300, 400, 3), dtype=np.uint8)
    labels = np.zeros((300, 400), np.uint8)
    labels[::20, ::20] = random.integers(1, 9, labels[::20, ::20].shape)
    viewer, widget = dock(image, labels, rgb=True)
    widget.parameters = Parameters(iterations=100)
    worker = widget.run()
    assert worker is not None
    with qtbot.waitSignal(worker.yielded):
        pass
    return viewer, widget, worker


def close_dock(widget: RefineWidget) -> None:
    """Do what a click on the cross of the dock does."""
    widget.native.parent().destroyOnClose()


def test_cancel_leaves_no_layer_and_the_widget_ready_at_once(busy: Busy, qtbot: Any) -> None:
    viewer, widget, worker = busy
    assert widget.run_bar.button.text() == "Cancel"
    widget.run_bar.button.click()
    assert widget.run_bar.button.text() == "Run"
    assert widget.run_bar.button.isEnabled()
    assert widget.run_bar.progress.isHidden()
    assert widget.status == "Cancelled."
    wait_until_ended(qtbot, worker)
    assert widget.status == "Cancelled."
    assert len(viewer.layers) == 2
    widget.parameters = Parameters(iterations=1)
    with qtbot.waitCallback() as refined:
        widget.refined.connect(refined)
        widget.run_bar.button.click()
    assert len(viewer.layers) == 3
    wait_until_ready(qtbot, widget)


def test_cancel_before_the_first_step_and_without_a_run_do_no_harm(
    dock: Callable[..., tuple[Any, RefineWidget]], qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    widget.cancel()
    assert widget.status.startswith("Ready.")
    widget.run()
    widget.cancel()
    wait_until_ready(qtbot, widget)
    assert len(viewer.layers) == 2


def test_a_cancel_after_the_last_step_still_adds_no_layer(
    dock: Callable[..., tuple[Any, RefineWidget]], qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    worker = widget.run()
    # Without a turn of the event loop the result waits in the queue while the job is over.
    assert QThreadPool.globalInstance().waitForDone(TIMEOUT)
    assert not worker.is_running
    assert len(viewer.layers) == 2
    widget.cancel()
    wait_until_ready(qtbot, widget)
    assert len(viewer.layers) == 2


def test_pressing_run_ten_times_gives_the_last_run_only(busy: Busy, qtbot: Any) -> None:
    viewer, widget, _ = busy
    added: list[Any] = []
    widget.refined.connect(added.append)
    widget.parameters = Parameters(iterations=1)
    for _ in range(10):
        assert widget.run() is not None
    wait_until_ready(qtbot, widget)
    assert len(added) == 1
    assert len(viewer.layers) == 3
    assert added[0].metadata["napari_coarse_crf"]["iterations"] == 1


def test_a_run_starts_even_while_the_end_of_the_last_one_waits_in_the_queue(
    dock: Callable[..., tuple[Any, RefineWidget]], qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    widget.run()
    assert QThreadPool.globalInstance().waitForDone(TIMEOUT)  # without a turn of the event loop
    widget.parameters = Parameters(iterations=1)
    assert widget.run() is not None
    wait_until_ready(qtbot, widget)
    assert [layer.metadata["napari_coarse_crf"]["iterations"] for layer in list(viewer.layers)[2:]] == [1]


def test_run_right_after_cancel_waits_for_the_step_under_way_and_says_so(busy: Busy, qtbot: Any) -> None:
    viewer, widget, _ = busy
    widget.parameters = Parameters(iterations=1)
    widget.run_bar.button.click()
    with qtbot.waitCallback() as refined:
        widget.refined.connect(refined)
        widget.run_bar.button.click()
        assert "as soon as" in widget.status
        assert widget.run_bar.button.text() == "Cancel"
    wait_until_ready(qtbot, widget)
    assert len(viewer.layers) == 3


def test_cancel_does_not_wait_for_slow_storage(
    dock: Callable[..., tuple[Any, RefineWidget]], qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    asked, answers = Event(), Event()

    def answer_late() -> None:
        asked.set()
        answers.wait(2 * TIMEOUT / 1000)  # longer than anybody waits for the worker

    viewer, widget = dock(Storage(image, answer_late), labels, rgb=True)
    worker = widget.run()
    qtbot.waitUntil(asked.is_set)
    widget.run_bar.button.click()
    assert widget.run_bar.button.text() == "Run"
    wait_until_ended(qtbot, worker)
    answers.set()
    assert len(viewer.layers) == 2


def test_progress_is_shown_in_the_dock_and_in_the_activity_dock(busy: Busy, qtbot: Any) -> None:
    _, widget, worker = busy
    bars = list(progress._all_instances)
    assert len(bars) == 1
    qtbot.waitUntil(lambda: "step" in widget.status)
    qtbot.waitUntil(lambda: widget.run_bar.progress.value() > 1)
    assert 0 < bars[0].n <= bars[0].total
    assert widget.run_bar.progress.maximum() == bars[0].total
    widget.cancel()
    wait_until_ready(qtbot, widget)
    wait_until_ended(qtbot, worker)
    qtbot.waitUntil(lambda: not progress._all_instances)


def test_first_use_says_that_it_compiles(busy: Busy, qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _, widget, _ = busy
    widget.cancel()
    wait_until_ready(qtbot, widget)
    monkeypatch.setattr(JobRunner, "has_compiled", False)
    widget.parameters = Parameters(iterations=1)
    widget.run()
    assert "First use compiles the engine" in widget.status
    wait_until_ready(qtbot, widget)
    widget.run()
    assert "First use" not in widget.status
    wait_until_ready(qtbot, widget)


def test_closing_the_dock_stops_the_run(busy: Busy, qtbot: Any) -> None:
    viewer, widget, worker = busy
    close_dock(widget)
    wait_until_ended(qtbot, worker)
    assert worker.abort_requested
    assert len(viewer.layers) == 2


def test_a_widget_taken_out_of_its_dock_stops_its_run_and_works_again_in_another(busy: Busy, qtbot: Any) -> None:
    viewer, widget, worker = busy
    viewer.window.remove_dock_widget(widget.native)
    wait_until_ended(qtbot, worker)
    assert worker.abort_requested
    viewer.layers["strokes"].data[...] = 0  # nobody is left to mind
    viewer.layers.remove("strokes")
    assert len(viewer.layers) == 1
    labels = np.zeros((300, 400), np.uint8)
    labels[:, 0], labels[:, -1] = 1, 2
    viewer.add_labels(labels, name="others")
    viewer.window.add_dock_widget(widget, name="again")
    widget.labels_layer.value = viewer.layers["others"]
    widget.parameters = Parameters(iterations=1)
    with qtbot.waitCallback() as refined:
        widget.refined.connect(refined)
        widget.run_bar.button.click()
    assert refined.args[0].name == "others refined"
    wait_until_ready(qtbot, widget)


def test_a_closed_dock_leaves_no_widget_behind(
    dock: Callable[..., tuple[Any, RefineWidget]],
    press_run: Callable[[RefineWidget], Any],
    image: NDArray[Any],
    labels: NDArray[Any],
) -> None:
    _, widget = dock(image, labels, rgb=True)
    press_run(widget)
    closed = weakref.ref(widget)
    close_dock(widget)
    del widget
    gc.collect()
    assert closed() is None


def reopen(viewer: Any) -> RefineWidget:
    _, widget = viewer.window.add_plugin_dock_widget("napari-coarse-crf", "Refine labels")
    return widget


def test_reopening_the_dock_leaves_no_callbacks_behind(
    dock: Callable[..., tuple[Any, RefineWidget]], image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    close_dock(widget)
    before = callbacks(viewer)
    for _ in range(5):
        widget = reopen(viewer)
        assert callbacks(viewer) > before
        close_dock(widget)
        assert callbacks(viewer) == before


def test_closing_the_dock_under_live_takes_its_preview_away(
    dock: Callable[..., tuple[Any, RefineWidget]], qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels.copy(), rgb=True)
    for _ in range(2):
        widget.live = True
        qtbot.waitUntil(lambda: "strokes preview" in viewer.layers)
        close_dock(widget)
        assert [layer.name for layer in viewer.layers] == ["photo", "strokes"]
        viewer.layers["strokes"].paint((20, 30), 3)
        widget = reopen(viewer)
        assert not widget.live


def test_closing_one_of_two_viewers_leaves_the_other_at_work(
    dock: Callable[..., tuple[Any, RefineWidget]], qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    (first_viewer, first), (viewer, widget) = dock(image, labels, rgb=True), dock(image, labels.copy(), rgb=True)
    first.live = widget.live = True
    qtbot.waitUntil(lambda: widget.runs.live.can_be_kept and first.runs.live.can_be_kept)
    close_dock(first)
    first_viewer.close()
    viewer.layers["strokes"].paint((20, 30), 9)
    qtbot.waitUntil(lambda: widget.runs.live.can_be_kept and 9 in viewer.layers[2].data)


def test_three_viewers_one_after_the_other_are_served_alike(
    dock: Callable[..., tuple[Any, RefineWidget]], qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    for _ in range(3):
        viewer, widget = dock(image, labels.copy(), rgb=True)
        widget.live = True
        qtbot.waitUntil(lambda widget=widget: widget.runs.live.can_be_kept)
        assert [layer.name for layer in viewer.layers] == ["photo", "strokes", "strokes preview"]
        viewer.close()  # with the dock and Live as they are
        qtbot.waitUntil(lambda widget=widget: not widget.runs.runner.is_busy)


def test_closing_the_viewer_stops_the_run(busy: Busy, qtbot: Any) -> None:
    viewer, _, worker = busy
    layers = viewer.layers
    viewer.close()  # empties the list
    wait_until_ended(qtbot, worker)
    assert worker.abort_requested
    assert not layers


@pytest.mark.parametrize("full", [False, True])
def test_closing_the_viewer_stops_live_which_napari_asks_nothing_about(
    dock: Callable[..., tuple[Any, RefineWidget]], qtbot: Any, image: NDArray[Any], labels: NDArray[Any], full: bool
) -> None:
    begun, goes_on = Event(), Event()

    def wait() -> None:
        begun.set()
        goes_on.wait(TIMEOUT / 1000)

    viewer, widget = dock(Storage(image, wait), labels, rgb=True)
    widget.runs.live.start_live(quick=not full)
    qtbot.waitUntil(begun.is_set)
    assert not viewer.window._task_status_manager.is_busy()
    layers, runner = viewer.layers, widget.runs.runner
    del widget
    viewer.close()  # empties the list
    goes_on.set()
    qtbot.waitUntil(lambda: not runner.is_busy)
    assert not layers


def test_deleting_the_layers_while_it_runs_still_gives_the_result(busy: Busy, qtbot: Any) -> None:
    viewer, widget, _ = busy
    widget.parameters = Parameters(iterations=3)
    widget.run()
    viewer.layers.clear()
    with qtbot.waitCallback() as refined:
        widget.refined.connect(refined)
    assert [layer.name for layer in viewer.layers] == ["strokes refined"]
    assert refined.args[0].metadata["napari_coarse_crf"]["image"] == "photo"
    wait_until_ready(qtbot, widget)


def test_painting_and_renaming_while_it_runs_do_not_reach_the_result(busy: Busy, qtbot: Any) -> None:
    viewer, widget, _ = busy
    widget.parameters = Parameters(iterations=3)
    widget.run()
    strokes = viewer.layers["strokes"]
    strokes.data[...] = 200
    strokes.refresh()
    strokes.name = "scribbles"
    with qtbot.waitCallback() as refined:
        widget.refined.connect(refined)
    assert 200 not in refined.args[0].data
    assert refined.args[0].name == "strokes refined"
    assert [layer.name for layer in viewer.layers] == ["photo", "scribbles", "strokes refined"]
    wait_until_ready(qtbot, widget)


@pytest.mark.parametrize(
    ("raised", "sentence"),
    [
        (RuntimeError("lost"), "internal error (RuntimeError: lost)"),
        (MemoryError(), "memory does not suffice"),
        (OSError("gone"), "internal error (OSError: gone)"),
    ],
)
def test_what_nobody_foresaw_ends_the_run_in_words(
    dock: Callable[..., tuple[Any, RefineWidget]],
    qtbot: Any,
    image: NDArray[Any],
    labels: NDArray[Any],
    raised: Exception,
    sentence: str,
) -> None:
    def fail() -> None:
        raise raised

    viewer, widget = dock(Storage(image, fail), labels, rgb=True)
    # superqt would neither end nor report a RuntimeError: this waits for ever unless the job turns it into our own.
    with qtbot.waitSignal(widget.run().finished):
        pass
    wait_until_ready(qtbot, widget)
    assert sentence in widget.status
    assert len(viewer.layers) == 2


def test_a_job_gives_its_steps_to_whoever_asks(
    dock: Callable[..., tuple[Any, RefineWidget]], image: NDArray[Any], labels: NDArray[Any]
) -> None:
    # Threads of Qt hide what they run from coverage; the generator itself is plain Python.
    viewer, _ = dock(image, labels, rgb=True)
    job = Job.prepare(Snapshot.take(viewer.layers["photo"], viewer.layers["strokes"]), Parameters())
    stages = [step.stage for step in job.steps()]
    assert list(dict.fromkeys(stages)) == ["heatmap", "appearance kernel", "smoothness kernel", "mean field"]
    with pytest.raises(CoarseCRFError, match="Open an image first"):
        Job.prepare(Snapshot.take(None, viewer.layers["strokes"]), Parameters())


REPAINT_WHILE_IT_RUNS = """
import napari, numba, numpy as np
from napari.qt import get_qapp
from napari_coarse_crf import Parameters

app = get_qapp()
viewer = napari.Viewer()
random = np.random.default_rng(5)
labels = np.zeros((300, 400), np.int32)
labels[::20, ::20] = random.integers(1, 9, labels[::20, ::20].shape)
viewer.add_image(random.integers(0, 255, (300, 400, 3), dtype=np.uint8), rgb=True)
strokes = viewer.add_labels(labels, name="strokes")
_, widget = viewer.window.add_plugin_dock_widget("napari-coarse-crf", "Refine labels")
widget.parameters = Parameters(iterations=20)
added = []
widget.refined.connect(added.append)
widget.run()
painted = 0
while widget.run_bar.button.text() == "Cancel":
    strokes.colormap.map(random.integers(0, 10**6, (300, 400)))
    strokes.refresh()
    app.processEvents()
    painted += 1
assert len(added) == 1, widget.status
assert numba.threading_layer() == "workqueue"
print("painted", painted)
viewer.close()
"""


def test_napari_may_colour_labels_while_a_run_goes_on_with_numbas_weakest_threads() -> None:
    # numba's `workqueue` layer aborts the process when two threads run parallel kernels at once; napari has some.
    environment = os.environ | {"NUMBA_THREADING_LAYER": "workqueue"}
    program = [sys.executable, "-c", REPAINT_WHILE_IT_RUNS]
    found = subprocess.run(
        program, env=environment, check=False, capture_output=True, text=True, timeout=TIMEOUT / 1000
    )
    assert found.returncode == 0, found.stderr
    assert int(found.stdout.split()[-1]) > 3

"""What has ended holds nothing, however long a session: napari keeps every worker that it lists until it closes."""

from __future__ import annotations

import gc
import weakref
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from napari.utils import progress
from napari.utils.task_status import TaskStatusItem
from qtpy import PYQT6
from qtpy.QtCore import QThreadPool
from superqt.utils import WorkerBase

from napari_coarse_crf.plugin.jobs.outcome import Outcome
from napari_coarse_crf.plugin.jobs.worker import JobRunner
from napari_coarse_crf.plugin.layers.record import recall
from tests.plugin.waiting import TIMEOUT, wait_until_settled

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_coarse_crf.plugin import RefineWidget

    Dock = Callable[..., tuple[Any, RefineWidget]]


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[weakref.ref[Any]]:
    """Return weak references to every job that is started, and to what it returns."""
    seen: list[weakref.ref[Any]] = []
    start, hand_over = JobRunner.start, JobRunner._on_returned

    def start_and_note(self: JobRunner, job: Any) -> Any:
        seen.append(weakref.ref(job))
        return start(self, job)

    def hand_over_and_note(self: JobRunner, number: int, outcome: Any) -> None:
        if isinstance(outcome, Outcome):  # None is nothing new
            seen.append(weakref.ref(outcome))
        hand_over(self, number, outcome)

    monkeypatch.setattr(JobRunner, "start", start_and_note)
    monkeypatch.setattr(JobRunner, "_on_returned", hand_over_and_note)
    return seen


def forget_selection(viewer: Any) -> None:
    """Select other layers: napari's selection keeps the layer that was active last."""
    for name in ("photo", "strokes"):
        viewer.layers.selection.active = viewer.layers[name]


def wait_until_gone(qtbot: Any, references: list[weakref.ref[Any]]) -> None:
    qtbot.waitUntil(lambda: gc.collect() >= 0 and not [one for one in references if one() is not None])


def alive() -> Counter[str]:
    """Return how many objects there are of each class of ours, of entries of napari's list of workers, and of bars."""
    gc.collect()
    kinds = [type(one) for one in gc.get_objects()]
    watched = {TaskStatusItem, *([progress] if PYQT6 else [])}  # PySide6 does not free every worker
    ours = [kind for kind in kinds if str(kind.__module__).startswith("napari_coarse_crf") or kind in watched]
    return Counter(kind.__name__ for kind in ours)


def test_a_run_keeps_neither_its_job_nor_its_outcome_nor_a_removed_layer(
    dock: Dock,
    press_run: Callable[[RefineWidget], Any],
    qtbot: Any,
    image: NDArray[Any],
    labels: NDArray[Any],
    ended: list[weakref.ref[Any]],
) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    for _ in range(3):
        layer = press_run(widget)
        record = recall(layer)
        assert record is not None
        ended += [weakref.ref(layer), weakref.ref(record), weakref.ref(layer.data), weakref.ref(record.confidence)]
        viewer.layers.remove(layer)
        del layer, record
    forget_selection(viewer)
    assert len(ended) == 3 * 6
    wait_until_gone(qtbot, ended)


def test_live_keeps_nothing_of_a_preview_that_was_deleted(
    dock: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any], ended: list[weakref.ref[Any]]
) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    widget.live = True
    wait_until_settled(qtbot, widget)
    viewer.layers["strokes"].paint((20, 30), 9)
    wait_until_settled(qtbot, widget)
    ended.append(weakref.ref(viewer.layers["strokes preview"]))
    viewer.layers.remove("strokes preview")
    forget_selection(viewer)
    assert len(ended) >= 5
    wait_until_gone(qtbot, ended)


def test_a_cancelled_run_keeps_nothing(
    dock: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any], ended: list[weakref.ref[Any]]
) -> None:
    _, widget = dock(image, labels, rgb=True)
    widget.run()
    widget.cancel()
    qtbot.waitUntil(lambda: not widget.runs.runner.is_busy)
    assert len(ended) == 1
    wait_until_gone(qtbot, ended)


def test_after_many_strokes_and_measurements_no_more_is_alive_than_after_a_few(
    dock: Dock, press_run: Callable[[RefineWidget], Any], qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels, rgb=True)
    strokes = viewer.layers["strokes"]
    press_run(widget)
    widget.result.heading.setChecked(True)  # measures whatever is new
    widget.live = True

    def paint(count: int) -> Counter[str]:
        for number in range(count):
            strokes.paint((5 + number, 30), 3)
            qtbot.waitUntil(lambda: widget.runs.live.can_be_kept)
        wait_until_settled(qtbot, widget)
        qtbot.waitUntil(lambda: not WorkerBase._worker_set)
        return alive()

    few = paint(2)
    assert few["Refiner"] > 0
    assert paint(10) - few == Counter()


def test_a_run_leaves_no_more_than_its_entry_in_naparis_list(
    dock: Dock, press_run: Callable[[RefineWidget], Any], qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels, rgb=True)

    def run(count: int) -> None:
        for _ in range(count):
            viewer.layers.remove(press_run(widget))
        qtbot.waitUntil(lambda: not WorkerBase._worker_set)  # the last one ends a moment after the dock is ready,
        assert QThreadPool.globalInstance().waitForDone(TIMEOUT)  # and then leaves its thread

    run(2)
    qtbot.waitUntil(lambda: "_ListedWorker" not in alive())  # which may hold it for another moment
    before = alive()
    run(4)
    qtbot.waitUntil(lambda: alive() - before == Counter(TaskStatusItem=4))

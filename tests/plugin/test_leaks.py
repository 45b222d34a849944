"""What has ended holds nothing: napari keeps every worker until the window closes, so no worker may keep a result."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from napari_coarse_crf.plugin.jobs.job import Outcome
from napari_coarse_crf.plugin.jobs.worker import JobRunner
from napari_coarse_crf.plugin.layers.record import recall

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
    qtbot.waitUntil(lambda: widget.runs.live.switch.is_settled)
    viewer.layers["strokes"].paint((20, 30), 9)
    qtbot.waitUntil(lambda: widget.runs.live.switch.is_settled)
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

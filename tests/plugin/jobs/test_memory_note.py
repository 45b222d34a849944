"""A run that may need more memory than there is says so and goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels

from napari_coarse_crf import Parameters
from napari_coarse_crf.plugin.jobs import job
from napari_coarse_crf.plugin.layers.choice import Choice
from napari_coarse_crf.plugin.layers.snapshot import Snapshot
from napari_coarse_crf.tiles.parts import Scope
from tests.plugin.waiting import wait_until_ready

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from numpy.typing import NDArray

    from napari_coarse_crf.plugin import RefineWidget


def test_the_run_goes_on_after_saying_that_memory_is_short(
    dock: Callable[..., tuple[Any, RefineWidget]],
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
    image: NDArray[Any],
    labels: NDArray[Any],
) -> None:
    monkeypatch.setattr(job, "_LARGE", 1)
    monkeypatch.setattr(job, "free_memory", lambda: 1000)
    viewer, widget = dock(image, labels, rgb=True)
    worker = widget.run()
    assert worker is not None
    said: list[str] = []
    worker.yielded.connect(lambda _progress: said.append(widget.status))
    wait_until_ready(qtbot, widget)
    assert "MB are free" in said[0]
    assert "MB are free" in said[-1]
    assert "MB are free" not in widget.status
    assert len(viewer.layers) == 3


def test_a_run_of_slices_says_it_at_the_first_that_is_refined(
    monkeypatch: pytest.MonkeyPatch, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    monkeypatch.setattr(job, "_LARGE", 1)
    monkeypatch.setattr(job, "free_memory", lambda: 1000)
    stack, strokes = np.stack([image[..., 0]] * 3), np.stack([np.zeros_like(labels), labels, labels])
    snapshot = Snapshot.take(Image(stack), Labels(strokes), Choice(Scope(slice_axis=0)))
    steps = job.Job.prepare(snapshot, Parameters(iterations=1)).steps()
    said = [step for step in steps if isinstance(step, job.Notice)]
    assert [step.stage for step in said] == ["slice 2 of 3, preparation"]
    assert "MB are free" in said[0].sentence

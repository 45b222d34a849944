"""A run that may need more memory than there is says so and goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from napari_coarse_crf.plugin.jobs import job
from napari_coarse_crf.plugin.jobs.memory_note import memory_warning
from tests.plugin.waiting import wait_until_ready

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_coarse_crf.plugin import RefineWidget


@pytest.mark.parametrize(("needed", "free"), [(89, 100), (0, 0)])
def test_what_fits_needs_no_words(needed: int, free: int) -> None:
    assert memory_warning(needed, free) == ""


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
    assert "GB are free" in said[0]
    assert "GB are free" in said[-1]
    assert "GB are free" not in widget.status
    assert len(viewer.layers) == 3

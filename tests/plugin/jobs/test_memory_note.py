"""A run that may need more memory than there is says so and goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from napari_coarse_crf.plugin.jobs import job
from napari_coarse_crf.plugin.jobs.memory_note import available_bytes, memory_warning
from tests.plugin.waiting import wait_until_ready

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_coarse_crf.plugin import RefineWidget


def test_the_system_says_what_it_has_or_nothing() -> None:
    available = available_bytes()
    assert available is None or available > 10**7


@pytest.mark.parametrize(("needed", "available"), [(10, None), (89, 100), (0, 0)])
def test_what_fits_or_is_unknown_needs_no_words(needed: int, available: int | None) -> None:
    assert memory_warning(needed, available) == ""


def test_the_run_goes_on_after_saying_that_memory_is_short(
    dock: Callable[..., tuple[Any, RefineWidget]],
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
    image: NDArray[Any],
    labels: NDArray[Any],
) -> None:
    monkeypatch.setattr(job, "_LARGE", 1)
    monkeypatch.setattr(job, "available_bytes", lambda: 1000)
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

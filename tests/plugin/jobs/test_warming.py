"""The engine is compiled while a person looks at the dock, and does not get in the way of leaving."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_coarse_crf.plugin.jobs.warming import WARM_UP, WarmUp
from napari_coarse_crf.plugin.jobs.worker import JobRunner

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from numpy.typing import NDArray

    from napari_coarse_crf.plugin import RefineWidget

    Dock = Callable[..., tuple[Any, RefineWidget]]

SCRIPT = """
from pathlib import Path
import napari
from qtpy.QtWidgets import QApplication
from napari_coarse_crf.plugin import RefineWidget
from napari_coarse_crf.plugin.jobs.warming import WARM_UP

viewer = napari.Viewer(show=False)
viewer.window.add_dock_widget(RefineWidget(viewer))
while not list(Path({cache!r}).rglob("*.nbc")):  # until the first of many kernels is compiled
    QApplication.processEvents()
assert WARM_UP.is_running
"""


def test_a_script_that_ends_while_the_engine_is_compiled_ends_well(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(cache=str(tmp_path))],
        env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "after shutdown" not in done.stderr


def test_compiling_happens_once_in_a_session_and_is_told(qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JobRunner, "has_compiled", False)
    warm_up = WarmUp()
    with qtbot.waitCallback() as ended:
        warm_up.ended.connect(ended)
        warm_up.begin()
        assert warm_up.is_running
    assert not warm_up.is_running
    assert JobRunner.has_compiled
    warm_up.begin()
    assert not warm_up.is_running


def test_the_dock_says_that_the_engine_is_being_compiled(
    dock: Dock, monkeypatch: pytest.MonkeyPatch, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    _, widget = dock(image, labels, rgb=True)
    monkeypatch.setattr(WARM_UP, "is_running", True)
    WARM_UP.ended.emit()  # whoever shows it looks again
    assert widget.status.startswith("Ready.")
    assert "being compiled, once" in widget.status
    monkeypatch.setattr(WARM_UP, "is_running", False)
    WARM_UP.ended.emit()
    assert "compiled" not in widget.status

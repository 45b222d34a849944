"""The engine is compiled while a person looks at the dock, and does not get in the way of leaving."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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

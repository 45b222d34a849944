"""A session that ends right after its viewer was closed, without another turn of the event loop.

PyQt takes down at the end what is left of a window, while it looks through all objects there are; an event that Python
hears meanwhile may end the process in a segmentation fault.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import gc
from weakref import ref

import napari
import numpy as np
from qtpy.QtWidgets import QApplication

gc.disable()  # what has gone has gone by itself


def is_left(*docks):
    viewer = napari.Viewer()
    viewer.add_image(np.zeros((40, 60)))
    viewer.add_labels(np.repeat([[1, 2]], 30, axis=1).repeat(40, axis=0))
    for name in docks:
        _, widget = viewer.window.add_plugin_dock_widget("napari-coarse-crf", name)
        if name == "Refine labels":
            widget.run_bar.live.click()
    for _ in range(20):
        QApplication.processEvents()
    window = ref(viewer.window._qt_window)
    viewer.close()
    return window() is not None


for docks in ((), ("Refine labels",), ("Annotate a series",), ("Refine labels", "Annotate a series")):
    print(*docks, is_left(*docks), sep=", ")
"""

OPEN_AT_THE_END = """
import napari
from napari_coarse_crf.plugin import RefineWidget
from napari_coarse_crf.plugin.jobs.warming import WARM_UP
from qtpy.QtWidgets import QApplication

viewer = napari.Viewer(show=False)
widget = RefineWidget(viewer)
viewer.window.add_dock_widget(widget)
while WARM_UP.is_running:
    QApplication.processEvents()
for _ in range(20):
    QApplication.processEvents()
"""


def _run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "NAPARI_CONFIG": ""},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )


def test_a_window_is_gone_once_it_is_closed_as_without_the_docks() -> None:
    done = _run(SCRIPT)
    assert done.returncode == 0, done.stderr
    alone, *with_docks = done.stdout.splitlines()
    assert len(with_docks) == 3
    assert [line.endswith(alone) for line in with_docks] == [True] * 3, done.stdout


def test_a_session_may_end_while_the_viewer_is_open() -> None:
    done = _run(OPEN_AT_THE_END)
    assert done.returncode == 0, done.stderr

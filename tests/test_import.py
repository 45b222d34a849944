"""What refining loads, and names; what importing loads is tested in test_packaging.py."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import napari_coarse_crf

FOREIGN = {"napari", "qtpy", "magicgui", "superqt", "PyQt5", "PyQt6", "PySide6", "pydensecrf", "dask"}


def test_refining_loads_neither_napari_nor_qt_nor_the_reference_engine() -> None:
    code = """
import sys
import numpy as np
from napari_coarse_crf import Parameters, refine_labels
labels = np.array([[1, 0, 0, 2]])
assert refine_labels(np.array([[9, 9, 90, 90]], np.uint8), labels, Parameters(iterations=1)).all()
print(*{name.partition(".")[0] for name in sys.modules})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "numba" in loaded
    assert not loaded & FOREIGN


def test_no_public_name_hides_a_module() -> None:
    # `napari_coarse_crf.refine` is the module once it was imported, so no function may be called that.
    modules = {path.stem for path in Path(napari_coarse_crf.__file__).parent.iterdir()}
    assert {"refine", "refiner", "evaluation"} <= modules
    assert not modules & set(napari_coarse_crf.__all__)

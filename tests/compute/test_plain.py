"""Without a compiler: all kernels in Python, and the same results to rounding."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf import Parameters, Refiner

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FORMS = ("combined", "joint", "kernel", "geodesic", "colour")


def refined() -> dict[str, NDArray[Any]]:
    """Return what comes of a tiny image by each form of the heatmap, with many labels, and with objects."""
    rng = np.random.default_rng(0)
    image, strokes = rng.integers(0, 256, (11, 14, 3), np.uint8), np.zeros((11, 14), np.int32)
    image[:, 7:] //= 2
    strokes[2:4, 2:4], strokes[8, 9:13], strokes[1, 12] = 1, 2, 7
    many = np.arange(strokes.size).reshape(strokes.shape) // 2 * (np.indices(strokes.shape).sum(axis=0) % 2)
    cells = np.zeros((40, 40), np.int32)
    cells[0], cells[10, 10], cells[10, 30], cells[30, 10], cells[30, 30] = 1, 2, 3, 4, 5
    everything = {
        "tolerance": 0.01,
        "label_confidence": 0.9,
        "texture_weight": 0.5,
        "smallest_part": 3,
        "fill_holes": 3,
    }
    runs: dict[str, tuple[Any, Any, Parameters]] = {
        form: (image, strokes, Parameters.from_dict({"similarity": form, "iterations": 3, **everything}))
        for form in _FORMS
    }
    runs["chosen"] = image, strokes, Parameters(weights="auto", iterations=2)
    runs["many"] = image, many, Parameters(iterations=1)
    runs["objects"] = np.where(cells > 1, 200, 20).astype(np.uint8), cells, Parameters(iterations=1)
    found: dict[str, NDArray[Any]] = {}
    for name, (shown, labels, parameters) in runs.items():
        refinement = Refiner(shown, labels, workers=1).run(parameters)
        found[f"labels, {name}"], found[f"confidence, {name}"] = refinement.labels, refinement.confidence
    return found


def test_without_a_compiler_the_results_are_the_same(tmp_path: Path) -> None:
    script = """
import sys
import numpy as np
from napari_coarse_crf.compute.lattice import _blur_kernel
from tests.compute.test_plain import refined

assert not hasattr(_blur_kernel, "signatures")
np.savez(sys.argv[1], **refined())
"""
    subprocess.run(
        [sys.executable, "-W", "error", "-c", script, tmp_path / "plain.npz"],
        check=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
    )
    with np.load(tmp_path / "plain.npz") as plain:
        for name, compiled in refined().items():
            np.testing.assert_allclose(plain[name], compiled, atol=1e-5, err_msg=name)

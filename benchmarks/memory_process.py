"""One method in a process of its own: runs it once and prints the peak memory of the process. Started by `memory`.

python benchmarks/memory_process.py METHOD FOLDER
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import rivals

from napari_coarse_crf import Parameters

if TYPE_CHECKING:
    from collections.abc import Callable


def run_nothing(image: np.ndarray, labels: np.ndarray, folder: Path) -> None:
    """Do nothing: what the inputs alone take."""


def run_refine_labels(image: np.ndarray, labels: np.ndarray, folder: Path) -> None:
    """Ours from image and labels to refined labels."""
    from napari_coarse_crf import refine_labels

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a label took nothing does not matter here
        refine_labels(image, labels)


def run_our_engine(image: np.ndarray, labels: np.ndarray, folder: Path) -> None:
    """Ours from a ready unary potential."""
    from engines import OurEngine
    from fields import Field

    from napari_coarse_crf.compute.parallel import available_workers

    # As below: what the engine has taken over is given up at once.
    engine = OurEngine(Field(image, labels, np.load(folder / "unary.npy", mmap_mode="r"), case=""))
    engine.run(Parameters(), available_workers())


def run_pydensecrf(image: np.ndarray, labels: np.ndarray, folder: Path) -> None:
    """Krähenbühl and Koltun's from a ready unary potential, which it copies; the original is given up at once."""
    from pydensecrf import densecrf

    unary = np.load(folder / "clamped_unary.npy")
    crf = densecrf.DenseCRF2D(labels.shape[1], labels.shape[0], len(unary))
    crf.setUnaryEnergy(unary)
    del unary
    rivals.add_kernels(crf, image, Parameters())
    np.argmax(crf.inference(Parameters().iterations), axis=0)


METHODS: dict[str, Callable[[np.ndarray, np.ndarray, Path], object]] = {
    "inputs": run_nothing,
    "refine_labels": run_refine_labels,
    "our engine": run_our_engine,
    "pydensecrf": run_pydensecrf,
    "KD-tree and pydensecrf": lambda image, labels, _: rivals.refine_with_kd_tree(image, labels, Parameters()),
    "random walker": lambda image, labels, _: rivals.random_walk(image, labels),
    "watershed": lambda image, labels, _: rivals.flood(image, labels),
}


def peak_mb() -> float | None:
    """Return the peak resident memory of this process in MB, None where the system does not tell."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not getrusage: there, the peak of the process that started this one counts too.
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(fields["VmHWM"].split()[0]) * 1024 / 1e6
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return None


if __name__ == "__main__":
    method, folder = sys.argv[1], Path(sys.argv[2])
    METHODS[method](np.load(folder / "image.npy"), np.load(folder / "labels.npy"), folder)
    print(json.dumps({"peak_mb": peak_mb()}))

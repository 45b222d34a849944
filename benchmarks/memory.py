"""Peak memory of each method as a process of its own, as a person would see it in a task manager.

Every process loads the same image and labels from disk, and imports what it needs and nothing else. pydensecrf and our
engine alone also load the unary potential, each in the form that it takes; `refine_labels` makes its own. What is
compiled is in the cache before, so no compiler is in memory.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from fields import describe_case, make_field
from rivals import HAS_PYDENSECRF, clamped_unary
from rows import NO_PYDENSECRF, OF_RIVAL, Row, alone, compare
from turns import in_turn
from whole import refine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from session import Session

_PROCESS = Path(__file__).with_name("memory_process.py")
_CRF_METHODS = ["inputs", "refine_labels", "our engine", "pydensecrf"]
_ALL_METHODS = ["inputs", "refine_labels", "KD-tree and pydensecrf", "random walker", "watershed"]
UNKNOWN = "this system does not tell the peak memory of a process"


def measure_memory(session: Session) -> Iterator[Row]:
    """Measure peak memory at Cityscapes' size against pydensecrf, and at a small size against the others."""
    peaks, case = _peaks(session, session.size(2048, 1024), _CRF_METHODS)
    yield from _headline(peaks, case)
    yield from _by_method(peaks, case)
    # Each of these processes takes a second even on a tiny image, so a quick run starts none twice.
    others = [name for name in _ALL_METHODS if not (session.quick and name in peaks)]
    peaks, case = _peaks(session, session.size(512, 256), others)
    yield from _by_method(peaks, case)


def _peaks(session: Session, size: tuple[int, int], methods: list[str]) -> tuple[dict[str, list[float]], str]:
    """Return the peaks of each method in MB, and the case in words."""
    field = make_field(*size, 19, 0.5)
    methods = [name for name in methods if HAS_PYDENSECRF or "pydensecrf" not in name]
    with TemporaryDirectory() as folder:
        np.save(Path(folder) / "image.npy", field.image)
        np.save(Path(folder) / "labels.npy", field.labels)
        np.save(Path(folder) / "unary.npy", field.unary)
        np.save(Path(folder) / "clamped_unary.npy", clamped_unary(field.unary, field.labels))
        case = describe_case(field.labels)
        sides = {name: partial(_peak_of_process, name, folder) for name in methods}
        fill_cache = partial(refine, field.image, field.labels)
        return in_turn(session, f"peak memory, {case}", sides, [fill_cache]), case


def _peak_of_process(method: str, folder: str) -> float:
    """Return the peak memory of a new process in MB, NaN where it cannot be known."""
    command = [sys.executable, str(_PROCESS), method, folder]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    peak = json.loads(answer.splitlines()[-1])["peak_mb"]
    return math.nan if peak is None else float(peak)


def _headline(peaks: dict[str, list[float]], case: str) -> Iterator[Row]:
    for name, method in (
        ("peak memory of the process", "refine_labels"),
        ("peak memory of the process, our engine alone", "our engine"),
    ):
        if any(map(math.isnan, peaks[method])):
            yield Row(name, case, "MB", None, note=UNKNOWN)
        else:
            yield compare(name, case, peaks[method], peaks.get("pydensecrf"), meaning=OF_RIVAL, unit="MB")


def _by_method(peaks: dict[str, list[float]], case: str) -> Iterator[Row]:
    for method, values in peaks.items():
        if any(map(math.isnan, values)):
            yield Row(f"peak memory: {method}", case, "MB", None, note=UNKNOWN)
        else:
            yield alone(f"peak memory: {method}", case, values, unit="MB")
    if not HAS_PYDENSECRF:
        yield Row("peak memory: pydensecrf", case, "MB", None, note=NO_PYDENSECRF)

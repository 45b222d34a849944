"""What all benchmarks share: how large, how often, how many threads, and a line on the terminal that says what runs."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from napari_coarse_crf.compute.parallel import available_workers

_QUICK_SHRINK = 16
_PACKAGES = ("napari-coarse-crf", "numpy", "scipy", "numba", "scikit-image", "pydensecrf2")


@dataclass(frozen=True)
class Session:
    """One run of the suite.

    Attributes
    ----------
    pairs : int
        How often ours and the rival run in turn.
    quick : bool
        Sides a sixteenth as long: says whether the suite works, nothing about speed.
    """

    pairs: int = 3
    quick: bool = False
    progress: Progress = field(default_factory=lambda: _make_progress())

    @property
    def all_threads(self) -> int:
        """As many threads as the process may run at once."""
        return available_workers()

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Return (height, width), made smaller in a quick run."""
        shrink = _QUICK_SHRINK if self.quick else 1
        return height // shrink, width // shrink

    def say(self, what: str) -> None:
        """Tell what runs next, on stderr: beside the bar in a terminal, as a line elsewhere."""
        if not self.progress.console.is_terminal:
            self.progress.console.print(what, highlight=False, soft_wrap=True)
        for task in self.progress.task_ids:
            self.progress.update(task, description=what, refresh=True)


def _make_progress() -> Progress:
    """Return a bar that moves only when told: to move by itself it would need a thread, beside what is timed."""
    columns = (BarColumn(20), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    return Progress(*columns, console=Console(stderr=True), auto_refresh=False, transient=True)


def describe_machine() -> dict[str, str | int]:
    """Return what the figures depend on: processor, cores, load at the start, versions."""
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    machine: dict[str, str | int] = {
        "processor": _processor_name(),
        "cores": available_workers(),
        "system": f"{platform.system()} {platform.machine()}",
        "load at the start": load,
        "Python": platform.python_version(),
    }
    return machine | {name: _version(name) for name in _PACKAGES}


def _processor_name() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():  # Linux; platform.processor() is empty there
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"

"""The benchmarks that open napari, as a process, on tiny images."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest

from tests.test_benchmarks import BENCHMARKS

IN_A_WINDOW = """
import runpy, sys
folder, *commands = sys.argv[1:]
sys.path.insert(0, folder)
for command in commands:
    sys.argv = command.split()
    print("$", sys.argv[0])
    try:
        runpy.run_path(f"{folder}/{sys.argv[0]}", run_name="__main__")
    except SystemExit as end:
        print("exit code", end.code)
"""


@pytest.fixture(scope="module")
def in_a_window() -> dict[str, str]:
    """Return what each benchmark of the dock prints, by its file: one process for all, as napari is slow to start."""
    commands = ["responsiveness.py --quick --runs 1", "plugin_memory.py --quick --runs 1"]
    commands += ["soak.py --quick", "rounds.py --quick"]
    program = [sys.executable, "-c", IN_A_WINDOW, str(BENCHMARKS), *commands]
    done = subprocess.run(program, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(printed.split("\n", 1) for printed in done.stdout.removeprefix("$ ").split("\n$ "))


def test_the_window_is_watched_while_the_widget_refines(in_a_window: dict[str, str]) -> None:
    printed = in_a_window["responsiveness.py"]
    rows = [line.strip("| ").split("|") for line in printed.splitlines() if line[:3].strip("| ").isdigit()]
    assert len(rows) == 3  # a run, and Live twice
    for row in rows:
        figures = [float(cell) for cell in row]
        assert len(figures) == 6
        assert all(math.isfinite(figure) for figure in figures)
        assert figures[2] > 0  # ticks


def test_what_is_left_in_memory_is_told_run_by_run(in_a_window: dict[str, str]) -> None:
    printed = in_a_window["plugin_memory.py"]
    rows = [line.strip("| ").split(" | ") for line in printed.splitlines() if line.startswith("|")]
    growth = [row for row in rows if row[0] in {"Run", "Live"}]
    assert [row[:2] for row in growth] == [["Run", "1"], ["Live", "1"]]
    stack = [row for row in rows if row[0].startswith(("a Run", "at its peak", "one slice", "a stroke"))]
    assert len(stack) == 5
    assert all(math.isfinite(float(row[-1])) for row in [*growth, *stack])


def test_three_rounds_of_annotation_lose_nothing(in_a_window: dict[str, str]) -> None:
    printed = in_a_window["rounds.py"]
    assert "Nothing was lost." in printed, printed
    assert "exit code 0" in printed


def test_what_is_left_after_runs_and_strokes_is_counted(in_a_window: dict[str, str]) -> None:
    printed = in_a_window["soak.py"]
    assert "Nothing is left." in printed, printed
    rows = [line.strip("| ").split(" | ") for line in printed.splitlines() if line.startswith("|")][2:]
    assert [row[:2] for row in rows] == [["0", "0"], ["1", "2"], ["2", "4"], ["3", "6"]]
    assert {row[5] for row in rows} == {"0"}  # workers
    assert "exit code 0" in printed

"""The benchmarks as a process, on tiny images: every promised figure is there, whatever it is."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
HAS_PYDENSECRF = find_spec("pydensecrf") is not None
TELLS_PEAK_MEMORY = sys.platform in {"linux", "darwin"}

AGAINST_PYDENSECRF = [
    "10 iterations, all threads",
    "10 iterations, one thread",
    "one iteration, all threads",
    "build of both kernels, all threads",
    "build and 10 iterations, all threads",
    "build and 10 iterations, one thread",
    "10 iterations, scribbles, all threads",
    "10 iterations, theta 50/5, all threads",
    "whole refine_labels, all threads",
    "peak memory of the process",
    "weight slider",
    "labels equal to pydensecrf's",
    "grid: 10 iterations, all threads",
]
ALONE = [
    "4 x the pixels, refine_labels",
    "4 x the pixels, 10 iterations",
    "2 x the labels, refine_labels",
    "2 x the labels, 10 iterations",
    "2% labelled, refine_labels",
    "again: theta_alpha",
    "again: painted stroke",
    "whole refine_labels",
    "labels choose the weights",
    "copy bandwidth, all threads",
    "bytes an iteration must move",
    "import of the package",
    "start from the cache",
    "tiles: time",
    "tiles: peak memory of the process",
    "tiles: pixels equal to those at once",
    "tiles: pixels equal beside seams",
    "ids of cells: time",
    "ids of cells: peak memory of the process",
    "volume: time",
    "volume: peak memory of the process",
    "volume by tiles: time",
    "volume by tiles: peak memory of the process",
]
PROMISED = {
    "10 iterations, all threads": "at least 12",
    "10 iterations, one thread": "at least 6",
    "build and 10 iterations, all threads": "at least 8",
    "10 iterations, scribbles, all threads": "at least 6",
    "10 iterations, theta 50/5, all threads": "at least 6",
    "build of both kernels, all threads": "at least 2.5",
    "whole refine_labels, all threads": "at least 4",
    "peak memory of the process": "at most 0.5",
    "4 x the pixels, refine_labels": "at most 4.4",
    "2 x the labels, refine_labels": "at most 2.2",
    "weight slider": "at most 0.1",
    "labels equal to pydensecrf's": "at least 0.999",
    "tiles: pixels equal to those at once": "at least 0.995",
    "ids of cells: time": "at most 4",
    "ids of cells: peak memory of the process": "at most 3000",
    "volume: peak memory of the process": "at most 4000",
    "volume by tiles: peak memory of the process": "at most 4000",
}


class Run:
    """What one run of the suite wrote and printed."""

    def __init__(self, command: list[str], json_path: Path) -> None:
        answer = subprocess.run(
            [sys.executable, *command, "--quick", "--json", str(json_path)],
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
        assert answer.returncode == 0, answer.stderr
        found = json.loads(json_path.read_text(encoding="utf-8"))
        self.markdown = answer.stdout
        self.machine: dict[str, Any] = found["machine"]
        self.rows: list[dict[str, Any]] = found["rows"]

    def row(self, name: str) -> dict[str, Any]:
        """Return the first row of that name that was measured, or was not, as is to be expected here."""
        rows = [row for row in self.rows if row["name"] == name]
        return next((row for row in rows if (row["figure"] is not None) == is_measurable(name)), rows[0])


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run everything, once."""
    return Run([str(BENCHMARKS / "bench.py")], tmp_path_factory.mktemp("benchmarks") / "found.json")


def is_measurable(name: str) -> bool:
    return (HAS_PYDENSECRF or name in ALONE) and (TELLS_PEAK_MEMORY or "memory" not in name)


@pytest.mark.parametrize("name", [*AGAINST_PYDENSECRF, *ALONE])
def test_every_figure_is_there_or_says_why_not(quick: Run, name: str) -> None:
    row = quick.row(name)
    if is_measurable(name):
        assert row["figure"] > 0
        assert 0 < row["low"] <= row["high"]
    else:
        assert row["figure"] is None
        assert row["note"]
        assert row["note"] in quick.markdown


def test_all_numbers_are_finite_and_positive(quick: Run) -> None:
    for row in quick.rows:
        numbers = [value for value in row.values() if isinstance(value, float)]
        assert all(math.isfinite(number) and number > 0 for number in numbers), row


@pytest.mark.parametrize(("name", "aim"), PROMISED.items())
def test_what_was_promised_stands_beside_what_was_measured(quick: Run, name: str, aim: str) -> None:
    row = quick.row(name)
    assert row["aim"] == aim
    assert row["reached"] in ({True, False} if is_measurable(name) else {None})
    promises = quick.markdown.partition("## What it must show")[2].partition("\n## ")[0]
    assert any(line.startswith(f"| {name} |") and f"| {aim} |" in line for line in promises.splitlines())


@pytest.mark.skipif(not HAS_PYDENSECRF, reason="pydensecrf is not installed")
def test_both_engines_get_the_same_problem(quick: Run) -> None:
    """On another problem, labels would differ in far more than one pixel in a thousand."""
    assert quick.row("labels equal to pydensecrf's")["figure"] >= 0.999


def test_the_machine_is_described(quick: Run) -> None:
    for what in ("processor", "cores", "Python", "numpy", "numba", "pydensecrf2"):
        assert quick.machine[what]
        assert f"- {what}: {quick.machine[what]}" in quick.markdown


def test_without_pydensecrf_its_rows_say_so_and_the_rest_runs(tmp_path: Path) -> None:
    program = tmp_path / "without_pydensecrf.py"
    program.write_text(
        "import runpy, sys\n"
        "sys.modules['pydensecrf'] = None  # as if it were not installed\n"
        f"sys.path.insert(0, {str(BENCHMARKS)!r})\n"
        f"runpy.run_path({str(BENCHMARKS / 'bench.py')!r}, run_name='__main__')\n"
    )
    run = Run([str(program), "--only", "agreement", "interactive"], tmp_path / "found.json")
    for name in ("10 iterations, defaults, all threads", "labels equal to pydensecrf's", "weight slider"):
        assert run.row(name)["figure"] is None
        assert "pydensecrf is not installed" in run.row(name)["note"]
    assert run.row("10 iterations, defaults, all threads")["ours"] > 0
    assert run.row("again: theta_alpha")["figure"] > 0
    assert "pydensecrf is not installed" in run.markdown


def test_quality_is_scored_by_kind_and_by_hand(tmp_path: Path) -> None:
    fine = np.ones((60, 80), np.uint8)
    fine[10:50, 40:70] = 2
    image = np.where(fine == 2, 180, 60).astype(np.uint8)
    coarse = np.zeros_like(fine)
    coarse[20:30, 5:15], coarse[20:30, 50:60] = 1, 2
    for folder, files in {"drawn": ("img", "fine"), "painted": ("img", "fine", "coarse")}.items():
        (tmp_path / folder).mkdir()
        for name in files:
            iio.imwrite(tmp_path / folder / f"a_{name}.png", {"img": image, "fine": fine, "coarse": coarse}[name])
    command = [sys.executable, str(BENCHMARKS / "quality.py"), str(tmp_path / "drawn"), str(tmp_path / "painted")]
    options = ["--methods", "coarse", "nearest label", "default", "--seeds", "2"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=True)
    header, _, *rows = done.stdout.splitlines()
    assert header == "| images | cases | coarse | nearest label | default |"
    assert [row.split(" | ")[0] for row in rows] == [
        "| drawn, strokes",
        "| drawn, polygons",
        "| painted, by a person",
        "| mean over the rows",
    ]
    for row in rows:
        coarse_iou, nearest_iou, our_iou = (float(cell.split(" / ")[2][:5]) for cell in row.split("|")[3:6])
        assert coarse_iou < nearest_iou <= our_iou
    assert "±" in rows[0]  # two seeds
    assert rows[2].endswith("| 1.000 / 1.000 / 1.000 |")  # two flat colours


def test_what_is_said_is_set_beside_what_is_right(tmp_path: Path) -> None:
    fine = np.ones((60, 80), np.uint8)
    fine[10:50, 40:70] = 2
    fine[:, :4] = 0
    fine[50:, 70:] = 3  # which nobody has painted
    noise = np.random.default_rng(0).normal(0, 40, fine.shape)
    coarse = np.zeros_like(fine)
    coarse[20:30, 5:15], coarse[20:30, 50:60] = 1, 2
    written = {"img": (np.where(fine == 2, 160, 90) + noise).clip(0, 255).astype(np.uint8), "fine": fine}
    for name, array in (written | {"coarse": coarse}).items():
        iio.imwrite(tmp_path / f"a_{name}.png", array)
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "calibration.py"), str(tmp_path)], capture_output=True, text=True, check=True
    )
    rows, bins = done.stdout.split("\n\n")
    header, _, row, mean = rows.splitlines()
    assert header == "| images | cases | accuracy | mean field: error | confidence: error |"
    accuracy, *errors = ([float(part.strip("() ")) for part in cell.split("(")] for cell in row.split("|")[3:6])
    assert accuracy[0] > accuracy[1]  # of the painted labels, and of all
    assert all(0 <= error <= 1 for pair in errors for error in pair)
    assert mean.split("|")[4:] == row.split("|")[4:]
    assert len(bins.splitlines()) == 2 + 15


def test_five_strokes_are_scored_at_every_kind_of_place(tmp_path: Path) -> None:
    fine = np.ones((60, 80), np.uint8)
    fine[10:50, 40:70] = 2
    noise = np.random.default_rng(0).normal(0, 40, fine.shape)
    image = (np.where(fine == 2, 160, 90) + noise).clip(0, 255).astype(np.uint8)
    iio.imwrite(tmp_path / "a_img.png", image)
    iio.imwrite(tmp_path / "a_fine.png", fine)
    command = [sys.executable, str(BENCHMARKS / "next_place.py"), str(tmp_path), "--seeds", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    header, _, row = done.stdout.splitlines()
    assert header == "| images | cases | before | open | wrong | proposed | gain over wrong |"
    before, *after = (float(cell) for cell in row.split("|")[3:7])
    assert max(after) > before


def test_strokes_of_earlier_frames_are_scored_beside_strokes_of_the_frame(tmp_path: Path) -> None:
    for number in range(3):
        fine = np.ones((60, 80), np.uint8)
        fine[10:50, 40 - 3 * number : 70 - 3 * number] = 2
        iio.imwrite(tmp_path / f"film_{number}_img.png", np.where(fine == 2, 180, 60).astype(np.uint8))
        iio.imwrite(tmp_path / f"film_{number}_fine.png", fine)
    command = [sys.executable, str(BENCHMARKS / "series.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    row = done.stdout.splitlines()[-1].split(" | ")
    assert row[1:3] == ["2", "1.000"]
    own, before, several, copied = (float(cell.split(" / ")[1][:5]) for cell in row[3:])
    assert own == before == several == 1  # two flat colours
    assert copied < 1  # something has moved


def test_tiles_are_counted_and_a_large_image_is_compared_with_a_small_one(tmp_path: Path) -> None:
    command = [sys.executable, str(BENCHMARKS / "scaling.py"), "--scratch", str(tmp_path), "--tile", "48"]
    options = ["--counts", "4", "--large", "150", "--large-tile", "75", "--small", "128", "--part", "80"]
    done = subprocess.run([*command, *options], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines() if line.startswith("| ")]
    assert rows[1][0] == "4"
    figures = dict(row for row in rows if len(row) == 2)
    assert float(figures["share of that"]) > 0
    assert not list(tmp_path.iterdir())  # stores are gone


def test_volumes_are_scored_by_kind_hand_and_how_many_planes_are_painted(tmp_path: Path) -> None:
    fine = np.ones((9, 40, 50), np.uint8)
    fine[2:8, 10:22, 12:44] = 2
    image = np.where(fine == 2, 180, 60).astype(np.uint8)
    (tmp_path / "blocks").mkdir()
    np.savez(tmp_path / "blocks" / "a.npz", image=image, fine=fine, spacing=[2.0, 1.0, 1.0])
    command = [sys.executable, str(BENCHMARKS / "volumes.py"), str(tmp_path / "blocks"), "--every", "3"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    header, _, *rows = done.stdout.splitlines()
    assert header == "| volumes | cases | nearest label | watershed | fixed | default |"
    assert [row.split(" | ")[0] for row in rows] == [
        "| blocks, strokes on every 3rd plane",
        "| blocks, polygons on every 3rd plane",
        "| mean over the rows",
    ]
    for row in rows:
        nearest_iou, _, _, our_iou = (float(cell.split(" / ")[1]) for cell in row.split("|")[3:7])
        assert nearest_iou < our_iou <= 1

"""An unfinished run is found again by where its result goes, with the sides of its tiles."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from napari_coarse_crf import InputError
from napari_coarse_crf.running.unfinished import begin, kept_sides, remove_run

if TYPE_CHECKING:
    from pathlib import Path


def test_the_sides_of_tiles_stay_whatever_memory_is_free_by_then(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert kept_sides(folder, {"tile": None}) is None
    begin(folder, {"tile": (64, 32)}, (64, 32))
    assert kept_sides(folder, {"tile": (64, 32)}) == (64, 32)
    assert kept_sides(folder, {"tile": None}) is None  # asked for something else


def test_a_run_that_was_killed_as_it_began_may_begin_again(tmp_path: Path) -> None:
    (tmp_path / ".run.json.1234.part").write_text("{")
    assert kept_sides(tmp_path, {}) is None
    begin(tmp_path, {}, (64, 32))
    assert kept_sides(tmp_path, {}) == (64, 32)


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="holds something else"):
        begin(tmp_path, {}, (64,))
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_a_finished_run_leaves_nothing(tmp_path: Path) -> None:
    begin(tmp_path / "run", {}, (64,))
    (tmp_path / "run" / "0").mkdir()
    (tmp_path / "run" / "0" / "plan").write_bytes(b"plan")
    remove_run(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_two_runs_do_not_write_the_same_result_at_once(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from napari_coarse_crf.running.unfinished import begin\n"
        "begin(Path(sys.argv[1]), {}, (64,)); print('begun', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "run")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(InputError, match=f"Another run writes the same result .process {other.pid}"):
            begin(tmp_path / "run", {}, (64,))
        other.kill()
    begin(tmp_path / "run", {}, (64,))


def test_a_process_number_that_was_given_anew_is_no_run(tmp_path: Path) -> None:
    begin(tmp_path, {}, (64,))
    about = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**about, "process": os.getppid(), "started": 1.0}))
    begin(tmp_path, {}, (64,))

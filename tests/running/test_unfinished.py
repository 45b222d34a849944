"""An unfinished run is found again by where its result goes, with the sides of its tiles."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from napari_coarse_crf import InputError
from napari_coarse_crf.running.unfinished import begin, begun, kept_sides, remove_run

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


def test_of_many_runs_that_begin_the_same_at_once_one_does(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path\n"
        "from napari_coarse_crf.errors import InputError\n"
        "from napari_coarse_crf.running.unfinished import begin\n"
        "print('ready', flush=True)\n"
        "for name in sys.stdin:\n"
        "    try: begin(Path(name.strip()), {}, None); print('begun', flush=True)\n"
        "    except InputError as error: assert 'Another run' in str(error), error; print('refused', flush=True)\n"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for number in range(40):
        folder = tmp_path / str(number)
        if number % 2:  # what a run that is gone has left
            begin(folder, {}, (64,))
            about = json.loads((folder / "run.json").read_text())
            (folder / "run.json").write_text(json.dumps({**about, "process": os.getppid(), "started": 1.0}))
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(f"{folder}\n")
            process.stdin.flush()
        said = [process.stdout.readline() for process in processes if process.stdout is not None]
        assert sorted(said) == ["begun\n", "refused\n", "refused\n"], number
        assert kept_sides(folder, {}) is None  # all at once
    for process in processes:
        process.communicate()


@pytest.mark.parametrize(
    "said",
    [
        '"sides": "ab"',
        '"sides": [0, -1]',
        '"sides": 3',
        '"process": "x"',
        '"process": 1e99',
        '"process": 1',
        '"host": []',
    ],
)
def test_what_a_run_says_of_itself_may_be_anything(tmp_path: Path, said: str) -> None:
    begin(tmp_path, {}, (64,))
    about = json.loads((tmp_path / "run.json").read_text())
    del about["sides"], about["process"], about["started"]
    (tmp_path / "run.json").write_text(f"{json.dumps(about)[:-1]}, {said}}}")
    assert kept_sides(tmp_path, {}) is None
    begin(tmp_path, {}, (64,))


def test_a_folder_whose_note_is_damaged_is_left_alone(tmp_path: Path) -> None:
    for content in (b"[" * 100_000, b"5" * 5000, b"\xff", b"[]"):
        (tmp_path / "run.json").write_bytes(content)
        with pytest.raises(InputError, match=r"holds something else\. Move it away"):
            begin(tmp_path, {}, (64,))


def test_a_run_that_was_killed_as_it_took_over_may_be_gone_on_with(tmp_path: Path) -> None:
    begin(tmp_path, {}, (64,))
    (tmp_path / "run.json").rename(tmp_path / "run.json.12345678.part")
    (tmp_path / "plan").touch()
    assert kept_sides(tmp_path, {}) == (64,)
    begin(tmp_path, {}, (64,))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plan", "run.json"]


def test_a_run_that_fails_at_once_leaves_what_was_there(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), begun(tmp_path / "new", {}):
        raise KeyboardInterrupt
    assert not (tmp_path / "new").exists()
    begin(tmp_path / "old", {"tile": 64}, (64,))
    (tmp_path / "old" / "0").mkdir()
    with pytest.raises(KeyboardInterrupt), begun(tmp_path / "old", {}):
        raise KeyboardInterrupt
    assert kept_sides(tmp_path / "old", {"tile": 64}) == (64,)
    assert (tmp_path / "old" / "0").is_dir()


def test_a_process_number_that_was_given_anew_is_no_run(tmp_path: Path) -> None:
    begin(tmp_path, {}, (64,))
    about = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**about, "process": os.getppid(), "started": 1.0}))
    begin(tmp_path, {}, (64,))

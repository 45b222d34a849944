"""What a run keeps of itself: whole or not at all, of the same inputs or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from napari_coarse_crf import CoarseCRFWarning, InputError
from napari_coarse_crf.running.journal import Journal, Record

if TYPE_CHECKING:
    from pathlib import Path

RECORDS = [Record(3, {0: 7, 2: 1}, ("a1", "b2")), Record(1, {}, ("c3",))]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """That of a run with a plan and two finished tiles."""
    journal = Journal(tmp_path / "run", "abc")
    journal.store("plan", {"tiles": [1, 2, 3]})
    for record in RECORDS:
        journal.keep(record)
    return tmp_path / "run"


def test_a_run_of_the_same_inputs_finds_its_plan_and_its_tiles(folder: Path) -> None:
    journal = Journal(folder, "abc")
    assert journal.load("plan") == {"tiles": [1, 2, 3]}
    assert journal.done == {record.tile: record for record in RECORDS}


def test_a_run_of_other_inputs_finds_nothing_and_removes_what_was(folder: Path) -> None:
    (folder / "labels.zarr").mkdir()
    (folder / "labels.zarr" / "c").write_bytes(b"pixels")
    journal = Journal(folder, "other")
    assert journal.load("plan") is None
    assert journal.done == {}
    assert [path.name for path in folder.iterdir()] == ["run.json"]


@pytest.mark.parametrize("cut", [1, 2, 20])
def test_a_line_that_was_cut_off_counts_as_none_and_the_next_one_is_whole(folder: Path, cut: int) -> None:
    lines = folder / "tiles.jsonl"
    lines.write_bytes(lines.read_bytes()[:-cut])
    journal = Journal(folder, "abc")
    assert journal.done == {3: RECORDS[0]}
    journal.keep(RECORDS[1])
    assert Journal(folder, "abc").done == {record.tile: record for record in RECORDS}


def test_a_line_of_zeros_as_a_power_cut_leaves_it_counts_as_none(folder: Path) -> None:
    with (folder / "tiles.jsonl").open("ab") as file:
        file.write(bytes(50) + b"\n")
    assert Journal(folder, "abc").done == {record.tile: record for record in RECORDS}


@pytest.mark.parametrize(
    "line",
    [
        "[" * 100_000,
        "5" * 5000,
        '{"tile": "a"}',
        '{"tile": 1, "gained": [["x", {}]], "written": []}',
        '{"tile": Infinity}',
    ],
)
def test_a_line_that_is_none_of_ours_counts_as_none(folder: Path, line: str) -> None:
    with (folder / "tiles.jsonl").open("a") as file:
        file.write(f"{line}\n")
    assert Journal(folder, "abc").done == {record.tile: record for record in RECORDS}


def test_what_is_forgotten_may_be_kept_anew(folder: Path) -> None:
    journal = Journal(folder, "abc")
    journal.forget({3})
    assert set(journal.done) == {1}
    again = Record(3, {1: 4}, ("d4",))
    journal.keep(again)
    assert Journal(folder, "abc").done[3] == again


def test_a_damaged_plan_is_not_read_but_made_again(folder: Path) -> None:
    content = bytearray((folder / "plan").read_bytes())
    content[-5] ^= 1
    (folder / "plan").write_bytes(content)
    with pytest.warns(CoarseCRFWarning, match="is damaged; what it holds is made again"):
        assert Journal(folder, "abc").load("plan") is None


def test_a_plan_of_another_run_is_not_read(folder: Path, tmp_path: Path) -> None:
    Journal(tmp_path / "other", "xyz").store("plan", "theirs")
    (tmp_path / "other" / "plan").replace(folder / "plan")
    with pytest.warns(CoarseCRFWarning, match="is damaged"):
        assert Journal(folder, "abc").load("plan") is None


def test_a_folder_that_is_no_run_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="holds something else"):
        Journal(tmp_path, "abc")
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(InputError, match="holds something else"):
        Journal(tmp_path, "abc")
    assert (tmp_path / "thesis.txt").read_text() == "mine"

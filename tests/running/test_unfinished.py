"""An unfinished run is found again by where its result goes, with the sides of its tiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from napari_coarse_crf import InputError
from napari_coarse_crf.running.unfinished import begin, is_unfinished, kept_sides

if TYPE_CHECKING:
    from pathlib import Path


def test_the_sides_of_tiles_stay_whatever_memory_is_free_by_then(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert not is_unfinished(folder)
    assert kept_sides(folder, {"tile": None}) is None
    begin(folder, {"tile": (64, 32)}, (64, 32))
    assert is_unfinished(folder)
    assert kept_sides(folder, {"tile": (64, 32)}) == (64, 32)
    assert kept_sides(folder, {"tile": None}) is None  # asked for something else


def test_what_is_damaged_tells_nothing(tmp_path: Path) -> None:
    begin(tmp_path / "run", {}, (64, 32))
    (tmp_path / "run" / "sides.json").write_text("[")
    assert kept_sides(tmp_path / "run", {}) is None


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="holds something else"):
        begin(tmp_path, {}, (64,))
    assert (tmp_path / "thesis.txt").read_text() == "mine"

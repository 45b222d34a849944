"""A command that is killed at any moment leaves the old or the new, and nothing in the way of the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from napari_coarse_crf import warm_up
from tests.cli.killing import VICTIMS, kill_often

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", VICTIMS)
def test_kills_leave_the_old_or_the_new(tmp_path: Path, name: str) -> None:
    warm_up()
    found = kill_often(VICTIMS[name], tmp_path, kills=2)
    assert found.wrong == []
    assert sum(found.left.values()) == 2

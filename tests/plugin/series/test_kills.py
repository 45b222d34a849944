"""A session that is killed while the dock saves leaves what was saved last or something newer, whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.plugin.series.killing import kill_often

if TYPE_CHECKING:
    from pathlib import Path


def test_kills_leave_what_was_saved_last_or_newer_and_the_next_session_goes_on(tmp_path: Path) -> None:
    found = kill_often(tmp_path, kills=2)
    assert found.wrong == []
    assert sum(found.left[what] for what in ("never saved", "as saved last", "newer")) == 3

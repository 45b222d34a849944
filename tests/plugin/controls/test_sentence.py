"""Room for sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_nothing_jumps_when_a_sentence_takes_the_lines_it_has_room_for(dock: Callable[..., Any], theme: str) -> None:
    viewer, widget = dock()
    viewer.theme = theme
    widget.result.heading.click()
    for sentence, lines in ((widget.run_bar.status, 3), (widget.result.panel.status, 2)):
        sentence.ensurePolished()
        room = sentence.minimumHeight()
        assert room > lines * sentence.fontMetrics().lineSpacing()
        for count in range(1, lines + 1):
            sentence.setText("\n".join(["one line"] * count))
            assert sentence.sizeHint().height() <= room
        assert sentence.sizeHint().height() == room

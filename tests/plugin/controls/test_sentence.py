"""Room for sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from qtpy.QtCore import QPoint

from napari_coarse_crf.plugin.controls.sentence import Sentence

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_nothing_moves_whatever_a_sentence_says(dock: Callable[..., Any], qtbot: Any, theme: str) -> None:
    viewer, widget = dock()
    viewer.theme = theme
    widget.result.heading.click()
    qtbot.wait(0)
    place = widget.run_bar.button.mapTo(widget.native, QPoint())
    for sentence, lines, most in ((widget.run_bar.status, 4, 4), (widget.result.panel.status, 2, 8)):
        room = sentence.height()
        assert room > lines * sentence.fontMetrics().lineSpacing()
        for count in (1, lines, most, 40):
            sentence.setText("\n".join(["one line"] * count))
            qtbot.wait(0)
            frame = sentence.contentsMargins()
            needed = sentence._label.sizeHint().height() + frame.top() + frame.bottom()
            assert (needed > sentence.height()) == (count > most)
            assert (sentence.height() > room) == (lines < min(count, most))
            assert sentence.height() == sentence.minimumHeight() == sentence.maximumHeight()
            assert widget.run_bar.button.mapTo(widget.native, QPoint()) == place


def test_a_sentence_that_is_longer_scrolls_and_is_shown_from_its_beginning(qtbot: Any) -> None:
    sentence = Sentence(lines=2)
    qtbot.addWidget(sentence)
    sentence.resize(120, sentence.height())
    sentence.show()
    bar = sentence.verticalScrollBar()
    for text, scrolls in (("one line\nanother", False), ("many words " * 20, True), ("others " * 30, True)):
        sentence.setText(text)
        qtbot.waitUntil(lambda scrolls=scrolls: (bar.maximum() > 0) == scrolls)
        assert bar.value() == 0
        bar.setValue(bar.maximum())
    assert sentence.text() == "others " * 30


def test_a_sentence_may_grow_to_be_read_as_a_whole(qtbot: Any) -> None:
    sentence = Sentence(lines=2, most=6)
    qtbot.addWidget(sentence)
    sentence.resize(200, sentence.height())
    sentence.show()
    room = sentence.height()
    sentence.setText("Saved a.tif, b.tif, c.json & <d> in /a/folder/of mine/somewhere else. " * 2)
    bar = sentence.verticalScrollBar()
    qtbot.waitUntil(lambda: sentence.height() > room and bar.maximum() == 0)
    assert sentence.growth == sentence.height() - room
    assert "c.json &amp; &lt;d&gt; in" in sentence.toolTip()
    sentence.resize(1200, sentence.height())
    qtbot.waitUntil(lambda: sentence.height() == room)
    sentence.setText("Short.")
    assert sentence.growth == 0

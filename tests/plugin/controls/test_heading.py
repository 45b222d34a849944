"""The heading of a part that folds."""

from __future__ import annotations

from typing import Any

from napari_coarse_crf.plugin.controls.heading import Heading


def test_the_heading_of_a_narrow_dock_leaves_out_what_it_is_about(qtbot: Any) -> None:
    heading = Heading("Result", "compare, measure, save", "Measure.")
    qtbot.addWidget(heading)
    heading.show()
    for width, text in (
        (heading.minimumSizeHint().width(), "▸ Result"),
        (1000, "▸ Result: compare, measure, save"),
        (heading.minimumSizeHint().width(), "▸ Result"),
    ):
        heading.resize(width, heading.height())
        qtbot.waitUntil(lambda text=text: heading.text() == text)
    heading.resize(1000, heading.height())
    heading.click()
    assert heading.text() == "▾ Result"

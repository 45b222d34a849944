"""What is told before the first tile."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from napari_coarse_crf import Progress
from napari_coarse_crf.plugin.jobs.planning import PlanStep, time_in_words, timed

if TYPE_CHECKING:
    from collections.abc import Generator


def test_each_stage_is_told_with_its_own_time() -> None:
    def steps() -> Generator[Progress, None, str]:
        for step in (0, 2, 2, 3):
            yield Progress("reading", step, 4)
        yield Progress("paths", 0, 10)
        yield Progress("paths", 5, 10)
        return "plan"

    seconds = iter([100.0, 110.0, 114.0, 120.0, 121.0, 122.0])
    taken: list[PlanStep] = []
    returned: list[str] = []

    def take() -> Generator[Progress, None, None]:
        returned.append((yield from timed(steps(), lambda: next(seconds))))

    taken.extend(cast("PlanStep", one) for one in take())
    assert returned == ["plan"]
    assert [one.seconds_left for one in taken] == pytest.approx([None, 10, 6, 20 / 3, None, 1])
    assert [(one.step, one.total) for one in taken[:2]] == [(0, 4), (2, 4)]


def test_to_stop_listening_stops_the_work() -> None:
    closed = []

    def steps() -> Generator[Progress, None, None]:
        try:
            yield Progress("reading", 0, 4)
        finally:
            closed.append(True)

    told = timed(steps())
    next(told)
    told.close()
    assert closed


def test_what_is_done_is_said_with_the_time_left() -> None:
    assert PlanStep("labels", 0, 36).sentence == "Preparing, 1 of 4: reading your labels, 0 of 36."
    assert PlanStep("paths", 12, 71, None, 200.0).sentence == (
        "Preparing, 4 of 4: finding paths from your strokes, tile by tile, 12 of 71, about 3 min left."
    )
    assert PlanStep("copying your labels", 3, 9).sentence == "Preparing: copying your labels, 3 of 9."


@pytest.mark.parametrize(("seconds", "words"), [(0.2, "1 s"), (42.3, "42 s"), (90, "2 min"), (4000, "1 h 7 min")])
def test_times_are_told_as_a_person_tells_them(seconds: float, words: str) -> None:
    assert time_in_words(seconds) == words

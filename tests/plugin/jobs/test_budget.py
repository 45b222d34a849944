"""How large a quick look may be: the arithmetic of `LookBudget`."""

from __future__ import annotations

import pytest

from napari_coarse_crf.plugin.jobs.budget import FIRST_PIXELS, TARGET_SECONDS, LookBudget

SHAPE = (512, 512)


def look(budget: LookBudget, *times: float, shape: tuple[int, ...] = SHAPE) -> int:
    """Take looks that take so many times the target, one after the other; return the step of the next."""
    for one in times:
        budget.note_look(shape, budget.step(shape), one * TARGET_SECONDS)
    return budget.step(shape)


def test_the_first_look_is_of_a_size_that_most_machines_do_in_time() -> None:
    budget = LookBudget()
    assert budget.pixels == FIRST_PIXELS
    assert budget.step(SHAPE) == 2


def test_one_slow_look_is_a_hiccup() -> None:
    assert look(LookBudget(), 0.9, 3, 0.9, 3, 0.9) == 2


def test_looks_that_are_slow_again_are_made_smaller() -> None:
    assert look(LookBudget(), 2, 2) == 3


def test_a_look_that_takes_far_too_long_is_the_last_of_its_size() -> None:
    assert look(LookBudget(), 16) == 8


def test_the_step_recovers_after_a_hiccup() -> None:
    budget = LookBudget()
    assert look(budget, 200) == 8
    assert look(budget, *[0.2] * 3) == 4
    assert look(budget, *[0.2] * 3) == 2


def test_a_look_grows_only_where_the_larger_one_would_be_on_time() -> None:
    budget = LookBudget()
    assert look(budget, 2, 2) == 3
    assert look(budget, *[0.9] * 20) == 3
    assert look(budget, *[0.4] * 3) == 2


def test_a_quick_look_among_slow_ones_makes_none_larger() -> None:
    assert look(LookBudget(), *[0.1, 0.1, 0.9] * 5) == 2


def test_slow_looks_never_fall_below_a_size_that_shows_something() -> None:
    assert look(LookBudget(), *[1e6] * 9) == 8


def test_sizes_do_not_swing_where_time_goes_with_the_pixels() -> None:
    budget = LookBudget()
    steps = []
    for _ in range(40):
        step = budget.step(SHAPE)
        steps.append(step)
        budget.note_look(SHAPE, step, TARGET_SECONDS * 2 / step**2 + 0.04)  # a fifth does not go with the pixels
    assert len(set(steps[10:])) == 1


@pytest.mark.parametrize(("times", "step"), [(1.4, 1), (1.6, 2)])
def test_no_look_is_taken_where_the_full_result_is_about_as_quick(times: float, step: int) -> None:
    budget = LookBudget()
    budget.note_full(SHAPE, times * TARGET_SECONDS)
    assert budget.step(SHAPE) == step


def test_how_quick_the_full_result_of_another_size_was_says_nothing() -> None:
    budget = LookBudget()
    budget.note_full((20, 20), TARGET_SECONDS / 10)
    assert budget.step(SHAPE) == 2
    budget.note_full(SHAPE, TARGET_SECONDS)
    budget.note_full(SHAPE, 9 * TARGET_SECONDS)
    assert budget.step(SHAPE) == 2

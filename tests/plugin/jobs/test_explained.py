"""Errors that nobody foresaw become a sentence; our own pass as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from napari_coarse_crf import CoarseCRFError, InputError
from napari_coarse_crf.plugin.jobs.explained import explained

if TYPE_CHECKING:
    from collections.abc import Generator


def test_an_error_of_ours_passes() -> None:
    ours = InputError("Paint more.")
    with pytest.raises(InputError) as caught, explained("It stopped"):
        raise ours
    assert caught.value is ours


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (RuntimeError("lost"), "It stopped because of an internal error (RuntimeError: lost)."),
        (MemoryError(), "It stopped, as the memory does not suffice."),
    ],
)
def test_another_becomes_the_cause_of_one_in_words(error: Exception, sentence: str) -> None:
    with pytest.raises(CoarseCRFError) as caught, explained("It stopped"):
        raise error
    assert str(caught.value).startswith(sentence)
    assert caught.value.__cause__ is error


def test_a_generator_that_is_closed_is_no_error() -> None:
    def steps() -> Generator[int, None, None]:
        with explained("It stopped"):
            yield 1

    running = steps()
    assert next(running) == 1
    running.close()

"""How time grows with pixels, labels, threads and the labelled share: sizes run in turn, one after the other.

Labels are doubled from 16 to 32, the least flattering step: they are computed in whole vectors of 8, so 19 cost as much
as 24.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from engines import OurEngine
from fields import describe_case, make_field, make_inputs
from rows import FASTER, OF_RIVAL, Row, compare
from speed import KERNELS
from turns import in_turn, timed
from whole import refine

if TYPE_CHECKING:
    from session import Session

_SHARES = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9)
Side = Callable[[], float]


def measure_growth(session: Session) -> Iterator[Row]:
    """Measure four times the pixels, twice the labels, one thread after the other, from 2 % to 90 % labelled."""
    small, large = session.size(1024, 512), session.size(2048, 1024)
    yield from _step(session, "4 x the pixels", (*small, 19), (*large, 19))
    yield from _step(session, "2 x the labels", (*small, 16), (*small, 32))
    yield from _threads(session, small)
    yield from _shares(session, small)


def _step(session: Session, name: str, before: tuple[int, int, int], after: tuple[int, int, int]) -> Iterator[Row]:
    """Compare two cases of (height, width, labels), half labelled: all of refine_labels, and the iterations."""
    for what, side_of in (("refine_labels", _whole_side), ("10 iterations", _iterations_side)):
        (case_before, side_before), (case_after, side_after) = side_of(session, before), side_of(session, after)
        sides = {"before": side_before, "after": side_after}
        times = in_turn(session, f"{name}, {what}", sides, sides.values())
        case = f"{case_before} -> {case_after}"
        yield compare(f"{name}, {what}", case, times["after"], times["before"], rival_name="before", meaning=OF_RIVAL)


def _whole_side(session: Session, size: tuple[int, int, int]) -> tuple[str, Side]:
    image, labels = make_inputs(*size, 0.5)
    return describe_case(labels), timed(partial(refine, image, labels))


def _iterations_side(session: Session, size: tuple[int, int, int]) -> tuple[str, Side]:
    field = make_field(*size, 0.5)
    engine = OurEngine(field)
    return field.case, lambda: engine.run(KERNELS, session.all_threads).iterations


def _threads(session: Session, size: tuple[int, int]) -> Iterator[Row]:
    image, labels = make_inputs(*size, 19, 0.5)
    counts = [1, *(2**n for n in range(1, 10) if 2**n < session.all_threads), session.all_threads]
    sides = {str(count): timed(partial(refine, image, labels, workers=count)) for count in dict.fromkeys(counts)}
    times = in_turn(session, "threads", sides, sides.values())
    for count in list(sides)[1:]:
        name, case = f"{count} threads, refine_labels", describe_case(labels)
        yield compare(name, case, times[count], times["1"], rival_name="one thread", meaning=FASTER)


def _shares(session: Session, size: tuple[int, int]) -> Iterator[Row]:
    inputs = {share: make_inputs(*size, 19, share) for share in _SHARES}
    sides: dict[str, Side] = {
        f"{share:.0%}": timed(partial(refine, image, labels)) for share, (image, labels) in inputs.items()
    }
    times = in_turn(session, "labelled share", sides, sides.values())
    for share, (_, labels) in inputs.items():
        name, case = f"{share:.0%} labelled, refine_labels", describe_case(labels)
        yield compare(name, case, times[f"{share:.0%}"], times["50%"], rival_name="50% labelled", meaning=OF_RIVAL)

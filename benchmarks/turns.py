"""Let several sides do the same work in turn, so that whatever slows the machine down slows all of them."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import numpy as np
    from session import Session

T = TypeVar("T")


@dataclass(frozen=True)
class Turn:
    """One run of an engine.

    Attributes
    ----------
    build : float
        Seconds to build both kernels.
    iterations : float
        Seconds for all iterations, with what an engine does once before and after them.
    each : list of float
        Seconds of each iteration but the first, whose beginning differs between engines.
    labels : (Y, X) int32
        The most probable label 1..L of each pixel.
    """

    build: float
    iterations: float
    each: list[float]
    labels: np.ndarray

    @property
    def whole(self) -> float:
        """Seconds for kernels and iterations."""
        return self.build + self.iterations


def in_turn(
    session: Session,
    what: str,
    sides: Mapping[str, Callable[[], T]],
    warm_ups: Iterable[Callable[[], object]] = (),
) -> dict[str, list[T]]:
    """Call every side `session.pairs` times, one after the other, and return what each returned, in order.

    `warm_ups` run once before: they compile, and touch the memory that the sides will use. Every second round goes
    backwards, so that no side always comes first.
    """
    session.say(f"{what}: warming up")
    for warm_up in warm_ups:
        warm_up()
    results: dict[str, list[T]] = {name: [] for name in sides}
    for pair in range(session.pairs):
        for name in list(sides) if pair % 2 == 0 else reversed(list(sides)):
            session.say(f"{what}: {name}, {pair + 1} of {session.pairs}")
            gc.collect()  # not while something is timed
            results[name].append(sides[name]())
    return results


def seconds(work: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def timed(work: Callable[[], object]) -> Callable[[], float]:
    """Return a side for `in_turn` that returns how long `work` took."""
    return lambda: seconds(work)

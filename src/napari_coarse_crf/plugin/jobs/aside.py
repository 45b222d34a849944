"""Work that cannot be cut into steps, such as reading lazy data, inside a job that must answer a cancel at once.

It runs in a thread of its own. A job that is closed meanwhile leaves it behind: it ends by itself and nobody hears of
it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from napari_coarse_crf import Progress

_TICK: Final = 0.05
"""Seconds between two looks at whether it is done."""

T = TypeVar("T")


def take_aside(work: Callable[[], T], tell: Callable[[], Progress]) -> Generator[Progress, None, T]:
    """Call `work` in a thread of its own and return what it returns.

    Parameters
    ----------
    work : callable
        Must touch nothing that others use, as it may go on after the generator was closed.
    tell : callable
        Called now and then: where the work stands.

    Yields
    ------
    Progress
        What `tell` returns; nothing if the work is done at once.
    """
    pool = ThreadPoolExecutor(1)
    try:
        task = pool.submit(work)
        while wait([task], timeout=_TICK).not_done:
            yield tell()
        return task.result()
    finally:
        pool.shutdown(wait=False)

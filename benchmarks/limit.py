"""How far an iteration is from the memory's speed: bytes that must move, over the copy bandwidth of the same run.

What must move in one iteration, if everything of one pass that is used again comes from the cache:

- once for each free pixel: its L unary potentials, and for each kernel D + 1 vertex numbers and weights;
- for each kernel's M vertices: L values read by the slice, L written by the splat, and for each of the D + 1 directions
  of the blur L read and written, and at least one number that says where the next vertex is.

All are 4 bytes. Labels count as they are, not padded to whole vectors. Copy bandwidth counts bytes read and bytes
written by `numpy.copyto` of arrays far larger than the caches.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from engines import OurEngine
from fields import make_field
from rows import Row, alone, compare
from speed import KERNELS
from turns import in_turn, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from session import Session

_COPIED = 2**28  # bytes; 2**22 in a quick run
_REPEATS = 5
_DIMENSIONS = (5, 2)  # of the appearance and the smoothness kernel


def measure_limit(session: Session) -> Iterator[Row]:
    """Measure an iteration at Cityscapes' size against the time that its bytes need at least."""
    field = make_field(*session.size(2048, 1024), 19, 0.5)
    engine = OurEngine(field)
    case = f"{field.case}, theta {KERNELS.theta_alpha:g}/{KERNELS.theta_beta:g}"
    threads = {"all threads": session.all_threads, "one thread": 1}
    sides = {}
    for name, count in threads.items():
        sides[name] = lambda count=count: float(np.median(engine.run(KERNELS, count).each))
        sides[f"copy, {name}"] = lambda count=count: copy_bandwidth(session, count)
    times = in_turn(session, f"limit, {case}", sides, [sides["all threads"]])
    moved = bytes_of_iteration(engine.free_pixels, field.n_labels, engine.vertices)
    yield alone("bytes an iteration must move", case, [moved / 1e6], unit="MB")
    for name in threads:
        bandwidths = times[f"copy, {name}"]
        yield alone(f"copy bandwidth, {name}", "numpy.copyto", [b / 1e9 for b in bandwidths], unit="GB/s")
        limits = [moved / bandwidth for bandwidth in bandwidths]
        yield compare(
            f"one iteration, {name}", case, times[name], limits, rival_name="its limit", meaning="x the limit"
        )


def bytes_of_iteration(free_pixels: int, n_labels: int, vertices: list[int]) -> int:
    """Return the bytes that one iteration must move."""
    words = free_pixels * n_labels
    for dimensions, m in zip(_DIMENSIONS, vertices, strict=True):
        words += free_pixels * 2 * (dimensions + 1)
        words += m * n_labels * 2 + (dimensions + 1) * m * (2 * n_labels + 1)
    return 4 * words


def copy_bandwidth(session: Session, workers: int) -> float:
    """Return the bytes per second, read and written, that so many threads copy; the best of some tries."""
    source = np.ones((2**22 if session.quick else _COPIED) // 4, np.float32)
    target = np.zeros_like(source)
    parts = list(zip(np.array_split(target, workers), np.array_split(source, workers), strict=True))

    with ThreadPoolExecutor(workers) as pool:
        best = min(seconds(lambda: list(pool.map(lambda part: np.copyto(*part), parts))) for _ in range(_REPEATS))
    return 2 * source.nbytes / best

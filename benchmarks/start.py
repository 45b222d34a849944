"""What a person waits for once: importing, compiling at the very first use, loading what was compiled at later ones.

Every figure comes from new processes. The first use is timed with an empty cache folder and on a tiny image, whose own
time, taken again in the same process, is subtracted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rows import Row, alone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from session import Session

_PROGRAM = """
import json, time, warnings
warnings.simplefilter("ignore")
start = time.perf_counter()
import napari_coarse_crf
imported = time.perf_counter()
from napari_coarse_crf import refine_labels
loaded = time.perf_counter()
import numpy as np
image = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
labels = np.zeros((24, 32), np.uint8)
labels[4:8, 4:8], labels[16:20, 16:20] = 1, 2
moments = [time.perf_counter()]
for _ in range(2):
    refine_labels(image, labels)
    moments.append(time.perf_counter())
first, second = moments[1] - moments[0], moments[2] - moments[1]
print(json.dumps({"import": imported - start, "load": loaded - start, "prepare": first - second}))
"""


def measure_start(session: Session) -> Iterator[Row]:
    """Measure import, first compile and start from the cache; a quick run compiles nothing, as that is never quick."""
    cold, warm = [], []
    for pair in range(session.pairs):
        session.say(f"start: {pair + 1} of {session.pairs}")
        if session.quick:
            warm.append(_start_process())
            continue
        with TemporaryDirectory() as cache:
            cold.append(_start_process(NUMBA_CACHE_DIR=cache))
            warm.append(_start_process(NUMBA_CACHE_DIR=cache))
    yield alone("import of the package", "import napari_coarse_crf", [times["import"] for times in warm])
    yield alone("import of refine_labels", "with numba, numpy and scipy", [times["load"] for times in warm])
    if cold:
        yield alone("first compile", "empty cache, default parameters", [times["prepare"] for times in cold])
    yield alone("start from the cache", "default parameters", [times["prepare"] for times in warm])


def _start_process(**environment: str) -> dict[str, float]:
    answer = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )
    times: dict[str, float] = json.loads(answer.stdout)
    return times

#!/usr/bin/env python
"""Store what pydensecrf answers, for machines where it does not build.

The questions are in `tests/parity.py`. Where pydensecrf is installed, a test compares what is stored with what it says
now, so run this again after changing a question:

    python scripts/store_pydensecrf_answers.py    # rewrites tests/data/pydensecrf_answers.npz
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.parity import ANSWERS, STORED_CASES, reference, store

if __name__ == "__main__":
    store({case.name: reference(case) for case in STORED_CASES})
    print(f"Stored {len(STORED_CASES)} answers in {ANSWERS} ({ANSWERS.stat().st_size / 1000:.0f} kB).")

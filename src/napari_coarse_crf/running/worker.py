"""What a process of our own cluster does before its first task: dask calls `dask_setup` by its name."""

from __future__ import annotations

import signal
from typing import Any


def dask_setup(worker: Any) -> None:
    """Do not hear Ctrl-C, which a terminal sends to all: the process that hears it ends this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

"""The command line on a terminal, as a person has it: only there does the progress bar move."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Sequence


def stop_on_a_terminal(command: Sequence[object], when: Callable[[bytes], bool], number: signal.Signals) -> int:
    """Start a process on a terminal of its own, send it a signal when it has shown enough, and return how it ended."""
    import pty  # Windows has none

    terminal, theirs = pty.openpty()
    started = subprocess.Popen([str(part) for part in command], stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = b""
    while not when(seen):
        seen += os.read(terminal, 4096)
    started.send_signal(number)
    while _read(terminal):
        pass
    os.close(terminal)
    return started.wait(timeout=60)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux's way to say that the other side is closed
        return b""

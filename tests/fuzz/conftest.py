"""One line of what was tried."""

from __future__ import annotations

from typing import Any

from tests.fuzz.effort import CAME, EXAMPLES


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if CAME:
        terminalreporter.write_line(
            f"Fuzz: {EXAMPLES} examples, {CAME.total()} calls: {CAME['right']} gave a result, {CAME['refused']} said "
            "in a sentence why not."
        )

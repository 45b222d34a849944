"""Settings of all tests: the same examples in every run, and pydensecrf's own tests only where it is installed."""

from __future__ import annotations

from importlib.util import find_spec

from hypothesis import settings

HAS_PYDENSECRF = find_spec("pydensecrf") is not None

# Its stored answers are compared everywhere, in test_crf.py.
collect_ignore = [] if HAS_PYDENSECRF else ["test_pydensecrf_engine.py"]

settings.register_profile("same every time", derandomize=True, deadline=None)  # no deadline: the first call compiles
settings.load_profile("same every time")


def pytest_report_header() -> str:
    return f"pydensecrf: {'live and stored answers' if HAS_PYDENSECRF else 'stored answers only'}"

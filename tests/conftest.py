"""Settings of all tests: the same examples in every run, and pydensecrf's own tests only where it is installed."""

from __future__ import annotations

import os
import signal
import warnings
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

HAS_PYDENSECRF = find_spec("pydensecrf") is not None

# Its stored answers are compared everywhere, in test_crf.py.
collect_ignore = [] if HAS_PYDENSECRF else ["test_pydensecrf_engine.py"]

settings.register_profile("same every time", derandomize=True, deadline=None)  # no deadline: the first call compiles
settings.load_profile("same every time")

# Without a file: the tests would overwrite the settings of whoever runs them, many times in each.
os.environ["NAPARI_CONFIG"] = ""

# A shell that starts the tests in the background lets them ignore Ctrl-C, and so would every process they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header() -> str:
    return f"pydensecrf: {'live and stored answers' if HAS_PYDENSECRF else 'stored answers only'}"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Iterator[Any]:
    """Run the command line in this process; returns exit code, standard output and standard error."""
    from napari_coarse_crf import cli

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as leaving:
            cli.main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return int(leaving.value.code or 0), printed.out, printed.err

    # `main` owns its process; here it is a guest.
    handler, limit, shown = signal.getsignal(signal.SIGTERM), Image.MAX_IMAGE_PIXELS, warnings.showwarning
    yield run
    warnings.showwarning = shown
    signal.signal(signal.SIGTERM, handler)
    Image.MAX_IMAGE_PIXELS = limit

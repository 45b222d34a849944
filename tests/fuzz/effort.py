"""How many examples are tried, and what came of them.

The test run tries the same 2 000 each time; `make fuzz` tries 50 000 others, at random.
"""

from __future__ import annotations

import faulthandler
import os
import warnings
from collections import Counter
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, settings

from napari_coarse_crf import CoarseCRFError, CoarseCRFWarning

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "2000"))
_AT_RANDOM = "FUZZ_EXAMPLES" in os.environ
_HANGS = 600
"""Seconds after which an example of a few hundred pixels hangs, even on a busy machine that compiles meanwhile."""

CAME: Counter[str] = Counter()
"""How many calls ended how."""


def tries(per_mille: int) -> settings:
    """Return the settings of a property that gets so many of a thousand examples."""
    return settings(
        max_examples=max(1, EXAMPLES * per_mille // 1000),
        derandomize=not _AT_RANDOM,
        deadline=None,
        print_blob=True,  # what failed at random is to be found again
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


class Refused:
    """What a function gives that said a sentence instead."""


REFUSED = Refused()


def answer(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Return what a function gives, or `REFUSED` if it says in a sentence why it cannot; all else is a failure.

    A warning is one, too, unless it is one of ours; and so is a call that does not end.
    """
    faulthandler.dump_traceback_later(_HANGS, exit=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", CoarseCRFWarning)
            given = function(*arguments, **options)
    except CoarseCRFError as error:
        said = str(error)
        assert said.endswith("."), said
        assert len(said) < 1000, said
        CAME["refused"] += 1
        return REFUSED
    finally:
        faulthandler.cancel_dump_traceback_later()
    CAME["right"] += 1
    return given

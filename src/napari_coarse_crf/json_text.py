"""JSON that others wrote, and that may hold anything: read here alone, and refused in words."""

from __future__ import annotations

import json
from typing import Any

from napari_coarse_crf.errors import InputError


def read_json(content: str | bytes) -> Any:
    """Return what a JSON text says.

    Raises
    ------
    InputError
        If it is none, or one that nobody writes who means well: without a full stop, for the sentence that it is put
        into.

    Examples
    --------
    >>> read_json('{"theta_alpha": 80}')
    {'theta_alpha': 80}
    """
    try:
        return json.loads(content)
    except (ValueError, TypeError) as error:  # no JSON, no text, or a number of more than 4300 digits
        is_json = not isinstance(error, json.JSONDecodeError | UnicodeDecodeError | TypeError)
        raise InputError("it holds numbers of thousands of digits" if is_json else str(error)) from error
    except RecursionError as error:
        raise InputError("it holds brackets within brackets without end") from error

"""Links to a script are links to the page that is made of it, so that pages read well in a clone, too."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_LINK = re.compile(r"\]\((?:\.\./)*(tutorials|examples)(?:/(\w+)\.py)?\)")


def _page(link: re.Match[str]) -> str:
    folder, script = link.groups()
    return f"](/generated/{folder}/{script or 'index'})"


def _lead_to_pages(_app: Sphinx, _name: str, source: list[str]) -> None:
    source[0] = _LINK.sub(_page, source[0])


def setup(app: Sphinx) -> dict[str, Any]:
    """Read every page so."""
    app.connect("source-read", _lead_to_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

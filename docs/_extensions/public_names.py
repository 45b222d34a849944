"""What stands between single backticks in a docstring: a link where it is a public name, else code."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.domains.python import PyXRefRole

import napari_coarse_crf
from napari_coarse_crf import plugin, samples

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.util.typing import RoleFunction

PACKAGES = {
    napari_coarse_crf: napari_coarse_crf.__all__,
    plugin: plugin.__all__,
    samples: ["SAMPLE_NAMES", "Sample", "load_sample"],  # it lists none of its own
}
"""What the reference has a page for, by the package it is imported from."""

_HOMES = {name: package for package, names in PACKAGES.items() for name in names}


def full_name(text: str) -> str | None:
    """Return where the reference has what a docstring names; None: nowhere."""
    first, _, member = text.removeprefix("napari_coarse_crf.").partition(".")
    if first not in _HOMES:
        return None
    home = f"{_HOMES[first].__name__}.{first}"
    if not member:
        return home
    found = inspect.getattr_static(getattr(_HOMES[first], first), member, None)
    if found is None:
        return None
    # A plain attribute stands in the list of its class.
    return f"{home}.{member}" if isinstance(found, property) or not inspect.isdatadescriptor(found) else home


def _public(_name: str, rawtext: str, text: str, *where: Any, **more: Any) -> Any:
    target = full_name(text)
    if target is None:
        return [nodes.literal(rawtext, text)], []
    link: RoleFunction = PyXRefRole()
    return link("py:obj", rawtext, f"{text} <{target}>", *where, **more)


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the role, which conf.py makes the default one."""
    app.add_role("public", _public)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

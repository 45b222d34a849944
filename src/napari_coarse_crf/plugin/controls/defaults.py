"""Where the sliders stand when the widget opens: what Preferences say, where napari keeps settings for plugins.

The manifest declares a setting for every parameter. `settings_schema` makes those declarations from
`Parameters.describe()`, and a test compares them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from napari_coarse_crf import ParameterError, Parameters

if TYPE_CHECKING:
    from napari_coarse_crf.parameters import Description

PLUGIN: Final = "napari-coarse-crf"
CATEGORY: Final = "parameters"


def read_defaults() -> Parameters:
    """Return the parameters that Preferences hold, or the preset "auto" where napari has no settings for plugins."""
    usual = Parameters.preset("auto")
    try:
        from napari.settings import get_plugin_settings  # since napari 0.9
    except ImportError:
        return usual
    try:
        settings = getattr(get_plugin_settings(PLUGIN), CATEGORY)
        return Parameters.from_dict({name: getattr(settings, name) for name in Parameters.describe()})
    except (AttributeError, KeyError, ParameterError):
        # A plugin that is not registered has no settings, and a file edited by hand may hold anything.
        return usual


def settings_schema() -> dict[str, dict[str, Any]]:
    """Return what the manifest must declare under `configurations`, by the name of the parameter.

    Examples
    --------
    >>> settings_schema()["iterations"]["minimum"]
    1
    """
    defaults = Parameters.preset("auto").to_dict()
    return {name: _property(described, defaults[name]) for name, described in Parameters.describe().items()}


def _property(described: Description, default: Any) -> dict[str, Any]:
    unit = f", {described.unit}" if described.unit else ""
    schema: dict[str, Any] = {
        "title": f"{described.section.capitalize()}: {described.label}{unit}",
        "description": described.help_text,
        "default": default,
    }
    if described.choices:
        return {"type": "string", **schema, "enum": list(described.choices)}
    kind, number = ("integer", int) if isinstance(default, int) else ("number", float)
    return {"type": kind, **schema, "minimum": number(described.low), "maximum": number(described.high)}

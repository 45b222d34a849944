#!/usr/bin/env python
"""Write the settings that napari shows in its Preferences into the manifest, from the description of the parameters.

python scripts/parameter_settings.py            # rewrites the end of napari.yaml, from "configurations:" on
"""

from __future__ import annotations

import textwrap
from pathlib import Path

import yaml

from napari_coarse_crf.plugin.controls.defaults import CATEGORY, settings_schema

MANIFEST = Path(__file__).parents[1] / "src/napari_coarse_crf/napari.yaml"
BEGIN = "  configurations:  # made by scripts/parameter_settings.py\n"


def with_settings(text: str) -> str:
    """Return the manifest with the settings of today's parameters as its last part."""
    settings = {CATEGORY: {"title": "Where the sliders start", "properties": settings_schema()}}
    written = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True, width=110)
    return text.partition(BEGIN)[0] + BEGIN + textwrap.indent(written, "    ")


def main() -> None:
    """Rewrite napari.yaml."""
    MANIFEST.write_text(with_settings(MANIFEST.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()

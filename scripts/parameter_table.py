#!/usr/bin/env python
"""Write the table of parameters into docs/parameters.md from their one description.

python scripts/parameter_table.py            # rewrites the part between the two markers
"""

from __future__ import annotations

from pathlib import Path

from napari_coarse_crf import Parameters

PAGE = Path(__file__).parents[1] / "docs" / "parameters.md"
BEGIN, END = "<!-- parameters: begin -->\n", "<!-- parameters: end -->"


def parameter_table() -> str:
    """Return the table as Markdown, one row for each field of `Parameters`."""
    rows = ["| in the widget | name | symbol | range | default | what it does |", "|---|---|---|---|---|---|"]
    section = ""
    for name, described in Parameters.describe().items():
        if described.section != section:
            section = described.section
            rows.append(f"| **{section.capitalize()}** | | | | | |")
        default = getattr(Parameters.preset("auto"), name)
        shown = default if described.choices else f"{default:g}"
        span = ", ".join(described.choices) or f"{described.low:g} to {described.high:g} {described.unit}".strip()
        rows.append(f"| {described.label} | `{name}` | {described.symbol} | {span} | {shown} | {described.help_text} |")
    return "\n".join(rows) + "\n"


def with_table(text: str) -> str:
    """Return the text of the page with the table between its markers."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{parameter_table()}\n{END}{after}"


def main() -> None:
    """Rewrite the page."""
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()

#!/usr/bin/env python
"""Write what the benchmarks measured last into docs/speed.md.

make bench                       # or parts of it: python benchmarks/bench.py --only iterations whole
python scripts/speed_table.py    # rewrites the part of docs/speed.md between its markers, from benchmark-output/
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "speed.md"
MEASURED = ROOT / "benchmark-output" / "benchmarks.json"
BEGIN, END = "<!-- speed: begin -->\n", "<!-- speed: end -->"


def speed_table(found: dict[str, Any]) -> str:
    """Return the figures against pydensecrf as Markdown: medians, their ratio, and the machine."""
    machine, pairs = found["machine"], found["settings"]["pairs"]
    lines = ["| what | case | ours | pydensecrf | ratio | from - to |", "|---|---|---|---|---|---|"]
    for row in found["rows"]:
        if (
            row["rival_name"].startswith("pydensecrf")
            and None not in (row["ours"], row["rival"])
            and row["part"] != "grid"
        ):
            figures = [_shown(row["ours"], row["unit"]), _shown(row["rival"], row["unit"])]
            spread = f"{row['low']:.2g} - {row['high']:.2g}"
            lines.append(f"| {row['name']} | {row['case']} | {' | '.join(figures)} | {row['figure']:.2g} | {spread} |")
    told = (
        f"Medians of {pairs} pairs, ours and pydensecrf in turn, on {machine['cores']} cores of an "
        f"{machine['processor']} (Python {machine['Python']}, numba {machine['numba']}, "
        f"pydensecrf2 {machine['pydensecrf2']}). Ratio: how many times faster, for memory and the weight "
        "slider ours as a share of pydensecrf's, and the range over the pairs."
    )
    lines += ["", told]
    return "\n".join(lines) + "\n"


def _shown(value: float, unit: str) -> str:
    if unit == "s":
        return f"{1e3 * value:.0f} ms" if value < 1 else f"{value:.2f} s"
    return f"{value:.0f} {unit}"


def main() -> None:
    """Rewrite the page."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    table = speed_table(json.loads(MEASURED.read_text(encoding="utf-8")))
    PAGE.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()

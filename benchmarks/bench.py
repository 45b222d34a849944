#!/usr/bin/env python
"""Run the benchmarks: Markdown on stdout, JSON into benchmark-output/, what runs now on stderr.

python benchmarks/bench.py                             # everything, on full-size images
python benchmarks/bench.py --only iterations memory    # some parts
python benchmarks/bench.py --quick                     # tiny images, one pair: does the suite work?
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from growth import measure_growth
from interactive import measure_interactive
from large import measure_ids, measure_tiles, measure_volumes
from limit import measure_limit
from memory import measure_memory
from report import write_json, write_markdown
from session import Session, describe_machine
from speed import measure_agreement, measure_grid, measure_iterations, measure_narrow, measure_scribbles
from start import measure_start
from whole import measure_choice, measure_others, measure_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rows import Row

OUTPUT = Path(__file__).parents[1] / "benchmark-output" / "benchmarks.json"

PARTS: dict[str, Callable[[Session], Iterator[Row]]] = {
    "iterations": measure_iterations,
    "theta-50-5": measure_narrow,
    "agreement": measure_agreement,
    "whole": measure_whole,
    "choice": measure_choice,
    "limit": measure_limit,
    "memory": measure_memory,
    "scribbles": measure_scribbles,
    "growth": measure_growth,
    "interactive": measure_interactive,
    "start": measure_start,
    "tiles": measure_tiles,
    "ids": measure_ids,
    "volumes": measure_volumes,
    "others": measure_others,
    "grid": measure_grid,
}
"""In the order in which they run: those on the same field problem one after the other, the longest last."""


def main() -> None:
    """Measure, report after every part, so that a stopped run leaves what it found."""
    options = _read_options()
    session = Session(pairs=1 if options.quick else options.pairs, quick=options.quick)
    machine = describe_machine()
    rows: dict[str, list[Row]] = {}
    with session.progress:
        for name in session.progress.track(options.only or list(PARTS)):
            rows[name] = list(PARTS[name](session))
            write_json(options.json, machine, session, rows)
    print(write_markdown(machine, session, rows))


def _read_options() -> argparse.Namespace:
    parts = "\n".join(f"  {name:12} {part.__doc__}" for name, part in PARTS.items())
    parser = argparse.ArgumentParser(
        description="Measure speed and memory, against pydensecrf and others.",
        epilog=f"parts:\n{parts}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="+", choices=list(PARTS), metavar="PART", help="the parts to run")
    parser.add_argument("--pairs", type=int, default=3, help="how often both sides run in turn (3)")
    parser.add_argument("--quick", action="store_true", help="tiny images, one pair")
    parser.add_argument("--json", type=Path, default=OUTPUT, help="where the JSON goes")
    options = parser.parse_args()
    if options.pairs < 1:
        parser.error("--pairs must be at least 1")
    return options


if __name__ == "__main__":
    main()

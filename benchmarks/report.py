"""The figures as Markdown for people and as JSON for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rows import Row
    from session import Session

_HEADER = "| figure | case | ours | compared with | its figure | ratio | pairs from - to |"
_AIMED = " aim | reached |"


def write_markdown(machine: Mapping[str, object], session: Session, rows: Mapping[str, Sequence[Row]]) -> str:
    """Return the tables of all parts; first, the figures that something was promised for."""
    lines = ["# Benchmarks", "", *(f"- {name}: {value}" for name, value in machine.items())]
    lines += [
        "",
        f"Medians of {session.pairs} pair(s), ours and the other side in turn. All threads: {machine['cores']}.",
    ]
    if session.quick:
        lines += ["", "**A quick run on tiny images: it shows that the suite works, and nothing about speed.**"]
    aimed = [row for part in rows.values() for row in part if row.aim is not None]
    if aimed:
        lines += ["", "## What it must show", "", *_table(aimed, with_aim=True)]
    for part, part_rows in rows.items():
        table = _grid(part_rows) if part == "grid" else _table(part_rows, with_aim=False)
        lines += ["", f"## {part}", "", *table]
    return "\n".join(lines) + "\n"


def write_json(path: Path, machine: Mapping[str, object], session: Session, rows: Mapping[str, Sequence[Row]]) -> None:
    """Write everything that was measured so far."""
    found = {
        "machine": machine,
        "settings": {"pairs": session.pairs, "quick": session.quick},
        "rows": [{"part": part} | row.to_dict() for part, part_rows in rows.items() for row in part_rows],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _grid(rows: Sequence[Row]) -> list[str]:
    """Return one line for each case with how many times faster each thing was; the JSON has the seconds."""
    names = list(dict.fromkeys(row.name for row in rows))
    header = f"| times faster | {' | '.join(name.removeprefix('grid: ') for name in names)} |"
    lines = [header, "|---" * (len(names) + 1) + "|"]
    for case in dict.fromkeys(row.case for row in rows):
        figures = {row.name: _number(row.figure) or "not measured" for row in rows if row.case == case}
        lines.append(f"| {case} | {' | '.join(figures[name] for name in names)} |")
    return lines


def _table(rows: Sequence[Row], *, with_aim: bool) -> list[str]:
    header = _HEADER + (_AIMED if with_aim else "")
    return [header, "|---" * (header.count("|") - 1) + "|", *(_line(row, with_aim=with_aim) for row in rows)]


def _line(row: Row, *, with_aim: bool) -> str:
    ratio, spread = _ratio(row)
    cells = [
        row.name,
        row.case,
        _amount(row.ours, row.unit),
        row.rival_name,
        _amount(row.rival, row.unit),
        ratio,
        spread,
    ]
    if with_aim:
        reached = row.to_dict()["reached"]
        cells += [str(row.aim), {True: "yes", False: "no", None: "not measured"}[reached]]
    return f"| {' | '.join(cells)} |"


def _ratio(row: Row) -> tuple[str, str]:
    """Return the figure with its meaning, and its spread; a note stands in for a missing figure."""
    if row.figure is None:
        return row.note, ""
    if row.rival is None:
        return row.note, f"{_amount(row.low, row.unit)} - {_amount(row.high, row.unit)}"
    return f"{_number(row.figure)} {row.meaning}", f"{_number(row.low)} - {_number(row.high)}"


def _amount(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    if unit == "s" and value < 1:
        return f"{_number(1000 * value)} ms"
    return f"{_number(value)} {unit}".strip()


def _number(value: float | None) -> str:
    """Return three significant digits, all of a larger whole number, and enough to tell a share from 1."""
    if value is None:
        return ""
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.7f}".rstrip("0").rstrip(".") if 0.99 < value < 1 else f"{value:.3g}"

"""The way through the package: every room imports only from those before it, and CONTRIBUTING names them all."""

from __future__ import annotations

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import napari_coarse_crf

PACKAGE = Path(napari_coarse_crf.__file__).parent
NAME = PACKAGE.name

ORDER = (
    *(
        "errors",
        "json_text",
        "similarity",
        "schema",
        "parameters",
        "compute",
        "colours",
        "inputs",
        "problem",
        "unary",
        "elsewhere",
    ),
    *("geodesic", "texture", "logits", "heatmap", "crf", "confidence", "judging"),
    *("pydensecrf_engine", "cleaning", "things", "objects", "memory", "borrowed", "merging", "refinement", "refiner"),
    *("tiles", "refine", "next_place", "io", "running", "evaluation", "samples", "cli", "plugin"),
)
ORDER_IN_PLUGIN = (
    *("layers", "jobs", "controls", "result", "leaving", "sample_data", "setting", "runs", "widget", "series"),
)
FOREIGN = {"napari", "qtpy", "magicgui", "superqt", "PyQt6", "PySide6"}


def modules() -> dict[str, Path]:
    """Return every module by its dotted name below the package; a room's own `__init__` by the name of the room."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(part for part in parts if part != "__init__")] = path
    return found


MODULES = modules()


def imported(path: Path) -> set[str]:
    """Return the dotted names that a file imports anywhere, for types alone too; ours are resolved to modules."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def ours(path: Path) -> set[str]:
    """Return which of our modules a file imports; a public name counts as the module it lives in."""
    found = set()
    for name in imported(path):
        if name.partition(".")[0] != NAME or name == NAME:
            continue
        below = name.removeprefix(f"{NAME}.")
        if below in napari_coarse_crf._HOME:
            below = napari_coarse_crf._HOME[below]
        while below and below not in MODULES:
            below = below.rpartition(".")[0]
        if below:
            found.add(below)
    return found


ARROWS = {name: ours(path) for name, path in MODULES.items() if name not in ("", "plugin")}  # these load lazily


def test_every_module_has_a_place_in_the_order() -> None:
    assert {name.partition(".")[0] for name in ARROWS} == set(ORDER)
    inside = {name.split(".")[1] for name in ARROWS if name.startswith("plugin.")}
    assert inside == set(ORDER_IN_PLUGIN)


@pytest.mark.parametrize("name", sorted(ARROWS))
def test_a_module_imports_nothing_that_comes_after_it(name: str) -> None:
    room = name.partition(".")[0]
    later = set(ORDER[ORDER.index(room) + 1 :])
    assert not {other for other in ARROWS[name] if other.partition(".")[0] in later}
    if room == "plugin":
        within = {other for other in ARROWS[name] if other.startswith("plugin.")}
        later = set(ORDER_IN_PLUGIN[ORDER_IN_PLUGIN.index(name.split(".")[1]) + 1 :])
        assert not {other for other in within if other.split(".")[1] in later}
    else:
        assert "cli" not in ARROWS[name] or room == "cli"


def test_no_modules_import_each_other_in_a_circle() -> None:
    order = list(TopologicalSorter(ARROWS).static_order())  # raises CycleError with the circle
    assert set(ARROWS) <= set(order)


@pytest.mark.parametrize("name", sorted(name for name in ARROWS if not name.startswith("plugin.")))
def test_only_the_plugin_knows_napari_and_qt(name: str) -> None:
    assert not {other.partition(".")[0] for other in imported(MODULES[name])} & FOREIGN


def test_contributing_names_every_room_in_a_line_each() -> None:
    """The map is a code block with one `name  what it is for` a line."""
    text = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    map_of_rooms = text.partition("```map\n")[2].partition("```")[0]
    drawn = re.findall(r"^( *)(\w+)/? +\S.*$", map_of_rooms, re.MULTILINE)
    assert len(drawn) == len(map_of_rooms.splitlines())
    assert tuple(name for indent, name in drawn if not indent) == ORDER
    assert tuple(name for indent, name in drawn if indent) == ORDER_IN_PLUGIN


def test_the_tests_mirror_the_rooms() -> None:
    """A folder of tests is a room, but for what is passed to all of them; and a test of one module has its name."""
    tests = Path(__file__).parent
    for path in tests.rglob("test_*.py"):
        folder = path.parent.relative_to(tests)
        assert (PACKAGE / folder).is_dir() or folder.name == "fuzz", path

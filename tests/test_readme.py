"""What README and pages say is true: tables, scores, links, commands and the version."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import typer

from napari_coarse_crf import cli

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted(path for path in (ROOT / "docs").rglob("*.md") if "generated" not in path.parts)
DOCUMENTS = ["README.md", "CONTRIBUTING.md", *(path.relative_to(ROOT).as_posix() for path in PAGES)]


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))


def blocks(language: str = "") -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.usefixtures("scripts")
def test_the_table_of_parameters_is_the_one_of_the_dataclass() -> None:
    import parameter_table

    page = parameter_table.PAGE.read_text(encoding="utf-8")
    assert parameter_table.with_table(page) == page  # else: python scripts/parameter_table.py


@pytest.mark.usefixtures("scripts")
def test_the_scores_are_those_of_the_demo() -> None:
    import score_table

    def numbers(text: str) -> list[list[float]]:
        return [[float(value) for value in re.findall(r"0\.\d\d", row)] for row in text.splitlines() if "0." in row]

    page = score_table.PAGE.read_text(encoding="utf-8")
    written = page.partition(score_table.BEGIN)[2].partition(score_table.END)[0]
    computed = numbers(score_table.score_table())
    assert len(computed) == 4
    # One in the last place: other processors round differently. Else: python scripts/score_table.py
    assert np.allclose(numbers(written), computed, atol=0.0101)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_that_are_linked_exist(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    assert links or document.startswith("docs/")
    for link in links:
        assert ((ROOT / document).parent / link).exists(), link


def test_the_make_targets_exist() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    named = {target for block in blocks() for target in re.findall(r"^make ([a-z]+)", block, flags=re.MULTILINE)}
    assert {"demo", "test", "napari"} <= named <= set(targets)


@pytest.mark.parametrize(("command", "at_least"), [("refine", 9), ("evaluate", 4), ("objects", 1)])
def test_the_options_in_the_commands_exist(command: str, at_least: int) -> None:
    known = typer.main.get_command(cli.app).commands[command]  # type: ignore[attr-defined]  # a group
    options = {option for parameter in known.params for option in parameter.opts} | {"--help"}
    text = README + "".join(page.read_text(encoding="utf-8") for page in PAGES)
    lines = re.findall(rf"^napari-coarse-crf {command} .*$", text, flags=re.MULTILINE)
    assert len(lines) >= at_least
    for line in lines:
        assert set(re.findall(r"(?<=\s)--?[a-z][a-z-]*", line)) <= options, line


def test_the_changelog_starts_with_what_is_unreleased() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert headings[0] == "Unreleased"


@pytest.mark.skipif(sys.platform == "win32", reason="git on Windows writes a link as a small text file")
def test_the_manifest_on_top_is_the_one_in_the_package() -> None:
    assert (ROOT / "napari.yaml").resolve() == ROOT / "src" / "napari_coarse_crf" / "napari.yaml"

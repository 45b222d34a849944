"""What is released says the same everywhere, and can be read away from this repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "scripts"))

import release  # noqa: E402
import whereabouts  # noqa: E402

README = (ROOT / "README.md").read_text(encoding="utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
CITATION = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

READ_BY_A_BUILD = [
    *("pyproject.toml", "README.md", "LICENSE", ".gitattributes", ".git_archival.txt"),
    "scripts/whereabouts.py",
]
FORGE = {"GITHUB_SERVER_URL": "https://forge.example", "GITHUB_REPOSITORY": "owner/name", "GITHUB_SHA": "abc"}
BEFORE = "# Changelog\n\n## Unreleased\n\n### Added\n\n- A thing.\n\n## 0.1.0 (2026-01-02)\n\n- The first.\n"


def test_the_citation_is_that_of_the_newest_release() -> None:
    newest = release.HEADING.search(CHANGELOG)
    if newest is None:  # there is none yet
        assert not re.search(r"^(version|date-released):", CITATION, flags=re.MULTILINE)
    else:
        assert release.with_version(CITATION, newest[1], newest[2]) == CITATION


def test_a_release_gets_a_heading_and_is_cited() -> None:
    changelog = release.with_heading(BEFORE, "0.2.0", "2026-03-04")
    assert release.section(changelog, release.UNRELEASED) == ""
    citation = release.with_version(release.with_version(CITATION, "0.1.0", "2026-01-02"), "0.2.0", "2026-03-04")
    assert "\nversion: 0.2.0\ndate-released: 2026-03-04\n" in citation
    assert citation.count("\nversion:") == 1
    assert release.check("v0.2.0", changelog, citation) == "### Added\n\n- A thing."


@pytest.mark.parametrize(
    ("version", "changelog", "sentence"),
    [
        ("v0.2.0", BEFORE, "is no version"),
        ("0.2", BEFORE, "is no version"),
        ("0.1.0", BEFORE, "has a section 0.1.0 already"),
        ("0.2.0", BEFORE.replace("### Added\n\n- A thing.\n", ""), "says nothing under Unreleased"),
    ],
)
def test_what_cannot_be_a_release_is_refused(version: str, changelog: str, sentence: str) -> None:
    with pytest.raises(SystemExit, match=sentence):
        release.with_heading(changelog, version, "2026-03-04")


def test_a_tag_that_the_files_do_not_know_is_refused() -> None:
    cited = release.with_version(CITATION, "0.1.0", "2026-01-02")
    assert release.check("v0.1.0", BEFORE, cited) == "- The first."
    with pytest.raises(SystemExit, match=r"in CHANGELOG\.md is 0\.1\.0, not v0\.2\.0"):
        release.check("v0.2.0", BEFORE, cited)
    with pytest.raises(SystemExit, match=r"CITATION\.cff does not cite 0\.1\.0 of 2026-01-02"):
        release.check("v0.1.0", BEFORE, CITATION)


def test_links_and_pictures_of_the_readme_are_found_from_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in FORGE.items():
        monkeypatch.setenv(name, value)
    metadata: dict[str, Any] = {}
    whereabouts.Whereabouts(str(ROOT), {}).update(metadata)
    text = metadata["readme"]["text"]
    links = re.findall(r"\]\(([^)]+)\)|(?:src|href)=\"([^\"]+)\"", text)
    assert len(links) > 5
    assert all("://" in (link or attribute) or link.startswith("#") for link, attribute in links)
    assert "](https://forge.example/owner/name/raw/abc/docs/images/" in text
    assert all(address.startswith("https://forge.example/owner/name") for address in metadata["urls"].values())


def test_where_no_forge_builds_the_readme_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    metadata: dict[str, Any] = {}
    whereabouts.Whereabouts(str(ROOT), {}).update(metadata)
    assert metadata == {"readme": {"content-type": "text/markdown", "text": README}}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_hash_with_their_version_beside_it(path: Path) -> None:
    used = re.findall(r"uses: +(.*)", path.read_text(encoding="utf-8"))
    assert used
    for action in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}  # v\d+(\.\d+)+", action), action


def test_the_version_is_that_of_the_tag_also_in_an_archive(tmp_path: Path) -> None:
    """And there is one where there is neither a tag nor git."""
    clone, archive = tmp_path / "clone", tmp_path / "archive"
    for name in READ_BY_A_BUILD:
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, clone / name)
    assert version_in(clone) == "0.0"
    git(clone, "init", "--quiet")
    git(clone, "add", ".")
    git(clone, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--message", "All")
    assert re.fullmatch(r"0\.1\.dev1\+g[0-9a-f]+", version_in(clone))
    git(clone, "tag", "v3.2.1")
    assert version_in(clone) == "3.2.1"
    archive.mkdir()
    git(clone, "archive", "--output", "all.tar", "v3.2.1")
    shutil.unpack_archive(clone / "all.tar", archive, filter="data")
    assert version_in(archive) == "3.2.1"


def version_in(folder: Path) -> str:
    return printed(sys.executable, "-m", "hatchling", "version", cwd=folder).strip()


def git(folder: Path, *arguments: str) -> None:
    printed("git", *arguments, cwd=folder)


def printed(*command: str, cwd: Path) -> str:
    # git looks for a repository in the folders above, too, and in what a hook is told.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment["GIT_CEILING_DIRECTORIES"] = str(cwd.parent)
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout

"""What a release says of itself in files: the heading in CHANGELOG.md, version and date in CITATION.cff.

python scripts/release.py 0.2.0            writes them, for the commit that is tagged v0.2.0
python scripts/release.py --check v0.2.0   whether they say so; prints what has changed, for the notes of the release
"""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
CHANGELOG, CITATION = ROOT / "CHANGELOG.md", ROOT / "CITATION.cff"

NUMBER = re.compile(r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?")
UNRELEASED = "## Unreleased\n"
HEADING = re.compile(rf"^## ({NUMBER.pattern}) \((\d{{4}}-\d\d-\d\d)\)\n", flags=re.MULTILINE)


def main() -> None:
    """Write, or check."""
    match sys.argv[1:]:
        case ["--check", tag]:
            print(check(tag, CHANGELOG.read_text(encoding="utf-8"), CITATION.read_text(encoding="utf-8")))
        case [version]:
            date = f"{datetime.now(UTC):%Y-%m-%d}"
            changelog = with_heading(CHANGELOG.read_text(encoding="utf-8"), version, date)
            citation = with_version(CITATION.read_text(encoding="utf-8"), version, date)
            CHANGELOG.write_text(changelog, encoding="utf-8")
            CITATION.write_text(citation, encoding="utf-8")
            print(f"Look at both (git diff), commit them, and tag the commit: git tag --annotate v{version}")
        case _:
            sys.exit(__doc__)


def with_heading(changelog: str, version: str, date: str) -> str:
    """Return a changelog in which what was unreleased is of a version."""
    if not NUMBER.fullmatch(version):
        sys.exit(f"{version} is no version. Give three numbers, such as 0.2.0 or 0.2.0rc1, without a v.")
    if any(found[1] == version for found in HEADING.finditer(changelog)):
        sys.exit(f"CHANGELOG.md has a section {version} already. Choose the next version.")
    if not section(changelog, UNRELEASED):
        sys.exit("CHANGELOG.md says nothing under Unreleased. Say what has changed, or release nothing.")
    return changelog.replace(UNRELEASED, f"{UNRELEASED}\n## {version} ({date})\n", 1)


def with_version(citation: str, version: str, date: str) -> str:
    """Return a citation of a version."""
    lines = [line for line in citation.splitlines() if not line.startswith(("version:", "date-released:"))]
    after = lines.index("type: software") + 1
    lines[after:after] = [f"version: {version}", f"date-released: {date}"]
    return "\n".join(lines) + "\n"


def check(tag: str, changelog: str, citation: str) -> str:
    """Return the newest section of the changelog; leave with a sentence if it is not the tag's, or not cited."""
    newest = HEADING.search(changelog)
    if newest is None or tag != f"v{newest[1]}":
        said = "none" if newest is None else newest[1]
        sys.exit(f"The newest release in CHANGELOG.md is {said}, not {tag}. Run scripts/release.py before you tag.")
    if citation != with_version(citation, newest[1], newest[2]):
        sys.exit(f"CITATION.cff does not cite {newest[1]} of {newest[2]}. Run scripts/release.py before you tag.")
    return section(changelog, newest[0])


def section(changelog: str, heading: str) -> str:
    """Return what stands under a heading."""
    below = changelog.partition(heading)[2]
    return re.split(r"^## ", below, maxsplit=1, flags=re.MULTILINE)[0].strip()


if __name__ == "__main__":
    main()

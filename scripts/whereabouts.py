"""Where the project lives, said in what is published of it: its links, and those of the README, relative here.

A build on a forge knows its own address, so neither this repository nor a fork of it names one. Elsewhere there is none
to say, and the README stays as it is. hatchling runs this whenever it makes metadata.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK = re.compile(r"(?P<is_image>!?)\[(?P<text>[^\]]*)\]\((?P<path>[^)#:]+)(?P<anchor>#[^)]*)?\)")


class Whereabouts(MetadataHookInterface):
    """Fills in what pyproject.toml calls dynamic, but for the version."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the README and the links."""
        readme = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        home = home_of(os.environ)
        if home:
            readme = with_absolute_links(readme, home, os.environ["GITHUB_SHA"])
            metadata["urls"] = links_of(home)
        metadata["readme"] = {"content-type": "text/markdown", "text": readme}


def home_of(environment: Any) -> str:
    """Return the address of the repository that is built on its forge; "" elsewhere."""
    server, name = environment.get("GITHUB_SERVER_URL", ""), environment.get("GITHUB_REPOSITORY", "")
    return f"{server}/{name}" if server and name and environment.get("GITHUB_SHA") else ""


def links_of(home: str) -> dict[str, str]:
    """Return the links that a package index shows."""
    return {
        "Source": home,
        "Issues": f"{home}/issues",
        "Changelog": f"{home}/blob/main/CHANGELOG.md",
        "Documentation": f"{home}/tree/main/docs",
    }


def with_absolute_links(text: str, home: str, commit: str) -> str:
    """Return a README whose pictures and links are those of a commit, wherever it is read."""

    def absolute(found: re.Match[str]) -> str:
        kind = "raw" if found["is_image"] else "blob"
        address = f"{home}/{kind}/{commit}/{found['path']}{found['anchor'] or ''}"
        return f"{found['is_image']}[{found['text']}]({address})"

    return LINK.sub(absolute, text)

"""Kernels work wherever they are installed; what was compiled is kept where that can be."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

KERNEL = """
from napari_coarse_crf.compute.compiling import compiled

@compiled
def double(value):
    return 2 * value
"""

NOWHERE = "from numba.core import caching; caching.CacheImpl._locator_classes = []\n"
ONLY_WHERE_IT_IS_TOLD = (
    "from numba.core import caching; caching.CacheImpl._locator_classes = caching.CacheImpl._locator_classes[:1]\n"
)
FULL = """
import errno
from numba.core import caching

def refuse(*_):
    raise OSError(errno.ENOSPC, "No space left on device")

caching.IndexDataCacheFile.save = refuse
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "kernels.py").write_text(KERNEL)
    (tmp_path / "temporary").mkdir()
    return tmp_path


def double(folder: Path, before: str = "") -> tuple[int, str]:
    """Call the kernel in a process of its own; returns how often it was found on disk, and what was said."""
    script = f"{before}import kernels; print(kernels.double(21), sum(kernels.double.stats.cache_hits.values()))"
    environment = {**os.environ, "TMPDIR": str(folder / "temporary"), "TEMP": str(folder / "temporary")}
    environment.pop("NUMBA_CACHE_DIR", None)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    result, hits = done.stdout.split()
    assert result == "42"
    return int(hits), done.stderr


def test_what_was_compiled_is_found_by_the_next_process(folder: Path) -> None:
    assert double(folder) == (0, "")
    assert double(folder) == (1, "")
    assert not list((folder / "temporary").iterdir())


def test_where_numba_finds_no_place_the_temporary_files_have_one(folder: Path) -> None:
    assert double(folder, ONLY_WHERE_IT_IS_TOLD) == (0, "")
    assert double(folder, ONLY_WHERE_IT_IS_TOLD) == (1, "")
    (place,) = (folder / "temporary").iterdir()
    if hasattr(os, "getuid"):
        assert place.stat().st_mode & 0o077 == 0


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="on Windows, everybody has temporary files of their own")
@pytest.mark.parametrize("trap", ["a link", "open to all", "a file"])
def test_a_folder_that_others_may_write_to_is_not_used(folder: Path, trap: str) -> None:
    place = folder / "temporary" / f"napari-coarse-crf-{os.getuid()}"
    if trap == "a link":
        (folder / "elsewhere").mkdir()
        place.symlink_to(folder / "elsewhere")
    elif trap == "open to all":
        place.mkdir()
        place.chmod(0o777)
    else:
        place.touch()
    for _ in range(2):
        assert double(folder, ONLY_WHERE_IT_IS_TOLD) == (0, "")


def test_without_any_place_it_is_compiled_each_time(folder: Path) -> None:
    for _ in range(2):
        assert double(folder, NOWHERE) == (0, "")


def test_a_full_disk_is_said_once_and_costs_nothing_else(folder: Path) -> None:
    hits, said = double(folder, FULL)
    assert hits == 0
    assert said.count("cannot be kept") == 1
    assert "No space left on device" in said
    assert double(folder) == (0, "")
    assert double(folder) == (1, "")


@pytest.mark.parametrize(("ending", "kept_bytes"), [(".nbi", 0), (".nbi", 40), (".nbc", 40)])
def test_damaged_files_are_compiled_anew_and_replaced(folder: Path, ending: str, kept_bytes: int) -> None:
    double(folder)
    for path in (folder / "__pycache__").glob(f"*{ending}"):
        path.write_bytes(path.read_bytes()[:kept_bytes])
    assert double(folder) == (0, "")
    assert double(folder) == (1, "")

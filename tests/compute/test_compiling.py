"""Kernels work wherever they are installed; what was compiled is kept where that can be."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from napari_coarse_crf.compute.compiling import _Cache

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

caching.IndexDataCacheFile._save_data = refuse
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


@pytest.mark.parametrize("order", sorted(set(permutations("aabb"))), ids="".join)
def test_who_compiles_at_the_same_time_leaves_no_code_under_other_arguments(
    folder: Path, monkeypatch: pytest.MonkeyPatch, order: tuple[str, ...]
) -> None:
    """Two workers find nothing kept, and put their index and their code in place in any order."""
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "kernels", raising=False)
    import kernels  # type: ignore[import-not-found]

    turns, replace, turn = list(order), os.replace, threading.Condition()

    def in_turn(*paths: str) -> None:
        with turn:
            assert turn.wait_for(lambda: turns[0] == threading.current_thread().name, timeout=60)
            replace(*paths)
            turns.pop(0)
            turn.notify_all()

    def files() -> Any:
        return _Cache(kernels.double.py_func)._cache_file

    with monkeypatch.context() as context:
        context.setattr(os, "replace", in_turn)
        workers = [threading.Thread(target=files().save, args=(f"key of {name}", name), name=name) for name in "ab"]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert turns == []
    kept = [files().load(f"key of {name}") for name in "ab"]
    assert kept in (["a", "b"], ["a", None], [None, "b"])


@pytest.mark.parametrize("change", ["a kernel", "a number"])
def test_what_is_compiled_into_a_kernel_counts_as_its_source(folder: Path, change: str) -> None:
    used = KERNEL.replace("double", "more").replace("2 * value", "value + {}") + "STEP = {}\n"
    (folder / "used.py").write_text(used.format(1, 20))
    (folder / "kernels.py").write_text(
        "from used import STEP, more\n" + KERNEL.replace("2 * value", "more(value) + STEP")
    )
    assert double(folder) == (0, "")
    assert double(folder) == (1, "")
    (folder / "used.py").write_text(used.format(*((11, 10) if change == "a kernel" else (2, 19))))
    assert double(folder) == (0, "")


def test_code_of_an_older_source_is_removed(folder: Path) -> None:
    double(folder)
    (kept,) = (folder / "__pycache__").glob("*.nbc")
    (folder / "kernels.py").write_text(KERNEL + "# changed\n")
    double(folder)
    (kept_now,) = (folder / "__pycache__").glob("*.nbc")
    assert kept_now.name != kept.name

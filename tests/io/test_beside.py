"""What killed processes leave beside files is cleared by whoever comes next, and nothing else is."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from napari_coarse_crf.io import files
from napari_coarse_crf.io.beside import clear_left, name_beside

if TYPE_CHECKING:
    from pathlib import Path

KILLED = """
import os, sys
from pathlib import Path
from napari_coarse_crf.io import files
left = int(sys.argv[1])
def crash(event, _):
    global left
    left -= event in ('os.link', 'os.rename')
    if not left: os._exit(9)
sys.addaudithook(crash)
if sys.argv[2] == 'without links':
    def refuse(*_): raise PermissionError
    os.link = refuse
files.write_files({Path(path): b'new' for path in sys.argv[3:]})
"""


@pytest.mark.parametrize("links", ["with links", "without links"])
@pytest.mark.parametrize("moment", range(1, 5))
def test_what_a_killed_process_leaves_is_cleared_before_the_next_is_written(
    tmp_path: Path, links: str, moment: int
) -> None:
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for path in paths:
        path.write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", KILLED, str(moment), links, *map(str, paths)], check=False)
    assert done.returncode == 9
    assert len(list(tmp_path.iterdir())) > 2
    files.check_free(tmp_path / "c.png", overwrite=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]
    assert {path.read_bytes() for path in paths} <= {b"old", b"new"}


def test_what_is_still_written_or_was_never_ours_stays(tmp_path: Path) -> None:
    ours, ended = name_beside(tmp_path / "a.png"), subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    elsewhere = ours.with_name(".a.png.ffffff-1-00000000.part")
    old_elsewhere = elsewhere.with_suffix(".old")
    yesterday = ours.with_name(".a.png.ffffff-1-11111111.part")
    theirs = [tmp_path / name for name in ("a.png.part", ".a.png.part", ".hidden", ".a.old", "movie.12345678.part")]
    gone = ours.with_name(ours.name.replace(f"-{os.getpid()}-", f"-{ended.pid}-"))
    for path in (ours, elsewhere, old_elsewhere, yesterday, gone, *theirs):
        path.touch()
    long_ago = time.time() - 2 * 24 * 3600
    for path in (yesterday, old_elsewhere):
        os.utime(path, (long_ago, long_ago))
    clear_left(tmp_path)
    assert set(tmp_path.iterdir()) == {ours, elsewhere, old_elsewhere, *theirs}


def test_a_folder_that_is_made_again_is_cleared_too(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = name_beside(tmp_path / "a.png")
    left.with_name(left.name.replace(f"-{os.getpid()}-", f"-{ended.pid}-")).touch()
    files.make_folder(tmp_path)
    assert list(tmp_path.iterdir()) == []
    clear_left(tmp_path / "none")

"""Kill commands with -9 at random moments, and look at what they leave: the old or the new, and nothing in the way.

python -m tests.cli.killing 100          # so many kills in all; prints what was found
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from napari_coarse_crf import warm_up
from napari_coarse_crf.samples import load_sample

if TYPE_CHECKING:
    from collections.abc import Sequence

OLD = b"what was there before"
_SIDE = 160  # pixels
_IN_A_ROW = 4  # kills, before a run may come to its end
_BEYOND = 1.25  # of the time that a run took: another may take longer, and its end is when files are written
_QUICK = ("--iterations", "2", "--theta-alpha", "20")


@dataclass(frozen=True, slots=True)
class Victim:
    """A command that is killed.

    Attributes
    ----------
    arguments : sequence of str
        Of the command line, in a folder with `image`, `coarse` and `fine` of `a.png`.
    results : tuple of str
        The files that it writes.
    beside : tuple of str
        What else it leaves once it is done.
    """

    arguments: Sequence[str]
    results: tuple[str, ...]
    beside: tuple[str, ...] = ()


_PAIR = ("image/a.png", "coarse/a.png")
VICTIMS = {
    "refine": Victim(
        ("refine", *_PAIR, "-o", "o.png", "--confidence-out", "c.tif", "--overwrite", *_QUICK), ("o.png", "c.tif")
    ),
    "evaluate": Victim(
        (
            *("evaluate", "--images", "image", "--coarse", "coarse", "--fine", "fine"),
            *("-o", "t.json", "--overwrite", *_QUICK),
        ),
        ("t.json",),
        ("evaluation-scores",),
    ),
    "tiled": Victim(
        (
            *("refine", *_PAIR, "-o", "o.tif", "--confidence-out", "c.tif"),
            *("--tile", "64", "--overwrite", *_QUICK),
        ),
        ("o.tif", "c.tif"),
    ),
}


@dataclass(slots=True)
class Found:
    """What kills came to.

    Attributes
    ----------
    left : Counter of str
        How often all results were old, all new, or some of each.
    wrong : list of str
        A sentence for each thing that is not as it must be.
    """

    left: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def kill_often(victim: Victim, folder: Path, kills: int, seed: int = 0) -> Found:
    """Kill a command so many times, let a run end after every few, and return what was found.

    The moments are chosen from the time that a first run takes; what it uses should be compiled already.
    """
    sample = load_sample("tissue")
    for kind, pixels in (("image", sample.image), ("coarse", sample.coarse), ("fine", sample.fine)):
        (folder / kind).mkdir()
        Image.fromarray(pixels[:_SIDE, :_SIDE]).save(folder / kind / "a.png")
    given = {path.name for path in folder.iterdir()}
    _begin(victim, folder)
    start = time.perf_counter()
    _run(victim, folder)
    took = time.perf_counter() - start
    new = {name: (folder / name).read_bytes() for name in victim.results}
    found, moments = Found(), random.Random(seed)  # no secret
    for number in range(kills):
        if number % _IN_A_ROW == 0:
            _begin(victim, folder)
        _kill(victim, folder, moments.uniform(0, _BEYOND * took))
        _look(victim, folder, new, found)
        if number % _IN_A_ROW == _IN_A_ROW - 1 or number == kills - 1:
            ended = _run(victim, folder)
            if ended:
                found.wrong.append(f"The run after kill {number} said: {ended}")
            if {name: (folder / name).read_bytes() for name in victim.results} != new:
                found.wrong.append(f"The run after kill {number} has another result.")
            left = {path.name for path in folder.iterdir()} - given - {*victim.results, *victim.beside}
            if left:
                found.wrong.append(f"The run after kill {number} leaves {', '.join(sorted(left))}.")
    return found


def _begin(victim: Victim, folder: Path) -> None:
    """Put old results where the new ones will be, and take away what a run could go on with."""
    for name in victim.results:
        (folder / name).write_bytes(OLD)
    for name in victim.beside:
        shutil.rmtree(folder / name, ignore_errors=True)


def _run(victim: Victim, folder: Path) -> str:
    """Let a command end; returns what it says where it fails."""
    done = subprocess.run(_command(victim), cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False)
    return done.stderr[-300:] if done.returncode else ""


def _kill(victim: Victim, folder: Path, after: float) -> None:
    with subprocess.Popen(
        _command(victim), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        time.sleep(after)
        process.kill()


def _look(victim: Victim, folder: Path, new: dict[str, bytes], found: Found) -> None:
    """Note which results are old and which new."""
    kinds = []
    for name in victim.results:
        path = folder / name
        held = path.read_bytes() if path.exists() else None
        kinds.append("old" if held == OLD else "new" if held == new[name] else "broken")
        if kinds[-1] == "broken":
            found.wrong.append(f"{name} is neither old nor new.")
    found.left[kinds[0] if len(set(kinds)) == 1 else "some of each"] += 1


def _command(victim: Victim) -> list[str]:
    return [sys.executable, "-m", "napari_coarse_crf.cli", *victim.arguments]


def main(kills: int) -> int:
    """Kill all commands, print what was found, and return how much was wrong."""
    warm_up()
    count, shares = 0, np.diff(np.linspace(0, kills, len(VICTIMS) + 1).astype(int)).tolist()
    for (name, victim), share in zip(VICTIMS.items(), shares, strict=True):
        with tempfile.TemporaryDirectory() as folder:
            found = kill_often(victim, Path(folder), share)
        print(f"{name}: {share} kills left {dict(found.left)}; wrong: {found.wrong or 'nothing'}", flush=True)
        count += len(found.wrong)
    return count


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100) > 0)

"""Kill napari with -9 while the dock "Annotate a series" saves, and look at what it leaves and the next session finds.

scripts/on-a-display.sh python -m tests.plugin.series.killing 100     # so many kills; prints what was found
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import napari
import numpy as np
from PIL import Image
from qtpy.QtCore import QTimer

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.plugin.series import autosave
from napari_coarse_crf.plugin.series.folder import Folder
from napari_coarse_crf.plugin.series.folder_session import FolderSession

if TYPE_CHECKING:
    from napari.layers import Labels
    from numpy.typing import NDArray

SHAPE: Final = 400, 500
_PAINTS_FOR: Final = 2.0
"""Seconds within which a session that paints is killed."""
_EVERY_MS: Final = 15
_IN_A_ROW: Final = 3  # paintings, before it is waited for a save
_FILES: Final = {"a.tif", "a.coarse-crf.json", "series.json"}


@dataclass(slots=True)
class Found:
    """What kills came to.

    Attributes
    ----------
    left : Counter of str
        How often the labels were those of the last save that had ended, newer ones, or had never been saved; and how
        often a save was under way.
    wrong : list of str
        A sentence for each thing that is not as it must be.
    """

    left: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def kill_often(folder: Path, kills: int, seed: int = 0) -> Found:
    """Kill so many sessions one after the other in one folder, let a last one end, and return what was found."""
    Image.fromarray(np.zeros((*SHAPE, 3), np.uint8)).save(folder / "a.png")
    found, moments, stored = Found(), random.Random(seed), 0  # no secret
    for number in range(kills):
        said = _kill(folder, moments.uniform(0, _PAINTS_FOR))
        stored = _look(folder, f"Kill {number}", stored, said, found)
    _look(folder, "The last session", stored, _end(folder), found)
    left = {path.name for path in (folder / "coarse-labels").iterdir()} - _FILES
    if left:
        found.wrong.append(f"There are {', '.join(sorted(left))} beside what belongs there.")
    return found


def strokes(number: int) -> NDArray[np.int32]:
    """Return labels that say in each pixel which they are; noise between them, so that files are large."""
    return np.random.default_rng(0).integers(0, 200, SHAPE, dtype=np.int32) + number


def _kill(folder: Path, after: float) -> list[str]:
    """Let a session paint for so long, and return what it said until it was killed."""
    with subprocess.Popen(_command(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as session:
        assert session.stdout is not None
        first = session.stdout.readline()
        time.sleep(after)
        session.kill()
        said, problem = session.communicate()
    whole = [line for line in (first, *said.splitlines(keepends=True)) if line.endswith("\n")]  # a kill cuts the last
    return [*whole, *([] if first else [f"failed {problem[-300:]}"])]


def _end(folder: Path) -> list[str]:
    """Let a session paint once, save and end; and return what it said."""
    done = subprocess.run([*_command(folder), "once"], capture_output=True, text=True, check=False)
    return [*done.stdout.splitlines(), *([f"failed {done.stderr[-300:]}"] if done.returncode else [])]


def _look(folder: Path, which: str, before: int, said: list[str], found: Found) -> int:
    """Compare what is stored with what a session said of itself, and return the number of the labels that are."""
    words = [line.split(maxsplit=1) for line in said if line.strip()]
    found.wrong += [f"{which}: {about}" for what, about in words if what in ("failed", "status")]
    numbers = {what: int(about) for what, about in words if what in ("opened", "painted", "stored")}
    if numbers.get("opened", before) != before:
        found.wrong.append(f"{which}: the session opened labels {numbers['opened']}, not {before}.")
    least = numbers.get("stored", before)
    most = numbers.get("painted", before)
    beside = folder / "coarse-labels"
    found.left["amid a save"] += any(path.name.startswith(".") for path in beside.glob(".*"))
    held = _stored(folder)
    if isinstance(held, str):
        found.wrong.append(f"{which}: {held}")
        return before
    if not least <= held <= most:
        found.wrong.append(f"{which}: there are labels {held}, where {least} were stored and {most} painted.")
    found.left["never saved" if held == 0 else "as saved last" if held == least else "newer"] += 1
    return held


def _stored(folder: Path) -> int | str:
    """Return which labels are stored, 0 for none; or a sentence on why that cannot be said."""
    try:
        loaded = Folder(folder).load(0)
    except InputError as error:
        return str(error)
    if loaded.said:
        return " ".join(loaded.said)
    if "coarse" not in loaded.layers:
        return 0
    numbers = np.unique(loaded.layers["coarse"][0] - strokes(0))
    return int(numbers[0]) if len(numbers) == 1 else f"the labels are of {len(numbers)} paintings."


def _command(folder: Path) -> list[str]:
    return [sys.executable, "-m", "tests.plugin.series.killing", "session", str(folder)]


class Painter:
    """Somebody who paints over everything again and again, in napari with the dock.

    Prints which labels were there when the folder had opened, which are painted, before they are, which are stored, and
    what the dock has to say that it does not always say.
    """

    def __init__(self, folder: Path, *, once: bool) -> None:
        autosave._REST, autosave._SOON_MS = 0, 1  # type: ignore[misc]  # it saves nearly all the time
        self._viewer = napari.Viewer()
        _, self._widget = self._viewer.window.add_plugin_dock_widget("napari-coarse-crf", "Annotate a series")
        self._widget.open_folder(folder)
        self._once, self._began, self._number = once, False, 0
        self._timer = QTimer()
        self._timer.timeout.connect(self._go_on)
        self._timer.start(_EVERY_MS)

    def _go_on(self) -> None:
        widget = self._widget
        if widget.shown is None:
            return
        if widget.status not in (FolderSession.saved, autosave._SLOW):
            print("status", widget.status, flush=True)
        if widget.is_settled:
            self._note_settled(widget.shown.labels)
        if widget.is_settled or self._number % _IN_A_ROW:  # while it saves, too
            self._number += 1
            print("painted", self._number, flush=True)
            widget.shown.labels.data = strokes(self._number)

    def _note_settled(self, labels: Labels) -> None:
        if self._began:
            print("stored", self._number, flush=True)
            if self._once:
                self._timer.stop()
                self._viewer.close()
            return
        self._began = True
        self._number = int(labels.data[0, 0] - strokes(0)[0, 0]) if labels.data.any() else 0
        print("opened", self._number, flush=True)


def main(arguments: list[str]) -> int:
    """Kill so many sessions, print what was found, and return how much was wrong; or be such a session."""
    if arguments[:1] == ["session"]:
        _painter = Painter(Path(arguments[1]), once="once" in arguments)
        napari.run()
        return 0
    kills = int(arguments[0]) if arguments else 100
    with tempfile.TemporaryDirectory() as folder:
        found = kill_often(Path(folder), kills)
    print(f"{kills} kills left {dict(found.left)}; wrong: {found.wrong or 'nothing'}")
    return len(found.wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) > 0)

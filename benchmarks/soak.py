#!/usr/bin/env python
"""Annotate for hours in one napari: memory may not grow, and no thread, worker, layer or callback be left.

scripts/on-a-display.sh python benchmarks/soak.py                           # 500 Runs, 2 000 strokes under Live
scripts/on-a-display.sh python benchmarks/soak.py --runs 100 --strokes 400
scripts/on-a-display.sh python benchmarks/soak.py --quick                   # 3 Runs, 6 strokes: does it work?

Strokes come one soon after the other, so that some meet a look or a full result under way; before each Run they rest
until Live has nothing left to do. Between the Runs what a person does happens in turn: a result or the preview is
removed, another image chosen, a result measured or accepted, the preview kept, the dock closed under Live and opened
again. After every tenth of the Runs all but the person's own layers is taken away, with the dock, and what is left is
counted: a row is printed at once. The exit code is 1 if memory has grown by more than 5 % since the first tenth, or if
there is more of anything else than before the dock was opened (of threads: than at the first tenth, as numba keeps its
own). A kill without -9 ends it after the Run under way, with what was found so far; so does Ctrl+C, but a virtual
display hears that, too, and ends before.

"Given out" is what was asked of the C library: where the memory in use grows and this does not, it is holes between
what is given out, of which MALLOC_ARENA_MAX=1 before the command leaves fewer.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from contextlib import suppress
from dataclasses import astuple, dataclass, replace
from itertools import cycle
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import napari
import numpy as np
import psutil
from cases import coarse_labels, photographs
from napari.qt import get_qapp
from qtpy.QtCore import QThreadPool
from superqt.utils import WorkerBase
from window import given_out, idle, in_use, until_settled

from napari_coarse_crf import warm_up
from tests.plugin.left import callbacks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari_coarse_crf.plugin import RefineWidget

HEIGHT, WIDTH, LABELS = 128, 160, 4
MOST_GROWTH = 0.05
TENTHS = 10
MOST_RESULTS = 4
BETWEEN_STROKES_MS = 60


@dataclass(frozen=True)
class Left:
    """What there is while no dock is open and nothing runs; memory in MB."""

    memory: float
    given_out: float
    threads: int
    workers: int
    layers: int
    callbacks: int

    @classmethod
    def count(cls, viewer: napari.Viewer) -> Left:
        """Count it, after everything that nobody knows any more is gone."""
        if pool := QThreadPool.globalInstance():
            pool.waitForDone()  # lets its idle threads go, too
        idle(100)
        memory = in_use()
        workers = sum(worker.is_running for worker in WorkerBase._worker_set)
        return cls(memory, given_out(), _count_threads(), workers, len(viewer.layers), callbacks(viewer))


def _count_threads() -> int:
    """Return how many threads there are; on Linux without those of Qt's own pool, which stay for half a minute."""
    names = []
    for path in Path("/proc/self/task").glob("*/comm"):
        with suppress(OSError):  # it has ended
            names.append(path.read_text().strip())
    return sum(name != "Thread (pooled)" for name in names) or psutil.Process().num_threads()


class Person:
    """Somebody who annotates and never closes napari."""

    def __init__(self, viewer: napari.Viewer) -> None:
        self.viewer = viewer
        self.own = list(viewer.layers)
        self.images, self.strokes = self.own[:-1], self.own[-1]
        self.widget: RefineWidget
        self._random = np.random.default_rng(7)
        happenings = (
            self._reopen,
            self._switch_image,
            self._remove_result,
            self._measure,
            self._accept,
            self._remove_preview,
            self._keep,
        )
        self._happenings: Iterator[Callable[[], None]] = cycle(happenings)
        self.open_dock()

    def open_dock(self) -> None:
        """Open the dock, and switch Live on."""
        _, self.widget = self.viewer.window.add_plugin_dock_widget("napari-coarse-crf", "Refine labels")
        self.widget.live = True

    def close_dock(self) -> None:
        """Do what a click on the cross of the dock does; Live may be at work."""
        self.widget.native.parent().destroyOnClose()
        del self.widget

    def paint(self, strokes: int) -> None:
        """Paint strokes, and wait until they are followed by a full result."""
        for _ in range(strokes):
            place = self._random.integers(0, (HEIGHT, WIDTH)).tolist()
            self.strokes.paint(place, int(self._random.integers(0, LABELS + 1)))
            idle(BETWEEN_STROKES_MS)
        until_settled(self.widget)

    def run(self) -> None:
        """Press Run, and wait for the result."""
        self.widget.run()
        until_settled(self.widget)

    def go_on(self) -> None:
        """Do what is next in turn."""
        next(self._happenings)()
        for layer in self._others()[:-MOST_RESULTS]:
            self.viewer.layers.remove(layer)

    def leave_off(self) -> None:
        """Close the dock, and take all away but the person's own layers."""
        self.close_dock()
        for layer in self._others():
            self.viewer.layers.remove(layer)
        for layer in self.own:  # napari's selection keeps the layer that was active last
            self.viewer.layers.selection.active = layer

    def _others(self) -> list[Any]:
        return [layer for layer in self.viewer.layers if layer not in self.own]

    def _remove_result(self) -> None:
        for layer in self._others()[-1:]:
            self.viewer.layers.remove(layer)

    def _remove_preview(self) -> None:
        for layer in [layer for layer in self._others() if layer.name.endswith("preview")]:
            self.viewer.layers.remove(layer)

    def _switch_image(self) -> None:
        self.widget.image_layer.value = next(one for one in self.images if one is not self.widget.image_layer.value)

    def _measure(self) -> None:
        self.widget.result.heading.setChecked(True)

    def _accept(self) -> None:
        self.widget.commit()

    def _keep(self) -> None:
        self.widget.keep()
        self.widget.live = True

    def _reopen(self) -> None:
        self.close_dock()
        self.open_dock()


class Interruption:
    """Notes that somebody wants it to end; who insists ends it at once.

    Attributes
    ----------
    came : bool
        Whether somebody does.
    """

    def __init__(self) -> None:
        self.came = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)

    def _note(self, number: int, _frame: object) -> None:
        self.came = True
        signal.signal(number, signal.SIG_DFL)
        print("Interrupted: it ends after this Run.", file=sys.stderr, flush=True)


def main() -> int:
    """Annotate, print what is left after each tenth, and return 1 if it is too much."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--strokes", type=int, default=2000, help="under Live")
    parser.add_argument("--quick", action="store_true", help="3 Runs, 6 strokes; how memory grows does not count")
    options = parser.parse_args()
    runs, strokes = (3, 6) if options.quick else (options.runs, options.strokes)
    interruption, began = Interruption(), perf_counter()
    print(f"{runs} Runs and {strokes} strokes; `kill {os.getpid()}` ends it after a Run, with what was found so far.\n")
    warm_up()
    viewer = _open_napari()
    seen = [Left.count(viewer)]
    print("| runs | strokes | MB in use | MB given out | threads | running workers | layers | callbacks |")
    print("|---|---|---|---|---|---|---|---|")
    _print_row(0, 0, seen[0])
    person = Person(viewer)
    number = painted = 0
    while number < runs and not (number and interruption.came):
        number += 1
        due = strokes * number // runs
        person.paint(due - painted)
        painted = due
        person.run()
        person.go_on()
        if number * TENTHS // runs > len(seen) - 1 or interruption.came:
            person.leave_off()
            seen.append(Left.count(viewer))
            _print_row(number, painted, seen[-1])
            person.open_dock()
    person.leave_off()
    viewer.close()
    problems = find_problems(*seen, most_growth=1.0 if options.quick else MOST_GROWTH)
    what = f"Interrupted after {number} of {runs} Runs" if number < runs else f"{number} Runs"
    print(f"\n{what} and {painted} strokes, in {(perf_counter() - began) / 60:.0f} min. {growth_in_words(*seen)}")
    print("\n".join(problems) or "Nothing is left.")
    return 1 if problems else 0


def _open_napari() -> napari.Viewer:
    """Return a viewer with two images and the person's labels."""
    get_qapp()
    viewer = napari.Viewer()
    photo = photographs(HEIGHT, WIDTH)
    for number, image in enumerate((photo, photo[::-1].copy()), 1):
        viewer.add_image(image, name=f"photo {number}", rgb=True)
    viewer.add_labels(coarse_labels(HEIGHT, WIDTH, LABELS, 0.1), name="strokes")
    idle(500)
    return viewer


def growth_in_words(_before: Left, first: Left, *later: Left) -> str:
    """Say how memory went on after the first tenth, and after the middle: whether it is still growing."""
    if not later:
        return "That is too little to say how memory grows."
    middle, last = (first, *later)[len(later) // 2], later[-1]
    grew, gained = last.memory / first.memory - 1, last.given_out - first.given_out
    late, gained_late = last.memory - middle.memory, last.given_out - middle.given_out
    return (
        f"Since the first tenth, memory in use went from {first.memory:.0f} to {last.memory:.0f} MB ({grew:+.1%}; "
        f"{late:+.0f} MB in the second half), what is given out by {gained:+.1f} MB ({gained_late:+.1f})."
    )


def find_problems(before: Left, first: Left, *later: Left, most_growth: float) -> list[str]:
    """Return a sentence for each thing of which too much is left: before the dock, after the first tenth, and later."""
    last = later[-1] if later else first
    found = []
    if last.memory > (1 + most_growth) * first.memory:
        found.append(f"Memory grew by more than {most_growth:.0%}.")
    allowed = replace(before, threads=first.threads, workers=0)
    for name in ("threads", "workers", "layers", "callbacks"):
        most = max(getattr(one, name) for one in (first, *later))
        if most > getattr(allowed, name):
            found.append(f"There were {most} {name} where there should be {getattr(allowed, name)}.")
    return found


def _print_row(runs: int, strokes: int, left: Left) -> None:
    memory, given, *others = astuple(left)
    print("|", " | ".join(map(str, (runs, strokes, f"{memory:.0f}", f"{given:.1f}", *others))), "|", flush=True)


if __name__ == "__main__":
    sys.exit(main())

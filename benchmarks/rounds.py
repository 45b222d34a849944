#!/usr/bin/env python
"""Go through rounds of annotation in a real viewer: nothing may be lost, memory not grow, the window not be late.

scripts/on-a-display.sh python benchmarks/rounds.py                 # the samples, a stack, and 2048 x 1024, 19 labels
scripts/on-a-display.sh python benchmarks/rounds.py nuclei stack    # some of them
scripts/on-a-display.sh python benchmarks/rounds.py --blockers      # and what kept the window from answering
scripts/on-a-display.sh python benchmarks/rounds.py --quick         # three rounds of one: is anything lost?

An annotator who knows the truth goes through rounds as a person would: strokes at the place that is proposed and where
most is wrong, Live, a slider, undo, Keep, Run, Commit of everything, of a slice, or of what is in view, and Take back
where what was accepted is wrong. After every full result they see whether their own strokes and what they accepted are
in it, whether their own layer is what they painted, whether one result is seen, and how many layers there are. Anything
else is told, and the exit code is 1. Memory may grow by 5 % from round 5 on; 95 % of the ticks of a 10 ms timer of the
main thread should be at most 30 ms late, and all at most 100 ms. That counts what napari and a virtual display draw,
too; *in the package* is how long the main thread was within a function of ours without a pause.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import napari
import numpy as np
from annotator import Annotator
from cases import coarse_labels, photographs
from napari.qt import get_qapp
from napari.utils.notifications import notification_manager
from window import Watchdog, idle, in_use

from napari_coarse_crf import warm_up
from napari_coarse_crf.samples import SAMPLE_NAMES, load_sample

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

ROUNDS = 20
SCORED = (1, 5, 10, 20)
PLANES, DRIFT = 7, 8  # of the stack, and px from one plane to the next
ROUNDS_OF_A_PLANE = 3
MOST_BLOCKERS = 12
HEAD = (
    f"| scene | mean IoU after {'/'.join(map(str, SCORED))} | layers | MB after 5, at the end | 95 % ms late "
    "| latest ms | longest of it in the package ms | first look ms, median and latest |"
)


@dataclass(frozen=True)
class Scene:
    """What is annotated."""

    image: Array
    fine: Array
    is_stack: bool = False


def main() -> int:
    """Go through the rounds, print the table, and return 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [*SAMPLE_NAMES, "stack", "large"]
    parser.add_argument("scenes", nargs="*", help=f"some of {', '.join(names)}; by default all")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--blockers", action="store_true", help="print what of the package the main thread was held by")
    parser.add_argument("--quick", action="store_true", help="three rounds of a part of one sample: is anything lost?")
    options = parser.parse_args()
    scenes = ["nuclei"] if options.quick else options.scenes or names
    rounds = 3 if options.quick else options.rounds
    errors = _gather_errors()
    warm_up()
    get_qapp()
    watchdog = Watchdog()
    lost: list[str] = []
    print(HEAD)
    print("|" + "---|" * (HEAD.count("|") - 1))
    for name in scenes:
        row, missed = go_through(make_scene(name, quick=options.quick), rounds, watchdog)
        print(f"| {name} | {row} |", flush=True)
        lost += [f"{name}, {what}" for what in (*missed, *errors)]
        errors.clear()
        if options.blockers:
            _print_blockers(watchdog)
    print()
    print("\n".join(["Lost:", *lost]) if lost else "Nothing was lost.")
    return 1 if lost else 0


def make_scene(name: str, *, quick: bool = False) -> Scene:
    """Return an image with its truth; in a quick run, a corner of it."""
    if name == "large":
        return Scene(photographs(1024, 2048), coarse_labels(1024, 2048, 19, 1.0))
    if name != "stack":
        sample = load_sample(name)
        part = np.s_[:128, :160] if quick else ...
        return Scene(sample.image[part], sample.fine[part].astype(np.int32))
    sample = load_sample("nuclei")
    height, width = (size - (PLANES - 1) * DRIFT for size in sample.fine.shape)
    windows = [np.s_[place : place + height, place : place + width] for place in range(0, PLANES * DRIFT, DRIFT)]
    image, fine = (np.stack([one[window] for window in windows]) for one in (sample.image, sample.fine))
    return Scene(image, fine.astype(np.int32), is_stack=True)


def go_through(scene: Scene, rounds: int, watchdog: Watchdog) -> tuple[str, list[str]]:
    """Annotate in a viewer of its own; returns the cells of the table, and what was lost."""
    watchdog.longest = 0.0
    viewer = napari.Viewer()
    image = viewer.add_image(scene.image, name="image", rgb=scene.image.shape[-1] == 3)
    viewer.add_labels(scene.fine, name="truth", visible=False, metadata={"napari_coarse_crf": {"truth": True}})
    own = viewer.add_labels(np.zeros_like(scene.fine), name="strokes")
    _, widget = viewer.window.add_plugin_dock_widget("napari-coarse-crf", "Refine labels")
    idle(1000)
    annotator = Annotator(viewer, widget, image, own, scene.fine, watchdog)
    scores, memory = {}, {}
    if scene.is_stack:
        widget.scope.mode.value = "current"
    for number in range(1, rounds + 1):
        if scene.is_stack:
            viewer.dims.set_current_step(0, (number - 1) // ROUNDS_OF_A_PLANE)
        go_round(annotator, number, is_first=number == 1 or (scene.is_stack and number % ROUNDS_OF_A_PLANE == 1))
        if number in SCORED:
            scores[number] = annotator.score
        if number in (5, rounds):
            memory[number] = in_use()
    count = len(viewer.layers)
    viewer.close()
    diary = annotator.diary
    late = 1e3 * np.concatenate(diary.late)
    looks = 1e3 * np.array(diary.looks)
    cells = [
        " ".join(f"{score:.3f}" for score in scores.values()),
        str(count),
        " ".join(f"{one:.0f}" for one in memory.values()),
        f"{np.quantile(late, 0.95):.0f}",
        f"{late.max():.0f}",
        f"{1e3 * watchdog.longest:.0f}",
        f"{np.median(looks):.0f} {looks.max():.0f}",
    ]
    return " | ".join(cells), diary.lost


def go_round(annotator: Annotator, number: int, *, is_first: bool) -> None:
    """Annotate, look, correct, accept."""
    if is_first:
        annotator.begin()
        annotator.widget.live = True
    else:
        annotator.go_to_next_place()
    annotator.look()
    annotator.correct()
    annotator.look()
    if annotator.accepted_is_wrong:
        annotator.take_back()
    if number % 4 == 0:
        annotator.stroke_and_undo()
    if number % 3 == 0:
        annotator.drag_slider(number)
    annotator.look()
    if number % 6 == 2:
        annotator.keep()
        annotator.widget.live = True  # the next one
    if number % 6 == 5:
        annotator.run()
    if number == ROUNDS // 2:
        annotator.widget.result.heading.setChecked(True)  # the table is measured from now on
    if number % 5 == 0 and not annotator.own.ndim > 2:
        annotator.commit_area()
    else:
        annotator.commit()


def _print_blockers(watchdog: Watchdog) -> None:
    """Print the calls that the main thread was held by, those seen most often first."""
    for calls, count in watchdog.found.most_common(MOST_BLOCKERS):
        print(f"\n{count} x", *calls, sep="\n    ", flush=True)
    watchdog.found.clear()


def _gather_errors() -> list[str]:
    """Return a list to which every error is added that nobody caught."""
    errors: list[str] = []
    notification_manager.notification_ready.connect(lambda event: errors.append(event.message))
    sys.excepthook = lambda _type, error, _trace: errors.append(repr(error))
    return errors


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python
"""What is left in memory after runs whose layers were removed, and what a slice of a large stack costs.

python benchmarks/plugin_memory.py            # 2048 x 1024, 30 runs, 120 x 1024 x 1024; needs a display
python benchmarks/plugin_memory.py --quick    # small images: does it work?

A real viewer and the real widget. First runs and Live one after the other, each new layer removed at once: the
aim is that memory grows by less than 5 MB a run. Then a stack of int32 labels with the scope "Current slice": what a
run adds to the memory in use, and how long a stroke blocks the window, with Live and without.
"""

from __future__ import annotations

import argparse
from time import perf_counter
from typing import TYPE_CHECKING, Any

import napari
import numpy as np
from cases import coarse_labels, photographs
from napari.qt import get_qapp
from qtpy.QtCore import QEventLoop, QTimer
from window import idle, in_use, until_settled

from napari_coarse_crf import warm_up

if TYPE_CHECKING:
    from collections.abc import Callable

EVERY = 10  # runs between two rows


def main() -> None:
    """Run the widget and print what stays in memory."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small images")
    parser.add_argument("--runs", type=int, default=30)
    options = parser.parse_args()
    warm_up()
    get_qapp()
    height, width = (64, 96) if options.quick else (1024, 2048)
    measure_growth(height, width, options.runs, unmeasured=0 if options.quick else 3)
    measure_stack((8, 64, 96) if options.quick else (120, 1024, 1024), strokes=1 if options.quick else 5)


def measure_growth(height: int, width: int, runs: int, unmeasured: int) -> None:
    """Print how the memory in use grows over runs whose results are removed; the first ones do not count."""
    viewer = napari.Viewer()
    viewer.add_image(photographs(height, width), rgb=True)
    strokes = viewer.add_labels(coarse_labels(height, width, 8, 0.1), name="strokes")
    _, widget = viewer.window.add_plugin_dock_widget("napari-coarse-crf", "Refine labels")
    ways: dict[str, Callable[[], None]] = {
        "Run": lambda: _run_and_remove(viewer, widget),
        "Live": lambda: _paint(strokes, widget),
    }
    print(f"| {width} x {height} | runs | MB in use | MB more a run |")
    print("|---|---|---|---|")
    for name, once in ways.items():
        widget.live = name == "Live"
        for _ in range(unmeasured):  # what is kept between runs is made once
            once()
        before = in_use()
        for number in range(1, runs + 1):
            once()
            if number % EVERY == 0 or number == runs:
                now = in_use()
                print(f"| {name} | {number} | {now:.0f} | {(now - before) / number:+.1f} |", flush=True)
    viewer.close()


def measure_stack(shape: tuple[int, int, int], strokes: int) -> None:
    """Print what a run of one slice adds to the memory in use, and how long a stroke blocks the window."""
    depth, height, width = shape
    viewer = napari.Viewer()
    viewer.add_image(np.random.default_rng(1).integers(0, 255, shape, np.uint8), name="stack")
    labels = viewer.add_labels(np.zeros(shape, np.int32), name="strokes")
    labels.data[depth // 2, 5:9, 5:50], labels.data[depth // 2, -9:-5, 5:50] = 1, 2
    viewer.dims.set_current_step(0, depth // 2)
    _, widget = viewer.window.add_plugin_dock_widget("napari-coarse-crf", "Refine labels")
    widget.scope.mode.value = "current"
    idle(500)
    before = in_use()
    worker = widget.run()
    peak = _until_ended(worker)
    print()
    print(f"| {depth} x {height} x {width}, current slice | |")
    print("|---|---|")
    print(f"| a Run adds, MB | {in_use() - before:.0f} |")
    print(f"| at its peak, MB | {peak - before:.0f} |")
    print(f"| one slice of labels, MB | {height * width * 4 / 1e6:.0f} |")
    for live in (False, True):
        widget.live = live
        until_settled(widget)
        blocked = [_blocked_by_a_stroke(labels, widget, number) for number in range(strokes)]
        print(f"| a stroke blocks the window, {'with Live' if live else 'without'}, ms | {1e3 * max(blocked):.0f} |")
    viewer.close()


def _run_and_remove(viewer: napari.Viewer, widget: Any) -> None:
    names = {layer.name for layer in viewer.layers}
    _until_ended(widget.run())
    for layer in [layer for layer in viewer.layers if layer.name not in names]:
        viewer.layers.remove(layer)
    idle(50)


def _paint(strokes: Any, widget: Any) -> None:
    strokes.paint(np.random.default_rng().integers(0, strokes.data.shape).tolist(), 3)
    until_settled(widget)


def _blocked_by_a_stroke(strokes: Any, widget: Any, number: int) -> float:
    """Return the longest time between two ticks of the window after a stroke."""
    times = [perf_counter()]
    timer = QTimer()
    timer.timeout.connect(lambda: times.append(perf_counter()))
    timer.start(5)
    strokes.paint((strokes.data.shape[0] // 2, 20 + 3 * number, 20), 2)
    idle(500)
    until_settled(widget)
    timer.stop()
    return float(np.diff(times).max())


def _until_ended(worker: Any) -> float:
    """Wait for a worker; returns the most memory that was in use meanwhile."""
    loop, seen = QEventLoop(), [in_use()]
    timer = QTimer()
    timer.timeout.connect(lambda: seen.append(in_use(collect=False)))
    timer.start(5)
    worker.finished.connect(lambda: QTimer.singleShot(100, loop.quit))
    loop.exec()
    timer.stop()
    return max(seen)


if __name__ == "__main__":
    main()

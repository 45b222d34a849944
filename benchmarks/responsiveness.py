#!/usr/bin/env python
"""How late a 10 ms timer of the main thread is while the widget refines: what a person feels as stutter.

python benchmarks/responsiveness.py            # 2048 x 1024, 19 labels; needs a display, see scripts/on-a-display.sh
python benchmarks/responsiveness.py --quick    # a small image: does it work?

A real viewer, the real widget and its thread worker. The aim: 95 % of the ticks at most 30 ms late, none over 100 ms.
What napari itself does when the result arrives (drawing the new layer) is counted apart.
"""

from __future__ import annotations

import argparse
from time import perf_counter

import napari
import numpy as np
from cases import coarse_labels, photographs
from napari.qt import get_qapp
from qtpy.QtCore import QEventLoop, Qt, QTimer

from napari_coarse_crf import warm_up

INTERVAL = 0.010  # seconds


def main() -> None:
    """Run the widget and print how late the ticks were."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a small image")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    height, width = (128, 256) if options.quick else (1024, 2048)
    warm_up()
    get_qapp()
    viewer = napari.Viewer()
    viewer.add_image(photographs(height, width), rgb=True)
    viewer.add_labels(coarse_labels(height, width, 19, 0.5))
    _, widget = viewer.window.add_plugin_dock_widget("napari-coarse-crf", "Refine labels")
    _idle(1000)
    print("| run | seconds | ticks | 95 % at most ms late | latest ms | latest with the new layer ms |")
    print("|---|---|---|---|---|---|")
    for number in range(1, options.runs + 1):
        seconds, late, late_at_end = _measure(widget)
        print(
            f"| {number} | {seconds:.2f} | {len(late)} | {1e3 * np.quantile(late, 0.95):.1f} | "
            f"{1e3 * late.max():.1f} | {1e3 * late_at_end:.1f} |",
            flush=True,
        )
    viewer.close()


def _measure(widget: object) -> tuple[float, np.ndarray, float]:
    """Run once; returns its seconds, the lateness of each tick meanwhile, and of the one after the layer was added."""
    ticks: list[float] = []
    loop, timer = QEventLoop(), QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(lambda: ticks.append(perf_counter()))
    arrived: list[float] = []
    worker = widget.run()
    # Connected after the widget's own slot, so that nothing of ours comes before the new layer.
    worker.returned.connect(lambda _outcome: arrived.append(perf_counter()))
    worker.finished.connect(lambda: QTimer.singleShot(500, loop.quit))
    began = perf_counter()
    timer.start(int(1e3 * INTERVAL))
    loop.exec()
    timer.stop()
    times = np.array(ticks)
    late = np.maximum(np.diff(times) - INTERVAL, 0.0)
    during = times[1:] < arrived[0]
    return arrived[0] - began, late[during], float(late[~during].max(initial=0.0))


def _idle(milliseconds: int) -> None:
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


if __name__ == "__main__":
    main()

#!/usr/bin/env python
"""How late a 10 ms timer of the main thread is while the widget refines: what a person feels as stutter.

python benchmarks/responsiveness.py            # 2048 x 1024, 19 labels; needs a display, see scripts/on-a-display.sh
python benchmarks/responsiveness.py --quick    # a small image: does it work?

A real viewer, the real widget and its thread worker. First runs: the aim is 95 % of the ticks at most 30 ms late, none
over 100 ms. What napari itself does when the result arrives (drawing the new layer) is counted apart. Then Live: a
slider moves on and on while one quick look after the other is computed and drawn, until the full result is there.
"""

from __future__ import annotations

import argparse
from time import perf_counter
from typing import TYPE_CHECKING

import napari
import numpy as np
from cases import coarse_labels, photographs
from napari.qt import get_qapp
from qtpy.QtCore import QEventLoop, QTimer
from window import Ticks, idle, until_settled

from napari_coarse_crf import warm_up
from napari_coarse_crf.plugin.controls.parameter_control import NumberControl

if TYPE_CHECKING:
    from napari_coarse_crf.plugin import RefineWidget

DRAG_INTERVAL = 0.030  # seconds between two moves of the slider, as a mouse sends them
DRAG_STEPS = 200


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
    idle(1000)
    print("| run | seconds | ticks | 95 % at most ms late | latest ms | latest with the new layer ms |")
    print("|---|---|---|---|---|---|")
    for number in range(1, options.runs + 1):
        seconds, late, late_at_end = _measure_run(widget)
        print(f"| {number} | {seconds:.2f} | {_in_cells(late)} | {1e3 * late_at_end:.1f} |", flush=True)
    print()
    print("| Live | looks drawn | ticks | 95 % at most ms late | latest ms | first look after ms |")
    print("|---|---|---|---|---|---|")
    widget.live = True
    until_settled(widget)
    idle(500)
    for number, name in enumerate(("smoothness_weight", "theta_beta"), start=1):
        looks, late, first = _measure_live(viewer, widget, name, DRAG_STEPS // 20 if options.quick else DRAG_STEPS)
        print(f"| {number} | {looks} | {_in_cells(late)} | {1e3 * first:.0f} |", flush=True)
    viewer.close()


def _measure_run(widget: RefineWidget) -> tuple[float, np.ndarray, float]:
    """Run once; returns its seconds, the lateness of each tick meanwhile, and of the one after the layer was added."""
    loop = QEventLoop()
    arrived: list[float] = []
    worker = widget.run()
    assert worker is not None  # None: nothing to refine
    # Connected after the widget's own slot, so that nothing of ours comes before the new layer.
    worker.returned.connect(lambda _outcome: arrived.append(perf_counter()))
    worker.finished.connect(lambda: QTimer.singleShot(500, loop.quit))
    began, ticks = perf_counter(), Ticks()
    loop.exec()
    times, late = ticks.stop()
    during = times < arrived[0]
    return arrived[0] - began, late[during], float(late[~during].max(initial=0.0))


def _measure_live(viewer: napari.Viewer, widget: RefineWidget, name: str, steps: int) -> tuple[int, np.ndarray, float]:
    """Drag a slider to its end; returns how many results were drawn, lateness, and seconds until the first of them."""
    control = widget.controls.by_name[name]
    assert isinstance(control, NumberControl)
    slider = control.slider
    (preview,) = (layer for layer in viewer.layers if layer.name.endswith("preview"))
    drawn: list[float] = []
    preview.events.set_data.connect(lambda _event: drawn.append(perf_counter()))
    places = iter(np.linspace(slider.minimum(), slider.maximum(), steps).astype(int).tolist())
    hand, loop = QTimer(), QEventLoop()

    def move() -> None:
        place = next(places, None)
        if place is None:
            loop.quit()
        else:
            slider.setValue(place)

    hand.timeout.connect(move)
    began, ticks = perf_counter(), Ticks()
    hand.start(int(1e3 * DRAG_INTERVAL))
    loop.exec()
    hand.stop()
    until_settled(widget)
    idle(500)
    return len(drawn), ticks.stop()[1], (drawn[0] - began if drawn else float("nan"))


def _in_cells(late: np.ndarray) -> str:
    return f"{len(late)} | {1e3 * np.quantile(late, 0.95):.1f} | {1e3 * late.max():.1f}"


if __name__ == "__main__":
    main()

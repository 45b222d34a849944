"""Several front doors and several widgets on the same layers."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from napari_coarse_crf import Parameters, refine_labels
from napari_coarse_crf.plugin import RefineWidget, refine_layer
from tests.plugin.waiting import wait_until_ready

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    Dock = Callable[..., tuple[Any, RefineWidget]]


def test_widget_script_and_command_line_give_the_same_pixels(
    dock: Dock,
    press_run: Callable[[RefineWidget], Any],
    tmp_path: Path,
    image: NDArray[Any],
    labels: NDArray[Any],
) -> None:
    parameters = Parameters(theta_alpha=90, iterations=4)
    viewer, widget = dock(image, labels, rgb=True)
    widget.parameters = parameters
    wanted = refine_labels(image, labels, parameters)
    np.testing.assert_array_equal(press_run(widget).data, wanted)
    layers = viewer.layers["photo"], viewer.layers["strokes"]
    np.testing.assert_array_equal(refine_layer(viewer, *layers, parameters).data, wanted)

    tifffile.imwrite(tmp_path / "image.tif", image, photometric="rgb")
    tifffile.imwrite(tmp_path / "labels.tif", labels)
    widget.presets.save(tmp_path / "mine.json")
    command = [sys.executable, "-m", "napari_coarse_crf.cli", "refine"]
    names = ["image.tif", "labels.tif", "refined.tif", "mine.json"]
    image_path, labels_path, output, preset = (str(tmp_path / name) for name in names)
    command += [image_path, labels_path, "--out", output, "--preset", preset]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    np.testing.assert_array_equal(tifffile.imread(output), wanted)


def test_two_widgets_of_one_viewer_run_and_follow_live_side_by_side(
    dock: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, first = dock(image, labels.copy(), rgb=True)
    second = RefineWidget(viewer)
    viewer.window.add_dock_widget(second, name="second")
    first.run_bar.button.click()
    second.run_bar.button.click()
    for widget in (first, second):
        wait_until_ready(qtbot, widget)
    assert [layer.name for layer in viewer.layers][2:] == ["strokes refined", "strokes refined [1]"]
    first.live = second.live = True
    viewer.layers["strokes"].paint((20, 30), 9)

    def settled() -> bool:
        return all(widget.runs.live.switch.is_settled for widget in (first, second))

    qtbot.waitUntil(settled)
    previews = [layer for layer in viewer.layers if "preview" in layer.name]
    assert len(previews) == 2
    for preview in previews:
        assert 9 in preview.data

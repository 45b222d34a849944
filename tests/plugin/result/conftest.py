"""A viewer after a run, with the section Result unfolded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_coarse_crf import Parameters
from tests.plugin.result.using import wait_for_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tests.plugin.result.using import Dock, Measured, PressRun


@pytest.fixture
def truth(labels: NDArray[Any]) -> NDArray[np.int32]:
    """Return the two halves, a strip between them unknown."""
    truth = np.where(np.arange(60) < 35, 3, 70_000) * np.ones((40, 1), np.int32)
    truth[:, 33:37] = 0
    return truth.astype(np.int32)


@pytest.fixture
def measured(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any], truth: NDArray[Any], qtbot: Any
) -> Measured:
    """Return a viewer after a run, with a truth layer chosen and the table made in the unfolded section."""
    viewer, widget = dock(image, labels, rgb=True)
    viewer.add_labels(truth, name="truth", visible=False)
    widget.parameters = Parameters(iterations=2, appearance_weight=1, smoothness_weight=0.5)
    press_run(widget)
    widget.result.boxes.truth_box.value = viewer.layers["truth"]
    widget.result.heading.click()
    wait_for_table(qtbot, widget.result)
    return viewer, widget


@pytest.fixture
def unsure(dock: Dock, press_run: PressRun, labels: NDArray[Any]) -> Measured:
    """Return a viewer after a run on a ramp: nobody knows where one label ends. The section is unfolded."""
    ramp = np.tile(np.linspace(0, 250, 60).astype(np.uint8), (40, 1))
    viewer, widget = dock(ramp, labels)
    widget.parameters = Parameters(iterations=1, appearance_weight=0.1, smoothness_weight=0)
    press_run(widget)
    widget.result.heading.click()
    return viewer, widget

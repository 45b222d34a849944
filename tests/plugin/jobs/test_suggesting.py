"""The Suggest button, and compiling before the first run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_coarse_crf import InputError, Parameters, Suggestion, suggest_parameters
from napari_coarse_crf.plugin.jobs.suggesting import SuggestJob, told
from napari_coarse_crf.plugin.jobs.warming import WARM_UP, WarmUp
from napari_coarse_crf.plugin.jobs.worker import JobRunner
from napari_coarse_crf.plugin.layers.choice import Choice
from napari_coarse_crf.plugin.layers.read import read_layers
from napari_coarse_crf.samples import load_sample
from napari_coarse_crf.suggest.search import Trial
from napari_coarse_crf.tiles.parts import Scope
from tests.plugin.waiting import TIMEOUT, wait_until_ended, wait_until_ready

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_coarse_crf.plugin import RefineWidget

    Dock = Callable[..., tuple[Any, RefineWidget]]


@pytest.fixture
def sample() -> tuple[NDArray[Any], NDArray[Any]]:
    """Return part of a real image with strokes enough to hide some."""
    whole = load_sample("tissue")
    return whole.image[:160, :200], whole.coarse[:160, :200]


def test_the_sliders_move_to_what_the_core_suggests(
    dock: Dock, qtbot: Any, sample: tuple[NDArray[Any], NDArray[Any]]
) -> None:
    viewer, widget = dock(*sample, rgb=True)
    widget.parameters = Parameters(theta_alpha=7, smallest_part=30)
    widget.presets.suggest_button.click()
    assert widget.run_bar.button.text() == "Cancel"
    assert not widget.presets.suggest_button.isEnabled()
    wait_until_ready(qtbot, widget)
    wanted = suggest_parameters(*sample)
    assert widget.parameters == wanted.parameters.replace(smallest_part=30)  # which a suggestion says nothing of
    assert widget.status == told(wanted)
    assert len(viewer.layers) == 2


@pytest.mark.parametrize("reason", ["The defaults stay: so.", "Clearly better: so."])
def test_all_that_was_tried_is_said_whatever_was_chosen(reason: str) -> None:
    trials = (
        Trial("firm paths", Parameters(), 0.0123, -0.04, 0.71, ()),
        Trial("default", Parameters(), 0.0, 0.0, 0.75, ()),
    )
    assert told(Suggestion(Parameters(), trials, reason)).splitlines() == [
        reason,
        "Your labels choose so; the sliders stand there now, fixed. With 'auto', each run chooses anew.",
        "Tried, in mean IoU against the defaults:",
        "firm paths: +0.012 promised, -0.040 when hidden",
        "default: +0.000 promised, +0.000 when hidden",
    ]


def test_labels_too_few_to_judge_by_leave_nothing_more_to_say() -> None:
    assert told(Suggestion(Parameters(), (), "Too few.")) == "Too few."


def test_a_search_can_be_cancelled(dock: Dock, qtbot: Any, sample: tuple[NDArray[Any], NDArray[Any]]) -> None:
    _, widget = dock(*sample, rgb=True)
    widget.parameters = Parameters(theta_alpha=7)
    worker = widget.suggest()
    assert worker is not None
    with qtbot.waitSignal(worker.yielded, timeout=TIMEOUT):
        pass
    widget.run_bar.button.click()
    assert widget.run_bar.button.text() == "Run"
    assert widget.status == "Cancelled."
    wait_until_ended(qtbot, worker)
    assert widget.parameters == Parameters(theta_alpha=7)


def test_a_search_in_all_slices_uses_several_and_not_only_the_current_one(
    dock: Dock, qtbot: Any, sample: tuple[NDArray[Any], NDArray[Any]]
) -> None:
    image, labels = sample[0][:90, :120], sample[1][:90, :120]
    empty = np.zeros_like(labels)
    stack = np.stack([image[..., channel] for channel in (0, 1, 2, 0)])
    viewer, widget = dock(stack, np.stack([labels, empty, labels, empty]))
    widget.scope.mode.value = "each"
    viewer.dims.set_current_step(0, 1)  # where nothing is painted
    widget.parameters = Parameters(theta_alpha=7)
    widget.presets.suggest_button.click()
    wait_until_ready(qtbot, widget)
    wanted = suggest_parameters([stack[0], stack[2]], [labels, labels], contrast_limits=(0, 255))
    assert widget.parameters == wanted.parameters
    assert wanted.reason in widget.status


def test_of_many_slices_a_few_that_are_spread_stand_for_all(sample: tuple[NDArray[Any], NDArray[Any]]) -> None:
    stack, labels = np.stack([sample[0][..., 0]] * 12), np.stack([sample[1]] * 12)
    stack[:, 0, 0], labels[3] = range(12), 0
    mask = np.ones_like(labels)
    mask[0] = 0
    layers = Image(stack), Labels(labels)
    job = SuggestJob(read_layers(*layers, Choice(Scope(slice_axis=0), region=Labels(mask))))
    assert [int(picture.image[0, 0]) for picture, _ in job._load()] == [2, 5, 7, 9, 11]
    nowhere = SuggestJob(read_layers(*layers, Choice(Scope(slice_axis=0), region=Labels(np.zeros_like(labels)))))
    with pytest.raises(InputError, match="No slice holds two labels"):
        nowhere._load()


def test_nothing_to_search_in_is_said(dock: Dock, image: NDArray[Any]) -> None:
    _, widget = dock(image, np.zeros((40, 60), np.uint8), rgb=True)
    assert not widget.presets.suggest_button.isEnabled()
    assert widget.suggest() is None
    assert "still empty" in widget.status


def test_the_search_reports_and_gives_its_errors_on(sample: tuple[NDArray[Any], NDArray[Any]]) -> None:
    job = SuggestJob(read_layers(Image(sample[0], rgb=True), Labels(sample[1])))
    steps = list(job.steps())
    assert {step.stage for step in steps} <= {"trying parameters on hidden labels"}
    unusable = SuggestJob(read_layers(Image(sample[0], rgb=True), Labels(np.ones((160, 200), np.uint8))))
    unusable.inputs.labels.data[0] = 0
    with pytest.raises(InputError, match="one label"):
        list(unusable.steps())


def test_compiling_happens_once_in_a_session_and_is_told(qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JobRunner, "has_compiled", False)
    warm_up = WarmUp()
    with qtbot.waitCallback(timeout=TIMEOUT) as ended:
        warm_up.ended.connect(ended)
        warm_up.begin()
        assert warm_up.is_running
    assert not warm_up.is_running
    assert JobRunner.has_compiled
    warm_up.begin()
    assert not warm_up.is_running


def test_the_dock_says_that_the_engine_is_being_compiled(
    dock: Dock, monkeypatch: pytest.MonkeyPatch, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    _, widget = dock(image, labels, rgb=True)
    monkeypatch.setattr(WARM_UP, "is_running", True)
    WARM_UP.ended.emit()  # whoever shows it looks again
    assert widget.status.startswith("Ready.")
    assert "being compiled, once" in widget.status
    monkeypatch.setattr(WARM_UP, "is_running", False)
    WARM_UP.ended.emit()
    assert "compiled" not in widget.status

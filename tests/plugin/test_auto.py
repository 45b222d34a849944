"""Weights that the labels choose, in the dock: clicked, dragged and looked at as a person would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import Qt, QTimer

from napari_coarse_crf import Parameters, Refiner, refine_labels
from napari_coarse_crf.judging.words import LEFT_TO_LABELS
from napari_coarse_crf.plugin.controls.parameter_control import NumberControl, OptionControl
from napari_coarse_crf.plugin.jobs import budget
from tests.plugin.waiting import wait_until_ready, wait_until_settled

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_coarse_crf import Refinement
    from napari_coarse_crf.plugin import RefineWidget

    Dock = Callable[..., tuple[Any, RefineWidget]]
    PressRun = Callable[[RefineWidget], Any]
    Sample = tuple[NDArray[Any], NDArray[Any]]

AUTO = Parameters.preset("auto")
NONE_CHOSEN = AUTO.replace(weights="fixed")


@pytest.fixture(scope="module")
def sample() -> Sample:
    """Return narrow stripes beside wide ones of the same two greys: texture alone tells them apart."""
    rows, columns = np.indices((120, 160))
    period = np.where(columns < 80, 4, 16)
    image = np.where((rows + columns) % period < period // 2, 90, 160).astype(np.uint8)
    image += np.random.default_rng(0).integers(0, 10, image.shape, dtype=np.uint8)
    labels = np.zeros(image.shape, np.uint8)
    for row in range(10, 120, 20):
        labels[row : row + 3, 8:60], labels[row : row + 3, 100:152] = 1, 2
    return image, labels


@pytest.fixture(scope="module")
def expected(sample: Sample) -> Refinement:
    """Return what the labels choose of the sample."""
    refinement = Refiner(*sample).run()
    assert refinement.reason
    assert refinement.parameters.texture_weight > 0
    return refinement


@pytest.fixture
def opened(dock: Dock, sample: Sample) -> tuple[Any, RefineWidget]:
    return dock(sample[0], sample[1].copy())


def number(widget: RefineWidget, name: str) -> NumberControl:
    control = widget.controls.by_name[name]
    assert isinstance(control, NumberControl)
    return control


def weights(widget: RefineWidget) -> OptionControl:
    control = widget.controls.by_name["weights"]
    assert isinstance(control, OptionControl)
    return control


def shown(widget: RefineWidget) -> dict[str, float]:
    return {name: number(widget, name).box.value() for name in LEFT_TO_LABELS}


def values(parameters: Parameters) -> dict[str, float]:
    return {name: getattr(parameters, name) for name in LEFT_TO_LABELS}


def test_the_dock_begins_with_weights_that_the_labels_choose(opened: tuple[Any, RefineWidget]) -> None:
    _, widget = opened
    assert widget.parameters == AUTO
    assert weights(widget).box.currentText() == "auto"
    assert widget.presets.box.itemText(0) == widget.presets.box.currentText() == "auto"
    assert "your labels choose" in widget.controls.note.text()
    assert widget.controls.note.isVisibleTo(widget.controls)


def test_a_run_shows_what_the_labels_chose_and_changes_nothing(
    opened: tuple[Any, RefineWidget], press_run: PressRun, expected: Refinement
) -> None:
    viewer, widget = opened
    changes: list[None] = []
    widget.controls.changed.connect(lambda: changes.append(None))
    layer = press_run(widget)
    np.testing.assert_array_equal(layer.data, expected.labels)
    assert shown(widget) == values(expected.parameters)
    assert not changes
    assert widget.parameters == AUTO
    assert widget.presets.box.currentText() == "auto"
    assert not any(control.reset_button.isEnabled() for control in widget.controls.by_name.values())
    told = f"Your labels chose texture {expected.parameters.texture_weight:g}"
    assert told in widget.status
    assert widget.controls.note.text().startswith(told)
    assert widget.controls.note.text().endswith(expected.reason)
    assert len(viewer.layers) == 3


def test_the_layer_keeps_what_was_chosen_and_why(
    opened: tuple[Any, RefineWidget], press_run: PressRun, expected: Refinement
) -> None:
    _, widget = opened
    about = press_run(widget).metadata["napari_coarse_crf"]
    assert about["parameters"] == expected.parameters.to_dict()
    assert about["reason"] == expected.reason
    widget.presets.menu.aboutToShow.emit()
    widget.presets.menu.actions()[0].trigger()
    assert widget.parameters == expected.parameters  # taken at their word from now on
    again = press_run(widget)
    np.testing.assert_array_equal(again.data, expected.labels)
    assert "reason" not in again.metadata["napari_coarse_crf"]
    assert "labels chose" not in widget.status


def test_another_run_chooses_from_where_the_first_did(
    opened: tuple[Any, RefineWidget], press_run: PressRun, expected: Refinement
) -> None:
    _, widget = opened
    first, second = press_run(widget), press_run(widget)
    np.testing.assert_array_equal(first.data, second.data)
    assert second.metadata["napari_coarse_crf"]["parameters"] == expected.parameters.to_dict()


def test_who_turns_one_of_them_has_the_weights_fixed_as_they_stand(
    opened: tuple[Any, RefineWidget], press_run: PressRun, qtbot: Any, sample: Sample, expected: Refinement
) -> None:
    _, widget = opened
    press_run(widget)
    place = number(widget, "appearance_weight").y()
    qtbot.keyClick(number(widget, "geodesic_exponent").slider, Qt.Key.Key_PageDown)
    turned = number(widget, "geodesic_exponent").value
    assert turned != expected.parameters.geodesic_exponent
    assert weights(widget).box.currentText() == "fixed"
    assert weights(widget).reset_button.isEnabled()
    assert number(widget, "texture_weight").reset_button.isEnabled()  # it is the person's now
    assert "Weights are 'fixed' now" in widget.status
    assert widget.presets.box.currentText() == "your own"
    assert "as the sliders stand" in widget.controls.note.text()
    assert number(widget, "appearance_weight").y() == place  # else the slider would move away under the hand
    assert widget.parameters == expected.parameters.replace(geodesic_exponent=turned)
    layer = press_run(widget)
    np.testing.assert_array_equal(layer.data, refine_labels(*sample, widget.parameters))


def test_other_sliders_leave_the_choice_to_the_labels(
    opened: tuple[Any, RefineWidget], press_run: PressRun, qtbot: Any, sample: Sample
) -> None:
    _, widget = opened
    qtbot.keyClick(number(widget, "theta_alpha").slider, Qt.Key.Key_PageDown)
    widget.controls.by_name["similarity"].box.setCurrentText("combined")
    assert weights(widget).box.currentText() == "auto"
    wanted = Refiner(*sample).run(AUTO.replace(theta_alpha=number(widget, "theta_alpha").value))
    np.testing.assert_array_equal(press_run(widget).data, wanted.labels)
    assert shown(widget) == values(wanted.parameters)


def test_restore_defaults_leaves_it_to_the_labels_again(
    opened: tuple[Any, RefineWidget], press_run: PressRun, qtbot: Any
) -> None:
    _, widget = opened
    press_run(widget)
    qtbot.keyClick(number(widget, "appearance_weight").slider, Qt.Key.Key_PageUp)
    assert widget.parameters.weights == "fixed"
    qtbot.mouseClick(widget.controls.restore_button, Qt.MouseButton.LeftButton)
    assert widget.parameters == AUTO
    assert shown(widget) == values(NONE_CHOSEN)
    assert widget.presets.box.currentText() == "auto"


def test_to_choose_auto_begins_from_the_defaults_and_fixed_keeps_what_is_shown(
    opened: tuple[Any, RefineWidget], press_run: PressRun, expected: Refinement
) -> None:
    _, widget = opened
    press_run(widget)
    weights(widget).box.setCurrentText("fixed")
    assert widget.parameters == expected.parameters
    weights(widget).box.setCurrentText("auto")
    assert widget.parameters == AUTO
    assert shown(widget) == values(NONE_CHOSEN)
    assert not number(widget, "texture_weight").reset_button.isEnabled()


def test_a_preset_chosen_by_hand_is_fixed(opened: tuple[Any, RefineWidget], press_run: PressRun) -> None:
    _, widget = opened
    box = widget.presets.box
    box.setCurrentText("default")
    box.activated.emit(box.currentIndex())
    assert widget.parameters == Parameters()
    press_run(widget)
    assert shown(widget) == values(Parameters())


def test_a_similarity_without_weights_to_choose_says_nothing_of_them(
    opened: tuple[Any, RefineWidget], press_run: PressRun
) -> None:
    _, widget = opened
    widget.controls.by_name["similarity"].box.setCurrentText("colour")
    assert not widget.controls.note.isVisibleTo(widget.controls)
    press_run(widget)
    assert shown(widget) == values(NONE_CHOSEN)
    assert "labels chose" not in widget.status


def test_what_a_run_chose_does_not_move_sliders_that_were_turned_meanwhile(
    opened: tuple[Any, RefineWidget], qtbot: Any
) -> None:
    _, widget = opened
    worker = widget.run()
    assert worker is not None
    number(widget, "appearance_weight").box.setValue(9)
    wait_until_ready(qtbot, widget)
    assert widget.parameters == NONE_CHOSEN.replace(appearance_weight=9)


@pytest.mark.parametrize("pixels", [5_000, 80_000], ids=["smaller", "full size"])
def test_live_looks_with_what_the_last_full_result_chose(
    dock: Dock, qtbot: Any, monkeypatch: pytest.MonkeyPatch, sample: Sample, expected: Refinement, pixels: int
) -> None:
    monkeypatch.setattr(budget, "FIRST_PIXELS", pixels)
    viewer, widget = dock(sample[0], sample[1].copy())
    seen: list[tuple[bool, dict[str, Any]]] = []

    def note(event: Any) -> None:
        if event.value.name == "strokes preview":
            event.value.events.data.connect(lambda: QTimer.singleShot(0, take))  # once all is said
            take()

    def take() -> None:
        about = viewer.layers["strokes preview"].metadata["napari_coarse_crf"]
        seen.append(("reason" in about, about["parameters"]))

    viewer.layers.events.inserted.connect(note)
    widget.run_bar.live.click()
    wait_until_settled(qtbot, widget)
    assert viewer.layers["strokes preview"].metadata["napari_coarse_crf"]["parameters"] == expected.parameters.to_dict()
    assert seen[0] == (False, NONE_CHOSEN.to_dict())  # nothing has chosen before
    qtbot.waitUntil(lambda: seen[-1] == (True, expected.parameters.to_dict()))
    assert shown(widget) == values(expected.parameters)
    assert widget.parameters == AUTO
    del seen[:]
    viewer.layers["strokes"].paint((60, 30), 1)
    wait_until_settled(qtbot, widget)
    qtbot.waitUntil(lambda: seen[-1] == (True, expected.parameters.to_dict()))
    assert seen[0] == (False, expected.parameters.to_dict())
    wanted = refine_labels(sample[0], viewer.layers["strokes"].data, expected.parameters)  # so little was painted
    np.testing.assert_array_equal(viewer.layers["strokes preview"].data, wanted)


def test_what_was_chosen_is_said_no_more_once_something_else_is_to_be_refined(
    opened: tuple[Any, RefineWidget], press_run: Callable[[RefineWidget], Any], sample: Sample
) -> None:
    viewer, widget = opened
    press_run(widget)
    assert "Your labels chose" in widget.controls.note.text()
    widget.scope.in_view.value = True
    assert "In each run your labels choose" in widget.controls.note.text()
    widget.scope.in_view.value = False
    press_run(widget)
    assert "Your labels chose" in widget.controls.note.text()
    viewer.add_labels(sample[1].copy(), name="others")
    widget.labels_layer.value = viewer.layers["others"]
    assert "In each run your labels choose" in widget.controls.note.text()


def test_what_live_shows_does_not_make_it_begin_again(
    opened: tuple[Any, RefineWidget], qtbot: Any, expected: Refinement
) -> None:
    viewer, widget = opened
    widget.run_bar.live.click()
    wait_until_settled(qtbot, widget)
    jobs: list[None] = []
    viewer.layers["strokes preview"].events.data.connect(lambda: jobs.append(None))
    qtbot.wait(600)  # longer than the hand rests
    assert not jobs
    assert widget.run_bar.keep.isEnabled()
    kept = widget.keep()
    assert kept is not None
    assert kept.metadata["napari_coarse_crf"]["parameters"] == expected.parameters.to_dict()


def test_slices_that_are_refined_each_on_their_own_take_one_choice(
    dock: Dock, press_run: PressRun, sample: Sample, expected: Refinement
) -> None:
    image, labels = sample
    few = np.zeros_like(labels)
    few[60, 30], few[60, 130] = 1, 2
    _, widget = dock(np.stack([image, image]), np.stack([labels, few]))
    widget.scope.mode.value = "each"
    layer = press_run(widget)
    assert layer.metadata["napari_coarse_crf"]["parameters"] == expected.parameters.to_dict()
    assert shown(widget) == values(expected.parameters)
    for strokes, refined in zip((labels, few), layer.data, strict=True):
        np.testing.assert_array_equal(refined, refine_labels(image, strokes, expected.parameters))


def test_labels_too_few_to_choose_by_leave_the_choice_to_the_next_run(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    labels = np.zeros_like(labels)
    labels[20, 8], labels[20, 50] = 1, 2
    _, widget = dock(image, labels, rgb=True)
    press_run(widget)
    assert "too few" in widget.controls.note.text()
    assert shown(widget) == values(NONE_CHOSEN)
    assert widget.parameters == AUTO


def test_next_place_goes_by_what_the_last_run_chose(
    opened: tuple[Any, RefineWidget], press_run: PressRun, qtbot: Any, expected: Refinement
) -> None:
    _, widget = opened
    press_run(widget)
    assert widget.setting.shown_parameters == expected.parameters
    widget.run_bar.next_place.click()
    qtbot.waitUntil(lambda: "Looking for" not in widget.status)
    assert "paint a stroke there" in widget.status or "in doubt" in widget.status


def test_saved_parameters_of_auto_come_back_as_auto(
    opened: tuple[Any, RefineWidget], press_run: PressRun, tmp_path: Path
) -> None:
    _, widget = opened
    press_run(widget)
    widget.presets.save(tmp_path / "mine.json")
    widget.parameters = Parameters.preset("paper")
    widget.presets.load(tmp_path / "mine.json")
    assert widget.parameters == AUTO

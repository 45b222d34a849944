"""The controls say what `Parameters.describe()` says, and keep what they are given."""

from __future__ import annotations

import re
from typing import Any

import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QApplication, QLabel

from napari_coarse_crf import Parameters
from napari_coarse_crf.judging.words import LEFT_TO_LABELS
from napari_coarse_crf.plugin.controls.parameter_control import NumberControl, OptionControl, from_slider, to_slider
from napari_coarse_crf.plugin.controls.parameters import ParameterControls

DESCRIPTIONS = Parameters.describe()
AUTO = Parameters.preset("auto")
NUMBERS = [name for name, description in DESCRIPTIONS.items() if not description.choices]


@pytest.fixture
def controls(qtbot: Any) -> ParameterControls:
    controls = ParameterControls()
    qtbot.addWidget(controls)
    return controls


def number(controls: ParameterControls, name: str) -> NumberControl:
    control = controls.by_name[name]
    assert isinstance(control, NumberControl)
    return control


def test_every_parameter_has_a_control_in_the_order_of_its_description(controls: ParameterControls) -> None:
    assert list(controls.by_name) == list(DESCRIPTIONS)
    assert controls.parameters == AUTO


@pytest.mark.parametrize("name", NUMBERS)
def test_the_range_unit_and_help_are_those_of_the_description(controls: ParameterControls, name: str) -> None:
    control, description = number(controls, name), DESCRIPTIONS[name]
    assert (control.box.minimum(), control.box.maximum()) == (description.low, description.high)
    assert control.box.suffix().strip() == description.unit
    assert description.help_text in control.box.toolTip()
    assert description.help_text in control.slider.toolTip()
    for end, value in ((control.slider.minimum(), description.low), (control.slider.maximum(), description.high)):
        control.slider.setValue(end)
        assert control.value == value


@pytest.mark.parametrize("name", [name for name in NUMBERS if DESCRIPTIONS[name].high <= 1])
def test_the_tooltip_of_a_share_says_that_it_is_a_probability(controls: ParameterControls, name: str) -> None:
    assert "probability" in number(controls, name).box.toolTip()


def test_a_list_of_options_offers_what_the_description_allows(controls: ParameterControls) -> None:
    control = controls.by_name["similarity"]
    assert isinstance(control, OptionControl)
    offered = tuple(control.box.itemText(row) for row in range(control.box.count()))
    assert offered == DESCRIPTIONS["similarity"].choices
    assert DESCRIPTIONS["similarity"].help_text in control.box.toolTip()


def test_a_logarithmic_slider_spreads_decades_evenly() -> None:
    description = DESCRIPTIONS["theta_alpha"]  # 1 to 1000 px
    assert [from_slider(step, description) for step in (0, 333, 667, 1000)] == pytest.approx(
        [1, 10, 100, 1000], rel=0.01
    )


def test_a_logarithmic_slider_from_zero_begins_with_single_pixels() -> None:
    description = DESCRIPTIONS["smallest_part"]  # 0 to 100,000 pixels
    assert [round(from_slider(step, description)) for step in (0, 61, 200, 600, 1000)] == [0, 1, 9, 999, 100_000]


@pytest.mark.parametrize("name", NUMBERS)
def test_the_slider_stands_where_its_value_is(name: str) -> None:
    description = DESCRIPTIONS[name]
    for step in (0, 250, 500, 1000):
        # Three digits are kept of a value, which moves the slider by a few of its 1000 steps at most.
        assert to_slider(from_slider(step, description), description) == pytest.approx(step, abs=5)


def test_dragging_typing_and_choosing_change_the_parameters(controls: ParameterControls, qtbot: Any) -> None:
    changes: list[Parameters] = []
    controls.changed.connect(lambda: changes.append(controls.parameters))
    box = number(controls, "theta_alpha").box
    box.lineEdit().selectAll()
    qtbot.keyClicks(box, "80")
    qtbot.keyClick(box, Qt.Key.Key_Return)
    number(controls, "iterations").slider.setValue(0)
    controls.by_name["similarity"].box.setCurrentText("joint")
    assert [(p.theta_alpha, p.iterations, p.similarity) for p in changes] == [
        (80.0, 10, "combined"),
        (80.0, 1, "combined"),
        (80.0, 1, "joint"),
    ]


@pytest.mark.parametrize(("typed", "taken"), [("99999", 1000.0), ("0", 1.0), ("80 px", 80.0), ("x", 160.0)])
def test_what_is_typed_beyond_the_range_becomes_its_end(
    controls: ParameterControls, qtbot: Any, typed: str, taken: float
) -> None:
    control = number(controls, "theta_alpha")
    assert Parameters().theta_alpha == 160
    control.box.selectAll()
    qtbot.keyClicks(control.box, typed)
    qtbot.keyClick(control.box, Qt.Key.Key_Return)
    assert control.value == taken
    assert control.box.text() == f"{taken:g} px"


def test_no_two_controls_have_one_name(controls: ParameterControls) -> None:
    names = [control.box.accessibleName() for control in controls.by_name.values()]
    names += [control.reset_button.accessibleName() for control in controls.by_name.values()]
    assert len(set(names)) == len(names)
    assert "Weight, smoothness kernel" in names


def test_parameters_come_back_with_every_digit(controls: ParameterControls) -> None:
    # The box shows four digits after the point; a script that sets more gets the pixels it asked for.
    wanted = Parameters(theta_alpha=123.456789, tolerance=1e-7, iterations=7, similarity="kernel")
    controls.parameters = wanted
    assert controls.parameters == wanted


def test_setting_parameters_tells_once(controls: ParameterControls) -> None:
    changes: list[None] = []
    controls.changed.connect(lambda: changes.append(None))
    controls.parameters = Parameters.preset("paper")
    controls.parameters = Parameters.preset("paper")
    assert len(changes) == 1


def test_restore_defaults_puts_everything_back(controls: ParameterControls) -> None:
    controls.parameters = Parameters.preset("paper")
    controls.restore_button.click()
    assert controls.parameters == AUTO


@pytest.mark.parametrize("name", ["theta_alpha", "iterations", "similarity"])
def test_every_control_goes_back_to_its_default_on_its_own(controls: ParameterControls, name: str) -> None:
    control = controls.by_name[name]
    assert not control.reset_button.isEnabled()
    controls.parameters = Parameters.preset("paper").replace(iterations=3)
    control.reset_button.click()
    assert controls.parameters == Parameters.preset("paper").replace(**{"iterations": 3, name: control.value})
    assert control.value == getattr(Parameters(), name)
    assert not control.reset_button.isEnabled()


def test_other_defaults_are_shown_at_first_and_gone_back_to(qtbot: Any) -> None:
    controls = ParameterControls(Parameters.preset("paper"))
    qtbot.addWidget(controls)
    assert controls.parameters == Parameters.preset("paper")
    assert "default 80" in number(controls, "theta_alpha").box.toolTip()
    controls.parameters = Parameters()
    number(controls, "theta_alpha").reset_button.click()
    assert controls.parameters.theta_alpha == 80
    controls.restore_button.click()
    assert controls.parameters == Parameters.preset("paper")


def test_the_box_shows_no_needless_zeros(controls: ParameterControls) -> None:
    assert number(controls, "theta_alpha").box.text() == "160 px"
    assert number(controls, "iterations").box.text() == "10 steps"
    controls.parameters = Parameters(theta_gamma=2.5)
    assert number(controls, "theta_gamma").box.text() == "2.5 px"


def test_the_less_used_controls_are_folded_away_and_open_on_a_click(controls: ParameterControls, qtbot: Any) -> None:
    controls.show()
    geodesic, kernel = number(controls, "geodesic_scale"), number(controls, "theta_alpha")
    folded = controls.advanced.content()
    assert folded.isAncestorOf(geodesic)
    assert not folded.isAncestorOf(kernel)
    assert folded.height() == 0
    controls.advanced.toggleButton().click()
    qtbot.waitUntil(lambda: folded.height() > 100)


def test_the_wheel_scrolls_past_a_control_without_changing_it(controls: ParameterControls) -> None:
    controls.show()
    control = number(controls, "theta_alpha")
    for widget in (control.box, control.slider, controls.by_name["similarity"].box):
        turn = QWheelEvent(
            QPointF(5, 5), QPointF(5, 5), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(widget, turn)
    assert controls.parameters == AUTO


@pytest.mark.parametrize("similarity", DESCRIPTIONS["similarity"].choices)
def test_what_the_similarity_does_not_use_is_grey_and_says_why(controls: ParameterControls, similarity: str) -> None:
    controls.by_name["similarity"].value = similarity
    of_heatmap = [name for name in NUMBERS if DESCRIPTIONS[name].section == "heatmap"]
    for name in of_heatmap:
        *_, named = re.findall(r"\(([a-z, ]+)\)", DESCRIPTIONS[name].help_text)  # the help names who uses it
        control, is_used = number(controls, name), similarity in named.split(", ")
        assert control.isEnabled() == control.slider.isEnabled() == is_used
        assert (f"The similarity '{similarity}' does not use this." in control.slider.toolTip()) != is_used
        assert DESCRIPTIONS[name].help_text in control.box.toolTip()


def test_the_distances_of_a_kernel_without_weight_are_grey(controls: ParameterControls) -> None:
    controls.parameters = Parameters(appearance_weight=0)
    grey = [name for name in NUMBERS if name.startswith("theta") and not number(controls, name).isEnabled()]
    assert grey == ["theta_alpha", "theta_beta"]
    assert "its weight is 0" in number(controls, "theta_beta").box.toolTip()
    number(controls, "appearance_weight").value = 2
    assert number(controls, "theta_beta").isEnabled()


def test_how_large_a_part_must_be_is_grey_where_a_stroke_decides(controls: ParameterControls) -> None:
    assert number(controls, "smallest_part").isEnabled()
    controls.by_name["keep_parts"].value = "labelled"
    assert not number(controls, "smallest_part").isEnabled()
    assert number(controls, "fill_holes").isEnabled()


def test_what_the_labels_choose_is_marked_until_a_person_turns_one(controls: ParameterControls) -> None:
    def marked() -> set[str]:
        return {name for name in NUMBERS if number(controls, name).auto.isVisibleTo(number(controls, name))}

    assert marked() == set(LEFT_TO_LABELS)
    controls.show()
    width = number(controls, "appearance_weight").slider.width()
    assert "Your labels choose this" in number(controls, LEFT_TO_LABELS[0]).box.toolTip()
    assert "'auto' below" in controls.note.text()
    number(controls, LEFT_TO_LABELS[0]).box.stepUp()
    assert marked() == set()
    assert number(controls, "appearance_weight").slider.width() == width  # it is under the pointer
    assert "Your labels choose this" not in number(controls, LEFT_TO_LABELS[0]).box.toolTip()
    controls.parameters = AUTO
    assert marked() == set(LEFT_TO_LABELS)
    controls.by_name["similarity"].value = "geodesic"
    assert marked() == set()


def test_every_section_says_what_it_is_about(controls: ParameterControls) -> None:
    headings = [label for label in controls.findChildren(QLabel) if label.text().startswith("<b>")]
    sections = {description.section.capitalize() for description in DESCRIPTIONS.values()}
    assert {label.text().removeprefix("<b>").removesuffix("</b>") for label in headings} == sections
    assert all(label.toolTip() for label in headings)

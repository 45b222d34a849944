"""What the labels choose: the defaults, unless hidden labels speak for another set of weights."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
from scipy import ndimage as ndi

from napari_coarse_crf import Parameters, Refiner, evaluate_labels, refine_labels
from napari_coarse_crf.judging.choosing import NOTHING_TO_TRY, TOO_FEW, choose
from napari_coarse_crf.judging.look import CANDIDATES, Finding, Findings
from tests.test_texture import _woven

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari_coarse_crf import Progress

Array = np.ndarray[Any, Any]
AUTO = Parameters.preset("auto")
NONE_CHOSEN = AUTO.replace(weights="fixed")
QUICK = AUTO.replace(iterations=1)


def _image() -> Array:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 40, (90, 120, 3)).astype(np.uint8)
    image[:, 60:] += 90
    image[30:60] += 60
    return image


def _labels() -> Array:
    labels = np.zeros((90, 120), np.int64)
    labels[5:25, 10:14], labels[70:85, 20:24] = 3, 3
    labels[5:25, 100:104], labels[70:85, 90:94] = 7, 7
    labels[40:44, 10:110] = 70000
    return labels


def _membranes(noise: float = 18, side: int = 200, scale: int = 1) -> tuple[Array, Array, Array]:
    """Return an image of dark lines between bright cells, strokes on few lines and many cells, and the truth."""
    truth = np.full((side, side), 2, np.uint8)
    for row in range(4):
        truth[row::14], truth[:, row::14] = 1, 1
    labels = np.zeros_like(truth)
    for row in (9, 10):
        labels[row::14, 6:190] = np.where(truth[row::14, 6:190] == 2, 2, 0)
    labels[1, 20:60], labels[141:143, 90:130], labels[60:90, 71] = 1, 1, 1
    truth, labels = (np.kron(array, np.ones((scale, scale), np.uint8)) for array in (truth, labels))
    grain = np.random.default_rng(5).normal(0, noise, truth.shape)
    return np.clip(np.where(truth == 1, 90, 150) + grain, 0, 255).astype(np.uint8), labels, truth


def _found(
    promises: dict[str, float],
    hidden: dict[str, float] | None = None,
    n_ways: int = 3,
    *,
    alike: bool = False,
) -> Findings:
    """Return what was found where some sets promise a gain and find hidden labels better, in every way."""
    hidden = hidden or {}
    sets = {
        name: Finding(promises.get(name, -0.05), hidden.get(name, -0.05), hidden.get(name, -0.05))
        for name in ("firm paths", "colour alone", *promises)
    }
    return Findings(sets, n_ways, alike)


def _choice(image: Array, labels: Array, **options: Any) -> tuple[Parameters, str]:
    """Return what the labels choose, and why."""
    refinement = Refiner(image, labels, **options).run(QUICK)
    return refinement.parameters, refinement.reason


def test_only_a_clear_promise_moves_the_weights() -> None:
    clear = choose(_found({"firm paths": 0.04, "colour alone": 0.01}), Parameters(theta_alpha=80))
    assert clear.parameters == Parameters(theta_alpha=80, **CANDIDATES["firm paths"])
    assert "Clearly better" in clear.reason
    assert "+0.040" in clear.reason
    for doubtful in (_found({"firm paths": 0.02}), _found({"firm paths": -0.1, "colour alone": -0.2})):
        assert choose(doubtful, Parameters()).parameters == Parameters()
        assert "stay" in choose(doubtful, Parameters()).reason


def test_firm_paths_are_taken_where_they_never_find_less_and_colour_alone_where_it_finds_much_more() -> None:
    def chosen(found: Findings) -> Parameters:
        return choose(found, Parameters()).parameters

    assert chosen(_found({}, {"firm paths": 0.0})).geodesic_exponent == 8
    assert chosen(_found({}, {"firm paths": -0.01})) == Parameters()
    assert chosen(_found({}, {"colour alone": 0.07})) == Parameters()
    colour = choose(_found({}, {"colour alone": 0.09, "firm paths": 0.01}), Parameters())
    assert colour.parameters.geodesic_exponent == 0
    assert "+0.090" in colour.reason
    assert chosen(_found({"firm paths": -0.06}, {"firm paths": 0.0})) == Parameters()
    assert chosen(_found({}, {"firm paths": 0.3}, n_ways=1)) == Parameters()
    assert chosen(_found({"colour alone": 0.05}, {"firm paths": 0.2})).geodesic_exponent == 0


def test_straight_paths_are_taken_where_hidden_labels_do_not_speak_against_them() -> None:
    rims = choose(_found({"straight paths": -0.01}, {"firm paths": 0.01}), Parameters())
    assert rims.parameters == Parameters(**CANDIDATES["straight paths"])
    assert "rims" in rims.reason
    against = choose(_found({"straight paths": -0.03}, {"firm paths": 0.01}), Parameters())
    assert against.parameters == Parameters(**CANDIDATES["firm paths"])


def test_among_labels_that_look_alike_straight_paths_must_find_more_whatever_they_promise() -> None:
    more, less = (_found({"straight paths": -0.2}, {"straight paths": gain}, alike=True) for gain in (0.02, 0.005))
    taken = choose(more, Parameters())
    assert taken.parameters == Parameters(**CANDIDATES["straight paths"])
    assert "+0.020" in taken.reason
    assert choose(less, Parameters()).parameters == Parameters()


def test_where_nothing_was_worth_a_second_look_the_defaults_stay() -> None:
    assert choose(Findings({}, 3), Parameters()).parameters == Parameters()


def test_a_blurred_thing_between_generous_polygons_ends_midway() -> None:
    rows, columns = np.mgrid[:120, :160]
    away = np.hypot(rows - 60, columns - 80)
    truth = np.where(away < 35, 2, 1).astype(np.uint8)
    grain = np.random.default_rng(3).normal(0, 4, truth.shape)
    blurred = 90 + 80 / (1 + np.exp((away - 27) / 6)) + grain  # it looks smaller than it is
    image = np.clip(blurred, 0, 255).astype(np.uint8)
    labels = np.where(away < 25, 2, np.where(away > 45, 1, 0)).astype(np.uint8)
    refinement = Refiner(image, labels).run()
    assert refinement.parameters.geodesic_colour_weight == 0
    straight, fixed = (
        np.mean(refined[labels == 0] == truth[labels == 0])
        for refined in (refinement.labels, refine_labels(image, labels, Parameters()))
    )
    assert straight > 0.88
    assert straight > fixed + 0.02


def _cells(*, membranes: bool) -> tuple[Array, Array, Array]:
    """Return a tissue of cells with a stroke each on every third plane: image, labels, truth.

    Membranes are bright where they are seen; else what is seen has nothing to do with the cells.
    """
    rng = np.random.default_rng(5)
    shape = (14, 72, 72)
    z, y, x = np.mgrid[: shape[0], : shape[1], : shape[2]]
    centres = rng.random((24, 3)) * shape
    away = np.sqrt([(3 * (z - a)) ** 2 + (y - b) ** 2 + (x - c) ** 2 for a, b, c in centres])
    truth = (away.argmin(axis=0) + 1).astype(np.uint8)
    nearest, second = np.sort(away, axis=0)[:2]
    if membranes:
        grey = 40 + 100 * np.exp(-(((second - nearest) / 3) ** 2)) + rng.normal(0, 40, shape)
    else:
        grey = 110 + 700 * ndi.gaussian_filter(rng.normal(size=shape), (1, 3, 3))
    labels = np.zeros(shape, np.uint8)
    for plane in range(1, shape[0], 3):
        for cell in np.unique(truth[plane]):
            where = np.argwhere(truth[plane] == cell)
            row, column = where[np.square(where - where.mean(axis=0)).sum(axis=1).argmin()]
            stroke = np.s_[plane, max(0, row - 1) : row + 2, max(0, column - 5) : column + 6]
            labels[stroke][truth[stroke] == cell] = cell
    return np.clip(grey, 0, 255).astype(np.uint8), labels, truth


def test_cells_that_look_alike_are_told_apart_by_straight_paths_unless_membranes_are_seen() -> None:
    image, labels, truth = _cells(membranes=False)
    refiner = Refiner(image, labels, spacing=(3, 1, 1))
    refinement, fixed = refiner.run(), refiner.run(Parameters())
    assert refinement.parameters.geodesic_colour_weight == 0
    assert "colours hardly tell" in refinement.reason
    assert evaluate_labels(refinement.labels, truth).mean_iou > evaluate_labels(fixed.labels, truth).mean_iou + 0.02
    seen, _, _ = _cells(membranes=True)
    assert Refiner(seen, labels, spacing=(3, 1, 1)).run().parameters.geodesic_colour_weight > 0


def test_of_a_volume_with_few_labels_only_the_weight_of_texture_is_chosen() -> None:
    image, labels, _ = _cells(membranes=True)
    few = np.where(labels == 0, 0, 1 + labels % 2)
    refinement = Refiner(image, few, spacing=(3, 1, 1)).run()
    assert refinement.parameters.replace(texture_weight=0.0) == NONE_CHOSEN
    assert refinement.reason == NOTHING_TO_TRY


def test_a_run_without_parameters_takes_what_the_labels_choose_and_says_so() -> None:
    image, labels, truth = _membranes()
    refinement = Refiner(image, labels).run()
    assert refinement.parameters.weights == "fixed"
    assert refinement.parameters != NONE_CHOSEN
    assert refinement.reason
    np.testing.assert_array_equal(refinement.labels, refine_labels(image, labels))
    np.testing.assert_array_equal(refinement.labels, refine_labels(image, labels, "auto"))
    np.testing.assert_array_equal(refinement.labels, refine_labels(image, labels, refinement.parameters))
    before, after = (
        evaluate_labels(refined, truth).mean_iou
        for refined in (refine_labels(image, labels, Parameters()), refinement.labels)
    )
    assert after > before + 0.1


def test_explicit_parameters_are_taken_at_their_word() -> None:
    image, labels, _ = _membranes()
    refinement = Refiner(image, labels).run(Parameters())
    assert refinement.parameters == Parameters()
    assert refinement.reason == ""


def test_what_texture_is_worth_is_part_of_the_choice() -> None:
    image, labels, truth = _woven()
    refinement = Refiner(image, labels).run()
    assert 0.3 < refinement.parameters.texture_weight <= 0.5
    assert np.mean(refinement.labels == truth) > np.mean(refine_labels(image, labels, Parameters()) == truth) + 0.05


def test_all_but_the_weights_stays_as_it_is() -> None:
    asked = AUTO.replace(theta_alpha=50.0, smallest_part=7, iterations=3)
    chosen = Refiner(_image(), _labels()).run(asked).parameters
    weights = {name for changes in CANDIDATES.values() for name in changes} | {"texture_weight", "weights"}
    for name, value in asked.to_dict().items():
        assert name in weights or getattr(chosen, name) == value


@pytest.mark.parametrize("similarity", ["joint", "kernel", "geodesic", "colour"])
def test_forms_without_such_weights_have_nothing_to_choose(similarity: Any) -> None:
    refinement = Refiner(_image(), _labels()).run(AUTO.replace(similarity=similarity))
    assert refinement.parameters == NONE_CHOSEN.replace(similarity=similarity)
    assert refinement.reason == ""


def test_too_few_labels_keep_the_defaults_and_say_so() -> None:
    labels = np.zeros((90, 120), np.uint8)
    labels[3, 3], labels[80, 100] = 1, 2
    refinement = Refiner(_image(), labels).run()
    assert refinement.parameters == NONE_CHOSEN
    assert refinement.reason == TOO_FEW


def test_thin_strokes_on_a_large_image_are_not_lost() -> None:
    image = np.tile(_image(), (12, 10, 1))
    labels = np.zeros(image.shape[:2], np.uint8)
    for row in range(0, 1080, 30):
        labels[row + 1, 130:500], labels[row + 2, 700:1100] = 1, 2  # step 3 would see neither of these rows
    assert Refiner(image, labels).run(QUICK).reason != TOO_FEW


def test_labels_outside_the_mask_say_nothing() -> None:
    image, labels, _ = _membranes(scale=2)
    mask = np.ones(labels.shape, np.bool_)
    mask[300:] = False
    swapped, stray = labels.copy(), labels.copy()
    swapped[300:] = np.array([0, 2, 1], labels.dtype)[labels[300:]]
    stray[350:360, 50:200] = 9
    found = _choice(image, labels, mask=mask)
    assert _choice(image, swapped, mask=mask) == _choice(image, stray, mask=mask) == found
    assert _choice(image, np.array([0, 50, 70])[labels], mask=mask) == found
    cropped, _ = _choice(image[:300], labels[:300], contrast_limits=(0, 255))
    assert cropped.geodesic_exponent == found[0].geodesic_exponent == 0


def test_a_few_pixels_more_do_not_change_the_choice() -> None:
    image, labels, _ = _membranes(side=260, scale=2)
    full, thinned = (_choice(image[:side, :side], labels[:side, :side])[0] for side in (256, 258))
    assert thinned.replace(texture_weight=full.texture_weight) == full
    assert thinned.texture_weight == pytest.approx(full.texture_weight, abs=0.05)


def test_channels_first_choose_as_channels_last() -> None:
    image, labels = _image(), _labels()
    assert _choice(np.moveaxis(image, -1, 0), labels, channel_axis=0) == _choice(image, labels)


def test_a_look_leaves_image_and_labels_as_they_are() -> None:
    image, labels = _image(), _labels()
    Refiner(image, labels).run(QUICK)
    np.testing.assert_array_equal(image, _image())
    np.testing.assert_array_equal(labels, _labels())


def test_the_choice_stays_until_the_labels_have_changed_much() -> None:
    image, labels, _ = _membranes()
    refiner = Refiner(image, labels)
    first = refiner.run()

    def looks() -> bool:
        return any(step.stage == "weights" and step.step == 0 and step.total for step in refiner.steps())

    assert looks()  # it is asked, and answers at once
    chosen = refiner._chosen
    touched = labels.copy()
    touched[120, 100:110] = 2
    refiner.update_labels(touched)
    assert refiner.run().parameters == first.parameters
    assert refiner._chosen is chosen
    turned = np.where(labels == 0, 0, 3 - labels).astype(labels.dtype)
    refiner.update_labels(turned)
    refiner.run()
    assert refiner._chosen is not chosen


def test_the_number_of_threads_and_the_ids_do_not_matter() -> None:
    image, labels, _ = _membranes()
    alone, three = (Refiner(image, labels, workers=workers).run() for workers in (1, 3))
    np.testing.assert_array_equal(alone.labels, three.labels)
    assert alone.reason == three.reason
    renamed = np.array([0, 50, 70])[labels]
    assert Refiner(image, renamed).run().parameters == alone.parameters


def test_a_look_can_be_stopped_within() -> None:
    image, labels, _ = _membranes()
    refiner = Refiner(image, labels)
    with closing(cast("Generator[Progress]", refiner.steps())) as steps:
        assert [next(steps).stage for _ in range(2)] == ["weights"] * 2
    assert refiner._chosen is None
    np.testing.assert_array_equal(refiner.run().labels, refine_labels(image, labels))

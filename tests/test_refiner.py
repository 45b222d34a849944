"""One problem, again and again: steps, caches, updated labels, and what a Refinement tells."""

from __future__ import annotations

import sys
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any, get_args

import numpy as np
import pytest

from napari_coarse_crf import CoarseCRFError, InputError, Parameters, Progress, Refinement, Refiner
from napari_coarse_crf.similarity import Similarity
from tests import oracles
from tests.helpers import mean_field, with_probability

QUICK = Parameters(iterations=3, theta_alpha=30)
STAGES = ["heatmap", "appearance kernel", "smoothness kernel", "mean field"]


def _image() -> np.ndarray:
    """Return three noisy stripes of different colour."""
    rng = np.random.default_rng(7)
    stripe = np.indices((26, 43))[1] * 3 // 43
    return (70 * stripe[..., None] + rng.integers(0, 60, (26, 43, 3))).astype(np.uint8)


def _labels() -> np.ndarray:
    labels = np.zeros((26, 43), np.int64)
    labels[5:8, 3:9], labels[15, 18:24], labels[3:20, 38] = 3, 70000, 2**40
    return labels


def _other_labels() -> np.ndarray:
    labels = _labels()
    labels[labels == 3] = 0
    labels[22:, 2:5], labels[1, 20:30] = 9, 70000
    return labels


def _assert_same(found: Refinement, expected: Refinement) -> None:
    assert np.array_equal(found.labels, expected.labels)
    assert found.confidence.tobytes() == expected.confidence.tobytes()
    assert found.label_counts == expected.label_counts
    assert (found.iterations, found.warnings, found.parameters) == (
        expected.iterations, expected.warnings, expected.parameters,
    )  # fmt: skip


def _fresh(parameters: Parameters, labels: np.ndarray | None = None) -> Refinement:
    return Refiner(_image(), _labels() if labels is None else labels).run(parameters)


# --- The whole way ---------------------------------------------------------------------------------------------------


def _volume() -> tuple[np.ndarray, np.ndarray]:
    """Return planes of the same stripes, a label in each, in planes of their own."""
    labels = np.stack([np.where(_labels() == label_id, label_id, 0) for label_id in (3, 70000, 0, 2**40)])
    return np.stack([_image()] * 4), labels


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("anisotropic", [False, True])
@pytest.mark.parametrize("label_confidence", [1.0, 0.8])
def test_a_refinement_is_mean_field_from_the_heatmap_over_both_kernels(
    ndim: int, anisotropic: bool, label_confidence: float
) -> None:
    # The features are written out here: x, y, z in pixels of the finest axis, then colours.
    image, labels = (_image(), _labels()) if ndim == 2 else _volume()
    spacing = (3.0, 1.0, 1.5)[:ndim] if anisotropic else None
    parameters = QUICK.replace(label_confidence=label_confidence)
    refiner = Refiner(image, labels, spacing=spacing)
    xy, rgb = oracles.positions(labels.shape, spacing), oracles.colours(image, ndim)
    clamped = np.searchsorted(refiner.label_ids, labels.reshape(-1))
    clamped[(labels.reshape(-1) == 0) | (label_confidence < 1)] = -1
    found = mean_field(
        -np.log(np.maximum(refiner.heatmap(parameters).reshape(3, -1).T, 1e-30)),
        [(2.0, np.hstack([xy / 30, rgb / 8])), (3.0, xy / 3)],
        iterations=3,
        clamped=clamped,
    )
    refinement = with_probability(refiner, parameters)
    free = clamped < 0
    # Sums over pixels in another order, in float32.
    np.testing.assert_allclose(refinement.confidence.reshape(-1)[free], found.confidence, atol=1e-3)
    open_now = labels.reshape(-1)[free] == 0
    same = refinement.labels.reshape(-1)[free] == refiner.label_ids[found.best]
    assert same[open_now].mean() > 0.999


def test_a_volume_of_unlike_spacing_is_labelled_as_by_exact_sums() -> None:
    # From strokes to labels by brute force. Lattices are a tenth off, which turns a pixel in two hundred.
    rng = np.random.default_rng(3)
    shape, spacing = (5, 12, 11), (3.0, 1.0, 1.0)
    z, y, x = np.indices(shape)
    ball = np.hypot(3 * (z - 2), np.hypot(y - 6, x - 4)) < 5
    image = (40 * ball + rng.integers(0, 120, shape)).astype(np.uint8)
    labels = np.where(rng.random(shape) < 0.06, np.where(ball, 9, 4), 0)
    parameters = Parameters(
        similarity="joint", heatmap_distance=1.5, heatmap_colour=60, theta_alpha=4, theta_beta=40, theta_gamma=1.5,
        appearance_weight=1, smoothness_weight=1,
    )  # fmt: skip
    xy, grey = oracles.positions(shape, spacing), oracles.colours(image, 3)
    heatmap = oracles.softmax(oracles.joint_logits(xy, grey, labels, distance=1.5, colour=60))
    kernels = [
        (1.0, oracles.gaussian_matrix(np.hstack([xy / 4, grey / 40]), normalise=True)),
        (1.0, oracles.gaussian_matrix(xy / 1.5, normalise=True)),
    ]
    clamped = np.searchsorted([4, 9], labels.reshape(-1)) - (labels.reshape(-1) == 0)
    exact = oracles.mean_field(-np.log(heatmap), kernels, parameters.iterations, clamped)
    wanted = np.array([4, 9])[exact.argmax(axis=1)].reshape(shape)
    found, unlike = (Refiner(image, labels, spacing=sizes).run(parameters).labels for sizes in (spacing, None))
    assert np.mean(found != wanted) < 0.015
    before = np.array([4, 9])[heatmap.argmax(axis=1)].reshape(shape)
    for mistaken in (unlike, before):
        assert np.mean(mistaken != wanted) > 0.045


def test_the_answer_is_visible_by_eye() -> None:
    refined = _fresh(Parameters()).labels
    stripe = np.indices((26, 43))[1] * 3 // 43
    wanted = np.array([3, 70000, 2**40])[stripe]
    assert (refined == wanted).mean() > 0.97


@pytest.mark.parametrize("similarity", get_args(Similarity))
def test_every_similarity_labels_every_pixel(similarity: Similarity) -> None:
    refinement = _fresh(QUICK.replace(similarity=similarity))
    assert (refinement.labels != 0).all()
    assert np.isfinite(refinement.confidence).all()


def test_more_labels_than_a_byte_holds_stay_apart() -> None:
    rng = np.random.default_rng(0)
    ids = rng.choice(np.arange(1, 60_000), 300, replace=False)
    labels = np.zeros((40, 61), np.uint16)
    labels.reshape(-1)[rng.choice(labels.size, 300, replace=False)] = ids
    refinement = Refiner(rng.integers(0, 255, labels.shape, dtype=np.uint8), labels).run(QUICK)
    assert set(np.unique(refinement.labels)) == set(ids.tolist())
    assert np.array_equal(refinement.labels[labels != 0], labels[labels != 0])


# --- What a Refinement tells -----------------------------------------------------------------------------------------


def test_confidence_is_a_probability_and_on_the_persons_own_pixels_what_they_say_themselves() -> None:
    confidence = _fresh(QUICK).confidence
    assert confidence.dtype == np.float32
    assert ((confidence > 0) & (confidence <= 1)).all()
    assert (confidence[_labels() != 0] == 1).all()
    assert (confidence[_labels() == 0] < 1).all()
    assert confidence.min() < 0.95
    doubted = _fresh(QUICK.replace(label_confidence=0.5))
    assert (doubted.confidence[_labels() != 0] == 0.5).all()


def test_doubted_labels_stay_in_the_result() -> None:
    labels = _labels()
    labels[10, 40] = 3  # a slip of the pen in the third stripe
    parameters = Parameters(label_confidence=0.5, theta_alpha=30)
    refined = Refiner(_image(), labels).run(parameters).labels
    assert np.array_equal(refined[labels != 0], labels[labels != 0])
    around = refined[8:13, 40:43]
    assert np.count_nonzero(around == 3) == 1  # but misleads nobody


def test_pixels_below_the_wanted_confidence_stay_unlabelled() -> None:
    everything = _fresh(QUICK)
    bound = float(np.median(everything.confidence[_labels() == 0]))
    sure = _fresh(QUICK.replace(min_confidence=bound))
    left_out = (everything.confidence < bound) & (_labels() == 0)
    assert left_out.sum() > 100
    assert np.array_equal(sure.labels, np.where(left_out, 0, everything.labels))
    assert sure.confidence.tobytes() == everything.confidence.tobytes()


def test_label_counts_are_pixels_before_and_after() -> None:
    refinement = _fresh(QUICK.replace(min_confidence=0.99))
    assert (refinement.labels == 0).any()
    expected = {
        label_id: (int((_labels() == label_id).sum()), int((refinement.labels == label_id).sum()))
        for label_id in (3, 70000, 2**40)
    }
    assert refinement.label_counts == expected
    assert all(type(label_id) is int for label_id in refinement.label_counts)


def test_a_label_that_takes_nothing_is_told() -> None:
    # Two pixels of label 5, walled in by label 3.
    labels = _labels()
    labels[20:25, 2:7] = 3
    labels[22, 4] = 5
    refinement = Refiner(_image(), labels).run(QUICK)
    assert refinement.label_counts[5] == (1, 1)
    (sentence,) = refinement.warnings
    assert sentence.startswith(
        f"Label 5 took none of the {np.count_nonzero(labels == 0)} unlabelled pixels: paint more"
    )
    assert _fresh(QUICK).warnings == ()


@pytest.mark.parametrize("ids", [[1, 2], [9]], ids=["two labels", "one label"])
def test_a_full_label_map_comes_back_as_it_is(ids: list[int]) -> None:
    labels = np.resize(np.array(ids, np.uint8), (26, 43))
    refinement = Refiner(_image(), labels).run(QUICK)
    assert np.array_equal(refinement.labels, labels)
    assert not np.shares_memory(refinement.labels, labels)
    assert (refinement.confidence == 1).all()
    assert refinement.iterations == 0
    assert refinement.label_counts == {label_id: (int((labels == label_id).sum()),) * 2 for label_id in ids}
    (sentence,) = refinement.warnings
    assert "has a label already: the labels are returned as they are" in sentence
    assert np.array_equal(Refiner(_image(), labels).heatmap().argmax(axis=0), labels - min(ids))


def test_a_refinement_owns_its_arrays() -> None:
    labels = _labels()
    refiner = Refiner(_image(), labels)
    first = refiner.run(QUICK)
    kept_labels, kept_confidence = first.labels.copy(), first.confidence.copy()
    labels[:] = 3  # the caller's array
    second = refiner.run(QUICK)
    second.labels[:], second.confidence[:] = -1, -1
    refiner.heatmap(QUICK)[:] = 5
    refiner.label_ids[:] = 0
    other = _other_labels()
    refiner.update_labels(other)
    other[:] = 9
    _assert_same(refiner.run(QUICK), _fresh(QUICK, _other_labels()))
    assert np.array_equal(first.labels, kept_labels)
    assert np.array_equal(first.confidence, kept_confidence)
    refiner.update_labels(_labels())
    _assert_same(refiner.run(QUICK), first)


# --- Iterations and tolerance ----------------------------------------------------------------------------------------


def test_all_iterations_run_without_a_tolerance() -> None:
    assert _fresh(QUICK.replace(iterations=37)).iterations == 37


def test_a_tolerance_stops_early_and_close_to_the_end() -> None:
    long = _fresh(QUICK.replace(iterations=100))
    stopped = _fresh(QUICK.replace(iterations=100, tolerance=0.001))
    assert 1 < stopped.iterations < 60
    assert (stopped.labels == long.labels).mean() > 0.999
    assert np.abs(stopped.confidence - long.confidence).max() < 0.05  # changes of 0.001 still add up
    assert _fresh(QUICK.replace(iterations=100, tolerance=0.2)).iterations < stopped.iterations


# --- Caches ----------------------------------------------------------------------------------------------------------

CHANGES: list[dict[str, Any]] = [
    {"appearance_weight": 9.0},
    {"smoothness_weight": 0.0},
    {"appearance_weight": 0.0},
    {"theta_alpha": 77.0},
    {"theta_beta": 19.0},
    {"theta_gamma": 1.5},
    {"similarity": "joint"},
    {"similarity": "kernel"},
    {"similarity": "colour"},
    {"similarity": "geodesic"},
    {"heatmap_distance": 9.0},
    {"heatmap_colour": 33.0},
    {"geodesic_colour_weight": 0.2},
    {"geodesic_scale": 50.0},
    {"geodesic_exponent": 1.0},
    {"geodesic_exponent": 0.0},
    {"weights": "auto"},
    {"prior_weight": 0.2},
    {"texture_weight": 0.5},
    {"instances": "never"},
    {"iterations": 1},
    {"tolerance": 0.05},
    {"label_confidence": 0.7},
    {"min_confidence": 0.7},
    {"keep_parts": "labelled"},
    {"smallest_part": 9},
    {"fill_holes": 9},
]


def test_changing_parameters_back_and_forth_gives_what_a_fresh_refiner_gives() -> None:
    refiner = Refiner(_image(), _labels())
    expected = _fresh(QUICK)
    for change in CHANGES:
        _assert_same(refiner.run(QUICK.replace(**change)), _fresh(QUICK.replace(**change)))
        _assert_same(refiner.run(QUICK), expected)


def test_every_parameter_is_among_the_changes() -> None:
    assert {name for change in CHANGES for name in change} == set(Parameters.describe())


@pytest.mark.parametrize("n_labels", [1, 2, 3])
def test_a_heatmap_is_a_distribution_however_many_labels_cover_everything(n_labels: int) -> None:
    labels = np.arange(60).reshape(6, 10) % n_labels + 1
    heatmap = Refiner(np.zeros((6, 10), np.uint8), labels).heatmap(Parameters(label_confidence=0.9))
    np.testing.assert_allclose(heatmap.sum(axis=0), 1.0, rtol=1e-6)


def test_a_heatmap_is_computed_once_until_it_changes() -> None:
    refiner = Refiner(_image(), _labels())

    def heatmap_work(parameters: Parameters) -> int:
        return max(step.step for step in refiner.steps(parameters) if step.stage == "heatmap")

    assert heatmap_work(QUICK) == 2
    for change in ({"appearance_weight": 1.0}, {"theta_beta": 30.0}, {"iterations": 5}, {"label_confidence": 0.6}):
        assert heatmap_work(QUICK.replace(**change)) == 0
    assert heatmap_work(QUICK.replace(heatmap_colour=9)) == 2
    assert heatmap_work(QUICK.replace(heatmap_colour=9, heatmap_distance=9)) == 0  # "combined" has no reach
    assert heatmap_work(QUICK.replace(similarity="joint")) == 1
    assert heatmap_work(QUICK.replace(similarity="joint", geodesic_scale=50)) == 0  # "joint" has no such scale
    refiner.update_labels(_other_labels())
    assert heatmap_work(QUICK.replace(similarity="joint")) == 1


def test_a_kernel_is_built_once_until_its_thetas_change() -> None:
    # Only the object itself tells, as the number of steps does not count what is built.
    refiner = Refiner(_image(), _labels())

    def kernels(parameters: Parameters) -> list[Any]:
        refiner.run(parameters)
        return [refiner._kernels[name][1] for name in STAGES[1:3]]

    appearance, smoothness = kernels(QUICK)
    for change in ({"appearance_weight": 1.0}, {"similarity": "joint"}, {"label_confidence": 0.6}, {"iterations": 1}):
        again = kernels(QUICK.replace(**change))
        assert again[0] is appearance
        assert again[1] is smoothness
    refiner.update_labels(_other_labels())
    assert kernels(QUICK)[0] is appearance
    changed = kernels(QUICK.replace(theta_beta=20))
    assert changed[0] is not appearance
    assert changed[1] is smoothness
    assert kernels(QUICK.replace(theta_gamma=1))[1] is not smoothness


def test_a_kernel_keeps_its_filter_for_the_same_labels() -> None:
    refiner = Refiner(_image(), _labels())

    def filters(parameters: Parameters) -> list[Any]:
        refiner.run(parameters)
        return [refiner._kernels[name][1].filter for name in STAGES[1:3]]

    appearance, smoothness = filters(QUICK)
    again = filters(QUICK.replace(appearance_weight=1.0, iterations=1))
    assert again[0] is appearance
    assert again[1] is smoothness
    again = filters(QUICK.replace(theta_gamma=1))
    assert again[0] is appearance
    assert again[1] is not smoothness
    refiner.update_labels(_other_labels())
    assert filters(QUICK)[0] is not appearance


def test_a_kernel_is_freed_with_its_filter_before_the_one_that_takes_its_place_is_built() -> None:
    refiner = Refiner(_image(), _labels())
    refiner.run(QUICK)
    held = [weakref.ref(refiner._kernels[name][1].filter.blurred) for name in STAGES[1:3]]
    with ThreadPoolExecutor(1) as pool:
        building = refiner._cached_kernel(pool, "appearance kernel", QUICK.replace(theta_alpha=77))
        next(building)
        assert [one() is None for one in held] == [True, False]
        building.close()


# --- Steps -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("similarity", get_args(Similarity))
def test_steps_go_through_the_stages_and_end_with_the_refinement(similarity: Similarity) -> None:
    parameters = QUICK.replace(similarity=similarity)
    steps = list(Refiner(_image(), _labels()).steps(parameters))
    assert list(dict.fromkeys(step.stage for step in steps)) == STAGES
    assert [step.stage for step in steps] == sorted((step.stage for step in steps), key=STAGES.index)
    counts = [step.step for step in steps]
    assert counts[0] == 0
    assert counts == sorted(counts)
    assert all(step.step <= step.total for step in steps)
    assert steps[-1].step == steps[-1].total == steps[-2].total
    assert [step.refinement for step in steps[:-1]] == [None] * (len(steps) - 1)
    last = steps[-1].refinement
    assert last is not None
    _assert_same(last, _fresh(parameters))
    assert sum(step.stage == "mean field" for step in steps) >= parameters.iterations  # one for each iteration


def test_a_kernel_of_no_weight_is_no_stage() -> None:
    steps = list(Refiner(_image(), _labels()).steps(QUICK.replace(appearance_weight=0)))
    assert "appearance kernel" not in {step.stage for step in steps}


def test_a_look_at_hidden_labels_is_one_step_however_much_it_tries() -> None:
    image, labels = _image(), _labels()
    labels[2:9, 2:12], labels[-9:-2, -12:-2] = labels.max(), labels[labels > 0].min()
    refiner = Refiner(image, labels)
    first, again = (list(refiner.steps(Parameters(weights="auto", iterations=2))) for _ in range(2))
    assert first[-1].refinement is not None
    assert "hidden" in first[-1].refinement.reason
    for steps in (first, again):
        assert steps[-1].step == steps[-1].total
        assert all(step.step <= step.total for step in steps)


def test_steps_that_stop_early_end_within_the_total() -> None:
    steps = list(Refiner(_image(), _labels()).steps(Parameters(iterations=100, tolerance=0.5)))
    assert steps[-1].refinement is not None
    assert steps[-1].step <= steps[-1].total < steps[0].total


def test_a_full_label_map_takes_one_step() -> None:
    (step,) = Refiner(_image(), np.resize([1, 2], (26, 43))).steps()
    assert isinstance(step, Progress)
    assert step.refinement is not None


def test_closing_the_steps_anywhere_leaves_the_refiner_usable() -> None:
    expected = _fresh(QUICK)
    n_steps = len(list(Refiner(_image(), _labels()).steps(QUICK)))
    refiner = Refiner(_image(), _labels())
    for stop_after in range(n_steps + 1):
        other = QUICK.replace(theta_alpha=40 + stop_after, heatmap_distance=20 + stop_after)  # nothing is cached
        steps = refiner.steps(other)
        for _ in zip(range(stop_after), steps, strict=False):
            pass
        steps.close()  # type: ignore[attr-defined]  # a generator
    _assert_same(refiner.run(QUICK), expected)


def test_steps_that_are_dropped_count_as_closed() -> None:
    refiner = Refiner(_image(), _labels())
    next(refiner.steps(QUICK))
    _assert_same(refiner.run(QUICK), _fresh(QUICK))


def test_a_refiner_that_is_running_refuses_everything_else() -> None:
    refiner = Refiner(_image(), _labels())
    running = refiner.steps(QUICK)
    next(running)
    for attempt in (
        lambda: next(iter(refiner.steps(QUICK))),
        lambda: refiner.run(QUICK),
        lambda: refiner.heatmap(QUICK),
        lambda: refiner.update_labels(_other_labels()),
    ):
        with pytest.raises(CoarseCRFError, match=r"still running: close its steps\(\) first, or make a second Refiner"):
            attempt()
    *_, last = running  # it goes on undisturbed
    assert last.refinement is not None
    _assert_same(last.refinement, _fresh(QUICK))
    _assert_same(refiner.run(QUICK), _fresh(QUICK))


# --- Updated labels --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parameters", [QUICK, QUICK.replace(label_confidence=0.8), QUICK.replace(similarity="joint")])
def test_updated_labels_give_what_a_fresh_refiner_gives(parameters: Parameters) -> None:
    refiner = Refiner(_image(), _labels())
    refiner.run(parameters)
    refiner.update_labels(_other_labels())
    assert refiner.label_ids.tolist() == [9, 70000, 2**40]
    _assert_same(refiner.run(parameters), _fresh(parameters, _other_labels()))
    assert np.array_equal(refiner.heatmap(parameters), Refiner(_image(), _other_labels()).heatmap(parameters))


def test_updated_labels_may_be_full_and_be_erased_again() -> None:
    refiner = Refiner(_image(), _labels())
    full = np.full((26, 43), 4, np.int64)
    refiner.update_labels(full)
    _assert_same(refiner.run(QUICK), _fresh(QUICK, full))
    refiner.update_labels(_labels())
    _assert_same(refiner.run(QUICK), _fresh(QUICK))


def test_updated_labels_may_have_another_type() -> None:
    refiner = Refiner(_image(), _labels())
    refiner.update_labels((_labels() > 5).astype(np.uint8) + (_labels() == 3) * np.uint8(2))
    refined = refiner.run(QUICK).labels
    assert refined.dtype == np.uint8
    assert set(np.unique(refined)) == {1, 2}


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (_labels()[:-1], r"have shape \(25, 43\) but were \(26, 43\) before; make a new Refiner"),
        (_labels() * 1.0, "dtype float64"),
        (-_labels(), "negative id"),
        (_labels() * 0, "no label yet"),
        (np.where(_labels() == 3, 3, 0), r"only one label \(3\)"),
    ],
    ids=["shape", "float", "negative", "none", "one"],
)
def test_labels_that_cannot_be_used_leave_the_old_ones(labels: np.ndarray, message: str) -> None:
    refiner = Refiner(_image(), _labels())
    with pytest.raises(InputError, match=message):
        refiner.update_labels(labels)
    _assert_same(refiner.run(QUICK), _fresh(QUICK))


def test_a_missing_pydensecrf_is_named_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pydensecrf", "pydensecrf.densecrf"):
        monkeypatch.setitem(sys.modules, name, None)  # as Python marks a module that is not there
    with pytest.raises(InputError, match=r'pydensecrf2 .*engine="lattice" needs nothing'):
        Refiner(_image(), _labels(), engine="pydensecrf")

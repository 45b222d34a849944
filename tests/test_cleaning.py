"""Cleaning: against slow and obvious code on small label maps, and what holds for every refinement that is cleaned."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from skimage import data, measure

from napari_coarse_crf import Parameters, Refinement, Refiner, refine_labels
from napari_coarse_crf.cleaning import asks_for_cleaning, clean, stroke_size
from napari_coarse_crf.compute.parallel import finish
from napari_coarse_crf.crf import FieldProblem, Marginals
from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.tiles.apart import PartRefiner
from napari_coarse_crf.unary import pack_unary
from tests import oracles
from tests.helpers import problem_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    Array = NDArray[Any]

ROUNDS = 3
QUICK = Parameters(similarity="colour", iterations=3, theta_alpha=30, appearance_weight=1, smoothness_weight=0.2)
"""Leaves specks."""


@dataclass(frozen=True)
class Case:
    """A person's labels 1..L (0: none), what takes part, and (..., L) probabilities that mean field may have found."""

    labels: Array
    mask: Array
    q: Array

    @property
    def owned(self) -> Array:
        return (self.labels > 0) & self.mask

    @property
    def best(self) -> Array:
        """Labels from 0, the person's where there are any; -1 where nothing takes part."""
        return np.where(self.mask, np.where(self.owned, self.labels - 1, self.q.argmax(axis=-1)), -1)

    def cleaned(self, **parameters: Any) -> tuple[Array, Array]:
        """Return labels as `best`, and the confidence of the unlabelled pixels (elsewhere 0), after cleaning."""
        problem = problem_of(np.zeros(self.labels.shape, np.uint8), self.labels, mask=self.mask)
        free = problem.open_pixels
        q = self.q.reshape(-1, self.q.shape[-1])[problem.pixels[free]]

        def probabilities(pool: ThreadPoolExecutor, chosen: Array) -> Generator[None, None, Array]:
            yield
            return q[chosen]

        field = FieldProblem(pack_unary(-np.log(q)), free, problem.labels, q.shape[1], 1, 0.0)
        best = q.argmax(axis=1).astype(np.int32)
        found = Marginals(best, oracles.confidence(q, best, 1), 1, probabilities)
        with ThreadPoolExecutor(1) as pool:
            marginals = finish(clean(pool, problem, field, found, Parameters(**parameters)))
        labels, confidence = self.best.copy(), np.zeros(self.labels.shape, np.float32)
        labels.reshape(-1)[problem.pixels[free]] = marginals.best
        confidence.reshape(-1)[problem.pixels[free]] = marginals.confidence
        return labels, confidence


@st.composite
def cases(draw: st.DrawFn) -> Case:
    shape = tuple(draw(st.lists(st.integers(1, 11), min_size=1, max_size=4)))
    assume(9 < np.prod(shape) < 500)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_labels = draw(st.integers(2, 5))
    mask = rng.random(shape) < draw(st.sampled_from([0.6, 0.9, 1]))
    labels = np.where(rng.random(shape) < draw(st.sampled_from([0, 0.02, 0.2])), rng.integers(1, 9, shape), 0)
    labels = np.where(labels <= n_labels, labels, 0)
    assume(mask.sum() > n_labels)
    labels.reshape(-1)[rng.choice(np.flatnonzero(mask), n_labels, replace=False)] = np.arange(n_labels) + 1
    # Smooth and with few labels on top of each other: parts of many sizes, some within others.
    q = rng.exponential(1, (*shape, n_labels)) ** draw(st.sampled_from([1, 3])) + 0.01
    q[..., 0] *= draw(st.sampled_from([1, 6, 30]))
    return Case(labels, mask, (q / q.sum(axis=-1, keepdims=True)).astype(np.float32))


@settings(max_examples=200)
@given(cases(), st.sampled_from([0, 2, 4, 20]), st.booleans(), st.sampled_from([0, 1, 3, 30]))
def test_cleaning_does_what_slow_and_obvious_code_does(
    case: Case, smallest: int, labelled_only: bool, largest: int
) -> None:
    expected = case.best
    if smallest or labelled_only:
        expected = oracles.without_parts(
            expected, case.owned, case.q, smallest=smallest, labelled_only=labelled_only, rounds=ROUNDS
        )
    expected = oracles.without_holes(expected, case.owned, largest) if largest else expected
    labels, confidence = case.cleaned(
        smallest_part=smallest, keep_parts="labelled" if labelled_only else "all", fill_holes=largest
    )
    np.testing.assert_array_equal(labels, expected)
    free = case.mask & ~case.owned
    of_labels = oracles.confidence(case.q[free], labels[free], 1)
    np.testing.assert_allclose(confidence[free], of_labels, atol=1e-3)  # of the label that each pixel got


@given(cases(), st.sampled_from([2, 5, 50]), st.booleans(), st.sampled_from([0, 5]))
def test_what_is_left_is_large_enough_or_held_by_a_stroke_or_lies_apart(
    case: Case, smallest: int, labelled_only: bool, largest: int
) -> None:
    labels, _ = case.cleaned(
        smallest_part=smallest, keep_parts="labelled" if labelled_only else "all", fill_holes=largest
    )
    assert np.array_equal(labels[case.owned], case.best[case.owned])
    numbers, islands = oracles.parts(labels), oracles.parts(case.mask - 1)
    for number in range(1, numbers.max() + 1):
        part = numbers == number
        if case.owned[part].any() or (not labelled_only and part.sum() >= smallest):
            continue
        island = islands == islands[part][0]
        assert not case.owned[island].any()
        # Nothing of that island was large enough.
        assert labelled_only or np.bincount(oracles.parts(np.where(island, case.best, -1)).ravel())[1:].max() < smallest


# --- By eye ----------------------------------------------------------------------------------------------------------


def _case(best: str, second: str, labels: str) -> Case:
    """Return a case from rows of digits: most probable (.5) and next (.3) label, and the person's; label 3 has .2."""

    def digits(text: str) -> Array:
        return np.array([[int(letter) for letter in row] for row in text.split()])

    first, next_best = digits(best), digits(second)
    q = np.full((*first.shape, 3), 0.2, np.float32)
    np.put_along_axis(q, next_best[..., np.newaxis] - 1, 0.3, axis=-1)
    np.put_along_axis(q, first[..., np.newaxis] - 1, 0.5, axis=-1)
    return Case(digits(labels), np.ones(first.shape, np.bool_), q)


STROKES = "100002 000000 000000 000000 000003"
REST = "222222 222222 222222 222222 111111"


def test_a_speck_becomes_what_is_next_best_there_and_says_how_sure_that_is() -> None:
    case = _case("111222 121222 111222 111222 111333", "222111 212111 222111 222111 333222", STROKES)
    labels, confidence = case.cleaned(smallest_part=2)
    assert labels[1, 1] == 0
    assert confidence[1, 1] == pytest.approx(0.3, abs=1e-3)
    changed = np.zeros(labels.shape, np.bool_)
    changed[1, 1] = True
    assert np.array_equal(labels[~changed], case.best[~changed])


def test_a_speck_whose_next_best_label_is_a_speck_again_takes_the_one_after_that() -> None:
    case = _case("111222 121222 111222 111222 111333", "222111 232111 222111 222111 333222", STROKES)
    labels, confidence = case.cleaned(smallest_part=2)
    assert labels[1, 1] == 0
    assert confidence[1, 1] == pytest.approx(0.2, abs=1e-3)


def test_the_next_best_label_may_be_another_than_the_one_around() -> None:
    case = _case("111222 111322 111222 111222 111333", "222111 222111 222111 222111 333222", STROKES)
    assert case.cleaned(smallest_part=2)[0][1, 3] == 0  # at the border of labels 1 and 2


def test_pixels_that_touch_at_a_corner_are_one_part() -> None:
    best = "311111 131111 113111 111311 222222"
    case = _case(best, REST, "000001 000000 000000 000000 200003")
    case.labels[4, 5], case.labels[0, 0] = 0, 3  # held by a stroke at its end
    assert np.array_equal(case.cleaned(keep_parts="labelled", smallest_part=9)[0], case.best)


def test_a_hole_is_filled_whole_whatever_lies_in_it_but_not_if_it_holds_a_stroke() -> None:
    case = _case(
        "111111 123111 132111 111111 222233", "222222 222222 222222 222222 111111", "100000 000000 000000 000000 200003"
    )
    labels, confidence = case.cleaned(fill_holes=4)
    assert (labels[:4] == 0).all()
    assert confidence[1, 1] == pytest.approx(0.2 / 0.9, abs=1e-3)  # best and next label are one there
    assert np.array_equal(case.cleaned(fill_holes=3)[0], case.best)
    case.labels[1, 1] = 2
    assert np.array_equal(case.cleaned(fill_holes=30)[0], case.best)


def test_what_reaches_the_edge_or_pixels_that_take_no_part_is_no_hole() -> None:
    case = _case(
        "111111 112111 111111 111111 222233", "222222 222222 222222 222222 111111", "100000 000000 000000 000000 200003"
    )
    assert case.cleaned(fill_holes=1)[0][1, 2] == 0
    case.mask[0, 3] = False
    assert np.array_equal(case.cleaned(fill_holes=1)[0], case.best)


# --- The whole way ---------------------------------------------------------------------------------------------------


def _stripes(*shape: int) -> tuple[Array, Array]:
    """Return three noisy stripes of grey, with specks of the others in each, and a stroke in each."""
    rng = np.random.default_rng(len(shape))
    stripe = np.indices(shape)[-1] * 3 // shape[-1]
    grey = np.where(rng.random(shape) < 0.03, rng.integers(0, 3, shape), stripe)
    image = (70 * grey + rng.integers(0, 60, shape)).astype(np.uint8)
    labels = np.zeros(shape, np.int64)
    for number, label in enumerate((3, 700, 2**40)):
        middle = shape[-1] * (2 * number + 1) // 6
        labels[..., shape[-2] // 2, middle - 2 : middle + 3] = label
    return image, labels


def _pieces(labels: Array) -> int:
    return int(measure.label(labels, background=-1).max())


def _coins() -> tuple[Array, Array]:
    """Return the coins of scikit-image, a stroke on twelve of them and five lines between them."""
    image = data.coins()
    labels = np.zeros(image.shape, np.uint8)
    for y, x in ((55, 45), (50, 105), (50, 160), (50, 218), (115, 45), (120, 110), (127, 154), (124, 271),
                 (185, 45), (190, 213), (255, 110), (258, 300)):  # fmt: skip
        labels[y, x - 8 : x + 9] = 2
    for y in (2, 84, 152, 222, 300):
        labels[y, 20:360] = 1
    return image, labels


def test_of_hundreds_of_pieces_few_are_left() -> None:
    image, labels = _coins()
    refiner = Refiner(image, labels)
    before = refiner.run(Parameters())
    assert _pieces(before.labels) > 300
    large = refiner.run(Parameters(smallest_part=50, fill_holes=50))
    assert _pieces(large.labels) < 60
    assert (large.labels != before.labels).mean() < 0.04
    held = refiner.run(Parameters(keep_parts="labelled"))
    assert _pieces(held.labels) <= 17  # no more than there are strokes
    for refinement in (large, held):
        assert np.array_equal(refinement.labels[labels > 0], labels[labels > 0])


def test_parts_smaller_than_the_thinnest_strokes_suggest_are_taken_away() -> None:
    image, labels = _coins()
    thick = np.zeros_like(labels)
    for y, x in np.argwhere(labels == 2):
        thick[y - 3 : y + 4, x] = 2  # seven pixels wide
    for y, x in np.argwhere(labels == 1):
        thick[y - 2 : y + 3, x] = 1
    refiner = Refiner(image, thick)
    plain, cleaned = refiner.run(Parameters()), refiner.run(Parameters(keep_parts="stroke-sized"))
    wide = 2 * 7 * 17 / (2 * 17 + 2 * 5)  # of one on a coin; the lines are wider, as two lie at the edge of the image
    same = refiner.run(Parameters(smallest_part=round(2 * wide**2)))
    assert np.array_equal(cleaned.labels, same.labels)
    assert _pieces(cleaned.labels) < _pieces(plain.labels) / 4
    larger = refiner.run(Parameters(keep_parts="stroke-sized", smallest_part=300))
    assert np.array_equal(larger.labels, refiner.run(Parameters(smallest_part=300)).labels)


def test_labels_without_an_unlabelled_neighbour_say_nothing_of_how_wide_strokes_are() -> None:
    assert stroke_size(np.array([9, 60]), np.array([0, 30]), 2, 10**6) == 32
    assert stroke_size(np.array([60, 90]), np.array([30, 10]), 3, 10**6) == 128
    assert stroke_size(np.array([9]), np.array([0]), 2, 10**6) == 0


def test_large_polygons_alone_do_not_take_small_things_away() -> None:
    assert stroke_size(np.array([10**5]), np.array([400]), 2, 500_000) == 500
    assert Parameters(smallest_part=stroke_size(np.array([10**7]), np.array([4000]), 2, 10**10)).smallest_part > 0
    image, labels = np.zeros((400, 600), np.uint8), np.zeros((400, 600), np.uint8)
    image[:, 300:] = image[100:120, 100:120] = 200
    labels[50:350, 120:250], labels[50:350, 350:550] = 1, 2
    assert (refine_labels(image, labels)[100:120, 100:120] == 2).mean() > 0.9


@pytest.mark.parametrize("shape", [(40, 61), (9, 20, 31), (3, 4, 12, 31)], ids=["2-D", "3-D", "4-D"])
@pytest.mark.parametrize("changes", [{}, {"tolerance": 0.01}, {"label_confidence": 0.7}], ids=str)
def test_a_refinement_in_any_dimension_has_no_small_parts_and_counts_what_it_has(
    shape: tuple[int, ...], changes: dict[str, Any]
) -> None:
    image, labels = _stripes(*shape)
    mask = np.ones(shape, np.bool_)
    mask[..., :5, :7] = False
    labels[..., 1, 1] = 3  # takes no part and stays
    refiner = Refiner(image, labels, mask=mask)
    before = refiner.run(QUICK.replace(**changes))
    refinement = refiner.run(QUICK.replace(smallest_part=15, fill_holes=5, **changes))
    numbers = oracles.parts(np.where(mask, np.searchsorted([3, 700, 2**40], refinement.labels), -1))
    sizes, held = np.bincount(numbers.ravel()), np.bincount(numbers.ravel(), (labels > 0).ravel()) > 0
    assert sizes[1:][~held[1:]].min(initial=15) >= 15
    assert (np.bincount(oracles.parts(before.labels).ravel())[1:] < 15).sum() > 5  # there was something to clean
    assert np.array_equal(refinement.labels[labels > 0], labels[labels > 0])
    assert np.array_equal(refinement.labels[~mask], labels[~mask])
    for label, (_, after) in refinement.label_counts.items():
        assert after == (refinement.labels[mask] == label).sum()
    same = refinement.labels == before.labels
    assert np.array_equal(refinement.confidence[same], before.confidence[same])
    assert refinement.confidence[~same].mean() < before.confidence[~same].mean()
    assert (refinement.confidence[~same] > 0).all()


def test_a_doubted_stroke_keeps_its_label_and_holds_its_part_and_how_sure_it_is_stays() -> None:
    image, labels = _stripes(40, 61)
    labels[5, 55:57] = 3  # a slip of the pen in the third stripe
    doubted = QUICK.replace(label_confidence=0.5, appearance_weight=4)  # mean field sees another label there
    refiner = Refiner(image, labels)
    before, cleaned = refiner.run(doubted), refiner.run(doubted.replace(smallest_part=15, fill_holes=15))
    assert (cleaned.labels[5, 55:57] == 3).all()
    assert cleaned.confidence[labels > 0].tobytes() == before.confidence[labels > 0].tobytes()


def test_cleaning_that_finds_nothing_to_do_changes_no_bit() -> None:
    image, labels = _stripes(40, 61)
    plain, cleaned = (Refiner(image, labels).run(QUICK.replace(smallest_part=size)) for size in (0, 1))
    assert (asks_for_cleaning(plain.parameters), asks_for_cleaning(cleaned.parameters)) == (False, True)
    assert np.array_equal(cleaned.labels, plain.labels)
    assert cleaned.confidence.tobytes() == plain.confidence.tobytes()
    assert cleaned.label_counts == plain.label_counts


def test_what_is_not_sure_enough_after_cleaning_stays_unlabelled() -> None:
    image, labels = _stripes(40, 61)
    refiner, cleaning = Refiner(image, labels), QUICK.replace(smallest_part=15, fill_holes=5)
    before, cleaned = refiner.run(QUICK.replace(min_confidence=0.6)), refiner.run(cleaning)
    sure = refiner.run(cleaning.replace(min_confidence=0.6))
    left_out = (cleaned.confidence < 0.6) & (labels == 0)
    assert np.array_equal(sure.labels, np.where(left_out, 0, cleaned.labels))
    assert (sure.labels[before.labels == 0] == 0).all()


def test_a_label_that_keeps_none_of_what_it_took_is_told() -> None:
    image = np.where(np.indices((20, 31))[1] < 15, 40, 120).astype(np.uint8)
    labels = np.zeros(image.shape, np.uint8)
    image[3, 4] = image[12, 7:9] = image[15, 20] = 250
    labels[10, 2:6], labels[10, 20:26], labels[3, 4] = 1, 2, 3
    refiner = Refiner(image, labels)
    colour = Parameters(similarity="colour", appearance_weight=0, smoothness_weight=0)
    taken, kept = refiner.run(colour), refiner.run(colour.replace(keep_parts="labelled"))
    assert (taken.label_counts[3], taken.warnings) == ((1, 4), ())
    assert kept.label_counts[3] == (1, 1)
    assert [sentence[:17] for sentence in kept.warnings] == ["Label 3 took none"]


def test_many_labels_are_cleaned_as_few() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (90, 120), np.uint8)
    labels = np.zeros(image.shape, np.int32)
    labels.reshape(-1)[rng.choice(labels.size, 1000, replace=False)] = np.arange(1, 1001)
    refinement = Refiner(image, labels).run(Parameters(iterations=1, smallest_part=4, fill_holes=2))
    numbers = oracles.parts(refinement.labels - 1)
    sizes, held = np.bincount(numbers.ravel()), np.bincount(numbers.ravel(), (labels > 0).ravel()) > 0
    assert sizes[1:][~held[1:]].min() >= 4


def test_slices_are_cleaned_each_on_its_own() -> None:
    image, labels = _stripes(4, 20, 31)
    parameters = QUICK.replace(smallest_part=10, fill_holes=5)
    together = PartRefiner(Picture(image), labels, (0,)).run(parameters)
    for number in range(4):
        assert np.array_equal(together.labels[number], Refiner(image[number], labels[number]).run(parameters).labels)


# --- Again and again -------------------------------------------------------------------------------------------------


def _stages(refiner: Refiner, parameters: Parameters) -> tuple[list[str], Refinement]:
    steps = list(refiner.steps(parameters))
    assert all(step.step <= step.total for step in steps)
    assert steps[-1].refinement is not None
    return list(dict.fromkeys(step.stage for step in steps[:-1])), steps[-1].refinement


def test_only_what_comes_after_mean_field_runs_again_where_only_that_has_changed() -> None:
    image, labels = _stripes(40, 61)
    refiner = Refiner(image, labels)
    whole = ["heatmap", "appearance kernel", "smoothness kernel", "mean field"]
    for changes, stages in (
        ({}, whole),
        ({"smallest_part": 9}, [*whole, "cleaning"]),
        ({"smallest_part": 30}, ["cleaning"]),
        ({"fill_holes": 9, "min_confidence": 0.5}, ["cleaning"]),
        ({}, []),
        ({"theta_beta": 9.0, "fill_holes": 9}, [*whole, "cleaning"]),
        ({"theta_beta": 9.0, "keep_parts": "labelled"}, ["cleaning"]),
        ({"fill_holes": 9}, [*whole, "cleaning"]),
        ({"theta_beta": 9.0}, whole),
        ({"theta_beta": 9.0}, whole),  # kept for cleaning alone
        ({"fill_holes": 9}, [*whole, "cleaning"]),  # not what was kept before these
    ):
        taken, found = _stages(refiner, QUICK.replace(**changes))
        expected = Refiner(image, labels).run(QUICK.replace(**changes))
        assert taken == stages, changes
        assert np.array_equal(found.labels, expected.labels)
        assert found.confidence.tobytes() == expected.confidence.tobytes()
    cleaning = QUICK.replace(smallest_part=9)
    refiner.run(cleaning)
    other = np.where(labels == 3, 700, labels)
    refiner.update_labels(other)
    assert _stages(refiner, cleaning)[0] == [*whole, "cleaning"]
    assert np.array_equal(refiner.run(cleaning).labels, Refiner(image, other).run(cleaning).labels)


def test_cleaning_that_is_stopped_anywhere_leaves_the_refiner_usable() -> None:
    image, labels = _stripes(40, 61)
    cleaning = QUICK.replace(smallest_part=9, fill_holes=9)
    refiner, expected = Refiner(image, labels), Refiner(image, labels).run(cleaning)
    for stop_after in range(1, len(list(Refiner(image, labels).steps(cleaning)))):
        steps = refiner.steps(cleaning.replace(iterations=2 + stop_after % 2))  # mean field runs half of the time
        for _ in zip(range(stop_after), steps, strict=False):
            pass
        steps.close()  # type: ignore[attr-defined]  # a generator
        assert np.array_equal(refiner.run(cleaning).labels, expected.labels)

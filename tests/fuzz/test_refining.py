"""Whatever is passed to what refines: labels as they must be, or a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_coarse_crf import Parameters, Refiner, estimate_memory, refine_labels
from tests.fuzz.anything import (
    Given,
    contrasts,
    images,
    labels,
    masks,
    no_numbers,
    parameters,
    shapes,
    spacings,
)
from tests.fuzz.effort import REFUSED, answer, tries

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

_ASPECTS = ("image", "labels", "mask", "spacing", "contrast_limits", "parameters", "channel_axis", "workers")


@dataclass(frozen=True)
class Case:
    """What a person passes."""

    image: Any
    labels: Any
    parameters: Any
    options: dict[str, Any]
    given_image: Given | None

    @cached_property
    def given_labels(self) -> Array:
        """The labels as numpy reads them."""
        return np.asarray(self.passed[1])

    @property
    def passed(self) -> tuple[Any, Any]:
        return self.image, self.labels.passed if isinstance(self.labels, Given) else self.labels

    @property
    def taking_part(self) -> Array:
        """Where the mask is True and no channel is NaN."""
        mask, part = self.options.get("mask"), np.ones(self.given_labels.shape, bool)
        if mask is not None:
            part &= np.asarray(mask)
        if self.given_image is not None and self.given_image.plain.dtype.kind == "f":
            nan = np.isnan(self.given_image.plain)
            part &= ~(nan if nan.ndim == part.ndim else nan.any(axis=self.options.get("channel_axis", -1)))
        return part

    def is_unchanged(self) -> bool:
        givens = [one for one in (self.given_image, self.labels) if isinstance(one, Given)]
        return all(one.is_unchanged for one in givens)


@st.composite
def cases(draw: st.DrawFn, also: tuple[str, ...] = (), pixels: int = 400) -> Case:
    """Return mostly something that can be refined; one or two things may be wrong with it."""
    wrong = draw(st.one_of(st.just(set()), st.sets(st.sampled_from([*_ASPECTS, *also]), max_size=2)))
    shape = draw(shapes(pixels=pixels))
    image, given_image, axis = draw(images(shape, wild="image" in wrong))
    options = {
        "mask": draw(masks(shape, wild="mask" in wrong)),
        "spacing": draw(spacings(len(shape), wild="spacing" in wrong)),
        "contrast_limits": draw(contrasts(wild="contrast_limits" in wrong)),
        "channel_axis": draw(no_numbers) if "channel_axis" in wrong else axis,
    }
    if "workers" in wrong:
        options["workers"] = draw(no_numbers)
    if "tile" in also and draw(st.integers(0, 5)) == 0:
        halves = [-(-size // draw(st.integers(1, 2))) for size in shape]
        tame = st.sampled_from([max(shape), float(max(shape)), np.int64(64), halves, np.array(halves)])
        options["tile"] = draw(no_numbers.filter(_cuts_few) if "tile" in wrong else tame)
    if "memory_limit" in wrong:
        sizes = st.sampled_from(["4GB", "1 kiB", "GB", "-2M", "1e3", "MBMB"])
        options["memory_limit"] = draw(st.one_of(no_numbers, sizes))
    if "engine" in wrong:
        options["engine"] = draw(no_numbers)
    drawn = draw(labels(shape, wild="labels" in wrong))
    if "examples" in wrong:
        pair = image, draw(labels(shape, wild=False)).passed
        options["examples"] = draw(st.one_of(st.just([pair]), st.just([(None, pair[1]), pair]), no_numbers))
        if draw(st.booleans()):
            drawn = Given(np.zeros(shape, draw(st.sampled_from(["u1", "i8"]))))
    options = {name: value for name, value in options.items() if value is not None}
    return Case(image, drawn, draw(parameters(wild="parameters" in wrong)), options, given_image)


def _cuts_few(tile: Any) -> bool:
    """Whether a side of tiles is none that makes each pixel a tile, which takes long."""
    return not isinstance(tile, bool | np.bool_ | list | np.ndarray) and tile != 1


def _check_labels(case: Case, refined: Any) -> None:
    """Check what holds for the refined labels of every case."""
    before = case.given_labels
    after = np.asarray(refined)
    assert (after.shape, after.dtype) == (before.shape, before.dtype)
    assert np.array_equal(after[before != 0], before[before != 0])
    assert set(np.unique(after)) <= set(np.unique(before)) or case.options.get("examples")
    assert not after[(before == 0) & ~case.taking_part].any()
    assert case.is_unchanged()


@tries(250)
@given(cases(also=("tile", "memory_limit", "engine", "examples")), st.booleans())
def test_refined_labels_are_right_or_refused(case: Case, again: bool) -> None:
    refined = answer(refine_labels, *case.passed, case.parameters, **case.options)
    if refined is REFUSED:
        return
    if (computed := getattr(refined, "compute", None)) is not None:  # of dask
        refined = answer(computed, scheduler="synchronous")
        if refined is REFUSED:
            return
    _check_labels(case, refined)
    if again:
        other = answer(refine_labels, *case.passed, case.parameters, **{**case.options, "workers": 2})
        assert np.array_equal(np.asarray(other), refined)


@tries(150)
@given(cases())
def test_a_refinement_says_what_is_so(case: Case) -> None:
    refiner = answer(Refiner, *case.passed, **case.options)
    if refiner is REFUSED:
        return
    refinement = answer(refiner.run, case.parameters)
    if refinement is REFUSED:
        return
    _check_labels(case, refinement.labels)
    before, part = case.given_labels, case.taking_part
    confidence = refinement.confidence
    assert (confidence.dtype, confidence.shape) == (np.float32, before.shape)
    assert ((confidence >= 0) & (confidence <= 1)).all()
    assert set(refinement.label_counts) == set(map(int, np.unique(before[part & (before != 0)])))
    for label_id, (first, last) in refinement.label_counts.items():
        assert first == np.count_nonzero(part & (before == label_id))
        assert last == np.count_nonzero(part & (refinement.labels == label_id))
    assert refinement.iterations <= refinement.parameters.iterations
    assert all(sentence.endswith(".") for sentence in refinement.warnings)
    if refinement.parameters.min_confidence == 0:
        assert refinement.labels[part].all()


@tries(90)
@given(cases())
def test_a_heatmap_holds_probabilities(case: Case) -> None:
    refiner = answer(Refiner, *case.passed, **case.options)
    heatmap = REFUSED if refiner is REFUSED else answer(refiner.heatmap, case.parameters)
    if heatmap is REFUSED:
        return
    ids, part = refiner.label_ids, case.taking_part
    assert (heatmap.shape, heatmap.dtype) == ((len(ids), *part.shape), np.float32)
    assert (heatmap >= 0).all()
    np.testing.assert_allclose(heatmap.sum(axis=0)[part], 1.0, atol=1e-4)
    assert not heatmap[:, ~part].any()


@tries(50)
@given(cases(pixels=200), st.data())
def test_a_refiner_answers_the_same_whatever_it_was_asked_before(case: Case, data: st.DataObject) -> None:
    refiner = answer(Refiner, *case.passed, **case.options)
    if refiner is REFUSED:
        return
    shape, now = case.given_labels.shape, case.passed[1]
    for ask in data.draw(st.lists(st.sampled_from(["run", "stop", "heatmap", "memory", "paint"]), max_size=4)):
        asked = data.draw(parameters())
        if ask == "run":
            answer(refiner.run, asked)
        elif ask == "stop":
            steps = answer(refiner.steps, asked)
            for _ in range(data.draw(st.integers(0, 6))):
                answer(next, steps, None)
            steps.close()
        elif ask == "heatmap":
            answer(refiner.heatmap, asked)
        elif ask == "memory":
            assert answer(refiner.estimate_memory, asked) > 0
        else:
            painted = data.draw(labels(shape, wild=data.draw(st.booleans())))
            painted = painted.passed if isinstance(painted, Given) else painted
            if answer(refiner.update_labels, painted) is not REFUSED:
                now = painted
    fixed = data.draw(parameters())
    if not isinstance(fixed, Parameters):
        fixed = Parameters.preset(fixed or "default")
    fixed = fixed.replace(weights="fixed")  # what labels chose stays while they change little
    first = answer(refiner.run, fixed)
    second = answer(Refiner, case.image, now, **case.options)
    assert np.array_equal(first.labels, answer(second.run, fixed).labels)


@tries(80)
@given(cases())
def test_memory_is_estimated_or_refused(case: Case) -> None:
    size = answer(estimate_memory, *case.passed, case.parameters, **case.options)
    assert size is REFUSED or (isinstance(size, int) and size > 0)

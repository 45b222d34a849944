"""The front door: what holds for every image and label map, and that its words reach the core."""

from __future__ import annotations

import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import dask.array as da
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from napari_coarse_crf import CoarseCRFWarning, ParameterError, Parameters, Refiner, refine_labels
from napari_coarse_crf.cleaning import asks_for_cleaning
from napari_coarse_crf.evaluation.baselines import fill_labels
from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.problem import read_problem
from napari_coarse_crf.similarity import Similarity

IDS = (1, 3, 7, 255, 70000, 2**40)
FEW = settings(max_examples=25)  # one example runs the whole way: 10 to 30 ms

pytestmark = pytest.mark.filterwarnings("ignore:Label .* took none:napari_coarse_crf.CoarseCRFWarning")


@dataclass(frozen=True)
class Case:
    """A tiny problem: never square where it can be helped, with gaps and huge numbers among the ids."""

    image: np.ndarray
    labels: np.ndarray
    parameters: Parameters

    def refined(self, **options: Any) -> np.ndarray:
        return refine_labels(self.image, self.labels, self.parameters, **options)


@st.composite
def small_cases(draw: st.DrawFn) -> Case:
    shape = tuple(draw(st.lists(st.integers(1, 9), min_size=2, max_size=3)))
    assume(len(set(shape)) > 1 and np.prod(shape) > 4)
    channels = draw(st.sampled_from([0, 1, 3, 4]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    ids = rng.choice(IDS, draw(st.integers(2, 4)), replace=False)
    labels = np.where(rng.random(shape) < draw(st.sampled_from([0.1, 0.5])), rng.choice(ids, shape), 0)
    labels.reshape(-1)[rng.choice(labels.size, 3, replace=False)] = ids[0], ids[1], 0
    image = rng.integers(0, draw(st.sampled_from([1, 30, 256])), (*shape, channels) if channels else shape)
    parameters = Parameters(
        similarity=draw(st.sampled_from(get_args(Similarity))),
        iterations=draw(st.integers(1, 4)),
        theta_alpha=draw(st.sampled_from([1, 20, 1000])),
        theta_beta=draw(st.sampled_from([1, 13, 100])),
        appearance_weight=draw(st.sampled_from([0, 4, 50])),
        smoothness_weight=draw(st.sampled_from([0, 3, 20])),
        tolerance=draw(st.sampled_from([0, 0.1])),
        label_confidence=draw(st.sampled_from([1, 0.9, 0.5])),
        min_confidence=draw(st.sampled_from([0, 0.6])),
        keep_parts=draw(st.sampled_from(["all", "stroke-sized", "labelled"])),
        smallest_part=draw(st.sampled_from([0, 3])),
        fill_holes=draw(st.sampled_from([0, 3])),
    )
    return Case(image.astype(np.uint8), labels, parameters)


@FEW
@given(small_cases())
def test_refinement_never_invents_a_label(case: Case) -> None:
    refined = case.refined()
    allowed = set(np.unique(case.labels)) if case.parameters.min_confidence else set(np.unique(case.labels)) - {0}
    assert set(np.unique(refined)) <= allowed


@FEW
@given(small_cases())
def test_user_labels_survive_refinement(case: Case) -> None:
    assert np.array_equal(case.refined()[case.labels != 0], case.labels[case.labels != 0])


@FEW
@given(small_cases())
def test_probabilities_are_never_nan(case: Case) -> None:
    refinement = Refiner(case.image, case.labels).run(case.parameters)
    n_labels = len(np.unique(case.labels)) - 1
    least = 0 if asks_for_cleaning(case.parameters) else 1 / n_labels - 1e-5  # cleaning takes what is not the best
    assert ((refinement.confidence >= least) & (refinement.confidence <= 1)).all()


@FEW
@given(small_cases())
def test_inputs_are_not_changed(case: Case) -> None:
    image, labels = case.image.copy(), case.labels.copy()
    case.refined(mask=np.ones(labels.shape, bool))
    assert image.tobytes() == case.image.tobytes()
    assert labels.tobytes() == case.labels.tobytes()


@FEW
@given(small_cases(), st.permutations(IDS))
def test_renaming_the_ids_renames_the_result(case: Case, new_ids: list[int]) -> None:
    # Order among the ids decides ties and the order of sums: pixels whose two best are equal may differ.
    names = dict(zip((0, *IDS), (0, *new_ids), strict=True))
    renamed = np.vectorize(names.get, otypes=[np.int64])
    first = Refiner(case.image, case.labels).run(case.parameters)
    second = Refiner(case.image, renamed(case.labels)).run(case.parameters)
    heatmap = Refiner(case.image, case.labels).heatmap(case.parameters)
    assert len(heatmap) == len(second.label_counts)
    if case.parameters.tolerance == 0:  # else one of the two may stop an iteration later
        np.testing.assert_allclose(first.confidence, second.confidence, atol=2e-3)
    differing = renamed(first.labels) != second.labels
    near_a_tie = np.minimum(first.confidence, second.confidence) < 0.502
    near_the_bound = np.abs(first.confidence - 0.6) < 2e-3
    assert (near_a_tie | near_the_bound)[differing].all()


@FEW
@given(small_cases())
def test_the_last_axis_is_not_confused_with_the_first(case: Case) -> None:
    # Transposing everything transposes the result, up to what the order of the features does to a lattice. Without
    # kernels and with the exact heatmap nothing of that is left.
    parameters = Parameters(similarity="joint", appearance_weight=0, smoothness_weight=0)
    ndim = case.labels.ndim
    turned = np.moveaxis(case.image, list(range(ndim)), list(range(ndim))[::-1])
    first, second = (
        Refiner(image, labels).run(parameters).confidence
        for image, labels in ((case.image, case.labels), (turned, case.labels.T))
    )
    np.testing.assert_allclose(first, second.T, atol=1e-5)


@pytest.mark.parametrize(
    "dtype", [np.uint8, np.int8, np.uint16, np.int32, np.int64, np.uint64, ">u2", ">i4", ">i8", "<u4"]
)
def test_labels_keep_their_shape_and_type(dtype: Any) -> None:
    labels = np.zeros((7, 12), dtype)
    labels[1, 1], labels[5, 10] = 3, 117
    refined = refine_labels(_step(), labels)
    assert (refined.shape, refined.dtype) == (labels.shape, labels.dtype)
    assert set(np.unique(refined)) == {3, 117}


@pytest.mark.parametrize("turn", [np.transpose, np.flip, np.asfortranarray, lambda a: a[:, ::2]])
def test_views_of_any_order_are_refined_like_copies(turn: Any) -> None:
    labels = np.zeros((7, 12), np.int32)
    labels[1, 0], labels[5, 10] = 3, 7
    image = _step()
    labels.flags.writeable = image.flags.writeable = False
    refined = refine_labels(turn(image), turn(labels))
    assert np.array_equal(refined, refine_labels(turn(image).copy(), turn(labels).copy()))
    assert refined.flags.writeable


@pytest.mark.parametrize("ids", [(3, 7, 70000, 2**40), (2**63 + 5, 2**64 - 1, 1, 2**53 + 1)])
def test_huge_and_sparse_ids_come_back_as_they_are(ids: tuple[int, ...]) -> None:
    labels = np.zeros((20, 31), np.uint64)
    labels[2, 2], labels[2, 28], labels[17, 2], labels[17, 28] = ids
    refined = refine_labels(np.zeros(labels.shape, np.uint8), labels)
    assert {int(label_id) for label_id in np.unique(refined)} == set(ids)
    assert [int(refined[y, x]) for y in (0, 19) for x in (0, 30)] == list(ids)


def test_any_number_of_workers_gives_the_same_bits() -> None:
    rng = np.random.default_rng(0)
    shape = (251, 307)  # 77,057 pixels: several chunks
    image = (rng.integers(0, 40, (*shape, 3)) + 60 * (np.indices(shape)[1] // 103)[..., None]).astype(np.uint8)
    labels = np.zeros(shape, np.uint8)
    labels[20:200, 40:60], labels[50:240, 140:150], labels[5:30, 250:300] = 1, 2, 9
    for change in ({}, {"label_confidence": 0.8, "tolerance": 0.01, "similarity": "joint"}):
        parameters = Parameters(iterations=3).replace(**change)
        runs = [Refiner(image, labels, workers=workers).run(parameters) for workers in (1, 2, 5)]
        for run in runs[1:]:
            assert np.array_equal(run.labels, runs[0].labels)
            assert run.confidence.tobytes() == runs[0].confidence.tobytes()


def test_several_threads_may_refine_at_once() -> None:
    labels = _corners()
    expected = refine_labels(_step(), labels)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: refine_labels(_step(), labels), range(12)))
    assert all(np.array_equal(result, expected) for result in results)


OPTIONS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "mask": {"mask": np.indices((7, 12))[0] > 0},
    "spacing": {"spacing": (3, 1)},
    "contrast limits": {"contrast_limits": (50, 90)},
    "workers": {"workers": 1},
    "engine": {"engine": "lattice"},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_the_front_door_gives_what_a_refiner_gives(options: dict[str, Any]) -> None:
    image = _step() * 1.0
    parameters = Parameters(theta_alpha=20)
    assert np.array_equal(
        refine_labels(image, _corners(), parameters, **options),
        Refiner(image, _corners(), **options).run(parameters).labels,
    )


def test_the_front_door_knows_the_channel_axis() -> None:
    image = np.stack([_step(), 255 - _step()])
    first = refine_labels(image, _corners(), channel_axis=0)
    assert np.array_equal(first, refine_labels(np.moveaxis(image, 0, -1), _corners()))


def test_the_smallest_problem_has_two_labels_and_one_gap() -> None:
    refined = refine_labels(np.array([[10, 12, 200]], np.uint8), np.array([[4, 0, 5]]))
    assert refined.tolist() == [[4, 4, 5]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        *[
            ({"memory_limit": limit}, "memory_limit is .*; pass a number of bytes")
            for limit in (10**400, "GB", 0, True)
        ],
        *[({"workers": workers}, "workers is .*whole number from 1 up") for workers in (0, False, "2")],
    ],
)
def test_what_the_front_door_alone_knows_is_refused_in_words(options: dict[str, Any], message: str) -> None:
    lazy = da.from_array(_step()), da.from_array(_corners())
    for image, labels in ((_step(), _corners()), lazy):
        with pytest.raises(ParameterError, match=message):
            refine_labels(image, labels, **options)


def test_an_image_without_channels_needs_no_axis_of_them_in_tiles_either() -> None:
    at_once, tiled = (
        refine_labels(_step(), _corners(), "default", channel_axis=None, tile=tile)  # type: ignore[arg-type]  # a slip
        for tile in (None, 12)
    )
    assert np.array_equal(at_once, tiled)


def test_warnings_point_at_the_caller() -> None:
    full = np.ones((7, 12), np.uint8)
    with pytest.warns(CoarseCRFWarning, match="returned as they are") as caught:
        refined = refine_labels(_step(), full)
    assert caught[0].filename == __file__
    assert np.array_equal(refined, full)


@pytest.mark.filterwarnings("default::napari_coarse_crf.CoarseCRFWarning")
def test_a_label_that_takes_nothing_is_warned_of() -> None:
    labels = np.zeros((9, 16), np.int32)
    labels[2:7, 2:7], labels[4, 4], labels[:, 15] = 3, 70000, 7
    with pytest.warns(CoarseCRFWarning, match="Label 70000 took none of the .* unlabelled pixels"):
        refine_labels(np.zeros(labels.shape, np.uint8), labels)


def test_nothing_is_said_when_all_is_well() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        refine_labels(_step(), _corners())


@pytest.mark.parametrize("step", [3, 6])
def test_a_volume_painted_on_every_few_planes_is_filled_better_than_by_its_rivals(step: int) -> None:
    z, y, x = np.mgrid[:19, :60, :60]
    truth = np.ones(z.shape, np.int32)
    for label, (at_z, at_y, at_x, radius) in enumerate(
        ((9, 18, 18, 9), (9, 40, 20, 7), (8, 22, 42, 8), (10, 42, 44, 6))
    ):
        truth[((z - at_z) / 1.2) ** 2 + (y - at_y) ** 2 + (x - at_x) ** 2 < radius**2] = label + 2
    grey = np.array([0, 90, 120, 150, 120, 90])[truth]  # two look alike, and one as what lies around
    image = (grey + np.random.default_rng(0).normal(0, 12, z.shape)).clip(0, 255).astype(np.uint8)
    coarse = np.zeros_like(truth)
    for plane in range(step // 2, len(truth), step):
        for label in range(1, 6):  # nothing within 1.5 px of an outline
            inside = np.pad(truth[plane] == label, 1, mode="edge" if label == 1 else "constant")
            coarse[plane][distance_transform_edt(inside)[1:-1, 1:-1] > 1.5] = label
    problem = read_problem(Picture(image), coarse)
    rivals = [fill_labels(name, problem, coarse) for name in ("nearest label", "watershed")]
    right = [np.mean(found == truth) for found in (refine_labels(image, coarse), *rivals)]
    assert right[0] > max(right[1:]) + 0.003


def _step() -> np.ndarray:
    return np.where(np.indices((7, 12))[1] < 6, 40, 120).astype(np.uint8)


def _corners() -> np.ndarray:
    labels = np.zeros((7, 12), np.int32)
    labels[1, 1], labels[5, 10] = 3, 70000
    return labels


def _compiled() -> dict[str, int]:
    """Return how many versions of each kernel there are."""
    modules = [module for name, module in sys.modules.items() if name.startswith("napari_coarse_crf.")]
    dispatchers = [value for module in modules for value in vars(module).values() if hasattr(value, "signatures")]
    return {kernel.py_func.__qualname__: len(kernel.signatures) for kernel in dispatchers}


def test_after_warming_up_the_first_refinement_compiles_nothing() -> None:
    script = """
import numpy as np
from tests.test_refine import _compiled
from napari_coarse_crf import Parameters, refine_labels, warm_up

warm_up()
before = _compiled()
assert sum(before.values()) > 10
image = np.random.default_rng(1).integers(0, 256, (90, 120, 3), np.uint8)
labels = np.zeros((90, 120), np.int32)
labels[:4], labels[-4:] = 3, 8
refine_labels(image, labels)
refine_labels(image, labels, Parameters(smallest_part=50, fill_holes=20))
assert _compiled() == before
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[1])


def test_beyond_64_labels_no_number_of_them_compiles_anew() -> None:
    script = """
import numpy as np
from tests.test_refine import _compiled
from napari_coarse_crf import Parameters, Refiner

def refine(n_labels):
    labels = np.zeros((40, 60), np.int32)
    labels.reshape(-1)[:n_labels] = np.arange(n_labels) + 1
    Refiner(np.zeros((40, 60), np.uint8), labels).run(Parameters(iterations=1))

refine(70)
before = _compiled()
for n_labels in (80, 130, 300, 2200):
    refine(n_labels)
assert _compiled() == before
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[1])

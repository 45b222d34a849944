"""Our engine next to a pydensecrf that is installed: collected only where it is (see conftest.py).

Once behind the same interface, once used directly with its own features, so that no code of ours is on both sides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydensecrf import densecrf

from napari_coarse_crf import Parameters, Refinement, Refiner
from napari_coarse_crf.crf import LatticeEngine
from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.pydensecrf_engine import PyDenseCRFEngine
from napari_coarse_crf.tiles.choice import choose
from tests import oracles
from tests.helpers import mean_field, with_probability
from tests.parity import STORED_CASES, Answer, ParityCase, assert_same_answer, reference, stored

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

THETAS = [(160, 8), (80, 13), (50, 5), (30, 3)]
SIZES = {"23x41": (23, 41), "96x64": (96, 64), "120x199": (120, 199)}


def _answer(refinement: Refinement) -> Answer:
    return Answer(refinement.labels, refinement.confidence, 0)


def _assert_engines_agree(case: ParityCase, **changes: Any) -> None:
    image, labels = case.inputs()
    parameters = case.parameters(similarity="combined", **changes)
    ours, theirs = (
        with_probability(Refiner(image, labels, engine=engine), parameters) for engine in ("lattice", "pydensecrf")
    )
    assert_same_answer(ours.labels, ours.confidence, _answer(theirs), labels == 0)
    assert theirs.iterations == ours.iterations == parameters.iterations


@pytest.mark.parametrize("case", STORED_CASES, ids=lambda case: case.name)
def test_the_stored_answers_are_what_pydensecrf_says(case: ParityCase) -> None:
    live, kept = reference(case), stored()[case.name]
    assert np.array_equal(live.labels, kept.labels)
    np.testing.assert_allclose(live.confidence, kept.confidence, atol=5e-4)  # half a step of float16


@pytest.mark.parametrize(("theta_alpha", "theta_beta"), THETAS)
@pytest.mark.parametrize("n_labels", [2, 8, 19, 40])
@pytest.mark.parametrize("shape", SIZES.values(), ids=SIZES)
def test_engines_agree_on_colour_images(
    shape: tuple[int, ...], n_labels: int, theta_alpha: float, theta_beta: float
) -> None:
    _assert_engines_agree(ParityCase("", shape, 3, n_labels, theta_alpha, theta_beta))


@pytest.mark.parametrize(("theta_alpha", "theta_beta"), THETAS)
@pytest.mark.parametrize(("shape", "channels"), [((61, 90), 0), ((7, 30, 41), 0), ((5, 33, 28), 3), ((50, 41), 7)])
@pytest.mark.parametrize("label_confidence", [1.0, 0.8])
def test_engines_agree_on_grey_and_3d_and_doubted_labels(
    shape: tuple[int, ...], channels: int, theta_alpha: float, theta_beta: float, label_confidence: float
) -> None:
    _assert_engines_agree(ParityCase("", shape, channels, 5, theta_alpha, theta_beta, label_confidence))


def test_engines_agree_where_pixels_are_split_into_chunks() -> None:
    _assert_engines_agree(ParityCase("", (263, 301), 3, 6, 80, 13))  # 79,163 pixels


@pytest.mark.parametrize(("appearance_weight", "smoothness_weight"), [(4, 0), (0, 3), (0, 0), (10, 3)])
def test_engines_agree_whatever_the_weights(appearance_weight: float, smoothness_weight: float) -> None:
    case = ParityCase("", (45, 62), 3, 4, 80, 13)
    _assert_engines_agree(case, appearance_weight=appearance_weight, smoothness_weight=smoothness_weight)


def test_engines_agree_within_a_mask_and_with_anisotropic_pixels() -> None:
    image, labels = ParityCase("", (8, 29, 35), 0, 4, 50, 5).inputs()
    mask = np.ones(labels.shape, bool)
    mask[:, 10:16, :20] = False
    parameters = Parameters(theta_alpha=30, theta_beta=13, smoothness_weight=1)
    options: dict[str, Any] = {"mask": mask, "spacing": (3.0, 1.0, 1.5)}
    ours, theirs = (
        with_probability(Refiner(image, labels, engine=engine, **options), parameters)
        for engine in ("lattice", "pydensecrf")
    )
    assert_same_answer(ours.labels, ours.confidence, _answer(theirs), (labels == 0) & mask)


@pytest.mark.parametrize("label_confidence", [1.0, 0.8])
def test_engines_agree_on_what_is_cleaned(label_confidence: float) -> None:
    case = ParityCase("", (45, 62), 3, 4, 80, 13, label_confidence=label_confidence, appearance_weight=1)
    _assert_engines_agree(case, smallest_part=40, fill_holes=20)


def test_engines_stop_at_the_same_iteration() -> None:
    image, labels = ParityCase("", (45, 62), 3, 4, 80, 13).inputs()
    parameters = Parameters(tolerance=0.02, iterations=60, appearance_weight=3, smoothness_weight=1)
    ours, theirs = (Refiner(image, labels, engine=engine).run(parameters) for engine in ("lattice", "pydensecrf"))
    assert ours.iterations == theirs.iterations
    assert 1 < ours.iterations < 60


@pytest.mark.parametrize(("theta_alpha", "theta_beta"), THETAS)
@pytest.mark.parametrize(("shape", "n_labels"), [((37, 64), 2), ((64, 37), 5), ((88, 121), 21)])
@pytest.mark.parametrize("label_confidence", [1.0, 0.9])
def test_the_whole_way_is_that_of_densecrf2d(
    shape: tuple[int, int], n_labels: int, theta_alpha: float, theta_beta: float, label_confidence: float
) -> None:
    # Its own features for colour images, fed with our heatmap as everyone feeds it: -log of probabilities.
    image, labels = ParityCase("", shape, 3, n_labels, theta_alpha, theta_beta).inputs()
    parameters = Parameters(
        theta_alpha=theta_alpha, theta_beta=theta_beta, label_confidence=label_confidence,
        appearance_weight=3, smoothness_weight=1,
    )  # fmt: skip
    refiner = Refiner(image, labels)
    height, width = shape
    crf = densecrf.DenseCRF2D(width, height, n_labels)
    potentials = -np.log(np.maximum(refiner.heatmap(parameters), 1e-30))  # log 0 of the other labels of a clamped pixel
    crf.setUnaryEnergy(np.ascontiguousarray(potentials.reshape(n_labels, -1), dtype=np.float32))
    crf.addPairwiseGaussian(sxy=parameters.theta_gamma, compat=1)
    crf.addPairwiseBilateral(sxy=theta_alpha, srgb=theta_beta, rgbim=np.ascontiguousarray(image), compat=3)
    q = np.array(crf.inference(parameters.iterations)).reshape(n_labels, height, width)
    theirs = Answer(refiner.label_ids[q.argmax(axis=0)], q.max(axis=0), 0)
    ours = with_probability(refiner, parameters)
    assert_same_answer(ours.labels, ours.confidence, theirs, labels == 0)


def test_two_labels_give_the_whole_distribution() -> None:
    # With two labels the best one and its probability are all of Q: no entry is out of sight.
    shape = (31, 45)
    xy = oracles.positions(shape)
    rgb = np.random.default_rng(0).integers(0, 90, (len(xy), 3)) + 80.0 * (xy[:, :1] > 20)
    unary = np.random.default_rng(1).normal(0, 1, (len(xy), 2))
    kernels = [(3.0, np.hstack([xy / 80, rgb / 13])), (1.0, xy / 3)]
    ours, theirs = (
        mean_field(unary, kernels, iterations=10, engine=engine) for engine in (LatticeEngine, PyDenseCRFEngine)
    )
    first = [np.where(found.best == 0, found.confidence, 1 - found.confidence) for found in (ours, theirs)]
    assert np.abs(first[0] - first[1]).max() <= 0.02
    assert (ours.best == theirs.best).mean() >= 0.999
    assert (ours.confidence < 0.95).mean() > 0.05  # not all of it is obvious


def test_an_image_is_refined_at_once_whatever_it_takes() -> None:
    """It knows no tiles."""
    image, labels = np.zeros((520, 600, 3), np.uint8), np.zeros((520, 600), np.uint8)
    labels[5, 5], labels[500, 500] = 1, 2
    assert isinstance(choose(Picture(image), labels, None, 10**6, engine="pydensecrf"), Refiner)
    assert not isinstance(choose(Picture(image), labels, Parameters(), 10**6), Refiner)

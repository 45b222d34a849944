"""How sure one may be of a label: the formula, and whether it keeps its word on images with a truth."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_coarse_crf import Parameters, Refiner
from napari_coarse_crf.compute.parallel import finish
from napari_coarse_crf.confidence import confidence_of
from napari_coarse_crf.crf import FieldProblem
from napari_coarse_crf.samples import SAMPLE_NAMES, load_sample
from napari_coarse_crf.unary import pack_unary, unpack_unary
from tests import oracles
from tests.helpers import with_probability

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


def _confidence(
    potentials: Array, labels: Array, n_terms: int = 3, workers: int = 1, chosen: Array | None = None
) -> Array:
    n_pixels, n_labels = potentials.shape
    field = FieldProblem(
        pack_unary(potentials), np.arange(n_pixels), np.full(n_pixels, -1), n_labels, 1, 0.0, None, n_terms
    )
    with ThreadPoolExecutor(workers) as pool:
        return finish(confidence_of(pool, field, labels.astype(np.int32), chosen))


@pytest.mark.parametrize("n_labels", [2, 3, 9, 19, 70])  # 70 make several strips
@pytest.mark.parametrize("n_terms", [1, 3])
def test_it_is_the_odds_of_the_label_by_the_root_of_the_number_of_terms(n_labels: int, n_terms: int) -> None:
    rng = np.random.default_rng(n_labels)
    potentials, labels = rng.exponential(4, (200, n_labels)), rng.integers(0, n_labels, 200)
    likely = oracles.softmax(-unpack_unary(pack_unary(potentials), n_labels).astype(np.float64))
    wanted = oracles.confidence(likely, labels, n_terms)
    np.testing.assert_allclose(_confidence(potentials, labels, n_terms), wanted, atol=1e-6)
    some = np.arange(0, 200, 7)
    np.testing.assert_allclose(_confidence(potentials, labels[some], n_terms, chosen=some), wanted[some], atol=1e-6)


def test_two_labels_that_are_even_are_one_half_and_better_odds_are_surer() -> None:
    odds = np.linspace(-15, 15, 301)
    confidence = _confidence(np.stack([-odds, np.zeros(301)], axis=1), np.zeros(301))
    assert confidence[150] == 0.5
    assert (np.diff(confidence) > 0).all()


def test_the_only_label_there_is_is_certain() -> None:
    assert (_confidence(np.zeros((3, 1)), np.zeros(3)) == 1).all()


def test_any_number_of_threads_gives_the_same_bits() -> None:
    rng = np.random.default_rng(0)
    potentials, labels = rng.exponential(4, (100_000, 5)), rng.integers(0, 5, 100_000)
    alone, together = (_confidence(potentials, labels, workers=workers) for workers in (1, 3))
    assert alone.tobytes() == together.tobytes()


@pytest.mark.parametrize("name", SAMPLE_NAMES)
def test_of_pixels_that_are_so_sure_as_many_are_right(name: str) -> None:
    sample = load_sample(name)
    refiner = Refiner(sample.image, sample.coarse)
    refinement, of_field = refiner.run(Parameters()), with_probability(refiner, Parameters())
    counted = (sample.coarse == 0) & np.isin(sample.fine, refiner.label_ids)
    right = (refinement.labels == sample.fine)[counted]
    error = oracles.calibration_error(refinement.confidence[counted], right)
    assert error < 0.05
    assert error < 0.7 * oracles.calibration_error(of_field.confidence[counted], right)
    assert np.array_equal(refinement.labels, of_field.labels)
    likely = refinement.confidence[counted] > 0.9
    assert right[likely].mean() > 0.9 > right[~likely].mean()


def test_it_knows_the_heatmap_and_not_the_weights_of_the_kernels() -> None:
    sample = load_sample("dim_nuclei")
    refiner = Refiner(sample.image, sample.coarse)
    weak, strong = (refiner.run(Parameters(appearance_weight=weight)) for weight in (2, 8))
    same = weak.labels == strong.labels
    assert 0.5 < same.mean() < 1
    assert np.array_equal(weak.confidence[same], strong.confidence[same])


def test_of_colour_alone_one_is_as_sure_as_the_heatmap() -> None:
    image, labels = np.zeros((20, 40), np.uint8), np.zeros((20, 40), np.uint8)
    image[:] = np.linspace(60, 140, 40)
    labels[5:15, 2], labels[5:15, 37] = 1, 2
    alone = Parameters(geodesic_exponent=0, prior_weight=0, appearance_weight=0, smoothness_weight=0)
    refiner = Refiner(image, labels)
    refinement = refiner.run(alone)
    heatmap = refiner.heatmap(alone)
    np.testing.assert_allclose(refinement.confidence, heatmap.max(axis=0), atol=0.002)

"""The estimate of the memory that a run takes, against what numpy really allocates."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from skimage import data

from napari_coarse_crf import InputError, ParameterError, Parameters, Refiner, estimate_memory, refine_labels
from napari_coarse_crf.memory import memory_warning, texture_bytes

IMAGE = np.hstack([data.astronaut()[:400], data.astronaut()[100:500, ::-1]])  # 400 x 1024, more than the sample


def _labels(n_labels: int, share: float) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(0)
    ids = np.repeat(np.repeat(rng.integers(1, n_labels + 1, (50, 128)), 8, axis=0), 8, axis=1)
    return np.where(rng.random(ids.shape) < share, ids, 0).astype(np.int32)


CASES = {
    "defaults": (9, 0.5, {}),
    "scribbles": (9, 0.02, {}),
    "many labels": (30, 0.5, {}),
    "small kernels": (9, 0.5, {"theta_alpha": 50.0, "theta_beta": 5.0}),
    "one kernel": (9, 0.5, {"appearance_weight": 0.0}),
    "doubted labels": (9, 0.5, {"label_confidence": 0.9}),
    "a tolerance": (9, 0.5, {"tolerance": 1e-6}),
    "geodesic": (9, 0.5, {"similarity": "geodesic"}),
    "texture": (9, 0.02, {"texture_weight": 1.0}),
    "weights that few labels choose": (30, 0.02, {"weights": "auto"}),
    "cleaning": (9, 0.1, {"smallest_part": 50, "fill_holes": 50}),
    "parts with strokes alone": (9, 0.1, {"keep_parts": "labelled"}),
}


def _peak(image: np.ndarray[Any, Any], labels: np.ndarray[Any, Any], parameters: Parameters) -> int:
    tracemalloc.start()
    refine_labels(image, labels, parameters, workers=2)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize(("n_labels", "share", "changes"), CASES.values(), ids=CASES)
def test_the_estimate_is_right_within_a_quarter(n_labels: int, share: float, changes: dict[str, Any]) -> None:
    labels, parameters = _labels(n_labels, share), Parameters(iterations=2, **changes)
    refine_labels(IMAGE[:64, :64], labels[:64, :64], parameters)  # compiling allocates too
    peak = _peak(IMAGE, labels, parameters)
    assert estimate_memory(IMAGE, labels, parameters, workers=2) == pytest.approx(peak, rel=0.25)


def test_weights_that_labels_choose_take_what_was_estimated_or_less() -> None:
    labels, parameters = _labels(9, 0.3), Parameters(iterations=2, weights="auto")
    refine_labels(IMAGE[:64, :64], labels[:64, :64], parameters)  # compiling allocates too
    peak, estimate = _peak(IMAGE, labels, parameters), estimate_memory(IMAGE, labels, parameters, workers=2)
    texture = labels.size * texture_bytes(3)  # as in other images, where it is worth something
    assert peak < 1.25 * estimate
    assert estimate == pytest.approx(peak + texture, rel=0.25)


def test_an_id_for_each_object_takes_what_was_estimated() -> None:
    labels = np.zeros(IMAGE.shape[:2], np.int32)
    labels[::10, ::10] = np.arange(1, labels[::10, ::10].size + 1).reshape(labels[::10, ::10].shape)
    labels[5::20] = labels.max() + 1
    parameters = Parameters(iterations=2)
    refine_labels(IMAGE[:100, :100], labels[:100, :100], parameters)  # compiling allocates too
    peak = _peak(IMAGE, labels, parameters)
    assert estimate_memory(IMAGE, labels, parameters, workers=2) == pytest.approx(peak, rel=0.25)
    assert estimate_memory(IMAGE, labels, parameters.replace(instances="never")) > 10 * peak


@pytest.mark.filterwarnings("ignore:.* took none")
@pytest.mark.parametrize("confidence", [1.0, 0.9])
def test_thousands_of_labels_take_what_was_estimated(confidence: float) -> None:
    image, grid = IMAGE[:80, :80], np.arange(6400).reshape(80, 80)
    labels = np.where(grid % 2 == 0, grid // 2 + 1, 0)
    parameters = Parameters(iterations=2, label_confidence=confidence)
    refine_labels(image, labels, parameters)  # compiling allocates too
    peak = _peak(image, labels, parameters)
    assert estimate_memory(image, labels, parameters, workers=2) == pytest.approx(peak, rel=0.25)


def test_a_mask_lowers_the_estimate() -> None:
    labels, mask = _labels(9, 0.5), np.zeros(IMAGE.shape[:2], np.bool_)
    mask[:200] = True
    half, whole = (estimate_memory(IMAGE, labels, mask=m) for m in (mask, None))
    assert 0.4 < half / whole < 0.7


def test_a_refiner_estimates_what_it_holds() -> None:
    mask = np.indices(IMAGE.shape[:2])[0] < 300
    refiner = Refiner(IMAGE, _labels(9, 0.5), mask=mask, workers=3)
    assert refiner.estimate_memory() == estimate_memory(IMAGE, _labels(9, 0.5), mask=mask, workers=3)
    parameters = Parameters(similarity="kernel", label_confidence=0.9)
    refiner.update_labels(_labels(30, 0.02))
    expected = estimate_memory(IMAGE, _labels(30, 0.02), parameters, mask=mask, workers=3)
    assert refiner.estimate_memory(parameters) == expected
    running = refiner.steps(parameters)
    next(running)
    assert refiner.estimate_memory(parameters) == expected  # while it runs, too


def test_bad_input_is_refused_in_words() -> None:
    with pytest.raises(InputError, match="Choose labels drawn on this image"):
        estimate_memory(IMAGE, _labels(3, 0.5)[:50])
    for workers in ("2", 0, 2.0):
        with pytest.raises(ParameterError, match=r"workers is .*whole number from 1 up"):
            estimate_memory(IMAGE, _labels(3, 0.5), workers=workers)  # type: ignore[arg-type]  # the point


@pytest.mark.parametrize(("needed", "free", "is_said"), [(89, 100, False), (0, 0, False), (91, 100, True)])
def test_what_fits_needs_no_words(needed: int, free: int, is_said: bool) -> None:
    assert bool(memory_warning(needed, free, "Crop it.")) == is_said

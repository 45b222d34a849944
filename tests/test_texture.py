"""What surrounds a pixel: the features of pixel classifiers, in any dimension, and what they say of labels."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_coarse_crf import Parameters, Refiner, refine_labels
from napari_coarse_crf.compute.parallel import finish
from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.problem import Problem, read_problem
from napari_coarse_crf.texture import TEXTURE_STEP, Surroundings, n_textures, sample_labelled, texture_features

Array = np.ndarray[Any, Any]


def _features(image: Array, labels: Array, workers: int = 2, **picture: Any) -> Array:
    """Return the (K, *shape) features in grey levels, NaN where a pixel takes no part."""
    problem = read_problem(Picture(image, **picture), labels)
    with ThreadPoolExecutor(workers) as pool:
        found = finish(texture_features(pool, problem, 1.0))
    whole = np.full((len(found), labels.size), np.nan)
    whole[:, problem.pixels] = found * TEXTURE_STEP
    return whole.reshape(len(found), *labels.shape)


def _noise(*shape: int) -> Array:
    return gaussian_filter(np.random.default_rng(0).normal(128, 300, shape), 2.0).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("shape", [(60, 70), (20, 24, 28)])
def test_features_are_gaussian_means_slopes_bends_and_deviations(shape: tuple[int, ...]) -> None:
    image = _noise(*shape)
    labels = np.zeros(shape, np.uint8)
    labels.flat[:2] = 1, 2
    found = _features(image, labels)
    assert len(found) == n_textures(1) == 21
    grey = image.astype(np.float64) - 127.5
    inside = (slice(6, -6),) * len(shape)  # beyond the border scipy must invent pixels, and we leave them out
    mean = gaussian_filter(grey, 2.0, truncate=4.0)
    square = gaussian_filter(grey**2, 2.0, truncate=4.0)
    slopes = np.gradient(mean)
    bends = [[np.gradient(slope, axis=axis) for axis in range(len(shape))] for slope in slopes]
    own = found[1 + 5 : 1 + 10]  # those of sigma 2
    expected = (
        mean,
        2 * np.sqrt(sum(slope**2 for slope in slopes)),
        4 * sum(bends[axis][axis] for axis in range(len(shape))),
        None,  # its second differences are taken closer together than those of np.gradient
        np.sqrt(np.maximum(square - mean**2, 0)),
    )
    for feature, by_scipy in zip(own, expected, strict=True):
        if by_scipy is not None:
            agreement = np.corrcoef(feature[inside].ravel(), by_scipy[inside].ravel())[0, 1]
            assert agreement > 0.97
            assert feature[inside].std() == pytest.approx(by_scipy[inside].std(), rel=0.15)
    np.testing.assert_allclose(found[0], grey, atol=TEXTURE_STEP / 2)


@pytest.mark.parametrize("channels", [1, 3, 6])
def test_features_of_some_pixels_are_those_of_all(channels: int) -> None:
    image = np.stack([_noise(30, 40) // (1 + channel) for channel in range(channels)], axis=-1)
    labels, mask = np.zeros((30, 40), np.uint8), np.ones((30, 40), np.bool_)
    labels[10, 10:20], labels[20, 5:30], mask[:, 33:] = 1, 2, False
    problem = read_problem(Picture(image, mask=mask), labels)
    some = np.array([0, 77, 78, 500, len(problem.pixels) - 1])
    with ThreadPoolExecutor(2) as pool:
        surroundings = Surroundings(problem, 1.5)
        before = finish(surroundings.rows(pool, some))
        of_all = finish(surroundings.of_all(pool))
        after = finish(surroundings.rows(pool, some))
    np.testing.assert_array_equal(before, of_all[:, some].T * np.float32(TEXTURE_STEP))
    np.testing.assert_array_equal(after, before)


def test_a_ridge_is_told_from_a_blob_by_how_it_bends() -> None:
    image = np.zeros((80, 160), np.uint8)
    image[:, 40] = 200
    image[38:43, 118:123] = 200
    labels = np.zeros(image.shape, np.uint8)
    labels[0, :2] = 1, 2
    own = _features(image, labels)[1 + 5 : 1 + 10]
    beyond, bend = own[3], own[2]
    assert beyond[40, 40] / abs(bend[40, 40]) > 0.6  # bent along one axis only: sqrt(1 / 2)
    assert beyond[40, 120] / abs(bend[40, 120]) < 0.1


def test_what_takes_no_part_is_not_seen() -> None:
    image, labels = _noise(40, 50), np.zeros((40, 50), np.uint8)
    labels[0, 0], labels[20, 30] = 1, 2
    mask = np.ones(image.shape, np.bool_)
    mask[:, 35:] = False
    other = image.copy()
    other[:, 35:] = 255
    first, second = (_features(one, labels, mask=mask) for one in (image, other))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first[:, :, :35], _features(image[:, :35], labels[:, :35]))


def test_the_number_of_threads_does_not_matter() -> None:
    image, labels = _noise(64, 90), np.zeros((64, 90), np.uint8)
    labels[0, :2] = 1, 2
    np.testing.assert_array_equal(_features(image, labels, 1), _features(image, labels, 3))


def test_many_channels_are_smoothed_as_their_mean_alone() -> None:
    image = np.stack([np.roll(_noise(20, 30), channel) for channel in range(7)], axis=-1).astype(np.float32)
    labels = np.zeros((20, 30), np.uint8)
    labels[0, :2] = 1, 2
    found = _features(image, labels, contrast_limits=(0, 255))
    assert len(found) == n_textures(7) == 7 + 4 * 4
    of_mean = _features(image.mean(axis=-1), labels, contrast_limits=(0, 255)).reshape(21, 20, 30)
    means = [1 + 5 * scale for scale in range(4)]  # of one channel, its Gaussian mean is a feature
    np.testing.assert_allclose(found[7:], np.delete(of_mean, [0, *means], axis=0), atol=TEXTURE_STEP)


def _woven() -> tuple[Array, Array, Array]:
    """Return two stuffs of the same colours, fine and coarse checks, with a stroke on each, and the truth."""
    rows, columns = np.mgrid[:96, :160]
    fine, coarse = (rows + columns) % 2, (rows // 4 + columns // 4) % 2
    truth = np.where(columns < 80, 1, 2).astype(np.uint8)
    image = (60 + 120 * np.where(truth == 1, fine, coarse)).astype(np.uint8)
    labels = np.zeros_like(truth)
    labels[20:24, 10:60], labels[70:74, 100:150] = 1, 2
    return image, labels, truth


def test_stuffs_of_the_same_colours_are_told_apart_by_their_texture() -> None:
    image, labels, truth = _woven()
    without, with_texture = (
        np.mean(refine_labels(image, labels, Parameters(texture_weight=weight)) == truth) for weight in (0.0, 1.0)
    )
    assert with_texture > 0.85  # what is wrong lies along the seam, within the widest of its scales
    assert with_texture > without + 0.1


def test_texture_weighs_nothing_where_it_says_nothing() -> None:
    """A pixel whose surroundings are like those of no label goes by its colour."""
    image, labels, _ = _woven()
    image[:, 120:] = 20  # flat, and of a colour that no label has
    likely = Refiner(image, labels).heatmap(Parameters(texture_weight=1.0))
    plain = Refiner(image, labels).heatmap(Parameters())
    flat = (slice(None), slice(5, 60), slice(150, 160))
    assert np.abs(likely[flat] - plain[flat]).max() < 0.05


def test_a_sample_of_the_labels_is_even_and_within_its_bound() -> None:
    labels = np.zeros((50, 60), np.uint8)
    labels[:20], labels[30, :5], labels[45:] = 1, 2, 3
    problem: Problem = read_problem(Picture(np.zeros((50, 60), np.uint8)), labels)
    sample = sample_labelled(problem, 90)
    assert np.bincount(problem.labels[sample]).tolist() == [30, 5, 30]
    assert len(np.unique(sample)) == len(sample)
    for label, places in enumerate(np.split(sample, [30, 35])):
        own = np.flatnonzero(problem.labels == label)
        np.testing.assert_array_equal(places, own[np.linspace(0, len(own) - 1, len(places)).astype(int)])

"""What a large image is refined with is what it would be at once: texture is learnt from all of it, weights chosen."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import ndimage as ndi

from napari_coarse_crf import Parameters, Refiner
from napari_coarse_crf.compute.parallel import finish
from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.tiles.plan import plan_tiles
from tests.test_things import cells
from tests.tiles.test_tiled import _photograph, _refined, _Shelf, _strokes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_coarse_crf.tiles.plan import TilePlan

    Array = NDArray[Any]

TEXTURE = Parameters(texture_weight=1)
MOST_DIFFERING = 0.01
"""Of the pixels; without texture it is about as many."""


def _plan(image: Array, labels: Array, parameters: Parameters | None = None, **options: Any) -> TilePlan:
    return finish(plan_tiles(Picture(image), labels, parameters, **options))


def _fine_above_coarse(seed: int = 0) -> tuple[Array, Array]:
    """Return an image of two grains of the same colours, and which is where."""
    rng = np.random.default_rng(seed)
    fine = rng.normal(size=(128, 512))
    coarse = ndi.gaussian_filter(rng.normal(size=(128, 512)), 3)
    grains = np.concatenate([fine, coarse / coarse.std()])
    image: Array = np.clip(128 + 40 * grains, 0, 255).astype(np.uint8)
    return image, np.repeat([1, 2], 128)[:, np.newaxis].repeat(512, axis=1)


def test_with_texture_tiles_give_nearly_what_the_whole_gives_at_once() -> None:
    image = _photograph()
    labels = _strokes(image, 5, 60)
    refined = _refined(_plan(image, labels, TEXTURE, tile=256, overview_pixels=2**14))
    whole = Refiner(image, labels).run(TEXTURE).labels
    assert np.mean(refined != whole) < MOST_DIFFERING
    assert np.mean(whole != Refiner(image, labels).run(Parameters()).labels) > MOST_DIFFERING


def test_texture_of_a_volume_of_unlike_spacing_is_learnt_as_at_once() -> None:
    planes = _photograph()[:128, :128, 1].astype(np.uint16) * 100
    volume = np.stack([planes + 40 * z for z in range(6)])
    labels = np.stack([_strokes(planes, 3, 10, seed=z) for z in range(6)])
    parameters = TEXTURE.replace(theta_alpha=20)
    picture = Picture(volume, spacing=(3, 1, 1))
    plan = finish(plan_tiles(picture, labels, parameters, tile=(6, 64, 64), overview_pixels=2**14))
    whole = Refiner.of(picture, labels).run(parameters).labels
    assert np.mean(_refined(plan) != whole) < 2 * MOST_DIFFERING


def test_a_tile_without_strokes_is_told_by_texture_of_elsewhere() -> None:
    image, truth = _fine_above_coarse()
    labels = np.zeros(truth.shape, np.uint8)
    for column in range(20, 230, 40):
        labels[10:118:20, column : column + 9], labels[138:246:20, column : column + 9] = 1, 2
    right = {
        weight: np.mean((_refined(_plan(image, labels, Parameters(texture_weight=weight), tile=256)) == truth)[:, 256:])
        for weight in (0.0, 1.0)
    }
    assert right[1.0] > 0.95
    assert right[0.0] < 0.8


@pytest.mark.parametrize("n_labels", [3, 5])
def test_the_labels_choose_in_tiles_what_they_choose_at_once(n_labels: int) -> None:
    image = _photograph()
    labels = _strokes(image, n_labels, 60)
    plan, whole = _plan(image, labels, tile=256), Refiner(image, labels).run()
    assert plan.parameters == whole.parameters
    assert plan.parameters.texture_weight > 0
    assert plan.reason == whole.reason != ""
    assert np.mean(_refined(plan) != whole.labels) < MOST_DIFFERING


def test_objects_are_chosen_for_as_one() -> None:
    image, strokes, _ = cells("nuclei")
    plan, whole = _plan(image, strokes, tile=image.shape[0] // 2), Refiner(image, strokes).run()
    assert plan.parameters == whole.parameters


def test_parameters_that_were_chosen_give_the_same_again() -> None:
    image = _photograph()[:256, :256]
    labels = _strokes(image, 3, 30)
    chosen = _plan(image, labels, tile=128)
    again = _plan(image, labels, chosen.parameters, tile=128)
    assert again.parameters == chosen.parameters
    assert again.reason == ""
    np.testing.assert_array_equal(_refined(again), _refined(chosen))


def test_what_was_settled_goes_with_what_is_sent_and_kept() -> None:
    image = _photograph()[:256, :256]
    labels = _strokes(image, 3, 30)
    shelf = _Shelf()
    options: dict[str, Any] = {"tile": 128, "overview_pixels": 2**14, "kept": shelf}
    plan = _plan(image, labels, **options)
    assert plan.whole.facts.discriminant is not None
    resumed = _plan(image, labels, **options)
    sent = pickle.loads(pickle.dumps(plan))
    for other in (resumed, sent):
        assert (other.parameters, other.reason) == (plan.parameters, plan.reason)
        np.testing.assert_array_equal(_refined(other), _refined(plan))


def test_where_most_is_labelled_texture_is_not_asked() -> None:
    image = _photograph()[:128, :128]
    labels = np.where(np.indices((128, 128)).sum(axis=0) % 50 < 35, _strokes(image, 3, 1500), 0)
    assert np.mean(labels > 0) > 0.5
    plan = _plan(image, labels, tile=64)
    assert plan.parameters.texture_weight == 0
    assert plan.whole.facts.discriminant is None

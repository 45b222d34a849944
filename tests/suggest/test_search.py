"""Suggested parameters: deterministic, from the labels alone, and the defaults unless something is clearly better."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_coarse_crf import InputError, Parameters, evaluate_labels, refine_labels, suggest_parameters
from napari_coarse_crf.judging.hiding import hidings
from napari_coarse_crf.judging.look import CANDIDATES

Array = np.ndarray[Any, Any]


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


def test_the_same_labels_give_the_same_suggestion() -> None:
    first, second = (suggest_parameters(_image(), _labels()) for _ in range(2))
    assert first == second
    assert {trial.name for trial in first.trials} == set(CANDIDATES) - {"straight paths"}
    assert [trial.gain for trial in first.trials] == sorted((trial.gain for trial in first.trials), reverse=True)
    assert {trial.gain for trial in first.trials if trial.name == "default"} == {0}


def test_every_score_is_a_mean_iou_over_the_ways_of_hiding() -> None:
    n_ways = len(list(hidings(_labels())))
    for trial in suggest_parameters(_image(), _labels()).trials:
        assert len(trial.scores) == n_ways
        assert all(0 <= score <= 1 for score in trial.scores)
        assert trial.score == pytest.approx(np.mean(trial.scores))
    gains = {trial.name: trial.hidden_gain for trial in suggest_parameters(_image(), _labels()).trials}
    assert gains["default"] == 0


def test_inputs_are_left_as_they_are_and_ids_do_not_matter() -> None:
    image, labels = _image(), _labels()
    before = image.copy(), labels.copy()
    found = suggest_parameters(image, labels)
    assert np.array_equal(image, before[0])
    assert np.array_equal(labels, before[1])
    renamed = np.select([labels == 3, labels == 7, labels == 70000], [1, 2, 3]).astype(np.uint8)
    assert suggest_parameters(image, renamed).trials == found.trials


def test_progress_counts_every_trial() -> None:
    told: list[tuple[int, int]] = []
    suggest_parameters(_image(), _labels(), progress=lambda done, total: told.append((done, total)))
    assert sorted(told) == told
    total = 1 + len(list(hidings(_labels())))
    assert set(told) == {(done, total) for done in range(total + 1)}


def test_progress_can_stop_the_search_within_a_trial() -> None:
    told: list[int] = []

    def stop_soon(done: int, _total: int) -> None:
        told.append(done)
        if len(told) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        suggest_parameters(_image(), _labels(), progress=stop_soon)
    assert told == [0, 0, 0, 0]


def test_too_few_labels_keep_the_defaults_and_say_so() -> None:
    labels = np.zeros((90, 120), np.uint8)
    labels[3, 3], labels[80, 100] = 1, 2
    suggestion = suggest_parameters(_image(), labels)
    assert suggestion.parameters == Parameters()
    assert suggestion.trials == ()
    assert "too few" in suggestion.reason


def test_several_images_are_judged_together() -> None:
    alone = suggest_parameters(_image(), _labels())
    both = suggest_parameters([_image(), _image()], [_labels(), _labels()])
    found = {trial.name: (trial.score, trial.gain) for trial in both.trials}
    for trial in alone.trials:
        assert found[trial.name] == pytest.approx((trial.score, trial.gain))
        assert len(trial.scores) == len(both.trials[0].scores) / 2


def test_every_image_has_a_mask_of_its_own() -> None:
    mask = np.arange(120) < 70
    masks = [np.broadcast_to(mask, (90, 120)), None]
    alone = [suggest_parameters(_image(), _labels(), mask=one) for one in masks]
    both = suggest_parameters([_image()] * 2, [_labels()] * 2, mask=masks)
    wanted = {trial.name: trial.scores for trial in alone[0].trials}
    for trial in alone[1].trials:
        wanted[trial.name] += trial.scores
    assert {trial.name: trial.scores for trial in both.trials} == wanted
    with pytest.raises(InputError, match="2 images and 1 masks"):
        suggest_parameters([_image()] * 2, [_labels()] * 2, mask=masks[:1])


def test_channels_first_and_a_large_image_work() -> None:
    image = np.moveaxis(np.tile(_image(), (7, 6, 1)), -1, 0)
    suggestion = suggest_parameters(image, np.tile(_labels(), (7, 6)), channel_axis=0)
    assert len(suggestion.trials) == len(CANDIDATES) - 1


def test_thin_strokes_on_a_large_image_are_not_lost() -> None:
    image = np.tile(_image(), (12, 10, 1))
    labels = np.zeros(image.shape[:2], np.uint8)
    for row in range(0, 1080, 30):
        labels[row + 1, 130:500], labels[row + 2, 700:1100] = 1, 2  # step 3 would see neither of these rows
    assert suggest_parameters(image, labels).trials


@pytest.mark.parametrize(
    ("image", "labels", "words"),
    [
        (_image(), _labels()[:50], "Choose labels drawn on this image"),
        (_image(), np.zeros((90, 120), np.uint8), "paint at least two labels"),
        ([_image()], [_labels(), _labels()], "1 images and 2 label maps"),
        (_image(), _labels().astype(float), "whole numbers"),
        ([_image()] * 2, [_labels(), _labels()[:50]], "Image 2 of 2"),
    ],
    ids=["shapes", "no label", "lengths", "float labels", "which image"],
)
def test_bad_input_is_refused_in_words(image: Any, labels: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        suggest_parameters(image, labels)


def test_a_mask_of_another_shape_is_refused_in_words() -> None:
    for mask in (np.ones(90, np.bool_), np.ones((90, 60), np.bool_)):
        with pytest.raises(InputError, match="mask"):
            suggest_parameters(_image(), _labels(), mask=mask)


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


def test_what_is_scattered_and_known_by_its_colour_is_found_to_be_so() -> None:
    image, labels, truth = _membranes()
    suggestion = suggest_parameters(image, labels)
    assert suggestion.parameters.geodesic_exponent == 0
    before, after = (
        evaluate_labels(refine_labels(image, labels, parameters), truth).mean_iou
        for parameters in (Parameters(), suggestion.parameters)
    )
    assert after > before + 0.1


def test_what_does_not_fit_is_said_of_the_image_at_full_size() -> None:
    labels = np.zeros((700, 900), np.uint8)
    labels[:300, :300], labels[400:, 500:] = 1, 2
    with pytest.raises(InputError, match=r"have shape \(700, 900\) but the image is \(701, 900\)"):
        suggest_parameters(np.zeros((701, 900), np.uint8), labels)
    with pytest.raises(InputError, match=r"mask has shape \(900, 700\) but the labels are \(700, 900\)"):
        suggest_parameters(labels, labels, mask=np.ones((900, 700), np.bool_))
    with pytest.raises(InputError, match=r"Image 2 of 2: .*Use channel_axis=0\."):
        suggest_parameters([_image(), np.zeros((3, 700, 900), np.uint8)], [_labels(), labels])


def test_labels_outside_the_mask_say_nothing() -> None:
    image, labels, _ = _membranes()
    mask = np.ones(labels.shape, np.bool_)
    mask[150:] = False
    swapped = labels.copy()
    swapped[150:] = np.array([0, 2, 1], labels.dtype)[labels[150:]]
    found = suggest_parameters(image, labels, mask=mask).trials
    assert suggest_parameters(image, swapped, mask=mask).trials == found
    cropped = suggest_parameters(image[:150], labels[:150], contrast_limits=(0, 255)).trials
    assert [trial.name for trial in cropped] == [trial.name for trial in found]
    assert [trial.gain for trial in cropped] == pytest.approx([trial.gain for trial in found], abs=0.05)


def test_on_a_large_image_a_mask_and_the_ids_still_do_not_matter() -> None:
    image, labels, _ = _membranes(scale=4)
    mask = np.ones(labels.shape, np.bool_)
    mask[600:] = False
    stray = labels.copy()
    stray[700:720, 100:400] = 9
    found = suggest_parameters(image, labels, mask=mask).trials
    assert suggest_parameters(image, stray, mask=mask).trials == found
    renamed = np.array([0, 50, 70])[labels]
    assert suggest_parameters(image, renamed, mask=mask).trials == found


def test_a_few_pixels_more_do_not_change_the_promise() -> None:
    image, labels, _ = _membranes(side=260, scale=2)
    full, thinned = (suggest_parameters(image[:side, :side], labels[:side, :side]).trials for side in (256, 258))
    promises = [{trial.name: trial.gain for trial in trials} for trials in (full, thinned)]
    assert promises[1] == pytest.approx(promises[0], abs=0.05)


def test_images_that_cannot_judge_do_not_lower_the_margin() -> None:
    image, labels, _ = _membranes(noise=38)
    dots = np.zeros_like(labels)
    dots[3, 3], dots[150, 150] = 1, 2
    alone = suggest_parameters(image, labels)
    assert "+0.030 would be a clear gain" in alone.reason
    assert suggest_parameters([image] * 5, [labels, dots, dots, dots, np.maximum(labels, 1)]) == alone

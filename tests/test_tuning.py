"""Suggested parameters: deterministic, from the labels alone, and the defaults unless something is clearly better."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_coarse_crf import InputError, Parameters, suggest_parameters
from napari_coarse_crf.tuning import CANDIDATES, Suggestion, _choose, _hidings, _keep_every_label

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
    assert {trial.name for trial in first.trials} == set(CANDIDATES)
    assert [trial.score for trial in first.trials] == sorted((trial.score for trial in first.trials), reverse=True)


def test_every_score_is_a_mean_iou_over_the_ways_of_hiding() -> None:
    for trial in suggest_parameters(_image(), _labels()).trials:
        assert len(trial.scores) == 3
        assert all(0 <= score <= 1 for score in trial.scores)
        assert trial.score == pytest.approx(np.mean(trial.scores))


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
    assert set(told) == {(done, 3 * len(CANDIDATES)) for done in range(3 * len(CANDIDATES) + 1)}


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
    scores = {trial.name: trial.score for trial in both.trials}
    assert scores == pytest.approx({trial.name: trial.score for trial in alone.trials})
    assert all(len(trial.scores) == 6 for trial in both.trials)


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
    assert len(suggestion.trials) == len(CANDIDATES)


@pytest.mark.parametrize(
    ("image", "labels", "words"),
    [
        (_image(), _labels()[:50], "Choose labels drawn on this image"),
        (_image(), np.zeros((90, 120), np.uint8), "paint at least two labels"),
        ([_image()], [_labels(), _labels()], "1 images and 2 label maps"),
        (_image(), _labels().astype(float), "whole numbers"),
    ],
    ids=["shapes", "no label", "lengths", "float labels"],
)
def test_bad_input_is_refused_in_words(image: Any, labels: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        suggest_parameters(image, labels)


def test_only_a_clear_gain_in_every_way_of_hiding_moves_the_parameters() -> None:
    scores = {name: [0.5, 0.6, 0.7] for name in CANDIDATES}

    def chosen(*firm_paths: float) -> Suggestion:
        return _choose(scores | {"firm paths": list(firm_paths)}, [0, 1, 2], 1)

    clear = chosen(0.53, 0.63, 0.73)
    assert clear.parameters == Parameters(geodesic_exponent=8.0, appearance_weight=1.0)
    assert "Clearly better" in clear.reason
    for doubtful in (chosen(0.51, 0.61, 0.71), chosen(0.9, 0.9, 0.7), chosen(0.5, 0.6, 0.7)):
        assert doubtful.parameters == Parameters()
        assert "stay" in doubtful.reason


def test_a_pool_of_images_needs_a_smaller_gain() -> None:
    scores = {name: [0.5] * 8 for name in CANDIDATES} | {
        "steep edges": [0.54, 0.49, 0.515, 0.51, 0.51, 0.51, 0.51, 0.51]
    }
    assert _choose(scores, [0, 0, 1, 1, 1, 2, 2, 2], 4).parameters == Parameters(geodesic_colour_weight=8.0)
    assert _choose(scores, [0, 0, 1, 1, 1, 2, 2, 2], 1).parameters == Parameters()


def test_hiding_takes_something_of_every_kind_and_loses_no_label() -> None:
    labels = _labels()
    for _, kept, hidden in _hidings(labels):
        assert set(np.unique(kept)) == set(np.unique(labels))
        assert len(np.unique(labels[hidden])) > 1
        assert not kept[hidden].any()
        assert np.array_equal(kept[kept != 0], labels[kept != 0])


def test_a_label_that_would_vanish_is_kept_as_a_whole() -> None:
    labels = np.array([[1, 1, 2, 2, 3]])
    kept = _keep_every_label(labels, np.array([[True, True, True, False, False]]))
    assert kept.tolist() == [[1, 1, 0, 2, 3]]

"""Colours of labels, gathered block by block: few, and their sums are those of all pixels."""

from __future__ import annotations

import numpy as np

from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.problem import Problem, read_problem
from napari_coarse_crf.tiles.palette import Palette


def _problem(seed: int = 0, channels: int = 3) -> Problem:
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (30, 40, channels), np.uint8)
    return read_problem(Picture(image), rng.integers(0, 4, (30, 40)) * 10)


def test_no_labelled_pixel_is_lost_and_the_mean_colour_of_each_label_is_exact() -> None:
    problem = _problem()
    palette = Palette.of(problem, 64.0)
    assert len(palette.ids) < len(problem.labels) / 2
    for label, label_id in enumerate(problem.label_ids):
        own, of_label = palette.ids == label_id, problem.labels == label
        assert palette.counts[own].sum() == np.count_nonzero(of_label)
        np.testing.assert_allclose(palette.sums[:, own].sum(axis=1), problem.colours[:, of_label].sum(axis=1))


def test_colours_taken_together_are_nearly_the_same() -> None:
    problem = _problem()
    palette = Palette.of(problem, 0.5)  # less than a grey level
    colours = np.concatenate([palette.colours.astype(int), palette.ids[np.newaxis]]).T
    ids = np.append(problem.label_ids, 0)[problem.labels]
    there = {tuple(one) for one in np.concatenate([problem.colours, ids[np.newaxis]]).T.tolist()}
    found = {tuple(one) for one in colours.tolist()}
    assert found <= there
    assert {one for one in there if one[-1]} <= found
    unlabelled = sum(one[-1] == 0 for one in found)
    assert 0 < unlabelled < sum(one[-1] == 0 for one in there) / 4


def test_too_many_colours_become_fewer_of_wider_cells_and_at_last_some_of_them() -> None:
    first, second = (Palette.of(_problem(seed), 1.0) for seed in (0, 1))
    wider = first.joined(second, 1000, 128.0)
    assert len(wider.ids) <= 1000
    assert wider.width > 1.0
    assert wider.counts.sum() == first.counts.sum() + second.counts.sum()
    some = first.joined(second, 100, 1.0)
    assert some.width == 1.0
    assert np.unique(some.ids, return_counts=True)[1].tolist() == [25, 25, 25, 25]
    other_way = second.joined(first, 100, 1.0)
    np.testing.assert_array_equal(other_way.colours, some.colours)

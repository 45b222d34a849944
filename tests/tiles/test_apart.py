"""Parts refined each on its own give what each alone would give."""

from __future__ import annotations

import numpy as np
import pytest

from napari_coarse_crf import InputError, ParameterError, Parameters, estimate_memory, refine_labels
from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.tiles.apart import PartRefiner, make_refiner, parts_apart

QUICK = Parameters(iterations=2, theta_alpha=20)
IMAGE = np.random.default_rng(0).integers(0, 4000, (4, 3, 16, 20)).astype(np.uint16)  # frames with channels
LABELS = np.zeros((4, 16, 20), np.uint8)
LABELS[:, 2:4, 3:15], LABELS[:, 12:14, 3:15] = 3, 7
MASK = np.ones(LABELS.shape, bool)
MASK[:, :, 18:] = False
PICTURE = Picture(IMAGE, MASK, channel_axis=1, spacing=(9, 2, 1))


def test_each_part_is_refined_as_if_it_were_alone() -> None:
    refinement = PartRefiner(PICTURE, LABELS, (0,)).run(QUICK)
    for frame in range(4):
        alone = refine_labels(IMAGE[frame], LABELS[frame], QUICK, mask=MASK[frame], channel_axis=0, spacing=(2, 1))
        assert np.array_equal(refinement.labels[frame], alone)
    assert refinement.parameters == QUICK
    assert refinement.label_counts[3][0] == 4 * 24


def test_several_axes_may_lie_apart() -> None:
    assert len(parts_apart((2, 3, 16, 20), (0, 1))) == 6
    volume = np.stack([LABELS, LABELS])
    image = np.stack([IMAGE[:, 0], IMAGE[:, 1]])
    found = PartRefiner(Picture(image), volume, (0, 1)).run(QUICK).labels
    assert np.array_equal(found[1, 2], refine_labels(image[1, 2], volume[1, 2], QUICK))


@pytest.mark.parametrize("given_as", ["channels last", "channels after time", "an array for each channel"])
def test_volumes_over_time_are_refined_each_on_its_own_with_channels_anywhere(given_as: str) -> None:
    image, labels, mask = np.stack([IMAGE, IMAGE[::-1]]), np.stack([LABELS, LABELS]), np.stack([MASK, MASK])
    channels = [image[:, :, channel] for channel in range(3)]
    last = np.stack(channels, axis=-1)
    given, axis = {
        "channels last": (last, -1),
        "channels after time": (np.moveaxis(last, -1, 1), 1),
        "an array for each channel": (channels, -1),
    }[given_as]
    found = PartRefiner(Picture(given, mask, axis, (60, 3, 1, 1)), labels, (0,)).run(QUICK).labels
    for time in range(2):
        alone = refine_labels(last[time], labels[time], QUICK, mask=mask[time], spacing=(3, 1, 1))
        np.testing.assert_array_equal(found[time], alone)


def test_a_part_with_fewer_than_two_labels_stays_and_is_named() -> None:
    labels = LABELS.copy()
    labels[2] = np.where(labels[2] == 3, 3, 0)
    refinement = PartRefiner(PICTURE, labels, (0,)).run(QUICK)
    assert np.array_equal(refinement.labels[2], labels[2])
    assert "Left as they are, with fewer than two labels: slice 2." in refinement.warnings


def test_what_cannot_be_refined_is_said_before_any_work() -> None:
    with pytest.raises(InputError, match="No slice holds two labels"):
        PartRefiner(PICTURE, np.where(LABELS == 3, LABELS, 0), (0,))
    with pytest.raises(ParameterError, match="engine is 'magic'"):
        PartRefiner(PICTURE, LABELS, (0,), engine="magic")  # type: ignore[arg-type]


def test_steps_count_up_to_the_end_and_the_last_one_carries_the_refinement() -> None:
    steps = list(PartRefiner(PICTURE, LABELS, (0,)).steps(QUICK))
    done = [step.step for step in steps]
    assert done == sorted(done)
    assert steps[-1].step == steps[-1].total
    assert [step.refinement is None for step in steps] == [True] * (len(steps) - 1) + [False]


def test_without_axes_everything_is_refined_at_once() -> None:
    picture = Picture(IMAGE[:, 0])
    assert np.array_equal(
        make_refiner(picture, LABELS, ()).run(QUICK).labels, refine_labels(IMAGE[:, 0], LABELS, QUICK)
    )


def test_the_memory_is_that_of_one_part_and_of_the_whole_result() -> None:
    labels = LABELS.copy()
    labels[0] = 0
    alone = estimate_memory(IMAGE[1], labels[1], mask=MASK[1], channel_axis=0, spacing=(2, 1), workers=2)
    assert PartRefiner(PICTURE, labels, (0,), workers=2).estimate_memory() == alone + labels.size * (1 + 4)

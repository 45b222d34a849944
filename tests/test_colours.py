"""Values to grey levels of 0..255."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_coarse_crf import CoarseCRFWarning, Parameters, Refiner, refine_labels
from napari_coarse_crf.colours import scale_colours

if TYPE_CHECKING:
    from numpy.typing import NDArray


def scaled(
    values: NDArray[Any], limits: Any = None, *, by_channel: bool = False
) -> tuple[NDArray[Any], tuple[str, ...]]:
    out = np.empty(values.shape[::-1], np.float32)
    return out, scale_colours(values, limits, by_channel, out)


@pytest.fixture
def two_channels() -> NDArray[np.float32]:
    """Return a bright channel and one that is 60 times dimmer."""
    random = np.random.default_rng(2)
    return np.stack([random.uniform(0, 6000, 5000), random.uniform(0, 100, 5000)], axis=1).astype(np.float32)


def test_a_much_dimmer_channel_has_a_range_of_its_own_and_that_is_said(two_channels: NDArray[Any]) -> None:
    out, (sentence,) = scaled(two_channels)
    assert out.min(axis=1) == pytest.approx([0, 0], abs=1)
    assert out.max(axis=1) == pytest.approx([255, 255], abs=1)
    assert sentence.startswith("The channels differ much in brightness, so each is scaled by its own range (")


def test_colours_keep_one_range_for_all(two_channels: NDArray[Any]) -> None:
    out, notes = scaled(two_channels * (1, 20))
    assert notes == ()
    assert out[1].max() == pytest.approx(255 / 3, rel=0.02)


def test_channels_that_are_asked_for_one_by_one_need_no_words(two_channels: NDArray[Any]) -> None:
    out, notes = scaled(two_channels * (1, 20), by_channel=True)
    assert notes == ()
    assert out.max(axis=1) == pytest.approx([255, 255], abs=1)


@pytest.mark.parametrize("limits", [(0, 6000), [(0, 6000), (0, 6000)]])
def test_limits_that_are_given_are_taken(two_channels: NDArray[Any], limits: Any) -> None:
    out, notes = scaled(two_channels, limits)
    assert notes == ()
    assert out[1].max() == pytest.approx(255 / 60, rel=0.01)


def test_limits_too_near_for_a_difference_give_black(two_channels: NDArray[Any]) -> None:
    out, _ = scaled(two_channels, (0, 5e-324))
    assert not out.any()


def test_channels_as_bright_as_numbers_go_are_compared_all_the_same(two_channels: NDArray[Any]) -> None:
    halves = np.stack([two_channels[:, 0] / two_channels[:, 0].max()] * 2, axis=-1) * (1.7e308, 0.8e308)
    out, notes = scaled(halves)
    assert notes == ()
    assert out.max(axis=1) == pytest.approx([255, 120], abs=1)


def test_a_channel_without_signal_is_not_brought_out(two_channels: NDArray[Any]) -> None:
    out, notes = scaled(two_channels * (1, 0))
    assert notes == ()
    assert not out[1].any()


def test_what_only_a_dim_channel_tells_is_seen() -> None:
    random = np.random.default_rng(5)
    truth = np.where(np.indices((60, 90))[1] < 50, 1, 2)
    bright = random.normal(20_000, 3000, truth.shape)
    image = np.stack([bright, truth * 150 + random.normal(0, 15, truth.shape)], axis=-1).clip(0).astype(np.uint16)
    labels = np.zeros(truth.shape, np.uint8)
    labels[20:40, 10], labels[20:40, 80] = 1, 2
    with pytest.warns(CoarseCRFWarning, match="differ much in brightness"):
        refined = refine_labels(image, labels)
    assert np.mean(refined == truth) > 0.99
    together = Refiner(image, labels, contrast_limits=(0, 30_000)).run(Parameters())
    assert np.mean(together.labels == truth) < 0.96
    assert not together.warnings

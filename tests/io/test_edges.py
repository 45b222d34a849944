"""Smooth edges are told from labels that a person painted, however many and small."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from skimage.measure import label

from napari_coarse_crf.io.edges import say_smoothed_edges
from napari_coarse_crf.samples import SAMPLE_NAMES, load_sample

if TYPE_CHECKING:
    from numpy.typing import NDArray


def drawn(width: int, *, smooth: bool) -> NDArray[np.uint8]:
    """Return three strokes and a polygon, as a drawing program leaves them."""
    finer = 8 if smooth else 1
    picture = Image.new("L", (160 * finer, 120 * finer))
    draw = ImageDraw.Draw(picture)
    for y, number in ((20, 60), (60, 130), (100, 255)):
        corners = [(10 * finer, y * finer), (80 * finer, (y + 9) * finer), (150 * finer, (y - 5) * finer)]
        draw.line(corners, fill=number, width=width * finer)
    return np.asarray(picture.resize((160, 120), Image.Resampling.BOX))


@pytest.mark.parametrize("width", [2, 5, 15])
def test_smooth_strokes_are_told_and_crisp_ones_are_not(width: int) -> None:
    (sentence,) = say_smoothed_edges(drawn(width, smooth=True))
    assert "drawn or resized with smooth edges" in sentence
    assert say_smoothed_edges(drawn(width, smooth=False)) == ()


@pytest.mark.parametrize("method", [Image.Resampling.BILINEAR, Image.Resampling.BICUBIC])
def test_a_map_resized_between_its_ids_is_told(method: Any) -> None:
    fine = load_sample("aerial").fine * 40
    resized = np.asarray(Image.fromarray(fine).resize((fine.shape[1] * 3 // 2, fine.shape[0] * 3 // 2), method))
    assert say_smoothed_edges(resized)
    assert say_smoothed_edges(np.stack([resized, resized]))
    nearest = Image.fromarray(fine).resize((fine.shape[1] * 3 // 2, fine.shape[0] * 3 // 2), Image.Resampling.NEAREST)
    assert say_smoothed_edges(np.asarray(nearest)) == ()


@pytest.mark.parametrize("method", [Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS])
@pytest.mark.parametrize("scale", [0.5, 1.5])
def test_thin_lines_resized_between_their_ids_are_told(method: Any, scale: float) -> None:
    labels = np.zeros((120, 160), np.uint8)
    labels[36:48, 48], labels[84, 96:128], labels[5, 5:155], labels[36:60, 120] = 160, 240, 80, 80
    resized = Image.fromarray(labels).resize((round(160 * scale), round(120 * scale)), method)
    assert say_smoothed_edges(np.asarray(resized))


@pytest.mark.parametrize("name", SAMPLE_NAMES)
def test_labels_of_a_person_are_not_told_classes_or_numbered_objects(name: str) -> None:
    sample = load_sample(name)
    for labels in (sample.coarse, sample.fine):
        assert say_smoothed_edges(labels) == ()
        numbered = label(labels == labels.max())
        assert say_smoothed_edges(numbered) == ()
        assert say_smoothed_edges(np.where(numbered > 0, numbered + 1, labels > 0)) == ()


def test_one_click_for_each_object_is_not_told() -> None:
    rng = np.random.default_rng(0)
    labels = np.zeros((200, 200), np.int32)
    labels[190:195] = 1
    labels[tuple(rng.integers(0, 180, (2, 300)))] = np.arange(2, 302)
    assert say_smoothed_edges(labels) == ()

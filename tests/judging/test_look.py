"""A look at hidden labels asks no more than it takes to tell."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from scipy import ndimage as ndi

from napari_coarse_crf import Parameters
from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.judging.look import Findings, Scene
from napari_coarse_crf.problem import read_problem

Array = np.ndarray[Any, Any]


def _look(image: Array, labels: Array) -> tuple[int, Findings]:
    """Return how many questions a look asks, and what it finds."""
    scene = Scene(read_problem(Picture(image), labels), Parameters(), None)
    assert len(scene.hidings) == 6
    with ThreadPoolExecutor(2) as pool:
        look, n_asked = scene.look(pool), 0
        while True:
            try:
                n_asked += next(look) or 0
            except StopIteration as end:
                return n_asked, end.value


def test_the_probe_is_asked_of_the_first_hidings_too_where_colour_alone_finds_more() -> None:
    rng = np.random.default_rng(0)
    dots = ndi.maximum_filter(rng.random((120, 160)) > 0.996, 5)
    image = (np.where(dots, 200, 60) + rng.normal(0, 10, dots.shape)).clip(0, 255).astype(np.uint8)
    labels = np.where(dots & (rng.random(dots.shape) < 0.3), 2, 0)
    labels[10::20] = np.where(dots[10::20], labels[10::20], 1)
    n_asked, found = _look(image, labels)
    assert "colour alone" in found.sets
    assert n_asked == 3 + 3 + 4


def test_the_probe_is_not_asked_where_colours_say_nothing() -> None:
    image = np.random.default_rng(0).integers(0, 256, (120, 160)).astype(np.uint8)
    labels = np.zeros(image.shape, np.uint8)
    labels[10:110:20, 10:60], labels[10:110:20, 90:150] = 1, 2
    n_asked, found = _look(image, labels)
    assert "colour alone" not in found.sets
    assert n_asked <= 3 + 4

"""What outlines and lines cover, against the plain way: every pixel of the plane, asked one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from skimage.draw import polygon, polygon2mask

from napari_coarse_crf.tiles.covers import cover_outline, cover_path

SHAPE = (90, 200)


def distance_to(path: Any, shape: tuple[int, int]) -> Any:
    """Return how far each pixel lies from a path."""
    places = np.indices(shape).transpose(1, 2, 0).astype(float)
    nearest = np.full(shape, np.inf)
    for start, end in zip(path[:-1] if len(path) > 1 else path, path[1:] if len(path) > 1 else path, strict=True):
        way = end - start
        share = np.clip((places - start) @ way / max(way @ way, 1e-300), 0, 1)[..., np.newaxis]
        nearest = np.minimum(nearest, np.linalg.norm(places - start - share * way, axis=-1))
    return nearest


def drawn(covers: Any) -> Any:
    plane = np.zeros(SHAPE, np.uint8)
    for cover in covers:
        cover.draw(plane, 7)
    return plane == 7


@pytest.mark.parametrize("width", [1.3, 6.2, 90.7])
@pytest.mark.parametrize("corners", [1, 2, 5])
def test_a_pen_covers_what_is_near_its_path(width: float, corners: int) -> None:
    path = np.random.default_rng(corners).uniform((-40, -80), (130, 300), (corners, 2))
    np.testing.assert_array_equal(drawn(cover_path(path, width, SHAPE)), distance_to(path, SHAPE) <= width / 2)


def test_a_thin_line_covers_the_pixels_nearest_to_its_corners() -> None:
    plane = drawn(cover_path(np.array([[3.49, 4.49], [60.4, 150.4]]), 0.1, SHAPE))
    assert plane[3, 4]
    assert plane[60, 150]


def test_an_outline_covers_what_is_inside() -> None:
    outline = np.array([[5.5, 5.2], [70.1, 30.3], [40.4, 180.6]])
    np.testing.assert_array_equal(drawn(cover_outline(outline, SHAPE)), polygon2mask(SHAPE, outline))


@pytest.mark.parametrize("step", [0.37, 0.5, 1.0])
def test_an_outline_of_many_corners_covers_what_all_of_them_together_do(step: float) -> None:
    random = np.random.default_rng(4)
    outline = np.cumsum(random.integers(-4, 5, (300, 2)) * step, axis=0) + np.array(
        [45, 100]
    )  # crosses itself, and pixels
    rows, columns = polygon(outline[:, 0], outline[:, 1], SHAPE)
    wanted = np.zeros(SHAPE, bool)
    wanted[rows, columns] = True
    np.testing.assert_array_equal(drawn(cover_outline(outline, SHAPE)), wanted)


def test_what_lies_outside_covers_nothing() -> None:
    far = np.array([[500.0, 500], [600, 500], [500, 600]])
    assert cover_outline(far, SHAPE) == cover_path(far, 3, SHAPE) == ()

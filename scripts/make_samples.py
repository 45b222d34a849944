#!/usr/bin/env python
"""Draw the coarse maps of the bundled samples, the way a person in a hurry would.

Each sample has a fine map. Compact things get a polygon well inside each piece; long things and the
background between cells get brush strokes along their middle. Nothing is drawn near a boundary, small pieces are
left out. The same seed draws the same map, so `tests/test_samples.py` compares what is stored with what this draws.

    python scripts/make_samples.py            # rewrites src/napari_coarse_crf/samples/*_coarse.png
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import imageio.v3 as iio
import numpy as np
from scipy import ndimage as ndi
from skimage.draw import polygon2mask
from skimage.graph import MCP_Geometric
from skimage.measure import approximate_polygon, find_contours
from skimage.morphology import skeletonize

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]
    Points = NDArray[np.float64]

SAMPLES = Path(__file__).parents[1] / "src" / "napari_coarse_crf" / "samples"


@dataclass(frozen=True)
class Recipe:
    """How one sample is drawn; lengths in pixels, areas in square pixels.

    Attributes
    ----------
    polygons, strokes : tuple of int
        The classes drawn as polygons and as brush strokes.
    margin : float
        How far polygons keep from the edge, as a part of the largest distance to the edge within the piece.
    max_margin : float
        The upper limit of that distance.
    smallest : int
        Pieces below this area are left out.
    brush : float
        Width of a stroke.
    shortest : int
        Strokes below this length are not worth drawing.
    left_out : float
        The part of the polygons that the person does not get round to.
    seed : int
        Of the hand's jitter and of what is left out.
    """

    polygons: tuple[int, ...]
    strokes: tuple[int, ...]
    margin: float
    max_margin: float
    smallest: int
    brush: float
    shortest: int
    left_out: float
    seed: int


RECIPES = {
    "aerial": Recipe((1, 2, 4, 5), (3,), 0.4, max_margin=20, smallest=150, brush=5, shortest=60, left_out=0, seed=1),
    "tissue": Recipe((2,), (1,), 0.45, max_margin=6, smallest=60, brush=5, shortest=40, left_out=0.2, seed=2),
    "nuclei": Recipe((2,), (1,), 0.45, max_margin=6, smallest=60, brush=5, shortest=40, left_out=0.2, seed=3),
    "dim_nuclei": Recipe((2,), (1,), 0.45, max_margin=10, smallest=200, brush=6, shortest=60, left_out=0.2, seed=4),
}


def draw_coarse(fine: NDArray[np.uint8], recipe: Recipe) -> NDArray[np.uint8]:
    """Return the coarse map of `fine`: 0 where a person would not have drawn."""
    rng = np.random.default_rng(recipe.seed)
    coarse = np.zeros_like(fine)
    for label_id in recipe.polygons:
        for piece in pieces(fine == label_id, recipe.smallest):
            coarse[draw_polygons(piece, recipe, rng)] = label_id
    for label_id in recipe.strokes:
        for piece in pieces(fine == label_id, recipe.smallest):
            coarse[draw_strokes(piece, recipe)] = label_id
    coarse[fine == 0] = 0  # the sample's authors could not name what is there: neither would our person
    return coarse


def pieces(mask: Mask, smallest: int) -> Iterator[Mask]:
    """Yield the connected pieces of `mask` that are large enough to be drawn."""
    numbered, count = ndi.label(mask, np.ones((3, 3)))
    area = np.bincount(numbered.ravel())
    for number in range(1, count + 1):
        if area[number] >= smallest:
            yield numbered == number


def distance_inside(piece: Mask) -> Points:
    """Return the distance to the piece's edge; the frame of the image is no edge."""
    inside: Points = ndi.distance_transform_edt(np.pad(piece, 1, mode="edge"))[1:-1, 1:-1]
    return inside


def draw_polygons(piece: Mask, recipe: Recipe, rng: np.random.Generator) -> Mask:
    """Return polygons with few, shaky corners inside the piece; a thin neck splits it into several."""
    distance = distance_inside(piece)
    care = rng.uniform(0.7, 1.5)  # some pieces are painted with more patience than others
    core = distance > min(care * recipe.margin * distance.max(), care * recipe.max_margin, 0.7 * distance.max())
    drawn = np.zeros_like(piece)
    for part in pieces(core, recipe.smallest // 6):
        if rng.random() < recipe.left_out:
            continue
        corners_apart = np.clip(0.08 * np.sqrt(part.sum()), 1.2, 5.0)
        for outline in find_contours(np.pad(part, 1), 0.5):
            corners = approximate_polygon(outline, corners_apart)[:-1] - 1  # the first corner is repeated; padding
            if len(corners) >= 3:  # fewer: a speck that simplifying has flattened
                drawn ^= polygon2mask(piece.shape, corners + rng.normal(0, 0.3 * corners_apart, corners.shape))
    return drawn


def draw_strokes(piece: Mask, recipe: Recipe) -> Mask:
    """Return brush strokes along the middle of the piece, the longest first, each clear of those before."""
    distance = distance_inside(piece)
    # Clear of every edge where there is room, along the middle where there is not.
    middle = skeletonize(distance > min(1.5 * recipe.brush, 0.5 * distance.max()))
    drawn = np.zeros_like(piece)
    while middle.any():
        path = longest_path(middle)
        if len(path) >= recipe.shortest:
            drawn |= brush_along(path, recipe.brush, piece.shape)
        # What runs beside this stroke needs no stroke of its own.
        middle &= distance_to(path, piece.shape) > 4 * recipe.brush
    return drawn & piece


def longest_path(middle: Mask) -> NDArray[np.intp]:
    """Return the pixels, in order, of the longest way through one connected part of a skeleton."""
    cost = np.where(middle, 1.0, -1.0)  # negative: no way through
    end = tuple(np.argwhere(middle)[0])
    for _ in range(2):  # the farthest point from anywhere is an end; the farthest from that is the other end
        route = MCP_Geometric(cost, fully_connected=True)
        length, _ = route.find_costs([end])
        length[~np.isfinite(length)] = -1
        end = tuple(np.unravel_index(np.argmax(length), length.shape))
    return np.array(route.traceback(end))


def brush_along(path: NDArray[np.intp], width: float, shape: tuple[int, int]) -> Mask:
    """Return a stroke along the middle eight tenths of the path; a hand cuts the corners."""
    cut = len(path) // 10
    smooth = ndi.uniform_filter1d(path[cut : len(path) - cut].astype(float), 9, axis=0, mode="nearest")
    return distance_to(np.round(smooth).astype(np.intp), shape) <= width / 2


def distance_to(points: NDArray[np.intp], shape: tuple[int, int]) -> Points:
    """Return each pixel's distance to the nearest of `points`."""
    away = np.ones(shape, dtype=bool)
    away[tuple(points.T)] = False
    distance: Points = ndi.distance_transform_edt(away)
    return distance


def main() -> None:
    """Draw and store the coarse map of every sample."""
    for name, recipe in RECIPES.items():
        fine = iio.imread(SAMPLES / f"{name}_fine.png")
        coarse = draw_coarse(fine, recipe)
        iio.imwrite(SAMPLES / f"{name}_coarse.png", coarse, optimize=True)
        print(f"{name}: {np.mean(coarse > 0):.0%} labelled")


if __name__ == "__main__":
    main()

"""Images and coarse labels to time on: photographs at native detail, any size, any number of labels, seeded.

The photographs ship with scikit-image, so nothing is downloaded.
"""

import numpy as np
from scipy import ndimage as ndi
from skimage import data


def photographs(height: int, width: int) -> np.ndarray:
    """Return a (height, width, 3) uint8 mosaic of photographs, not resized, so that their noise and edges are real."""
    tiles = [data.astronaut(), data.coffee(), data.chelsea(), data.hubble_deep_field()]
    tiles += [tile[:, ::-1] for tile in tiles]
    mosaic = np.empty((height, width, 3), np.uint8)
    for row in range(0, height, 256):
        for column in range(0, width, 256):
            number = row // 256 * 7 + column // 256
            tile = tiles[number % len(tiles)]
            top = (number * 97) % (tile.shape[0] - 255)
            left = (number * 61) % (tile.shape[1] - 255)
            part = mosaic[row : row + 256, column : column + 256]
            part[:] = tile[top : top + part.shape[0], left : left + part.shape[1]]
    return mosaic


def coarse_labels(height: int, width: int, n_labels: int, share: float, seed: int = 0) -> np.ndarray:
    """Return labels 1..n_labels in about `share` of the pixels: the inner parts of irregular cells, as people draw."""
    rng = np.random.default_rng(seed)
    label, centre = _cells(height, width, n_labels, rng)
    cell = np.ravel_multi_index(centre, label.shape)
    edge = (ndi.maximum_filter(cell, 3) != ndi.minimum_filter(cell, 3)) | (ndi.minimum_filter(cell, 3) != cell)
    depth = ndi.distance_transform_edt(~edge) + rng.random(edge.shape) * 1e-3  # no ties at the threshold
    return np.where(depth > np.quantile(depth, 1 - share), label, 0).astype(np.int32)


def scribbles(height: int, width: int, n_labels: int, share: float, seed: int = 0) -> np.ndarray:
    """Return labels 1..n_labels in about `share` of the pixels: one thin stroke inside each of the same cells.

    The inner parts of `coarse_labels` would not do: at 2 % only the largest cells would have any.
    """
    rng = np.random.default_rng(seed)
    label, (row, column) = _cells(height, width, n_labels, rng)
    angle = rng.uniform(0, np.pi, label.shape)[row, column]
    y, x = np.indices(label.shape)
    along = (x - column) * np.cos(angle) + (y - row) * np.sin(angle)
    across = (y - row) * np.cos(angle) - (x - column) * np.sin(angle)
    distance = np.hypot(along, 8 * across) + rng.random(label.shape) * 1e-3  # strokes eight times as long as wide
    return np.where(distance < np.quantile(distance, share), label, 0).astype(np.int32)


def _cells(
    height: int, width: int, n_labels: int, rng: np.random.Generator
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Return the label of the irregular cell around each pixel, and the row and column of the cell's centre."""
    n_cells = max(3 * n_labels, height * width // 6000)
    seeds = np.zeros((height, width), np.int32)
    seeds[rng.integers(0, height, n_cells), rng.integers(0, width, n_cells)] = 1 + rng.permutation(n_cells) % n_labels
    _, (row, column) = ndi.distance_transform_edt(seeds == 0, return_indices=True)
    return seeds[row, column], (row, column)

"""Images and coarse labels to time on: photographs at native detail, any size, any number of labels, seeded.

And cells with an id each, volumes, and images that are drawn part by part. The photographs ship with scikit-image, so
nothing is downloaded.
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


def large_part(number: int, height: int, width: int, n_labels: int) -> tuple[np.ndarray, np.ndarray]:
    """Return image and labels of one part of an image too large to draw at once: no two parts are the same.

    Photographs are shifted and get noise of their own; strokes cover 2 %.
    """
    rng = np.random.default_rng(number)
    image = np.roll(photographs(height, width), (number * 97, number * 61), axis=(0, 1))
    noisy = image.astype(np.int16) + rng.integers(-6, 7, image.shape, np.int16)
    return noisy.clip(0, 255).astype(np.uint8), scribbles(height, width, n_labels, 0.02, seed=number).astype(np.uint8)


def scattered(shape: tuple[int, ...], n_labels: int, every: int = 97) -> np.ndarray:
    """Return labels 1..n_labels in turn on single pixels of an array of this shape."""
    labels = np.zeros(shape, np.int32)
    places = labels.reshape(-1)[::every]
    places[:] = 1 + np.arange(len(places)) % n_labels
    return labels


def cells(height: int, width: int, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return a grey image of about `count` bright cells on noise, and strokes: 1 beside them, an id in each."""
    rng = np.random.default_rng(seed)
    step = np.sqrt(height * width / count)
    grid = np.stack(np.meshgrid(np.arange(step / 2, height, step), np.arange(step / 2, width, step)), axis=-1)
    centres = (grid.reshape(-1, 2) + rng.uniform(-0.15, 0.15, (grid.size // 2, 2)) * step).astype(int)
    seeds = np.zeros((height, width), np.int32)
    seeds[tuple(centres.clip(0, [height - 1, width - 1]).T)] = 2 + np.arange(len(centres))
    distance, (row, column) = ndi.distance_transform_edt(seeds == 0, return_indices=True)
    cell = seeds[row, column]
    radius = step * rng.uniform(0.2, 0.35, len(centres) + 2)[cell]
    noise = ndi.gaussian_filter(rng.normal(0, 60, seeds.shape), 1.5)
    image = 50 + 90 * (distance < radius) + noise + rng.normal(0, 6, seeds.shape)
    strokes = np.where(distance < 0.3 * radius, cell, 0)
    strokes[(distance > 1.3 * radius) & (rng.random(seeds.shape) < 0.02)] = 1
    return image.clip(0, 255).astype(np.uint8), strokes.astype(np.int32)


def volume(shape: tuple[int, int, int], seed: int = 0) -> np.ndarray:
    """Return a grey volume of blobs with noise."""
    rng = np.random.default_rng(seed)
    blobs = _blobs(shape)
    values: np.ndarray = 90 + 40 * blobs + rng.normal(0, 8, shape).astype(np.float32)
    return values.clip(0, 255).astype(np.uint8)


def strokes_in_volume(shape: tuple[int, int, int], n_labels: int) -> np.ndarray:
    """Return labels 1..n_labels by how bright the blobs of `volume` are, on small discs in every eighth plane."""
    blobs = _blobs(shape)
    level = 1 + np.digitize(blobs, np.quantile(blobs[:: max(1, shape[0] // 8)], np.arange(1, n_labels) / n_labels))
    y, x = np.indices(shape[1:])
    discs = np.hypot(y % 32 - 16, x % 32 - 16) < 3
    labels = np.zeros(shape, np.int32)
    labels[::8] = np.where(discs, level[::8], 0)
    return labels


def _blobs(shape: tuple[int, int, int]) -> np.ndarray:
    """Return smooth values of mean 0 and variance 1, drawn at an eighth of the size."""
    rng = np.random.default_rng(1)
    small = ndi.gaussian_filter(rng.normal(size=[-(-size // 8) + 1 for size in shape]), 1.5)
    blobs = ndi.zoom(small.astype(np.float32), 8, order=1)[tuple(slice(size) for size in shape)]
    scaled: np.ndarray = (blobs - blobs.mean()) / blobs.std()
    return scaled


def _cells(
    height: int, width: int, n_labels: int, rng: np.random.Generator
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Return the label of the irregular cell around each pixel, and the row and column of the cell's centre."""
    n_cells = max(3 * n_labels, height * width // 6000)
    seeds = np.zeros((height, width), np.int32)
    seeds[rng.integers(0, height, n_cells), rng.integers(0, width, n_cells)] = 1 + rng.permutation(n_cells) % n_labels
    _, (row, column) = ndi.distance_transform_edt(seeds == 0, return_indices=True)
    return seeds[row, column], (row, column)

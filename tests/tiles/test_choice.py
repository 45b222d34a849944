"""What would take too much memory at once is refined in tiles, and said so."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import pytest

from napari_coarse_crf import CoarseCRFWarning, InputError, ParameterError, Parameters, refine_labels
from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.refiner import Refiner
from napari_coarse_crf.tiles.choice import InTiles, choose, read_limit
from napari_coarse_crf.tiles.cutting import cut_tiles
from napari_coarse_crf.tiles.sides import halos, tile_sides
from napari_coarse_crf.tiles.source import Source
from tests.tiles.test_tiled import _photograph, _strokes

if TYPE_CHECKING:
    from pathlib import Path


def _large() -> tuple[Any, Any]:
    image = np.tile(_photograph(), (2, 2, 1))[:520, :600]
    return image, _strokes(image, 3, 60)


def test_what_would_take_more_than_the_limit_is_refined_in_tiles() -> None:
    image, labels = _large()
    with pytest.warns(CoarseCRFWarning, match=r"Refined in 2 tiles: .* about \d\d MB of memory, and 20 MB"):
        refined = refine_labels(image, labels, memory_limit="20 MB")
    np.testing.assert_array_equal(refined, refine_labels(image, labels, tile=(520, 300)))


def test_what_fits_is_refined_at_once() -> None:
    image, labels = _photograph()[:200, :200], _strokes(_photograph()[:200, :200], 3, 20)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        at_once = refine_labels(image, labels)
        np.testing.assert_array_equal(refine_labels(image, labels, memory_limit="100MB"), at_once)
    np.testing.assert_array_equal(at_once, Refiner(image, labels).run().labels)


def test_smaller_limits_mean_smaller_tiles() -> None:
    nothing = np.broadcast_to(np.uint8(0), (16384, 16384))
    larger, smaller = (choose(Picture(nothing), nothing, None, limit) for limit in (3 * 10**9, 10**9))
    assert isinstance(larger, InTiles)
    assert isinstance(smaller, InTiles)
    assert np.prod(np.array(larger.tile)) > np.prod(np.array(smaller.tile)) >= 2**18


def test_of_many_labels_few_lie_in_a_tile() -> None:
    labels = np.zeros((768, 768), np.uint16)
    labels[::32, ::32] = np.arange(1, 24 * 24 + 1).reshape(24, 24)
    way = choose(Picture(labels.astype(np.uint8)), labels, None, 10**8)
    assert isinstance(way, InTiles)
    assert way.tile == (256, 256)


def test_a_file_that_does_not_fit_is_not_read_at_once(tmp_path: Path) -> None:
    image, labels = _large()
    np.save(tmp_path / "image.npy", image)
    mapped = np.load(tmp_path / "image.npy", mmap_mode="r")
    way = choose(Picture(mapped), labels, None, 20 * labels.size)
    assert isinstance(way, InTiles)
    assert "at least" in way.why[0]


def test_what_no_tile_can_know_is_refined_at_once_whatever_it_takes() -> None:
    image, labels = _large()
    assert isinstance(choose(Picture(image), labels, Parameters(similarity="joint"), 10**6), Refiner)


def test_dask_in_dask_out() -> None:
    image = _photograph()[:150, :200]
    labels = _strokes(image, 3, 30)
    lazy = refine_labels(da.from_array(image, chunks=(100, 100, 3)), labels, tile=100)
    assert isinstance(lazy, da.Array)
    np.testing.assert_array_equal(lazy.compute(), refine_labels(image, labels, tile=100))
    channels = [da.from_array(image[..., channel], chunks=90) for channel in range(3)]
    np.testing.assert_array_equal(refine_labels(channels, labels, tile=100).compute(), lazy.compute())


@pytest.mark.parametrize("limit", [0, -1, "many", "4 XB", float("nan"), True])
def test_what_is_no_size_is_refused(limit: Any) -> None:
    with pytest.raises(ParameterError, match="memory_limit is"):
        read_limit(limit)


def test_what_cannot_be_had_in_tiles_is_said_before_any_work() -> None:
    image, labels = _photograph()[:20, :20], np.eye(20, dtype=np.uint8)
    with pytest.raises(ParameterError, match="no examples"):
        refine_labels(image, labels, tile=10, examples=[(image, labels)])
    with pytest.raises(ParameterError, match="engine='lattice'"):
        refine_labels(image, labels, tile=10, engine="pydensecrf")
    with pytest.raises(InputError, match="number 2"):
        refine_labels([image[..., 0], image[:5, :, 0]], labels, tile=10)


@pytest.mark.parametrize(("shape", "limit"), [((1024, 1024, 1024), 4 * 10**9), ((256, 512, 512), 10**9)])
def test_a_tile_of_a_volume_with_its_halo_takes_no_more_than_the_limit(shape: tuple[int, ...], limit: int) -> None:
    nothing = np.broadcast_to(np.uint8(0), shape)
    way = choose(Picture(nothing), nothing, None, limit)
    assert isinstance(way, InTiles)
    sides = tile_sides(way.tile, shape, None, Parameters())
    tiles = cut_tiles(shape, sides, halos(None, Parameters(), Source.of(Picture(nothing), nothing), sides))
    largest = max(math.prod(one.stop - one.start for one in tile.region) for tile in tiles)
    assert 145 * largest < limit  # bytes of a pixel of a grey volume with up to eight labels, see estimate_memory


def test_chunks_of_unknown_size_are_refused_in_words() -> None:
    image = da.from_array(_photograph()[:60, :60, 0], chunks=20)
    unknown = image[image[:, 0] > 30]  # how many rows that are is known once it is computed
    with pytest.raises(InputError, match=r"image.*chunks of unknown size.*compute_chunk_sizes"):
        refine_labels(unknown, np.zeros((40, 60), np.uint8))

"""Labels of several resolutions, read as those of the finest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_coarse_crf import refine_labels
from napari_coarse_crf.compute.parallel import finish
from napari_coarse_crf.plugin.jobs.job import Job
from napari_coarse_crf.plugin.jobs.tiled import TiledJob
from napari_coarse_crf.plugin.layers.choice import Choice
from napari_coarse_crf.plugin.layers.levels import Levels
from napari_coarse_crf.plugin.layers.snapshot import Snapshot
from tests.plugin.jobs.test_tiled import PARAMETERS
from tests.storage import stored

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def in_words(levels: list[NDArray[Any]]) -> NDArray[Any]:
    """Return the labels pixel by pixel: those of the finest level that has any within a pixel of the next."""
    labels = levels[0].copy()
    for level in levels[1:]:
        before = labels.copy()
        for place in np.ndindex(level.shape):
            inside = tuple(
                np.flatnonzero(np.arange(size) * count // size == one)
                for one, count, size in zip(place, level.shape, labels.shape, strict=True)
            )
            if not before[np.ix_(*inside)].any():
                labels[np.ix_(*inside)] = level[place]
    return labels


@pytest.mark.parametrize("shape", [(24, 40), (23, 41), (3, 20, 24)])
def test_a_coarser_level_counts_where_no_finer_one_has_a_label(shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(4)
    levels = []
    for step in (1, 2, 4):
        level = random.integers(1, 9, [-(-size // step) if size > 3 else size for size in shape])
        levels.append(np.where(random.random(level.shape) < 0.05, level, 0))
    both = Levels(levels)
    wanted = in_words(levels)
    np.testing.assert_array_equal(np.asarray(both), wanted)
    for start, stop in [(0, 9), (3, 4), (5, 17), (11, 20)]:
        np.testing.assert_array_equal(
            both[(slice(None),) * (both.ndim - 1) + (slice(start, stop),)], wanted[..., start:stop]
        )
    np.testing.assert_array_equal(both[1], wanted[1])
    assert (len(both), both.size, both.dtype) == (len(wanted), wanted.size, wanted.dtype)


def test_smaller_copies_add_nothing() -> None:
    labels = np.random.default_rng(4).integers(0, 2, (16, 16)) * 7
    np.testing.assert_array_equal(np.asarray(Levels([labels, labels[::2, ::2], labels[::4, ::4]])), labels)


@pytest.mark.parametrize("storage", ["memory", "zarr"])
def test_a_run_keeps_strokes_of_all_levels(
    image: NDArray[Any], labels: NDArray[Any], storage: str, tmp_path: Path
) -> None:
    small = np.zeros((20, 30), np.int32)
    small[5:15, 25] = 9
    fine = np.where(labels == 3, 3, 0)
    both = fine + np.kron(small, np.ones((2, 2), np.int32))
    levels = [stored(fine, storage, tmp_path / "fine"), stored(small, storage, tmp_path / "small")]
    layers = Image(image, rgb=True), Labels(levels, multiscale=True)
    outcome = finish(Job.prepare(Snapshot.take(*layers), PARAMETERS).steps())
    assert outcome is not None
    np.testing.assert_array_equal(outcome.refinement.labels, refine_labels(image, both, PARAMETERS))
    in_tiles = Snapshot.take(*layers, Choice(by_tiles=True, tile_side=16))
    store = finish(TiledJob.prepare(in_tiles, PARAMETERS).steps()).store
    refined = store[(slice(0, 40), slice(0, 60))]
    np.testing.assert_array_equal(refined[both != 0], both[both != 0])
    assert refined.all()

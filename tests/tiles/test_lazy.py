"""A graph of tiles gives what the tiles give one after the other, wherever it is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask
import dask.array as da
import numpy as np
import pytest
import zarr
from dask.base import compute
from dask.delayed import delayed

from napari_coarse_crf import InputError, ParameterError, Parameters, refine_labels
from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.tiles.lazy import LazyRefinement, refine_lazily
from tests.test_things import cells
from tests.tiles.test_tiled import _in_tiles, _photograph, _plan, _strokes

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[Any]


def _lazily(image: Any, labels: Any, parameters: Parameters | None = None, **options: Any) -> LazyRefinement:
    given = {name: options.pop(name) for name in ("mask", "spacing", "channel_axis") if name in options}
    return refine_lazily(Picture(image, **given), labels, parameters, overview_pixels=2**14, **options)


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_a_graph_gives_the_bits_of_the_tiles_one_after_the_other(scheduler: str) -> None:
    image = _photograph()[:300, :310].astype(np.float32)
    labels = _strokes(image, 3, 40)
    image[:40, :30] = np.nan
    mask = np.ones(labels.shape, np.bool_)
    mask[100:150] = False
    lazy = _lazily(
        da.from_array(np.moveaxis(image, 2, 0), chunks=(1, 70, 90)),
        da.from_array(labels, chunks=(110, 64)),
        tile=160,
        channel_axis=0,
        mask=mask,
    )
    assert lazy.labels.chunks == ((110, 110, 80), (64, 64, 64, 64, 54))
    found = compute(lazy.labels, lazy.confidence, lazy.label_counts, lazy.warnings, scheduler=scheduler)
    plan = _plan(image, labels, tile=160, mask=mask)
    for one, other in zip(found, _in_tiles(plan), strict=True):
        np.testing.assert_equal(one, other)
    assert compute(lazy.parameters, lazy.reason, scheduler=scheduler) == (plan.parameters, plan.reason)
    assert plan.parameters.texture_weight > 0


def test_objects_are_told_apart_in_a_graph() -> None:
    image, strokes, _ = cells("nuclei")
    lazy = _lazily(da.from_array(image), da.from_array(strokes), tile=image.shape[0] // 2)
    expected = _in_tiles(_plan(image, strokes, tile=image.shape[0] // 2))
    np.testing.assert_array_equal(lazy.labels.compute(), expected[0])
    assert lazy.label_counts.compute() == expected[2]


def _counted(array: Array, chunks: tuple[int, ...]) -> tuple[da.Array, Callable[[], int]]:
    """Return a dask array, and what tells how many of its chunks have been read."""
    read: list[int] = []

    def note(block: Array) -> Array:
        read.append(1)
        return block

    lazy = da.from_array(array, chunks=chunks).map_blocks(note, dtype=array.dtype, meta=array[:0])
    return lazy, lambda: len(read)


def test_nothing_is_read_before_it_is_computed() -> None:
    image = _photograph()[:200, :200]
    labels = _strokes(image, 3, 20)
    picture, pictures_read = _counted(image, (100, 100, 3))
    coarse, labels_read = _counted(labels, (100, 100))
    lazy = _lazily(picture, coarse)
    assert pictures_read() == labels_read() == 0
    assert lazy.labels.dtype == labels.dtype
    lazy.labels.compute(scheduler="synchronous")
    assert pictures_read() > 0


def test_a_graph_leaves_dasks_settings_to_other_threads_as_they_are() -> None:
    image, seen = _photograph()[:200, :200], []

    def note(block: Array) -> Array:
        seen.append(dask.config.get("scheduler", None))
        return block

    picture = da.from_array(image, chunks=(100, 100, 3)).map_blocks(note, dtype=image.dtype, meta=image[:0])
    _lazily(picture, da.from_array(_strokes(image, 3, 20), chunks=100)).labels.compute(scheduler="threads")
    assert len(seen) > 4  # read as chunks, and by the task that looks at windows
    assert set(seen) == {None}


def test_tiles_are_whole_chunks() -> None:
    labels = da.zeros((6000, 5000), dtype=np.uint8, chunks=(1500, 700))
    lazy = refine_lazily(Picture(da.zeros((6000, 5000), dtype=np.uint8, chunks=500)), labels)
    assert lazy.labels.chunks == labels.chunks


def test_what_does_not_fit_is_said_before_anything_is_read() -> None:
    with pytest.raises(InputError, match="the image is"):
        _lazily(da.zeros((8, 9)), da.zeros((8, 7), dtype=np.uint8))
    with pytest.raises(ParameterError, match="cannot be had in tiles"):
        _lazily(da.zeros((8, 9)), da.zeros((8, 9), dtype=np.uint8), Parameters(similarity="kernel"))


def test_patches_without_data_are_not_all_there_is_to_scale_values_by() -> None:
    image = np.full((4, 100_000), np.nan, np.float32)
    image[:, 5_200:5_300] = _photograph()[:4, :100, 0]
    labels = np.zeros(image.shape, np.uint8)
    labels[0, 5_200:5_204], labels[3, 5_290:5_299] = 1, 2
    parameters = Parameters(theta_alpha=20)
    found = _lazily(da.from_array(image), da.from_array(labels), parameters, tile=(4, 20_000)).labels.compute()
    np.testing.assert_array_equal(found, _in_tiles(_plan(image, labels, parameters, tile=(4, 20_000)))[0])
    assert (found[:, 5_200:5_300] > 0).all()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (delayed(np.zeros)((8, 9)), "delayed, of a shape that nobody knows"),
        (zarr.group(), "a Group, of which no part can be read"),
        (None, "a NoneType, of which no part can be read"),
    ],
)
def test_what_is_no_array_is_refused_in_words(wrong: Any, sentence: str) -> None:
    right = da.zeros((8, 9), dtype=np.uint8)
    with pytest.raises(InputError, match=f"The image is {sentence}"):
        refine_labels(wrong, right, tile=4)
    if wrong is not None:
        with pytest.raises(InputError, match=f"The labels are {sentence}"):
            refine_labels(right, wrong, tile=4)


def test_parameters_that_are_none_are_refused_in_words() -> None:
    zeros = np.zeros((8, 9), np.uint8)
    for image in (zeros, da.from_array(zeros)):
        with pytest.raises(ParameterError, match="parameters is a dict; pass Parameters"):
            refine_labels(image, zeros, {"theta_alpha": 3}, tile=4)  # type: ignore[arg-type]

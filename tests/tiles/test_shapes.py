"""Tiles of images of one to five axes, of any shape, type and spacing, against all at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import pytest
from scipy import ndimage as ndi

from napari_coarse_crf import InputError, Parameters, Refiner, refine_labels

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    Array = NDArray[Any]

pytestmark = pytest.mark.filterwarnings("ignore::napari_coarse_crf.CoarseCRFWarning")  # not what this is about

NEAR = Parameters(theta_alpha=20)
_MOST_DIFFERING = 0.02
"""Of the pixels, in images of a few thousand, nearly all of which lie beside a seam."""


def _case(shape: tuple[int, ...], channels: int = 0, dots: float = 0.02) -> tuple[Array, Array]:
    """Return noisy blobs of three labels, and these labels at some pixels."""
    rng = np.random.default_rng(0)
    blobs = ndi.gaussian_filter(rng.normal(size=shape), [min(6, size / 3) for size in shape])
    label = 1 + np.digitize(blobs, np.quantile(blobs, [1 / 3, 2 / 3]))
    grey = 200 * (blobs - blobs.min()) / np.ptp(blobs) + rng.normal(scale=8, size=shape)
    image = grey if not channels else np.stack([grey * (1 + n) / channels for n in range(channels)], axis=-1)
    labels = np.where(rng.random(shape) < dots, label, 0)
    labels.flat[0] = label.flat[0]
    return image.clip(0, 255).astype(np.uint8), labels.astype(np.int32)


def _assert_nearly_the_whole(
    image: Any, labels: Array, tile: int | tuple[int, ...], parameters: Parameters = NEAR, **options: Any
) -> None:
    refined = refine_labels(image, labels, parameters, tile=tile, **options)
    whole = Refiner(image, labels, **options).run(parameters).labels
    assert refined.dtype == labels.dtype
    np.testing.assert_array_equal(refined[labels > 0], labels[labels > 0])
    assert np.mean(refined != whole) < _MOST_DIFFERING


# Shape, channels, tile, spacing. Halos of 35 px are wider than most of these images.
SHAPES: dict[str, tuple[tuple[int, ...], int, int | tuple[int, ...], tuple[float, ...] | None]] = {
    "1-D": ((2001,), 0, 250, None),
    "1-D rgb": ((2001,), 3, 250, None),
    "2-D, prime sides": ((67, 83), 0, 31, None),
    "2-D, one row": ((1, 701), 0, 100, None),
    "2-D, one column": ((701, 1), 2, (100, 1), None),
    "2-D, a tile for each row": ((12, 30), 0, (1, 30), None),
    "2-D, a tile for each pixel": ((5, 9), 0, 1, None),
    "2-D, a tile longer than the image": ((50, 60), 0, 1000, None),
    "3-D, one plane": ((1, 41, 53), 0, 20, None),
    "3-D, planes far apart": ((9, 31, 43), 0, (4, 16, 16), (4.0, 1.0, 1.0)),
    "3-D rgb, all sides unlike": ((9, 31, 43), 3, (9, 16, 16), (4.0, 1.0, 1.5)),
    "3-D, planes a thousand pixels apart": ((5, 31, 43), 0, (2, 31, 43), (1000.0, 1.0, 1.0)),
    "3-D, planes near each other": ((40, 13, 11), 0, (10, 13, 6), (0.1, 1.0, 1.0)),
    "4-D": ((3, 5, 21, 23), 0, (3, 5, 10, 10), None),
    "4-D, cut along time": ((3, 5, 21, 23), 2, (1, 5, 21, 23), (50.0, 3.0, 1.0, 1.0)),
    "5-D": ((2, 3, 3, 24, 15), 0, (2, 3, 3, 8, 8), (9.0, 2.0, 2.0, 1.0, 1.0)),
}


@pytest.mark.parametrize(("shape", "channels", "tile", "spacing"), SHAPES.values(), ids=SHAPES)
def test_images_of_any_shape_are_refined_in_tiles(
    shape: tuple[int, ...], channels: int, tile: int | tuple[int, ...], spacing: tuple[float, ...] | None
) -> None:
    dots = 0.02 if np.prod(shape) > 500 else 0.2
    _assert_nearly_the_whole(*_case(shape, channels, dots), tile, spacing=spacing)


@pytest.mark.parametrize(
    ("shape", "channels", "chunks", "tile", "spacing"),
    [
        ((2001,), 0, 100, 250, None),
        ((67, 83), 3, 20, 31, None),
        ((9, 31, 43), 2, 7, (4, 16, 16), (4, 1, 1)),
        ((3, 5, 21, 23), 0, 3, (3, 5, 10, 10), None),
    ],
    ids=["1-D", "2-D", "3-D", "4-D"],
)
def test_a_graph_gives_the_same_bits_whatever_its_chunks_in_any_dimension(
    shape: tuple[int, ...], channels: int, chunks: int, tile: int | tuple[int, ...], spacing: tuple[float, ...] | None
) -> None:
    image, labels = _case(shape, channels)
    given = [da.from_array(image[..., channel], chunks=chunks) for channel in range(channels)]
    lazy: Any = given or da.from_array(image, chunks=chunks)
    graph: Any = refine_labels(lazy, da.from_array(labels, chunks=chunks), NEAR, tile=tile, spacing=spacing)
    found = graph.compute(scheduler="threads", num_workers=2)
    np.testing.assert_array_equal(found, refine_labels(image, labels, NEAR, tile=tile, spacing=spacing))


def _in_a_corner(labels: Array) -> Array:
    return np.where((np.indices(labels.shape) < 16).all(axis=0), labels, 0).astype(labels.dtype)


def _beside_a_seam(labels: Array) -> Array:
    touching = np.zeros_like(labels)
    touching[:, 19], touching[:, 20] = 1, 2
    return touching


def _but_for_one_pixel(labels: Array) -> Array:
    full = np.where(labels == 0, 3, labels)
    full[30, 30] = 0
    return full


def _with_full_tiles(labels: Array) -> Array:
    full = labels.copy()
    full[:40] = 2
    return full


@pytest.mark.parametrize("drawn", [_in_a_corner, _beside_a_seam, _but_for_one_pixel, _with_full_tiles])
def test_labels_may_lie_anywhere(drawn: Any) -> None:
    image, labels = _case((64, 90), dots=0.1)
    _assert_nearly_the_whole(image, drawn(labels), 20)


def test_strokes_in_one_corner_of_a_volume_fill_all_of_it() -> None:
    image, labels = _case((8, 31, 43), dots=0.1)
    _assert_nearly_the_whole(image, _in_a_corner(labels), (4, 16, 16), spacing=(3, 1, 1))


def test_labels_may_lie_on_a_few_planes_of_a_volume() -> None:
    image, labels = _case((18, 31, 43), dots=0.8)
    labels[np.arange(18) % 6 != 2] = 0  # tiles of two planes, most of them without any label
    _assert_nearly_the_whole(image, labels, (2, 16, 16), spacing=(3, 1, 1))


def test_cells_of_a_volume_are_told_apart_across_tiles() -> None:
    shape, spacing = (10, 72, 72), np.array([3.0, 1.0, 1.0])
    centres = np.stack(np.meshgrid([5], range(18, 72, 18), range(18, 72, 18), indexing="ij"), axis=-1).reshape(-1, 3)
    places = np.moveaxis(np.indices(shape), 0, -1)
    distances = np.stack([np.linalg.norm((places - centre) * spacing, axis=-1) for centre in centres])
    cell, nearest = 2 + distances.argmin(axis=0), distances.min(axis=0)
    noise = np.random.default_rng(0).normal(scale=8, size=shape)
    image = (np.where(nearest < 7, 150, 60) + noise).clip(0, 255).astype(np.uint8)
    labels = np.where(nearest < 3, cell, np.where((nearest > 10) & (places.sum(axis=-1) % 5 == 0), 1, 0))
    refined = refine_labels(image, labels, NEAR, tile=(10, 36, 36), spacing=tuple(spacing))  # seams lead through cells
    wanted = np.where(nearest < 7, cell, 1)
    assert np.mean(refined != wanted) < _MOST_DIFFERING
    _assert_nearly_the_whole(image, labels, (10, 36, 36), spacing=tuple(spacing))


@pytest.mark.parametrize(
    "part",
    [np.s_[10:20, 10:20], np.s_[::7, ::7], np.s_[5:6], np.s_[:20, 25:]],
    ids=["one small area", "pixels alone", "one row", "some tiles"],
)
def test_what_takes_part_may_lie_anywhere(part: Any) -> None:
    image, labels = _case((64, 90), dots=0.4)
    mask = np.zeros(labels.shape, np.bool_)
    mask[part] = True
    _assert_nearly_the_whole(image, labels, 20, mask=mask)
    _assert_nearly_the_whole(np.where(mask, image, np.nan), labels, 20)


def test_an_area_that_the_mask_cuts_off_from_all_strokes_is_filled_as_by_the_whole() -> None:
    image, labels = _case((64, 90))
    mask = np.ones(labels.shape, np.bool_)
    mask[31:33] = False
    labels[33:] = 0
    _assert_nearly_the_whole(image, labels, 16, mask=mask)


@pytest.mark.parametrize(
    "dtype", [np.bool_, np.int8, np.uint16, np.int64, np.uint64, np.float16, np.float64, ">u2"], ids=str
)
def test_images_of_any_type_are_refined_in_tiles(dtype: DTypeLike) -> None:
    image, labels = _case((64, 90))
    high = 2.0 ** (8 * np.dtype(dtype).itemsize - 8)  # by which a byte fills the type
    kind = np.dtype(dtype).kind
    values = {"b": image // 128, "i": (image - 128.0) * high, "u": image * high, "f": image * np.sqrt(high)}[kind]
    _assert_nearly_the_whole(values.astype(dtype), labels, 32)


def test_limits_are_those_of_the_whole_image_given_or_found() -> None:
    image, labels = _case((64, 90), channels=2)
    _assert_nearly_the_whole(image.astype(np.uint16) * 200, labels, 20, contrast_limits=(1000, 40000))
    _assert_nearly_the_whole(image.astype(np.uint16) * 200, labels, 20, contrast_limits=[(1000, 40000), (0, 9000)])
    _assert_nearly_the_whole(image * [1.0, 100.0], labels, 20)  # unlike channels: each has limits of its own


@pytest.mark.parametrize("channel_axis", [0, 1, -2, -4])
def test_channels_of_a_volume_may_stand_on_any_axis(channel_axis: int) -> None:
    image, labels = _case((5, 21, 33), channels=2)
    options: dict[str, Any] = {"tile": (5, 12, 12), "spacing": (3, 1, 1)}
    moved = np.moveaxis(image, -1, channel_axis)
    found = refine_labels(moved, labels, NEAR, channel_axis=channel_axis, **options)
    np.testing.assert_array_equal(found, refine_labels(image, labels, NEAR, **options))


@pytest.mark.parametrize(
    ("dtype", "offset"),
    [
        (np.uint8, 252),
        (np.int8, 124),
        (np.uint32, 2**32 - 4),
        (np.int64, 2**63 - 4),
        (np.uint64, 2**64 - 4),
        (np.uint64, 2**63 - 2),
        (">i4", 2**31 - 4),
    ],
    ids=str,
)
def test_ids_may_be_as_large_as_their_type_holds(dtype: DTypeLike, offset: int) -> None:
    image, labels = _case((64, 90))
    ids = np.array([0, *(offset + label for label in (1, 2, 3))], dtype)
    found = refine_labels(image, ids[labels], NEAR, tile=32)
    assert found.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(found, ids[refine_labels(image, labels, NEAR, tile=32)])


def test_neither_strides_nor_the_order_of_bytes_matter() -> None:
    image, labels = _case((64, 90), channels=2)
    expected = refine_labels(image, labels, NEAR, tile=32)
    turned = np.asfortranarray(image[::-1, ::-1])[::-1, ::-1]
    np.testing.assert_array_equal(refine_labels(turned, labels.T.copy().T, NEAR, tile=32), expected)
    wide = image.astype(np.uint16) * 200
    np.testing.assert_array_equal(
        refine_labels(wide.astype(">u2"), labels.astype(">i4"), NEAR, tile=32),
        refine_labels(wide, labels, NEAR, tile=32),
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"appearance_weight": 0},
        {"appearance_weight": 0, "smoothness_weight": 0},
        {"label_confidence": 0.7},
        {"min_confidence": 0.9},
        {"similarity": "geodesic"},
        {"similarity": "colour"},
    ],
    ids=str,
)
def test_parameters_mean_in_tiles_what_they_mean_at_once(changes: dict[str, Any]) -> None:
    _assert_nearly_the_whole(*_case((64, 90)), 20, NEAR.replace(**changes))


def test_what_is_wrong_in_a_part_that_is_read_late_is_said_too() -> None:
    image, labels = _case((64, 90))
    with pytest.raises(InputError, match="infinite"):
        refine_labels(np.where(np.arange(90) == 89, np.inf, image), labels, tile=20)
    labels[-1, -1] = -1
    with pytest.raises(InputError, match="negative id -1"):
        refine_labels(image, labels, tile=20)

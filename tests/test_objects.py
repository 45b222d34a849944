"""An id for each object of a class: touching ones apart, whole ones whole, and what the table says of them by hand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import ndimage
from skimage.measure import regionprops_table

from napari_coarse_crf import InputError, measure_objects, refine_labels, split_objects
from napari_coarse_crf.samples import load_sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

CLASS = 7


def discs(*discs: tuple[float, ...], shape: tuple[int, ...] = (60, 100), sampling: float = 1.0) -> Array:
    """Return a label map of discs or balls (centre, radius); the first axis has pixels of another size."""
    places = np.moveaxis(np.indices(shape), 0, -1) * np.array([sampling, *[1.0] * (len(shape) - 1)])
    inside = [np.linalg.norm(places - centre, axis=-1) < radius for *centre, radius in discs]
    return np.where(np.any(inside, axis=0), CLASS, 1)


def number(ids: Array) -> int:
    return int(ids.max())


def test_touching_discs_are_split_where_they_are_narrowest() -> None:
    labels = discs((30, 30, 20), (30, 65, 20))  # they overlap by 5 px: the neck is about 26 px wide
    ids = split_objects(labels, CLASS)
    assert number(ids) == 2
    assert np.array_equal(ids > 0, labels == CLASS)
    beside = (ids[:, :-1] > 0) & (ids[:, 1:] > 0) & (ids[:, :-1] != ids[:, 1:])
    cut = np.nonzero(beside)[1]
    assert abs(cut - 47.0).max() <= 1  # 47.5 is the middle between the centres
    widths = np.count_nonzero(labels == CLASS, axis=0)[30:65]
    assert np.count_nonzero(beside) <= widths.min() + 1


def test_a_neck_less_deep_than_asked_for_splits_nothing() -> None:
    labels = discs((30, 30, 20), (30, 65, 20))
    depths = ndimage.distance_transform_edt(labels == CLASS)
    deep = depths[30, 30] - depths[30, 30:66].min()
    assert number(split_objects(labels, CLASS, neck=deep - 0.01)) == 2
    assert number(split_objects(labels, CLASS, neck=deep + 0.01)) == 1
    assert number(split_objects(labels, CLASS, neck=math.inf)) == 1


def test_convex_objects_of_any_form_are_not_split() -> None:
    random = np.random.default_rng(0)
    y, x = np.indices((100, 100)) - 50
    for form in range(60):
        a, b, turn = random.uniform(4, 34), random.uniform(4, 34), random.uniform(0, np.pi)
        u, v = (y * np.cos(turn) + x * np.sin(turn)) / a, (x * np.cos(turn) - y * np.sin(turn)) / b
        inside = np.hypot(u, v) < 1 if form % 2 else np.maximum(abs(u), abs(v)) < 1
        assert number(split_objects(inside.astype(np.uint8), 1)) == 1, (a, b, turn)


def test_parts_that_touch_at_a_corner_only_are_one_and_others_are_not() -> None:
    assert number(split_objects([[2, 0, 0], [0, 2, 0], [0, 0, 0]], 2)) == 1
    assert number(split_objects([[2, 0, 2], [2, 0, 2], [0, 0, 0]], 2)) == 2


def test_balls_of_flat_voxels_are_split_by_their_true_form() -> None:
    touching = discs((40, 25, 25, 16), (40, 25, 51, 16), shape=(20, 50, 80), sampling=4)
    one = discs((40, 25, 40, 24), shape=(20, 50, 80), sampling=4)
    above = discs((20, 25, 40, 14), (44, 25, 40, 14), shape=(20, 50, 80), sampling=4)
    for labels, count in ((touching, 2), (one, 1), (above, 2)):
        assert number(split_objects(labels, CLASS, spacing=(8.0, 2.0, 2.0))) == count
    ids = split_objects(above, CLASS, spacing=(4, 1, 1))
    assert {*np.unique(ids[:7])} == {0, 1}
    assert {*np.unique(ids[9:])} == {0, 2}


def test_ids_follow_the_scan_and_stay_where_something_comes_after() -> None:
    labels = discs((15, 70, 8), (30, 20, 12), (30, 41, 12), (50, 80, 6))
    ids = split_objects(labels, CLASS)
    _, first = np.unique(ids, return_index=True)
    assert (np.diff(first[1:]) > 0).all()
    assert number(ids) == 4
    assert np.array_equal(ids, split_objects(labels, CLASS))
    without_last = np.where(ids == 4, 1, labels)
    assert np.array_equal(np.where(ids == 4, 0, ids), split_objects(without_last, CLASS))
    renamed = np.where(labels == CLASS, 70_000, 0)
    assert np.array_equal(ids, split_objects(renamed, 70_000))


def test_objects_have_the_smallest_size_that_was_asked_for() -> None:
    labels = discs((30, 30, 20), (30, 55, 9), (8, 80, 4))
    sizes = np.bincount(split_objects(labels, CLASS).ravel())[1:]
    assert len(sizes) == 3
    small, middle, large = sorted(sizes)
    for smallest, kept in ((small, [small, middle, large]), (small + 1, [middle, large])):
        ids = split_objects(labels, CLASS, smallest=int(smallest))
        assert sorted(np.bincount(ids.ravel())[1:]) == kept
    whole = split_objects(labels, CLASS, smallest=int(middle) + 1)
    assert np.bincount(whole.ravel())[1:].tolist() == [middle + large]  # it is no object of its own, and not lost


def test_frames_hold_objects_of_their_own() -> None:
    first, second = discs((30, 30, 12)), discs((30, 30, 12), (30, 51, 12))
    ids = split_objects(np.stack([first, second]), CLASS, spacing=(1, 3, 3), apart=(0,))
    assert [sorted({*np.unique(frame)} - {0}) for frame in ids] == [[1], [2, 3]]
    assert number(split_objects(np.stack([first, second]), CLASS, neck=math.inf)) == 1


@pytest.mark.parametrize("labels", [np.ones((4, 5), np.uint8), np.ones(3, np.int64), np.ones((2, 3, 4), np.uint16)])
def test_a_class_without_a_rim_is_one_object_and_one_without_pixels_none(labels: Array) -> None:
    assert np.array_equal(split_objects(labels, 1), labels)
    none = split_objects(labels, 2)
    assert not none.any()
    table = measure_objects(none, labels=labels, confidence=np.ones(labels.shape))
    assert {len(column) for column in table.values()} == {0}
    assert {"id", "class", "pixels", "size", "centroid-0", "bbox-0", "mean_confidence"} <= {*table}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"neck": -1}, "neck is -1"),
        ({"neck": math.nan}, "neck is nan"),
        ({"spacing": (1,)}, "pass 2 positive numbers"),
        ({"apart": (2,)}, "none is 2"),
        ({"apart": (0, -1)}, "none is left"),
    ],
)
def test_what_cannot_be_used_is_said(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        split_objects(np.ones((3, 4), np.uint8), 1, **arguments)


def test_the_table_says_what_is_counted_by_hand() -> None:
    labels = discs((15, 70, 8), (30, 20, 12), (30, 41, 12))
    labels[50:55, 2:9] = 3
    ids = split_objects(labels, CLASS)
    ids[labels == 3] = 9
    random = np.random.default_rng(1)
    confidence = random.random(labels.shape).astype(np.float32)
    confidence[random.random(labels.shape) < 0.2] = np.nan
    confidence[labels == 3] = np.nan
    table = measure_objects(ids, labels=labels, confidence=confidence, spacing=(0.5, 2))
    assert table["id"].tolist() == [1, 2, 3, 9]
    assert table["class"].tolist() == [CLASS] * 3 + [3]
    for row, object_id in enumerate(table["id"]):
        y, x = np.nonzero(ids == object_id)
        assert table["pixels"][row] == len(y)
        assert table["size"][row] == pytest.approx(len(y) * 0.5 * 2)
        assert (table["centroid-0"][row], table["centroid-1"][row]) == pytest.approx((y.mean(), x.mean()))
        box = [int(table[f"bbox-{side}"][row]) for side in range(4)]
        assert box == [y.min(), x.min(), y.max() + 1, x.max() + 1]
        known = confidence[ids == object_id]
        known = known[~np.isnan(known)]
        wanted = known.mean() if len(known) else math.nan
        assert table["mean_confidence"][row] == pytest.approx(wanted, nan_ok=True)


@pytest.mark.parametrize("shape", [(30, 40), (12, 20, 30)])
def test_the_table_is_that_of_regionprops(shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(2)
    ids = ndimage.zoom(random.integers(0, 9, [side // 4 for side in shape]), 4, order=0) * 1000
    table = measure_objects(ids, confidence=(confidence := random.random(ids.shape)))
    properties = ("label", "num_pixels", "centroid", "bbox", "intensity_mean")
    wanted = regionprops_table(ids, confidence, properties=properties)
    names = {"label": "id", "num_pixels": "pixels", "intensity_mean": "mean_confidence"}
    assert {*table} - {"size"} == {names.get(name, name) for name in wanted}
    for name, column in wanted.items():
        np.testing.assert_allclose(table[names.get(name, name)], column)


def test_volumes_in_time_have_a_table_too() -> None:
    frame = discs((40, 25, 25, 16), shape=(20, 50, 50), sampling=4)
    labels = np.stack([frame, frame])
    ids = split_objects(labels, CLASS, spacing=(1, 4, 1, 1), apart=(0,))
    table = measure_objects(ids)
    assert table["centroid-0"].tolist() == [0, 1]
    assert np.array_equal(table["bbox-0"] + 1, table["bbox-4"])


def test_the_table_has_only_columns_of_what_is_known_and_three_places_in_a_volume() -> None:
    table = measure_objects(discs((40, 25, 25, 16), shape=(20, 50, 50), sampling=4) // CLASS, spacing=(4, 1, 1))
    assert [*table] == ["id", "pixels", "size", *(f"centroid-{i}" for i in range(3)), *(f"bbox-{i}" for i in range(6))]
    assert table["size"][0] == pytest.approx(4 / 3 * math.pi * 16**3, rel=0.05)


def test_a_table_of_arrays_that_differ_in_shape_is_refused() -> None:
    with pytest.raises(InputError, match="confidence has shape"):
        measure_objects(np.ones((3, 4), int), confidence=np.ones((4, 3)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        *[({"neck": neck}, "neck is .*; pass how deep") for neck in (None, "1", -1, math.nan, 2j, [1.0])],
        *[({"smallest": count}, "smallest is .*; pass how many pixels") for count in (None, "9", -1, math.nan)],
        *[({"apart": axes}, "apart is .*; pass a list of the axes") for axes in (0, "0", [0.0], None, [None])],
        *[({"label_id": label_id}, "label_id is .*; pass the id of a class") for label_id in (None, "2", 2.0, True)],
    ],
)
def test_what_splits_no_objects_is_refused_in_words(options: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"label_id": CLASS, **options}
    with pytest.raises(InputError, match=message):
        split_objects(np.full((3, 4), CLASS), **arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"confidence": np.full((3, 4), "sure")}, "confidence has dtype <U4"),
        ({"confidence": np.full((3, 4), 1j)}, "confidence has dtype complex128"),
        ({"labels": np.full((3, 4), 0.5)}, "labels have dtype float64"),
        ({"spacing": (1e308, 1e308)}, "give it in another unit"),
        ({"spacing": (1e-300, 1e-300)}, "give it in another unit"),
    ],
)
def test_what_measures_no_objects_is_refused_in_words(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        measure_objects(np.ones((3, 4), int), **options)


@pytest.mark.parametrize(("name", "nuclei"), [("nuclei", 2), ("dim_nuclei", 2)])
def test_nuclei_of_the_samples_are_found(name: str, nuclei: int) -> None:
    """Prints how many; of the refined labels no fewer than their connected parts, and every pixel is of an object."""
    sample = load_sample(name)
    refined = refine_labels(sample.image, sample.coarse)
    counts = {}
    for what, labels in (("truth", sample.fine), ("refined", refined)):
        parts, split = (split_objects(labels, nuclei, neck=neck) for neck in (math.inf, 1.0))
        counts[what] = number(parts), number(split)
        assert number(split) >= number(parts)
        assert np.array_equal(split > 0, labels == nuclei)
    print(f"{name}, connected parts and objects: {counts}")

"""Tile by tile, what comes out is nearly what the whole image gives at once; and the labels stay as they are."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import ndimage as ndi
from skimage import data

from napari_coarse_crf import CoarseCRFWarning, InputError, ParameterError, Parameters, Refiner, refine_labels
from napari_coarse_crf.compute.parallel import finish
from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.tiles import plan as planning
from napari_coarse_crf.tiles.overview import candidates, likely
from napari_coarse_crf.tiles.plan import TilePlan, plan_tiles
from napari_coarse_crf.tiles.tiled import refine_tiles
from tests.storage import stored
from tests.test_things import cells

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[Any]

_MOST_DIFFERING = 0.015
"""Of the pixels, where half of all lie within 64 px of a seam: in larger tiles it is less, see benchmarks/tiled.py."""


def _photograph() -> Array:
    image: Array = data.astronaut()
    return image


def _strokes(image: Array, n_labels: int, count: int, seed: int = 0) -> Array:
    """Return labels by brightness at some small discs."""
    smooth = ndi.gaussian_filter(image.reshape(*image.shape[:2], -1).mean(axis=2), 6)
    label = 1 + np.digitize(smooth, np.quantile(smooth, np.arange(1, n_labels) / n_labels))
    rng = np.random.default_rng(seed)
    seeds = np.zeros(label.shape, np.bool_)
    seeds[rng.integers(0, label.shape[0], count), rng.integers(0, label.shape[1], count)] = True
    labels: Array = np.where(ndi.distance_transform_edt(~seeds) < 4, label, 0).astype(np.uint16)
    return labels


def _plan(image: Any, labels: Any, parameters: Parameters | None = None, **options: Any) -> TilePlan:
    """Return the plan of small tiles; the overview is small too, as that of a large image would be."""
    given = {name: options.pop(name) for name in ("mask", "spacing", "channel_axis") if name in options}
    plan = plan_tiles(Picture(image, **given), labels, parameters, overview_pixels=2**14, **options)
    return finish(plan)


def _refined(plan: TilePlan) -> Array:
    out = np.zeros(plan.source.shape, np.uint16)
    for tile in plan.tiles:
        out[tile.core] = plan.refine(tile).labels
    return out


def test_tiles_give_nearly_what_the_whole_gives_at_once() -> None:
    image = _photograph()
    labels = _strokes(image, 5, 60)
    refined = _refined(_plan(image, labels, tile=256))
    assert np.mean(refined != refine_labels(image, labels)) < _MOST_DIFFERING
    np.testing.assert_array_equal(refined[labels > 0], labels[labels > 0])


def test_a_tile_without_any_stroke_is_filled_as_the_whole_fills_it() -> None:
    image = _photograph()
    labels = _strokes(image, 3, 60)
    labels[256:, :256] = 0
    refined, whole = _refined(_plan(image, labels, tile=256)), refine_labels(image, labels)
    assert np.mean((refined != whole)[256:, :256]) < 5 * _MOST_DIFFERING
    assert len(np.unique(refined[256:, :256])) > 1


def test_neither_the_order_of_the_tiles_nor_the_number_of_workers_nor_the_process_matters() -> None:
    image = _photograph()[:300, :300]
    labels = _strokes(image, 3, 30)
    plan = _plan(image, labels, tile=150, workers=2)
    out = np.zeros_like(labels)
    for tile in reversed(plan.tiles):
        out[tile.core] = pickle.loads(pickle.dumps(plan)).refine(tile, workers=1).labels
    np.testing.assert_array_equal(out, _refined(plan))


def test_one_tile_is_the_whole_but_for_the_colours_taken_together() -> None:
    image = _photograph()[:200, :300]
    labels = _strokes(image, 3, 30)
    assert np.mean(_refined(_plan(image, labels)) != refine_labels(image, labels)) < 0.002


def test_a_volume_of_unlike_spacing_in_16_bits_is_refined_in_tiles() -> None:
    planes = _photograph()[:128, :128, 1].astype(np.uint16) * 100
    volume = np.stack([planes + 40 * z for z in range(6)])
    labels = np.stack([_strokes(planes, 3, 10, seed=z) for z in range(6)])
    parameters = Parameters(theta_alpha=20)
    plan = _plan(volume, labels, parameters, tile=(6, 64, 64), spacing=(3, 1, 1))
    assert [one.stop - one.start for one in plan.tiles[0].region] == [6, 96, 96]
    whole = refine_labels(volume, labels, parameters, spacing=(3, 1, 1))
    assert np.mean(_refined(plan) != whole) < 2 * _MOST_DIFFERING


def test_what_takes_no_part_stays_and_says_nothing() -> None:
    image = _photograph()[:256, :256].astype(np.float32)
    labels = _strokes(image, 3, 40)
    mask = np.ones(labels.shape, np.bool_)
    mask[:128, 100:] = False  # all of a tile, and part of another
    image[200:, :30] = np.nan
    labels[140:, 240:] = 0
    labels[:50, 200:] = 9
    refined = _refined(_plan(image, labels, tile=128, mask=mask))
    nothing = ~mask | np.isnan(image).any(axis=-1)
    np.testing.assert_array_equal(refined[nothing], labels[nothing])
    assert (refined[~nothing] > 0).all()
    assert 9 not in refined[~nothing]


def test_what_takes_part_may_be_thinner_than_the_overview_sees() -> None:
    image = _photograph()[:256, :256]
    labels = np.zeros(image.shape[:2], np.uint16)
    labels[:9, 1], labels[-9:, 1] = 4, 7
    mask = np.zeros(labels.shape, np.bool_)
    mask[:, 1] = True
    refined = _refined(_plan(image, labels, tile=128, mask=mask))
    assert set(refined[mask]) == {4, 7}
    assert not refined[~mask].any()
    mask[:, 200:] = True  # which it sees, in other tiles
    labels[100:110, 210:220] = 9
    refined = _refined(_plan(image, labels, tile=128, mask=mask))
    assert (refined[mask] > 0).all()
    assert not refined[~mask].any()


@pytest.mark.parametrize("corner", ["first", "last"])
def test_strokes_far_away_count_as_in_the_whole(corner: str) -> None:
    image = _photograph()
    labels = _strokes(image, 3, 60)
    kept = slice(0, 160) if corner == "first" else slice(-160, None)
    labels[kept, kept] += 10
    labels = np.where(labels > 10, labels - 10, 0).astype(np.uint16)
    refined, whole = _refined(_plan(image, labels, tile=256)), refine_labels(image, labels)
    assert np.mean(refined != whole) < 2 * _MOST_DIFFERING


def test_a_tile_takes_memory_for_the_labels_that_its_pixels_can_become() -> None:
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, (8, 8, 3), np.uint8)
    image = colours.repeat(48, axis=0).repeat(48, axis=1)
    labels = np.zeros(image.shape[:2], np.uint16)
    labels[24::48, 24::48] = 1 + np.arange(64).reshape(8, 8)
    plan = _plan(image, labels, Parameters(theta_alpha=20, instances="never"), tile=96)
    painted = np.zeros(64, np.bool_)
    assert max(len(candidates(part.most, painted)) for part in plan.parts) <= 32
    np.testing.assert_array_equal(_refined(plan), (1 + np.arange(64).reshape(8, 8)).repeat(48, 0).repeat(48, 1))


class _Shelf:
    """Keeps what it is given, as a file would; and what was asked for."""

    def __init__(self) -> None:
        self.things: dict[str, bytes] = {}

    def load(self, name: str) -> Any:
        return pickle.loads(self.things[name]) if name in self.things else None

    def store(self, name: str, value: Any) -> None:
        self.things[name] = pickle.dumps(value)


def test_a_plan_goes_on_from_where_it_was_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "_KEEPING", 0.0)
    image = _photograph()[:240, :240]
    labels = _strokes(image, 3, 30)
    labels[100:] = 0  # paths lead there and back
    picture, shelf = Picture(image), _Shelf()
    options: dict[str, Any] = {"tile": 80, "overview_pixels": 2**12}
    stopped = plan_tiles(picture, labels, kept=shelf, **options)
    for progress in stopped:
        if progress.stage == "paths" and progress.step == 7:
            break
    stopped.close()
    stages = []
    going_on = plan_tiles(picture, labels, kept=shelf, **options)
    while True:
        try:
            stages.append(next(going_on))
        except StopIteration as stop:
            found: TilePlan = stop.value
            break
    assert {progress.stage for progress in stages} == {"paths"}
    assert min(progress.step for progress in stages) == 7
    whole = finish(plan_tiles(picture, labels, **options))
    for one, other in zip(found.parts, whole.parts, strict=True):
        np.testing.assert_array_equal(one.rim.lengths, other.rim.lengths)
        np.testing.assert_array_equal(one.most, other.most)


class _Lazy:
    """An array of which parts can be read, and only parts."""

    def __init__(self, array: Array) -> None:
        self.shape, self._array, self.most = array.shape, array, 0

    def __getitem__(self, part: tuple[slice, ...]) -> Array:
        cut: Array = self._array[part]
        self.most = max(self.most, cut.size)
        return cut


def test_no_more_is_read_at_once_than_a_tile_or_block_takes_with_channels_anywhere() -> None:
    image = np.tile(_photograph()[:128, :128], (9, 9, 1))
    labels = _strokes(image, 3, 100)
    lazy, parameters = _Lazy(np.moveaxis(image, 2, 0)), Parameters(similarity="colour", theta_alpha=10)
    refined, direct = (
        plan.refine(plan.tiles[7]).labels
        for plan in (
            _plan(lazy, _Lazy(labels), parameters, tile=128, channel_axis=0),
            _plan(image, labels, parameters, tile=128),
        )
    )
    assert lazy.most < image.size
    np.testing.assert_array_equal(refined, direct)


@pytest.mark.parametrize("storage", ["dask", "zarr", "tensorstore"])
def test_arrays_may_be_stored_in_any_way_and_the_result_too(storage: str, tmp_path: Path) -> None:
    image = _photograph()[:90, :120]
    labels = _strokes(image, 3, 30)
    folders = [tmp_path / name for name in ("image", "labels", "out")]
    for folder in folders:
        folder.mkdir()
    lazy = [stored(array, storage, folder) for array, folder in zip((image, labels), folders, strict=False)]
    out = stored(np.zeros_like(labels), "zarr", folders[2])
    written, _ = refine_tiles(Picture(lazy[0]), lazy[1], out=out, tile=60)
    assert written is out
    np.testing.assert_array_equal(out[:], refine_labels(image, labels, tile=60))
    np.testing.assert_array_equal(refine_labels(*lazy, tile=60), out[:])


def test_a_full_label_map_is_returned_as_it_is() -> None:
    image = _photograph()[:64, :64]
    labels = np.full(image.shape[:2], 5, np.uint16)
    with pytest.warns(CoarseCRFWarning, match="has a label already"):
        np.testing.assert_array_equal(refine_labels(image, labels, tile=32), labels)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"image": [[1, 2]]}, "The image is a list, of which no part can be read"),
        ({"labels": np.zeros((8, 9), np.uint8)}, "There is no label yet"),
        ({"labels": np.full((8, 9), -1)}, "negative id -1"),
        ({"labels": np.zeros((8, 7), np.uint8)}, "the image is"),
        ({"labels": np.zeros((8, 9))}, "The labels have dtype float64"),
        ({"mask": np.zeros((8, 9), np.bool_)}, "No pixel takes part"),
        ({"image": np.full((8, 9), np.nan)}, "No pixel takes part"),
        ({"tile": 0}, "tile is 0"),
        ({"tile": np.inf}, "tile is inf"),
        ({"tile": (3, np.nan)}, r"tile is \(3, nan\)"),
        ({"tile": (4, 4, 4)}, "one for each axis"),
        ({"spacing": (1, 0)}, "spacing is"),
        ({"contrast_limits": (3, 3)}, "contrast_limits is"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(options: dict[str, Any], sentence: str) -> None:
    labels = np.eye(8, 9, dtype=np.uint8)
    labels[0, 0] = 2
    given = {"image": np.zeros((8, 9), np.uint8), "labels": labels, **options}
    with pytest.raises(InputError, match=sentence):
        refine_labels(**{"tile": 4, **given})


def test_what_no_tile_can_know_is_refused() -> None:
    image, labels = np.zeros((30, 30), np.uint8), np.zeros((30, 30), np.uint8)
    labels[0], labels[9] = 1, 2
    with pytest.raises(ParameterError, match="cannot be had in tiles"):
        refine_labels(image, labels, Parameters(similarity="joint"), tile=15)


def _in_tiles(plan: TilePlan) -> tuple[Array, Array, dict[int, tuple[int, int]], tuple[str, ...]]:
    """Return labels, confidence, counts and warnings of all tiles together."""
    labels, confidence = np.zeros(plan.source.shape, plan.source.dtype), np.zeros(plan.source.shape, np.float32)
    gained = np.zeros(len(plan.label_ids), np.int64)
    for tile in plan.tiles:
        found = plan.refine(tile)
        labels[tile.core], confidence[tile.core] = found.labels, found.confidence
        gained += found.gained
    return labels, confidence, plan.label_counts(gained), plan.warnings(gained)


def test_confidence_counts_and_warnings_are_nearly_those_of_the_whole() -> None:
    image = _photograph()[:400, :400].astype(np.float32)
    labels = _strokes(image, 3, 60)
    image[:50, :70] = np.nan
    labels[labels == 2] = 0
    labels[200, 200] = 9  # too little of it to take anything
    whole = Refiner(image, labels).run()
    found, confidence, counts, warnings = _in_tiles(_plan(image, labels, tile=200))
    assert np.abs(confidence - whole.confidence).mean() < 0.02
    assert counts.keys() == whole.label_counts.keys()
    for label_id, (before, after) in whole.label_counts.items():
        assert counts[label_id][0] == before
        assert counts[label_id][1] == np.count_nonzero((found == label_id) & ~np.isnan(image).any(axis=-1))
        assert abs(counts[label_id][1] - after) < _MOST_DIFFERING * labels.size
    assert warnings == whole.warnings


def test_uncertain_pixels_stay_unlabelled() -> None:
    image = _photograph()[:300, :300]
    labels = _strokes(image, 3, 40)
    parameters = Parameters(min_confidence=0.9, label_confidence=0.8)
    found, confidence, _, _ = _in_tiles(_plan(image, labels, parameters, tile=150))
    np.testing.assert_array_equal(found[labels == 0] == 0, confidence[labels == 0] < 0.9)
    whole = Refiner(image, labels).run(parameters)
    assert np.mean((found == 0) != (whole.labels == 0)) < 3 * _MOST_DIFFERING


def test_objects_are_told_apart_in_tiles() -> None:
    image, strokes, _ = cells("nuclei")
    whole = Refiner(image, strokes).run()
    plan = _plan(image, strokes, tile=(-(-image.shape[0] // 2), -(-image.shape[1] // 2)))
    assert len(plan.whole.facts.members) > 4
    assert len(plan.whole.facts.ids) == 2
    found, _, counts, warnings = _in_tiles(plan)
    assert np.mean(found != whole.labels) < _MOST_DIFFERING
    assert counts.keys() == whole.label_counts.keys()
    assert warnings == whole.warnings
    as_classes = refine_labels(image, strokes, Parameters(instances="never"), tile=200)
    assert np.mean(as_classes != found) > _MOST_DIFFERING


def test_cleaning_in_tiles_removes_what_it_removes_in_the_whole() -> None:
    image = _photograph()[:400, :400]
    labels = _strokes(image, 4, 60)
    parameters = Parameters(smallest_part=200, fill_holes=200, appearance_weight=0.5, smoothness_weight=0.5)
    whole = refine_labels(image, labels, parameters)
    untidy = refine_labels(image, labels, parameters.replace(smallest_part=0, fill_holes=0))
    found = _in_tiles(_plan(image, labels, parameters, tile=200))[0]
    assert np.mean(untidy != whole) > 0.01
    assert np.mean(found != whole) < 2 * _MOST_DIFFERING


def test_how_wide_strokes_are_is_found_in_the_whole_of_a_tiled_image() -> None:
    image = _photograph()[:400, :400]
    labels = _strokes(image, 4, 60)
    labels[200:, 200:][labels[200:, 200:] == 1] = 0  # in one quarter, strokes of others alone
    labels[20:200, 20:160] = 2  # in another, a polygon
    labels[380:, 380:] = 5
    parameters = Parameters(keep_parts="stroke-sized", appearance_weight=0.5, smoothness_weight=0)
    whole, plan = refine_labels(image, labels, parameters), _plan(image, labels, parameters, tile=200)
    in_pixels = Parameters(smallest_part=plan.whole.facts.stroke_size, appearance_weight=0.5, smoothness_weight=0)
    np.testing.assert_array_equal(whole, refine_labels(image, labels, in_pixels))
    np.testing.assert_array_equal(_in_tiles(plan)[0], _in_tiles(_plan(image, labels, in_pixels, tile=200))[0])
    assert np.mean(whole != refine_labels(image, labels, in_pixels.replace(smallest_part=0))) > 0.005


def test_of_many_labels_those_that_no_pixel_is_near_to_are_no_candidates() -> None:
    few = np.full(40, 0.002, np.float32)
    assert likely(few).all()
    many = np.linspace(0.002, 0.02, 500, dtype=np.float32)
    assert np.flatnonzero(likely(many)).tolist() == list(range(436, 500))
    many[:100] = 0.5
    assert np.flatnonzero(likely(many)).tolist() == list(range(100))


def test_more_classes_than_an_overview_can_hold_are_refused_before_the_image_is_read() -> None:
    labels = np.zeros((200, 200), np.int32)
    labels[::2, ::2] = np.arange(1, 10_001).reshape(100, 100)
    with pytest.raises(InputError, match="There are 10000 labels that count as a class each"):
        _plan(labels.astype(np.uint8), labels, tile=100)

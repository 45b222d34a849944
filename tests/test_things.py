"""An id for each object: as good as one id for all of them, each connected to its stroke, against slow paths."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra
from skimage import measure, morphology, segmentation

from napari_coarse_crf import Parameters, Refiner, refine_labels
from napari_coarse_crf.compute.parallel import finish
from napari_coarse_crf.problem import OPEN
from napari_coarse_crf.samples import load_sample
from napari_coarse_crf.things import divide, find_things
from tests.helpers import problem_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

CLASSES = Parameters(instances="never")


def discs(side: int = 24, count: int = 10) -> tuple[Array, Array, Array]:
    """Return image, strokes and truth of count x count discs with an id each, from 2; 1 is the background."""
    size = side * count
    yy, xx = np.mgrid[:size, :size]
    from_centre = (yy % side - side // 2) ** 2 + (xx % side - side // 2) ** 2
    number = (yy // side) * count + xx // side + 2
    inside = from_centre < (side * 0.36) ** 2
    noise = np.random.default_rng(0).normal(0, 8, (size, size))
    image = (np.where(inside, 150, 50) + noise).clip(0, 255).astype(np.uint8)
    strokes = np.zeros((size, size), np.int32)
    strokes[::side, ::3] = 1
    strokes[from_centre < 4] = number[from_centre < 4]
    return image, strokes, np.where(inside, number, 1)


def cells(name: str) -> tuple[Array, Array, Array]:
    """Return image, strokes and truth of a sample, its nuclei cut where they are narrow and numbered from 2."""
    sample = load_sample(name)
    nuclei = sample.fine == 2
    depth = ndimage.distance_transform_edt(nuclei)
    markers = measure.label(morphology.h_maxima(depth, 1.0) > 0)
    numbered = segmentation.watershed(-depth, markers, mask=nuclei)
    strokes = np.zeros(numbered.shape, np.int32)
    for region in measure.regionprops(numbered):
        within = ndimage.distance_transform_edt(numbered == region.label)
        strokes[within > 0.6 * within.max()] = region.label + 1
    far = ndimage.distance_transform_edt(~nuclei) > 4
    strokes[far & (np.random.default_rng(0).random(far.shape) < 0.02)] = 1
    return sample.image, strokes, np.where(nuclei, numbered + 1, 1)


def median_iou(found: Array, truth: Array, ids: Array) -> float:
    return float(np.median([((found == i) & (truth == i)).sum() / ((found == i) | (truth == i)).sum() for i in ids]))


def cut_off(labels: Array, strokes: Array, ids: Array) -> int:
    """Return how many pixels of these ids are not connected to a stroke of their own, corner to corner."""
    count = 0
    for label_id in ids:
        parts = measure.label(labels == label_id, connectivity=labels.ndim)
        count += int(np.count_nonzero((parts > 0) & ~np.isin(parts, parts[strokes == label_id])))
    return count


def test_an_id_for_each_of_a_hundred_discs_is_as_good_as_one_for_all() -> None:
    image, strokes, truth = discs()
    for each in (strokes, np.where(strokes > 1, strokes * 7919 % 100003 + 1, strokes)):
        names = dict(zip(strokes.ravel().tolist(), each.ravel().tolist(), strict=True))
        wanted = np.vectorize(names.get)(truth)
        assert (refine_labels(image, each) == wanted).mean() > 0.998
    assert (refine_labels(image, np.where(strokes > 1, 2, strokes)) == np.where(truth > 1, 2, 1)).mean() > 0.998
    assert (refine_labels(image, strokes, CLASSES) == truth).mean() < 0.98  # what it is good for


@pytest.mark.parametrize("noise", [8, 15, 25])
def test_an_id_each_loses_nothing_in_noise(noise: float) -> None:
    _, strokes, truth = discs()
    image = np.where(truth > 1, 130, 80) + np.random.default_rng(1).normal(0, noise, truth.shape)
    noisy, all_parts = image.clip(0, 255).astype(np.uint8), Parameters.preset("auto").replace(keep_parts="all")
    one = refine_labels(noisy, np.where(strokes > 1, 2, strokes), all_parts)
    each = refine_labels(noisy, strokes, all_parts)
    assert (each == truth).mean() > (one == np.where(truth > 1, 2, 1)).mean() - 0.002


def test_splitting_ids_does_not_change_what_the_objects_get_together() -> None:
    image, strokes, _ = cells("nuclei")

    halves = strokes.copy()
    for region in measure.regionprops(np.where(strokes > 1, strokes, 0)):
        rows, columns = region.coords[: len(region.coords) // 2].T
        halves[rows, columns] += 1000
    whole, split = refine_labels(image, strokes), refine_labels(image, halves)
    assert np.array_equal(whole == 1, split == 1)
    assert np.array_equal(whole[whole > 1], split[whole > 1] % 1000)


@pytest.mark.parametrize("name", ["nuclei", "dim_nuclei"])
def test_cells_with_an_id_each_are_found_better_than_by_watershed(name: str) -> None:
    image, strokes, truth = cells(name)
    grey = image.astype(float) if image.ndim == 2 else image.astype(float).mean(axis=-1)
    flooded = segmentation.watershed(np.hypot(*np.gradient(grey)), strokes)
    ids = np.unique(strokes)[2:]
    refined = refine_labels(image, strokes)
    assert median_iou(refined, truth, ids) > median_iou(flooded, truth, ids)
    assert cut_off(refined, strokes, ids) == 0
    assert np.array_equal(refined[strokes > 0], strokes[strokes > 0])


def test_the_order_of_the_ids_does_not_matter() -> None:
    image, strokes, _ = cells("dim_nuclei")
    renamed = np.random.default_rng(1).permutation(np.arange(2, strokes.max() + 1))
    names = np.concatenate([[0, 1], renamed]).astype(np.int32)
    assert np.array_equal(names[refine_labels(image, strokes)], refine_labels(image, names[strokes]))


def test_objects_in_a_volume_with_strokes_on_few_planes() -> None:
    zz, yy, xx = np.mgrid[:16, :60, :60]
    number = (yy // 20) * 3 + xx // 20 + 2
    inside = ((zz - 8) * 2) ** 2 + (yy % 20 - 10) ** 2 + (xx % 20 - 10) ** 2 < 64
    image = np.where(inside, 150.0, 60.0) + np.random.default_rng(0).normal(0, 8, inside.shape)
    strokes = np.zeros(inside.shape, np.int32)
    on_plane = (zz % 4 == 2) & inside & ((yy % 20 - 10) ** 2 + (xx % 20 - 10) ** 2 < 5)
    strokes[on_plane] = number[on_plane]
    strokes[6, ::20] = 1
    refined = refine_labels(image, strokes, spacing=(2.0, 1.0, 1.0))
    assert (refined == np.where(inside, number, 1)).mean() > 0.99
    assert cut_off(refined, strokes, np.arange(2, 11)) == 0


def test_what_no_stroke_reaches_goes_to_the_class_that_comes_next() -> None:
    image, strokes, truth = discs()
    unpainted = np.isin(strokes, [5, 47, 99])
    few = np.where(unpainted, 0, strokes)
    refiner = Refiner(image, few)
    refinement = refiner.run()
    assert np.array_equal(refinement.labels, np.where(np.isin(truth, [5, 47, 99]), 1, truth))
    lost = np.isin(truth, [5, 47, 99]) & (few == 0)
    assert refinement.confidence[lost].mean() < 0.5 < refinement.confidence[~lost].mean()


def test_objects_that_touch_meet_where_they_are_narrow() -> None:
    """Two overlapping discs of one grey level, of which one has a stroke at its far end."""
    yy, xx = np.mgrid[:60, :120]
    left, right = ((yy - 30) ** 2 + (xx - centre) ** 2 < 17**2 for centre in (40, 70))
    image = np.where(left | right, 180, 60).astype(np.uint8)
    strokes = np.zeros(image.shape, np.int32)
    strokes[28:32, 26:30], strokes[28:32, 66:70] = 2, 3  # the middle between the strokes lies in the left one
    strokes[2, ::4] = strokes[57, ::4] = 1
    for label_id, (row, column) in enumerate([(46, 4), (8, 110), (46, 110)], 4):
        image[row : row + 4, column : column + 4] = 180
        strokes[row + 1, column + 1] = label_id
    refined = refine_labels(image, strokes)
    border = [int(np.flatnonzero(refined[row] == 3)[0]) for row in range(24, 37)]
    assert np.mean(border) > 49  # the neck is at 55; half way between the strokes would be 47


def test_the_heatmap_is_a_distribution_over_all_ids_near_their_strokes() -> None:
    image, strokes, truth = discs()
    refiner = Refiner(image, strokes)
    heatmap = refiner.heatmap()
    assert heatmap.shape == (101, *strokes.shape)
    assert heatmap.sum(axis=0) == pytest.approx(np.ones(strokes.shape), abs=1e-3)
    assert (refiner.label_ids[heatmap.argmax(axis=0)] == truth).mean() > 0.98
    assert (heatmap[1:] > 0).sum(axis=0).max() == 2


def test_a_class_that_takes_nothing_is_told_but_no_object_that_is_painted_in_full() -> None:
    image, strokes, truth = discs(count=6)
    strokes[truth == 7] = 7
    assert Refiner(image, strokes).run().warnings == ()
    strokes[np.isin(truth, range(20, 26))] = 7  # now it reaches far: a class
    (sentence,) = Refiner(image, strokes).run().warnings
    assert sentence.startswith("Label 7 took none of the")


def test_label_counts_and_confidence_are_those_of_the_ids() -> None:
    image, strokes, _ = discs(count=4)
    strokes[strokes == 6] = 0
    refinement = Refiner(image, strokes).run()
    found = {int(i): int(np.count_nonzero(refinement.labels == i)) for i in np.unique(strokes) if i}
    assert {label_id: after for label_id, (_, after) in refinement.label_counts.items()} == found
    assert refinement.confidence.min() > 0
    assert refinement.confidence.max() <= 1


@pytest.mark.parametrize("changes", [{"label_confidence": 0.9}, {"tolerance": 1e-4}, {"smallest_part": 20}])
def test_objects_are_told_apart_whatever_else_is_asked_for(changes: dict[str, Any]) -> None:
    image, strokes, truth = discs(count=5)
    refinement = Refiner(image, strokes).run(Parameters.from_dict(changes))
    assert (refinement.labels == truth).mean() > 0.998


def test_a_run_says_that_ids_are_taken_for_objects() -> None:
    image, strokes, _ = discs(count=4)
    refiner = Refiner(image, strokes)
    assert "16 ids are taken for one object each" in refiner.run().reason
    assert "object" not in refiner.run(Parameters.preset("auto").replace(instances="never")).reason


def test_new_strokes_are_new_objects() -> None:
    image, strokes, truth = discs(count=5)
    refiner = Refiner(image, np.where(strokes == 9, 0, strokes))
    assert 9 not in refiner.run().labels
    refiner.update_labels(strokes)
    assert np.array_equal(refiner.run().labels, refine_labels(image, strokes))
    refiner.update_labels(np.where(strokes > 1, 2, strokes))
    assert (refiner.run().labels == np.where(truth > 1, 2, 1)).mean() > 0.998


def boxes(*sizes: tuple[int, int], wide: bool = True) -> Array:
    """Return strokes: a label from 2 for each (height, width), side by side on 100 x 400 pixels, and 1 around them."""
    labels = np.zeros((100, 400), np.int32)
    if wide:
        labels[0, ::5] = labels[99, ::5] = 1
    for number, (height, width) in enumerate(sizes):
        labels[20 : 20 + height, 10 + 60 * number] = labels[20, 10 + 60 * number : 10 + 60 * number + width] = (
            number + 2
        )
    return labels


SMALL, LARGE = (10, 20), (40, 50)


@pytest.mark.parametrize(
    ("labels", "objects"),
    [
        (boxes(SMALL, SMALL, SMALL, SMALL), [2, 3, 4, 5]),
        (boxes(SMALL, SMALL, SMALL, SMALL, SMALL), [2, 3, 4, 5, 6]),
        (np.where(np.arange(100)[:, None] > 50, 0, boxes(SMALL, SMALL, SMALL, SMALL)), [2, 3, 4, 5]),
        (boxes(SMALL, SMALL, SMALL), None),
        (boxes(SMALL, SMALL, SMALL, SMALL, LARGE), None),
        (boxes(SMALL, SMALL, SMALL, SMALL, wide=False), None),
        (boxes(LARGE, LARGE, LARGE, LARGE, LARGE), None),
    ],
    ids=[
        "four objects",
        "five objects",
        "one line as background",
        "three",
        "two classes of six labels",
        "no background",
        "large things",
    ],
)
def test_labels_are_objects_where_nearly_all_are_small_beside_a_wide_one(
    labels: Array, objects: list[int] | None
) -> None:
    problem = problem_of(np.zeros(labels.shape, np.uint8), labels)
    things = find_things(problem)
    assert (None if things is None else problem.label_ids[things.members].tolist()) == objects


@pytest.mark.parametrize("similarity", ["joint", "kernel", "colour"])
def test_objects_are_classes_where_paths_do_not_count(similarity: str) -> None:
    image, strokes, _ = discs(count=4)
    with_paths, without = (Parameters.from_dict({"similarity": similarity, "instances": i}) for i in ("auto", "never"))
    assert np.array_equal(refine_labels(image, strokes, with_paths), refine_labels(image, strokes, without))


def slow_paths(inside: Array, strokes: Array, spacing: tuple[float, ...]) -> Array:
    """Return (ids, *shape) lengths of paths from each id's strokes over open cells, each the rim's slowness."""
    distance = ndimage.distance_transform_edt(inside, sampling=spacing)
    slow = (1 + 8 / np.maximum(distance, 1)).ravel()
    open_, index = inside & (strokes == 0), np.arange(strokes.size, dtype=np.int32).reshape(strokes.shape)
    lengths = []
    for label_id in np.unique(strokes[strokes > 0]):
        rows, columns, costs = [], [], []
        for cell in np.argwhere(open_):
            for move in product((-1, 0, 1), repeat=strokes.ndim):
                other = tuple(cell + move)
                if not any(move) or not all(0 <= o < s for o, s in zip(other, strokes.shape, strict=True)):
                    continue
                if open_[other] or strokes[other] == label_id:
                    length = np.sqrt(np.square(np.multiply(move, spacing)).sum())
                    rows.append(index[other])
                    columns.append(index[tuple(cell)])
                    costs.append(length * (slow[rows[-1]] + slow[columns[-1]]) / 2)
        graph = coo_array((costs, (rows, columns)), (strokes.size, strokes.size)).tocsr()
        lengths.append(dijkstra(graph, indices=index[strokes == label_id], min_only=True).reshape(strokes.shape))
    return np.array(lengths)


@settings(max_examples=25, deadline=None)
@given(data=st.data(), ndim=st.sampled_from([2, 3]))
def test_the_two_nearest_objects_are_those_of_the_shortest_paths(data: st.DataObject, ndim: int) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    shape = (13, 17) if ndim == 2 else (4, 7, 8)
    spacing = (1.0, 1.0) if ndim == 2 else (2.5, 1.0, 1.0)
    inside = ndimage.binary_opening(rng.random(shape) < 0.9)
    labels = np.where(inside, 0, 9).astype(np.int32)
    places = rng.permutation(np.argwhere(inside))[:5]
    for label_id, place in enumerate(places, 1):
        labels[tuple(place)] = label_id
    labels[(0,) * ndim], labels[(-1,) * ndim] = 9, 9
    inside &= labels != 9
    problem = problem_of(np.zeros(shape, np.uint8), labels, spacing=spacing)
    things = find_things(problem)
    if things is None:
        return
    with ThreadPoolExecutor(1) as pool:
        nearest, share = finish(divide(pool, problem, things, problem.open_pixels, Parameters()))
    lengths = slow_paths(inside, np.where(labels == 9, 0, labels), spacing)
    lengths = lengths.reshape(len(lengths), -1)[:, problem.pixels[problem.open_pixels]]
    ranked = np.sort(lengths, axis=0)
    assert np.array_equal(nearest[:, 0] == OPEN, np.isinf(ranked[0]))
    reached = np.flatnonzero(np.isfinite(ranked[0]))
    assert lengths[nearest[reached, 0], reached] == pytest.approx(ranked[0, reached], abs=0.05)
    second = reached[np.isfinite(ranked[1, reached])]
    assert lengths[nearest[second, 1], second] == pytest.approx(ranked[1, second], abs=0.05)
    odds = ((1 + ranked[0, reached] / 5) / (1 + ranked[1, reached] / 5)) ** (4 * (ndim - 1))
    assert share[reached] == pytest.approx(1 / (1 + odds), abs=0.01)

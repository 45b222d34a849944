"""Table 1's scores, against sums written out by hand and against a slow double loop."""

from __future__ import annotations

import itertools
import json
import math
import tracemalloc
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage as ndi

from napari_coarse_crf import InputError, Scores, evaluate_labels
from napari_coarse_crf.evaluation.scores import Share

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

TRUTH = np.array([[1, 1, 1, 2, 2], [1, 1, 1, 2, 0]])
FOUND = np.array([[1, 1, 2, 2, 2], [1, 0, 5, 2, 2]])


def test_accuracy_is_the_share_of_a_class_that_was_found() -> None:
    scores = evaluate_labels(FOUND, TRUTH)
    assert scores.accuracy == {1: 3 / 6, 2: 3 / 3}
    assert scores.mean_accuracy == pytest.approx(0.75)


def test_iou_is_intersection_over_union_on_evaluated_pixels() -> None:
    scores = evaluate_labels(FOUND, TRUTH)
    assert scores.iou == {1: 3 / 6, 2: 3 / 4}  # the 2 on the ignored pixel is in no union
    assert scores.mean_iou == pytest.approx(0.625)


def test_the_confusion_matrix_counts_truth_by_prediction() -> None:
    scores = evaluate_labels(FOUND, TRUTH)
    assert scores.ids == (0, 1, 2, 5)
    assert scores.confusion.tolist() == [[0, 0, 0, 0], [1, 3, 1, 1], [0, 0, 3, 0], [0, 0, 0, 0]]
    assert scores.classes == (1, 2)
    assert scores.pixel_accuracy == pytest.approx(6 / 9)


def test_an_unlabelled_prediction_is_wrong() -> None:
    nothing = evaluate_labels(np.zeros_like(TRUTH), TRUTH)
    assert (nothing.mean_accuracy, nothing.mean_iou) == (0.0, 0.0)


def test_the_truth_itself_scores_one() -> None:
    scores = evaluate_labels(TRUTH, TRUTH, coarse=np.zeros_like(TRUTH))
    assert (scores.mean_accuracy, scores.mean_iou, scores.unlabelled_accuracy, scores.boundary_accuracy) == (1, 1, 1, 1)


def test_ignored_truth_is_not_evaluated_whatever_its_id() -> None:
    moved = np.where(TRUTH == 0, 255, TRUTH)
    assert evaluate_labels(FOUND, moved, ignore=255).iou == evaluate_labels(FOUND, TRUTH).iou
    assert 255 in evaluate_labels(FOUND, moved, ignore=None).classes


def test_only_the_classes_asked_for_are_evaluated() -> None:
    scores = evaluate_labels(FOUND, TRUTH, classes=[2])
    assert scores.accuracy == {2: 1.0}
    assert scores.iou == {2: 1.0}  # its false alarm lies on a pixel of class 1, which is not evaluated


def test_accuracy_on_unlabelled_pixels_leaves_out_what_the_person_painted() -> None:
    coarse = np.zeros_like(TRUTH)
    coarse[:, :2] = 1
    scores = evaluate_labels(FOUND, TRUTH, coarse=coarse)
    assert scores.unlabelled == Share(3, 5)
    assert scores.unlabelled_accuracy == pytest.approx(0.6)
    assert evaluate_labels(FOUND, TRUTH).unlabelled_accuracy is None


def test_the_boundary_band_counts_pixels_on_both_sides() -> None:
    touching = evaluate_labels(FOUND, TRUTH, boundary_width=1).boundary
    wider = evaluate_labels(FOUND, TRUTH, boundary_width=2).boundary
    assert (touching.right, touching.total) == (2, 4)
    assert (wider.right, wider.total) == (4, 7)  # the ignored pixel neither makes nor joins a band


def test_a_truth_without_boundaries_has_no_boundary_accuracy() -> None:
    assert math.isnan(evaluate_labels([[1, 1]], [[1, 1]]).boundary_accuracy)


def test_huge_ids_of_unlike_types_are_told_apart() -> None:
    truth = np.array([2**63, 2**63 + 1, 7], dtype=np.uint64)
    found = np.array([2**62, 7, 7], dtype=np.int64)
    scores = evaluate_labels(found, truth)
    assert scores.accuracy == {7: 1.0, 2**63: 0.0, 2**63 + 1: 0.0}


def numbered_objects(first_id: int = 1) -> NDArray[np.int32]:
    """Return a map of 2000 x 2000 pixels with 10000 objects of 20 x 20."""
    ids = np.arange(first_id, first_id + 10_000, dtype=np.int32)
    return ids.reshape(100, 100).repeat(20, axis=0).repeat(20, axis=1)


def test_thousands_of_ids_take_less_memory_than_a_full_matrix() -> None:
    truth = numbered_objects()
    found = np.roll(truth, 5, axis=1)  # a quarter of each object lies on its neighbour
    tracemalloc.start()
    scores = evaluate_labels(found, truth)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(scores.classes) == 10_000
    assert set(scores.accuracy.values()) == {3 / 4}
    assert set(scores.iou.values()) == {3 / 5}
    assert scores.pixel_accuracy == 3 / 4
    assert peak < 8 * len(scores.ids) ** 2
    assert Scores.from_dict(json.loads(json.dumps(scores.to_dict()))).iou == scores.iou


def test_images_of_unlike_ids_are_pooled() -> None:
    first, second = numbered_objects(), numbered_objects(8001)
    pooled = Scores.pool([evaluate_labels(first, first), evaluate_labels(np.roll(second, 5, axis=1), second)])
    assert pooled.ids == tuple(range(1, 18_001))
    assert (pooled.accuracy[1], pooled.accuracy[8001], pooled.accuracy[18_000]) == (1, 7 / 8, 3 / 4)


def test_volumes_are_evaluated_like_images() -> None:
    truth = np.ones((3, 4, 5), dtype=np.uint8)
    truth[2] = 2
    found = np.ones_like(truth)
    scores = evaluate_labels(found, truth)
    assert scores.accuracy == {1: 1.0, 2: 0.0}
    assert scores.iou[1] == pytest.approx(40 / 60)


label_maps = hnp.arrays(np.uint8, st.tuples(st.integers(1, 5), st.integers(1, 6)), elements=st.integers(0, 4))


@given(st.data())
def test_scores_equal_those_counted_pixel_by_pixel(data: Any) -> None:
    truth = data.draw(label_maps.filter(np.any))
    found = data.draw(hnp.arrays(np.int32, truth.shape, elements=st.integers(0, 4)))
    scores = evaluate_labels(found, truth)
    pairs = [(int(t), int(f)) for t, f in zip(truth.flat, found.flat, strict=True) if t]
    expected = Counter(pairs)
    assert scores.ids == tuple(sorted({label_id for pair in pairs for label_id in pair}))
    assert scores.confusion.tolist() == [[expected[t, f] for f in scores.ids] for t in scores.ids]
    assert scores.to_dict()["confusion"] == [[t, f, n] for (t, f), n in sorted(expected.items())]
    assert scores.pixel_accuracy == sum(t == f for t, f in pairs) / len(pairs)
    for label_id in {t for t, _ in pairs}:
        both = sum(t == f == label_id for t, f in pairs)
        either = sum(label_id in pair for pair in pairs)
        assert scores.accuracy[label_id] == both / sum(t == label_id for t, _ in pairs)
        assert scores.iou[label_id] == both / either


@given(st.data(), st.integers(1, 4))
def test_the_boundary_band_is_that_of_steps_walked_one_by_one(data: Any, width: int) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, max_side=5))
    truth = data.draw(hnp.arrays(np.uint8, shape, elements=st.integers(0, 2)).filter(np.any))

    def neighbours(pixel: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        for axis, step in itertools.product(range(truth.ndim), (-1, 1)):
            moved = (*pixel[:axis], pixel[axis] + step, *pixel[axis + 1 :])
            if 0 <= moved[axis] < truth.shape[axis]:
                yield moved

    band = {p for p in np.ndindex(shape) if truth[p] and any(truth[n] not in (0, truth[p]) for n in neighbours(p))}
    for _ in range(width - 1):
        band |= {n for pixel in band for n in neighbours(pixel)}  # through ignored pixels too
    found = np.full_like(truth, 9)  # right in the band and nowhere else
    for pixel in band:
        found[pixel] = truth[pixel]
    boundary = evaluate_labels(found, truth, boundary_width=width).boundary
    assert boundary.right == boundary.total == sum(truth[pixel] != 0 for pixel in band)


@given(st.data())
def test_pooling_equals_evaluating_side_by_side(data: Any) -> None:
    maps = data.draw(st.lists(label_maps.filter(np.any), min_size=1, max_size=3))
    found = [np.roll(truth, 1) for truth in maps]
    coarse = [np.where(truth == 1, truth, 0) for truth in maps]
    pooled = Scores.pool(evaluate_labels(f, t, coarse=c) for f, t, c in zip(found, maps, coarse, strict=True))
    flat = [np.concatenate([array.ravel() for array in arrays]) for arrays in (found, maps, coarse)]
    together = evaluate_labels(flat[0], flat[1], coarse=flat[2])
    assert pooled.ids == together.ids
    assert pooled.confusion.tolist() == together.confusion.tolist()
    assert pooled.to_dict()["confusion"] == together.to_dict()["confusion"]
    assert (pooled.accuracy, pooled.iou) == (together.accuracy, together.iou)
    assert pooled.unlabelled == together.unlabelled


def test_a_false_alarm_counts_against_a_class_of_another_image() -> None:
    pooled = Scores.pool([evaluate_labels([[1, 3]], [[1, 1]]), evaluate_labels([[3]], [[3]])])
    assert pooled.iou == {1: 1 / 2, 3: 1 / 2}


def test_scores_come_back_from_their_counts() -> None:
    counts = {"confusion": [[1, 1, 3], [1, 2, 1], [7, 7, 4]], "boundary": [1, 2], "unlabelled": [3, 5]}
    scores = Scores.from_dict(counts)
    assert scores.accuracy == {1: 3 / 4, 7: 1.0}
    assert (scores.boundary_accuracy, scores.unlabelled_accuracy) == (1 / 2, 3 / 5)
    assert scores.to_dict() == counts


@pytest.mark.parametrize("width", [2, 3, 7, 10**7, 10**400])
@pytest.mark.parametrize("shape", [(60,), (9, 14), (4, 5, 6)])
def test_the_band_along_boundaries_is_as_many_steps_wide_as_asked_for(width: int, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(len(shape))
    truth, found = rng.integers(1, 3, (2, *shape)) * (rng.random((2, *shape)) < 0.3).cumsum(axis=-1).clip(0, 1)
    truth[..., : shape[-1] // 2] = 1
    step = evaluate_labels(found, truth, boundary_width=1)
    near = np.zeros(shape, bool)
    for place in np.ndindex(*shape):
        for axis in range(len(shape)):
            other = tuple(place[a] + (a == axis) for a in range(len(shape)))
            if other[axis] < shape[axis] and truth[place] and truth[other] and truth[place] != truth[other]:
                near[place] = near[other] = True
    assert step.boundary.total == near.sum()
    near = ndi.binary_dilation(near, iterations=min(width - 1, sum(shape)))
    assert evaluate_labels(found, truth, boundary_width=width).boundary.total == (near & (truth > 0)).sum()


@pytest.mark.parametrize(
    "changes",
    [
        {"confusion": []},
        {"confusion": [[1, 1, -3]]},
        {"confusion": [[1, 1, 0]]},
        {"confusion": [[1, "1", 3]]},
        {"confusion": [[1, 1, 10**30]]},
        {"confusion": 5},
        {"boundary": [1.5, 2]},
        {"boundary": [3, 2]},
        {"unlabelled": [1]},
    ],
)
def test_what_are_no_scores_is_refused(changes: dict[str, Any]) -> None:
    counts = {"confusion": [[1, 1, 3]], "boundary": [1, 2], "unlabelled": [3, 5]}
    with pytest.raises(InputError, match="These are no scores"):
        Scores.from_dict(counts | changes)
    with pytest.raises(InputError, match="These are no scores"):
        Scores.from_dict({})


def test_pooling_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="no scores to pool"):
        Scores.pool([])


def test_pooling_with_and_without_coarse_maps_is_refused() -> None:
    with pytest.raises(InputError, match="to every evaluation or to none"):
        Scores.pool([evaluate_labels(FOUND, TRUTH), evaluate_labels(FOUND, TRUTH, coarse=FOUND)])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"predicted": FOUND[:1]}, r"predicted labels have shape \(1, 5\) but the truth is \(2, 5\)"),
        ({"coarse": FOUND[:, :3]}, r"coarse labels have shape \(2, 3\) but the truth is \(2, 5\)"),
        ({"predicted": FOUND / 1}, "predicted labels are of type float64"),
        ({"truth": TRUTH > 0}, "truth are of type bool"),
        ({"coarse": FOUND.astype(object)}, "coarse labels are of type object"),
        ({"truth": np.zeros_like(TRUTH)}, "No pixel is left to evaluate"),
        ({"classes": [9]}, "No pixel is left to evaluate"),
        ({"boundary_width": 0}, "boundary_width is 0; it must be 1 or more"),
        ({"boundary_width": np.inf}, "boundary_width is inf; it must be a whole number"),
        ({"boundary_width": "3"}, "boundary_width is '3'; it must be a whole number"),
        ({"ignore": "nan"}, "ignore is 'nan'; it must be a whole number"),
        ({"ignore": np.nan}, "ignore is nan; it must be a whole number"),
        ({"ignore": np.True_}, "ignore is np.True_; it must be a whole number"),
        ({"boundary_width": True}, "boundary_width is True; it must be a whole number"),
        ({"ignore": np.array([1, 2])}, r"ignore is array\(\[1, 2\]\); it must be a whole number"),
        ({"classes": [1.5]}, "an id of classes is 1.5; it must be a whole number"),
        ({"classes": 5}, "classes is 5; pass the ids in a list"),
        ({"classes": np.array(5)}, r"classes is array\(5\); pass the ids in a list"),
        ({"truth": [[1, 2], [3]]}, "truth cannot be read as one array"),
        ({"predicted": np.ma.array(FOUND, mask=FOUND > 1)}, "masked array was given for the predicted labels"),
        ({"coarse": np.ma.array(FOUND, mask=FOUND > 1)}, r"coarse labels, .* such as truth\.filled\(0\)"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_in_words(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        evaluate_labels(**{"predicted": FOUND, "truth": TRUTH, **arguments})


def test_0_is_no_class_beside_a_coarse_map_in_which_it_means_unlabelled() -> None:
    truth = np.array([[0, 0, 1]])
    assert evaluate_labels(truth, truth, ignore=None).mean_accuracy == 1
    with pytest.raises(InputError, match="Number the classes of both maps from 1 up"):
        evaluate_labels(truth, truth, coarse=truth, ignore=None)

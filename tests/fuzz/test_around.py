"""Whatever is passed to what stands around a refinement: places to paint, scores, objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_coarse_crf import (
    Place,
    Scores,
    evaluate_labels,
    measure_objects,
    split_objects,
    suggest_place,
)
from tests.fuzz.anything import Given, labels, no_numbers, shapes, spacings, strange, values
from tests.fuzz.effort import REFUSED, answer, tries
from tests.fuzz.test_refining import Case, cases

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


def _passed(drawn: Any) -> Any:
    return drawn.passed if isinstance(drawn, Given) else drawn


def _without_workers(case: Case) -> dict[str, Any]:
    return {name: value for name, value in case.options.items() if name != "workers"}


@tries(90)
@given(cases(pixels=250), st.one_of(st.just([]), st.lists(st.one_of(no_numbers, st.tuples(no_numbers)), max_size=3)))
def test_a_place_to_paint_is_unlabelled_or_refused(case: Case, shown: Any) -> None:
    place = answer(suggest_place, *case.passed, case.parameters, shown=shown, **_without_workers(case))
    if place is REFUSED or place is None:
        return
    assert isinstance(place, Place)
    before = case.given_labels
    assert before[place.position] == 0
    assert case.taking_part[place.position]
    assert set(place.labels) <= set(map(int, np.unique(before))) - {0}
    assert 0 <= place.doubt <= 1
    assert min(place.size, place.reach) > 0
    again = answer(suggest_place, *case.passed, case.parameters, shown=[place.position], **_without_workers(case))
    assert again is None or again.position != place.position


@tries(80)
@given(shapes().flatmap(lambda shape: st.tuples(labels(shape, wild=False), labels(shape, wild=False))), st.data())
def test_scores_are_shares_or_refused(pair: tuple[Given, Given], data: st.DataObject) -> None:
    predicted, truth = pair
    shape = truth.plain.shape
    wrong = data.draw(
        st.sampled_from(["nothing", "nothing", "predicted", "truth", "coarse", "ignore", "classes", "width"])
    )
    maps = {name: _passed(data.draw(labels(shape, wild=wrong == name))) for name in ("predicted", "truth")}
    if wrong not in maps:
        maps = {"predicted": predicted.passed, "truth": truth.passed}
    options: dict[str, Any] = {}
    if data.draw(st.booleans()) or wrong == "coarse":
        options["coarse"] = _passed(data.draw(labels(shape, wild=wrong == "coarse")))
    if wrong == "ignore":
        options["ignore"] = data.draw(no_numbers)
    if wrong == "classes":
        options["classes"] = data.draw(st.lists(no_numbers, max_size=3))
    if wrong == "width":
        options["boundary_width"] = data.draw(no_numbers)
    scores = answer(evaluate_labels, maps["predicted"], maps["truth"], **options)
    if scores is REFUSED:
        return
    for share in (scores.pixel_accuracy, scores.mean_iou, scores.mean_accuracy):
        assert 0 <= share <= 1
    assert Scores.from_dict(scores.to_dict()).to_dict() == scores.to_dict()
    assert Scores.pool([scores, scores]).iou == scores.iou
    assert predicted.is_unchanged
    assert truth.is_unchanged


@tries(70)
@given(shapes(pixels=250).flatmap(lambda shape: labels(shape, wild=False)), st.data())
def test_objects_are_parts_of_their_class_or_refused(drawn: Given, data: st.DataObject) -> None:
    shape = drawn.plain.shape
    wrong = data.draw(st.sampled_from(["nothing", "nothing", "labels", "id", "spacing", "neck", "smallest", "apart"]))
    passed = _passed(data.draw(labels(shape, wild=True))) if wrong == "labels" else drawn.passed
    label_id: Any = data.draw(no_numbers) if wrong == "id" else int(np.max(drawn.plain))
    options: dict[str, Any] = {
        "spacing": data.draw(spacings(len(shape), wild=wrong == "spacing")),
        "neck": data.draw(no_numbers if wrong == "neck" else st.sampled_from([0, 1.0, 3])),
        "smallest": data.draw(no_numbers if wrong == "smallest" else st.sampled_from([0, 2, 10**6])),
        "apart": data.draw(st.lists(no_numbers, max_size=2) if wrong == "apart" else st.sampled_from([(), (-1,)])),
    }
    ids = answer(split_objects, passed, label_id, **options)
    if ids is REFUSED:
        return
    assert ids.dtype == np.int32
    if wrong not in {"labels", "id"}:
        inside = drawn.plain == label_id
        assert not ids[~inside].any()
        assert options["smallest"] or ids[inside].all()
    assert set(np.unique(ids)) - {0} == set(range(1, int(ids.max(initial=0)) + 1))
    assert drawn.is_unchanged


@tries(60)
@given(shapes(pixels=250).flatmap(lambda shape: labels(shape, wild=False)), st.data())
def test_a_table_of_objects_has_a_row_for_each_or_is_refused(drawn: Given, data: st.DataObject) -> None:
    shape = drawn.plain.shape
    wrong = data.draw(st.sampled_from(["nothing", "nothing", "ids", "labels", "spacing", "confidence"]))
    ids = _passed(data.draw(labels(shape, wild=True))) if wrong == "ids" else drawn.passed
    options: dict[str, Any] = {
        "labels": _passed(data.draw(labels(shape, wild=wrong == "labels"))),
        "confidence": data.draw(strange(shape) if wrong == "confidence" else values(shape, "f4")),
        "spacing": data.draw(spacings(len(shape), wild=wrong == "spacing")),
    }
    table = answer(measure_objects, ids, **options)
    if table is REFUSED:
        return
    lengths = {len(column) for column in table.values()}
    assert len(lengths) == 1
    if wrong != "ids":
        assert lengths == {len(np.unique(drawn.plain[drawn.plain != 0]))}
        assert table["pixels"].sum() == np.count_nonzero(drawn.plain)
    assert np.isfinite(table["size"]).all()

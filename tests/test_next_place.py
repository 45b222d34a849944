"""Where a person is sent to paint, on images where anyone sees what is in doubt."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_coarse_crf import InputError, ParameterError, Parameters, Place, suggest_place
from napari_coarse_crf.next_place import doubt_in
from tests.helpers import doubtful_image, strokes_at_the_sides

if TYPE_CHECKING:
    from numpy.typing import NDArray

DARK, BETWEEN, BRIGHT = 40, 120, 200


@pytest.fixture
def image() -> NDArray[np.uint8]:
    return doubtful_image()


@pytest.fixture
def labels() -> NDArray[np.int32]:
    return strokes_at_the_sides(3, 70_000)


def in_large_patch(place: Place | None) -> bool:
    return place is not None and 60 <= place.position[0] < 110 and 75 <= place.position[1] < 125


def all_places(image: NDArray[Any], labels: NDArray[Any], **keywords: Any) -> list[Place]:
    """Return the places that one is sent to who asks again and again and paints nothing."""
    places: list[Place] = []
    while (place := suggest_place(image, labels, shown=[one.position for one in places], **keywords)) is not None:
        places.append(place)
        assert len(places) < 20
    return places


def test_the_larger_of_two_areas_in_doubt_comes_first(image: NDArray[Any], labels: NDArray[Any]) -> None:
    place = suggest_place(image, labels)
    assert place is not None
    assert in_large_patch(place)
    assert set(place.labels) == {3, 70_000}
    assert 2000 < place.size <= 2500


def test_places_shown_before_are_left_alone_until_nothing_is_left(image: NDArray[Any], labels: NDArray[Any]) -> None:
    places = all_places(image, labels)
    for number, place in enumerate(places):
        assert all(
            np.hypot(*np.subtract(place.position, other.position)) >= 6 * place.reach for other in places[:number]
        )
    assert any(place.position[0] < 23 for place in places)


def test_a_stroke_settles_the_doubt(image: NDArray[Any], labels: NDArray[Any]) -> None:
    labels[80:90, 100] = 3
    assert not in_large_patch(suggest_place(image, labels))


def test_only_unlabelled_pixels_that_take_part_are_proposed(image: NDArray[Any], labels: NDArray[Any]) -> None:
    mask = np.ones(image.shape, np.bool_)
    mask[60:90] = False
    places = all_places(image, labels, mask=mask)
    assert places
    assert all(mask[place.position] and not labels[place.position] for place in places)


def test_a_volume_has_places_too() -> None:
    volume = np.full((8, 60, 60), DARK, np.uint8)
    volume[:, :, 30:] = BRIGHT
    volume[5:, 20:40, 20:40] = BETWEEN
    labels = np.zeros(volume.shape, np.uint8)
    labels[:, 2:58, 2], labels[:, 2:58, 57] = 1, 2
    first = suggest_place(volume, labels, spacing=(4, 1, 1))
    assert first is not None
    z, y, x = first.position
    assert z >= 5
    assert 20 <= y < 40
    assert 20 <= x < 40


def test_a_large_image_has_the_same_area_in_doubt_as_a_small_one(image: NDArray[Any], labels: NDArray[Any]) -> None:
    """Looked at in reduced size: positions and sizes are those of the whole all the same."""
    large_image, large_labels = (np.kron(array, np.ones((10, 10), array.dtype)) for array in (image, labels))
    small, large = suggest_place(image, labels), suggest_place(large_image, large_labels)
    assert small is not None
    assert large is not None
    assert in_large_patch(small)
    assert in_large_patch(replace(large, position=tuple(one // 10 for one in large.position)))
    assert large_labels[large.position] == 0
    assert 0.9 < large.size / (100 * small.size) < 1.1
    assert 9 < large.reach / small.reach < 11


def test_what_a_run_would_leave_unlabelled_is_proposed_all_the_same(image: NDArray[Any], labels: NDArray[Any]) -> None:
    assert suggest_place(image, labels, Parameters(min_confidence=1.0)) == suggest_place(image, labels)


def test_nothing_is_proposed_where_everything_is_labelled(image: NDArray[Any]) -> None:
    assert suggest_place(image, np.where(image > 100, 2, 1)) is None


def test_one_label_is_too_few(image: NDArray[Any], labels: NDArray[Any]) -> None:
    with pytest.raises(InputError, match="label"):
        suggest_place(image, np.minimum(labels, 3))


def test_a_place_shown_needs_a_number_for_each_axis(image: NDArray[Any], labels: NDArray[Any]) -> None:
    with pytest.raises(InputError, match=r"The place \(1, 2, 3\) in shown has 3 numbers, but the labels have 2 axes"):
        suggest_place(image, labels, shown=[(9, 9), (1, 2, 3)])


def test_doubt_is_how_near_the_two_best_labels_are() -> None:
    heatmap = np.array([[0.5, 0.9, 0.2, 0.0], [0.5, 0.1, 0.6, 0.0], [0.0, 0.0, 0.2, 0.0]], np.float32)
    np.testing.assert_allclose(doubt_in(heatmap, 1), [1.0, 0.2, 0.5, 0.0], atol=1e-6)
    of_three = 2 / (1 + np.cbrt([1, 9, 3]))
    np.testing.assert_allclose(doubt_in(heatmap, 3), [*of_three, 0.0], atol=1e-6)


def test_parameters_may_be_the_name_of_a_preset(image: NDArray[Any], labels: NDArray[Any]) -> None:
    paper = Parameters.preset("paper")
    assert suggest_place(image, labels, "paper") == suggest_place(image, labels, paper) != suggest_place(image, labels)
    with pytest.raises(ParameterError, match="parameters is a int"):
        suggest_place(image, labels, 0)  # type: ignore[arg-type]  # a slip


def test_a_place_is_plain_numbers(image: NDArray[Any], labels: NDArray[Any]) -> None:
    place = suggest_place(image, labels)
    assert isinstance(place, Place)
    assert {type(one) for one in (*place.position, *place.labels, place.size)} == {int}
    assert {type(one) for one in (place.doubt, place.reach)} == {float}


@pytest.mark.parametrize("shown", [(3, 4), None, 3, [None], ["ab"], [(10**400, 1)], [(2j, 1)], [(np.nan, 1)]])
def test_places_that_are_none_are_said_in_a_sentence(shown: Any) -> None:
    with pytest.raises(InputError, match="shown must be a list of places"):
        suggest_place(np.zeros((4, 5), np.uint8), np.array([[1, 0, 0, 0, 2]] * 4), shown=shown)


def test_nothing_is_in_doubt_where_all_has_the_one_label_there_is() -> None:
    assert suggest_place(np.zeros((1, 1), np.uint8), np.ones((1, 1), np.uint8)) is None

"""What the dock is set to at one moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_coarse_crf import InputError
from napari_coarse_crf.plugin.layers.choice import Choice
from napari_coarse_crf.plugin.layers.snapshot import Snapshot
from napari_coarse_crf.tiles.parts import Scope

if TYPE_CHECKING:
    from numpy.typing import NDArray


def test_what_cannot_be_refined_says_why_and_gives_nothing(labels: NDArray[Any]) -> None:
    snapshot = Snapshot.take(None, Labels(labels))
    assert "Open an image first" in snapshot.problem
    for name in ("inputs", "look", "source", "misfit", "in_plain_values"):
        with pytest.raises(InputError, match="Open an image first"):
            getattr(snapshot, name)


def test_labels_are_read_once_and_stay_as_they_were(image: NDArray[Any], labels: NDArray[Any]) -> None:
    strokes = Labels(labels.copy())
    snapshot = Snapshot.take(Image(image, rgb=True), strokes)
    inputs = snapshot.inputs
    strokes.paint((20, 30), 9)
    assert snapshot.inputs is inputs
    np.testing.assert_array_equal(inputs.load_labels(inputs.parts()[0]), labels)


def test_another_scope_of_the_same_layers_has_a_problem_of_its_own(labels: NDArray[Any]) -> None:
    stack, strokes = np.zeros((3, 40, 60), np.uint8), np.zeros((3, 40, 60), np.int32)
    strokes[1] = labels
    whole = Snapshot.take(Image(stack), Labels(strokes), Choice(Scope(slice_axis=0)))
    assert whole.narrowed(Scope(slice_axis=0)) is whole
    there, elsewhere = (whole.narrowed(Scope(slice_axis=0, index=index)) for index in (1, 2))
    assert (whole.problem, there.problem) == ("", "")
    assert "fewer than two labels in the chosen part" in elsewhere.problem
    assert there.inputs.labels.data.shape == (1, 40, 60)


def test_names_and_what_differs_from_all_of_both_stand_in_the_metadata(labels: NDArray[Any]) -> None:
    image, strokes = Image(np.zeros((40, 60), np.uint8), name="photo"), Labels(labels, name="strokes")
    assert Snapshot.take(image, strokes).in_plain_values == {"image": "photo", "labels": "strokes"}
    other = Image(np.ones((40, 60), np.uint8), name="other")
    choice = Choice(Scope(box=((5, 35), (0, 60))), (other,), Labels(labels, name="valid"))
    assert Snapshot.take(image, strokes, choice).in_plain_values == {
        "image": "photo",
        "labels": "strokes",
        "scope": {"slice_axis": None, "index": None, "box": ((5, 35), (0, 60))},
        "channels": ["other"],
        "region": "valid",
    }

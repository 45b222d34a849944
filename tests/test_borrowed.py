"""Strokes of other images, for an image without any."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from napari_coarse_crf import CoarseCRFWarning, InputError, Parameters, Refiner, refine_labels

Array = np.ndarray[Any, Any]


def scene(split: int, seed: int, dtype: str = "uint8", gain: float = 1.0) -> Array:
    """Return two areas of different colour that meet at a column."""
    noise = np.random.default_rng(seed).integers(0, 12, (40, 60, 3))
    image = np.where(np.arange(60)[None, :, None] < split, (60, 90, 40), (180, 60, 90)) + noise
    return (image * gain).astype(dtype)


def strokes() -> Array:
    labels = np.zeros((40, 60), np.int32)
    labels[10:30, 5], labels[10:30, 55] = 3, 70_000
    return labels


NONE = np.zeros((40, 60), np.int32)


def test_colours_of_another_image_label_one_without_strokes() -> None:
    with pytest.warns(CoarseCRFWarning, match="no strokes of its own.*in another image"):
        refined = refine_labels(scene(20, 1), NONE, examples=[(scene(40, 2), strokes())])
    assert (refined[:, :20] == 3).all()
    assert (refined[:, 20:] == 70_000).all()


def test_examples_may_have_another_size_and_another_number_of_axes() -> None:
    volume = np.stack([scene(40, 2), scene(45, 3)])
    ids = np.stack([strokes(), np.zeros_like(strokes())])
    refiner = Refiner(scene(20, 1)[:30], NONE[:30], examples=[(volume, ids), (scene(9, 5)[:, :20], NONE[:, :20])])
    refined = refiner.run().labels
    assert refined.shape == (30, 60)
    assert (refined == np.where(np.arange(60) < 20, 3, 70_000)).all()


def test_an_image_with_any_stroke_borrows_nothing() -> None:
    image, labels = scene(40, 1), strokes()
    alone = Refiner(image, labels).run()
    beside = Refiner(image, labels, examples=[(scene(20, 2), strokes()[:, ::-1])]).run()
    np.testing.assert_array_equal(alone.labels, beside.labels)
    np.testing.assert_array_equal(alone.confidence, beside.confidence)
    assert alone.warnings == beside.warnings


def test_a_stroke_outside_the_mask_is_none() -> None:
    mask = np.ones((40, 60), bool)
    mask[:5] = False
    labels = NONE.copy()
    labels[0, 0] = 8
    refined = Refiner(scene(20, 1), labels, mask=mask, examples=[(scene(40, 2), strokes())]).run().labels
    assert set(np.unique(refined[mask])) == {3, 70_000}
    assert refined[0, 0] == 8
    assert (refined[~mask] == labels[~mask]).all()


def test_what_is_not_in_bytes_is_scaled_alike() -> None:
    """Each scaled by itself, an example that is dark altogether would have the colours of the bright parts."""
    dark = np.full((40, 60), 100, np.uint16) + np.random.default_rng(0).integers(0, 9, (40, 60)).astype(np.uint16)
    bright = dark * 30
    image = np.where(np.arange(60) < 25, dark, bright).astype(np.uint16)
    examples = [(dark, np.full((40, 60), 1)), (bright, np.full((40, 60), 2))]
    refined = Refiner(image, NONE, examples=examples).run().labels
    assert (refined == np.where(np.arange(60) < 25, 1, 2)).all()


def test_a_stroke_painted_later_counts_instead() -> None:
    refiner = Refiner(scene(40, 1), NONE, examples=[(scene(20, 2), strokes()[:, ::-1].copy())])
    refiner.run()
    refiner.update_labels(strokes())
    np.testing.assert_array_equal(refiner.run().labels, Refiner(scene(40, 1), strokes()).run().labels)


def test_the_heatmap_has_a_plane_for_each_label_of_the_examples() -> None:
    heatmap = Refiner(scene(20, 1), NONE, examples=[(scene(40, 2), strokes())]).heatmap()
    assert heatmap.shape == (2, 40, 60)
    np.testing.assert_allclose(heatmap.sum(axis=0), 1, atol=1e-5)
    assert (heatmap[0, :, :20] > 0.9).all()


def test_cleaning_and_softened_labels_work_with_borrowed_colours() -> None:
    parameters = Parameters(smallest_part=20, label_confidence=0.9, similarity="kernel")
    refiner = Refiner(scene(20, 1), NONE, examples=[(scene(40, 2), strokes())])
    assert refiner.run(parameters).labels.all()
    assert refiner.estimate_memory(parameters) > 0


@pytest.mark.parametrize(
    ("examples", "sentence"),
    [
        ([(scene(40, 2)[..., 0], strokes())], "Example 1 has 1 channel but the image 3 channels"),
        ([(scene(40, 2).astype(np.uint16), strokes())], "Example 1 has values of type uint16 but the image uint8"),
        ([(scene(40, 2), NONE)], "fewer than two labels"),
        ([(scene(40, 2), strokes()[:9])], "Choose labels drawn on this image"),
    ],
)
def test_an_example_that_does_not_fit_is_refused(examples: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=re.escape(sentence)):
        Refiner(scene(20, 1), NONE, examples=examples)


@pytest.mark.parametrize("mask", [[[True], [True, False]], np.zeros(NONE.shape, "u1,f4"), np.ma.ones(NONE.shape, bool)])
def test_what_is_no_mask_is_refused_with_examples_too(mask: Any) -> None:
    with pytest.raises(InputError, match=r"The mask (has dtype|cannot be read|is a masked)"):
        Refiner(scene(20, 1), NONE, mask=mask, examples=[(scene(40, 2), strokes())])


def test_a_label_that_does_not_fit_into_the_type_is_refused() -> None:
    with pytest.raises(InputError, match="label 70000, which labels of type uint8 cannot"):
        Refiner(scene(20, 1), NONE.astype(np.uint8), examples=[(scene(40, 2), strokes())])


def test_without_strokes_and_without_examples_it_is_as_ever() -> None:
    with pytest.raises(InputError, match="There is no label yet"):
        Refiner(scene(20, 1), NONE, examples=[])


@pytest.mark.parametrize("examples", [None, 3, (scene(40, 2), strokes()), [(scene(40, 2), strokes(), 1)]])
def test_examples_that_are_no_pairs_are_said_in_a_sentence(examples: Any) -> None:
    with pytest.raises(InputError, match="must be a list of pairs"):
        refine_labels(scene(20, 1), NONE, examples=examples)


def test_an_id_of_64_bits_in_an_example_becomes_no_other_id() -> None:
    large = np.where(strokes() == 3, 3, 0).astype(np.uint64)
    large[strokes() == 70_000] = 2**63 + 5
    with pytest.raises(InputError, match=r"the label 9223372036854775813, .* labels.astype\(np.uint64\)"):
        refine_labels(scene(20, 1), NONE, examples=[(scene(40, 2), large)])
    with pytest.warns(CoarseCRFWarning):
        refined = refine_labels(scene(20, 1), NONE.astype(np.uint64), examples=[(scene(40, 2), large)])
    assert (refined[:, 20:] == 2**63 + 5).all()


def test_what_is_wrong_with_an_example_is_said_of_the_example() -> None:
    with pytest.raises(InputError, match=r"Example 2 cannot be used\. The labels are empty"):
        refine_labels(scene(20, 1), NONE, examples=[(scene(40, 2), strokes()), (scene(40, 2)[:0], NONE[:0])])

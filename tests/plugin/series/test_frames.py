"""What is stored beside a stack, without a window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from napari.layers import Image, Labels

from napari_coarse_crf.plugin.series.frames import Frames, StackFiles
from napari_coarse_crf.plugin.series.source import State
from napari_coarse_crf.plugin.series.stack import Stack

if TYPE_CHECKING:
    from pathlib import Path

_SHAPE = (5, 20, 30)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.tif"
    tifffile.imwrite(path, np.zeros(_SHAPE, np.uint8))
    return path


@pytest.fixture
def strokes() -> Any:
    strokes = np.zeros(_SHAPE, np.uint8)
    strokes[1, 3:9, 4] = 1
    return strokes


def open_film(path: Path, labels: Any = None, shape: tuple[int, ...] = _SHAPE) -> Frames:
    files = StackFiles.read(path, shape, np.dtype(np.uint8))
    stored = files.layers["coarse"][0] if "coarse" in files.layers else np.zeros(shape, np.uint8)
    stack = Stack(Image(np.zeros(shape, np.uint8), name="film"), None, 0)
    return Frames(stack, Labels(stored if labels is None else labels), files)


def write(frames: Frames, number: int = 1) -> tuple[str, ...]:
    return frames.write([frames.read("coarse", frames.labels)], number)


def test_strokes_and_marks_are_saved_though_something_has_spoilt_the_record(film: Path, strokes: Any) -> None:
    frames = open_film(film, strokes)
    frames.mark_done(2, True)
    write(frames)
    (film.parent / "coarse-labels" / "series.json").write_text("{")
    frames.labels.data[4, 3:9, 4] = 2
    said = write(frames, 2)
    assert any("series (kept 1).json" in sentence for sentence in said)
    again = open_film(film)
    assert [again.state(row) for row in (1, 2, 3, 4)] == [State.LABELLED, State.DONE, State.UNTOUCHED, State.LABELLED]


def test_labels_stay_those_of_a_stack_when_an_image_of_its_name_comes(film: Path, strokes: Any) -> None:
    write(open_film(film, strokes))
    (film.parent / "film.png").write_bytes(b"")
    np.testing.assert_array_equal(open_film(film).labels.data, strokes)


def test_labels_with_an_axis_of_one_come_back(film: Path, strokes: Any) -> None:
    """Files of labels have no such axis in front."""
    write(open_film(film, strokes[None], (1, *_SHAPE)))
    np.testing.assert_array_equal(open_film(film, shape=(1, *_SHAPE)).labels.data, strokes[None])


@pytest.mark.parametrize("content", [b"", b'{"format": "napari-coarse-crf layer", "name": "x"}'])
def test_labels_of_a_stack_come_back_though_their_description_is_not_understood(
    film: Path, strokes: Any, content: bytes
) -> None:
    write(open_film(film, strokes))
    (film.parent / "coarse-labels" / "film.coarse-crf.json").write_bytes(content)
    again = open_film(film)
    np.testing.assert_array_equal(again.labels.data, strokes)
    assert again.files is not None
    assert "film.coarse-crf.json is not understood" in again.files.said[0]


def test_negative_ids_beside_a_stack_stay(film: Path) -> None:
    theirs = np.zeros(_SHAPE, np.int32)
    theirs[0, 3], theirs[2, 5] = -1, 7
    (film.parent / "coarse-labels").mkdir()
    tifffile.imwrite(film.parent / "coarse-labels" / "film.tif", theirs)
    np.testing.assert_array_equal(open_film(film).labels.data, theirs)


@pytest.mark.parametrize("marks", ['{"done": 3, "last": 1.5}', '{"done": [[1], "x", 9], "last": null}'])
def test_marks_that_are_none_are_left_aside(film: Path, marks: str) -> None:
    (film.parent / "coarse-labels").mkdir()
    record = '{"format": "napari-coarse-crf series", "version": 1, "last": "", "images": {"film.tif": {"frames": {"0": '
    (film.parent / "coarse-labels" / "series.json").write_text(f"{record}{marks}}}}}}}}}")
    frames = open_film(film)
    assert (frames.done_count, frames.last) == (0, None)

"""What is stored beside the images, without a window."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from napari.layers import Labels
from typer.testing import CliRunner

from napari_coarse_crf import InputError
from napari_coarse_crf.cli import app
from napari_coarse_crf.io.files import read_labels
from napari_coarse_crf.plugin.result.saving import Saving
from napari_coarse_crf.plugin.series.folder import Folder
from napari_coarse_crf.plugin.series.source import State

STORED = Path(__file__).parents[2] / "data" / "stored"


def saving_of(series: Folder, ids: Any, kind: Any = "coarse", row: int = 0) -> Saving:
    return Saving.of(Labels(np.asarray(ids, np.uint8), name="labels"), series.labels_path(kind, row))


@pytest.fixture
def strokes() -> Any:
    strokes = np.zeros((40, 60), np.uint8)
    strokes[10:30, 8], strokes[10:30, 50] = 1, 2
    return strokes


def test_images_stand_in_the_order_a_person_counts_in(folder: Path) -> None:
    assert [image.name for image in Folder(folder).images] == ["a2.png", "a10.png", "b1.png"]


def test_the_command_line_finds_what_was_saved(folder: Path, tmp_path: Path, strokes: Any) -> None:
    series = Folder(folder)
    series.write(0, [saving_of(series, strokes)], 1)
    command = ["refine", str(folder), str(folder / "coarse-labels"), "-o", str(tmp_path / "out"), "--iterations", "1"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert read_labels(tmp_path / "out" / "a2.tif").ids.all()


def test_what_is_done_is_known_the_next_time(folder: Path, strokes: Any) -> None:
    series = Folder(folder)
    series.mark_done(2, True)
    series.write(2, [saving_of(series, strokes, row=2)], 1)
    again = Folder(folder)
    assert [again.state(row) for row in range(3)] == [State.UNTOUCHED, State.UNTOUCHED, State.DONE]
    assert (again.last, again.done_count) == (2, 1)


def test_two_windows_do_not_undo_what_the_other_has_said(folder: Path, strokes: Any) -> None:
    first, second = Folder(folder), Folder(folder)
    for series, row in ((first, 0), (second, 1)):
        series.mark_done(row, True)
        series.write(row, [saving_of(series, strokes, row=row)], 1)
    assert Folder(folder).done_count == 2


def test_a_write_that_comes_late_changes_nothing(folder: Path, strokes: Any) -> None:
    series = Folder(folder)
    series.write(0, [saving_of(series, strokes)], 2)
    series.write(0, [saving_of(series, strokes * 2)], 1)
    np.testing.assert_array_equal(read_labels(series.labels_path("coarse", 0)).ids, strokes)


def test_images_of_one_name_have_labels_of_their_own(folder: Path) -> None:
    (folder / "a2.bmp").write_bytes((folder / "a2.png").read_bytes())
    series = Folder(folder)
    assert [series.labels_path("coarse", row).name for row in range(2)] == ["a2.bmp.tif", "a2.png.tif"]


def test_no_two_images_share_a_file_of_labels(folder: Path) -> None:
    """Also not where letters count as the same in both cases, and where one is called like a file of another."""
    for name in ("a2.jpg", "a2.png.tif", "B1.tif"):
        (folder / name).write_bytes(b"")
    series = Folder(folder)
    paths = [str(series.labels_path("coarse", row)).casefold() for row in range(len(series.images))]
    assert len(set(paths)) == len(paths) == 6


def test_labels_stay_those_of_their_image_when_another_of_its_name_comes(folder: Path, strokes: Any) -> None:
    series = Folder(folder)
    series.write(0, [saving_of(series, strokes)], 1)
    (folder / "a2.jpg").write_bytes((folder / "a2.png").read_bytes())
    again = Folder(folder)
    rows = {image.name: row for row, image in enumerate(again.images)}
    np.testing.assert_array_equal(again.load(rows["a2.png"]).layers["coarse"][0], strokes)
    assert not again.load(rows["a2.jpg"]).layers
    again.write(rows["a2.jpg"], [saving_of(again, strokes, row=rows["a2.jpg"])], 1)
    (folder / "a2.png").unlink()
    assert "coarse" in Folder(folder).load(0).layers


def test_labels_of_an_image_with_a_long_name_are_saved(folder: Path, strokes: Any) -> None:
    (folder / "a2.png").rename(folder / f"{'ä' * 120}.png")
    series = Folder(folder)
    series.write(2, [saving_of(series, strokes, row=2)], 1)
    np.testing.assert_array_equal(Folder(folder).load(2).layers["coarse"][0], strokes)


@pytest.mark.parametrize("content", [b"", b"{", b'{"format": "napari-coarse-crf layer", "name": "x"}'])
def test_labels_are_shown_though_their_description_is_not_understood(
    folder: Path, strokes: Any, content: bytes
) -> None:
    series = Folder(folder)
    series.write(0, [saving_of(series, strokes)], 1)
    (folder / "coarse-labels" / "a2.coarse-crf.json").write_bytes(content)
    loaded = Folder(folder).load(0)
    np.testing.assert_array_equal(loaded.layers["coarse"][0], strokes)
    assert "a2.coarse-crf.json is not understood" in loaded.said[0]


def test_an_image_that_was_renamed_with_its_files_has_its_own_labels(folder: Path, strokes: Any) -> None:
    series = Folder(folder)
    series.write(0, [saving_of(series, strokes)], 1)
    series.write(1, [saving_of(series, strokes + 1, row=1)], 2)
    for old, new in (("a2.png", "c.png"), ("coarse-labels/a2.tif", "coarse-labels/c.tif")):
        (folder / old).rename(folder / new)
    (folder / "coarse-labels" / "a2.coarse-crf.json").rename(folder / "coarse-labels" / "c.coarse-crf.json")
    (folder / "coarse-labels" / "a10.tif").rename(folder / "coarse-labels" / "a2.tif")
    again = Folder(folder)
    np.testing.assert_array_equal(again.load(2).layers["coarse"][0], strokes)


def test_strokes_are_saved_though_something_has_spoilt_the_record(folder: Path, strokes: Any) -> None:
    series = Folder(folder)
    series.mark_done(1, True)
    series.write(1, [saving_of(series, strokes, row=1)], 1)
    (folder / "coarse-labels" / "series.json").write_text("{")
    said = series.write(0, [saving_of(series, strokes)], 2)
    assert any("series (kept 1).json" in sentence for sentence in said)
    again = Folder(folder)
    assert [again.state(row) for row in range(3)] == [State.LABELLED, State.DONE, State.UNTOUCHED]


def test_what_was_kept_is_said_though_the_write_after_it_was_refused(folder: Path, strokes: Any) -> None:
    series = Folder(folder)
    series.write(1, [saving_of(series, strokes, row=1)], 1)
    path, record = series.labels_path("coarse", 0), folder / "coarse-labels" / "series.json"
    tifffile.imwrite(path, strokes)
    known = record.read_text()
    record.write_text(json.dumps({**json.loads(known), "version": 99}))
    with pytest.raises(InputError, match="newer"):
        series.write(0, [saving_of(series, strokes + 1)], 2)
    record.write_text(known)
    (sentence,) = series.write(0, [saving_of(series, strokes + 1)], 3)
    assert "kept as 'a2 (kept 1).tif'" in sentence


def test_an_image_of_complex_numbers_is_said_in_a_sentence(folder: Path) -> None:
    tifffile.imwrite(folder / "z.tif", np.zeros((9, 9), np.complex64))
    with pytest.raises(InputError, match="complex64"):
        Folder(folder).load(3)


def test_labels_of_another_shape_are_not_shown_and_kept(folder: Path, strokes: Any) -> None:
    series = Folder(folder)
    path = series.labels_path("coarse", 0)
    path.parent.mkdir()
    tifffile.imwrite(path, strokes[:30])
    loaded = series.load(0)
    assert not loaded.layers
    assert re.search(r"shape \(30, 60\), but its image \(40, 60\)", loaded.said[0])
    (sentence,) = series.write(0, [saving_of(series, strokes)], 1)
    assert "kept as 'a2 (kept 1).tif'" in sentence
    np.testing.assert_array_equal(tifffile.imread(path.with_name("a2 (kept 1).tif")), strokes[:30])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "does not say which images are done"),
        ('{"format": "else"}', "does not say which images are done"),
        ('{"format": "napari-coarse-crf series", "version": 1e999, "last": "", "images": {}}', "does not say"),
        (
            '{"format": "napari-coarse-crf series", "version": 1, "last": "", "images": {"a": {"written": []}}}',
            "not say",
        ),
        ('{"format": "napari-coarse-crf series", "version": 2, "last": "", "images": {}}', "newer version"),
    ],
)
def test_a_record_that_is_not_understood_is_refused(folder: Path, text: str, sentence: str) -> None:
    (folder / "coarse-labels").mkdir()
    (folder / "coarse-labels" / "series.json").write_text(text)
    with pytest.raises(InputError, match=sentence):
        Folder(folder)


@pytest.mark.parametrize("number", [None, 0, 1])
def test_a_series_of_every_form_is_gone_on_with(tmp_path: Path, number: int | None) -> None:
    folder = tmp_path / "series"
    shutil.copytree(STORED / "series-1", folder)
    path = folder / "coarse-labels" / "series.json"
    record = json.loads(path.read_bytes())
    path.write_text(json.dumps({name: value for name, value in record.items() if name != "version"}))
    if number is not None:
        path.write_text(json.dumps({**record, "version": number}))
    series = Folder(folder)
    assert [series.state(row) for row in range(2)] == [State.DONE, State.UNTOUCHED]
    loaded = series.load(0)
    assert not loaded.said
    (ids, keywords, _) = loaded.layers["coarse"]
    assert (keywords["name"], np.unique(ids).tolist()) == ("strokes", [0, 2, 7])
    assert series.write(0, [saving_of(series, ids + 1)], 1) == ()  # it knows the files as its own
    assert json.loads(path.read_bytes())["version"] == 1


def test_a_thousand_images_are_listed_with_their_states(tmp_path: Path) -> None:
    (tmp_path / "coarse-labels").mkdir()
    for number in range(1000):
        (tmp_path / f"{number}.png").touch()
    (tmp_path / "coarse-labels" / "7.tif").touch()
    record = {"format": "napari-coarse-crf series", "version": 1, "last": "9.png", "images": {"8.png": {"done": True}}}
    (tmp_path / "coarse-labels" / "series.json").write_text(json.dumps(record))
    series = Folder(tmp_path)
    assert [series.state(row) for row in (6, 7, 8)] == [State.UNTOUCHED, State.LABELLED, State.DONE]
    assert series.last == 9


_WRITER = """
import sys
from pathlib import Path
import numpy as np
from napari.layers import Labels
from napari_coarse_crf.plugin.result.saving import Saving
from napari_coarse_crf.plugin.series.folder import Folder

series = Folder(Path(sys.argv[1]))
number = 0
while True:
    number += 1
    ids = np.full((40, 60), 1 + number % 200, np.uint8)
    savings = [Saving.of(Labels(ids), series.labels_path(kind, 0)) for kind in ("coarse", "accepted", "refined")]
    series.mark_done(0, number % 2 == 0)
    series.write(0, savings, number)
    if number == 3:
        print("writing", flush=True)
"""


def test_a_process_killed_while_it_saves_leaves_old_or_new_files(folder: Path) -> None:
    for moment in (0.003, 0.04, 0.11):  # seconds into writing
        command = [sys.executable, "-c", _WRITER, str(folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "writing\n"
            try:
                process.wait(timeout=moment)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
        loaded = Folder(folder).load(0)
        assert not loaded.said
        assert set(loaded.layers) == {"coarse", "accepted", "refined"}
        for ids, _, _ in loaded.layers.values():
            assert ids.min() == ids.max() > 0


_MOVER = """
import os, sys
from itertools import count
from pathlib import Path
import numpy as np
from napari.layers import Labels
from napari_coarse_crf.plugin.result.saving import Saving
from napari_coarse_crf.plugin.series.folder import Folder

move, moves, last = Path.replace, count(), int(sys.argv[2])

def move_or_end(path, target):
    if next(moves) == last:
        os._exit(0)
    return move(path, target)

series = Folder(Path(sys.argv[1]))
series.load(0)
Path.replace = move_or_end
series.write(0, [Saving.of(Labels(np.full((40, 60), 3, np.uint8), name="labels"), series.labels_path("coarse", 0))], 1)
"""


@pytest.mark.parametrize("moves", range(3))
def test_what_was_saved_here_is_known_even_if_the_process_ended_between_two_files(
    folder: Path, strokes: Any, moves: int
) -> None:
    Folder(folder).write(0, [saving_of(Folder(folder), strokes)], 1)
    for _ in range(2):
        subprocess.run([sys.executable, "-c", _MOVER, str(folder), str(moves)], check=True)
    series = Folder(folder)
    assert not series.load(0).said
    assert series.write(0, [saving_of(series, 2 * strokes)], 1) == ()
    names = {path.name for path in (folder / "coarse-labels").iterdir()}
    assert names == {"a2.tif", "a2.coarse-crf.json", "series.json"}

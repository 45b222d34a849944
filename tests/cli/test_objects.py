"""`objects`, as a person uses it: a class of a label map to an id for each object, and a table of them."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile

import napari_coarse_crf
from napari_coarse_crf import cli, measure_objects, split_objects
from napari_coarse_crf.io import files
from napari_coarse_crf.samples import load_sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLES = Path(napari_coarse_crf.__file__).parent / "samples"
LABELS = SAMPLES / "nuclei_fine.png"


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stopped:
        cli.main([str(argument) for argument in arguments])
    return int(stopped.value.code or 0)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def volume() -> NDArray[np.uint8]:
    """Return two balls that touch, in planes of 4 µm with pixels of 1 µm."""
    z, y, x = np.indices((20, 40, 70)) * np.array([4, 1, 1])[:, np.newaxis, np.newaxis, np.newaxis]
    inside = [np.linalg.norm([z - 40, y - 20, x - middle], axis=0) < 14 for middle in (20, 44)]
    return np.where(np.any(inside, axis=0), 2, 1).astype(np.uint8)


def test_a_process_writes_ids_and_a_table_like_the_functions(tmp_path: Path) -> None:
    out, table, confidence = (tmp_path / name for name in ("ids.tif", "objects.csv", "confidence.png"))
    sample = load_sample("nuclei")
    sure = np.random.default_rng(0).random(sample.fine.shape).astype(np.float32)
    confidence.write_bytes(files.encode_confidence(sure, confidence))
    given: list[str | Path] = [
        "--label",
        "2",
        "-o",
        out,
        "--table",
        table,
        "--confidence",
        confidence,
        "--neck",
        "2",
        "--smallest",
        "60",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "napari_coarse_crf.cli", "objects", LABELS, *given],
        capture_output=True, text=True, encoding="utf-8", stdin=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    expected = split_objects(sample.fine, 2, neck=2, smallest=60)
    assert np.array_equal(files.read_labels(out).ids, expected)
    measured = measure_objects(expected, labels=sample.fine, confidence=sure)
    found = rows(table)
    assert [*found[0]] == [*measured]
    for name, column in measured.items():
        np.testing.assert_allclose([float(row[name]) for row in found], column, rtol=1e-4)
    pixels = measured["pixels"]
    said = f"{len(pixels)} objects of label 2, {pixels.min()} to {pixels.max()} pixels, {np.median(pixels):g} in the"
    assert said in done.stdout
    assert f"Wrote {out}" in done.stdout
    assert f"Wrote {table}" in done.stdout


def test_the_size_that_a_file_says_splits_measures_and_is_carried_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out, table = (tmp_path / name for name in ("labels.tif", "ids.tif", "objects.csv"))
    sizes: dict[str, Any] = {f"PhysicalSize{axis}": size for axis, size in (("Z", 2.0), ("Y", 0.5), ("X", 0.5))}
    tifffile.imwrite(path, volume(), ome=True, metadata={"axes": "ZYX", **sizes})
    assert run("objects", path, "--label", 2, "-o", out, "--table", table) == 0
    assert "taken as the spacing" in capsys.readouterr().out
    written, read = files.read_labels(out), files.read_labels(path)
    assert (written.axes, written.grid.sizes, written.grid.unit) == ("ZYX", read.grid.sizes, "µm")
    assert written.ids.max() == 2
    for row in rows(table):
        assert float(row["size (µm^3)"]) == pytest.approx(int(row["pixels"]) * 2 * 0.5 * 0.5, rel=1e-5)
    assert run("objects", path, "--label", 2, "-o", out, "--overwrite", "--spacing", "9,1,1") == 0
    given = split_objects(volume(), 2, spacing=(9, 1, 1))
    assert np.array_equal(files.read_labels(out).ids, given)


def test_frames_hold_objects_of_their_own_and_planes_on_request(tmp_path: Path) -> None:
    path, out, table = (tmp_path / name for name in ("labels.tif", "ids.tif", "objects.csv"))
    film = np.stack([volume()[10]] * 3)
    tifffile.imwrite(path, film, imagej=True, resolution=(4, 4), metadata={"axes": "TYX", "unit": "um"})
    assert run("objects", path, "--label", 2, "-o", out, "--table", table) == 0
    assert np.array_equal(files.read_labels(out).ids, split_objects(film, 2, apart=(0,)))
    assert files.read_labels(out).axes == "TYX"
    assert float(rows(table)[0]["size (um^2)"]) == pytest.approx(int(rows(table)[0]["pixels"]) / 16, rel=1e-5)
    assert run("objects", path, "--label", 2, "-o", out, "--overwrite", "--volume") == 0
    assert np.array_equal(files.read_labels(out).ids, split_objects(film, 2))
    tifffile.imwrite(path, volume())
    assert run("objects", path, "--label", 2, "-o", out, "--overwrite", "--each-slice") == 0
    assert np.array_equal(files.read_labels(out).ids, split_objects(volume(), 2, apart=(0,)))


def test_without_a_file_to_write_the_number_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("objects", LABELS, "--label", 2, "--neck", "inf") == 0
    assert capsys.readouterr().out.startswith("18 objects of label 2, ")
    assert run("objects", LABELS, "--label", 2, "--smallest", 10**6) == 0
    assert capsys.readouterr().out == "0 objects of label 2\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--label", 5), "has no pixel of label 5. Its labels are 1, 2"),
        (("--label", 2, "--neck", -1), "neck is -1.0"),
        (("--label", 2, "--spacing", "1"), "pass 2 positive numbers"),
        (("--label", 2, "-o", "ids.jpg"), "should end in .png"),
        (("--label", 2, "-o", "same.tif", "--table", "same.tif"), "name the same file"),
        (("--label", 2, "--table", "there.csv"), "--overwrite"),
        (("--label", 2, "--confidence", SAMPLES / "tissue_image.png"), "Give the confidence of these labels"),
        (("--label", 2, "--confidence", SAMPLES), "is a folder, where a file is due"),
    ],
)
def test_a_slip_gets_one_sentence_and_writes_nothing(
    arguments: tuple[object, ...],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there.csv").write_text("mine", encoding="utf-8")
    assert run("objects", LABELS, *arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("Error: ")
    assert sentence in error
    assert [path.name for path in tmp_path.iterdir()] == ["there.csv"]
    assert Path("there.csv").read_text(encoding="utf-8") == "mine"

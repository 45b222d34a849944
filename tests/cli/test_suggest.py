"""`suggest` and `refine --suggest`, as a person uses them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

import napari_coarse_crf
from napari_coarse_crf import Parameters, Refiner, cli, refine_labels, suggest_parameters
from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.io import files
from napari_coarse_crf.samples import load_sample
from napari_coarse_crf.suggest.search import Suggestion, search_parameters

SAMPLES = Path(napari_coarse_crf.__file__).parent / "samples"
IMAGE, COARSE = SAMPLES / "nuclei_image.png", SAMPLES / "nuclei_coarse.png"


@pytest.fixture(scope="module")
def expected() -> Suggestion:
    """What the function suggests for the sample."""
    sample = load_sample("nuclei")
    return suggest_parameters(sample.image, sample.coarse)


def test_a_process_prints_what_it_tried_and_keeps_the_choice_as_a_preset(tmp_path: Path, expected: Suggestion) -> None:
    out = tmp_path / "preset.json"
    program = [sys.executable, "-m", "napari_coarse_crf.cli", "suggest", str(IMAGE), str(COARSE), "-o", str(out)]
    done = subprocess.run(program, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    assert Parameters.from_json(out.read_text(encoding="utf-8")) == expected.parameters
    assert expected.reason in done.stdout
    for trial in expected.trials:
        assert f"{trial.name}" in done.stdout
        assert f"{trial.gain:+.3f}" in done.stdout
        assert f"{trial.hidden_gain:+.3f}" in done.stdout
        assert f"{trial.score:.3f}" in done.stdout


def _run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stopped:
        cli.main([str(argument) for argument in arguments])
    return int(stopped.value.code or 0)


def test_refine_can_take_the_suggestion_and_changes_on_top(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], expected: Suggestion
) -> None:
    out = tmp_path / "refined.png"
    assert _run("refine", IMAGE, COARSE, "-o", out, "--suggest", "--iterations", "3") == 0
    sample = load_sample("nuclei")
    refined = refine_labels(sample.image, sample.coarse, expected.parameters.replace(iterations=3))
    assert np.array_equal(files.read_labels(out).ids, refined)
    assert expected.reason in capsys.readouterr().out


def test_a_suggestion_kept_as_a_preset_refines_like_one_taken_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Everything that says how the files are read reaches the search as it does the refinement."""
    monkeypatch.chdir(tmp_path)
    sample = load_sample("nuclei")
    wide, coarse = sample.image[:, :120].astype(np.uint16) * 50, sample.coarse[:, :120]
    tifffile.imwrite("film.tif", np.stack([[wide, wide // 9]] * 2), imagej=True, metadata={"axes": "TCYX"})
    ids = np.where(np.indices(wide.shape)[0] < 9, 255, coarse).astype(np.uint8)
    tifffile.imwrite("labels.tif", np.stack([ids, ids]), photometric="minisblack")
    tifffile.imwrite("mask.tif", np.stack([np.indices(wide.shape)[1] > 20] * 2))
    given: tuple[object, ...] = (
        "film.tif",
        "labels.tif",
        "--mask",
        "mask.tif",
        "--spacing",
        "1,2,1",
        "--ignore",
        255,
        "--each-slice",
    )
    given += ("--contrast-limits", 0, 9000, "--channel-axis", 1)
    assert _run("suggest", *given, "-o", "preset.json") == 0
    said = capsys.readouterr().out
    assert "pixels of the id 255" in said
    assert _run("refine", *given, "-o", "kept.tif", "--preset", "preset.json") == 0
    assert _run("refine", *given, "-o", "at_once.tif", "--suggest") == 0
    assert said.splitlines()[-2] in capsys.readouterr().out
    kept, at_once = (tifffile.imread(name) for name in ("kept.tif", "at_once.tif"))
    assert np.array_equal(kept, at_once)
    assert set(np.unique(kept)) == {*np.unique(ids).tolist()}
    picture = Picture(
        *(np.stack([wide, wide // 9]), (np.indices(wide.shape)[1] > 20) & (ids < 255)),
        channel_axis=0,
        spacing=(2, 1),
        contrast_limits=(0, 9000),
    )
    labels = np.where(ids == 255, 0, ids)
    chosen = search_parameters([(picture, labels)] * 2).parameters
    assert Parameters.from_json(Path("preset.json").read_text(encoding="utf-8")) == chosen
    expected = Refiner.of(picture, labels).run(chosen).labels
    assert np.array_equal(kept[0], np.where(ids == 255, 255, expected))


def test_a_preset_and_a_suggestion_exclude_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "refined.png"
    assert _run("refine", IMAGE, COARSE, "-o", out, "--suggest", "--preset", "paper") == 1
    assert "give one of them" in capsys.readouterr().err
    assert not out.exists()


def test_a_file_that_exists_is_kept_unless_told_otherwise(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "preset.json"
    out.write_text("mine", encoding="utf-8")
    assert _run("suggest", IMAGE, COARSE, "-o", out) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert out.read_text(encoding="utf-8") == "mine"


def test_too_few_labels_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    coarse = np.zeros((20, 31), np.uint8)
    coarse[2, 2], coarse[15, 25] = 1, 2
    for name, pixels in (("image.png", np.full((20, 31), 90, np.uint8)), ("coarse.png", coarse)):
        Image.fromarray(pixels).save(tmp_path / name)
    assert _run("suggest", tmp_path / "image.png", tmp_path / "coarse.png") == 0
    assert "too few" in capsys.readouterr().out

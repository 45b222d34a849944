"""Which parameters a person gets who names some, or none; and what is told of weights that the labels chose."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_coarse_crf import Parameters, Refiner
from napari_coarse_crf.cli.options import chosen_parameters
from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.io import files
from napari_coarse_crf.judging.words import LEFT_TO_LABELS, choice_in_words
from napari_coarse_crf.samples import load_sample

if TYPE_CHECKING:
    from pathlib import Path

AUTO = Parameters.preset("auto")


@pytest.fixture
def tissue(tmp_path: Path) -> tuple[Path, Path]:
    """Two folders with part of a real image, and strokes enough to hide some."""
    sample = load_sample("tissue")
    for name, pixels in (("images", sample.image), ("coarse", sample.coarse)):
        (tmp_path / name).mkdir()
        Image.fromarray(pixels[:160, :200]).save(tmp_path / name / "tissue.png")
    return tmp_path / "images", tmp_path / "coarse"


def test_without_a_preset_the_labels_choose_whatever_else_is_set() -> None:
    assert chosen_parameters(None, {}) == AUTO
    assert chosen_parameters(None, {"theta_alpha": 60.0, "smallest_part": 9}) == AUTO.replace(
        theta_alpha=60, smallest_part=9
    )


@pytest.mark.parametrize("name", LEFT_TO_LABELS)
def test_who_sets_one_of_the_weights_has_them_fixed(name: str) -> None:
    expected = AUTO.replace(weights="fixed", **{name: 1.5})
    assert chosen_parameters(None, {name: 1.5}) == expected
    assert chosen_parameters("auto", {name: 1.5}) == expected


def test_unless_the_labels_are_to_choose_from_there() -> None:
    given = {"texture_weight": 1.5, "weights": "auto"}
    assert chosen_parameters(None, given) == AUTO.replace(texture_weight=1.5)


def test_a_preset_is_taken_at_its_word(tmp_path: Path) -> None:
    for number, parameters in enumerate((AUTO.replace(theta_alpha=9), Parameters(theta_alpha=9))):
        path = tmp_path / f"{number}.json"
        path.write_text(parameters.to_json(), encoding="utf-8")
        assert chosen_parameters(str(path), {}) == parameters
    (tmp_path / "old.json").write_text('{"theta_alpha": 9}', encoding="utf-8")
    assert chosen_parameters(str(tmp_path / "old.json"), {}) == Parameters(theta_alpha=9)
    assert chosen_parameters("default", {}) == Parameters()
    assert chosen_parameters("default", {"weights": "auto"}) == Parameters(weights="auto")


def test_what_the_labels_chose_is_told_and_what_a_person_chose_is_not(
    run: Any, tissue: tuple[Path, Path], tmp_path: Path
) -> None:
    given = ("refine", *(folder / "tissue.png" for folder in tissue), "-o", tmp_path / "o.png", "--overwrite")
    code, text, _ = run(*given, "--iterations", 2)
    expected = Refiner(*(np.asarray(Image.open(folder / "tissue.png")) for folder in tissue)).run(
        AUTO.replace(iterations=2)
    )
    told = choice_in_words(expected)
    assert code == 0
    assert told
    assert told in text.splitlines()
    assert np.array_equal(files.read_labels(tmp_path / "o.png").ids, expected.labels)
    for fixed in (("--weights", "fixed"), ("--texture-weight", 0)):
        assert "Weights: " not in run(*given, "--iterations", 2, *fixed)[1]
    assert "Weights: " in run(*given, "--iterations", 2, "--texture-weight", 0, "--weights", "auto")[1]


def test_of_folders_each_image_tells_its_own(run: Any, tissue: tuple[Path, Path], tmp_path: Path) -> None:
    code, _, err = run("refine", *tissue, "-o", tmp_path / "refined", "--iterations", 2)
    assert code == 0
    assert "tissue.png: Weights: edge cost 2, path weight" in err
    assert "Weights: " not in run("refine", *tissue, "-o", tmp_path / "other", "--weights", "fixed")[2]


def test_an_evaluation_lets_the_labels_choose_too(run: Any, tissue: tuple[Path, Path], tmp_path: Path) -> None:
    table, fine = tmp_path / "t.json", load_sample("tissue").fine[:160, :200]
    (tmp_path / "fine").mkdir()
    Image.fromarray(fine).save(tmp_path / "fine" / "tissue.png")
    folders = ("--images", tissue[0], "--coarse", tissue[1], "--fine", tmp_path / "fine")
    assert run("evaluate", *folders, "--scores", tmp_path / "kept", "-o", table, "--iterations", 2)[0] == 0
    assert json.loads(table.read_text(encoding="utf-8"))["parameters"] == AUTO.replace(iterations=2).to_dict()


def test_all_that_says_how_files_are_read_reaches_the_choice(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sample = load_sample("nuclei")
    wide, coarse = sample.image[:, :120].astype(np.uint16) * 50, sample.coarse[:, :120]
    film, columns = np.stack([wide, wide // 9]), np.indices(wide.shape)[1]
    ids = np.where(np.indices(wide.shape)[0] < 9, 255, coarse).astype(np.uint8)
    tifffile.imwrite("film.tif", np.stack([film, film]), imagej=True, metadata={"axes": "TCYX"})
    tifffile.imwrite("labels.tif", np.stack([ids, ids]), photometric="minisblack")
    tifffile.imwrite("mask.tif", np.stack([columns > 20] * 2))
    given = ("--mask", "mask.tif", "--spacing", "1,2,1", "--ignore", 255, "--each-slice", "--channel-axis", 1)
    limits = ("--contrast-limits", 0, 9000)
    code, text, _ = run("refine", "film.tif", "labels.tif", "-o", "refined.tif", *given, *limits)
    picture = Picture(film, (columns > 20) & (ids < 255), 0, (2, 1), (0, 9000))
    expected = Refiner.of(picture, np.where(ids == 255, 0, ids)).run()
    assert (code, choice_in_words(expected) in text.splitlines()) == (0, True)
    np.testing.assert_array_equal(tifffile.imread("refined.tif")[0], np.where(ids == 255, 255, expected.labels))


def test_labels_too_few_to_choose_by_are_told(run: Any, tmp_path: Path) -> None:
    coarse = np.zeros((20, 31), np.uint8)
    coarse[2, 2], coarse[15, 25] = 1, 2
    for name, pixels in (("image.png", np.full((20, 31), 90, np.uint8)), ("coarse.png", coarse)):
        Image.fromarray(pixels).save(tmp_path / name)
    code, text, _ = run("refine", tmp_path / "image.png", tmp_path / "coarse.png", "-o", tmp_path / "refined.png")
    assert (code, "too few" in text) == (0, True)

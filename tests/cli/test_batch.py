"""`refine` over folders, as a person uses it: many files in, as many out, and sentences on those that failed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

import napari_coarse_crf
from napari_coarse_crf import Parameters, Refiner, refine_labels
from napari_coarse_crf.io import files
from tests.cli.terminal import stop_on_a_terminal

SAMPLES = Path(napari_coarse_crf.__file__).parent / "samples"
COMMAND = (sys.executable, "-m", "napari_coarse_crf.cli", "refine")
FOLDERS = ("refine", "images", "coarse", "-o", "refined")


def scene(number: int) -> tuple[Any, Any]:
    """Return an image of two halves, and its labels, a stroke in each."""
    image = np.full((20, 31), 40, np.uint8)
    image[:, 14 + number :] = 200
    coarse = np.zeros((20, 31), np.uint8)
    coarse[9:11, 2:9], coarse[9:11, 22:29] = 3, 7 + number
    return image, coarse


def refined(number: int, **changes: Any) -> Any:
    return refine_labels(*scene(number), Parameters.preset("auto").replace(**changes))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with three images and their labels; the last label map is a TIFF."""
    monkeypatch.chdir(tmp_path)
    for name in ("images", "coarse"):
        (tmp_path / name).mkdir()
    for number in range(3):
        image, coarse = scene(number)
        Image.fromarray(image).save(tmp_path / "images" / f"s{number}_image.png")
        if number < 2:
            Image.fromarray(coarse).save(tmp_path / "coarse" / f"s{number}.png")
        else:
            tifffile.imwrite(tmp_path / "coarse" / f"s{number}_coarse.tif", coarse)
    return tmp_path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_process_refines_every_pair_of_two_folders(folder: Path) -> None:
    command = [*COMMAND, "images", "coarse", "-o", "new/refined", "--confidence-out", "new/sure", "--iterations", "3"]
    done = subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", stdin=subprocess.DEVNULL, check=True
    )
    results = ["s0.png", "s1.png", "s2_coarse.tif"]
    assert names(folder / "new" / "refined") == names(folder / "new" / "sure") == results
    for number, name in enumerate(results):
        assert np.array_equal(files.read_labels(folder / "new" / "refined" / name).ids, refined(number, iterations=3))
    sure = Refiner(*scene(2)).run(Parameters.preset("auto").replace(iterations=3)).confidence
    assert np.array_equal(tifffile.imread(folder / "new" / "sure" / "s2_coarse.tif"), sure)
    assert "3 refined, 0 skipped, 0 failed, " in done.stdout
    assert "3/3" in done.stderr


def test_patterns_choose_among_the_files_of_one_folder(run: Any, folder: Path) -> None:
    for path in (folder / "coarse").iterdir():
        path.rename(folder / "images" / f"{path.stem.removesuffix('_coarse')}_coarse{path.suffix}")
    code, text, _ = run("refine", "images/s[01]_image.*", "images/*_coarse.png", "-o", "refined")
    assert (code, "2 refined, 0 skipped, 0 failed" in text) == (0, True)
    assert names(folder / "refined") == ["s0_coarse.png", "s1_coarse.png"]
    code, text, _ = run("refine", "images", "images", "-o", "refined")
    assert (code, "1 refined, 2 skipped, 0 failed" in text) == (0, True)
    assert np.array_equal(files.read_labels(folder / "refined" / "s2_coarse.tif").ids, refined(2))


def test_what_has_results_is_skipped_unless_it_may_be_replaced(run: Any, folder: Path) -> None:
    (folder / "refined").mkdir()
    precious = folder / "refined" / "s1.png"
    precious.write_bytes(b"precious")
    code, text, _ = run(*FOLDERS)
    assert (code, "2 refined, 1 skipped, 0 failed" in text, "--overwrite" in text) == (0, True, True)
    assert precious.read_bytes() == b"precious"
    code, text, _ = run(*FOLDERS, "--confidence-out", "sure")
    assert (code, "3 refined, 0 skipped" in text) == (0, True)  # for what is missing: the confidence
    assert precious.read_bytes() == b"precious"
    assert names(folder / "sure") == names(folder / "refined")
    code, text, _ = run(*FOLDERS)
    assert (code, "0 refined, 3 skipped, 0 failed" in text) == (0, True)
    code, text, _ = run(*FOLDERS, "--overwrite")
    assert (code, "3 refined, 0 skipped, 0 failed" in text, "--overwrite" in text) == (0, True, False)
    assert np.array_equal(files.read_labels(precious).ids, refined(1))


def test_an_image_that_fails_is_told_at_the_end_and_the_others_are_refined(run: Any, folder: Path) -> None:
    (folder / "images" / "s0_image.png").write_bytes(b"no picture")
    code, text, err = run(*FOLDERS)
    assert (code, "2 refined, 0 skipped, 1 failed" in text) == (1, True)
    assert err.splitlines()[-1].startswith("Error: s0_image.png: ")
    assert "Traceback" not in err
    assert names(folder / "refined") == ["s1.png", "s2_coarse.tif"]
    Image.fromarray(scene(0)[0]).save(folder / "images" / "s0_image.png")
    code, text, _ = run(*FOLDERS)
    assert (code, "1 refined, 2 skipped, 0 failed" in text) == (0, True)
    assert np.array_equal(files.read_labels(folder / "refined" / "s0.png").ids, refined(0))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows lets few people make links")
def test_a_result_that_is_a_link_to_its_labels_does_not_replace_them(run: Any, folder: Path) -> None:
    (folder / "refined").mkdir()
    (folder / "refined" / "s1.png").symlink_to(folder / "coarse" / "s1.png")
    before = (folder / "coarse" / "s1.png").read_bytes()
    code, text, err = run(*FOLDERS, "--overwrite")
    assert (code, "2 refined, 0 skipped, 1 failed" in text) == (1, True)
    assert "Error: s1_image.png: refined/s1.png is read by this command" in err
    assert (folder / "coarse" / "s1.png").read_bytes() == before


def test_files_that_belong_to_nothing_are_told(run: Any, folder: Path) -> None:
    (folder / "coarse" / "s0.png").rename(folder / "coarse" / "other.png")
    code, text, err = run(*FOLDERS)
    assert (code, "2 refined, 0 skipped, 0 failed" in text) == (0, True)
    assert "Warning: 1 of 3 images have no coarse labels in coarse and are left out." in err
    assert "Warning: 1 files of coarse labels belong to no image (the first: other.png)." in err


def test_what_is_odd_about_an_image_is_told_with_its_name(run: Any, folder: Path) -> None:
    Image.fromarray(np.full((20, 31), 5, np.uint8)).save(folder / "coarse" / "s1.png")
    code, _, err = run(*FOLDERS)
    assert (code, "Warning: s1_image.png: Every pixel that takes part has a label already" in err) == (0, True)


def test_what_is_the_same_for_all_images_is_said_once(run: Any, folder: Path) -> None:
    for number in range(3):
        image = np.stack([scene(number)[0]] * 5)
        tifffile.imwrite(folder / "images" / f"s{number}_image.tif", image, photometric="minisblack")
        (folder / "images" / f"s{number}_image.png").unlink()
    code, _, err = run(*FOLDERS)
    assert (code, err.count("The 5 planes of the image along axis 0 are taken as its channels.")) == (0, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["images", "none", "-o", "o"], "There is no folder none. Give the one that holds the coarse labels."),
        (["images/x*", "coarse", "-o", "o"], "There are no images in images/x*."),
        (["images/s0*", "coarse/s1*", "-o", "o"], "No image in images/s0* has coarse labels in coarse/s1*."),
        (["images", "coarse", "-o", "coarse"], "coarse holds files that this command reads"),
        (["images", "coarse", "-o", "coarse/../images", "--overwrite"], "images holds files that this command reads"),
        (["images", "coarse", "-o", "o", "--confidence-out", "coarse"], "coarse holds files that this command reads"),
        (["images", "coarse", "-o", "o", "--confidence-out", "o"], "name the same folder"),
        (["images", "coarse", "-o", "o.png"], "o.png is the name of a file"),
        (["images", "coarse", "-o", "notes/o"], "The folder notes/o cannot be made"),
        (["images", "coarse", "-o", "o", "--mask", "none.png"], "There is no file none.png"),
        (["images", "coarse", "-o", "o", "--engine", "magic"], "engine is 'magic'"),
        (["images", "coarse", "-o", "o", "--workers", "0"], "workers is 0"),
        (["images", "coarse", "-o", "o", "--theta-beta", "0"], "theta_beta is 0"),
    ],
)
def test_a_slip_is_found_before_any_work(run: Any, folder: Path, arguments: list[str], message: str) -> None:
    (folder / "notes").write_text("a file")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    code, out, err = run("refine", *arguments)
    assert (code, out) == (1, "")
    assert message in err
    assert err.startswith("Error: ")
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert names(folder) == ["coarse", "images", "notes"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither terminals of this kind nor SIGTERM handlers")
def test_a_stopped_run_keeps_what_is_done_and_goes_on_there(run: Any, folder: Path) -> None:
    slow = ("--theta-alpha", "5", "--theta-beta", "1", "--iterations", "100")  # long enough to be stopped
    for kind, name in (("image", "images/s1_image.png"), ("coarse", "coarse/s1.png")):
        (folder / name).unlink()
        Image.open(SAMPLES / f"aerial_{kind}.png").save(folder / name)
    command = [*COMMAND, "images", "coarse", "-o", "refined", *slow]
    ended = stop_on_a_terminal(command, lambda seen: b"Refining s1.png" in seen, signal.SIGINT)
    assert ended in (1, 130)
    assert names(folder / "refined") == ["s0.png"]
    for name, pixels in zip(("images/s1_image.png", "coarse/s1.png"), scene(1), strict=True):
        Image.fromarray(pixels).save(folder / name)
    code, text, _ = run(*FOLDERS, *slow)
    assert (code, "2 refined, 1 skipped, 0 failed" in text) == (0, True)

"""The examples run as their first lines say, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr
from imageio.v3 import imread, imwrite
from PIL import Image

from napari_coarse_crf import Parameters, refine_labels

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLES / name), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Return a folder with two pairs of files, one of them of one label only, and labels without an image."""
    image = np.zeros((30, 40, 3), np.uint8)
    image[:, 25:] = 200
    labels = np.zeros((30, 40), np.uint8)
    labels[15, 3], labels[15, 36] = 3, 7
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
    for name in ("good", "poor"):
        tifffile.imwrite(tmp_path / "images" / f"{name}.tif", image, photometric="rgb")
    imwrite(tmp_path / "labels" / "good.png", labels)
    imwrite(tmp_path / "labels" / "poor.png", np.minimum(labels, 3))
    imwrite(tmp_path / "labels" / "alone.png", labels)
    return tmp_path


def test_a_folder_is_refined_and_what_fails_is_named(folders: Path) -> None:
    preset = folders / "mine.json"
    preset.write_text(Parameters(iterations=3).to_json(), encoding="utf-8")
    result = run("batch_folder.py", folders / "images", folders / "labels", folders / "out", preset)
    assert result.returncode == 1
    assert "There is no image named alone" in result.stderr
    assert "poor.png: There is only one label (3)" in result.stderr
    assert [path.name for path in (folders / "out").iterdir()] == ["good.tif"]
    image, labels = imread(folders / "images" / "good.tif"), imread(folders / "labels" / "good.png")
    wanted = refine_labels(image, labels, Parameters(iterations=3))
    np.testing.assert_array_equal(tifffile.imread(folders / "out" / "good.tif"), wanted)


def test_labels_in_a_palette_are_ids_and_pictures_of_labels_are_refused(folders: Path) -> None:
    labels = np.zeros((30, 40), np.uint8)
    labels[15, 3], labels[15, 36] = 1, 2
    picture = Image.fromarray(labels)
    picture.putpalette([0, 0, 0, 200, 60, 20, 30, 90, 220])
    picture.save(folders / "labels" / "good.png")
    imwrite(folders / "labels" / "poor.png", np.dstack([labels] * 3))
    result = run("batch_folder.py", folders / "images", folders / "labels", folders / "out")
    assert "It holds colours, not label ids" in result.stderr
    assert set(np.unique(tifffile.imread(folders / "out" / "good.tif"))) == {1, 2}
    again = run("batch_folder.py", folders / "images", folders / "labels", folders / "out")
    assert "good.tif exists" in again.stderr


def test_slips_get_a_sentence(folders: Path) -> None:
    (folders / "labels" / "good.txt").write_text("no labels", encoding="utf-8")
    (folders / "broken.json").write_text("{", encoding="utf-8")
    results = (
        run("batch_folder.py", folders / "images", folders / "labels", folders / "out"),
        run("batch_folder.py", folders / "none", folders / "labels", folders / "out"),
        run("batch_folder.py", folders / "images", folders / "labels", folders / "out", folders / "broken.json"),
    )
    for result, words in zip(results, ("good.txt", "There is no folder", "not valid JSON"), strict=True):
        assert words in result.stderr
        assert "Traceback" not in result.stderr


def test_a_folder_of_good_files_ends_well_and_no_folder_shows_the_help(folders: Path) -> None:
    for name in ("poor", "alone"):
        (folders / "labels" / f"{name}.png").unlink()
    result = run("batch_folder.py", folders / "images", folders / "labels", folders / "out")
    assert (result.returncode, result.stderr) == (0, "")
    assert "good.png: 0% labelled before, 100% after" in result.stdout
    assert "python examples/batch_folder.py images/" in run("batch_folder.py").stderr


def test_sets_of_parameters_are_compared(tmp_path: Path) -> None:
    picture = tmp_path / "comparison.png"
    result = run("compare_parameters.py", picture)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("accuracy 0.") == 4
    assert imread(picture).shape[1] % 5 == 0


def test_a_session_gives_the_same_pixels_with_and_without_the_dock() -> None:
    result = run("napari_session.py", "--close")
    assert result.returncode == 0, result.stderr
    assert "nuclei coarse refined: {" in result.stdout
    assert "nuclei coarse refined [1]: equal to the one before: True" in result.stdout


@pytest.fixture
def stores(tmp_path: Path) -> list[Path]:
    """Return the paths of an image and its labels in zarr, and one for the result."""
    image, labels = np.zeros((30, 40), np.uint8), np.zeros((30, 40), np.uint8)
    image[:, 25:] = 200
    labels[15, 3], labels[15, 36] = 3, 7
    paths = [tmp_path / f"{name}.zarr" for name in ("image", "labels", "refined")]
    for path, array in zip(paths, (image, labels), strict=False):
        zarr.create_array(str(path), data=array, chunks=(16, 16))
    return paths


def test_a_cluster_refines_from_store_to_store(stores: list[Path]) -> None:
    done = run("slurm.py", *stores, "--here", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    assert "refined.zarr is written" in done.stdout
    refined = np.asarray(zarr.open_array(str(stores[2]), mode="r"))
    np.testing.assert_array_equal(refined, np.where(np.arange(40) < 25, 3, 7) * np.ones((30, 1), int))


def test_slips_with_a_cluster_get_a_sentence(stores: list[Path]) -> None:
    image, labels, refined = stores
    absent = image.with_name("none.zarr")
    slips = [("There is no", [absent, labels, refined]), ("labels.zarr exists", [image, labels, labels])]
    if find_spec("dask_jobqueue") is None:
        slips.append(("pip install dask-jobqueue", stores))
    for sentence, paths in slips:
        result = run("slurm.py", *paths)
        assert result.returncode == 1
        assert sentence in result.stderr
        assert "Traceback" not in result.stderr

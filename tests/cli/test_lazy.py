"""`refine` on images that are read and written part by part, as a person uses them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec
import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from napari_coarse_crf import Refiner, refine_labels
from napari_coarse_crf.io.lazy.opening import open_labels
from napari_coarse_crf.samples import load_sample
from tests.cli.test_tiled import COMMAND, OPTIONS, PARAMETERS, finished_tiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

AT_ONCE = ("--theta-alpha", "30", "--iterations", "5")


def write_image(place: Path, image: NDArray[Any], labels: NDArray[Any]) -> None:
    """Write an OME-Zarr image of channels first with one label map, in chunks as usual."""
    group = zarr.create_group(place, zarr_format=3)
    for inner, name, array, axes in ((group, "0", np.moveaxis(image, 2, 0), "cyx"), (None, "0", labels, "yx")):
        here = group.create_group("labels/coarse") if inner is None else inner
        here.create_array(name, data=array, chunks=(*array.shape[:-2], 128, 128))
        kinds = {"c": "channel"}
        pyramid = {
            "axes": [{"name": axis, "type": kinds.get(axis, "space")} for axis in axes],
            "datasets": [{"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [1.0] * len(axes)}]}],
        }
        said: dict[str, Any] = {"version": "0.5", "multiscales": [pyramid]}
        here.attrs.put({"ome": said | ({"image-label": {}} if inner is None else {})})
    group["labels"].attrs.put({"ome": {"version": "0.5", "labels": ["coarse"]}})


@pytest.fixture
def image(tmp_path: Path) -> Path:
    sample = load_sample("tissue")
    write_image(tmp_path / "image.zarr", sample.image, sample.coarse.astype(np.uint16))
    return tmp_path / "image.zarr"


@pytest.fixture(scope="module")
def expected() -> Any:
    """In tiles, and at once; channels of an OME-Zarr image are no colours."""
    sample = load_sample("tissue")
    return refine_labels(sample.image, sample.coarse, PARAMETERS, tile=64)


def test_labels_are_written_into_the_image_with_its_pyramid(run: Any, image: Path, expected: Any) -> None:
    out = image / "labels" / "refined"
    code, said, _ = run("refine", image, image / "labels" / "coarse", "-o", out, *OPTIONS)
    assert code == 0
    assert "20 tiles, " in said
    opened = open_labels(out)
    np.testing.assert_array_equal(opened.ids[()], expected)
    labels = json.loads((image / "labels" / "zarr.json").read_text())["attributes"]["ome"]["labels"]
    assert labels == ["coarse", "refined"]
    sample = load_sample("tissue")
    for label in np.unique(sample.coarse[sample.coarse > 0]).tolist():
        row = next(line.split() for line in said.splitlines() if line.split()[:1] == [str(label)])
        assert row[1:3] == [str((sample.coarse == label).sum()), str((expected == label).sum())]
    assert sorted(path.name for path in image.parent.iterdir()) == ["image.zarr"]


def test_what_fits_into_memory_is_refined_at_once(run: Any, image: Path, tmp_path: Path) -> None:
    code, said, _ = run("refine", image, image, "-o", tmp_path / "o.tif", *AT_ONCE)
    assert code == 0
    assert "5 iterations, " in said
    sample = load_sample("tissue")
    np.testing.assert_array_equal(
        tifffile.imread(tmp_path / "o.tif"), refine_labels(sample.image, sample.coarse, PARAMETERS)
    )


def test_small_files_may_go_into_a_store(run: Any, tmp_path: Path) -> None:
    sample = load_sample("tissue")
    for name, array in (("image.png", sample.image), ("coarse.png", sample.coarse)):
        Image.fromarray(array).save(tmp_path / name)
    places = "-o", tmp_path / "o.zarr", "--confidence-out", tmp_path / "c.zarr"
    assert run("refine", tmp_path / "image.png", tmp_path / "coarse.png", *places, *AT_ONCE)[0] == 0
    refinement = Refiner(sample.image, sample.coarse).run(PARAMETERS)
    np.testing.assert_array_equal(open_labels(tmp_path / "o.zarr").ids[()], refinement.labels)
    np.testing.assert_array_equal(zarr.open_array(tmp_path / "c.zarr" / "0")[:], refinement.confidence)


def test_a_killed_run_leaves_an_unfinished_store_and_goes_on_in_two_processes(
    image: Path, tmp_path: Path, expected: Any
) -> None:
    out, confidence = image / "labels" / "refined", tmp_path / "c.zarr"
    command = [*COMMAND, image, image / "labels" / "coarse", "-o", out, "--confidence-out", confidence, *OPTIONS]
    journal = tmp_path / ".image.zarr.labels.refined.unfinished" / "0" / "tiles.jsonl"
    with subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while len(finished_tiles(journal)) < 4:
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
    labels = json.loads((image / "labels" / "zarr.json").read_text())["attributes"]["ome"]["labels"]
    assert labels == ["coarse"]
    kept = finished_tiles(journal)
    written = {path: path.stat().st_mtime_ns for path in (out / "0").rglob("c/*/*")}
    (out / "0" / "c" / "0" / "1.deadbeef.partial").write_bytes(b"half a chunk")
    last = subprocess.run(
        [*map(str, command), "--processes", "2"], capture_output=True, text=True, encoding="utf-8", check=True
    )
    assert f"{len(kept)} of 20 tiles were finished before" in last.stderr
    np.testing.assert_array_equal(open_labels(out).ids[()], expected)
    made_again = [path for path, when in written.items() if path.stat().st_mtime_ns != when]
    assert len(made_again) <= 1  # the tile that was written, but not noted, when the process was killed
    assert not list(tmp_path.rglob("*.partial"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.zarr", "image.zarr"]


def test_ignored_ids_stay_as_they_are(run: Any, image: Path, tmp_path: Path) -> None:
    coarse = zarr.open_array(image / "labels" / "coarse" / "0", mode="r+")
    coarse[:70, :70] = 255
    out = tmp_path / "o.zarr"
    assert run("refine", image, image, "-o", out, *OPTIONS, "--ignore", "255")[0] == 0
    refined = open_labels(out).ids[()]
    np.testing.assert_array_equal(refined == 255, coarse[:] == 255)
    sample = load_sample("tissue")
    mask = coarse[:] != 255
    expected = refine_labels(sample.image, np.where(mask, sample.coarse, 0), PARAMETERS, mask=mask, tile=64)
    np.testing.assert_array_equal(refined[mask], expected[mask])


def test_frames_of_a_series_are_refined_one_after_the_other(run: Any, tmp_path: Path) -> None:
    sample = load_sample("nuclei")
    film = np.stack([sample.image, sample.image, sample.image[::-1]])
    coarse = np.stack([np.zeros_like(sample.coarse), sample.coarse, sample.coarse[::-1]])
    for name, array in (("film.zarr", film), ("coarse.zarr", coarse)):
        zarr.create_array(tmp_path / name, data=array, chunks=(1, 64, 64), dimension_names=("t", "y", "x"))
    out = tmp_path / "o.zarr"
    code, said, _ = run("refine", tmp_path / "film.zarr", tmp_path / "coarse.zarr", "-o", out, "--iterations", "2")
    assert code == 0
    assert "The 3 frames (axis T) are refined each on its own" in said
    refined = open_labels(out).ids[()]
    for frame in (1, 2):
        one = refine_labels(
            film[frame], coarse[frame], PARAMETERS.replace(theta_alpha=160, iterations=2), tile=film.shape[1:]
        )
        np.testing.assert_array_equal(refined[frame], one)
    assert not refined[0].any()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("image.zarr", "image.zarr", "-o", "o.png"), "o.png should end in .zarr, .tif or .tiff"),
        (("image.zarr", "image.zarr", "-o", "image.zarr"), "image.zarr is read by this command"),
        (("image.zarr", "image.zarr", "-o", "image.zarr/labels/coarse", "--overwrite"), "is read by this command"),
        (("image.zarr", "image.zarr", "-o", "taken.zarr"), "taken.zarr exists. Add --overwrite"),
        (("image.zarr", "image.zarr", "-o", "o.zarr", "--confidence-out", "./o.zarr"), "name the same file"),
        (("image.zarr", "taken.zarr", "-o", "o.zarr"), "the labels have shape (320, 256)"),
        (("image.zarr", "empty.zarr", "-o", "o.zarr"), "There is no label yet"),
        (("image.zarr", "empty.zarr", "-o", "o.zarr", "--confidence-out", "c.zarr", "--tile", "64"), "There is no"),
        (("film.zarr", "film.zarr", "-o", "o.zarr"), "No slice holds two labels"),
        (("image.zarr", "nowhere.zarr", "-o", "o.zarr"), "There is no file or folder nowhere.zarr. Check its"),
        (("image.zarr", "image.zarr/labels/b", "-o", "o.zarr"), "There is no file or folder image.zarr/labels/b."),
        (("image.zarr", "s4://b/l.zarr", "-o", "o.zarr"), "s4://b/l.zarr cannot be"),
        (("image.zarr", "image.zarr", "-o", "s4://b/o.zarr"), "s4://b/o.zarr cannot be"),
        (("image.zarr", "image.zarr", "-o", "o.zarr", "--confidence-out", "s4://b/c.zarr"), "s4://b/c.zarr cannot be"),
        (("image.zarr", "image.zarr", "-o", "damaged.zarr/zarr.json/o.zarr"), "zarr.json is no folder. Choose another"),
        (("image.zarr", ".", "-o", "o.zarr"), ". stands for several files"),
        (("image.zarr", "", "-o", "o.zarr"), "It is empty. Give the name of a file."),
        (("damaged.zarr", "image.zarr", "-o", "o.zarr"), "damaged.zarr cannot be read"),
        (("image.zarr", "image.zarr", "-o", "o.zarr", "--tile", "64,64,64"), "one for each axis"),
        (("image.zarr", "image.zarr", "-o", "o.zarr", "--tile", "64", "--engine", "pydensecrf"), "knows no tiles"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(
    run: Any, image: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], sentence: str
) -> None:
    monkeypatch.chdir(image.parent)
    zarr.create_array("taken.zarr", shape=(320, 256), dtype=np.uint8)
    zarr.create_array("empty.zarr", shape=(256, 320), dtype=np.uint8)
    zarr.create_array("film.zarr", shape=(2, 9, 9), dtype=np.uint8, dimension_names=("t", "y", "x"))
    damaged = zarr.create_array("damaged.zarr", shape=(256, 320), chunks=(256, 320), dtype=np.uint8)
    damaged[:] = 1
    next(Path("damaged.zarr/c").rglob("0/0")).write_bytes(b"no chunk")
    code, _, err = run("refine", *arguments)
    assert code == (2 if "" in arguments else 1)
    assert sentence in " ".join(err.split())
    assert "numpy array" not in err
    there = ["damaged.zarr", "empty.zarr", "film.zarr", "image.zarr", "taken.zarr"]
    assert sorted(path.name for path in image.parent.iterdir()) == there


@pytest.mark.parametrize(("name", "options"), [("o.zarr", AT_ONCE), ("o.tif", OPTIONS)])
def test_of_runs_to_one_target_at_once_one_wins(image: Path, tmp_path: Path, name: str, options: Any) -> None:
    command = [*COMMAND, image, image, "-o", tmp_path / name, *options]
    runs = [subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in "123"]
    said = [run.communicate()[1].decode() for run in runs]
    assert sorted(run.returncode for run in runs) == [0, 1, 1], said
    for run, words in zip(runs, said, strict=True):
        assert not run.returncode or "Another run" in words or "exists. Add --overwrite" in words
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["image.zarr", name])
    assert open_labels(tmp_path / name).ids[()].all()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows counts the letters of the whole path")
@pytest.mark.parametrize("name", ["x" * 251 + ".tif", "ä" * 125 + ".zarr"])
def test_a_result_may_have_as_long_a_name_as_the_system_allows(
    run: Any, image: Path, tmp_path: Path, expected: Any, name: str
) -> None:
    assert run("refine", image, image, "-o", tmp_path / name, *OPTIONS)[0] == 0
    np.testing.assert_array_equal(open_labels(tmp_path / name).ids[()], expected)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["image.zarr", name])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows lets few people make links, and has no pipes among files")
def test_links_that_lead_nowhere_and_pipes_are_no_place_for_a_store(run: Any, image: Path, tmp_path: Path) -> None:
    (tmp_path / "loop.zarr").symlink_to(tmp_path / "loop.zarr")
    os.mkfifo(tmp_path / "pipe.zarr")
    for name, sentence in (("loop.zarr", "is a link that leads nowhere"), ("pipe.zarr", "is no zarr store")):
        code, _, err = run("refine", image, image, "-o", tmp_path / name, "--overwrite")
        assert (code, sentence in err) == (1, True)
        assert os.path.lexists(tmp_path / name)


def test_image_labels_and_result_may_lie_behind_urls(
    run: Any, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expected: Any
) -> None:
    monkeypatch.chdir(tmp_path)  # where an unfinished run of a URL is kept
    memory = fsspec.filesystem("memory")
    memory.put(str(image), "/bucket/image.zarr", recursive=True)
    url = "memory://bucket/image.zarr"
    assert run("refine", url, f"{url}/labels/coarse", "-o", f"{url}/labels/refined", *OPTIONS)[0] == 0
    np.testing.assert_array_equal(open_labels(f"{url}/labels/refined").ids[()], expected)
    assert [path.name for path in tmp_path.iterdir()] == ["image.zarr"]
    memory.rm("/bucket", recursive=True)

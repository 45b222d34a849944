"""`refine` tile by tile: the same result wherever it is made, and however often the process is killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_coarse_crf import Parameters, refine_labels
from napari_coarse_crf.compute.parallel import finish
from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.samples import load_sample
from napari_coarse_crf.tiles.plan import plan_tiles
from tests.cli.terminal import stop_on_a_terminal

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = (sys.executable, "-m", "napari_coarse_crf.cli", "refine")
OPTIONS = ("--tile", "64", "--theta-alpha", "30", "--iterations", "5")
PARAMETERS = Parameters(theta_alpha=30, iterations=5, keep_parts="stroke-sized")


@pytest.fixture
def named(tmp_path: Path) -> tuple[Path, Path]:
    """An image and its labels in files."""
    sample = load_sample("tissue")
    for name, array in (("image.png", sample.image), ("coarse.png", sample.coarse)):
        Image.fromarray(array).save(tmp_path / name)
    return tmp_path / "image.png", tmp_path / "coarse.png"


@pytest.fixture(scope="module")
def expected() -> Any:
    sample = load_sample("tissue")
    return refine_labels(sample.image, sample.coarse, PARAMETERS, tile=64)


def finished_tiles(journal: Path) -> list[int]:
    """Return the tiles of whole lines."""
    lines = journal.read_bytes().splitlines(keepends=True) if journal.exists() else []
    return [json.loads(line)["tile"] for line in lines if line.endswith(b"\n")]


def test_a_run_that_is_killed_again_and_again_ends_as_one_that_is_not(
    run: Any, named: tuple[Path, Path], tmp_path: Path, expected: Any
) -> None:
    out, confidence = tmp_path / "o.tif", tmp_path / "c.tif"
    command = [*COMMAND, *named, "-o", out, "--confidence-out", confidence, *OPTIONS]
    folder = tmp_path / ".o.tif.unfinished" / "0"
    kept: list[int] = []
    for count in (0, 8):
        with subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            while not (folder / "plan").exists() or len(finished_tiles(folder / "tiles.jsonl")) < count:
                assert process.poll() is None
                time.sleep(0.01)
            process.kill()
        done = finished_tiles(folder / "tiles.jsonl")
        assert done[: len(kept)] == kept
        assert len(set(done)) == len(done) >= count
        kept = done
    last = subprocess.run(list(map(str, command)), capture_output=True, text=True, encoding="utf-8", check=True)
    assert f"{len(kept)} of " in last.stderr
    np.testing.assert_array_equal(tifffile.imread(out), expected)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.tif", "coarse.png", "image.png", "o.tif"]
    whole = "-o", tmp_path / "o2.tif", "--confidence-out", tmp_path / "c2.tif"
    assert run("refine", *named, *whole, *OPTIONS)[0] == 0
    assert (tmp_path / "o2.tif").read_bytes() == out.read_bytes()
    assert (tmp_path / "c2.tif").read_bytes() == confidence.read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither terminals of this kind nor SIGTERM handlers")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_run_says_how_to_go_on(named: tuple[Path, Path], tmp_path: Path, number: signal.Signals) -> None:
    command = [*COMMAND, *named, "-o", tmp_path / "o.tif", *OPTIONS, "--tile", "16", "--theta-beta", "1"]
    journal = tmp_path / ".o.tif.unfinished" / "0" / "tiles.jsonl"
    ended = stop_on_a_terminal(command, lambda _: len(finished_tiles(journal)) > 1, number)
    assert ended in (1, 130, 128 + signal.SIGTERM)
    assert finished_tiles(journal)
    assert not (tmp_path / "o.tif").exists()


def test_an_image_that_needs_more_memory_than_it_may_take_goes_by_tiles(run: Any, tmp_path: Path) -> None:
    sample = load_sample("tissue")
    image, labels = np.tile(sample.image, (3, 3, 1)), np.tile(sample.coarse, (3, 3))
    for name, array in (("image.png", image), ("coarse.png", labels)):
        Image.fromarray(array).save(tmp_path / name)
    given = "refine", tmp_path / "image.png", tmp_path / "coarse.png", "--iterations", "1", "--theta-alpha", "20"
    code, out, _ = run(*given, "-o", tmp_path / "o.tif", "--memory-limit", "100MB")
    assert code == 0
    assert "of memory, and 100 MB may be used (--memory-limit)" in out
    assert " tiles, " in out
    code, out, _ = run(*given, "-o", tmp_path / "at_once.tif", "--memory-limit", "20GB")
    assert code == 0
    assert "1 iterations, " in out
    assert (tifffile.imread(tmp_path / "o.tif") != tifffile.imread(tmp_path / "at_once.tif")).mean() < 0.01


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--tile", "x"), "--tile is 'x'"),
        (("--tile", "64,0"), "--tile is '64,0'"),
        (("--tile", "64,64,64"), "one for each axis"),
        (("--memory-limit", "much"), "memory_limit is 'much'"),
        (("--processes", "0"), "--processes is 0"),
        (("--processes", "2", "--scheduler", "tcp://a:1"), "give one of them"),
        (("--scheduler", "pigeon://roof"), "There is no scheduler at pigeon://roof"),
        (("--tile", "64", "--similarity", "joint"), "cannot be had in tiles"),
        (("--tile", "64", "--engine", "pydensecrf"), "knows no tiles"),
    ],
)
def test_what_cannot_be_done_in_tiles_is_said_before_any_work(
    run: Any, named: tuple[Path, Path], tmp_path: Path, options: tuple[str, ...], sentence: str
) -> None:
    code, _, err = run("refine", *named, "-o", tmp_path / "o.tif", *options)
    assert (code, err.startswith("Error: ")) == (1, True)
    assert sentence in err
    assert not (tmp_path / "o.tif").exists()


def test_frames_are_refined_each_on_their_own_in_tiles_too(run: Any, tmp_path: Path) -> None:
    sample = load_sample("nuclei")
    film = np.stack([sample.image, sample.image[::-1], sample.image])
    labels = np.stack([sample.coarse, sample.coarse[::-1], np.zeros_like(sample.coarse)])
    tifffile.imwrite(tmp_path / "film.tif", film, imagej=True, metadata={"axes": "TYX"})
    tifffile.imwrite(tmp_path / "labels.tif", labels, imagej=True, metadata={"axes": "TYX"})
    given = tmp_path / "film.tif", tmp_path / "labels.tif", "-o", tmp_path / "o.tif"
    assert run("refine", *given, "--tile", "100", "--iterations", "2")[0] == 0
    refined = tifffile.imread(tmp_path / "o.tif")
    for frame in range(2):
        one = refine_labels(film[frame], labels[frame], PARAMETERS.replace(theta_alpha=160, iterations=2), tile=100)
        np.testing.assert_array_equal(refined[frame], one)
    assert not refined[2].any()


def test_what_the_labels_chose_is_said_and_written(run: Any, named: tuple[Path, Path], tmp_path: Path) -> None:
    code, _, err = run("refine", *named, "-o", tmp_path / "o.tif", *OPTIONS, "--weights", "auto")
    assert code == 0
    sample = load_sample("tissue")
    asked = PARAMETERS.replace(weights="auto")
    plan = finish(plan_tiles(Picture(sample.image), sample.coarse, asked, tile=64))
    assert plan.reason in err
    np.testing.assert_array_equal(
        tifffile.imread(tmp_path / "o.tif"), refine_labels(sample.image, sample.coarse, asked, tile=64)
    )

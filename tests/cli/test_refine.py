"""The command line, as a person uses it: files in, files out, sentences when something is wrong."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import typer
from PIL import Image

import napari_coarse_crf
from napari_coarse_crf import Parameters, Refiner, cli, evaluate_labels, refine_labels
from napari_coarse_crf.cli.options import with_parameter_options
from napari_coarse_crf.io import files
from napari_coarse_crf.samples import SAMPLE_NAMES, load_sample
from tests.cli.terminal import stop_on_a_terminal

SAMPLES = Path(napari_coarse_crf.__file__).parent / "samples"
IMAGE, COARSE = SAMPLES / "nuclei_image.png", SAMPLES / "nuclei_coarse.png"
COMMAND = (sys.executable, "-m", "napari_coarse_crf.cli")
AUTO = Parameters.preset("auto")  # where no preset is named


@pytest.fixture
def small(tmp_path: Path) -> tuple[Path, Path]:
    """A tiny image with two halves, and one stroke in each."""
    image = np.full((20, 31), 40, np.uint8)
    image[:, 16:] = 200
    coarse = np.zeros((20, 31), np.uint8)
    coarse[9:11, 2:9], coarse[9:11, 22:29] = 3, 7
    paths = tmp_path / "image.png", tmp_path / "coarse.png"
    for path, pixels in zip(paths, (image, coarse), strict=True):
        Image.fromarray(pixels).save(path)
    return paths


def test_a_process_refines_files_like_the_function(tmp_path: Path) -> None:
    out = tmp_path / "refined.png"
    done = subprocess.run(
        [*COMMAND, "refine", IMAGE, COARSE, "-o", out, "--theta-alpha", "50", "--iterations", "4"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        check=True,
    )
    sample = load_sample("nuclei")
    expected = refine_labels(sample.image, sample.coarse, AUTO.replace(theta_alpha=50, iterations=4))
    assert np.array_equal(files.read_labels(out).ids, expected)
    assert "4 iterations" in done.stdout
    assert f"Wrote {out}" in done.stdout
    assert "Refining nuclei_coarse.png: done" in done.stderr


def test_the_summary_counts_pixels_before_and_after(run: Any, small: tuple[Path, Path], tmp_path: Path) -> None:
    code, out, _ = run("refine", *small, "-o", tmp_path / "o.png")
    assert code == 0
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines() if "%" in line}
    assert rows == {"3": ["14", "320", "51.6%"], "7": ["14", "300", "48.4%"], "unlabelled": ["592", "0", "0.0%"]}


def test_the_summary_counts_all_pixels_where_a_mask_leaves_some_out(
    run: Any, small: tuple[Path, Path], tmp_path: Path
) -> None:
    mask = np.zeros((20, 31), np.uint8)
    mask[:10] = 1
    Image.fromarray(mask).save(tmp_path / "mask.png")
    code, out, _ = run("refine", *small, "-o", tmp_path / "o.png", "--mask", tmp_path / "mask.png")
    assert code == 0
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines() if "%" in line}
    coarse, refined = files.read_labels(small[1]).ids, files.read_labels(tmp_path / "o.png").ids
    for name, label_id in (("3", 3), ("7", 7), ("unlabelled", 0)):
        counts = [str((labels == label_id).sum()) for labels in (coarse, refined)]
        assert rows[name][:2] == counts


def test_there_is_one_option_for_each_parameter() -> None:
    refine = typer.main.get_command(cli.app).commands["refine"]  # type: ignore[attr-defined]  # a group
    options = {option for parameter in refine.params for option in parameter.opts}
    assert {f"--{spec.name.replace('_', '-')}" for spec in fields(Parameters)} <= options


def test_a_command_receives_the_parameters_that_were_given() -> None:
    received: list[dict[str, Any]] = []

    def command(*, changes: dict[str, Any]) -> None:
        received.append(changes)

    given = {"theta_beta": 21.0, "iterations": 3, "similarity": "joint"}
    with_parameter_options(command)(**{**dict.fromkeys(Parameters.describe()), **given})
    assert received == [given]


@pytest.mark.parametrize("name", [spec.name for spec in fields(Parameters)])
def test_every_option_changes_its_own_parameter(run: Any, small: tuple[Path, Path], tmp_path: Path, name: str) -> None:
    option = f"--{name.replace('_', '-')}"
    refused = "colourful" if Parameters.describe()[name].choices else "-1"
    code, _, err = run("refine", *small, "-o", tmp_path / "o.png", option, refused)
    assert code == 1
    assert err.startswith(f"Error: {name} is ")  # the parameter itself refuses the value
    assert not (tmp_path / "o.png").exists()


def test_a_preset_is_where_the_options_start_from(run: Any, small: tuple[Path, Path], tmp_path: Path) -> None:
    saved = tmp_path / "mine.json"
    saved.write_text(Parameters(theta_gamma=1, iterations=2, similarity="joint").to_json(), encoding="utf-8")
    out = tmp_path / "o.tif"
    code, text, _ = run(
        "refine", *small, "-o", out, "--confidence-out", tmp_path / "c.tif", "--preset", saved, "--iterations", 3
    )
    assert (code, "3 iterations" in text) == (0, True)
    chosen = Parameters(theta_gamma=1, iterations=3, similarity="joint")
    expected = Refiner(files.read_image(small[0]).image, files.read_labels(small[1]).ids).run(chosen)
    assert np.array_equal(tifffile.imread(out), expected.labels)
    assert np.array_equal(tifffile.imread(tmp_path / "c.tif"), expected.confidence)


def test_a_named_preset_is_taken_by_its_name(run: Any, small: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "c.tif"
    assert run("refine", *small, "-o", tmp_path / "o.png", "--confidence-out", out, "--preset", "paper")[0] == 0
    expected = Refiner(files.read_image(small[0]).image, files.read_labels(small[1]).ids).run(
        Parameters.preset("paper")
    )
    assert np.array_equal(tifffile.imread(out), expected.confidence)


def test_plain_files_are_refined_without_what_stores_and_clusters_need(
    small: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "refined.png"
    program = (
        "import sys; from napari_coarse_crf import cli\n"
        "try: cli.main(sys.argv[1:])\n"
        "finally: print('loaded:', {'zarr', 'fsspec', 'dask', 'yaozarrs', 'napari'} & {*sys.modules})"
    )
    command: list[str | Path] = [sys.executable, "-c", program, "refine", *small, "-o", out, "--iterations", "1"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True)
    assert out.exists()
    assert "loaded: set()" in done.stdout


def test_a_process_cleans_what_it_refines(tmp_path: Path) -> None:
    out, confidence, saved = tmp_path / "refined.tif", tmp_path / "confidence.tif", tmp_path / "mine.json"
    parameters = Parameters(keep_parts="labelled", fill_holes=30, iterations=3)
    saved.write_text(parameters.replace(fill_holes=0).to_json(), encoding="utf-8")
    options: list[str | Path] = ["--confidence-out", confidence, "--preset", saved, "--fill-holes", "30"]
    done = subprocess.run(
        [*COMMAND, "refine", IMAGE, COARSE, "-o", out, *options], stdin=subprocess.DEVNULL, check=True,
        capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip
    sample = load_sample("nuclei")
    expected = Refiner(sample.image, sample.coarse).run(parameters)
    assert np.array_equal(tifffile.imread(out), expected.labels)
    assert np.array_equal(tifffile.imread(confidence), expected.confidence)
    assert not np.array_equal(expected.labels, refine_labels(sample.image, sample.coarse, Parameters(iterations=3)))
    for label, (_, after) in expected.label_counts.items():
        assert re.search(rf"^ *{label} +\d+ +{after} ", done.stdout, re.MULTILINE)


def test_ids_and_type_of_a_tiff_survive(run: Any, small: tuple[Path, Path], tmp_path: Path) -> None:
    ids = files.read_labels(small[1]).ids.astype(np.int64)
    ids[ids == 7] = 2**40
    tifffile.imwrite(tmp_path / "coarse.tif", ids)
    out = tmp_path / "o.tif"
    assert run("refine", small[0], tmp_path / "coarse.tif", "-o", out)[0] == 0
    refined = tifffile.imread(out)
    assert refined.dtype == np.int64
    assert set(np.unique(refined)) == {3, 2**40}


def test_transparent_pixels_and_the_mask_take_no_part(run: Any, small: tuple[Path, Path], tmp_path: Path) -> None:
    grey = files.read_image(small[0]).image
    alpha = np.full_like(grey, 255)
    alpha[:4] = 0
    Image.fromarray(np.dstack([grey, grey, grey, alpha])).save(tmp_path / "rgba.png")
    mask = np.full_like(grey, 255)
    mask[-3:] = 0
    Image.fromarray(mask).save(tmp_path / "mask.png")
    out = tmp_path / "o.png"
    code, text, _ = run("refine", tmp_path / "rgba.png", small[1], "-o", out, "--mask", tmp_path / "mask.png")
    assert code == 0
    refined = files.read_labels(out).ids
    assert not refined[:4].any()
    assert not refined[-3:].any()
    assert refined[4:-3].all()
    assert re.search(rf"unlabelled +592 +{7 * 31} ", text)


def test_channels_first_spacing_and_contrast_limits_reach_the_core(run: Any, tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 4000, (5, 18, 25)).astype(np.uint16)
    coarse = np.zeros((18, 25), np.uint8)
    coarse[2:5, 3:20], coarse[14:16, 5:22] = 1, 2
    tifffile.imwrite(tmp_path / "image.tif", image, photometric="minisblack")
    tifffile.imwrite(tmp_path / "coarse.tif", coarse)
    out = tmp_path / "c.tif"
    code, text, err = run(
        *("refine", tmp_path / "image.tif", tmp_path / "coarse.tif", "-o", tmp_path / "o.tif", "--confidence-out", out),
        *("--spacing", "2,1", "--contrast-limits", 500, 3000, "--workers", 1, "--theta-beta", 60),
    )
    assert (code, err.count("Error")) == (0, 0)
    assert "The 5 planes of the image along axis 0 are taken as its channels." in text
    expected = Refiner(image, coarse, channel_axis=0, spacing=(2, 1), contrast_limits=(500, 3000), workers=1)
    assert np.array_equal(tifffile.imread(out), expected.run(AUTO.replace(theta_beta=60)).confidence)


def test_frames_are_refined_each_on_its_own_and_a_volume_on_request(run: Any, tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 250, (3, 18, 25)).astype(np.uint8)
    coarse = np.zeros((3, 18, 25), np.uint8)
    coarse[:2, 2:5, 3:20], coarse[:2, 14:16, 5:22] = 1, 2
    tifffile.imwrite(tmp_path / "film.tif", image, imagej=True, metadata={"axes": "TYX"})
    tifffile.imwrite(tmp_path / "coarse.tif", coarse, photometric="minisblack")
    given = ("refine", tmp_path / "film.tif", tmp_path / "coarse.tif", "-o", tmp_path / "o.tif", "--overwrite")
    code, text, err = run(*given)
    assert (code, "The 3 frames (axis T) are refined each on its own" in text) == (0, True)
    assert "Left as they are, with fewer than two labels: slice 2." in err
    found = tifffile.imread(tmp_path / "o.tif")
    first = Refiner(image[0], coarse[0]).run()  # its labels choose the weights of all
    assert np.array_equal(found[0], first.labels)
    assert np.array_equal(found[1], refine_labels(image[1], coarse[1], first.parameters))
    assert not found[2].any()
    assert run(*given, "--volume")[0] == 0
    assert np.array_equal(tifffile.imread(tmp_path / "o.tif"), refine_labels(image, coarse))
    tifffile.imwrite(tmp_path / "film.tif", image, imagej=True, metadata={"axes": "ZYX"})
    assert run(*given)[0] == 0
    assert np.array_equal(tifffile.imread(tmp_path / "o.tif"), refine_labels(image, coarse))
    assert run(*given, "--each-slice")[0] == 0
    assert np.array_equal(tifffile.imread(tmp_path / "o.tif"), found)


def test_the_result_lies_where_the_image_does(run: Any, small: tuple[Path, Path], tmp_path: Path) -> None:
    grey, coarse = files.read_image(small[0]).image, files.read_labels(small[1]).ids
    tags = [(33550, "d", 3, (0.5, 0.5, 0.0), True), (34735, "H", 4, (1, 1, 0, 0), True)]
    tifffile.imwrite(tmp_path / "aerial.tif", grey, extratags=tags)
    out, confidence = tmp_path / "o.tif", tmp_path / "c.tif"
    written = ("-o", out, "--confidence-out", confidence, "--overwrite")
    assert run("refine", tmp_path / "aerial.tif", small[1], *written)[0] == 0
    for path in (out, confidence):
        with tifffile.TiffFile(path) as file:
            assert file.geotiff_metadata
    voxel = {"axes": "ZYX", "spacing": 2.0, "unit": "um"}
    for name, kind in (("image.tif", np.uint8), ("coarse.tif", np.int32)):
        stack = np.stack([grey if kind == np.uint8 else coarse] * 3).astype(kind)
        how: dict[str, Any] = {"imagej": True, "resolution": (10, 10), "metadata": voxel} if kind == np.uint8 else {}
        tifffile.imwrite(tmp_path / name, stack, photometric="minisblack", **how)
    code, text, _ = run("refine", tmp_path / "image.tif", tmp_path / "coarse.tif", *written)
    assert (code, "2 x 0.1 x 0.1 um (Z, Y, X)" in text) == (0, True)
    for path in (out, confidence):
        read = files.read_image(path)
        assert read.axes == "ZYX"
        assert read.grid.spacing(read.axes)[0] == pytest.approx((2, 0.1, 0.1))


def test_no_data_takes_no_part_and_stays_as_it_is(run: Any, small: tuple[Path, Path], tmp_path: Path) -> None:
    coarse = files.read_labels(small[1]).ids.astype(np.int32)
    height = files.read_image(small[0]).image + np.random.default_rng(0).random(coarse.shape, np.float32)
    height[:, :2], coarse[-2:] = -9999, -1
    tag = [(42113, "s", 0, "-9999", True)], [(42113, "s", 0, "-1", True)]
    tifffile.imwrite(tmp_path / "height.tif", height, extratags=tag[0])
    tifffile.imwrite(tmp_path / "coarse.tif", coarse, extratags=tag[1])
    out = tmp_path / "o.tif"
    code, text, err = run("refine", tmp_path / "height.tif", tmp_path / "coarse.tif", "-o", out)
    assert (code, "Left out, and left as they are: 40 pixels of no data, 58 pixels whose label" in text) == (0, True)
    assert "Warning" not in err
    found, mask = tifffile.imread(out), (height > -9999) & (coarse >= 0)
    assert np.array_equal(found, refine_labels(height, np.maximum(coarse, 0), mask=mask) + np.minimum(coarse, 0))
    tifffile.imwrite(tmp_path / "height.tif", height)
    code, _, err = run("refine", tmp_path / "height.tif", tmp_path / "coarse.tif", "-o", out, "--overwrite")
    assert (code, "The value -9999 stands on 6% of the pixels" in err) == (0, True)


def test_a_warning_of_the_core_is_shown(run: Any, small: tuple[Path, Path], tmp_path: Path) -> None:
    Image.fromarray(np.full((20, 31), 5, np.uint8)).save(tmp_path / "full.png")
    code, _, err = run("refine", small[0], tmp_path / "full.png", "-o", tmp_path / "o.png")
    assert code == 0
    assert "Warning: Every pixel that takes part has a label already" in err
    assert np.array_equal(files.read_labels(tmp_path / "o.png").ids, np.full((20, 31), 5))


def test_results_are_replaced_only_on_request(run: Any, small: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "o.png"
    out.write_bytes(b"precious")
    code, _, err = run("refine", *small, "-o", out)
    assert (code, "Add --overwrite" in err) == (1, True)
    assert out.read_bytes() == b"precious"
    assert run("refine", *small, "-o", out, "--overwrite")[0] == 0
    assert files.read_labels(out).ids.all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["image.png", "coarse.png", "-o", "coarse.png", "--overwrite"], "coarse.png is read by this command"),
        (["image.png", "coarse.png", "-o", "o.png", "--confidence-out", "o.png"], "name the same file"),
        (["image.png", "coarse.png", "-o", "none/o.png"], "none does not exist. Create it first"),
        (
            ["image.png", "coarse.png", "-o", "image.png/in/o.png"],
            "image.png is no folder. Choose another place for o.png",
        ),
        (["image.png", "coarse.png", "-o", "o.bmp"], "o.bmp should end in .png, .tif or .tiff"),
        (["none.png", "coarse.png", "-o", "o.png"], "There is no file none.png"),
        (["image.png", "rgb.png", "-o", "o.png"], "rgb.png cannot be used. It holds colours, not label ids."),
        (["image.png", "large.tif", "-o", "o.png"], "label id 70000 does not fit into a PNG"),
        (["image.png", "wide.png", "-o", "o.png"], "shape"),
        (["image.png", "coarse.png", "-o", "o.png", "--mask", "wide.png"], "mask"),
        (["image.png", "single.png", "-o", "o.png"], "label"),
        (
            ["image.png", "coarse.png", "-o", "o.png", "--preset", "best"],
            "no file best. Named presets are auto, default, paper",
        ),
        (["image.png", "coarse.png", "-o", "o.png", "--spacing", "1;1"], "The spacing '1;1' is no list of numbers"),
        (["image.png", "coarse.png", "-o", "o.png", "--engine", "magic"], "engine is 'magic'"),
        (["image.png", "coarse.png", "-o", "o.png", "--workers", "0"], "workers is 0"),
    ],
)
def test_a_slip_gets_one_sentence_and_writes_nothing(
    run: Any,
    small: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    coarse = files.read_labels(small[1]).ids
    Image.fromarray(np.dstack([coarse] * 3)).save("rgb.png")
    Image.fromarray(coarse[:, :-1]).save("wide.png")
    Image.fromarray(np.where(coarse == 3, coarse, 0)).save("single.png")
    tifffile.imwrite("large.tif", np.where(coarse == 3, 70000, coarse.astype(np.int32)))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    code, out, err = run("refine", *arguments)
    assert (code, out) == (1, "")
    assert re.search(r"Error: .*" + re.escape(message), err)
    assert "Traceback" not in err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    "arguments", [["refine", "a.png"], ["refine", "--theta-alpha", "wide"], ["polish"], ["demo", "--fast"]]
)
def test_wrong_usage_leaves_with_code_two(run: Any, arguments: list[str]) -> None:
    code, _, err = run(*arguments)
    assert code == 2
    assert "Usage: " in err


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a device that is full")
@pytest.mark.parametrize("arguments", [["--version"], ["refine", IMAGE, COARSE, "--iterations", "1"]])
def test_an_output_that_takes_nothing_more_gets_a_sentence(tmp_path: Path, arguments: list[str]) -> None:
    if arguments[0] == "refine":
        arguments = [*arguments, "-o", str(tmp_path / "o.png")]
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(
            [*COMMAND, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, encoding="utf-8", check=False
        )
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last == "Error: What this command says could not be written or read: No space left on device."
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a device that is full")
def test_an_error_stream_that_takes_nothing_more_stops_no_work(small: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "o.png"
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([*COMMAND, "refine", *small, "-o", out], stdout=subprocess.PIPE, stderr=full, check=False)
    assert done.returncode == 0
    assert f"Wrote {out}" in done.stdout.decode()
    assert set(np.unique(files.read_labels(out).ids)) == {3, 7}


def test_brackets_in_a_name_are_shown_as_they_are(run: Any, small: tuple[Path, Path], tmp_path: Path) -> None:
    image, coarse = small
    odd = coarse.rename(tmp_path / "[bold]a.png")
    code, _, err = run("refine", image, odd, "-o", tmp_path / "o.png", "--iterations", "1")
    assert code == 0
    assert "Refining [bold]a.png: done" in err


def test_the_preset_is_no_place_for_a_result(run: Any, small: tuple[Path, Path], tmp_path: Path) -> None:
    preset = tmp_path / "p.png"
    preset.write_text('{"iterations": 1}', encoding="utf-8")
    code, _, err = run("refine", *small, "-o", preset, "--preset", preset, "--overwrite")
    assert (code, preset.read_text(encoding="utf-8")) == (1, '{"iterations": 1}')
    assert "is read by this command" in err
    code, _, err = run("refine", *small, "-o", tmp_path / "o.png", "--preset", '{"iterations": 1}')
    assert code == 1
    assert "--preset takes a name, not the JSON itself" in err


def test_several_ids_may_be_ignored(run: Any, small: tuple[Path, Path], tmp_path: Path) -> None:
    image, coarse = small
    labels = np.array(Image.open(coarse))
    labels[:3], labels[-3:] = 254, 255
    Image.fromarray(labels).save(coarse)
    code, out, _ = run("refine", image, coarse, "-o", tmp_path / "o.png", "--ignore", "254", "--ignore", "255")
    assert code == 0
    assert "93 pixels of the id 254, 93 pixels of the id 255" in out
    assert set(np.unique(files.read_labels(tmp_path / "o.png").ids[3:-3])) == {3, 7}


def test_the_version_is_printed(run: Any) -> None:
    assert run("--version") == (0, f"{napari_coarse_crf.__version__}\n", "")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither terminals of this kind nor SIGTERM handlers")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_process_leaves_no_file_behind(tmp_path: Path, number: signal.Signals) -> None:
    slow = ("--theta-alpha", "5", "--theta-beta", "1", "--iterations", "100")  # long enough to be stopped
    named = (SAMPLES / "aerial_image.png", SAMPLES / "aerial_coarse.png", "-o", tmp_path / "o.png")
    ended = stop_on_a_terminal(
        [*COMMAND, "refine", *named, *slow],
        lambda seen: b"heatmap" in seen or b"mean field" in seen,
        number,
    )
    assert ended in (1, 130, 128 + signal.SIGTERM)
    assert list(tmp_path.iterdir()) == []


def test_the_demo_draws_and_judges_every_sample(run: Any, tmp_path: Path) -> None:
    older = tmp_path / "older.png"
    older.write_bytes(b"precious")
    folder = tmp_path / "new" / "folder"
    folder.mkdir(parents=True)
    os.link(older, folder / f"{SAMPLE_NAMES[0]}.png")
    code, out, _ = run("demo", "--out", folder)
    assert (code, older.read_bytes()) == (
        0,
        b"precious",
    )  # a picture takes the place of another
    averages = [
        [float(value) for value in line.split()[1:]] for line in out.splitlines() if line.startswith("  average")
    ]
    assert len(averages) == len(SAMPLE_NAMES)
    for name, shown in zip(SAMPLE_NAMES, averages, strict=True):
        sample = load_sample(name)
        expected = evaluate_labels(refine_labels(sample.image, sample.coarse), sample.fine)
        assert shown[2] == pytest.approx(expected.mean_accuracy, abs=6e-4)
        assert shown[5] == pytest.approx(expected.mean_iou, abs=6e-4)
        assert shown[5] > shown[4] > shown[3]  # mean IoU: refined over nearest label over coarse
        with Image.open(folder / f"{name}.png") as sheet:
            assert sheet.width > 4 * sample.image.shape[1]
            assert sheet.height > sample.image.shape[0]


def test_a_demo_that_cannot_make_its_folder_says_so(run: Any, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    code, _, err = run("demo", "--out", tmp_path / "taken")
    assert (code, "cannot be made" in err) == (1, True)


@pytest.mark.parametrize(
    ("shape", "in_folders", "advice"),
    [
        ((1500, 1500), False, "Stop it and crop the image, or close other programs."),
        ((1500, 1500), True, "Stop it and crop the image, or close other programs."),
        ((2, 1000, 1000), False, "Stop it and refine each plane on its own (--each-slice), crop the image, or close"),
    ],
)
def test_a_run_that_needs_more_memory_than_is_free_says_so_before_it(
    tmp_path: Path, shape: tuple[int, ...], in_folders: bool, advice: str
) -> None:
    # 60,000 labels: hundreds of GB, which are never taken.
    coarse = np.zeros(shape, np.uint16)
    coarse.reshape(-1)[: 20 * 60_000 : 20] = np.arange(1, 60_001)
    for name, pixels in (("image", np.zeros(shape, np.uint8)), ("coarse", coarse)):
        (tmp_path / name).mkdir()
        tifffile.imwrite(tmp_path / name / "cells.tif", pixels, metadata={"axes": "ZYX"[-len(shape) :]})
    inputs = [tmp_path / name if in_folders else tmp_path / name / "cells.tif" for name in ("image", "coarse")]
    out = tmp_path / ("out" if in_folders else "out.tif")
    with subprocess.Popen(
        [*COMMAND, "refine", *inputs, "-o", out, "--volume", "--similarity", "joint"],  # which no tiles can have
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as run:
        assert run.stderr is not None
        said = next((line for line in run.stderr if "GB are free" in line), "")
        run.kill()
    assert advice in said
    assert said.startswith("Warning: cells.tif: This run" if in_folders else "Warning: This run")
    assert not out.is_file()

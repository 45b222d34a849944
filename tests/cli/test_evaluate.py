"""`napari-coarse-crf evaluate` as a person uses it, on a tiny data set in Cityscapes' layout and on plain folders."""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

import napari_coarse_crf
from napari_coarse_crf import Parameters, evaluate_labels, refine_labels
from napari_coarse_crf.cli import evaluate
from napari_coarse_crf.evaluation import baselines, tables
from napari_coarse_crf.evaluation.baselines import BASELINES, label_by_distance, missing_baselines
from napari_coarse_crf.evaluation.cityscapes import CLASS_NAMES
from napari_coarse_crf.io import files
from tests.cli.terminal import stop_on_a_terminal
from tests.streets import CAR, NAMES, ROAD, SKY, street, write_streets

COMMAND = (sys.executable, "-m", "napari_coarse_crf.cli", "evaluate")
SAMPLES = Path(napari_coarse_crf.__file__).parent / "samples"
FAST = ("--iterations", "2", "--theta-alpha", "20")


@pytest.fixture
def streets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write_streets(tmp_path / "streets")


def shares(labels: Any, fine: Any, class_id: int) -> tuple[float, float]:
    """Return accuracy and IoU of a class, written out."""
    scored = np.isin(fine, list(CLASS_NAMES))
    truth, found = scored & (fine == class_id), scored & (labels == class_id)
    return (truth & found).sum() / truth.sum(), (truth & found).sum() / (truth | found).sum()


def test_a_process_prints_and_writes_table_1(streets: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "--cityscapes", streets, "--split", "val", "--out", "table.json", *FAST],
        capture_output=True,
        text=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        check=True,
    )
    for words in ("published SegNet", "mean of per-image values", "pooled over images", "near", "traffic", "avg"):
        assert words in done.stdout
    assert "Published: Table 1 of the letter" in done.stdout
    assert "3/3" in done.stderr
    content = json.loads((tmp_path / "table.json").read_text(encoding="utf-8"))
    found = {(table["averaging"], table["measure"]): table["methods"] for table in content["tables"]}
    refined, fines = [], []
    for number in range(3):
        image, coarse, fine = street(number)
        mask = ~np.isin(coarse, (1, 2, 3))
        parameters = Parameters.preset("auto").replace(iterations=2, theta_alpha=20)
        refined.append(refine_labels(image, coarse, parameters, mask=mask))
        fines.append(fine)
    for position, measure in enumerate(("accuracy", "IoU")):
        ours = found[tables.MEAN_OVER_IMAGES, measure]["Ours"]
        means = {
            class_id: np.mean(
                [shares(r, f, class_id)[position] for r, f in zip(refined, fines, strict=True) if class_id in f]
            )
            for class_id in (ROAD, SKY, CAR)
        }
        for class_id, name in CLASS_NAMES.items():
            assert ours[name] == (pytest.approx(means[class_id]) if class_id in means else None)
        assert ours["avg"] == pytest.approx(np.mean(list(means.values())))
        together = shares(np.stack(refined), np.stack(fines), CAR)[position]
        assert found[tables.POOLED, measure]["Ours"]["car"] == pytest.approx(together)
    assert found[tables.POOLED, "IoU"]["published SegNet"]["avg"] == 0.561
    assert found[tables.POOLED, "accuracy of pixels"]["Coarse"]["unlabelled"] == 0


def test_every_format_is_written_and_only_on_request_replaced(run: Any, streets: Path, tmp_path: Path) -> None:
    for ending in (".csv", ".json", ".md", ".tex"):
        out = tmp_path / f"table{ending}"
        code, text, _ = run("evaluate", "--cityscapes", streets, "-o", out, *FAST)
        assert (code, f"Wrote {out}" in text) == (0, True)
        assert "sidewalk" in out.read_text(encoding="utf-8")
        out.write_text("precious")
        code, _, err = run("evaluate", "--cityscapes", streets, "-o", out, *FAST)
        assert (code, "Add --overwrite" in err, out.read_text()) == (1, True, "precious")
        assert run("evaluate", "--cityscapes", streets, "-o", out, "--overwrite", *FAST)[0] == 0
        assert "sidewalk" in out.read_text(encoding="utf-8")


def test_a_limited_run_takes_the_first_images_and_a_full_one_goes_on(run: Any, streets: Path, tmp_path: Path) -> None:
    code, text, _ = run("evaluate", "--cityscapes", streets, "--limit", 2, "--scores", "kept", *FAST)
    assert (code, "Cityscapes val: 2 images" in text) == (0, True)
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "kept").glob("*/aford*.json")}
    assert len(times) == 4
    code, text, _ = run("evaluate", "--cityscapes", streets, "--scores", "kept", *FAST)
    assert (code, "Cityscapes val: 3 images" in text) == (0, True)
    assert {path: path.stat().st_mtime_ns for path in times} == times
    assert len(list((tmp_path / "kept").glob("*/beton*.json"))) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither terminals of this kind nor SIGTERM handlers")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_run_keeps_what_is_done(run: Any, streets: Path, tmp_path: Path, number: signal.Signals) -> None:
    slow = streets / "leftImg8bit" / "val" / "aford" / f"{NAMES[1]}_leftImg8bit.png"
    fast_enough = {path: path.read_bytes() for path in streets.glob(f"*/val/aford/{NAMES[1]}*")}
    aerial = files.read_image(SAMPLES / "aerial_image.png").image
    Image.fromarray(np.tile(aerial, (3, 3, 1))).save(slow)
    for kind in ("coarse", "fine"):
        (path,) = streets.glob(f"gt{kind.title()}/val/aford/{NAMES[1]}*")
        labels = files.read_labels(SAMPLES / f"aerial_{kind}.png").ids
        Image.fromarray(np.tile(np.where(labels > 0, labels + 19, 0).astype(np.uint8), (3, 3))).save(path)
    options = ("--iterations", "100", "--theta-alpha", "5", "--theta-beta", "1")  # long enough to be stopped
    command = [*COMMAND, "--cityscapes", streets, "--images-at-once", "3", *options]
    ended = stop_on_a_terminal(command, lambda seen: b"2/3" in seen, number)
    assert ended in (1, 130, 128 + signal.SIGTERM)
    kept = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("evaluation-scores/ours-*/[!s]*")}
    assert set(kept) == {f"{NAMES[0]}.json", f"{NAMES[2]}.json"}
    for path, content in fast_enough.items():
        path.write_bytes(content)
    assert run("evaluate", "--cityscapes", streets, *options)[0] == 0
    after = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("evaluation-scores/ours-*/[!s]*")}
    assert len(after) == 3
    assert kept.items() <= after.items()


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[object, ...]:
    """Two streets in three plain folders, as options."""
    monkeypatch.chdir(tmp_path)
    for number in range(2):
        for kind, pixels in zip(("images", "coarse", "fine"), street(number), strict=True):
            (tmp_path / kind).mkdir(exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / kind / f"street{number}.png")
    return ("--images", "images", "--coarse", "coarse", "--fine", "fine")


def test_plain_folders_score_the_classes_they_hold(run: Any, folders: tuple[object, ...], tmp_path: Path) -> None:
    code, text, _ = run("evaluate", *folders, "-o", "t.json", "--ignore", 4, *FAST)
    assert (code, "images: 2 images" in text) == (0, True)
    first = json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))["tables"][0]["methods"]
    assert list(first) == ["Coarse", "Ours"]
    assert list(first["Ours"]) == ["1", "7", "23", "26", "avg"]  # 4 is ignored


def test_maps_that_number_their_classes_differently_are_told(
    run: Any, folders: tuple[object, ...], tmp_path: Path
) -> None:
    for number in (0, 1):
        fine = street(number)[2]
        Image.fromarray(np.where(fine > 0, fine + 100, 0).astype(np.uint8)).save(
            tmp_path / "fine" / f"street{number}.png"
        )
    code, _, err = run("evaluate", *folders, *FAST)
    assert (code, "number their classes alike" in err) == (0, True)


def test_baselines_are_scored_beside_ours(run: Any, folders: tuple[object, ...], tmp_path: Path) -> None:
    code, _, _ = run("evaluate", *folders, "--limit", 1, "--baselines", "-o", "t.json", *FAST)
    assert code == 0
    content = json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))
    methods = content["tables"][0]["methods"]
    assert list(methods) == ["Coarse", "Ours", *(name for name in BASELINES if name not in missing_baselines())]
    _, coarse, fine = street(0)
    assert methods["nearest label"]["avg"] == pytest.approx(
        evaluate_labels(label_by_distance(coarse), fine).mean_accuracy
    )


def test_a_baseline_that_is_not_installed_is_left_out_in_words(
    run: Any, folders: tuple[object, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baselines, "find_spec", lambda name: None)
    code, _, err = run("evaluate", *folders, "--limit", 1, "--baselines", "-o", "t.json", *FAST)
    assert (code, "pydensecrf is not installed and left out" in err) == (0, True)
    content = json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))
    assert "pydensecrf" not in content["tables"][0]["methods"]


def test_files_that_are_left_out_are_told(run: Any, folders: tuple[object, ...], tmp_path: Path) -> None:
    (tmp_path / "fine" / "street1.png").unlink()
    code, text, err = run("evaluate", *folders, *FAST)
    assert (code, "images: 1 image\n" in text) == (0, True)
    assert "1 of 2 images have no fine labels in fine and are left out." in err


def test_what_is_odd_about_a_file_is_told_with_its_name(folders: tuple[object, ...], tmp_path: Path) -> None:
    first = Image.fromarray(street(0)[0])
    (tmp_path / "images" / "street0.png").unlink()
    first.save(tmp_path / "images" / "street0.tif", save_all=True, append_images=[first.resize((9, 9))])
    command = [*COMMAND, *map(str, folders), "--limit", "1", *FAST]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=True)
    assert re.search(r"Warning: street0: .*street0.tif: It holds 2 images; the first one is taken.", done.stderr)


def test_how_files_are_taken_is_told_once(run: Any, folders: tuple[object, ...], tmp_path: Path) -> None:
    for number in (0, 1):
        picture = street(number)[0]
        seen = np.full(picture.shape[:2], 255, np.uint8)
        seen[:2] = 0
        Image.fromarray(np.dstack([picture, seen])).save(tmp_path / "images" / f"street{number}.png")
    code, _, err = run("evaluate", *folders, "--images-at-once", 1, *FAST)
    assert code == 0
    assert err.count("Left out, and left as they are:") == 1
    assert re.search(r"street[01]: Left out", err)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no terminals of this kind")
def test_a_terminal_shows_which_method_is_at_work_on_which_image(folders: tuple[object, ...]) -> None:
    command = [*COMMAND, *folders, "--baselines", "--limit", "1", *FAST]
    stop_on_a_terminal(command, lambda seen: b"street0: random walker" in seen and b"4/" in seen, signal.SIGINT)


def test_a_preset_and_options_reach_the_refinement(run: Any, folders: tuple[object, ...], tmp_path: Path) -> None:
    assert run("evaluate", *folders, "--preset", "paper", "--iterations", 1, "-o", "t.json")[0] == 0
    content = json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))
    assert content["parameters"] == Parameters.preset("paper").replace(iterations=1).to_dict()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Give the three folders --images, --coarse and --fine, or --cityscapes"),
        (["--images", "images", "--coarse", "coarse"], "Give the three folders"),
        (["--cityscapes", "images", "--fine", "fine"], "--cityscapes brings its own folders"),
        (["--cityscapes", "images", "--ignore", "3"], "--cityscapes brings its own folders"),
        (["--cityscapes", "images"], "There is no folder images"),
        (["--images", "none", "--coarse", "coarse", "--fine", "fine"], "There is no folder none"),
        (["*", "--split", "val"], "--split belongs to --cityscapes"),
        (["*", "--limit", "0"], "limit is 0; it must be a whole number from 1 up"),
        (["*", "--workers", "0"], "workers is 0; it must be"),
        (["*", "--images-at-once", "0"], "images_at_once is 0; it must be"),
        (["*", "-o", "table.xls"], "table.xls should end in .csv, .json, .md, .tex"),
        (["*", "--preset", "p.json", "-o", "p.json", "--overwrite"], "p.json is read by this command"),
        (["*", "-o", "none/table.csv"], "none does not exist. Create it first"),
        (["*", "--preset", "best"], "There is no preset and no file best"),
        (["*", "--theta-beta", "0"], "theta_beta is 0"),
        (["*", "--ignore", "99"], "street0 cannot be evaluated. Its coarse labels have shape"),
    ],
)
def test_a_slip_gets_one_sentence(
    run: Any, folders: tuple[object, ...], tmp_path: Path, arguments: list[str], message: str
) -> None:
    Image.fromarray(street(0)[2][1:]).save(tmp_path / "fine" / "street0.png")
    given = [part for argument in arguments for part in (folders if argument == "*" else (argument,))]
    code, out, err = run("evaluate", *given)
    assert (code, out) == (1, "")
    assert f"Error: {message}" in err or message in err
    assert "Traceback" not in err


def test_a_narrow_terminal_gets_wide_tables_in_parts(monkeypatch: pytest.MonkeyPatch, run: Any, streets: Path) -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)
    monkeypatch.setattr(evaluate, "stdout", terminal)
    assert run("evaluate", "--cityscapes", streets, *FAST)[0] == 0
    lines = terminal.file.getvalue().splitlines()  # type: ignore[attr-defined]  # a StringIO
    assert max(map(len, lines)) <= 80
    assert not any("…" in line for line in lines)
    shown = " ".join(line for line in lines if "road" in line or "avg" in line)
    assert shown.count("road") == shown.count("avg") == 4

"""Scoring a data set: what is kept, what is done again, and on what it runs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_coarse_crf import (
    CoarseCRFWarning,
    InputError,
    ParameterError,
    Parameters,
    evaluate_labels,
    refine_labels,
)
from napari_coarse_crf.evaluation.cityscapes import CLASS_NAMES, MASKED, read_cityscapes
from napari_coarse_crf.evaluation.dataset import Case, Dataset, Rules
from napari_coarse_crf.evaluation.scoring import COARSE, OURS, KeptScores, Plan, Watch, score_dataset
from tests.streets import NAMES, street, write_streets

if TYPE_CHECKING:
    from pathlib import Path

FAST = Parameters(iterations=2, theta_alpha=20)


@pytest.fixture
def streets(tmp_path: Path) -> Dataset:
    return read_cityscapes(write_streets(tmp_path / "streets"))


def score(dataset: Dataset, folder: Path, parameters: Parameters = FAST, **options: Any) -> tuple[Any, list[int]]:
    """Return the scores and the number of images done whenever it was told."""
    plan = Plan((COARSE, OURS), parameters, dataset.rules, workers=1)
    told: list[int] = []
    return score_dataset(dataset, plan, KeptScores(folder, plan), progress=told.append, **options), told


def kept(folder: Path) -> dict[str, int]:
    """Return the kept files with their time."""
    return {f"{path.parent.name}/{path.name}": path.stat().st_mtime_ns for path in folder.glob("*/*.json")}


def counts(scores: dict[str, Any]) -> dict[str, list[Any]]:
    return {method: [part.to_dict() for part in parts] for method, parts in scores.items()}


def test_an_image_is_scored_like_by_hand(streets: Dataset, tmp_path: Path) -> None:
    scores, told = score(streets, tmp_path / "kept")
    assert told == [0, 1, 2, 3]
    for number, (of_coarse, of_ours) in enumerate(zip(scores[COARSE], scores[OURS], strict=True)):
        image, coarse, fine = street(number)
        refined = refine_labels(image, coarse, FAST, mask=~np.isin(coarse, MASKED))
        for found, labels in ((of_coarse, coarse), (of_ours, refined)):
            expected = evaluate_labels(labels, fine, coarse=coarse, ignore=None, classes=tuple(CLASS_NAMES))
            assert found.to_dict() == expected.to_dict()
            assert set(found.classes) <= {7, 23, 26}  # neither the void nor what is not evaluated


class Heard(Watch):
    """Writes down what it hears."""

    def __init__(self) -> None:
        self.events: list[tuple[Any, ...]] = []

    def read(self, image: str, sentence: str) -> None:
        self.events.append((image, sentence))

    def begin(self, image: str, method: str, number: int, count: int) -> None:
        self.events.append((image, method, number, count))

    def end(self, image: str) -> None:
        self.events.append((image,))


def test_what_is_under_way_is_told_image_by_image(streets: Dataset, tmp_path: Path) -> None:
    heard, names = Heard(), [case.name for case in streets.cases]
    plan = Plan((COARSE, OURS, "watershed"), FAST, streets.rules, workers=1)
    score_dataset(streets, plan, KeptScores(tmp_path, plan), images_at_once=1, watch=heard)
    methods = [(COARSE, 1, 3), (OURS, 2, 3), ("watershed", 3, 3)]
    for name in names:
        assert [rest for image, *rest in heard.events if image == name] == [*map(list, methods), []]
    streets.cases[0].fine.write_bytes(b"nonsense")
    plan = replace(plan, rules=replace(plan.rules, masked=()))
    heard.events.clear()
    with pytest.raises(InputError):
        score_dataset(streets, plan, KeptScores(tmp_path, plan), images_at_once=1, watch=heard)
    assert [event for event in heard.events if event[0] == names[0]] == [(names[0],)]


def test_what_is_kept_is_not_done_again(streets: Dataset, tmp_path: Path) -> None:
    first, _ = score(replace(streets, cases=streets.cases[:2]), tmp_path / "kept")
    before = kept(tmp_path / "kept")
    assert len(before) == 4
    again, told = score(streets, tmp_path / "kept")
    assert told == [2, 3]
    assert before.items() <= kept(tmp_path / "kept").items()
    assert counts(again)[OURS][:2] == counts(first)[OURS]


def test_other_parameters_are_kept_apart_and_the_coarse_maps_are_not_scored_again(
    streets: Dataset, tmp_path: Path
) -> None:
    score(streets, tmp_path / "kept")
    before = kept(tmp_path / "kept")
    score(streets, tmp_path / "kept", FAST.replace(theta_beta=20))
    added = kept(tmp_path / "kept").keys() - before.keys()
    assert len(added) == 3
    (folder,) = {name.partition("/")[0] for name in added}
    settings = json.loads((tmp_path / "kept" / folder / "settings.txt").read_text(encoding="utf-8"))
    assert settings["parameters"] == FAST.replace(theta_beta=20).to_dict()


def test_a_changed_label_map_is_scored_again(streets: Dataset, tmp_path: Path) -> None:
    before, _ = score(streets, tmp_path / "kept")
    fine = street(1)[2]
    fine[:] = 7
    Image.fromarray(fine).save(streets.cases[1].fine)
    after, told = score(streets, tmp_path / "kept")
    assert told == [2, 3]
    assert after[OURS][1].classes == (7,)
    assert counts(after)[OURS][::2] == counts(before)[OURS][::2]


def test_a_stopped_run_goes_on_where_it_was(streets: Dataset, tmp_path: Path) -> None:
    plan = Plan((COARSE, OURS), FAST, streets.rules, workers=1)

    def press_ctrl_c(done: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_dataset(streets, plan, KeptScores(tmp_path / "kept", plan), images_at_once=1, progress=press_ctrl_c)
    before = kept(tmp_path / "kept")
    assert len(before) == 4
    _, told = score(streets, tmp_path / "kept")
    assert told == [2, 3]
    assert before.items() <= kept(tmp_path / "kept").items()


def test_a_file_that_cannot_be_read_is_named_with_its_image(streets: Dataset, tmp_path: Path) -> None:
    streets.cases[2].coarse.write_bytes(b"no image")
    with pytest.raises(InputError, match=f"The image {NAMES[2]} cannot be evaluated. .*cannot be read"):
        score(streets, tmp_path / "kept")


def test_any_number_of_images_at_once_gives_the_same_counts(streets: Dataset, tmp_path: Path) -> None:
    one, _ = score(streets, tmp_path / "one", images_at_once=1)
    three, _ = score(streets, tmp_path / "three", images_at_once=3)
    assert counts(one) == counts(three)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r".*", "{}"),
        (r".*", "[" * 100_000),
        (r".*", "5" * 5000),
        (r'("boundary": \[)\d+', r'\1"3"'),
        (r'("boundary": \[)\d+', r"\1Infinity"),
        (r'("boundary": \[)\d+', r"\1-1"),
        (r'("confusion": )\[.*\]\](.*)', r"\1[]\2"),
        (r'"unlabelled"', '"x"'),
    ],
)
def test_what_is_kept_and_holds_no_scores_is_made_again(streets: Dataset, tmp_path: Path, old: str, new: str) -> None:
    first, _ = score(streets, tmp_path / "kept")
    path = next((tmp_path / "kept").glob(f"ours-*/{NAMES[0]}.json"))
    before = path.read_text(encoding="utf-8")
    path.write_text(re.sub(old, new, before.strip(), count=1), encoding="utf-8")
    with pytest.warns(CoarseCRFWarning, match=rf"{NAMES[0]}.json holds no scores; the image is scored again"):
        again, told = score(streets, tmp_path / "kept")
    assert told == [2, 3]
    assert counts(again) == counts(first)
    assert path.read_text(encoding="utf-8") == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes among its files")
def test_a_pipe_in_the_place_of_scores_is_not_waited_for_and_a_folder_is_named(
    streets: Dataset, tmp_path: Path
) -> None:
    score(streets, tmp_path / "kept")
    path = next((tmp_path / "kept").glob(f"ours-*/{NAMES[0]}.json"))
    path.unlink()
    os.mkfifo(path)
    with pytest.warns(CoarseCRFWarning, match="holds no scores"):
        score(streets, tmp_path / "kept")
    path.unlink()
    path.mkdir()
    with pytest.raises(InputError, match=rf"{NAMES[0]}.json is a folder, where scores are kept in a file"):
        score(streets, tmp_path / "kept")


@pytest.mark.parametrize("name", ["settings", "x" * 251])
def test_an_image_may_have_any_name(streets: Dataset, tmp_path: Path, name: str) -> None:
    (case,) = (replace(case, name=name) for case in streets.cases[:1])
    first, _ = score(replace(streets, cases=(case,)), tmp_path / "kept")
    again, told = score(replace(streets, cases=(case,)), tmp_path / "kept")
    assert told == [1]
    assert counts(again) == counts(first)


def test_what_stands_for_no_data_in_the_truth_is_not_evaluated(tmp_path: Path) -> None:
    image, coarse, fine = street(0)
    paths = [tmp_path / name for name in ("image.png", "coarse.png", "fine.tif")]
    Image.fromarray(image).save(paths[0])
    Image.fromarray(coarse).save(paths[1])
    known = fine.astype(np.float32)
    known[:5] = np.nan
    tifffile.imwrite(paths[2], known)
    dataset = Dataset("one", (Case("one", *paths),), Rules(ignore=255))
    scores, _ = score(dataset, tmp_path / "kept")
    expected = evaluate_labels(coarse[5:], fine[5:], ignore=None)
    assert scores[COARSE][0].classes == expected.classes
    assert scores[COARSE][0].counts.sum() == expected.counts.sum()


def test_maps_of_unlike_shapes_are_refused_with_the_name_of_the_image(streets: Dataset, tmp_path: Path) -> None:
    image, _, fine = street(0)
    Image.fromarray(fine[:, 1:]).save(streets.cases[0].fine)
    with pytest.raises(InputError, match=rf"{NAMES[0]} cannot be evaluated. Its coarse labels have shape \(26, 45\)"):
        score(streets, tmp_path / "kept")
    Image.fromarray(fine).save(streets.cases[0].fine)
    Image.fromarray(image[1:]).save(streets.cases[0].image)
    with pytest.raises(InputError, match=rf"{NAMES[0]} cannot be evaluated. The image is \(25, 45, 3\)"):
        score(streets, tmp_path / "kept")


def test_a_folder_that_cannot_be_made_is_named(streets: Dataset, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(InputError, match=r"The folder .*taken.* cannot be made"):
        score(streets, tmp_path / "taken")


@pytest.mark.parametrize("options", [{"images_at_once": 0}, {"images_at_once": -1}])
def test_numbers_below_one_are_refused(streets: Dataset, tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=r"images_at_once is .*from 1 up"):
        score(streets, tmp_path / "kept", **options)


def test_a_cluster_gives_the_same_counts(streets: Dataset, tmp_path: Path) -> None:
    from distributed import LocalCluster

    here, _ = score(streets, tmp_path / "here")
    # Over TCP like a real one, but its worker is a thread of this process, which has compiled everything already.
    with LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, protocol="tcp://", dashboard_address="localhost:0"
    ) as cluster:
        there, told = score(streets, tmp_path / "there", scheduler=cluster.scheduler_address)
        assert told == [0, 1, 2, 3]
        streets.cases[1].fine.write_bytes(b"no image")
        with pytest.raises(InputError, match=f"The image {NAMES[1]} cannot be evaluated"):
            score(streets, tmp_path / "there", scheduler=cluster.scheduler_address)
    assert counts(there) == counts(here)


def test_an_address_that_is_none_is_refused(streets: Dataset, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no scheduler at pigeon://roof"):
        score(streets, tmp_path / "kept", scheduler="pigeon://roof")


def test_a_cluster_without_its_package_names_it(
    streets: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "dask.distributed", None)  # Python's way to say: cannot be imported
    with pytest.raises(InputError, match=r'needs the package distributed: pip install "napari-coarse-crf\[cluster\]"'):
        score(streets, tmp_path / "kept", scheduler="tcp://127.0.0.1:8786")


def test_everything_that_scoring_loads_counts_as_code_that_decides_the_scores() -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from napari_coarse_crf.evaluation import scoring\n"
        "package = Path(sys.modules['napari_coarse_crf'].__file__).parent\n"
        "loaded = {Path(m.__file__) for n, m in sys.modules.items() if n.startswith('napari_coarse_crf')}\n"
        "assert len(loaded) > 15\n"
        "print(*sorted(loaded - set(scoring.code_that_scores().values())))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []

"""Where the results of many pairs go."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_coarse_crf import InputError
from napari_coarse_crf.io.results import Task, plan_tasks


def test_results_have_the_name_of_the_coarse_labels() -> None:
    image, coarse = Path("images/a_img.jpg"), Path("labels/a_coarse.tif")
    planned = plan_tasks([{"image": image, "coarse": coarse}], Path("out"), Path("sure"))
    assert planned == [Task(image, coarse, Path("out/a_coarse.tif"), Path("sure/a_coarse.tif"))]


def test_a_task_is_done_if_all_results_exist(tmp_path: Path) -> None:
    task = Task(tmp_path / "i.png", tmp_path / "c.png", tmp_path / "o.png", tmp_path / "s.png")
    task.labels.touch()
    assert not task.is_done
    (tmp_path / "s.png").touch()
    assert task.is_done


def test_labels_of_two_images_are_refused() -> None:
    pairs = [{"image": Path(f"images/{name}.png"), "coarse": Path("labels/a_coarse.png")} for name in ("a", "a_coarse")]
    with pytest.raises(InputError, match=r"a_coarse.png belongs to .*a.png as well as to .*a_coarse.png"):
        plan_tasks(pairs, Path("out"))  # type: ignore[arg-type]  # the roles are literals


def test_results_do_not_go_where_the_mask_lies(tmp_path: Path) -> None:
    pair = {"image": tmp_path / "i" / "a.png", "coarse": tmp_path / "c" / "a.png"}
    with pytest.raises(InputError, match="holds files that this command reads"):
        plan_tasks([pair], tmp_path / "m", mask=tmp_path / "c" / ".." / "m" / "mask.png")  # type: ignore[list-item]
